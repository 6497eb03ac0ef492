/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers.
 *
 * Each CPU has a base: a tree for precise timers, and a wheel for those with slack.  The wheel has
 * LEVELS levels of 64 slots; a slot of level l spans 2^(20 + 3 l) ns (1 ms, 8 ms, ... 37 minutes).
 * A timer goes to the coarsest level whose span is within its slack and whose 64 slots reach its
 * deadline, rounded up to the next slot, and never moves between levels.  What fits no level goes
 * to the tree.
 *
 * Functions run with the base unlocked and `running` naming the timer, so that timer_cancel_sync
 * can wait. A timer whose function is running elsewhere is restarted on that CPU, so it never runs
 * on two at once.
 *
 * Lock order: two bases by CPU number.
 */
#include <arch/timer.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/spinlock.h>
#include <kernel/time/timer.h>

#define LEVELS            8
#define SLOTS             64
#define SPAN_SHIFT(level) (20 + 3 * (level))

enum timer_state { TIMER_OFF, TIMER_TREE, TIMER_WHEEL };

struct wheel_level {
	u64 occupied;             /* [b] bit per slot */
	u64 done;                 /* [b] slot numbers up to this have been run */
	struct list slots[SLOTS]; /* [b] */
};

struct timer_base {
	struct spinlock lock;  /* RANK_TIMER */
	unsigned cpu;          /* [I] */
	u32 ready;             /* [I] the CPU's hardware timer may be set */
	struct timer *running; /* [b] */
	u64 programmed;        /* [b] deadline in the hardware, KTIME_MAX for none */
	bool expiring;         /* [b] timer_interrupt will program when it is done */
	struct rb_root tree;   /* [b] by deadline */
	struct wheel_level levels[LEVELS];
}; /* b: lock */

static DEFINE_PER_CPU(struct timer_base, timer_base);

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){.fn = fn, .base = &this_cpu(timer_base)};
}

/* The base of `t`, locked, interrupts off. */
static struct timer_base *base_lock(struct timer *t, irqflags_t *f)
{
	for (;;) {
		struct timer_base *b = atomic_load(&t->base);

		*f = spin_lock_irqsave(&b->lock);
		if (likely(atomic_load(&t->base) == b))
			return b;
		spin_unlock_irqrestore(&b->lock, *f);
	}
}

/* --- queueing ------------------------------------------------------------------------------- */

static bool tree_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct timer, node)->deadline <
	       rb_entry(b, struct timer, node)->deadline;
}

/* Try the wheel.  Returns false when no level fits. */
static bool wheel_insert(struct timer_base *b, struct timer *t, u64 slack, u64 now)
{
	int level = min(fls64(slack >> 20) - 1, (3 * LEVELS) - 1) / 3;

	if (slack < 1ull << SPAN_SHIFT(0) || t->deadline > (u64)KTIME_MAX - (1ull << 62))
		return false;
	for (; level >= 0; level--) {
		struct wheel_level *l = &b->levels[level];
		u64 slot = (t->deadline >> SPAN_SHIFT(level)) + 1;

		if (!l->occupied)
			l->done = now >> SPAN_SHIFT(level);
		if (slot <= l->done)
			slot = l->done + 1;
		if (slot - l->done >= SLOTS)
			continue;
		t->state = TIMER_WHEEL;
		t->slot = (u32)(level * SLOTS + slot % SLOTS);
		list_push_back(&l->slots[slot % SLOTS], &t->link);
		l->occupied |= 1ull << slot % SLOTS;
		return true;
	}
	return false;
}

static void insert(struct timer_base *b, struct timer *t, u64 slack)
{
	if (slack >= 1ull << SPAN_SHIFT(0) && wheel_insert(b, t, slack, clock_mono_ns()))
		return;
	t->state = TIMER_TREE;
	rb_insert(&b->tree, &t->node, tree_less);
}

static void take_out(struct timer_base *b, struct timer *t)
{
	if (t->state == TIMER_TREE) {
		rb_erase(&b->tree, &t->node);
	} else if (t->state == TIMER_WHEEL) {
		struct wheel_level *l = &b->levels[t->slot / SLOTS];

		list_remove(&t->link);
		if (list_empty(&l->slots[t->slot % SLOTS]))
			l->occupied &= ~(1ull << t->slot % SLOTS);
	}
	atomic_store(&t->state, (u32)TIMER_OFF);
}

/* When the earliest slot of `l` is due, or KTIME_MAX. */
static u64 level_next(const struct wheel_level *l, unsigned level)
{
	unsigned from = (l->done + 1) % SLOTS;
	u64 turned;

	if (!l->occupied)
		return KTIME_MAX;
	turned = from ? l->occupied >> from | l->occupied << (SLOTS - from) : l->occupied;
	return (l->done + 1 + (u64)ctz64(turned)) << SPAN_SHIFT(level);
}

static u64 base_next(const struct timer_base *b)
{
	struct rb_node *first = rb_first(&b->tree);
	u64 next = first ? rb_entry(first, struct timer, node)->deadline : (u64)KTIME_MAX;

	for (unsigned level = 0; level < LEVELS; level++)
		next = min(next, level_next(&b->levels[level], level));
	return next;
}

u64 timer_next_deadline(void)
{
	struct timer_base *b = &this_cpu(timer_base);

	guard_spin_irq(&b->lock);
	return base_next(b);
}

