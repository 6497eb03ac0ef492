/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler's stand-in: every thread is a coroutine, one runs at a time, and chance picks the
 * next.
 *
 * A thread gives way where it sleeps, where it says so (cond_resched), and now and then where
 * preemption is enabled again: THREAD_NEED_RESCHED stays set, so that each preempt_enable() asks
 * preempt_schedule(), which switches with a probability the test chooses (hostfs_preempt).  The
 * generator is seeded, so a seed repeats the interleaving exactly.
 *
 * The protocol of sleeping and waking is the kernel's (thread_state.h): what the real wait queues,
 * mutexes and rwsems rely on is kept, and they are compiled unchanged.
 *
 * When nothing can run, time moves to the next timer.  When there is none either, the test has
 * found a deadlock, and the program ends with a list of who waits for what.
 */
#include <arch/thread.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/random.h>
#include <kernel/lib/string.h>
#include <kernel/sched/mmu.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/thread.h>
#include <kernel/time/timer.h>
#include <mm/alloc.h>
#include <security/cred.h>
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"

#define MAX_THREADS 512u

struct task {
	struct thread thread; /* first */
	struct host_coroutine *coroutine;
	void (*fn)(void *arg);
	void *arg;
};

struct thread boot_thread;
char boot_stack[KSTACK_SIZE];
static struct task main_task;
struct spinlock thread_list_lock = SPINLOCK_INIT(RANK_THREAD_LIST);
struct list thread_list = LIST_INIT(thread_list);

static struct thread *runnable[MAX_THREADS]; /* the running one included */
static unsigned nr_runnable;
static struct thread *dead; /* its stack waits to be freed by the next */
static struct prng machine_prng;
static unsigned preempt_every = 50;
static u64 switches, turns, turn_limit;
static u32 next_tid = 1;

u64 machine_random(u64 bound)
{
	return prng_below(&machine_prng, bound);
}

void hostfs_preempt(unsigned every)
{
	preempt_every = every;
}

void hostfs_limit(u64 limit)
{
	turns = 0;
	turn_limit = limit;
}

static struct task *task_of(struct thread *t)
{
	return container_of(t, struct task, thread);
}

/* --- what can run ---------------------------------------------------------------------------- */

static void run_add(struct thread *t)
{
	if (nr_runnable == MAX_THREADS)
		panic("more than %u threads", MAX_THREADS);
	t->se.on_rq = 1;
	runnable[nr_runnable++] = t;
}

static void run_remove(struct thread *t)
{
	for (unsigned i = 0; i < nr_runnable; i++) {
		if (runnable[i] == t) {
			runnable[i] = runnable[--nr_runnable];
			t->se.on_rq = 0;
			return;
		}
	}
}

bool thread_wake_state(struct thread *t, unsigned mask)
{
	u32 state = t->state;

	smp_mb();
	if (!(state & mask))
		return false;
	t->state = THREAD_RUNNING;
	if (state & THREAD_PARKED)
		run_add(t);
	return true;
}

bool thread_wake(struct thread *t)
{
	return thread_wake_state(t, THREAD_NORMAL);
}

bool thread_wake_sync(struct thread *t, unsigned mask)
{
	return thread_wake_state(t, mask);
}

void thread_kick(struct thread *t)
{
}

void thread_start(struct thread *t)
{
	thread_get(t);
	t->state = THREAD_RUNNING;
	run_add(t);
}

/* --- switching ------------------------------------------------------------------------------- */

static void bury(void)
{
	struct thread *t = dead;

	dead = NULL;
	if (!t)
		return;
	host_coroutine_destroy(task_of(t)->coroutine);
	task_of(t)->coroutine = NULL;
	thread_put(t);
}

static void switch_to(struct thread *next)
{
	struct thread *prev = thread_current();
	irqflags_t f = toy_irqs_on;

	if (next == prev)
		return;
	switches++;
	prev->on_cpu = 0;
	next->on_cpu = 1;
	toy_irqs_on = false;
	sched_mmu_switch(next->mmu);
	toy_running = next;
	toy_irqs_on = true;
	thread_flag_set(next, THREAD_NEED_RESCHED);
	if (prev->state & THREAD_DEAD)
		dead = prev;
	host_coroutine_switch(task_of(next)->coroutine, prev->state & THREAD_DEAD);
	toy_irqs_on = f;
	bury();
}

static void deadlock(void)
{
	static bool once;

	if (!once) {
		once = true;
		sched_print();
		panic("deadlock: nothing can run");
	}
	host_exit(3);
}

static void count_turn(void)
{
	if (turn_limit && ++turns > turn_limit) {
		turn_limit = 0;
		sched_print();
		panic("the budget of steps is spent: endless loop?");
	}
}

static void pick_and_switch(void)
{
	count_turn();
	machine_turn();
	while (!nr_runnable)
		if (!machine_idle())
			deadlock();
	switch_to(runnable[machine_random(nr_runnable)]);
}

static void (*plug_flush)(void);

void sched_set_plug_flush(void (*flush)(void))
{
	plug_flush = flush;
}

void sched_iowait_begin(void)
{
}

void sched_iowait_end(void)
{
}

void schedule(void)
{
	struct thread *t = thread_current();

	if (preempt_count())
		may_sleep_failed(__FILE__, __LINE__);
	if (t->plug)
		plug_flush();
	if (t->state != THREAD_RUNNING) {
		t->state |= THREAD_PARKED;
		run_remove(t);
	}
	pick_and_switch();
}

