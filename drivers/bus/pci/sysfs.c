/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function's files in /sys/bus/pci/devices, as sysfs-bus-pci of Linux's ABI documentation
 * describes them and lspci reads them.
 *
 * Removal and rescan run in a worker: they unregister the very device whose file was written, and
 * take locks that come before those of open files.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/sched/workqueue.h>
#include "pci_internal.h"

#define SHOW(name, fmt, value)                                                                     \
	static int name##_show(struct device *dev, struct seq *out)                                \
	{                                                                                          \
		const struct pci_device *d = to_pci_device(dev);                                   \
                                                                                                   \
		seq_printf(out, fmt "\n", value);                                                  \
		return 0;                                                                          \
	}                                                                                          \
	static const struct device_attribute name##_attr = {#name, 0444, name##_show, NULL};

SHOW(vendor, "0x%04x", d->vendor)
SHOW(device, "0x%04x", d->device)
SHOW(subsystem_vendor, "0x%04x", d->subvendor)
SHOW(subsystem_device, "0x%04x", d->subdevice)
SHOW(revision, "0x%02x", d->revision)
SHOW(class, "0x%06x", d->class)

static int pci_irq_show(struct device *dev, struct seq *out)
{
	struct pci_device *d = to_pci_device(dev);
	bool messages = d->irq_mode == PCI_IRQ_MSI;

	seq_printf(out, "%u\n", messages ? d->irqs[0] : pci_line_irq(d));
	return 0;
}

static int numa_node_show(struct device *dev, struct seq *out)
{
	seq_puts(out, "-1\n");
	return 0;
}

static int enable_show(struct device *dev, struct seq *out)
{
	u16 command = pci_read16(to_pci_device(dev), PCI_COMMAND);

	seq_printf(out, "%u\n", command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY) ? 1 : 0);
	return 0;
}

static int modalias_show(struct device *dev, struct seq *out)
{
	const struct pci_device *d = to_pci_device(dev);

	seq_printf(out, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", d->vendor, d->device,
		   d->subvendor, d->subdevice, d->class >> 16, d->class >> 8 & 0xff,
		   d->class & 0xff);
	return 0;
}

/* One line per range: BARs, ROM, six of SR-IOV that no device has here, and a bridge's windows. */
static int resource_show(struct device *dev, struct seq *out)
{
	const struct pci_device *d = to_pci_device(dev);
	unsigned lines = d->header == PCI_HEADER_TYPE_BRIDGE ? 17 : 13;

	for (unsigned line = 0; line < lines; line++) {
		unsigned i = line <= PCI_RANGE_ROM ? line : line - 6;
		const struct pci_range *r = &d->ranges[i];

		if ((line > PCI_RANGE_ROM && line < 13) || i >= PCI_NR_RANGES || !r->size ||
		    !r->placed)
			seq_printf(out, "0x%016x 0x%016x 0x%016x\n", 0, 0, 0);
		else
			seq_printf(out, "0x%016llx 0x%016llx 0x%016llx\n", r->start,
				   r->start + r->size - 1, (u64)r->flags);
	}
	return 0;
}

/* --- configuration space ---------------------------------------------------------------------- */

static size_t config_size(const struct device *dev)
{
	const struct pci_device *d = to_pci_device(dev);

	return d->express && d->bus->config ? PCI_CFG_SPACE_EXP_SIZE : PCI_CFG_SPACE_SIZE;
}

static ssize_t config_read(struct device *dev, void *buf, size_t off, size_t len)
{
	const struct pci_device *d = to_pci_device(dev);
	u8 *to = buf;

	for (size_t i = 0; i < len;) {
		size_t at = off + i;

		if (!(at & 3) && len - i >= 4) {
			put_unaligned_le32(pci_read32(d, (unsigned)at), to + i);
			i += 4;
		} else {
			to[i++] = pci_read8(d, (unsigned)at);
		}
	}
	return (ssize_t)len;
}

static ssize_t config_write(struct device *dev, const void *buf, size_t off, size_t len)
{
	const struct pci_device *d = to_pci_device(dev);
	const u8 *from = buf;

	for (size_t i = 0; i < len;) {
		unsigned at = (unsigned)(off + i);
		unsigned width = !(at & 3) && len - i >= 4 ? 4 : !(at & 1) && len - i >= 2 ? 2 : 1;
		u32 value = from[i];

		if (width == 2)
			value = get_unaligned_le16(from + i);
		else if (width == 4)
			value = get_unaligned_le32(from + i);
		pci_write(d, at, width, value);
		i += width;
	}
	return (ssize_t)len;
}

static const struct device_binary config_file = {"config", 0644, config_size, config_read,
						 config_write};

/* --- removal and rescan ----------------------------------------------------------------------- */

struct remove_work {
	struct work work;
	struct pci_device *d;
};

static void remove_run(struct work *w)
{
	pci_device_remove(container_of(w, struct remove_work, work)->d);
}

static ssize_t remove_store(struct device *dev, const char *buf, size_t len)
{
	struct remove_work r = {.d = to_pci_device(dev)};
	u64 wanted;

	if (parse_u64(buf, 0, &wanted))
		return -EINVAL;
	if (!wanted)
		return (ssize_t)len;
	work_init(&r.work, remove_run);
	work_queue(&r.work);
	work_flush(&r.work);
	return (ssize_t)len;
}

static void rescan_run(struct work *w)
{
	pci_rescan();
}

static ssize_t rescan_store(const char *buf, size_t len, void *arg)
{
	struct work w;
	u64 wanted;

	if (parse_u64(buf, 0, &wanted))
		return -EINVAL;
	if (!wanted)
		return (ssize_t)len;
	work_init(&w, rescan_run);
	work_queue(&w);
	work_flush(&w);
	return (ssize_t)len;
}

EXPORT_PROC("/sys/bus/pci/rescan", 0200, NULL, rescan_store, NULL);

static const struct device_attribute irq_attr = {"irq", 0444, pci_irq_show, NULL};
static const struct device_attribute numa_node_attr = {"numa_node", 0444, numa_node_show, NULL};
static const struct device_attribute enable_attr = {"enable", 0444, enable_show, NULL};
static const struct device_attribute modalias_attr = {"modalias", 0444, modalias_show, NULL};
static const struct device_attribute resource_attr = {"resource", 0444, resource_show, NULL};
static const struct device_attribute remove_attr = {"remove", 0200, NULL, remove_store};

const struct device_attribute *const pci_attributes[] = {
	&vendor_attr,
	&device_attr,
	&subsystem_vendor_attr,
	&subsystem_device_attr,
	&revision_attr,
	&class_attr,
	&irq_attr,
	&numa_node_attr,
	&enable_attr,
	&modalias_attr,
	&resource_attr,
	&remove_attr,
	NULL,
};

const struct device_binary *const pci_binaries[] = {&config_file, NULL};
