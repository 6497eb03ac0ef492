/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RISC-V platform-level interrupt controller (RISC-V PLIC specification 1.0.0).
 *
 * Each source has a priority; each context (one per hart and privilege mode) has enable bits, a
 * threshold and a claim register.  A hart claims the most urgent source and later completes it by
 * writing its number back.
 *
 * A source is masked by priority 0 and not through its enable bit, because the controller ignores a
 * completion of a source that is not enabled in the context, and a handler may well mask its own
 * source before the completion.  The enable bit says which one processor gets the source; `target`
 * remembers it.
 *
 * The device tree lists the contexts in order, by the harts' own controllers; line 9 of those is
 * the external interrupt of supervisor mode.
 */
#define LOG_PREFIX "plic: "

#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/irq/irq.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/cpu.h>
#include <kernel/sync/spinlock.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>

#define PLIC_PRIORITY	   0x0u
#define PLIC_ENABLE	   0x2000u
#define PLIC_ENABLE_STRIDE 0x80u
#define PLIC_CONTEXT	   0x200000u
#define PLIC_CONTEXT_STRIDE 0x1000u
#define PLIC_THRESHOLD	   0x0u
#define PLIC_CLAIM	   0x4u

#define PLIC_SOURCES_MAX  1024
#define LINE_SUPERVISOR	  9
#define NO_TARGET	  U32_MAX

struct plic {
	u8 __iomem *base;		  /* [I] */
	u64 size;			  /* [I] bytes mapped */
	unsigned nr_sources;		  /* [I] */
	struct irq_domain domain;
	struct spinlock lock;		  /* RANK_IRQ_CHIP */
	u32 irq_of[PLIC_SOURCES_MAX];	  /* [a] irq number of each source, 0: none */
	u32 target[PLIC_SOURCES_MAX];	  /* [c] processor that gets the source */
	struct {
		u64 hart;
		u32 context;
	} harts[CONFIG_NR_CPUS];	  /* [I] supervisor contexts */
	unsigned nr_harts;		  /* [I] */
	u8 __iomem *claim[CONFIG_NR_CPUS]; /* [a] by processor, found at need */
};					  /* c: lock */

static struct plic *plic;

static u32 context_of(const struct plic *p, unsigned cpu)
{
	u64 hart = cpu_get(cpu)->hwid;

	for (unsigned i = 0; i < p->nr_harts; i++)
		if (p->harts[i].hart == hart)
			return p->harts[i].context;
	return NO_TARGET;
}

/* The claim register of `cpu`, or NULL if the controller does not reach it. */
static u8 __iomem *claim_register(struct plic *p, unsigned cpu)
{
	u8 __iomem *reg = READ_ONCE(p->claim[cpu]);

	if (likely(reg))
		return reg;

	u32 context = context_of(p, cpu);

	if (context == NO_TARGET)
		return NULL;
	reg = p->base + PLIC_CONTEXT + context * PLIC_CONTEXT_STRIDE + PLIC_CLAIM;
	WRITE_ONCE(p->claim[cpu], reg);
	return reg;
}

/* Locks: p->lock held. */
static void source_enable(struct plic *p, unsigned source, unsigned cpu, bool on)
{
	u32 context = context_of(p, cpu);

	if (context == NO_TARGET)
		return;

	u8 __iomem *reg = p->base + PLIC_ENABLE + context * PLIC_ENABLE_STRIDE + source / 32 * 4;
	u32 bit = 1u << (source % 32), old = mmio_read32(reg);

	mmio_write32(reg, on ? old | bit : old & ~bit);
}

static void plic_priority(struct irq_desc *d, u32 priority)
{
	struct plic *p = d->chip_data;

	mmio_write32(p->base + PLIC_PRIORITY + d->hwirq * 4, priority);
}

static void plic_mask(struct irq_desc *d)
{
	plic_priority(d, 0);
}

static void plic_unmask(struct irq_desc *d)
{
	plic_priority(d, 1);
}

static void plic_eoi(struct irq_desc *d)
{
	struct plic *p = d->chip_data;
	unsigned cpu = cpu_id();
	u8 __iomem *reg = claim_register(p, cpu);

	if (likely(READ_ONCE(p->target[d->hwirq]) == cpu)) {
		mmio_write32(reg, (u32)d->hwirq);
		return;
	}
	/* Moved away while it was being handled: this context must be enabled once more to
	 * complete it. */
	guard_spin_irq(&p->lock);
	source_enable(p, (unsigned)d->hwirq, cpu, true);
	mmio_write32(reg, (u32)d->hwirq);
	if (p->target[d->hwirq] != cpu)
		source_enable(p, (unsigned)d->hwirq, cpu, false);
}

/* One processor gets it: the first online one of the mask that the controller reaches. */
static int plic_set_affinity(struct irq_desc *d, const struct cpumask *mask)
{
	struct plic *p = d->chip_data;
	unsigned cpu;

	for_each_cpu (cpu, mask)
		if (cpu_online(cpu) && context_of(p, cpu) != NO_TARGET)
			break;
	if (cpu >= CONFIG_NR_CPUS)
		return -EINVAL;

	guard_spin_irq(&p->lock);
	u32 old = p->target[d->hwirq];

	if (old == cpu)
		return 0;
	if (old != NO_TARGET)
		source_enable(p, (unsigned)d->hwirq, old, false);
	WRITE_ONCE(p->target[d->hwirq], cpu);
	source_enable(p, (unsigned)d->hwirq, cpu, true);
	return 0;
}

