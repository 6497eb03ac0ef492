/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other processors: found in the MADT, started by INIT and two start-up IPIs (SDM 9.4.4).
 *
 * One is started at a time.  It runs the trampoline on the boot tables, takes root, stack and
 * struct cpu from the three variables below, says so, and the next may come.
 */
#include <arch/smp.h>
#include <arch/timer.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/panic.h>
#include <kernel/firmware/acpi.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <mm/page.h>
#include <mm/vmalloc.h>
#include "fpu.h"
#include "lapic.h"
#include "x86_internal.h"

#define TRAMPOLINE_PA                                                                              \
	0x8000 /* in the reserved first MiB, and page aligned: its frame is the vector */

paddr_t x86_ap_root;
vaddr_t x86_ap_stack;
struct cpu *x86_ap_cpu;

static bool entry_usable(const struct acpi_madt_entry *e, u32 *id)
{
	u32 flags;

	if (e->type == ACPI_MADT_LAPIC) {
		const struct acpi_madt_lapic *l = (const struct acpi_madt_lapic *)e;

		*id = l->apic_id;
		flags = l->flags;
	} else if (e->type == ACPI_MADT_X2APIC) {
		const struct acpi_madt_x2apic *x = (const struct acpi_madt_x2apic *)e;

		*id = x->x2apic_id;
		flags = x->flags;
	} else {
		return false;
	}
	return flags & ACPI_LAPIC_ENABLED;
}

unsigned arch_smp_enumerate(void (*found)(u64 hwid, void *ctx), void *ctx)
{
	const struct acpi_madt_entry *e = NULL;
	u32 boot = boot_cpu.arch.apic_id, id;
	unsigned n = 1;

	x86_acpi_init();
	found(boot, ctx);
	while ((e = acpi_madt_next(e))) {
		if (!entry_usable(e, &id) || id == boot)
			continue;
		found(id, ctx);
		n++;
	}
	return n;
}

static void wait_us(u64 us)
{
	u64 end = arch_clock_read() + arch_clock_hz() / 1000000 * us;

	while (arch_clock_read() < end)
		arch_cpu_relax();
}

static bool arrived(struct cpu *c, u64 us)
{
	u64 end = arch_clock_read() + arch_clock_hz() / 1000000 * us;

	while (!atomic_load_acquire(&c->arch.online)) {
		if (arch_clock_read() > end)
			return false;
		arch_cpu_relax();
	}
	return true;
}

static int prepare(struct cpu *c)
{
	static void *low;

	if (!low)
		low = mmio_map_type(TRAMPOLINE_PA, PAGE_SIZE, MEM_NORMAL);
	if (!low)
		return -ENOMEM;
	memcpy(low, x86_trampoline_start, (size_t)(x86_trampoline_end - x86_trampoline_start));

	c->arch.self = c;
	c->arch.current = c->idle;
	c->arch.canary = c->idle->arch.canary;
	c->arch.kernel_sp = c->idle->arch.stack_top;
	c->arch.tss.rsp[0] = c->arch.kernel_sp;
	c->arch.apic_id = (u32)c->hwid;
	c->arch.root = arch_kernel_mmu.root;
	c->arch.fpu_nested = x86_xstate_alloc();
	return c->arch.fpu_nested ? x86_cpu_stacks(c) : -ENOMEM;
}

int arch_smp_start(struct cpu *c)
{
	int err;

	/* The idle thread never was anything else: its stack has a top as any kernel thread's. */
	c->idle->arch.stack_top = (vaddr_t)c->idle->stack + KSTACK_SIZE;
	err = prepare(c);
	if (err)
		return err;
	x86_ap_root = arch_kernel_mmu.root;
	x86_ap_stack = c->idle->arch.stack_top - sizeof(struct arch_trapframe) - 8;
	x86_ap_cpu = c;
	smp_mb();

	x86_lapic_send((u32)c->hwid, ICR_INIT);
	wait_us(10000);
	for (unsigned i = 0; i < 2; i++) {
		x86_lapic_send((u32)c->hwid, ICR_STARTUP | TRAMPOLINE_PA >> PAGE_SHIFT);
		if (arrived(c, i ? 2000000 : 20000))
			return 0;
	}
	return arrived(c, 2000000) ? 0 : -EIO;
}

/* On the idle thread's stack, interrupts off. */
void x86_ap_main(void)
{
	struct cpu *c = arch_cpu_self();

	x86_cpu_load(c);
	x86_fpu_init_cpu();
	x86_irq_init_cpu();
	atomic_store_release(&c->arch.online, 1);
	smp_secondary_main();
}

_Noreturn void arch_smp_park(void)
{
	arch_cpu_halt();
}
