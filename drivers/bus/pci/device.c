/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI in the device model: hosts, functions, matching, coming and going.
 *
 * The tree of buses is built under pci_lock before the model hears of it; functions are registered
 * parents first, and leave children first.  A function found missing by a rescan, or removed by
 * the user, is marked gone so that its driver does not wait for it.
 */
#define LOG_PREFIX "pci: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/seq.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>
#include "pci_internal.h"

struct mutex pci_lock = MUTEX_INIT(pci_lock, RANK_DRIVER);
static struct list hosts = LIST_INIT(hosts); /* pci_lock */

/* --- matching --------------------------------------------------------------------------------- */

static bool field_fits(u16 wanted, u16 value)
{
	return wanted == PCI_ANY || wanted == value;
}

static bool id_fits(const struct pci_id *id, const struct pci_device *d)
{
	return field_fits(id->vendor, d->vendor) && field_fits(id->device, d->device) &&
	       field_fits(id->subvendor, d->subvendor) && field_fits(id->subdevice, d->subdevice) &&
	       !((d->class ^ id->class) & id->class_mask);
}

static bool pci_match(const struct device *dev, const struct driver *drv)
{
	const struct pci_device *d = to_pci_device(dev);

	for (const struct pci_id *id = drv->ids; id->vendor; id++)
		if (id_fits(id, d))
			return true;
	return false;
}

static void pci_uevent(const struct device *dev, struct seq *env)
{
	const struct pci_device *d = to_pci_device(dev);

	seq_printf(env, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n", d->class,
		   d->vendor, d->device, d->subvendor, d->subdevice);
	seq_printf(env, "PCI_SLOT_NAME=%s\n", dev->name);
	seq_printf(env, "MODALIAS=pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", d->vendor,
		   d->device, d->subvendor, d->subdevice, d->class >> 16, d->class >> 8 & 0xff,
		   d->class & 0xff);
}

struct bus pci_bus_type = {
	.name = "pci",
	.match = pci_match,
	.uevent = pci_uevent,
	.devices = LIST_INIT(pci_bus_type.devices),
};

/* --- coming ----------------------------------------------------------------------------------- */

void pci_device_release(struct device *dev)
{
	kfree(to_pci_device(dev));
}

static struct device *parent_of(const struct pci_bus *b)
{
	return b->bridge ? &b->bridge->dev : &b->host->dev;
}

static void register_function(struct pci_device *d)
{
	d->dev.bus = &pci_bus_type;
	d->dev.parent = parent_of(d->bus);
	d->dev.attributes = pci_attributes;
	d->dev.binaries = pci_binaries;
	d->dev.release = pci_device_release;
	if (device_register(&d->dev))
		log_err("%s: there are two\n", d->dev.name);
}

/* A registered function of `b` or below, not yet known to the model; NULL when there is none. */
static struct pci_device *next_unregistered(const struct pci_bus *b)
{
	struct pci_device *d, *found;

	list_for_each (d, &b->devices, link) {
		if (!d->dev.bus)
			return d;
		found = d->child ? next_unregistered(d->child) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

/* Tell the model of what the scan found.  Not under pci_lock, as drivers take locks of their own.
 */
static void register_new(struct pci_host *h)
{
	struct pci_device *d;

	while ((d = next_unregistered(h->root)))
		register_function(d);
}

static int host_start(struct pci_host *h)
{
	int err;

	guard_mutex(&pci_lock);
	h->next_bus = (u8)(h->first + 1);
	h->root = pci_bus_create(h, NULL, h->first);
	if (!h->root)
		return -ENOMEM;
	err = pci_bus_scan(h->root);
	if (err)
		log_err("scan of segment %u: error %d\n", h->segment, err);
	pci_bus_assign(h->root);
	list_push_back(&hosts, &h->link);
	return 0;
}

void pci_host_add(struct pci_host *h)
{
	int err = host_start(h);

	device_init(&h->dev, "pci%04x:%02x", h->segment, h->first);
	if (!err)
		err = device_register(&h->dev);
	if (err)
		log_err("segment %u: error %d\n", h->segment, err);
	else
		register_new(h);
}

/* --- going ------------------------------------------------------------------------------------ */

static bool answers(const struct pci_device *d)
{
	return pci_read32(d, PCI_VENDOR_ID) == (d->vendor | (u32)d->device << 16);
}

static void bus_destroy(struct pci_bus *b)
{
	if (b->config)
		mmio_unmap(b->config);
	kfree(b);
}

/* Locks: rescan_lock. */
static void remove_function(struct pci_device *d)
{
	struct pci_device *below, *next;

	if (!answers(d))
		atomic_store(&d->gone, 1u);
	device_get(&d->dev);
	if (d->child)
		list_for_each_safe (below, next, &d->child->devices, link)
			remove_function(below);
	device_unregister(&d->dev);
	with_mutex(&pci_lock) list_remove(&d->link);
	if (d->child)
		bus_destroy(d->child);
	d->child = NULL;
	device_put(&d->dev);
}

static struct pci_device *next_missing(const struct pci_bus *b)
{
	struct pci_device *d, *found;

	list_for_each (d, &b->devices, link) {
		if (!answers(d))
			return d;
		found = d->child ? next_missing(d->child) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static void scan_again(struct pci_bus *b)
{
	struct pci_device *d;

	if (pci_bus_scan(b))
		log_err("rescan of bus %02x: no memory\n", b->number);
	list_for_each (d, &b->devices, link)
		if (d->child)
			scan_again(d->child);
}

static void rescan_host(struct pci_host *h)
{
	struct pci_device *d;

	while ((d = next_missing(h->root)))
		remove_function(d);
	with_mutex(&pci_lock)
	{
		scan_again(h->root);
		pci_bus_assign(h->root);
	}
	register_new(h);
}

/* One change of the tree at a time. */
static struct mutex rescan_lock = MUTEX_INIT(rescan_lock, RANK_BUS_TREE);

void pci_rescan(void)
{
	struct pci_host *h;

	guard_mutex(&rescan_lock);
	list_for_each (h, &hosts, link)
		rescan_host(h);
}

void pci_device_remove(struct pci_device *d)
{
	guard_mutex(&rescan_lock);
	if (READ_ONCE(d->dev.registered))
		remove_function(d);
}
