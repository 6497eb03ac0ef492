/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * membarrier(2): a barrier on every CPU that runs threads of interest, paid by the rare side.
 *
 * The private commands interrupt only CPUs that have our address space loaded; the interrupt is the
 * barrier, and entering and leaving the kernel is one for a CPU that switches meanwhile.
 */
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/membarrier.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/ipi.h>
#include <kernel/sync/rcu.h>
#include <mm/space.h>

#define REGISTRATIONS                                                                              \
	(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |    \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define COMMANDS                                                                                   \
	(MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                                 \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |           \
	 MEMBARRIER_CMD_GET_REGISTRATIONS | REGISTRATIONS)

static void barrier_here(void *unused)
{
	smp_mb();
}

static long private_barrier(u32 needs)
{
	struct mm *mm = thread_current()->mm;
	struct cpumask cpus;

	if (!(atomic_load(&mm->membarrier) & needs))
		return -EPERM;
	smp_mb();
	cpumask_copy(&cpus, &mm->arch.cpus);
	smp_call(&cpus, barrier_here, NULL, true);
	smp_mb();
	return 0;
}

long sys_membarrier(int cmd, unsigned int flags, int cpu)
{
	struct mm *mm = thread_current()->mm;

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY: return COMMANDS;
	case MEMBARRIER_CMD_GLOBAL: synchronize_rcu(); return 0;
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED: smp_call_all(barrier_here, NULL, true); return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return private_barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return private_barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		atomic_fetch_or(&mm->membarrier, (u32)cmd);
		return 0;
	case MEMBARRIER_CMD_GET_REGISTRATIONS: return atomic_load(&mm->membarrier);
	default: return -EINVAL;
	}
}
