/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completions: wait until something has been done, so many times.
 *
 * Unlike a wait queue with a flag, a completion on the waiter's stack is safe: completion_done()
 * does not touch it any more once the waiter may return.
 */
#pragma once

#include <kernel/sync/waitqueue.h>

struct completion {
	u32 done; /* [q] how often done and not yet waited for; ~0: for all */
	struct wait_queue wait;
}; /* q: wait.lock */

#define COMPLETION_INIT(name)                                                                      \
	{                                                                                          \
		.wait = WAIT_QUEUE_INIT((name).wait)                                               \
	}

void completion_init(struct completion *c);

/* Not done any more, after _done_all.  Nobody waits. */
static inline void completion_reset(struct completion *c)
{
	WRITE_ONCE(c->done, 0);
}

/* Wait until done.  Context: may sleep. */
void completion_wait(struct completion *c);
/* Return 0, or -ERESTARTSYS on a fatal (interruptible: any) signal. */
int __must_check completion_wait_killable(struct completion *c);
int __must_check completion_wait_interruptible(struct completion *c);
/* `deadline_ns` on the monotonic clock.  Returns 0 or -ETIMEDOUT. */
int __must_check completion_wait_timeout(struct completion *c, u64 deadline_ns);
/* Consume one if done already.  Context: any. */
bool completion_try_wait(struct completion *c);
bool completion_is_done(struct completion *c);

/* Let one waiter, or all for ever, go on.  Context: any. */
void completion_done(struct completion *c);
void completion_done_all(struct completion *c);
