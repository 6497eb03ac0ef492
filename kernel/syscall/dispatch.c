/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System call dispatch.
 *
 * The machine's entry code hands over the saved registers; the number indexes a table of wrappers
 * that convert six registers to the call's argument types.  Nothing else happens on the way, unless
 * a flag of the thread asks for it.
 */
#include <kernel/syscall/dispatch.h>

#include <arch/syscall.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/sched/thread.h>
#include <kernel/trap/trap.h>

static long unknown_call(long nr)
{
	static u32 reported; /* [a] number + 1 of the last one: a program probes each once */

	if (IS_ENABLED(CONFIG_DEBUG) && nr >= 0 && nr < SYSCALL_TABLE_SIZE &&
	    atomic_xchg(&reported, (u32)nr + 1) != (u32)nr + 1)
		log_debug("%s: system call %ld (%s) is not there", thread_current()->comm, nr,
			  syscall_names[nr] ? syscall_names[nr] : "?");
	return -ENOSYS;
}

void trap_syscall(struct arch_trapframe *tf)
{
	unsigned long nr = (unsigned long)(int)arch_syscall_nr(tf);
	long a[6];
	long ret;

	if (likely(nr < SYSCALL_TABLE_SIZE && syscall_table[nr])) {
		arch_syscall_args(tf, a);
		ret = syscall_table[nr](a[0], a[1], a[2], a[3], a[4], a[5]);
	} else {
		ret = unknown_call((long)nr);
	}
	arch_syscall_set_result(tf, ret);
}
