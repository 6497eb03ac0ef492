/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors, handlers and dispatch.
 *
 * A descriptor's lock guards its state and the chip's registers for it; it is dropped while
 * handlers run.  Handlers of one line never run concurrently: IRQD_BUSY marks the CPU inside, and
 * another CPU that receives the line meanwhile leaves IRQD_PENDING for it to find.  The list of
 * actions changes under the lock while the line is not busy, so the walk needs none.
 *
 * Edge lines are acknowledged before the handlers, so that an edge during them is kept; level lines
 * are masked by the controller until eoi, which comes after.  A chip without eoi is masked by hand.
 */
#define LOG_PREFIX "irq: "

#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/irq/deferred.h>
#include <kernel/lib/export.h>
#include <kernel/lib/seq.h>
#include <kernel/sched/sched.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <mm/alloc.h>
#include <kernel/sync/rcu.h>
#include "irq_internal.h"

#define IRQD_BUSY    (1u << 0)
#define IRQD_PENDING (1u << 1)
#define IRQD_SHUT    (1u << 2) /* nobody wanted it so often that it was turned off */

#define UNHANDLED_MAX 100000

struct mutex irq_table_lock = MUTEX_INIT(irq_table_lock, RANK_IRQ_TABLE);
struct irq_desc *irq_table[NR_IRQS];
static unsigned next_irq = 1; /* irq_table_lock */
static void (*root_handle)(struct arch_trapframe *tf, unsigned hwirq);
static DEFINE_PER_CPU(u64, irq_total);

struct irq_desc *irq_desc_get(unsigned irq)
{
	return irq < NR_IRQS ? rcu_dereference(irq_table[irq]) : NULL;
}

unsigned irq_desc_create(struct irq_domain *dom, u64 hwirq, unsigned trigger)
{
	struct irq_desc *d;

	assert_held(&irq_table_lock);
	if (next_irq >= NR_IRQS)
		return 0;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return 0;
	d->counts = kcalloc(nr_cpus, sizeof(u64), GFP_KERNEL);
	if (!d->counts)
		goto fail;
	d->irq = next_irq;
	d->hwirq = hwirq;
	d->domain = dom;
	d->trigger = trigger;
	d->disabled = 1;
	spin_init(&d->lock, RANK_IRQ_DESC, "irq_desc.lock");
	cpumask_set_all(&d->affinity);
	if (dom->ops->map(dom, d) || !d->chip)
		goto fail;
	rcu_assign_pointer(irq_table[d->irq], d);
	return next_irq++;
fail:
	kfree(d->counts);
	kfree(d);
	return 0;
}

/* --- dispatch ------------------------------------------------------------------------------- */

static void wake_action(struct irq_action *a)
{
	atomic_store(&a->wanted, 1u);
	thread_wake(a->thread);
}

static enum irq_result run_actions(struct irq_desc *d)
{
	enum irq_result any = IRQ_NONE;

	for (struct irq_action *a = d->actions; a; a = a->next) {
		enum irq_result r = a->fn ? a->fn(d->irq, a->arg) : IRQ_WAKE_THREAD;

		if (r == IRQ_WAKE_THREAD && a->thread) {
			if (a->flags & IRQ_ONESHOT)
				atomic_inc(&d->oneshot_busy);
			wake_action(a);
		}
		if (r != IRQ_NONE)
			any = r;
	}
	return any;
}

/* A line that screams and that nobody owns would stop the machine: turn it off.  Locks: d->lock. */
static void note_result(struct irq_desc *d, enum irq_result r)
{
	if (r != IRQ_NONE) {
		d->unhandled = 0;
		return;
	}
	if (++d->unhandled < UNHANDLED_MAX)
		return;
	log_err("irq %u: nobody cares; disabled\n", d->irq);
	d->state |= IRQD_SHUT;
	d->disabled++;
	d->chip->mask(d);
}

static void dispatch_percpu(struct irq_desc *d)
{
	struct irq_action *a = d->actions;

	if (d->chip->ack)
		d->chip->ack(d);
	if (a)
		a->fn(d->irq, a->arg);
	if (d->chip->eoi)
		d->chip->eoi(d);
}

/* Run handlers until no interrupt of this line was left for us.  Locks: d->lock held, dropped
 * around handlers. */
static void run_until_quiet(struct irq_desc *d)
{
	do {
		enum irq_result r;

		d->state = (d->state & ~IRQD_PENDING) | IRQD_BUSY;
		spin_unlock(&d->lock);
		r = run_actions(d);
		spin_lock(&d->lock);
		note_result(d, r);
	} while (d->state & IRQD_PENDING && !d->disabled);
	d->state &= ~IRQD_BUSY;
}

