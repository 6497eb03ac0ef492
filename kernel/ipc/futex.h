/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Futexes: sleeping on a word of user memory.  futex(2), futex(7). */
#pragma once

#include <kernel/lib/types.h>

struct task;

/*
 * Wake at most `n` waiters on the word at `addr` of the current space whose bits meet `bits`.
 * Returns how many.
 */
long futex_wake_user(vaddr_t addr, bool shared, unsigned n, u32 bits);

/*
 * The running thread leaves its address space (exit, exec): robust locks it holds are marked and
 * their waiters woken, then the clear_child_tid word is zeroed and woken.  Context: may sleep.
 */
void futex_exit(struct task *task);

void futex_init(void);
