/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O APICs (Intel 82093AA): lines of the board to vectors of the local APICs.
 *
 * Each has a contiguous range of global system interrupts, one 64-bit redirection entry per line,
 * reached through an index and a data register.  The entry names vector and destination; masked
 * entries keep both.  End of interrupt goes to the local APIC, which tells us about level-triggered
 * ones.
 */
#define LOG_PREFIX "ioapic: "

#include <apic.h>
#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/acpi_driver.h>
#include <kernel/irq/irq.h>
#include <kernel/lib/bits.h>
#include <kernel/smp/cpu.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>

#define IOAPIC_INDEX   0x00
#define IOAPIC_DATA    0x10
#define REG_VERSION    0x01
#define REG_ENTRY(n)   (0x10 + 2 * (n))

#define ENTRY_LOW_ACTIVE (1u << 13)
#define ENTRY_LEVEL	 (1u << 15)
#define ENTRY_MASKED	 (1u << 16)

struct ioapic {
	volatile u8 __iomem *regs; /* [c] index and data belong together */
	struct spinlock lock;	   /* RANK_IRQ_CHIP */
	struct irq_domain domain;
	u32 entries[];		   /* [c] low halves as last written, by line */
};				   /* c: lock */

static void write_reg(struct ioapic *a, u32 reg, u32 v)
{
	mmio_write32(a->regs + IOAPIC_INDEX, reg);
	mmio_write32(a->regs + IOAPIC_DATA, v);
}

static unsigned line_of(const struct ioapic *a, const struct irq_desc *d)
{
	return (unsigned)(d->hwirq - a->domain.hwirq_base);
}

static void change(struct irq_desc *d, u32 set, u32 clear)
{
	struct ioapic *a = d->chip_data;
	unsigned line = line_of(a, d);

	guard_spin_irq(&a->lock);
	a->entries[line] = (a->entries[line] & ~clear) | set;
	write_reg(a, REG_ENTRY(line), a->entries[line]);
}

static void ioapic_mask(struct irq_desc *d)
{
	change(d, ENTRY_MASKED, 0);
}

static void ioapic_unmask(struct irq_desc *d)
{
	change(d, 0, ENTRY_MASKED);
}

static void ioapic_eoi(struct irq_desc *d)
{
	x86_apic_eoi();
}

static int ioapic_set_type(struct irq_desc *d, unsigned trigger)
{
	u32 set = 0;

	if (trigger & IRQ_TRIGGER_LEVEL)
		set |= ENTRY_LEVEL;
	if (trigger & (IRQ_TRIGGER_LOW | IRQ_TRIGGER_FALLING))
		set |= ENTRY_LOW_ACTIVE;
	change(d, set, (ENTRY_LEVEL | ENTRY_LOW_ACTIVE) & ~set);
	return 0;
}

static int ioapic_set_affinity(struct irq_desc *d, const struct cpumask *mask)
{
	struct ioapic *a = d->chip_data;

	guard_spin_irq(&a->lock);
	write_reg(a, REG_ENTRY(line_of(a, d)) + 1, x86_apic_target(mask) << 24);
	return 0;
}

static const struct irq_chip ioapic_chip = {
	.name = "IO-APIC",
	.mask = ioapic_mask,
	.unmask = ioapic_unmask,
	.eoi = ioapic_eoi,
	.set_type = ioapic_set_type,
	.set_affinity = ioapic_set_affinity,
};

/* {global interrupt, trigger} */
static int ioapic_translate(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			    unsigned *trigger)
{
	if (!spec->nr || spec->cells[0] - dom->hwirq_base >= dom->nr_hwirqs)
		return -EINVAL;
	*hwirq = spec->cells[0];
	*trigger = spec->nr > 1 ? spec->cells[1] : IRQ_TRIGGER_DEFAULT;
	return 0;
}

static int ioapic_map(struct irq_domain *dom, struct irq_desc *d)
{
	struct ioapic *a = dom->private;
	unsigned vector, line;

	if (d->hwirq - dom->hwirq_base >= dom->nr_hwirqs)
		return -EINVAL;
	vector = x86_vector_alloc(1);
	if (!vector)
		return -ENOSPC;
	d->chip = &ioapic_chip;
	d->chip_data = a;
	line = line_of(a, d);
	x86_vector_bind(vector, d->irq);

	guard_spin_irq(&a->lock);
	a->entries[line] = ENTRY_MASKED | vector;
	write_reg(a, REG_ENTRY(line), a->entries[line]);
	write_reg(a, REG_ENTRY(line) + 1, boot_cpu.arch.apic_id << 24);
	return 0;
}

static const struct irq_domain_ops ioapic_ops = {.translate = ioapic_translate, .map = ioapic_map};

static int ioapic_probe(const struct acpi_madt_entry *e)
{
	const struct acpi_madt_ioapic *m = (const struct acpi_madt_ioapic *)e;
	volatile u8 __iomem *regs = mmio_map(m->address, PAGE_SIZE);
	struct ioapic *a;
	unsigned lines;

	if (!regs)
		return -ENOMEM;
	mmio_write32(regs + IOAPIC_INDEX, REG_VERSION);
	lines = (mmio_read32(regs + IOAPIC_DATA) >> 16 & 0xff) + 1;
	a = kzalloc(sizeof(*a) + lines * sizeof(a->entries[0]), GFP_KERNEL);
	if (!a) {
		mmio_unmap(regs);
		return -ENOMEM;
	}
	a->regs = regs;
	spin_init(&a->lock, RANK_IRQ_CHIP, "ioapic");
	for (unsigned i = 0; i < lines; i++)
		write_reg(a, REG_ENTRY(i), a->entries[i] = ENTRY_MASKED);
	a->domain = (struct irq_domain){
		.name = "IO-APIC",
		.ops = &ioapic_ops,
		.fdt_node = -1,
		.hwirq_base = m->gsi_base,
		.nr_hwirqs = lines,
		.private = a,
	};
	log_info("%u lines from %u at %#x\n", lines, m->gsi_base, m->address);
	return irq_domain_register(&a->domain);
}

ACPI_IRQCHIP(ioapic) = { .name = "ioapic", .madt_type = ACPI_MADT_IOAPIC, .probe = ioapic_probe };
ACPI_IRQCHIP_ENTRY(ioapic);
