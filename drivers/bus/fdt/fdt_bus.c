/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device-tree nodes meet their drivers.
 *
 * Every enabled node is offered to the drivers of the linker set: its compatible strings from the
 * most specific on, the first driver that lists one takes it.  A driver that needs another first
 * says -EPROBE_DEFER and is asked again as long as others make progress.
 *
 * Interrupt controllers form a tree of their own (interrupt-parent), so they are probed in rounds:
 * a node is ready when its parent is itself or done.
 */
#define LOG_PREFIX "fdt: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/device/device.h>
#include <kernel/firmware/fdt.h>
#include <kernel/device/bus_scan.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/lib/string.h>

LINKSET_DECLARE(fdt_irqchips, struct fdt_driver);
LINKSET_DECLARE(fdt_drivers, struct fdt_driver);

#define MAX_IRQCHIPS 64
#define MAX_DEFERRED 64

static struct irqchip {
	int node;
	const struct fdt_driver *driver; /* NULL: done, but by nobody */
} irqchips[MAX_IRQCHIPS];
static unsigned nr_irqchips;

static bool driver_lists(const struct fdt_driver *d, const char *compatible)
{
	for (unsigned i = 0; d->compatible[i]; i++)
		if (!strcmp(d->compatible[i], compatible))
			return true;
	return false;
}

static const struct fdt_driver *find_driver(const struct fdt *fdt, int node,
					    const struct fdt_driver *const *begin,
					    const struct fdt_driver *const *end)
{
	const char *name;

	for (unsigned n = 0; (name = fdt_string_nth(fdt, node, "compatible", n)); n++)
		for (const struct fdt_driver *const *d = begin; d < end; d++)
			if (driver_lists(*d, name))
				return *d;
	return NULL;
}

/* Returns true when the driver asks to wait. */
static bool probe_node(const struct fdt *fdt, int node, const struct fdt_driver *d, int *err)
{
	*err = d->probe(fdt, node);
	if (*err == -EPROBE_DEFER)
		return true;
	if (*err && *err != -ENODEV)
		log_warn("%s: %s failed: %d\n", fdt_node_name(fdt, node), d->name, *err);
	return false;
}

static bool irqchip_known(int node)
{
	for (unsigned i = 0; i < nr_irqchips; i++)
		if (irqchips[i].node == node)
			return true;
	return false;
}

static void irqchip_probe(const struct fdt *fdt, int node)
{
	const struct fdt_driver *d =
		find_driver(fdt, node, __start_linkset_fdt_irqchips, __stop_linkset_fdt_irqchips);
	int err = -ENODEV;

	if (d)
		probe_node(fdt, node, d, &err);
	irqchips[nr_irqchips++] = (struct irqchip){ node, err ? NULL : d };
}

static bool is_irqchip(const struct fdt *fdt, int node)
{
	return (fdt_has(fdt, node, "interrupt-controller") ||
		fdt_has(fdt, node, "msi-controller")) &&
	       fdt_enabled(fdt, node);
}

void fdt_probe_irqchips(void)
{
	const struct fdt *fdt = fdt_system();
	bool progress = fdt;
	int node;

	while (progress) {
		progress = false;
		fdt_for_each_node (node, fdt) {
			if (nr_irqchips == MAX_IRQCHIPS || irqchip_known(node) ||
			    !is_irqchip(fdt, node))
				continue;

			int parent = fdt_interrupt_parent(fdt, node);

			if (parent >= 0 && parent != node && !irqchip_known(parent))
				continue;
			irqchip_probe(fdt, node);
			progress = true;
		}
	}
}

void fdt_irqchips_init_cpu(void)
{
	for (unsigned i = 0; i < nr_irqchips; i++)
		if (irqchips[i].driver && irqchips[i].driver->init_cpu)
			irqchips[i].driver->init_cpu();
}

void fdt_probe_devices(void)
{
	const struct fdt *fdt = fdt_system();
	int deferred[MAX_DEFERRED], node, err;
	unsigned nr = 0;

	if (!fdt)
		return;
	fdt_for_each_node (node, fdt) {
		const struct fdt_driver *d = find_driver(fdt, node, __start_linkset_fdt_drivers,
							 __stop_linkset_fdt_drivers);

		if (d && fdt_enabled(fdt, node) && probe_node(fdt, node, d, &err) &&
		    nr < MAX_DEFERRED)
			deferred[nr++] = node;
	}

	bool progress = true;

	while (nr && progress) {
		unsigned left = 0;

		for (unsigned i = 0; i < nr; i++) {
			const struct fdt_driver *d =
				find_driver(fdt, deferred[i], __start_linkset_fdt_drivers,
					    __stop_linkset_fdt_drivers);

			if (probe_node(fdt, deferred[i], d, &err))
				deferred[left++] = deferred[i];
		}
		progress = left < nr;
		nr = left;
	}
}

BUS_SCAN(fdt, fdt_probe_devices);
