/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message interrupts of a GIC version 3: the Interrupt Translation Service (Arm IHI 0069, chapter
 * 5).
 *
 * A device writes an event number to one register; the ITS looks up (device, event) in tables in
 * memory, finds an interrupt number (LPI, from 8192 on) and a collection, and the collection names
 * the processor.  The tables are changed by commands in a ring.  Whether an LPI is enabled is a
 * byte of a table all redistributors share; after a change an INV command has it read anew.
 *
 * Here collection n is processor n.  A device gets a fixed number of events at its first
 * allocation.
 *
 * Locks: its.lock (RANK_IRQ_CHIP) guards the ring, the devices and the numbers.
 */
#define LOG_PREFIX "its: "
#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/smp/percpu.h>
#include <mm/page.h>
#include <mm/vmalloc.h>
#include "gic_internal.h"

#define GITS_CTLR	0x0000
#define GITS_TYPER	0x0008
#define GITS_CBASER	0x0080
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define GITS_BASER	0x0100
#define GITS_TRANSLATER 0x10040

#define GICR_CTLR      0x0000
#define GICR_TYPER     0x0008
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078

#define BASER_VALID	  (1ull << 63)
#define BASER_WB_INNER	  (7ull << 59 | 1ull << 10) /* write-back, inner-shareable */
#define BASER_PAGE_64K	  (2ull << 8)
#define BASER_DEVICES	  1
#define BASER_COLLECTIONS 4
#define REDIST_WB_INNER	  (7ull << 7 | 1ull << 10)
#define PENDBASER_ZERO	  (1ull << 62)

#define LPI_ID_BITS  14
#define NR_LPIS	     2048
#define LPI_PRIORITY 0xa0
#define LPI_ENABLED  1
#define ORDER_64K    4

#define EVENTS_MIN   32
#define RING_SIZE    65536
#define MAX_DEVBITS  16
#define DEVICE_BUCKETS 64

enum its_command {
	MOVI = 0x01,
	SYNC = 0x05,
	MAPD = 0x08,
	MAPC = 0x09,
	MAPTI = 0x0a,
	INV = 0x0c,
	INVALL = 0x0d
};

struct its_device {
	struct its_device *next; /* [I] */
	u32 id;			 /* [I] */
	u32 events;		 /* [I] size of its table */
	u32 used;		 /* [l] events given out so far */
};

struct lpi {
	u32 device, event;	/* [I] while allocated */
	u32 cpu;		/* [l] */
	u32 irq;		/* [a] */
};

static struct {
	volatile u8 *regs;	/* [I] */
	paddr_t translater;	/* [I] */
	u64 type;		/* [I] */
	struct spinlock lock;
	u8 *ring;		/* [l] */
	u32 write;		/* [l] byte offset into it */
	u8 *config;		/* [l] a byte per LPI */
	struct its_device *devices[DEVICE_BUCKETS]; /* [l] */
	BITMAP_DECLARE(used, NR_LPIS);		    /* [l] */
	struct lpi lpis[NR_LPIS];
	u64 rdbase[CONFIG_NR_CPUS]; /* [I] once the processor is up */
	struct irq_domain domain;
} its; /* l: lock */

static DEFINE_PER_CPU(bool, its_cpu_done);

/* --- commands --------------------------------------------------------------------------------- */

static void command(u64 w0, u64 w1, u64 w2)
{
	u64 *slot = (u64 *)(its.ring + its.write);
	u32 next = (its.write + 32) % RING_SIZE;

	/* Full: wait for the reader to move on. */
	while (mmio_read64(its.regs + GITS_CREADR) == next)
		arch_cpu_relax();
	slot[0] = w0;
	slot[1] = w1;
	slot[2] = w2;
	slot[3] = 0;
	its.write = next;
	arch_wmb_device();
	mmio_write64(its.regs + GITS_CWRITER, next);
}

/* Wait until processor `cpu` has seen the effects of all commands before. */
static void command_sync(unsigned cpu)
{
	command(SYNC, 0, its.rdbase[cpu]);
	while (mmio_read64(its.regs + GITS_CREADR) != its.write)
		arch_cpu_relax();
}

/* --- chip ------------------------------------------------------------------------------------- */

static void its_configure(struct irq_desc *d, u8 value)
{
	struct lpi *l = d->chip_data;
	irqflags_t f = spin_lock_irqsave(&its.lock);

	its.config[d->hwirq - GIC_FIRST_LPI] = LPI_PRIORITY | value;
	arch_wmb_device();
	command(INV | (u64)l->device << 32, l->event, 0);
	command_sync(l->cpu);
	spin_unlock_irqrestore(&its.lock, f);
}

static void its_mask(struct irq_desc *d)
{
	its_configure(d, 0);
}

static void its_unmask(struct irq_desc *d)
{
	its_configure(d, LPI_ENABLED);
}

static void its_eoi(struct irq_desc *d)
{
	gic_finish((u32)d->hwirq);
}