static void program(struct timer_base *b, u64 deadline)
{
	if (deadline == b->programmed || !b->ready)
		return;
	b->programmed = deadline;
	arch_timer_set(deadline == (u64)KTIME_MAX ? ~0ull : clock_ns_to_counter(deadline));
}

/* --- starting and cancelling ---------------------------------------------------------------- */

/*
 * Lock the base `t` is on and the one it shall go to: this CPU's, unless its function is running.
 * Returns the destination; *from is the present one.
 */
static struct timer_base *bases_lock(struct timer *t, struct timer_base **from)
{
	struct timer_base *here = &this_cpu(timer_base);

	for (;;) {
		struct timer_base *b = atomic_load(&t->base);

		*from = b;
		if (b == here) {
			spin_lock(&b->lock);
		} else if (b->cpu < here->cpu) {
			spin_lock(&b->lock);
			spin_lock_nested(&here->lock, 1);
		} else {
			spin_lock(&here->lock);
			spin_lock_nested(&b->lock, 1);
		}
		if (likely(atomic_load(&t->base) == b)) {
			if (b == here || b->running != t)
				return here;
			spin_unlock(&here->lock);
			return b;
		}
		spin_unlock(&b->lock);
		if (b != here)
			spin_unlock(&here->lock);
	}
}

void timer_start(struct timer *t, u64 deadline_ns, u64 slack_ns)
{
	irqflags_t f = arch_irq_save();
	struct timer_base *from, *to = bases_lock(t, &from);

	take_out(from, t);
	if (from != to) {
		atomic_store(&t->base, to);
		spin_unlock(&from->lock);
	}
	WRITE_ONCE(t->deadline, min(deadline_ns, (u64)KTIME_MAX));
	insert(to, t, slack_ns);
	if (!to->expiring) {
		u64 next = t->state == TIMER_TREE ? t->deadline : base_next(to);

		if (next < to->programmed)
			program(to, next);
	}
	spin_unlock(&to->lock);
	arch_irq_restore(f);
}

bool timer_cancel(struct timer *t)
{
	irqflags_t f;
	struct timer_base *b = base_lock(t, &f);
	bool pending = t->state != TIMER_OFF;

	take_out(b, t);
	spin_unlock_irqrestore(&b->lock, f);
	return pending;
}

bool timer_cancel_sync(struct timer *t)
{
	bool was_pending = false;

	for (;;) {
		irqflags_t f;
		struct timer_base *b = base_lock(t, &f);
		bool running = b->running == t;

		was_pending |= t->state != TIMER_OFF;
		take_out(b, t);
		spin_unlock_irqrestore(&b->lock, f);
		if (!running)
			return was_pending;
		arch_cpu_relax();
	}
}

bool timer_pending(const struct timer *t)
{
	return atomic_load(&t->state) != TIMER_OFF;
}

/* --- expiry --------------------------------------------------------------------------------- */

static void run_one(struct timer_base *b, struct timer *t)
{
	void (*fn)(struct timer * t) = t->fn;

	take_out(b, t);
	b->running = t;
	spin_unlock(&b->lock);
	fn(t);
	spin_lock(&b->lock);
	b->running = NULL;
}

static void run_tree(struct timer_base *b, u64 now)
{
	struct rb_node *first;

	while ((first = rb_first(&b->tree))) {
		struct timer *t = rb_entry(first, struct timer, node);

		if (t->deadline > now)
			return;
		run_one(b, t);
	}
}

/* Every slot that began by now is due. */
static void run_level(struct timer_base *b, unsigned level, u64 now)
{
	struct wheel_level *l = &b->levels[level];
	u64 current = now >> SPAN_SHIFT(level);

	while (level_next(l, level) <= now) {
		u64 slot = level_next(l, level) >> SPAN_SHIFT(level);
		struct list *due = &l->slots[slot % SLOTS];

		/* What functions add now goes to later slots. */
		l->done = slot;
		while (!list_empty(due))
			run_one(b, list_first(due, struct timer, link));
	}
	if (current > l->done && !l->occupied)
		l->done = current;
}

void timer_interrupt(void)
{
	struct timer_base *b = &this_cpu(timer_base);
	u64 now, next;

	spin_lock(&b->lock);
	b->expiring = true;
	b->programmed = KTIME_MAX;
	for (unsigned rounds = 0; rounds < 4; rounds++) {
		now = clock_mono_ns();
		run_tree(b, now);
		for (unsigned level = 0; level < LEVELS; level++)
			run_level(b, level, now);
		next = base_next(b);
		if (next > clock_mono_ns())
			break;
	}
	b->expiring = false;
	b->programmed = 0; /* whatever it was: set it */
	program(b, next);
	spin_unlock(&b->lock);
}

/* --- boot ----------------------------------------------------------------------------------- */

static void base_init(struct timer_base *b, unsigned cpu)
{
	spin_init(&b->lock, RANK_TIMER, "timer_base.lock");
	b->cpu = cpu;
	b->programmed = KTIME_MAX;
	for (unsigned level = 0; level < LEVELS; level++)
		for (unsigned slot = 0; slot < SLOTS; slot++)
			list_init(&b->levels[level].slots[slot]);
}

void timer_init_all(void)
{
	unsigned cpu;

	for_each_possible_cpu(cpu) base_init(&per_cpu(timer_base, cpu), cpu);
}

void timer_init_cpu(void)
{
	struct timer_base *b = &this_cpu(timer_base);

	guard_spin_irq(&b->lock);
	b->ready = 1;
	b->programmed = KTIME_MAX;
	program(b, base_next(b));
}
