/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI devices, as their drivers see them (PCI Local Bus 3.0, PCI Express Base 5.0).
 *
 *	host	a root: how configuration space is reached, which addresses it forwards
 *	bus	a number, its functions, and the bridge that leads to it
 *	device	one function: identity, address ranges (BARs), interrupts
 *
 * A driver lists what it knows and is a `struct driver` of `pci_bus_type`:
 *
 *	static const struct pci_id ids[] = { { PCI_ID(0x1af4, 0x1042) }, { 0 } };
 *	static const struct driver my_driver = { "my", &pci_bus_type, ids, my_probe, my_remove };
 *	DRIVER(my_driver);
 *
 * and finds its device by to_pci_device(dev).
 */
#pragma once

#include <arch/io.h>
#include <kernel/abi/pci_regs.h>
#include <kernel/device/device.h>
#include <kernel/irq/irq.h>

struct pci_bus;

#define PCI_DEVFN_MAKE(slot, fn) ((slot) << 3 | (fn))
#define PCI_DEVFN_SLOT(devfn)    ((devfn) >> 3)
#define PCI_DEVFN_FN(devfn)      ((devfn)&7)

/* Address ranges: the BARs, the option ROM, and a bridge's windows. */
enum pci_range_index {
	PCI_RANGE_BAR0,
	PCI_RANGE_ROM = 6,
	PCI_RANGE_BRIDGE_IO,
	PCI_RANGE_BRIDGE_MEM,
	PCI_RANGE_BRIDGE_PREF,
	PCI_NR_RANGES,
};

/* pci_range.flags: numbers as the file "resource" shows them; the low four bits are the BAR's. */
#define PCI_RANGE_IO        0x00000100u
#define PCI_RANGE_MEM       0x00000200u
#define PCI_RANGE_PREFETCH  0x00002000u
#define PCI_RANGE_READONLY  0x00004000u
#define PCI_RANGE_SIZEALIGN 0x00040000u
#define PCI_RANGE_MEM64     0x00100000u

struct pci_range {
	u64 start; /* processor's address, or port */
	u64 size;  /* 0: not there */
	u32 flags;
	bool placed; /* has an address */
	bool tried;  /* found no place in this round of assignment */
};

struct pci_id {
	u16 vendor, device; /* PCI_ANY: every */
	u16 subvendor, subdevice;
	u32 class, class_mask;
};

#define PCI_ANY 0xffff
#define PCI_ID(vendor_, device_)                                                                   \
	.vendor = (vendor_), .device = (device_), .subvendor = PCI_ANY, .subdevice = PCI_ANY
#define PCI_ID_CLASS(class_, mask_)                                                                \
	PCI_ID(PCI_ANY, PCI_ANY), .class = (class_), .class_mask = (mask_)

enum pci_irq_mode { PCI_IRQ_NONE, PCI_IRQ_LINE, PCI_IRQ_MSI, PCI_IRQ_MSIX };

struct pci_device {
	struct device dev;
	struct pci_bus *bus;                    /* [I] */
	struct pci_bus *child;                  /* [I] behind a bridge, or NULL */
	struct list link;                       /* [c] of the bus */
	u8 devfn;                               /* [I] */
	u8 header, revision;                    /* [I] header type without the multifunction bit */
	u8 pin;                                 /* [I] 1..4: INTA..INTD, 0: none */
	u16 vendor, device;                     /* [I] */
	u16 subvendor, subdevice;               /* [I] */
	u32 class;                              /* [I] class, subclass, interface */
	u8 express;                             /* [I] offset of the PCI Express capability, or 0 */
	bool multifunction;                     /* [I] */
	u32 gone;                               /* [a] does not answer any more */
	struct pci_range ranges[PCI_NR_RANGES]; /* [c] */

	enum pci_irq_mode irq_mode; /* the driver's */
	unsigned nr_irqs, *irqs;    /* the driver's */
	volatile u8 *msix_table;    /* the driver's */
};                                  /* c: pci_lock */

extern struct bus pci_bus_type;

static inline struct pci_device *to_pci_device(const struct device *dev)
{
	return container_of(dev, struct pci_device, dev);
}

/*
 * Configuration space, `reg` aligned to the width.  Reads of a device that is gone are all ones.
 * Context: any.
 */
u32 pci_read(const struct pci_device *d, unsigned reg, unsigned width);
void pci_write(const struct pci_device *d, unsigned reg, unsigned width, u32 value);

static inline u8 pci_read8(const struct pci_device *d, unsigned reg)
{
	return (u8)pci_read(d, reg, 1);
}

static inline u16 pci_read16(const struct pci_device *d, unsigned reg)
{
	return (u16)pci_read(d, reg, 2);
}

static inline u32 pci_read32(const struct pci_device *d, unsigned reg)
{
	return pci_read(d, reg, 4);
}

/*
 * The first capability `id` after offset `after` (0: from the beginning), or 0.  A list that loops
 * ends.  Context: any.
 */
unsigned pci_find_capability(const struct pci_device *d, u8 id, unsigned after);
/* The same of the extended list (offsets from 256 on). */
unsigned pci_find_extended(const struct pci_device *d, u16 id);

/* Let the device answer to its ranges, and start and end transfers of its own.  0 or -EIO. */
int __must_check pci_enable(struct pci_device *d);
void pci_disable(struct pci_device *d);

/*
 * The memory range `bar`, or `len` bytes from `offset` of it, mapped as device registers.
 * NULL: no such memory range, no address, too short, or no room.  mmio_unmap() ends it.
 * Context: may sleep.
 */
volatile void *pci_map(struct pci_device *d, unsigned bar, u64 offset, u64 len);

/*
 * Between `min` and `max` interrupts of the device: MSI-X, else MSI, else its line if min is 1.
 * *n: how many.  Returns 0, -ENOSPC, -ENOMEM, -EINVAL.  Context: may sleep.
 */
int __must_check pci_irq_alloc(struct pci_device *d, unsigned min, unsigned max, unsigned *n);
void pci_irq_free(struct pci_device *d);

/* The kernel's number of interrupt `n`. */
static inline unsigned pci_irq(const struct pci_device *d, unsigned n)
{
	return d->irqs[n];
}

/* Have interrupt `n`, not requested yet, go to processors of `mask`.  A line stays where it is. */
void pci_irq_spread(struct pci_device *d, unsigned n, const struct cpumask *mask);