/* The caller's state does not matter: it stays runnable, as a thread preempted on its way to sleep
 * does. */
static void give_way(void)
{
	if (!preemptible())
		return;
	pick_and_switch();
}

void preempt_schedule(void)
{
	if (preempt_every && !machine_random(preempt_every))
		give_way();
}

void cond_resched(void)
{
	count_turn();
	if (!machine_random(4))
		give_way();
}

void sched_yield_current(void)
{
	give_way();
}

void may_sleep_failed(const char *file, int line)
{
	if (panicking())
		return;
	panic("%s:%d: may sleep, but preempt count is %#x, interrupts %s", file, line,
	      preempt_count(), arch_irq_enabled() ? "on" : "off");
}

/* --- sleeping for a time ---------------------------------------------------------------------- */

struct sleeper {
	struct timer timer;
	struct thread *thread;
};

static void sleeper_wake(struct timer *timer)
{
	thread_wake(container_of(timer, struct sleeper, timer)->thread);
}

int schedule_timeout(u64 deadline_ns)
{
	struct sleeper s = { .thread = thread_current() };

	if (deadline_ns >= (u64)KTIME_MAX) {
		schedule();
		return 0;
	}
	timer_init(&s.timer, sleeper_wake);
	timer_start(&s.timer, deadline_ns, 0);
	schedule();
	return timer_cancel_sync(&s.timer) ? 0 : -ETIMEDOUT;
}

void sleep_ns(u64 ns)
{
	u64 deadline = clock_deadline(ns);

	do
		thread_set_state(THREAD_UNINTERRUPTIBLE);
	while (schedule_timeout(deadline) != -ETIMEDOUT);
}

/* --- existence -------------------------------------------------------------------------------- */

int thread_create(struct thread **out, const char *name)
{
	struct task *task = kzalloc(sizeof(*task), GFP_KERNEL);
	struct thread *t;

	if (!task)
		return -ENOMEM;
	t = &task->thread;
	refcount_set(&t->refs, 1);
	t->state = THREAD_NEW;
	t->tid = next_tid++;
	t->start_time_ns = clock_mono_ns();
	strscpy(t->comm, name, sizeof(t->comm));
	list_push_back(&thread_list, &t->all_link);
	*out = t;
	return 0;
}

static void task_main(void *arg)
{
	struct task *task = arg;

	bury();
	task->fn(task->arg);
	panic("a thread returned");
}

void arch_thread_kernel(struct thread *t, void (*fn)(void *), void *arg)
{
	struct task *task = task_of(t);

	task->fn = fn;
	task->arg = arg;
	task->coroutine = host_coroutine_create(task_main, task);
}

static void thread_free(struct rcu_head *head)
{
	struct thread *t = container_of(head, struct thread, rcu);

	if (t->release)
		t->release(t);
	kfree(task_of(t));
}

void thread_put(struct thread *t)
{
	if (!refcount_put(&t->refs))
		return;
	list_remove(&t->all_link);
	if (task_of(t)->coroutine)
		host_coroutine_destroy(task_of(t)->coroutine);
	call_rcu(&t->rcu, thread_free);
}

void thread_abandon(struct thread *t)
{
	thread_put(t);
}

void thread_exit(void)
{
	struct thread *t = thread_current();

	lock_debug_check_none("thread exit");
	t->state = THREAD_DEAD;
	run_remove(t);
	pick_and_switch();
	panic("a dead thread runs");
}

unsigned sched_others(void)
{
	return nr_runnable - 1;
}

int thread_set_cpu(struct thread *t, unsigned cpu)
{
	return cpu ? -EINVAL : 0;
}

void sched_boot(u64 seed)
{
	struct thread *t = &main_task.thread;

	prng_seed(&machine_prng, seed ^ 0x9e3779b97f4a7c15ull);
	refcount_set(&t->refs, 1);
	t->on_cpu = 1;
	t->flags = THREAD_NEED_RESCHED;
	t->cred = &init_cred;
	t->tid = next_tid++;
	strscpy(t->comm, "main", sizeof(t->comm));
	main_task.coroutine = host_coroutine_self();
	list_push_back(&thread_list, &t->all_link);
	toy_running = t;
	toy_irqs_on = true;
	run_add(t);
}

/* --- telling ---------------------------------------------------------------------------------- */

static void print_pc(unsigned long pc, void *ctx)
{
	char text[256];

	host_symbol(pc, text, sizeof(text));
	host_print("#        %s\n", text);
}

static void print_thread(struct thread *t)
{
	host_print("# thread %u %s: %s, state %#x, blocked on %p\n", t->tid, t->comm,
		   t == thread_current()      ? "running"
		   : t->state & THREAD_PARKED ? "asleep"
					      : "ready",
		   t->state, t->blocked_on);
	for (u32 i = 0; i < t->locks.count; i++)
		host_print("#      holds %s %p\n", t->locks.held[i].debug->name ?: "?",
			   t->locks.held[i].lock);
	if (t->state & THREAD_PARKED && task_of(t)->coroutine)
		host_coroutine_walk(task_of(t)->coroutine, print_pc, NULL);
}

void sched_print(void)
{
	struct thread *t;

	list_for_each (t, &thread_list, all_link)
		print_thread(t);
}
