/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making things fail on purpose.
 *
 * fail_after=N on the command line, or a test, arms a counter: the Nth question from then on is
 * answered "fail", and with fail_every=M every Mth after it.  The allocator, the user-copy
 * functions and block I/O ask.
 */
#pragma once

#include <kernel/lib/atomic.h>

enum inject_kind { INJECT_ALLOC, INJECT_USERCOPY, INJECT_IO, INJECT_KINDS };

extern u32 fault_inject_armed; /* [a] bit per kind */

bool fault_inject_slow(enum inject_kind kind);

/* Shall this operation fail?  Context: any. */
static __always_inline bool fault_inject(enum inject_kind kind)
{
	if (!IS_ENABLED(CONFIG_DEBUG))
		return false;
	if (likely(!(READ_ONCE(fault_inject_armed) >> kind & 1)))
		return false;
	return fault_inject_slow(kind);
}

/* Fail the `after`th from now (1: the next) and then every `every`th (0: no more). */
void fault_inject_arm(enum inject_kind kind, u64 after, u64 every);

/* Stop.  Returns whether anything was made to fail since arming. */
bool fault_inject_disarm(enum inject_kind kind);

/* fail_after= fail_every= fail_kind=alloc,usercopy,io */
void fault_inject_init(const char *cmdline);
