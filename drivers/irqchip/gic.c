/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Generic Interrupt Controller, versions 2 and 3 (Arm IHI 0048, IHI 0069).
 *
 * Interrupt numbers: 0 to 15 are sent by software between processors (SGI: our IPIs), 16 to 31 are
 * each processor's own (PPI), from 32 on are lines of devices (SPI).  1020 and above say that there
 * is nothing.
 *
 * The two versions share the distributor, which routes lines, and differ in the processor's side:
 * registers in memory (GICC) and one-byte target masks in version 2, system registers (ICC_*),
 * redistributors and affinity routing in version 3.
 *
 * Locks: the distributor's set and clear registers need none; configuration is done under
 * desc.lock, and read-modify-writes of shared registers under gic.lock (RANK_IRQ_CHIP).
 */
#define LOG_PREFIX "gic: "
#include <arch/io.h>
#include <arch/trapframe.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/irq/irq.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <mm/vmalloc.h>
#include "gic_internal.h"

/* Distributor. */
#define GICD_CTLR	   0x0000
#define GICD_TYPER	   0x0004
#define GICD_IGROUPR	   0x0080
#define GICD_ISENABLER	   0x0100
#define GICD_ICENABLER	   0x0180
#define GICD_ISPENDR	   0x0200
#define GICD_ICPENDR	   0x0280
#define GICD_ICACTIVER	   0x0380
#define GICD_IPRIORITYR	   0x0400
#define GICD_ITARGETSR	   0x0800
#define GICD_ICFGR	   0x0c00
#define GICD_SGIR	   0x0f00
#define GICD_IROUTER	   0x6000
#define GICD_CTLR_ENABLE   0x3 /* both groups */
#define GICD_CTLR_ARE	   (1u << 4)
#define GICD_CTLR_RWP	   (1u << 31)

/* Processor interface of version 2. */
#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

/* Redistributor of version 3: a frame for itself, one for the private interrupts. */
#define GICR_TYPER	 0x0008
#define GICR_WAKER	 0x0014
#define GICR_SGI	 0x10000
#define GICR_TYPER_VLPIS (1u << 1)
#define GICR_TYPER_LAST	 (1u << 4)
#define GICR_WAKER_SLEEP (1u << 1)
#define GICR_WAKER_ASLEEP (1u << 2)

#define PRIORITY_ALL 0xa0a0a0a0u
#define PRIORITY_MASK 0xf0u
#define NR_PRIVATE   32
#define FIRST_SPECIAL 1020
#define MAX_REGIONS  16

static struct gic {
	unsigned version;		/* [I] */
	volatile u8 *dist;		/* [I] */
	volatile u8 *cpu;		/* [I] version 2 */
	struct {
		volatile u8 *base;
		u64 size;
	} redist[MAX_REGIONS];		/* [I] version 3 */
	unsigned nr_redist;		/* [I] */
	unsigned nr;			/* [I] interrupts, the private ones included */
	struct spinlock lock;
	struct irq_domain domain;
	unsigned irqs[FIRST_SPECIAL];	/* [a] kernel number of each that is mapped */
	u8 targets[CONFIG_NR_CPUS];	/* [a] version 2: each processor's mask */
} gic;

static DEFINE_PER_CPU(volatile u8 *, gic_redist);	/* version 3: this CPU's */

/* --- system registers of version 3 ---------------------------------------------------------- */

#define ICC_PMR_EL1	"s3_0_c4_c6_0"
#define ICC_IAR1_EL1	"s3_0_c12_c12_0"
#define ICC_EOIR1_EL1	"s3_0_c12_c12_1"
#define ICC_BPR1_EL1	"s3_0_c12_c12_3"
#define ICC_CTLR_EL1	"s3_0_c12_c12_4"
#define ICC_SRE_EL1	"s3_0_c12_c12_5"
#define ICC_IGRPEN1_EL1 "s3_0_c12_c12_7"
#define ICC_SGI1R_EL1	"s3_0_c12_c11_5"

