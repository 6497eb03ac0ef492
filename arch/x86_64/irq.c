/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC (Intel SDM volume 3, chapter 11): interrupts of this CPU, and those it sends to
 * others.
 *
 * It is the root of the interrupt tree.  Vectors:
 *
 *	0x20-0x2f	where the old interrupt controllers would deliver, if they were not masked
 *	0x30-0xdf	devices, handed out by x86_vector_alloc
 *	0xf0-0xf3	IPIs, in the order of enum ipi
 *	0xf4		the timer
 *	0xff		spurious
 *
 * Message-signalled interrupts are a domain of this file: the hardware number is the vector, the
 * message is a store to the APIC's address (11.11).  They have no mask here; PCI functions have
 * one.
 *
 * Both register interfaces are served: x2APIC by MSRs where the firmware or the CPU has it, else
 * xAPIC through memory.  x2APIC is unverified on hardware.
 */
#include <arch/io.h>
#include <arch/irqflags.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/panic.h>
#include <kernel/firmware/acpi.h>
#include <kernel/firmware/acpi_driver.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/irq/irq.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/ipi.h>
#include <kernel/time/timer.h>
#include <mm/vmalloc.h>
#include "apic.h"
#include "lapic.h"
#include "msr.h"
#include "port.h"
#include "x86_internal.h"

#define LOG_PREFIX "apic: "
#include <kernel/debug/log.h>

#define VEC_DEVICE_FIRST 0x30
#define VEC_DEVICE_END	 0xe0
#define VEC_IPI		 0xf0
#define VEC_SPURIOUS	 0xff

#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2	 (1u << 10)

#define SVR_ENABLE	   0x100
#define LVT_MASKED	   0x10000
#define LVT_NMI		   0x400
#define ICR_PENDING	   0x1000
#define ICR_ASSERT	   0x4000

static bool x2apic;
static volatile u8 __iomem *lapic; /* xAPIC registers */

static struct spinlock vector_lock = SPINLOCK_INIT(RANK_IRQ_CHIP);
static u64 vectors_used[4];  /* [v] */
static u32 vector_irq[256];  /* [a] irq of a device vector, 0 for none */
			     /* v: vector_lock */

/* --- registers --- */

u32 x86_lapic_read(unsigned reg)
{
	return x2apic ? (u32)rdmsr(MSR_X2APIC + reg / 16) : mmio_read32(lapic + reg);
}

void x86_lapic_write(unsigned reg, u32 v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		mmio_write32(lapic + reg, v);
}

void x86_apic_eoi(void)
{
	x86_lapic_write(LAPIC_EOI, 0);
}

u32 x86_lapic_id(void)
{
	u32 id = x86_lapic_read(LAPIC_ID);

	return x2apic ? id : id >> 24;
}

static void icr_wait(void)
{
	for (unsigned i = 0; i < 1000000 && (x86_lapic_read(LAPIC_ICR) & ICR_PENDING); i++)
		arch_cpu_relax();
}

