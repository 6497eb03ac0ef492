/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The waiting half of the ticket lock.  Only loads are done while waiting, so that the word stays
 * shared until the holder stores to it.
 */
#include <kernel/debug/panic.h>
#include <kernel/sync/spinlock.h>

void spin_wait(struct spinlock *l, u32 ticket)
{
	while ((atomic_load_acquire(&l->tickets) & 0xffff) != ticket)
		arch_cpu_relax();
}

void lock_assert_failed(const char *what)
{
	panic("%s is not held", what);
}