#define icc_read(reg) \
	({ \
		u64 icc_v_; \
		__asm__ __volatile__("mrs %0, " reg : "=r"(icc_v_) : : "memory"); \
		icc_v_; \
	})
#define icc_write(reg, v) __asm__ __volatile__("msr " reg ", %x0" : : "rZ"((u64)(v)) : "memory")
#define icc_sync()	  __asm__ __volatile__("isb" : : : "memory")

/* --- the processor's side -------------------------------------------------------------------- */

static u32 gic_acknowledge(void)
{
	u32 iar;

	if (gic.version == 2)
		return mmio_read32(gic.cpu + GICC_IAR);
	iar = (u32)icc_read(ICC_IAR1_EL1);
	/* What the interrupt announces must be visible to its handler. */
	__asm__ __volatile__("dsb sy" : : : "memory");
	return iar;
}

void gic_finish(u32 iar)
{
	if (gic.version == 2) {
		mmio_write32(gic.cpu + GICC_EOIR, iar);
	} else {
		icc_write(ICC_EOIR1_EL1, iar);
		icc_sync();
	}
}

/* What the message translator (gic_its.c) makes of its interrupts; false: not one in use. */
static bool (*lpi_handler)(u32 hwirq);

static bool gic_lpi_dispatch(u32 hwirq)
{
	return lpi_handler && lpi_handler(hwirq);
}

void gic_set_lpi_handler(bool (*fn)(u32 hwirq))
{
	lpi_handler = fn;
}

volatile u8 *gic_redistributor(void)
{
	return this_cpu(gic_redist);
}

static void gic_handle(struct arch_trapframe *tf, unsigned unused)
{
	for (;;) {
		u32 iar = gic_acknowledge(), hwirq = iar & 0xffffff;

		if (gic.version == 2)
			hwirq &= 0x3ff;
		if (hwirq >= FIRST_SPECIAL) {
			if (hwirq < GIC_FIRST_LPI)
				return;
			if (!gic_lpi_dispatch(hwirq))
				gic_finish(iar);
			continue;
		}
		if (hwirq < 16) {
			gic_finish(iar);
			ipi_received((enum ipi)hwirq);
			continue;
		}

		unsigned irq = READ_ONCE(gic.irqs[hwirq]);

		if (irq)
			irq_dispatch(irq);
		else
			gic_finish(iar);
	}
}

static void send_v2(const struct cpumask *mask, enum ipi ipi)
{
	unsigned cpu, targets = 0;

	for_each_cpu (cpu, mask)
		targets |= READ_ONCE(gic.targets[cpu]);
	if (targets)
		mmio_write32(gic.dist + GICD_SGIR, targets << 16 | (u32)ipi);
}

/* One write reaches up to sixteen processors that differ in the low four bits of their number
 * only. */
static void send_v3(const struct cpumask *mask, enum ipi ipi)
{
	unsigned cpu, other;

	for_each_cpu (cpu, mask) {
		u64 hwid = cpu_get(cpu)->hwid, cluster = hwid & ~15ull;
		u64 list = 1ull << (hwid & 15);

		while ((other = cpumask_next(cpu, mask)) < nr_cpus &&
		       (cpu_get(other)->hwid & ~15ull) == cluster) {
			list |= 1ull << (cpu_get(other)->hwid & 15);
			cpu = other;
		}
		icc_write(ICC_SGI1R_EL1, (hwid >> 32 & 0xff) << 48 | (hwid >> 4 & 15) << 44 |
						 (hwid >> 16 & 0xff) << 32 | (u64)ipi << 24 |
						 (hwid >> 8 & 0xff) << 16 | list);
	}
	icc_sync();
}

static void gic_send(const struct cpumask *mask, enum ipi ipi)
{
	/* What the receiver is to look at must be visible before it is told. */
	__asm__ __volatile__("dsb ishst" : : : "memory");
	if (gic.version == 2)
		send_v2(mask, ipi);
	else
		send_v3(mask, ipi);
}

static const struct ipi_ops gic_ipi = { .name = "GIC", .send = gic_send };