void x86_lapic_send(u32 apic_id, u32 command)
{
	irqflags_t f;

	if (x2apic) {
		/* An MSR write does not wait for earlier stores, which the receiver is to see
		 * (11.12.3). */
		__asm__ __volatile__("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC + LAPIC_ICR / 16, (u64)apic_id << 32 | command);
		return;
	}
	f = arch_irq_save();
	icr_wait();
	x86_lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
	x86_lapic_write(LAPIC_ICR, command | ICR_ASSERT);
	arch_irq_restore(f);
}

/* --- vectors --- */

unsigned x86_vector_alloc(unsigned n)
{
	unsigned step = (unsigned)roundup_pow2(n);

	guard_spin_irq(&vector_lock);
	for (unsigned v = ALIGN_UP(VEC_DEVICE_FIRST, step); v + n <= VEC_DEVICE_END; v += step) {
		size_t used = bitmap_find_next_bit(vectors_used, VEC_DEVICE_END, v);

		if (used < v + n)
			continue;
		bitmap_set_range(vectors_used, v, n);
		return v;
	}
	return 0;
}

void x86_vector_free(unsigned vector, unsigned n)
{
	guard_spin_irq(&vector_lock);
	for (unsigned i = 0; i < n; i++)
		atomic_store(&vector_irq[vector + i], 0);
	bitmap_clear_range(vectors_used, vector, n);
}

void x86_vector_bind(unsigned vector, unsigned irq)
{
	atomic_store(&vector_irq[vector], irq);
}

u32 x86_apic_target(const struct cpumask *mask)
{
	unsigned cpu;

	for_each_cpu (cpu, mask) {
		if (cpu_online(cpu))
			return cpu_get(cpu)->arch.apic_id;
	}
	return boot_cpu.arch.apic_id;
}

/* --- interrupts --- */

static void handle_root(struct arch_trapframe *tf, unsigned vector)
{
	u32 irq = atomic_load(&vector_irq[vector]);

	if (vector == VEC_SPURIOUS)
		return;
	if (vector == LAPIC_VEC_TIMER) {
		x86_apic_eoi();
		timer_interrupt();
	} else if (vector >= VEC_IPI && vector < VEC_IPI + NR_IPIS) {
		x86_apic_eoi();
		ipi_received((enum ipi)(vector - VEC_IPI));
	} else if (irq) {
		irq_dispatch(irq);
	} else {
		x86_apic_eoi();
		log_once(LOG_WARN, "nobody wants vector %#x\n", vector);
	}
}

static void send_ipi(const struct cpumask *mask, enum ipi ipi)
{
	unsigned cpu;

	for_each_cpu (cpu, mask)
		x86_lapic_send(cpu_get(cpu)->arch.apic_id, VEC_IPI + ipi);
}

static const struct ipi_ops lapic_ipi = { .name = "LAPIC", .send = send_ipi };

/* --- message-signalled interrupts --- */

static void msi_nothing(struct irq_desc *d)
{
}

static void msi_eoi(struct irq_desc *d)
{
	x86_apic_eoi();
}

static int msi_set_affinity(struct irq_desc *d, const struct cpumask *mask)
{
	d->affinity = *mask;
	return 0;
}

static int msi_message(struct irq_desc *d, u64 *address, u32 *data)
{
	*address = 0xfee00000 | (u64)(x86_apic_target(&d->affinity) & 0xff) << 12;
	*data = (u32)d->hwirq;
	return 0;
}

static const struct irq_chip msi_chip = {
	.name = "PCI-MSI",
	.mask = msi_nothing,
	.unmask = msi_nothing,
	.eoi = msi_eoi,
	.set_affinity = msi_set_affinity,
	.msi_message = msi_message,
};

static int msi_translate(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			 unsigned *trigger)
{
	return -EINVAL;
}

static int msi_map(struct irq_domain *dom, struct irq_desc *d)
{
	if (d->hwirq < VEC_DEVICE_FIRST || d->hwirq >= VEC_DEVICE_END)
		return -EINVAL;
	d->chip = &msi_chip;
	x86_vector_bind((unsigned)d->hwirq, d->irq);
	return 0;
}

static int msi_alloc(struct irq_domain *dom, unsigned n, u64 *hwirq, u32 device_id)
{
	*hwirq = x86_vector_alloc(n);
	return *hwirq ? 0 : -ENOSPC;
}

static void msi_free(struct irq_domain *dom, u64 hwirq, unsigned n)
{
	x86_vector_free((unsigned)hwirq, n);
}

static const struct irq_domain_ops msi_ops = {
	.translate = msi_translate,
	.map = msi_map,
	.msi_alloc = msi_alloc,
	.msi_free = msi_free,
};

static struct irq_domain msi_domain = { .name = "PCI-MSI", .ops = &msi_ops, .fdt_node = -1 };

/* --- the machine's lines --- */

void x86_isa_irq(unsigned line, u32 *gsi, unsigned *trigger)
{
	const struct acpi_madt_entry *e = NULL;

	*gsi = line;
	*trigger = IRQ_TRIGGER_RISING;
	while ((e = acpi_madt_next(e))) {
		const struct acpi_madt_override *o = (const struct acpi_madt_override *)e;

		if (e->type != ACPI_MADT_OVERRIDE || o->bus || o->source != line)
			continue;
		*gsi = o->gsi;
		if (ACPI_INTI_LEVEL(o->flags))
			*trigger =
				ACPI_INTI_ACTIVE_LOW(o->flags) ? IRQ_TRIGGER_LOW : IRQ_TRIGGER_HIGH;
		else if (ACPI_INTI_ACTIVE_LOW(o->flags))
			*trigger = IRQ_TRIGGER_FALLING;
	}
}

LINKSET_DECLARE(acpi_irqchips, struct acpi_irqchip);

static void probe_chips(void)
{
	const struct acpi_madt_entry *e = NULL;

	while ((e = acpi_madt_next(e))) {
		const struct acpi_irqchip *const *chip;

		for_each_linkset(chip, acpi_irqchips) {
			int err = (*chip)->madt_type == e->type ? (*chip)->probe(e) : 0;

			if (err)
				log_err("%s: error %d\n", (*chip)->name, err);
		}
	}
}

/* The two 8259s: out of the exceptions' way, and masked for good. */
static void silence_pic(void)
{
	static const u8 setup[][2] = {{0x20, 0x11}, {0xa0, 0x11}, {0x21, 0x20}, {0xa1, 0x28},
				      {0x21, 0x04}, {0xa1, 0x02}, {0x21, 0x01}, {0xa1, 0x01},
				      {0x21, 0xff}, {0xa1, 0xff}};

	for (unsigned i = 0; i < ARRAY_SIZE(setup); i++)
		outb(setup[i][0], setup[i][1]);
}

void x86_irq_init_cpu(void)
{
	if (x2apic)
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2);
	else
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
	x86_lapic_write(LAPIC_TPR, 0);
	x86_lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	x86_lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	x86_lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	x86_lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	x86_lapic_write(LAPIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	arch_cpu_self()->arch.apic_id = x86_lapic_id();
}

static const void *map_table(paddr_t pa, size_t len)
{
	return mmio_map_type(pa, len, MEM_NORMAL);
}

void x86_acpi_init(void)
{
	int err;

	if (acpi_present())
		return;
	err = acpi_tables_init(boot_info.rsdp, map_table);
	if (err)
		log_warn("no ACPI tables: error %d\n", err);
}

void x86_irq_init(void)
{
	paddr_t base = acpi_madt_lapic_address();

	silence_pic();
	x2apic = x86_has(X86_X2APIC);
	if (!x2apic) {
		lapic = mmio_map(base ? base : 0xfee00000, PAGE_SIZE);
		if (!lapic)
			panic("cannot map the local APIC");
	}
	x86_irq_init_cpu();
	irq_set_root(handle_root);
	ipi_register(&lapic_ipi);
	probe_chips();
	if (irq_domain_register(&msi_domain))
		log_err("no message-signalled interrupts\n");
}
