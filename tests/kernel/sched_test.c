/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling, timers, cross calls, work queues. */
#include <kernel/abi/errno.h>
#include <kernel/debug/ktest.h>
#include <kernel/irq/deferred.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/workqueue.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/completion.h>
#include <kernel/time/timer.h>

/* --- timers ----------------------------------------------------------------------------------- */

#define TIMERS 64

struct timed {
	struct timer timer;
	u64 wanted, ran;
};

static struct timed timed[TIMERS];
static u32 timed_left;
static struct completion timed_done;

static void timed_fn(struct timer *t)
{
	struct timed *x = container_of(t, struct timed, timer);

	x->ran = clock_mono_ns();
	if (!atomic_sub_return(&timed_left, 1u))
		completion_done(&timed_done);
}

static void run_timers(u64 slack)
{
	u64 now = clock_mono_ns();

	timed_left = TIMERS;
	completion_init(&timed_done);
	for (unsigned i = 0; i < TIMERS; i++) {
		struct timed *x = &timed[i];

		timer_init(&x->timer, timed_fn);
		x->ran = 0;
		x->wanted = now + NSEC_PER_MSEC + prng_next(ktest_prng()) % (50 * NSEC_PER_MSEC);
		timer_start(&x->timer, x->wanted, slack);
	}
	KEXPECT(!completion_wait_timeout(&timed_done, clock_deadline(10 * NSEC_PER_SEC)));
	for (unsigned i = 0; i < TIMERS; i++) {
		KEXPECT(timed[i].ran >= timed[i].wanted);
		KEXPECT(!timer_pending(&timed[i].timer));
	}
}

KTEST(timer_precise)
{
	run_timers(0);
}

KTEST(timer_slack)
{
	run_timers(4 * NSEC_PER_MSEC);
}

KTEST(timer_cancel)
{
	struct timed x;

	timed_left = 2;
	timer_init(&x.timer, timed_fn);
	KEXPECT(!timer_cancel(&x.timer));
	timer_start(&x.timer, clock_deadline(NSEC_PER_SEC), 0);
	KEXPECT(timer_pending(&x.timer));
	KEXPECT(timer_cancel_sync(&x.timer));
	timer_start(&x.timer, clock_deadline(NSEC_PER_SEC * 60), NSEC_PER_SEC);
	timer_start(&x.timer, clock_deadline(NSEC_PER_SEC * 70), 0);
	KEXPECT(timer_cancel(&x.timer));
	KEXPECT(timed_left == 2);
}

KTEST(clock_monotonic)
{
	u64 last = clock_mono_ns();

	for (unsigned i = 0; i < 10000; i++) {
		u64 now = clock_mono_ns();

		KREQUIRE(now >= last);
		last = now;
	}
	KEXPECT(clock_ns_to_counter(last + NSEC_PER_SEC + 10000) >
	       clock_ns_to_counter(last + NSEC_PER_SEC));
	last += (u64)clock_real_offset();
	KEXPECT(clock_real_ns() - last < NSEC_PER_SEC);
}

/* --- cross calls ------------------------------------------------------------------------------ */

static u32 call_count;

static void count_call(void *arg)
{
	atomic_inc(&call_count);
}

KTEST(smp_call_everywhere)
{
	call_count = 0;
	for (unsigned i = 0; i < 200; i++)
		smp_call_all(count_call, NULL, true);
	KEXPECT(call_count == 200 * num_online_cpus());
}

struct call_crew {
	struct completion done;
};

static void call_storm(void *arg)
{
	struct call_crew *c = arg;

	for (unsigned i = 0; i < 200; i++)
		smp_call_all(count_call, NULL, i % 2);
	smp_call_all(count_call, NULL, true);
	completion_done(&c->done);
}

KTEST(smp_call_storm)
{
	struct call_crew c;
	unsigned n = num_online_cpus();

	call_count = 0;
	completion_init(&c.done);
	for (unsigned i = 0; i < n; i++)
		KREQUIRE(!kthread_run(call_storm, &c, "calls/%u", i));
	for (unsigned i = 0; i < n; i++)
		completion_wait(&c.done);
	smp_call_all(count_call, NULL, true);
	KEXPECT(call_count == (201 * n + 1) * n);
}

/* --- scheduler -------------------------------------------------------------------------------- */

