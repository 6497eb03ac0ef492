/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequence counts: readers that never write, and retry when a writer was there.
 *
 *	do {
 *		seq = seq_read_begin(&s);
 *		copy the fields (READ_ONCE each)
 *	} while (seq_read_retry(&s, seq));
 *
 * The count is odd while a writer is inside.  Writers exclude each other by a lock of the caller's
 * (struct seqlock brings its own) and keep preemption off, or a reader could spin for long.
 */
#pragma once

#include <kernel/sync/spinlock.h>

struct seqcount {
	u32 sequence; /* [a] */
};

static __always_inline void seqcount_init(struct seqcount *s)
{
	s->sequence = 0;
}

/* Spins while a writer is inside. */
static __always_inline u32 seq_read_begin(const struct seqcount *s)
{
	u32 seq;

	while (unlikely((seq = atomic_load_acquire(&s->sequence)) & 1))
		arch_cpu_relax();
	return seq;
}

/* Does not wait: the count may be odd, and the retry then fails. */
static __always_inline u32 seq_read_peek(const struct seqcount *s)
{
	return atomic_load_acquire(&s->sequence) & ~1u;
}

static __always_inline bool seq_read_retry(const struct seqcount *s, u32 seq)
{
	smp_rmb();
	return unlikely(atomic_load(&s->sequence) != seq);
}

static __always_inline void seq_write_begin(struct seqcount *s)
{
	WRITE_ONCE(s->sequence, s->sequence + 1);
	smp_wmb();
}

static __always_inline void seq_write_end(struct seqcount *s)
{
	atomic_store_release(&s->sequence, s->sequence + 1);
}

/* Make every reader that is inside retry, without writing anything. */
static __always_inline void seq_write_invalidate(struct seqcount *s)
{
	smp_wmb();
	WRITE_ONCE(s->sequence, s->sequence + 2);
}

/* A sequence count with the writers' lock. */
struct seqlock {
	struct seqcount seq;
	struct spinlock lock;
};

static inline void seqlock_init(struct seqlock *s, enum lock_rank rank, const char *name)
{
	seqcount_init(&s->seq);
	spin_init(&s->lock, rank, name);
}

static __always_inline u32 seqlock_read_begin(const struct seqlock *s)
{
	return seq_read_begin(&s->seq);
}

static __always_inline bool seqlock_read_retry(const struct seqlock *s, u32 seq)
{
	return seq_read_retry(&s->seq, seq);
}

static __always_inline void seqlock_write_lock(struct seqlock *s)
{
	spin_lock(&s->lock);
	seq_write_begin(&s->seq);
}

static __always_inline void seqlock_write_unlock(struct seqlock *s)
{
	seq_write_end(&s->seq);
	spin_unlock(&s->lock);
}

static __always_inline irqflags_t seqlock_write_lock_irqsave(struct seqlock *s)
{
	irqflags_t f = spin_lock_irqsave(&s->lock);

	seq_write_begin(&s->seq);
	return f;
}

static __always_inline void seqlock_write_unlock_irqrestore(struct seqlock *s, irqflags_t f)
{
	seq_write_end(&s->seq);
	spin_unlock_irqrestore(&s->lock, f);
}