static void private_init(volatile u8 *base)
{
	mmio_write32(base + GICD_IGROUPR, gic.version == 2 ? 0 : ~0u);
	mmio_write32(base + GICD_ICENABLER, 0xffff0000);
	mmio_write32(base + GICD_ICACTIVER, ~0u);
	for (unsigned i = 0; i < NR_PRIVATE; i += 4)
		mmio_write32(base + GICD_IPRIORITYR + i, PRIORITY_ALL);
	mmio_write32(base + GICD_ISENABLER, 0x0000ffff);
}

static void init_cpu_v2(void)
{
	u32 targets = 0;

	/* The private target registers read as this processor's own mask. */
	for (unsigned i = 0; i < NR_PRIVATE && !targets; i += 4)
		targets = mmio_read32(gic.dist + GICD_ITARGETSR + i);
	WRITE_ONCE(gic.targets[cpu_id()],
		   (u8)(targets | targets >> 8 | targets >> 16 | targets >> 24));
	private_init(gic.dist);
	mmio_write32(gic.cpu + GICC_PMR, PRIORITY_MASK);
	mmio_write32(gic.cpu + GICC_CTLR, 1);
}

/* The frame whose affinity is this processor's. */
static volatile u8 *redist_find(void)
{
	u64 hwid = arch_cpu_self()->hwid;
	u32 affinity = (u32)(hwid >> 32 & 0xff) << 24 | (u32)(hwid & 0xffffff);

	for (unsigned r = 0; r < gic.nr_redist; r++) {
		volatile u8 *p = gic.redist[r].base, *end = p + gic.redist[r].size;
		u64 type;

		do {
			type = mmio_read64(p + GICR_TYPER);
			if (type >> 32 == affinity)
				return p;
			p += type & GICR_TYPER_VLPIS ? 0x40000 : 0x20000;
		} while (!(type & GICR_TYPER_LAST) && p < end);
	}
	return NULL;
}

static void init_cpu_v3(void)
{
	volatile u8 *r = this_cpu(gic_redist);

	if (!r)
		r = this_cpu(gic_redist) = redist_find();
	if (!r) {
		log_err("no redistributor for processor %u\n", cpu_id());
		return;
	}
	mmio_write32(r + GICR_WAKER, mmio_read32(r + GICR_WAKER) & ~GICR_WAKER_SLEEP);
	while (mmio_read32(r + GICR_WAKER) & GICR_WAKER_ASLEEP)
		arch_cpu_relax();
	private_init(r + GICR_SGI);

	icc_write(ICC_SRE_EL1, icc_read(ICC_SRE_EL1) | 1);
	icc_sync();
	icc_write(ICC_PMR_EL1, PRIORITY_MASK);
	icc_write(ICC_BPR1_EL1, 0);
	icc_write(ICC_CTLR_EL1, 0);
	icc_write(ICC_IGRPEN1_EL1, 1);
	icc_sync();
}

static void gic_init_cpu(void)
{
	static DEFINE_PER_CPU(bool, done);

	if (this_cpu(done))
		return;
	this_cpu(done) = true;
	if (gic.version == 2)
		init_cpu_v2();
	else
		init_cpu_v3();
}

/* --- lines --------------------------------------------------------------------------------- */

static volatile u8 *line_base(const struct irq_desc *d)
{
	return d->hwirq < NR_PRIVATE && gic.version == 3 ? this_cpu(gic_redist) + GICR_SGI
							 : gic.dist;
}

static void line_set(const struct irq_desc *d, unsigned reg)
{
	mmio_write32(line_base(d) + reg + d->hwirq / 32 * 4, 1u << d->hwirq % 32);
}

static void dist_wait(void)
{
	if (gic.version == 3)
		while (mmio_read32(gic.dist + GICD_CTLR) & GICD_CTLR_RWP)
			arch_cpu_relax();
}

void gic_mask(struct irq_desc *d)
{
	line_set(d, GICD_ICENABLER);
	dist_wait();
}

void gic_unmask(struct irq_desc *d)
{
	line_set(d, GICD_ISENABLER);
}