static int its_set_affinity(struct irq_desc *d, const struct cpumask *mask)
{
	struct lpi *l = d->chip_data;
	struct cpumask online;

	if (!cpumask_and(&online, mask, &cpu_online_mask))
		return -EINVAL;

	unsigned cpu = cpumask_first(&online);
	irqflags_t f = spin_lock_irqsave(&its.lock);

	if (its.rdbase[cpu] != ~0ull && l->cpu != cpu) {
		command(MOVI | (u64)l->device << 32, l->event, cpu);
		command_sync(l->cpu);
		l->cpu = cpu;
	}
	spin_unlock_irqrestore(&its.lock, f);
	return 0;
}

static int its_message(struct irq_desc *d, u64 *address, u32 *data)
{
	*address = its.translater;
	*data = ((struct lpi *)d->chip_data)->event;
	return 0;
}

static const struct irq_chip its_chip = {
	.name = "ITS-MSI",
	.mask = its_mask,
	.unmask = its_unmask,
	.eoi = its_eoi,
	.set_affinity = its_set_affinity,
	.msi_message = its_message,
};

static bool its_dispatch(u32 hwirq)
{
	u32 n = hwirq - GIC_FIRST_LPI;
	unsigned irq = n < NR_LPIS ? READ_ONCE(its.lpis[n].irq) : 0;

	if (irq)
		irq_dispatch(irq);
	return irq;
}

/* --- domain ----------------------------------------------------------------------------------- */

static int its_translate(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			 unsigned *trigger)
{
	return -EINVAL; /* no device names an LPI in a specifier */
}

static int its_map(struct irq_domain *dom, struct irq_desc *d)
{
	struct lpi *l = &its.lpis[d->hwirq - GIC_FIRST_LPI];

	d->chip = &its_chip;
	d->chip_data = l;
	WRITE_ONCE(l->irq, d->irq);
	return 0;
}

static struct its_device *device_find(u32 id)
{
	struct its_device *dev = its.devices[id % DEVICE_BUCKETS];

	while (dev && dev->id != id)
		dev = dev->next;
	return dev;
}

/* Make `id` known to the ITS with room for `events`.  Returns NULL when out of memory. */
static struct its_device *device_create(u32 id, u32 events)
{
	unsigned entry = (its.type >> 4 & 15) + 1;
	size_t bytes = max((size_t)events * entry, (size_t)PAGE_SIZE);
	unsigned order = ilog2(roundup_pow2(bytes)) - PAGE_SHIFT;
	struct its_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	struct page *table = pages_alloc(GFP_KERNEL | __GFP_ZERO, order);

	if (!dev || !table) {
		if (table)
			page_free(table, order);
		kfree(dev);
		return NULL;
	}
	*dev = (struct its_device){ .id = id, .events = events };

	irqflags_t f = spin_lock_irqsave(&its.lock);

	dev->next = its.devices[id % DEVICE_BUCKETS];
	its.devices[id % DEVICE_BUCKETS] = dev;
	command(MAPD | (u64)id << 32, ilog2(events) - 1, BASER_VALID | page_to_phys(table));
	spin_unlock_irqrestore(&its.lock, f);
	return dev;
}

static int its_alloc(struct irq_domain *dom, unsigned n, u64 *hwirq, u32 device_id)
{
	struct its_device *dev = device_find(device_id);
	int err = -ENOSPC;

	if (device_id >> min((unsigned)(its.type >> 13 & 31) + 1, (unsigned)MAX_DEVBITS))
		return -EINVAL;
	if (!dev)
		dev = device_create(device_id, max(roundup_pow2(n), (u64)EVENTS_MIN));
	if (!dev)
		return -ENOMEM;

	irqflags_t f = spin_lock_irqsave(&its.lock);
	size_t at = bitmap_find_zero_range(its.used, NR_LPIS, 0, n, 1);

	if (at < NR_LPIS && dev->used + n <= dev->events) {
		bitmap_set_range(its.used, at, n);
		for (unsigned i = 0; i < n; i++) {
			struct lpi *l = &its.lpis[at + i];

			*l = (struct lpi){ .device = device_id, .event = dev->used++ };
			its.config[at + i] = LPI_PRIORITY;
			command(MAPTI | (u64)device_id << 32,
				l->event | (u64)(GIC_FIRST_LPI + at + i) << 32, 0);
		}
		command_sync(0);
		*hwirq = GIC_FIRST_LPI + at;
		err = 0;
	}
	spin_unlock_irqrestore(&its.lock, f);
	return err;
}

/* The last events of the device become free again; others stay taken until the device goes. */
static void its_free(struct irq_domain *dom, u64 hwirq, unsigned n)
{
	u32 first = (u32)(hwirq - GIC_FIRST_LPI);
	irqflags_t f = spin_lock_irqsave(&its.lock);
	struct lpi *l = &its.lpis[first];
	struct its_device *dev = device_find(l->device);

	if (dev && dev->used == l->event + n)
		dev->used -= n;
	bitmap_clear_range(its.used, first, n);
	spin_unlock_irqrestore(&its.lock, f);
}

static const struct irq_domain_ops its_domain_ops = {
	.translate = its_translate,
	.map = its_map,
	.msi_alloc = its_alloc,
	.msi_free = its_free,
};

