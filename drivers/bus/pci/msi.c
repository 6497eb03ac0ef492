/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of a function: messages or a line.
 *
 * MSI-X (PCI 3.0, 6.8.2) keeps a table of messages in a memory range, one per interrupt; MSI
 * (6.8.1) has one message in configuration space whose low bits the device changes, so its
 * interrupts are consecutive.  A line is one of four pins, shared, and finds its way through
 * bridges by rotation (PCI-to-PCI Bridge 1.2, 9.1) and from the root bus by what the host knows.
 *
 * All of it is the driver's: allocated in its probe, freed in its remove.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/bits.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>
#include "pci_internal.h"

#define MSI_MAX 32

static u32 requester_of(const struct pci_device *d)
{
	return (u32)d->bus->number << 8 | d->devfn;
}

static struct irq_domain *msi_domain(struct pci_device *d, u32 *id)
{
	struct pci_host *h = d->bus->host;

	return h->msi_domain ? h->msi_domain(h, requester_of(d), id) : NULL;
}

/* --- MSI-X ------------------------------------------------------------------------------------ */

static int msix_program(struct pci_device *d, unsigned n)
{
	volatile u8 *entry = d->msix_table + n * PCI_MSIX_ENTRY_SIZE;
	u64 address;
	u32 data;
	int err = irq_msi_message(d->irqs[n], &address, &data);

	if (err)
		return err;
	mmio_write32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	mmio_write32(entry + PCI_MSIX_ENTRY_LOWER_ADDR, (u32)address);
	mmio_write32(entry + PCI_MSIX_ENTRY_UPPER_ADDR, (u32)(address >> 32));
	mmio_write32(entry + PCI_MSIX_ENTRY_DATA, data);
	mmio_write32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	return 0;
}

/* As many as there are, up to `max`.  Returns how many. */
static unsigned vectors_alloc(struct pci_device *d, unsigned max)
{
	struct irq_domain *dom;
	unsigned n = 0;
	u32 id = 0;

	dom = msi_domain(d, &id);
	while (dom && n < max && !irq_msi_alloc(dom, 1, id, &d->irqs[n]))
		n++;
	return n;
}

/* Last first, as some domains take back only what they gave last. */
static void vectors_free(struct pci_device *d, unsigned n)
{
	while (n--)
		irq_msi_free(&d->irqs[n], 1);
}

static void msix_switch(struct pci_device *d, unsigned cap, u16 set, u16 clear)
{
	u16 flags = pci_read16(d, cap + PCI_MSIX_FLAGS);

	pci_write(d, cap + PCI_MSIX_FLAGS, 2, (flags & ~clear) | set);
}

static int msix_start(struct pci_device *d, unsigned cap, unsigned n)
{
	int err = 0;

	/* The table may be written only while memory decodes; masked as a whole until it is. */
	pci_write(d, PCI_COMMAND, 2, pci_read16(d, PCI_COMMAND) | PCI_COMMAND_MEMORY);
	msix_switch(d, cap, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 0);
	for (unsigned i = 0; i < n && !err; i++)
		err = msix_program(d, i);
	msix_switch(d, cap, 0, err ? PCI_MSIX_FLAGS_ENABLE : PCI_MSIX_FLAGS_MASKALL);
	return err;
}