static const struct irq_chip plic_chip = {
	.name = "plic",
	.mask = plic_mask,
	.unmask = plic_unmask,
	.eoi = plic_eoi,
	.set_affinity = plic_set_affinity,
};

static int plic_translate(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			  unsigned *trigger)
{
	const struct plic *p = dom->private;

	if (spec->nr < 1 || !spec->cells[0] || spec->cells[0] > p->nr_sources)
		return -EINVAL;
	*hwirq = spec->cells[0];
	*trigger = spec->nr > 1 ? spec->cells[1] : IRQ_TRIGGER_DEFAULT;
	return 0;
}

static int plic_map(struct irq_domain *dom, struct irq_desc *d)
{
	struct plic *p = dom->private;

	if (!d->hwirq || d->hwirq > p->nr_sources)
		return -EINVAL;
	d->chip = &plic_chip;
	d->chip_data = p;
	WRITE_ONCE(p->irq_of[d->hwirq], d->irq);
	plic_mask(d);
	return plic_set_affinity(d, &cpu_online_mask);
}

static const struct irq_domain_ops plic_ops = { .translate = plic_translate, .map = plic_map };

/* The hart's external interrupt: claim until nothing is left. */
static enum irq_result plic_handle(unsigned irq, void *arg)
{
	struct plic *p = arg;
	u8 __iomem *reg = claim_register(p, cpu_id());
	u32 source;

	if (!reg)
		return IRQ_NONE;
	while ((source = mmio_read32(reg)) != 0) {
		u32 mapped = source < PLIC_SOURCES_MAX ? READ_ONCE(p->irq_of[source]) : 0;

		if (likely(mapped))
			irq_dispatch(mapped);
		else
			mmio_write32(reg, source);
	}
	return IRQ_HANDLED;
}

/* All off: priorities 0, no source enabled, every threshold open. */
static void plic_reset(struct plic *p)
{
	for (unsigned s = 1; s <= p->nr_sources; s++) {
		mmio_write32(p->base + PLIC_PRIORITY + s * 4, 0);
		p->target[s] = NO_TARGET;
	}
	for (unsigned i = 0; i < p->nr_harts; i++) {
		u32 context = p->harts[i].context;
		u8 __iomem *enable = p->base + PLIC_ENABLE + context * PLIC_ENABLE_STRIDE;
		u8 __iomem *registers = p->base + PLIC_CONTEXT + context * PLIC_CONTEXT_STRIDE;

		for (unsigned s = 0; s <= p->nr_sources; s += 32)
			mmio_write32(enable + s / 8, 0);
		mmio_write32(registers + PLIC_THRESHOLD, 0);
	}
}

/* Find the supervisor contexts, and the domain of the boot hart's external line. */
static struct irq_domain *plic_contexts(struct plic *p, const struct fdt *fdt, int node)
{
	struct irq_domain *parent = NULL;
	struct fdt_ref ref;
	u64 hart, none;

	for (unsigned i = 0; fdt_interrupt(fdt, node, i, &ref); i++) {
		if (ref.nr_args < 1 || ref.args[0] != LINE_SUPERVISOR ||
		    p->nr_harts == CONFIG_NR_CPUS ||
		    PLIC_CONTEXT + (u64)(i + 1) * PLIC_CONTEXT_STRIDE > p->size ||
		    !fdt_reg_raw(fdt, fdt_parent(fdt, ref.node), 0, &hart, &none))
			continue;
		p->harts[p->nr_harts].hart = hart;
		p->harts[p->nr_harts++].context = i;
		if (!parent)
			parent = irq_domain_find_fdt(ref.node);
	}
	return parent;
}

static int plic_attach(struct plic *p, struct irq_domain *parent)
{
	unsigned irq = parent ? irq_map(parent, LINE_SUPERVISOR) : 0;
	int err;

	if (!irq)
		return -ENODEV;
	err = irq_domain_register(&p->domain);
	if (err)
		return err;
	err = irq_request_percpu(irq, plic_handle, p, "plic");
	if (!err)
		irq_enable_percpu(irq);
	return err;
}

static int plic_probe(const struct fdt *fdt, int node)
{
	struct irq_domain *parent;
	paddr_t base;
	u64 size;
	int err;

	if (plic || !fdt_reg(fdt, node, 0, &base, &size) || size < PLIC_CONTEXT)
		return -ENODEV;

	struct plic *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	p->size = size;
	p->base = mmio_map(base, size);
	if (!p->base) {
		kfree(p);
		return -ENOMEM;
	}
	spin_init(&p->lock, RANK_IRQ_CHIP, "plic");
	p->nr_sources = min(fdt_u32(fdt, node, "riscv,ndev", 0), PLIC_SOURCES_MAX - 1u);
	p->domain = (struct irq_domain){
		.name = "plic", .ops = &plic_ops, .fdt_node = node, .private = p,
	};
	parent = plic_contexts(p, fdt, node);
	plic_reset(p);
	plic = p;
	err = plic_attach(p, parent);
	if (err)
		log_err("cannot attach to the harts: %d\n", err);
	else
		log_info("%u sources, %u harts\n", p->nr_sources, p->nr_harts);
	return err;
}

static const char *const plic_ids[] = { "sifive,plic-1.0.0", "riscv,plic0", NULL };
FDT_IRQCHIP(plic) = { .name = "plic", .compatible = plic_ids, .probe = plic_probe };
FDT_IRQCHIP_ENTRY(plic);
