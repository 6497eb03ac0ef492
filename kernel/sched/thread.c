/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Existence of threads.
 *
 * A structure is freed a grace period after its last reference, and its stack with it: whoever
 * found the thread under RCU may look at both.
 */
#include <arch/thread.h>
#include <arch/types.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include "sched_internal.h"

char boot_stack[KSTACK_SIZE] __aligned(KSTACK_SIZE);

/* It becomes the idle thread, which is never preempted. */
struct thread boot_thread = {
	.preempt_count = PREEMPT_ONE,
	.state = THREAD_RUNNING,
	.on_cpu = 1,
	.kthread = 1,
	.stack = boot_stack,
	.comm = "idle",
	.refs = REFCOUNT_INIT(1),
	.se = {.class = CLASS_IDLE, .weight = NICE_WEIGHT, .slice = BASE_SLICE},
};

struct spinlock thread_list_lock = SPINLOCK_INIT(RANK_THREAD_LIST);
struct list thread_list = LIST_INIT(thread_list);
static unsigned thread_count;           /* thread_list_lock */
static struct slab_cache *thread_cache; /* [I after boot] */

void thread_init(void)
{
	thread_cache = slab_create("thread", sizeof(struct thread), 64, SLAB_HWALIGN, NULL);
	VERIFY(thread_cache);
}

unsigned nr_threads(void)
{
	return READ_ONCE(thread_count);
}

static void list_add_thread(struct thread *t)
{
	guard_spin_irq(&thread_list_lock);
	list_push_back_rcu(&thread_list, &t->all_link);
	thread_count++;
}

static void list_remove_thread(struct thread *t)
{
	guard_spin_irq(&thread_list_lock);
	list_remove_rcu(&t->all_link);
	thread_count--;
}

int thread_create(struct thread **out, const char *name)
{
	struct thread *t = slab_alloc(thread_cache, GFP_KERNEL | __GFP_ZERO);

	if (!t)
		return -ENOMEM;
	t->stack = stack_alloc();
	if (!t->stack) {
		slab_free(thread_cache, t);
		return -ENOMEM;
	}
	refcount_set(&t->refs, 1);
	t->preempt_count = PREEMPT_ONE; /* finish_switch() releases the run queue it did not lock */
	t->state = THREAD_NEW;
	t->start_time_ns = clock_mono_ns();
	t->timer_slack_ns = 50 * NSEC_PER_USEC;
	strscpy(t->comm, name, sizeof(t->comm));
	sched_fork(t);
	list_add_thread(t);
	*out = t;
	return 0;
}

static void thread_free(struct rcu_head *head)
{
	struct thread *t = container_of(head, struct thread, rcu);

	if (t->release)
		t->release(t);
	stack_free(t->stack);
	slab_free(thread_cache, t);
}

static void thread_destroy(struct thread *t)
{
	list_remove_thread(t);
	sched_fini(t);
	arch_thread_destroy(t);
	call_rcu(&t->rcu, thread_free);
}

void thread_put(struct thread *t)
{
	if (refcount_put(&t->refs))
		thread_destroy(t);
}

void thread_abandon(struct thread *t)
{
	thread_put(t);
}

void thread_set_comm(struct thread *t, const char *name)
{
	char comm[THREAD_COMM_LEN] = {0};

	strscpy(comm, name, sizeof(comm));
	for (size_t i = 0; i < sizeof(comm); i++)
		WRITE_ONCE(t->comm[i], comm[i]);
}

char thread_state_letter(const struct thread *t)
{
	unsigned state = thread_state(t) & ~THREAD_PARKED;

	if (state & THREAD_DEAD)
		return 'X';
	if (state & THREAD_TRACED)
		return 't';
	if (state & THREAD_STOPPED)
		return 'T';
	if (state & (THREAD_UNINTERRUPTIBLE | THREAD_KILLABLE))
		return 'D';
	if (state & THREAD_INTERRUPTIBLE)
		return 'S';
	if (state & THREAD_IDLE)
		return 'I';
	return 'R';
}
