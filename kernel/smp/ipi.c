/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inter-processor interrupts and function calls.
 *
 * Calls travel on a lock-free stack per receiver; only the sender that finds it empty interrupts.
 * Each sender has one call slot per receiver, so a call allocates nothing; a slot is free again
 * when the receiver clears `pending`.  A sender that waits, for a slot or for completion, with
 * interrupts off serves its own queue meanwhile, so that two senders never wait for each other.
 */
#define LOG_PREFIX "ipi: "

#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/sched/sched.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <kernel/time/clock.h>

static const struct ipi_ops *sender; /* [a] */

struct call_slots {
	struct smp_call_async to[CONFIG_NR_CPUS];
};

static DEFINE_PER_CPU(struct call_slots, call_slots);
static DEFINE_PER_CPU(struct llist_head, call_queue);
static DEFINE_PER_CPU(
	struct ipi_counts { u64 n[NR_IPIS]; }, ipi_counts);

void ipi_register(const struct ipi_ops *ops)
{
	atomic_store_release(&sender, ops);
}

void ipi_send(const struct cpumask *mask, enum ipi ipi)
{
	const struct ipi_ops *ops = atomic_load_acquire(&sender);
	irqflags_t f;

	if (!ops)
		return;
	f = arch_irq_save();
	ops->send(mask, ipi);
	arch_irq_restore(f);
}

void ipi_send_cpu(unsigned cpu, enum ipi ipi)
{
	struct cpumask mask = {{0}};

	mask.bits[cpu / 64] = 1ull << (cpu % 64);
	ipi_send(&mask, ipi);
}

const char *ipi_name(enum ipi ipi)
{
	static const char *const names[NR_IPIS] = {
		[IPI_RESCHEDULE] = "Rescheduling interrupts",
		[IPI_CALL] = "Function call interrupts",
		[IPI_STOP] = "CPU stop interrupts",
		[IPI_BACKTRACE] = "Backtrace interrupts",
	};

	return names[ipi];
}

u64 ipi_count(unsigned cpu, enum ipi ipi)
{
	return READ_ONCE(per_cpu(ipi_counts, cpu).n[ipi]);
}

/* Serve this CPU's calls, oldest first.  Interrupts off. */
static void run_calls(void)
{
	struct llist_node *n = llist_reverse(llist_take_all(&this_cpu(call_queue)));

	while (n) {
		struct smp_call_async *call = llist_entry(n, struct smp_call_async, link);
		void (*fn)(void *arg) = call->fn;
		void *arg = call->arg;
		bool waits = atomic_load(&call->pending) == 2;

		n = n->next;
		if (!waits)
			atomic_store_release(&call->pending, 0u);
		fn(arg);
		if (waits)
			atomic_store_release(&call->pending, 0u);
	}
}

void ipi_received(enum ipi ipi)
{
	this_cpu_add(ipi_counts.n[ipi], 1);
	switch (ipi) {
	case IPI_RESCHEDULE: sched_ipi(); break;
	case IPI_CALL: run_calls(); break;
	case IPI_STOP: arch_smp_park();
	case IPI_BACKTRACE:
		log_info("CPU %u: %s[%u]\n", cpu_id(), thread_current()->comm,
			 thread_current()->tid);
		backtrace(LOG_ERR, NULL, NULL);
		break;
	case NR_IPIS: break;
	}
}

/* Returns true when the receiver must be interrupted. */
static bool call_push(unsigned cpu, struct smp_call_async *call)
{
	return llist_push(&per_cpu(call_queue, cpu), &call->link);
}

bool smp_call_queue(unsigned cpu, struct smp_call_async *call)
{
	if (atomic_xchg(&call->pending, 1u))
		return false;
	if (call_push(cpu, call))
		ipi_send_cpu(cpu, IPI_CALL);
	return true;
}

/* Wait until `call` is free, serving our own queue when nobody else can. */
static void wait_free(struct smp_call_async *call)
{
	while (atomic_load_acquire(&call->pending)) {
		if (!arch_irq_enabled())
			run_calls();
		arch_cpu_relax();
	}
}

static void call_others(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait)
{
	struct call_slots *slots = &this_cpu(call_slots);
	struct cpumask interrupt = {{0}};
	unsigned cpu;
	irqflags_t f = arch_irq_save();

	for_each_cpu (cpu, mask) {
		struct smp_call_async *call = &slots->to[cpu];

		wait_free(call);
		call->fn = fn;
		call->arg = arg;
		atomic_store(&call->pending, wait ? 2u : 1u);
		if (call_push(cpu, call))
			cpumask_set(&interrupt, cpu);
	}
	if (!cpumask_empty(&interrupt))
		ipi_send(&interrupt, IPI_CALL);
	arch_irq_restore(f);
}

void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait)
{
	struct cpumask others;
	unsigned self, cpu;
	irqflags_t f;

	guard_preempt();
	self = cpu_id();
	cpumask_and(&others, mask, &cpu_online_mask);
	cpumask_clear(&others, self);
	call_others(&others, fn, arg, wait);
	if (cpumask_test(mask, self)) {
		f = arch_irq_save();
		fn(arg);
		arch_irq_restore(f);
	}
	if (wait)
		for_each_cpu (cpu, &others)
			wait_free(&this_cpu(call_slots).to[cpu]);
}

void smp_call_all(void (*fn)(void *arg), void *arg, bool wait)
{
	smp_call(&cpu_online_mask, fn, arg, wait);
}

void smp_call_cpu(unsigned cpu, void (*fn)(void *arg), void *arg, bool wait)
{
	struct cpumask mask = {{0}};

	mask.bits[cpu / 64] = 1ull << (cpu % 64);
	smp_call(&mask, fn, arg, wait);
}

void smp_stop_others(void)
{
	struct cpumask others;

	cpumask_copy(&others, &cpu_online_mask);
	cpumask_clear(&others, cpu_id());
	if (cpumask_empty(&others))
		return;
	ipi_send(&others, IPI_STOP);
	delay_ns(10 * NSEC_PER_MSEC);
}