struct spinner {
	struct thread *thread;
	u32 stop;
	u32 strayed;
	unsigned cpu;
};

static void spin_on(void *arg)
{
	struct spinner *s = arg;

	while (!atomic_load(&s->stop)) {
		preempt_disable();
		if (atomic_load(&s->cpu) != ~0u && cpu_id() != atomic_load(&s->cpu))
			atomic_store(&s->strayed, 1u);
		preempt_enable();
	}
}

static int spinner_start(struct spinner *s, unsigned cpu, int nice)
{
	int err;

	*s = (struct spinner){.cpu = cpu};
	err = kthread_create(&s->thread, spin_on, s, "spinner");
	if (err)
		return err;
	err = thread_set_cpu(s->thread, cpu);
	sched_set_nice(s->thread, nice);
	thread_start(s->thread);
	return err;
}

static u64 spinner_finish(struct spinner *s)
{
	u64 ran;

	atomic_store(&s->stop, 1u);
	ran = thread_runtime(s->thread);
	kthread_stop(s->thread);
	return ran;
}

/*
 * How time is shared shows only while the host lets every processor run.  One that it holds back
 * for a moment spoils a measurement, so each is taken until it holds, and a scheduler that is wrong
 * never holds.
 */
#define ATTEMPTS 12

/* Two spinners on one processor for a while; how long each ran.  False when they cannot be made. */
static bool run_two(int nice_a, int nice_b, u64 *ra, u64 *rb, bool *strayed)
{
	struct spinner a, b;
	unsigned cpu = num_online_cpus() - 1;

	if (spinner_start(&a, cpu, nice_a) || spinner_start(&b, cpu, nice_b))
		return false;
	sleep_ns(200 * NSEC_PER_MSEC);
	*ra = thread_runtime(a.thread);
	*rb = thread_runtime(b.thread);
	spinner_finish(&a);
	spinner_finish(&b);
	*strayed = a.strayed || b.strayed;
	return true;
}

KTEST(sched_fair_equal)
{
	bool equal = false, strayed;
	u64 ra, rb;

	for (int i = 0; i < ATTEMPTS && !equal; i++) {
		KREQUIRE(run_two(0, 0, &ra, &rb, &strayed));
		KREQUIRE(!strayed);
		equal = ra * 3 > rb * 2 && rb * 3 > ra * 2;
	}
	KEXPECT(equal);
}

KTEST(sched_fair_nice)
{
	bool threefold = false, strayed;
	u64 ra, rb;

	/* Five steps of nice are a factor of three. */
	for (int i = 0; i < ATTEMPTS && !threefold; i++) {
		KREQUIRE(run_two(0, 5, &ra, &rb, &strayed));
		threefold = ra > rb * 2 && ra < rb * 5;
	}
	KEXPECT(threefold);
}

KTEST(sched_rt_before_fair)
{
	struct sched_attrs fifo = {.policy = SCHED_FIFO, .priority = 10};
	struct sched_attrs bad = {.policy = SCHED_FIFO, .priority = 100};
	struct spinner fair;
	struct spinner rt;
	unsigned cpu = num_online_cpus() - 1;

	KREQUIRE(num_online_cpus() > 1);
	KREQUIRE(!spinner_start(&fair, cpu, 0));
	KREQUIRE(!spinner_start(&rt, cpu, 0));
	KEXPECT(sched_setscheduler(rt.thread, &bad) == -EINVAL);
	KEXPECT(!sched_setscheduler(rt.thread, &fifo));
	sleep_ns(20 * NSEC_PER_MSEC);

	u64 before;
	bool kept_off = false;

	for (int i = 0; i < ATTEMPTS && !kept_off; i++) {
		before = thread_runtime(fair.thread);
		sleep_ns(50 * NSEC_PER_MSEC);
		kept_off = thread_runtime(fair.thread) - before < NSEC_PER_MSEC;
	}
	KEXPECT(kept_off);
	/* Of every second fair threads get a twentieth all the same. */
	before = thread_runtime(fair.thread);
	sleep_ns(2500 * NSEC_PER_MSEC);
	KEXPECT(thread_runtime(fair.thread) - before > 20 * NSEC_PER_MSEC);
	spinner_finish(&rt);
	spinner_finish(&fair);
}

