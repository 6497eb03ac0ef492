/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the room. */
#pragma once

#include "pci.h"

#define PCI_NR_WINDOWS 6

/* Addresses that go to a bus: the processor's [start, start + size) appear there at `bus`. */
struct pci_window {
	u64 start, size, bus;
	u32 flags; /* PCI_RANGE_IO, _MEM, _MEM64, _PREFETCH */
};

struct pci_host {
	u16 segment;         /* [I] */
	u8 first, last;      /* [I] bus numbers */
	bool set_up;         /* [I] firmware gave numbers and addresses, which stay */
	int fdt_node;        /* [I] or negative */
	unsigned nr_windows; /* [I] */
	struct pci_window windows[PCI_NR_WINDOWS]; /* [I] */
	/* The configuration space of `bus`, 4 KiB per function; NULL when it cannot be mapped.  Or
	 * no such function: then by read and write. */
	volatile u8 *(*map_bus)(struct pci_host *h, unsigned bus);
	u32 (*read)(struct pci_host *h, unsigned bus, unsigned devfn, unsigned reg, unsigned width);
	void (*write)(struct pci_host *h, unsigned bus, unsigned devfn, unsigned reg,
		      unsigned width, u32 value);
	/* The interrupt of `pin` (1..4) of a function on the root bus. */
	int (*route)(struct pci_host *h, const struct pci_device *asker, unsigned devfn,
		     unsigned pin, unsigned *irq);
	/* Who takes messages of a requester, and by what number it knows it. */
	struct irq_domain *(*msi_domain)(struct pci_host *h, u32 requester, u32 *id);
	paddr_t ecam;         /* [I] the host driver's */
	u8 next_bus;          /* [c] numbers are given out from here */
	struct pci_bus *root; /* [I] */
	struct device dev;
	struct list link; /* [c] */
};                        /* c: pci_lock */

struct pci_bus {
	struct pci_host *host;     /* [I] */
	struct pci_device *bridge; /* [I] NULL: the root */
	u8 number, last;           /* [c] the highest number behind it */
	volatile u8 *config;       /* [I] mapped, or NULL */
	struct list devices;       /* [c] struct pci_device.link */
};

extern struct mutex pci_lock; /* RANK_DRIVER: the tree and all addresses */

/* config.c */
u32 pci_bus_read(const struct pci_bus *b, unsigned devfn, unsigned reg, unsigned width);
void pci_bus_write(const struct pci_bus *b, unsigned devfn, unsigned reg, unsigned width,
		   u32 value);

/* scan.c: find the functions of a bus and what is behind its bridges.  Locks: pci_lock.
 * 0 or -ENOMEM; what was found stays. */
int pci_bus_scan(struct pci_bus *b);
struct pci_bus *pci_bus_create(struct pci_host *h, struct pci_device *bridge, unsigned number);
bool pci_slot_hotplug(const struct pci_device *bridge);

/* assign.c: addresses for everything of the bus that has none.  Locks: pci_lock. */
void pci_bus_assign(struct pci_bus *b);
u64 pci_range_bus_address(const struct pci_device *d, const struct pci_range *r);

/* device.c: the model's side. */
void pci_host_add(struct pci_host *h);
void pci_device_release(struct device *dev);

/* sysfs.c */
extern const struct device_attribute *const pci_attributes[];
extern const struct device_binary *const pci_binaries[];

/* device.c: take the function and what is behind it out of the tree; look for new ones. */
void pci_device_remove(struct pci_device *d);
void pci_rescan(void);

/* msi.c: the irq of the device's line, or 0. */
unsigned pci_line_irq(struct pci_device *d);