static int msix_alloc(struct pci_device *d, unsigned min, unsigned max)
{
	unsigned cap = pci_find_capability(d, PCI_CAP_ID_MSIX, 0), size, n;
	u32 where;
	int err;

	if (!cap)
		return -ENOSPC;
	size = (pci_read16(d, cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1u;
	where = pci_read32(d, cap + PCI_MSIX_TABLE);
	max = min(max, size);
	if (max < min)
		return -ENOSPC;
	d->msix_table = pci_map(d, where & PCI_MSIX_TABLE_BIR, where & (u32)PCI_MSIX_TABLE_OFFSET,
				(u64)size * PCI_MSIX_ENTRY_SIZE);
	if (!d->msix_table)
		return -ENOSPC;
	n = vectors_alloc(d, max);
	err = n < min || !n ? -ENOSPC : msix_start(d, cap, n);
	if (err) {
		vectors_free(d, n);
		mmio_unmap(d->msix_table);
		d->msix_table = NULL;
		return err;
	}
	d->nr_irqs = n;
	d->irq_mode = PCI_IRQ_MSIX;
	return 0;
}

/* --- MSI -------------------------------------------------------------------------------------- */

static int msi_program(struct pci_device *d, unsigned cap, unsigned n)
{
	u16 flags = pci_read16(d, cap + PCI_MSI_FLAGS);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;
	u64 address;
	u32 data;
	int err = irq_msi_message(d->irqs[0], &address, &data);

	if (err)
		return err;
	if (address >> 32 && !wide)
		return -ENOSPC;
	pci_write(d, cap + PCI_MSI_ADDRESS_LO, 4, (u32)address);
	if (wide)
		pci_write(d, cap + PCI_MSI_ADDRESS_HI, 4, (u32)(address >> 32));
	pci_write(d, cap + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2, data);
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		pci_write(d, cap + (wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32), 4, 0);
	flags &= ~PCI_MSI_FLAGS_QSIZE;
	flags |= (u16)(ctz64(n) << 4) | PCI_MSI_FLAGS_ENABLE;
	pci_write(d, cap + PCI_MSI_FLAGS, 2, flags);
	return 0;
}

static int msi_alloc(struct pci_device *d, unsigned min, unsigned max)
{
	unsigned cap = pci_find_capability(d, PCI_CAP_ID_MSI, 0), n;
	struct irq_domain *dom;
	u32 id = 0;
	int err;

	dom = msi_domain(d, &id);
	if (!cap || !dom)
		return -ENOSPC;
	n = 1u << (pci_read16(d, cap + PCI_MSI_FLAGS) >> 1 & 7);
	n = min(n, (unsigned)MSI_MAX);
	while (n > max)
		n /= 2;
	while (n && n >= min && irq_msi_alloc(dom, n, id, d->irqs))
		n /= 2;
	if (!n || n < min)
		return -ENOSPC;
	err = msi_program(d, cap, n);
	if (err) {
		irq_msi_free(d->irqs, n);
		return err;
	}
	d->nr_irqs = n;
	d->irq_mode = PCI_IRQ_MSI;
	return 0;
}

/* --- the line --------------------------------------------------------------------------------- */

unsigned pci_line_irq(struct pci_device *d)
{
	struct pci_host *h = d->bus->host;
	unsigned pin = d->pin, irq = 0;
	const struct pci_device *at = d;

	if (!pin || !h->route)
		return 0;
	while (at->bus->bridge) {
		pin = (pin - 1 + PCI_DEVFN_SLOT(at->devfn)) % 4 + 1;
		at = at->bus->bridge;
	}
	return h->route(h, d, at->devfn, pin, &irq) ? 0 : irq;
}

static int line_alloc(struct pci_device *d)
{
	unsigned irq = pci_line_irq(d);

	if (!irq)
		return -ENOSPC;
	d->irqs[0] = irq;
	d->nr_irqs = 1;
	d->irq_mode = PCI_IRQ_LINE;
	pci_write(d, PCI_COMMAND, 2, pci_read16(d, PCI_COMMAND) & ~PCI_COMMAND_INTX_DISABLE);
	return 0;
}

/* --- for drivers ------------------------------------------------------------------------------ */

int pci_irq_alloc(struct pci_device *d, unsigned min, unsigned max, unsigned *n)
{
	int err;

	if (!min || max < min)
		return -EINVAL;
	d->irqs = kcalloc(max, sizeof(*d->irqs), GFP_KERNEL);
	if (!d->irqs)
		return -ENOMEM;
	err = msix_alloc(d, min, max);
	if (err)
		err = msi_alloc(d, min, max);
	if (!err)
		pci_write(d, PCI_COMMAND, 2, pci_read16(d, PCI_COMMAND) | PCI_COMMAND_INTX_DISABLE);
	else if (min == 1)
		err = line_alloc(d);
	if (err) {
		kfree(d->irqs);
		d->irqs = NULL;
		return err;
	}
	*n = d->nr_irqs;
	return 0;
}

void pci_irq_free(struct pci_device *d)
{
	unsigned msix = pci_find_capability(d, PCI_CAP_ID_MSIX, 0);
	unsigned msi = pci_find_capability(d, PCI_CAP_ID_MSI, 0);

	if (d->irq_mode == PCI_IRQ_MSIX) {
		if (msix)
			msix_switch(d, msix, 0, PCI_MSIX_FLAGS_ENABLE);
		mmio_unmap(d->msix_table);
		d->msix_table = NULL;
	}
	if (d->irq_mode == PCI_IRQ_MSI && msi)
		pci_write(d, msi + PCI_MSI_FLAGS, 2,
			  pci_read16(d, msi + PCI_MSI_FLAGS) & ~PCI_MSI_FLAGS_ENABLE);
	if (d->irq_mode == PCI_IRQ_MSIX || d->irq_mode == PCI_IRQ_MSI)
		vectors_free(d, d->nr_irqs);
	kfree(d->irqs);
	d->irqs = NULL;
	d->nr_irqs = 0;
	d->irq_mode = PCI_IRQ_NONE;
}

void pci_irq_spread(struct pci_device *d, unsigned n, const struct cpumask *mask)
{
	/* A refusal leaves the interrupt where it is, which is no worse than not asking. */
	if (d->irq_mode == PCI_IRQ_MSIX && !irq_set_affinity(d->irqs[n], mask))
		(void)!msix_program(d, n);
}
