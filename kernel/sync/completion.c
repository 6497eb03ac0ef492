/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completions.  Everything happens under the queue's lock, and a waiter takes it before it returns,
 * so that it cannot overtake the one who is still inside completion_done().
 */
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>

#define DONE_FOR_ALL U32_MAX

void completion_init(struct completion *c)
{
	c->done = 0;
	wait_queue_init(&c->wait);
}

bool completion_try_wait(struct completion *c)
{
	if (!atomic_load(&c->done))
		return false;
	guard_spin_irq(&c->wait.lock);
	if (!c->done)
		return false;
	if (c->done != DONE_FOR_ALL)
		c->done--;
	return true;
}

bool completion_is_done(struct completion *c)
{
	if (!atomic_load(&c->done))
		return false;
	guard_spin_irq(&c->wait.lock);
	return c->done;
}

void completion_wait(struct completion *c)
{
	wait_event(&c->wait, completion_try_wait(c));
}

int completion_wait_killable(struct completion *c)
{
	return wait_event_killable(&c->wait, completion_try_wait(c));
}

int completion_wait_interruptible(struct completion *c)
{
	return wait_event_interruptible(&c->wait, completion_try_wait(c));
}

int completion_wait_timeout(struct completion *c, u64 deadline_ns)
{
	return wait_event_timeout(&c->wait, completion_try_wait(c), deadline_ns);
}

void completion_done(struct completion *c)
{
	guard_spin_irq(&c->wait.lock);
	if (c->done != DONE_FOR_ALL)
		WRITE_ONCE(c->done, c->done + 1);
	wake_up_locked(&c->wait, THREAD_NORMAL, 0, 0);
}

void completion_done_all(struct completion *c)
{
	guard_spin_irq(&c->wait.lock);
	WRITE_ONCE(c->done, DONE_FOR_ALL);
	wake_up_locked(&c->wait, THREAD_NORMAL, 0, 0);
}
