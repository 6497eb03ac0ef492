/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deferred context.
 *
 * Raised functions sit on a lock-free stack of their CPU.  The outermost interrupt exit takes the
 * whole stack and runs it, oldest first, with interrupts on and the deferred bit in the preempt
 * count, so that interrupts that come meanwhile only add to the stack.  After BUDGET_NS or ROUNDS
 * takes the rest is left to a kernel thread of the CPU, which competes with other threads for time.
 */
#include <kernel/debug/assert.h>
#include <kernel/irq/deferred.h>
#include <kernel/sched/sched.h>
#include <kernel/smp/percpu.h>
#include <kernel/time/clock.h>

#define BUDGET_NS (2 * NSEC_PER_MSEC)
#define ROUNDS    10

struct deferred_cpu {
	struct llist_head raised; /* [a] */
	struct thread *thread;    /* [I after boot] */
	u32 overflow;             /* [P] the thread has it: interrupt exit leaves it alone */
};

static DEFINE_PER_CPU(struct deferred_cpu, deferred_cpu);

bool deferred_pending(void)
{
	return !llist_empty(&this_cpu(deferred_cpu).raised);
}

void deferred_raise(struct deferred *d)
{
	struct deferred_cpu *dc;

	if (atomic_xchg(&d->raised, 1u))
		return;
	guard_preempt();
	dc = &this_cpu(deferred_cpu);
	llist_push(&dc->raised, &d->link);
	/* Interrupt exit and deferred_enable() look; from anywhere else the thread must. */
	if (!in_interrupt() && dc->thread)
		thread_wake(dc->thread);
}

static void run_list(struct llist_node *n)
{
	while (n) {
		struct deferred *d = llist_entry(n, struct deferred, link);

		n = n->next;
		atomic_store_release(&d->raised, 0u);
		d->fn(d);
	}
}

/* Run what is raised until nothing is or the budget is spent.  Returns true when something is left.
 */
static bool run_rounds(struct deferred_cpu *dc)
{
	struct thread *t = thread_current();
	u64 end = 0;
	bool left = true;

	t->preempt_count += PREEMPT_DEFERRED_ONE;
	for (unsigned round = 0; round < ROUNDS && left; round++) {
		struct llist_node *n = llist_reverse(llist_take_all(&dc->raised));

		arch_irq_enable();
		run_list(n);
		arch_irq_disable();
		left = !llist_empty(&dc->raised);
		if (left && !end)
			end = clock_sched_ns() + BUDGET_NS;
		else if (left && clock_sched_ns() > end)
			break;
	}
	t->preempt_count -= PREEMPT_DEFERRED_ONE;
	return left;
}

void deferred_run(void)
{
	struct deferred_cpu *dc = &this_cpu(deferred_cpu);

	if (dc->overflow || !run_rounds(dc) || !dc->thread)
		return;
	dc->overflow = 1;
	thread_wake(dc->thread);
}

void deferred_enable(void)
{
	struct thread *t = thread_current();

	barrier();
	if ((t->preempt_count & PREEMPT_DEFERRED_MASK) == PREEMPT_DEFERRED_ONE &&
	    !(t->preempt_count & (PREEMPT_HARDIRQ_MASK | PREEMPT_NMI_MASK)) && deferred_pending()) {
		/* Keep the thread on this CPU while the bit is dropped and the functions run. */
		preempt_disable();
		t->preempt_count -= PREEMPT_DEFERRED_ONE;
		arch_irq_disable();
		deferred_run();
		arch_irq_enable();
		preempt_enable();
		return;
	}
	WRITE_ONCE(t->preempt_count, t->preempt_count - PREEMPT_DEFERRED_ONE);
	barrier();
	if (!t->preempt_count && need_resched())
		preempt_schedule();
}

static void deferred_thread(void *arg)
{
	struct deferred_cpu *dc = arg;

	for (;;) {
		preempt_disable();
		arch_irq_disable();
		bool left = deferred_pending() && run_rounds(dc);

		dc->overflow = left;
		arch_irq_enable();
		preempt_enable();
		if (left) {
			cond_resched();
			continue;
		}
		thread_set_state(THREAD_IDLE);
		if (!llist_empty(&dc->raised))
			thread_set_state(THREAD_RUNNING);
		else
			schedule();
	}
}

void deferred_start(void)
{
	unsigned cpu;

	for_each_possible_cpu(cpu)
	{
		struct deferred_cpu *dc = &per_cpu(deferred_cpu, cpu);
		struct thread *t;

		VERIFY(!kthread_create(&t, deferred_thread, dc, "deferred/%u", cpu));
		VERIFY(!thread_set_cpu(t, cpu));
		dc->thread = t;
		thread_start(t);
	}
}