KTEST(sched_deadline_throttled)
{
	struct sched_attrs dl = {.policy = SCHED_DEADLINE,
				 .runtime = 2 * NSEC_PER_MSEC,
				 .deadline = 20 * NSEC_PER_MSEC,
				 .period = 20 * NSEC_PER_MSEC};
	struct spinner s;

	KREQUIRE(!spinner_start(&s, num_online_cpus() - 1, 0));
	KEXPECT(!sched_setscheduler(s.thread, &dl));

	bool throttled = false;

	/* A tenth of the time, give or take a tick per period. */
	for (int i = 0; i < ATTEMPTS && !throttled; i++) {
		u64 before = thread_runtime(s.thread), ran;

		sleep_ns(200 * NSEC_PER_MSEC);
		ran = thread_runtime(s.thread) - before;
		throttled = ran > 5 * NSEC_PER_MSEC && ran < 100 * NSEC_PER_MSEC;
	}
	KEXPECT(throttled);
	dl.runtime = dl.deadline + 1;
	KEXPECT(sched_setscheduler(s.thread, &dl) == -EINVAL);
	spinner_finish(&s);
}

KTEST(sched_affinity_moves)
{
	struct spinner s;
	struct cpumask none = {{0}};

	KREQUIRE(!spinner_start(&s, 0, 0));
	KEXPECT(thread_set_affinity(s.thread, &none) == -EINVAL);
	for (unsigned i = 0; i < 20; i++) {
		unsigned cpu = i % num_online_cpus();

		atomic_store(&s.cpu, ~0u); /* between two CPUs: do not judge */
		KEXPECT(!thread_set_cpu(s.thread, cpu));
		for (unsigned n = 0; n < 400 && atomic_load(&s.thread->cpu) != cpu; n++)
			sleep_ns(5 * NSEC_PER_MSEC);
		KEXPECT(atomic_load(&s.thread->cpu) == cpu);
	}
	spinner_finish(&s);
}

static void count_down(void *arg)
{
	u32 *left = arg;

	sched_yield_current();
	atomic_dec(left);
}

KTEST(sched_many_threads)
{
	static u32 left;

	left = 200;
	for (unsigned i = 0; i < 200; i++)
		KREQUIRE(!kthread_run(count_down, &left, "many/%u", i));
	for (unsigned i = 0; i < 500 && atomic_load(&left); i++)
		sleep_ns(10 * NSEC_PER_MSEC);
	KEXPECT(!atomic_load(&left));
}

KTEST(sched_sleep_is_not_load)
{
	u64 avg[3];

	sched_loadavg(avg);
	KEXPECT(avg[0] < 1000ull << SCHED_LOAD_SHIFT);
	KEXPECT(nr_context_switches() > 0 && nr_forks() > 0);
}

/* --- work queues, deferred -------------------------------------------------------------------- */

static u32 work_ran;
static u32 work_inside;

static void work_fn(struct work *w)
{
	KEXPECT(atomic_add_return(&work_inside, 1u) == 1);
	sleep_ns(NSEC_PER_MSEC);
	atomic_dec(&work_inside);
	atomic_inc(&work_ran);
}

KTEST(workqueue_once)
{
	struct work w;

	work_ran = 0;
	work_init(&w, work_fn);
	for (unsigned i = 0; i < 20; i++) {
		work_queue_on(&w, i % num_online_cpus());
		work_flush(&w);
	}
	KEXPECT(work_ran == 20);
	KEXPECT(!work_pending(&w));
}

static u32 parallel_left;

static void sleepy_fn(struct work *w)
{
	sleep_ns(20 * NSEC_PER_MSEC);
	atomic_dec(&parallel_left);
}

KTEST(workqueue_sleepers_do_not_block)
{
	static struct work works[8];
	struct workqueue *wq = workqueue_create("test");

	KREQUIRE(wq);
	parallel_left = ARRAY_SIZE(works);
	for (unsigned i = 0; i < ARRAY_SIZE(works); i++) {
		work_init(&works[i], sleepy_fn);
		KEXPECT(workqueue_queue(wq, &works[i]));
	}
	workqueue_flush(wq);
	KEXPECT(!parallel_left);
	workqueue_destroy(wq);
}

static struct completion later_ran;
static u32 later_seen;

