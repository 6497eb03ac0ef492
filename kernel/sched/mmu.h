/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address space each CPU has loaded.
 *
 * A switch to a thread with an address space loads it, unless it is loaded already; a kernel thread
 * keeps whatever is there (lazily), which costs nothing when its predecessor runs next.  mmu->cpus
 * names the CPUs that have it loaded: mm sends them its flushes, and takes a dying address space
 * away from those that hold it lazily (sched_mmu_drop).
 */
#pragma once

#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <kernel/lib/atomic.h>
#include <kernel/smp/percpu.h>

DECLARE_PER_CPU(struct arch_mmu *, mmu_loaded);

/* Load `next` on this CPU; NULL keeps what is loaded.  The scheduler at a switch, exec, exit.
 * Context: interrupts off. */
static __always_inline void sched_mmu_switch(struct arch_mmu *next)
{
	struct arch_mmu *prev = this_cpu(mmu_loaded);

	if (!next || prev == next)
		return;
	/* Whoever changes entries from here on sees us in the mask, or we see the new entries. */
	cpumask_set(&next->cpus, cpu_id());
	smp_mb();
	arch_mmu_switch(next);
	this_cpu(mmu_loaded) = next;
	if (prev)
		cpumask_clear(&prev->cpus, cpu_id());
}

/* If this CPU has `mmu` loaded, load the kernel's own root instead.  Context: any. */
static inline void sched_mmu_drop(struct arch_mmu *mmu)
{
	irqflags_t f = arch_irq_save();

	if (this_cpu(mmu_loaded) == mmu)
		sched_mmu_switch(&arch_kernel_mmu);
	arch_irq_restore(f);
}
