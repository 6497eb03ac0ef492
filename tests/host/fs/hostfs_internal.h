/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the stand-ins of tests/host/fs tell each other. */
#pragma once

#include <kernel/lib/types.h>
#include "hostfs.h"

/* --- sched.c --------------------------------------------------------------------------------- */

void sched_boot(u64 seed);
/* Threads that could run now, besides the caller. */
unsigned sched_others(void);
/* Print every thread, what it waits for and where. */
void sched_print(void);
/* Random numbers for decisions of the machine, apart from those of the test. */
u64 machine_random(u64 bound);
/* A moment at which everything asynchronous may happen: timers that are due, callbacks whose grace
 * period passed. */
void machine_turn(void);
/* Nothing can run: the next timer's moment comes.  False: there is none. */
bool machine_idle(void);

/* --- time.c ---------------------------------------------------------------------------------- */

bool timers_run_due(void);
bool timers_skip_ahead(void);
/* Run callbacks of the grace periods that have passed.  True when there were any. */
bool rcu_run(void);
void time_advance(u64 ns);

/* --- memory.c -------------------------------------------------------------------------------- */

void memory_boot(void);

/* --- machine.c ------------------------------------------------------------------------------- */

void machine_boot(void);
void log_print_tail(void);