static void later_fn(struct work *w)
{
	completion_done(&later_ran);
}

static void waits_for_later_fn(struct work *w)
{
	atomic_store(&later_seen,
		     !completion_wait_timeout(&later_ran, clock_deadline(60 * NSEC_PER_SEC)));
}

/* An item that comes when the only worker sleeps already, and that the sleeper needs. */
KTEST(workqueue_sleeper_may_need_later_item)
{
	static struct work sleeper, later;
	struct workqueue *wq = workqueue_create("test");

	KREQUIRE(wq);
	completion_init(&later_ran);
	work_init(&sleeper, waits_for_later_fn);
	work_init(&later, later_fn);
	workqueue_queue(wq, &sleeper);
	sleep_ns(50 * NSEC_PER_MSEC);
	workqueue_queue(wq, &later);
	workqueue_flush(wq);
	KEXPECT(later_seen);
	workqueue_destroy(wq);
}

#define CROWD_ITEMS  16u
#define CROWD_PUSHES 3000u

static struct workqueue *crowd_queue;
static struct work crowd_works[CROWD_ITEMS];
static u32 crowd_pushed, crowd_ran, crowd_pushers;

static void crowd_fn(struct work *w)
{
	if (atomic_add_return(&crowd_ran, 1u) % 64 == 0)
		sleep_ns(NSEC_PER_MSEC / 10);
}

static void crowd_push(void *arg)
{
	for (unsigned i = 0; i < CROWD_PUSHES; i++)
		if (workqueue_queue(crowd_queue, &crowd_works[i % CROWD_ITEMS]))
			atomic_inc(&crowd_pushed);
	atomic_dec(&crowd_pushers);
}

/* Many push, workers fall asleep and are woken: each push that was accepted runs once. */
KTEST(workqueue_crowd)
{
	crowd_queue = workqueue_create("test");
	KREQUIRE(crowd_queue);
	crowd_pushed = crowd_ran = 0;
	crowd_pushers = 3;
	for (unsigned i = 0; i < CROWD_ITEMS; i++)
		work_init(&crowd_works[i], crowd_fn);
	for (unsigned i = 0; i < 3; i++)
		if (kthread_run(crowd_push, NULL, "crowd"))
			atomic_dec(&crowd_pushers);
	while (atomic_load(&crowd_pushers))
		sleep_ns(NSEC_PER_MSEC);
	workqueue_flush(crowd_queue);
	KEXPECT(crowd_ran == crowd_pushed && crowd_ran >= CROWD_ITEMS);
	workqueue_destroy(crowd_queue);
}

KTEST(workqueue_delayed)
{
	struct delayed_work dw;
	u64 before = clock_mono_ns();

	work_ran = 0;
	delayed_work_init(&dw, work_fn);
	KEXPECT(delayed_work_queue(&dw, 10 * NSEC_PER_MSEC));
	KEXPECT(!delayed_work_queue(&dw, 10 * NSEC_PER_MSEC));
	while (!atomic_load(&work_ran) && clock_mono_ns() - before < 5 * NSEC_PER_SEC)
		sleep_ns(NSEC_PER_MSEC);
	KEXPECT(work_ran == 1);
	KEXPECT(clock_mono_ns() - before >= 10 * NSEC_PER_MSEC);
	KEXPECT(delayed_work_queue(&dw, NSEC_PER_SEC));
	KEXPECT(delayed_work_cancel_sync(&dw));
	KEXPECT(work_ran == 1);
}

static u32 deferred_ran;

static void deferred_fn(struct deferred *d)
{
	KEXPECT(in_interrupt());
	KEXPECT(arch_irq_enabled());
	atomic_inc(&deferred_ran);
}

KTEST(deferred_runs)
{
	static struct deferred d = DEFERRED_INIT(deferred_fn);

	deferred_ran = 0;
	deferred_disable();
	deferred_raise(&d);
	deferred_raise(&d);
	KEXPECT(!deferred_ran);
	deferred_enable();
	KEXPECT(atomic_load(&deferred_ran) == 1);
	deferred_raise(&d);
	for (unsigned i = 0; i < 1000 && atomic_load(&deferred_ran) < 2; i++)
		sleep_ns(NSEC_PER_MSEC);
	KEXPECT(deferred_ran == 2);
}
