/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's hosts: windows of configuration space that the MCFG table of ACPI lists (PCI
 * Firmware 3.2, 4.1.2), or else the two ports of PCI's mechanism 1, which reach 256 bytes per
 * function.
 *
 * Firmware numbered the buses and placed the ranges.  Which lines functions use is known to ACPI's
 * byte code only, which is not interpreted; the interrupt line register holds what firmware routed
 * for the old interrupt controllers, and the I/O APIC has these lines too on the machines known.
 * Unverified on hardware.  Messages need none of that.
 */
#define LOG_PREFIX "pci: "
#include <apic.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/device/bus_scan.h>
#include <kernel/firmware/acpi.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>
#include <port.h>
#include "pci_internal.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define ADDRESS_ENABLE (1u << 31)
#define BUS_SIZE       (1u << 20)

static struct spinlock port_lock = SPINLOCK_INIT(RANK_BUS); /* address and data belong together */

static void select_register(unsigned bus, unsigned devfn, unsigned reg)
{
	assert_held(&port_lock);
	outl(CONFIG_ADDRESS, ADDRESS_ENABLE | bus << 16 | devfn << 8 | (reg & 0xfc));
}

static u32 port_read(struct pci_host *h, unsigned bus, unsigned devfn, unsigned reg, unsigned width)
{
	u16 port = (u16)(CONFIG_DATA + (reg & 3));

	if (reg >= PCI_CFG_SPACE_SIZE)
		return U32_MAX;
	guard_spin_irq(&port_lock);
	select_register(bus, devfn, reg);
	switch (width) {
	case 1: return inb(port);
	case 2: return inw(port);
	default: return inl(port);
	}
}

static void port_write(struct pci_host *h, unsigned bus, unsigned devfn, unsigned reg,
		       unsigned width, u32 value)
{
	u16 port = (u16)(CONFIG_DATA + (reg & 3));

	if (reg >= PCI_CFG_SPACE_SIZE)
		return;
	guard_spin_irq(&port_lock);
	select_register(bus, devfn, reg);
	switch (width) {
	case 1: outb(port, (u8)value); break;
	case 2: outw(port, (u16)value); break;
	default: outl(port, value);
	}
}

/* Something answers at the ports, and there is a first bus with a function on it. */
static bool ports_work(void)
{
	u32 old;

	with_spin_irq(&port_lock)
	{
		old = inl(CONFIG_ADDRESS);
		outl(CONFIG_ADDRESS, ADDRESS_ENABLE);
		if (inl(CONFIG_ADDRESS) != ADDRESS_ENABLE) {
			outl(CONFIG_ADDRESS, old);
			return false;
		}
	}
	return (port_read(NULL, 0, 0, PCI_VENDOR_ID, 4) & 0xffff) != 0xffff;
}

static volatile u8 *mcfg_map_bus(struct pci_host *h, unsigned bus)
{
	return mmio_map(h->ecam + (u64)bus * BUS_SIZE, BUS_SIZE);
}

static int pc_route(struct pci_host *h, const struct pci_device *asker, unsigned devfn,
		    unsigned pin, unsigned *irq)
{
	u8 line = pci_read8(asker, PCI_INTERRUPT_LINE);
	unsigned trigger;
	u32 gsi;

	if (!line || line >= 16)
		return -ENOENT;
	x86_isa_irq(line, &gsi, &trigger);
	/* The board's lines are pulses unless ACPI overrides them; PCI's are levels in any case. */
	return irq_from_gsi(gsi, trigger & IRQ_TRIGGER_LEVEL ? trigger : IRQ_TRIGGER_HIGH, irq);
}

static struct irq_domain *pc_msi_domain(struct pci_host *h, u32 requester, u32 *id)
{
	*id = requester;
	return irq_domain_find_msi(-1);
}

static void add_host(u16 segment, u8 first, u8 last, paddr_t ecam)
{
	struct pci_host *h = kzalloc(sizeof(*h), GFP_KERNEL);

	if (!h) {
		log_err("segment %u: no memory\n", segment);
		return;
	}
	h->segment = segment;
	h->first = first;
	h->last = last;
	h->set_up = true;
	h->fdt_node = -1;
	h->ecam = ecam;
	h->route = pc_route;
	h->msi_domain = pc_msi_domain;
	if (ecam) {
		h->map_bus = mcfg_map_bus;
	} else {
		h->read = port_read;
		h->write = port_write;
	}
	pci_host_add(h);
}

static void pc_scan(void)
{
	const struct acpi_mcfg_window *w;
	unsigned n = 0;

	for (; (w = acpi_mcfg_nth(n)); n++)
		if (w->bus_start <= w->bus_end)
			add_host(w->segment, w->bus_start, w->bus_end, w->address);
	if (!n && ports_work())
		add_host(0, 0, 255, 0);
}

BUS_SCAN(pci_pc, pc_scan);
