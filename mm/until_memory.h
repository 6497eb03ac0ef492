/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps from which there is no way back, and which therefore must not fail for want of memory. */
#pragma once

#include <kernel/abi/errno.h>
#include <kernel/lib/types.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>

/* Was it memory that lacked?  Then wait a moment and say true.  Context: may sleep. */
static inline bool no_memory_yet(int err)
{
	if (err != -ENOMEM)
		return false;
	sleep_ns(NSEC_PER_MSEC);
	return true;
}

/* `step`, as often as it takes until it answers something else than -ENOMEM.  Context: may
 * sleep. */
#define until_memory(step)                                                                         \
	({                                                                                         \
		int until_memory_err;                                                              \
		do {                                                                               \
			until_memory_err = (step);                                                 \
		} while (no_memory_yet(until_memory_err));                                         \
		until_memory_err;                                                                  \
	})