void gic_eoi(struct irq_desc *d)
{
	gic_finish((u32)d->hwirq);
}

void gic_retrigger(struct irq_desc *d)
{
	line_set(d, GICD_ISPENDR);
}

int gic_set_type(struct irq_desc *d, unsigned trigger)
{
	bool edge = trigger & IRQ_TRIGGER_EDGE;

	if (d->hwirq < NR_PRIVATE)
		return 0; /* fixed by the machine */
	if (trigger == IRQ_TRIGGER_FALLING || trigger == IRQ_TRIGGER_LOW)
		return -EINVAL;

	volatile u8 *reg = gic.dist + GICD_ICFGR + d->hwirq / 16 * 4;
	u32 bit = 2u << d->hwirq % 16 * 2;
	irqflags_t f = spin_lock_irqsave(&gic.lock);
	u32 v = mmio_read32(reg);

	mmio_write32(reg, edge ? v | bit : v & ~bit);
	spin_unlock_irqrestore(&gic.lock, f);
	return 0;
}

static u64 route_v3(unsigned cpu)
{
	return cpu_get(cpu)->hwid & 0xff00ffffffull;
}

int gic_set_affinity(struct irq_desc *d, const struct cpumask *mask)
{
	struct cpumask online;

	if (d->hwirq < NR_PRIVATE || !cpumask_and(&online, mask, &cpu_online_mask))
		return -EINVAL;

	unsigned cpu = cpumask_first(&online);

	if (gic.version == 2)
		mmio_write8(gic.dist + GICD_ITARGETSR + d->hwirq, READ_ONCE(gic.targets[cpu]));
	else
		mmio_write64(gic.dist + GICD_IROUTER + 8 * d->hwirq, route_v3(cpu));
	return 0;
}

static const struct irq_chip gic_chip_v2 = {
	.name = "GICv2",
	.mask = gic_mask,
	.unmask = gic_unmask,
	.eoi = gic_eoi,
	.set_type = gic_set_type,
	.set_affinity = gic_set_affinity,
	.retrigger = gic_retrigger,
};

static const struct irq_chip gic_chip_v3 = {
	.name = "GICv3",
	.mask = gic_mask,
	.unmask = gic_unmask,
	.eoi = gic_eoi,
	.set_type = gic_set_type,
	.set_affinity = gic_set_affinity,
	.retrigger = gic_retrigger,
};

/* Device tree: type (0 SPI, 1 PPI), number, flags.  Otherwise a global number as it stands. */
static int gic_translate(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			 unsigned *trigger)
{
	if (spec->nr >= 3) {
		if (spec->cells[0] > 1)
			return -EINVAL;
		*hwirq = spec->cells[1] + (spec->cells[0] == 0 ? 32 : 16);
		*trigger = spec->cells[2] & 15;
	} else {
		*hwirq = spec->cells[0];
		*trigger = spec->nr > 1 ? spec->cells[1] : IRQ_TRIGGER_DEFAULT;
	}
	return *hwirq >= 16 && *hwirq < gic.nr ? 0 : -EINVAL;
}

int gic_attach(struct irq_desc *d)
{
	if (d->hwirq < 16 || d->hwirq >= gic.nr)
		return -EINVAL;
	WRITE_ONCE(gic.irqs[d->hwirq], d->irq);
	return 0;
}

static int gic_map(struct irq_domain *dom, struct irq_desc *d)
{
	d->chip = gic.version == 2 ? &gic_chip_v2 : &gic_chip_v3;
	d->percpu = d->hwirq < NR_PRIVATE;
	return gic_attach(d);
}

static const struct irq_domain_ops gic_domain_ops = {
	.translate = gic_translate,
	.map = gic_map,
};

/* --- boot ----------------------------------------------------------------------------------- */

