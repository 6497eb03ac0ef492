/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message interrupts of a GIC version 2: the v2m frame (Arm SBSA, appendix E).
 *
 * A write of a line's number to one register raises that line; the frame owns a range of lines.
 */
#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <mm/vmalloc.h>
#include "gic_internal.h"

#define V2M_TYPER    0x008
#define V2M_SETSPI   0x040
#define V2M_MAX	     512

static struct {
	paddr_t frame;			/* [I] */
	unsigned base, nr;		/* [I] lines */
	struct spinlock lock;
	BITMAP_DECLARE(used, V2M_MAX);	/* [lock] */
	struct irq_domain domain;
} v2m;

static int v2m_message(struct irq_desc *d, u64 *address, u32 *data)
{
	*address = v2m.frame + V2M_SETSPI;
	*data = (u32)d->hwirq;
	return 0;
}

static const struct irq_chip v2m_chip = {
	.name = "GICv2m",
	.mask = gic_mask,
	.unmask = gic_unmask,
	.eoi = gic_eoi,
	.set_affinity = gic_set_affinity,
	.retrigger = gic_retrigger,
	.msi_message = v2m_message,
};

static int v2m_translate(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			 unsigned *trigger)
{
	return -EINVAL; /* no device names these lines in a specifier */
}

static int v2m_map(struct irq_domain *dom, struct irq_desc *d)
{
	d->chip = &v2m_chip;

	int err = gic_set_type(d, IRQ_TRIGGER_RISING);

	return err ? err : gic_attach(d);
}

static int v2m_alloc(struct irq_domain *dom, unsigned n, u64 *hwirq, u32 device_id)
{
	irqflags_t f = spin_lock_irqsave(&v2m.lock);
	size_t at = bitmap_find_zero_range(v2m.used, v2m.nr, 0, n, roundup_pow2(n));

	if (at < v2m.nr)
		bitmap_set_range(v2m.used, at, n);
	spin_unlock_irqrestore(&v2m.lock, f);
	*hwirq = v2m.base + at;
	return at < v2m.nr ? 0 : -ENOSPC;
}

static void v2m_free(struct irq_domain *dom, u64 hwirq, unsigned n)
{
	irqflags_t f = spin_lock_irqsave(&v2m.lock);

	bitmap_clear_range(v2m.used, hwirq - v2m.base, n);
	spin_unlock_irqrestore(&v2m.lock, f);
}

static const struct irq_domain_ops v2m_domain_ops = {
	.translate = v2m_translate,
	.map = v2m_map,
	.msi_alloc = v2m_alloc,
	.msi_free = v2m_free,
};

static int v2m_probe(const struct fdt *fdt, int node)
{
	volatile u8 *regs;
	u64 size;
	u32 type;

	if (v2m.nr)
		return -EBUSY;
	if (!fdt_reg(fdt, node, 0, &v2m.frame, &size))
		return -ENODEV;
	regs = mmio_map(v2m.frame, size);
	if (!regs)
		return -ENOMEM;
	type = mmio_read32(regs + V2M_TYPER);
	mmio_unmap(regs);
	v2m.base = type >> 16 & 0x3ff;
	v2m.nr = min(type & 0x3ff, (u32)V2M_MAX);
	spin_init(&v2m.lock, RANK_IRQ_CHIP, "gic_v2m");
	v2m.domain = (struct irq_domain){
		.name = "GICv2m",
		.ops = &v2m_domain_ops,
		.fdt_node = node,
	};
	return irq_domain_register(&v2m.domain);
}

static const char *const v2m_ids[] = { "arm,gic-v2m-frame", NULL };

FDT_IRQCHIP(gic_v2m) = { .name = "gic-v2m", .compatible = v2m_ids, .probe = v2m_probe };
FDT_IRQCHIP_ENTRY(gic_v2m);
