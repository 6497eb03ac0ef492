/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits of the running process, as the rooms below kernel/proc ask for them; kernel/proc
 * answers. */
#pragma once

#include <kernel/lib/types.h>

/* The soft limit RLIMIT_`which`; RLIM_INFINITY (~0) for kernel threads.  Context: thread. */
u64 rlimit_get(unsigned which);
/*
 * The running thread, of a real-time class, has run for `ns` without sleeping: RLIMIT_RTTIME.
 * Context: interrupts off.
 */
void rlimit_rt_ran(u64 ns);