static void dist_init(void)
{
	u32 type = mmio_read32(gic.dist + GICD_TYPER);

	gic.nr = min(32 * ((type & 31) + 1), (u32)FIRST_SPECIAL);
	mmio_write32(gic.dist + GICD_CTLR, 0);
	dist_wait();
	for (unsigned i = NR_PRIVATE; i < gic.nr; i += 32) {
		mmio_write32(gic.dist + GICD_IGROUPR + i / 8, gic.version == 2 ? 0 : ~0u);
		mmio_write32(gic.dist + GICD_ICENABLER + i / 8, ~0u);
		mmio_write32(gic.dist + GICD_ICPENDR + i / 8, ~0u);
		mmio_write32(gic.dist + GICD_ICACTIVER + i / 8, ~0u);
	}
	for (unsigned i = NR_PRIVATE; i < gic.nr; i += 4)
		mmio_write32(gic.dist + GICD_IPRIORITYR + i, PRIORITY_ALL);
	if (gic.version == 3) {
		mmio_write32(gic.dist + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_ENABLE);
		dist_wait();
	} else {
		mmio_write32(gic.dist + GICD_CTLR, 1);
	}
}

/* Lines go to the boot processor until somebody says otherwise. */
static void dist_route(void)
{
	u32 all = gic.targets[0] * 0x01010101u;

	for (unsigned i = NR_PRIVATE; i < gic.nr; i++) {
		if (gic.version == 3)
			mmio_write64(gic.dist + GICD_IROUTER + 8 * i, route_v3(0));
		else if (!(i & 3))
			mmio_write32(gic.dist + GICD_ITARGETSR + i, all);
	}
}

static int gic_start(int node)
{
	spin_init(&gic.lock, RANK_IRQ_CHIP, "gic");
	dist_init();
	gic_init_cpu();
	dist_route();
	gic.domain = (struct irq_domain){
		.name = "GIC",
		.ops = &gic_domain_ops,
		.fdt_node = node,
		.nr_hwirqs = gic.nr,
	};
	irq_set_root(gic_handle);
	ipi_register(&gic_ipi);
	log_info("version %u, %u interrupts\n", gic.version, gic.nr);
	return irq_domain_register(&gic.domain);
}

static volatile u8 *map_reg(const struct fdt *fdt, int node, unsigned nth, u64 *size)
{
	paddr_t pa;

	return fdt_reg(fdt, node, nth, &pa, size) ? mmio_map(pa, *size) : NULL;
}

static int gic_v2_probe(const struct fdt *fdt, int node)
{
	u64 size;

	if (gic.version)
		return -EBUSY;
	gic.dist = map_reg(fdt, node, 0, &size);
	gic.cpu = map_reg(fdt, node, 1, &size);
	if (!gic.dist || !gic.cpu)
		return -ENOMEM;
	gic.version = 2;
	return gic_start(node);
}

static int gic_v3_probe(const struct fdt *fdt, int node)
{
	u32 regions = fdt_u32(fdt, node, "#redistributor-regions", 1);
	u64 size;

	if (gic.version)
		return -EBUSY;
	gic.dist = map_reg(fdt, node, 0, &size);
	if (!gic.dist)
		return -ENOMEM;
	for (u32 i = 0; i < min(regions, (u32)MAX_REGIONS); i++) {
		volatile u8 *base = map_reg(fdt, node, 1 + i, &size);

		if (!base)
			return -ENOMEM;
		gic.redist[i].base = base;
		gic.redist[i].size = size;
		gic.nr_redist++;
	}
	gic.version = 3;
	return gic_start(node);
}

static const char *const gic_v2_ids[] = { "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic",
					  "arm,cortex-a7-gic", NULL };
static const char *const gic_v3_ids[] = { "arm,gic-v3", NULL };

FDT_IRQCHIP(gic_v2) = {
	.name = "gic-v2", .compatible = gic_v2_ids, .probe = gic_v2_probe, .init_cpu = gic_init_cpu
};
FDT_IRQCHIP_ENTRY(gic_v2);
FDT_IRQCHIP(gic_v3) = {
	.name = "gic-v3", .compatible = gic_v3_ids, .probe = gic_v3_probe, .init_cpu = gic_init_cpu
};
FDT_IRQCHIP_ENTRY(gic_v3);
