/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hart's own interrupt controller: three lines, which are bits of sie and sip.
 *
 * The software line carries inter-processor interrupts and the timer line the clock; both end here.
 * The external line belongs to the platform's controller (PLIC, APLIC), which maps line 9 of the
 * domain "riscv-intc" and requests it.  Every hart has a node of its own in the device tree but all
 * are alike, so there is one domain, answering for the boot hart's node.
 */
#include <arch/cpu.h>
#include <arch/trapframe.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/irq/irq.h>
#include <kernel/lib/bits.h>
#include <kernel/time/timer.h>
#include <isa/csr.h>
#include "riscv_internal.h"

static unsigned external_irq; /* [I] once the external controller is there */

static void riscv_root(struct arch_trapframe *tf, unsigned line)
{
	switch (line) {
	case IRQ_SOFT: riscv_ipi_receive(); break;
	case IRQ_TIMER:
		riscv_timer_stop();
		timer_interrupt();
		break;
	case IRQ_EXTERNAL:
		if (external_irq)
			irq_dispatch(external_irq);
		else
			csr_clear(sie, BIT(IRQ_EXTERNAL));
		break;
	default: csr_clear(sie, BIT(line));
	}
}

static void intc_mask(struct irq_desc *d)
{
	csr_clear(sie, BIT(d->hwirq));
}

static void intc_unmask(struct irq_desc *d)
{
	csr_set(sie, BIT(d->hwirq));
}

static const struct irq_chip intc_chip = {
	.name = "riscv-intc",
	.mask = intc_mask,
	.unmask = intc_unmask,
};

static int intc_translate(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			  unsigned *trigger)
{
	if (spec->nr != 1 || spec->cells[0] != IRQ_EXTERNAL)
		return -EINVAL;
	*hwirq = spec->cells[0];
	*trigger = IRQ_TRIGGER_DEFAULT;
	return 0;
}

static int intc_map(struct irq_domain *dom, struct irq_desc *d)
{
	if (d->hwirq != IRQ_EXTERNAL)
		return -EINVAL;
	d->chip = &intc_chip;
	d->percpu = true;
	external_irq = d->irq;
	return 0;
}

static const struct irq_domain_ops intc_ops = { .translate = intc_translate, .map = intc_map };

static struct irq_domain intc_domain = {
	.name = "riscv-intc",
	.ops = &intc_ops,
	.fdt_node = FDT_NONE,
};

/* The interrupt controller inside the boot hart's node. */
static int boot_intc_node(void)
{
	const struct fdt *fdt = fdt_system();
	int node, child;
	u64 hart, none;

	if (!fdt)
		return FDT_NONE;
	fdt_for_each_child (node, fdt, fdt_find_path(fdt, "/cpus")) {
		if (!fdt_reg_raw(fdt, node, 0, &hart, &none) || hart != riscv_boot_hart)
			continue;
		fdt_for_each_child (child, fdt, node)
			if (fdt_compatible(fdt, child, "riscv,cpu-intc"))
				return child;
	}
	return FDT_NONE;
}

void riscv_irq_init(void)
{
	irq_set_root(riscv_root);
	riscv_ipi_init();
	intc_domain.fdt_node = boot_intc_node();
	if (irq_domain_register(&intc_domain) != 0)
		log_err("riscv-intc: no memory\n");
}

/* Context: interrupts off. */
void riscv_irq_init_cpu(void)
{
	csr_clear(sip, BIT(IRQ_SOFT));
	csr_write(sie, BIT(IRQ_SOFT) | BIT(IRQ_TIMER) | BIT(IRQ_EXTERNAL));
}
