/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers: call a function at a moment of the monotonic clock.
 *
 * One interface with slack: the function runs at or after the deadline, and by deadline + slack if
 * the machine permits.  Generous timers (1 ms of slack or more) sit in a wheel and cost O(1);
 * precise ones in a tree.  A timer belongs to the CPU that started it and its function runs there,
 * in hard interrupt context, interrupts off: short.  It may start itself again.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/lib/rbtree.h>
#include <kernel/time/clock.h>

struct timer_base;

struct timer {
	void (*fn)(struct timer *t); /* [I] */
	u64 deadline;                /* [b] */
	struct timer_base *base;     /* [a,b] where it is or last was queued */
	u32 state;                   /* [a,b] enum timer_state in timer.c */
	u32 slot;                    /* [b] of the wheel */
	union {
		struct rb_node node; /* [b] */
		struct list link;    /* [b] */
	};
}; /* b: timer_base.lock */

/* The owner keeps the memory until timer_cancel_sync() or the function's end. */
void timer_init(struct timer *t, void (*fn)(struct timer *t));

/* (Re)start for absolute `deadline_ns`; a running function does not stop that.  Context: any. */
void timer_start(struct timer *t, u64 deadline_ns, u64 slack_ns);
/* Make it run no more, unless it just is.  Returns true when it was pending.  Context: any. */
bool timer_cancel(struct timer *t);
/* The same, and wait for a running function to end.  Context: any that the function does not wait
 * for. */
bool timer_cancel_sync(struct timer *t);

/* Started and not yet run. */
bool timer_pending(const struct timer *t);
static inline u64 timer_deadline(const struct timer *t)
{
	return READ_ONCE(t->deadline);
}

/* Upcall: this CPU's hardware timer went off.  Context: hard interrupt (within trap_irq),
 * interrupts off. */
void timer_interrupt(void);

/* The earliest pending deadline of this CPU.  Interrupts off. */
u64 timer_next_deadline(void);

/* Boot: all bases; then each CPU's hardware timer. */
void timer_init_all(void);
void timer_init_cpu(void);