static void dispatch_locked(struct irq_desc *d)
{
	bool mask = !d->chip->eoi && !(d->trigger & IRQ_TRIGGER_EDGE);

	if (d->chip->ack)
		d->chip->ack(d);
	if (d->state & IRQD_BUSY || d->disabled || !d->actions) {
		d->state |= IRQD_PENDING;
		if (d->disabled || !d->actions)
			d->chip->mask(d);
	} else {
		if (mask)
			d->chip->mask(d);
		run_until_quiet(d);
		if (atomic_load(&d->oneshot_busy))
			d->chip->mask(d);
		else if (mask && !d->disabled)
			d->chip->unmask(d);
	}
	if (d->chip->eoi)
		d->chip->eoi(d);
}

void irq_dispatch(unsigned irq)
{
	struct irq_desc *d = irq_desc_get(irq);

	if (unlikely(!d))
		return;
	WRITE_ONCE(d->counts[cpu_id()], d->counts[cpu_id()] + 1);
	if (d->percpu) {
		dispatch_percpu(d);
		return;
	}
	spin_lock(&d->lock);
	dispatch_locked(d);
	spin_unlock(&d->lock);
}

void irq_set_root(void (*handle)(struct arch_trapframe *tf, unsigned hwirq))
{
	atomic_store_release(&root_handle, handle);
}

void irq_handle_root(struct arch_trapframe *tf, unsigned hwirq)
{
	void (*handle)(struct arch_trapframe *, unsigned) = atomic_load_acquire(&root_handle);

	if (likely(handle))
		handle(tf, hwirq);
}

void irq_enter(void)
{
	struct thread *t = thread_current();

	rcu_irq_enter();
	WRITE_ONCE(t->preempt_count, t->preempt_count + PREEMPT_HARDIRQ_ONE);
	barrier();
	this_cpu_add(irq_total, 1);
}

void irq_exit(void)
{
	struct thread *t = thread_current();

	barrier();
	WRITE_ONCE(t->preempt_count, t->preempt_count - PREEMPT_HARDIRQ_ONE);
	if (deferred_pending() && !in_interrupt())
		deferred_run();
	rcu_irq_exit();
}

u64 irq_count_cpu(unsigned cpu)
{
	return READ_ONCE(per_cpu(irq_total, cpu));
}

/* --- threaded handlers ---------------------------------------------------------------------- */

static void oneshot_finished(struct irq_desc *d)
{
	guard_spin_irq(&d->lock);
	if (!atomic_sub_return(&d->oneshot_busy, 1u) && !d->disabled)
		d->chip->unmask(d);
}

static void action_thread(void *arg)
{
	struct irq_action *a = arg;

	while (!kthread_should_stop()) {
		thread_set_state(THREAD_IDLE);
		if (!atomic_load(&a->wanted) && !kthread_should_stop()) {
			schedule();
			continue;
		}
		thread_set_state(THREAD_RUNNING);
		if (!atomic_xchg(&a->wanted, 0u))
			continue;
		a->thread_fn(a->desc->irq, a->arg);
		if (a->flags & IRQ_ONESHOT)
			oneshot_finished(a->desc);
	}
}

/* Interrupt threads come before ordinary ones, as user space expects of them. */
static int start_thread(struct irq_action *a)
{
	struct sched_attrs attr = {.policy = SCHED_FIFO, .priority = 50};
	int err = kthread_create(&a->thread, action_thread, a, "irq/%u-%s", a->desc->irq, a->name);

	if (err)
		return err;
	thread_start(a->thread);
	return sched_setscheduler(a->thread, &attr);
}

/* --- request and free ----------------------------------------------------------------------- */

/* Turn the line on for its first handler.  Locks: d->lock. */
static int startup(struct irq_desc *d)
{
	int err = 0;

	if (d->chip->set_type && d->trigger != IRQ_TRIGGER_DEFAULT)
		err = d->chip->set_type(d, d->trigger);
	if (!err && d->chip->set_affinity)
		(void)d->chip->set_affinity(d, &d->affinity);
	return err;
}

static int add_action(struct irq_desc *d, struct irq_action *a)
{
	int err;

	guard_spin_irq(&d->lock);
	if (d->actions && !(d->actions->flags & a->flags & IRQ_SHARED))
		return -EBUSY;
	if (!d->actions) {
		err = startup(d);
		if (err)
			return err;
		d->disabled = a->flags & IRQ_NO_AUTOENABLE ? 1 : 0;
		d->state &= ~(IRQD_SHUT | IRQD_PENDING);
	}
	a->next = d->actions;
	atomic_store_release(&d->actions, a);
	if (!d->disabled)
		d->chip->unmask(d);
	return 0;
}

int irq_request_threaded(unsigned irq, irq_handler_t fn, irq_handler_t thread_fn, void *arg,
			 unsigned flags, const char *name)
{
	struct irq_desc *d = irq_desc_get(irq);
	struct irq_action *a;
	int err;

	if (!d || d->percpu || (!fn && !thread_fn))
		return -EINVAL;
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	*a = (struct irq_action){.fn = fn,
				 .thread_fn = thread_fn,
				 .arg = arg,
				 .name = name,
				 .flags = flags | (fn ? 0 : IRQ_ONESHOT),
				 .desc = d};
	err = thread_fn ? start_thread(a) : 0;
	if (!err)
		err = add_action(d, a);
	if (err) {
		if (a->thread)
			kthread_stop(a->thread);
		kfree(a);
	}
	return err;
}