/* --- boot ------------------------------------------------------------------------------------- */

/* This processor's redistributor takes LPIs, and the ITS learns of its collection. */
static void its_init_cpu(void)
{
	volatile u8 *r = gic_redistributor();
	unsigned cpu = cpu_id();

	if (!its.regs || this_cpu(its_cpu_done) || !r)
		return;

	struct page *pending = pages_alloc(GFP_ATOMIC | __GFP_ZERO, ORDER_64K);
	paddr_t pa;

	if (!pending || !kernel_va_to_phys((const void *)r, &pa)) {
		log_err("processor %u takes no messages\n", cpu);
		return;
	}
	this_cpu(its_cpu_done) = true;
	mmio_write64(r + GICR_PROPBASER,
		     virt_to_phys(its.config) | REDIST_WB_INNER | (LPI_ID_BITS - 1));
	mmio_write64(r + GICR_PENDBASER, page_to_phys(pending) | REDIST_WB_INNER | PENDBASER_ZERO);
	mmio_write32(r + GICR_CTLR, mmio_read32(r + GICR_CTLR) | 1);
	arch_mb_device();

	irqflags_t f = spin_lock_irqsave(&its.lock);

	its.rdbase[cpu] = its.type >> 19 & 1 ? pa & ~0xffffull
					     : (mmio_read64(r + GICR_TYPER) >> 8 & 0xffff) << 16;
	command(MAPC, 0, BASER_VALID | its.rdbase[cpu] | cpu);
	command(INVALL, 0, cpu);
	command_sync(cpu);
	spin_unlock_irqrestore(&its.lock, f);
}

/* Give the ITS memory for one of its tables.  Returns 0 or -ENOMEM. */
static int table_init(unsigned n)
{
	volatile u8 *reg = its.regs + GITS_BASER + 8 * n;
	u64 base = mmio_read64(reg), type = base >> 56 & 7, entry = (base >> 48 & 31) + 1;
	u64 bytes = 65536;

	if (type != BASER_DEVICES && type != BASER_COLLECTIONS)
		return 0;
	if (type == BASER_DEVICES)
		bytes = max(bytes, entry << min((unsigned)(its.type >> 13 & 31) + 1,
						(unsigned)MAX_DEVBITS));

	unsigned order = ilog2(roundup_pow2(bytes)) - PAGE_SHIFT;
	struct page *p = pages_alloc(GFP_KERNEL | __GFP_ZERO, order);

	if (!p)
		return -ENOMEM;
	mmio_write64(reg, BASER_VALID | BASER_WB_INNER | BASER_PAGE_64K | page_to_phys(p) |
				  ((bytes + 65535) / 65536 - 1));
	return 0;
}

static int memory_init(void)
{
	struct page *ring = pages_alloc(GFP_KERNEL | __GFP_ZERO, ORDER_64K);
	struct page *config = pages_alloc(GFP_KERNEL | __GFP_ZERO, 1); /* 8192 LPIs */
	int err;

	if (!ring || !config)
		return -ENOMEM;
	its.ring = page_address(ring);
	its.config = page_address(config);
	for (unsigned i = 0; i < 8; i++) {
		err = table_init(i);
		if (err)
			return err;
	}
	mmio_write64(its.regs + GITS_CBASER, BASER_VALID | BASER_WB_INNER | page_to_phys(ring) |
						     (RING_SIZE / PAGE_SIZE - 1));
	mmio_write64(its.regs + GITS_CWRITER, 0);
	return 0;
}

static int its_probe(const struct fdt *fdt, int node)
{
	volatile u8 *regs;
	paddr_t pa;
	u64 size;
	int err;

	if (its.regs)
		return -EBUSY; /* one is enough: messages of all devices go there */
	if (!gic_redistributor() || !fdt_reg(fdt, node, 0, &pa, &size))
		return -ENODEV;
	regs = mmio_map(pa, size);
	if (!regs)
		return -ENOMEM;
	spin_init(&its.lock, RANK_IRQ_CHIP, "gic_its");
	memset(its.rdbase, 0xff, sizeof(its.rdbase));
	its.regs = regs;
	its.translater = pa + GITS_TRANSLATER;
	its.type = mmio_read64(regs + GITS_TYPER);
	mmio_write32(regs + GITS_CTLR, 0);
	err = memory_init();
	if (err) {
		its.regs = NULL;
		return err;
	}
	mmio_write32(regs + GITS_CTLR, 1);
	gic_set_lpi_handler(its_dispatch);
	its_init_cpu();
	its.domain = (struct irq_domain){
		.name = "ITS",
		.ops = &its_domain_ops,
		.fdt_node = node,
	};
	return irq_domain_register(&its.domain);
}

static const char *const its_ids[] = { "arm,gic-v3-its", NULL };

FDT_IRQCHIP(gic_its) = {
	.name = "gic-v3-its", .compatible = its_ids, .probe = its_probe, .init_cpu = its_init_cpu
};
FDT_IRQCHIP_ENTRY(gic_its);
