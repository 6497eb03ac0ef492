/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what firmware says about an interrupt to the kernel's number for it.
 *
 * A device tree names an interrupt by its controller's node and a few cells that only the
 * controller understands; a bus node may rewrite both through interrupt-map (Devicetree
 * Specification 2.4).  ACPI numbers all interrupts of the machine and a domain claims a range of
 * them.
 */
#define LOG_PREFIX "irq: "

#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/string.h>
#include <kernel/sync/rcu.h>
#include "irq_internal.h"

static struct list domains = LIST_INIT(domains); /* irq_table_lock; only grows */

int irq_domain_register(struct irq_domain *dom)
{
	if (!dom->ops || !dom->ops->map)
		return -EINVAL;
	guard_mutex(&irq_table_lock);
	list_push_back_rcu(&domains, &dom->link);
	return 0;
}

struct irq_domain *irq_domain_find_fdt(int node)
{
	struct irq_domain *dom;

	list_for_each_rcu(dom, &domains,
			  link) if (dom->fdt_node == node && dom->ops->translate) return dom;
	return NULL;
}

struct irq_domain *irq_domain_find_msi(int node)
{
	struct irq_domain *dom, *any = NULL;

	list_for_each_rcu(dom, &domains, link)
	{
		if (!dom->ops->msi_alloc)
			continue;
		if (node >= 0 && dom->fdt_node == node)
			return dom;
		if (!any)
			any = dom;
	}
	return any;
}

unsigned irq_find(struct irq_domain *dom, u64 hwirq)
{
	for (unsigned irq = 1; irq < NR_IRQS; irq++) {
		struct irq_desc *d = rcu_dereference(irq_table[irq]);

		if (!d)
			break;
		if (d->domain == dom && d->hwirq == hwirq)
			return irq;
	}
	return 0;
}

unsigned irq_map_trigger(struct irq_domain *dom, u64 hwirq, unsigned trigger)
{
	guard_mutex(&irq_table_lock);

	unsigned irq = irq_find(dom, hwirq);

	return irq ? irq : irq_desc_create(dom, hwirq, trigger);
}

unsigned irq_map(struct irq_domain *dom, u64 hwirq)
{
	return irq_map_trigger(dom, hwirq, IRQ_TRIGGER_DEFAULT);
}

static int map_spec(struct irq_domain *dom, const struct irq_spec *spec, unsigned *irq)
{
	unsigned trigger = IRQ_TRIGGER_DEFAULT;
	u64 hwirq;
	int err = dom->ops->translate(dom, spec, &hwirq, &trigger);

	if (err)
		return err;
	*irq = irq_map_trigger(dom, hwirq, trigger);
	return *irq ? 0 : -ENOMEM;
}

int irq_from_fdt_spec(int controller, const struct irq_spec *spec, unsigned *irq)
{
	struct irq_domain *dom = irq_domain_find_fdt(controller);

	return dom ? map_spec(dom, spec, irq) : -EPROBE_DEFER;
}

/* The node that handles interrupts of `node`: the nearest interrupt-parent upwards. */
static int interrupt_parent(const struct fdt *fdt, int node)
{
	while (node >= 0) {
		u32 phandle;

		if (fdt_cell(fdt, node, "interrupt-parent", 0, &phandle))
			return fdt_find_phandle(fdt, phandle);
		node = fdt_parent(fdt, node);
		if (node >= 0 && fdt_has(fdt, node, "interrupt-controller"))
			return node;
	}
	return FDT_NONE;
}

static int cells_from(const struct fdt *fdt, int node, const char *property, unsigned first,
		      unsigned n, struct irq_spec *spec)
{
	if (n > ARRAY_SIZE(spec->cells))
		return -EINVAL;
	spec->nr = n;
	for (unsigned i = 0; i < n; i++)
		if (!fdt_cell(fdt, node, property, first + i, &spec->cells[i]))
			return -ENOENT;
	return 0;
}

static int from_extended(const struct fdt *fdt, int node, unsigned index, unsigned *irq)
{
	unsigned at = 0;
	u32 phandle;

	for (unsigned i = 0; fdt_cell(fdt, node, "interrupts-extended", at, &phandle); i++) {
		int controller = fdt_find_phandle(fdt, phandle);
		u32 cells = controller >= 0 ? fdt_u32(fdt, controller, "#interrupt-cells", 1) : 1;
		struct irq_spec spec;
		int err;

		if (i == index) {
			err = cells_from(fdt, node, "interrupts-extended", at + 1, cells, &spec);
			return err ? err : irq_from_fdt_spec(controller, &spec, irq);
		}
		at += 1 + cells;
	}
	return -ENOENT;
}

int irq_from_fdt(int node, unsigned index, unsigned *irq)
{
	const struct fdt *fdt = fdt_system();
	struct irq_spec spec;
	int controller, err;
	u32 cells;

	if (!fdt)
		return -ENOENT;
	if (fdt_has(fdt, node, "interrupts-extended"))
		return from_extended(fdt, node, index, irq);
	controller = interrupt_parent(fdt, node);
	if (controller < 0)
		return -ENOENT;
	cells = fdt_u32(fdt, controller, "#interrupt-cells", 1);
	err = cells_from(fdt, node, "interrupts", index * cells, cells, &spec);
	return err ? err : irq_from_fdt_spec(controller, &spec, irq);
}

int irq_from_gsi(u32 gsi, unsigned trigger, unsigned *irq)
{
	struct irq_spec spec = {.cells = {gsi, trigger}, .nr = 2};
	struct irq_domain *dom;

	list_for_each_rcu(
		dom, &domains,
		link) if (dom->ops->translate && gsi >= dom->hwirq_base &&
			  gsi < dom->hwirq_base + dom->nr_hwirqs) return map_spec(dom, &spec, irq);
	return -EPROBE_DEFER;
}

/* A message's descriptor outlives its use: the controller learns again what it is bound to. */
static unsigned map_message(struct irq_domain *dom, u64 hwirq)
{
	unsigned irq;

	guard_mutex(&irq_table_lock);
	irq = irq_find(dom, hwirq);
	if (irq)
		return dom->ops->map(dom, irq_table[irq]) ? 0 : irq;
	return irq_desc_create(dom, hwirq, IRQ_TRIGGER_RISING);
}

int irq_msi_alloc(struct irq_domain *dom, unsigned n, u32 device_id, unsigned *irqs)
{
	u64 hwirq;
	int err;

	if (!dom || !dom->ops->msi_alloc)
		return -ENODEV;
	err = dom->ops->msi_alloc(dom, n, &hwirq, device_id);
	if (err)
		return err;
	for (unsigned i = 0; i < n; i++) {
		irqs[i] = map_message(dom, hwirq + i);
		if (!irqs[i]) {
			dom->ops->msi_free(dom, hwirq, n);
			return -ENOMEM;
		}
	}
	return 0;
}

void irq_msi_free(unsigned *irqs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct irq_desc *d = irq_desc_get(irqs[i]);

		d->domain->ops->msi_free(d->domain, d->hwirq, 1);
	}
}

int irq_msi_message(unsigned irq, u64 *address, u32 *data)
{
	struct irq_desc *d = irq_desc_get(irq);

	if (!d || !d->chip->msi_message)
		return -ENODEV;
	guard_spin_irq(&d->lock);
	return d->chip->msi_message(d, address, data);
}