int irq_request(unsigned irq, irq_handler_t fn, void *arg, unsigned flags, const char *name)
{
	return irq_request_threaded(irq, fn, NULL, arg, flags, name);
}

static struct irq_action *remove_action(struct irq_desc *d, void *arg)
{
	struct irq_action **link, *a;

	guard_spin_irq(&d->lock);
	for (link = &d->actions; (a = *link); link = &a->next)
		if (a->arg == arg)
			break;
	if (!a)
		return NULL;
	atomic_store(link, a->next);
	if (!d->actions) {
		d->disabled = 1;
		d->chip->mask(d);
	}
	return a;
}

void irq_free(unsigned irq, void *arg)
{
	struct irq_desc *d = irq_desc_get(irq);
	struct irq_action *a = d ? remove_action(d, arg) : NULL;

	if (!a)
		return;
	irq_synchronize(irq);
	if (a->thread)
		kthread_stop(a->thread);
	kfree(a);
}

int irq_request_percpu(unsigned irq, irq_handler_t fn, void *arg, const char *name)
{
	struct irq_desc *d = irq_desc_get(irq);
	struct irq_action *a;

	if (!d || !d->percpu)
		return -EINVAL;
	if (d->actions)
		return -EBUSY;
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	*a = (struct irq_action){.fn = fn, .arg = arg, .name = name, .desc = d};
	atomic_store_release(&d->actions, a);
	return 0;
}

void irq_enable_percpu(unsigned irq)
{
	struct irq_desc *d = irq_desc_get(irq);

	d->chip->unmask(d);
}

void irq_disable_percpu(unsigned irq)
{
	struct irq_desc *d = irq_desc_get(irq);

	d->chip->mask(d);
}

/* --- enable, disable ------------------------------------------------------------------------ */

void irq_disable_nosync(unsigned irq)
{
	struct irq_desc *d = irq_desc_get(irq);

	guard_spin_irq(&d->lock);
	if (!d->disabled++)
		d->chip->mask(d);
}

void irq_synchronize(unsigned irq)
{
	struct irq_desc *d = irq_desc_get(irq);

	for (;;) {
		with_spin_irq(&d->lock)
		{
			if (!(d->state & IRQD_BUSY))
				return;
		}
		arch_cpu_relax();
	}
}

void irq_disable(unsigned irq)
{
	irq_disable_nosync(irq);
	irq_synchronize(irq);
}

void irq_enable(unsigned irq)
{
	struct irq_desc *d = irq_desc_get(irq);

	guard_spin_irq(&d->lock);
	if (WARN_ON_ONCE(!d->disabled) || --d->disabled)
		return;
	d->chip->unmask(d);
	if (d->state & IRQD_PENDING && d->chip->retrigger)
		d->chip->retrigger(d);
	d->state &= ~IRQD_PENDING;
}

int irq_set_affinity(unsigned irq, const struct cpumask *mask)
{
	struct irq_desc *d = irq_desc_get(irq);

	if (!d || !cpumask_intersects(mask, &cpu_online_mask))
		return -EINVAL;
	guard_spin_irq(&d->lock);
	cpumask_copy(&d->affinity, mask);
	return d->chip->set_affinity ? d->chip->set_affinity(d, mask) : 0;
}

/* --- /proc/interrupts ----------------------------------------------------------------------- */

static void show_one(struct seq *out, const struct irq_desc *d)
{
	unsigned cpu;

	seq_printf(out, "%3u: ", d->irq);
	for_each_online_cpu (cpu)
		seq_printf(out, "%10llu ", READ_ONCE(d->counts[cpu]));
	seq_printf(out, " %s %llu %s", d->chip->name, d->hwirq,
		   d->trigger & IRQ_TRIGGER_EDGE ? "Edge" : "Level");
	for (const struct irq_action *a = d->actions; a; a = a->next)
		seq_printf(out, "%s%s", a == d->actions ? "     " : ", ", a->name);
	seq_putc(out, '\n');
}

void irq_show(struct seq *out)
{
	unsigned cpu;

	seq_puts(out, "     ");
	for_each_online_cpu (cpu)
		seq_printf(out, "      CPU%-2u", cpu);
	seq_putc(out, '\n');
	with_mutex(&irq_table_lock)
	{
		for (unsigned irq = 1; irq < NR_IRQS; irq++)
			if (irq_table[irq] && irq_table[irq]->actions)
				show_one(out, irq_table[irq]);
	}
	for (enum ipi i = 0; i < NR_IPIS; i++) {
		seq_printf(out, "IPI%u:", i);
		for_each_online_cpu (cpu)
			seq_printf(out, "%10llu ", ipi_count(cpu, i));
		seq_printf(out, " %s\n", ipi_name(i));
	}
}

static int interrupts_show(struct seq *out, void *unused)
{
	irq_show(out);
	return 0;
}

EXPORT_PROC("/proc/interrupts", 0444, interrupts_show, NULL, NULL);
