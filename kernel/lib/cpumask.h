/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of processors.
 *
 * Setting and clearing one member is atomic, so a mask may be shared; the whole-mask operations are
 * not atomic as a whole, only word by word.
 */
#pragma once

#include <kernel/lib/bitmap.h>

struct cpumask {
	u64 bits[(CONFIG_NR_CPUS + 63) / 64]; /* [a] */
};

static __always_inline void cpumask_set(struct cpumask *m, unsigned cpu)
{
	set_bit_atomic(m->bits, cpu);
}

static __always_inline void cpumask_clear(struct cpumask *m, unsigned cpu)
{
	clear_bit_atomic(m->bits, cpu);
}

static __always_inline bool cpumask_test(const struct cpumask *m, unsigned cpu)
{
	return bitmap_test(m->bits, cpu);
}

static __always_inline bool cpumask_test_and_set(struct cpumask *m, unsigned cpu)
{
	return test_and_set_bit_atomic(m->bits, cpu);
}

static __always_inline bool cpumask_test_and_clear(struct cpumask *m, unsigned cpu)
{
	return test_and_clear_bit_atomic(m->bits, cpu);
}

static inline void cpumask_zero(struct cpumask *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->bits); i++)
		WRITE_ONCE(m->bits[i], 0);
}

static inline void cpumask_set_all(struct cpumask *m)
{
	bitmap_fill(m->bits, CONFIG_NR_CPUS);
}

static inline void cpumask_copy(struct cpumask *to, const struct cpumask *from)
{
	for (size_t i = 0; i < ARRAY_SIZE(to->bits); i++)
		WRITE_ONCE(to->bits[i], READ_ONCE(from->bits[i]));
}

/* The intersection goes to `to`.  Returns true when it is not empty. */
static inline bool cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	u64 any = 0;

	for (size_t i = 0; i < ARRAY_SIZE(to->bits); i++)
		any |= to->bits[i] = READ_ONCE(a->bits[i]) & READ_ONCE(b->bits[i]);
	return any != 0;
}

static inline void cpumask_or(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(to->bits); i++)
		to->bits[i] = READ_ONCE(a->bits[i]) | READ_ONCE(b->bits[i]);
}

static inline void cpumask_andnot(struct cpumask *to, const struct cpumask *a,
				  const struct cpumask *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(to->bits); i++)
		to->bits[i] = READ_ONCE(a->bits[i]) & ~READ_ONCE(b->bits[i]);
}

static inline bool cpumask_empty(const struct cpumask *m)
{
	u64 any = 0;

	for (size_t i = 0; i < ARRAY_SIZE(m->bits); i++)
		any |= READ_ONCE(m->bits[i]);
	return !any;
}

static inline bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	u64 differ = 0;

	for (size_t i = 0; i < ARRAY_SIZE(a->bits); i++)
		differ |= READ_ONCE(a->bits[i]) ^ READ_ONCE(b->bits[i]);
	return !differ;
}

static inline bool cpumask_intersects(const struct cpumask *a, const struct cpumask *b)
{
	u64 any = 0;

	for (size_t i = 0; i < ARRAY_SIZE(a->bits); i++)
		any |= READ_ONCE(a->bits[i]) & READ_ONCE(b->bits[i]);
	return any != 0;
}

static inline unsigned cpumask_weight(const struct cpumask *m)
{
	return (unsigned)bitmap_weight(m->bits, CONFIG_NR_CPUS);
}

/* The first member, or CONFIG_NR_CPUS. */
static inline unsigned cpumask_first(const struct cpumask *m)
{
	return (unsigned)bitmap_find_next_bit(m->bits, CONFIG_NR_CPUS, 0);
}

/* The first member after `cpu`, or CONFIG_NR_CPUS. */
static inline unsigned cpumask_next(unsigned cpu, const struct cpumask *m)
{
	return (unsigned)bitmap_find_next_bit(m->bits, CONFIG_NR_CPUS, (size_t)cpu + 1);
}

#define for_each_cpu(cpu, mask) \
	for ((cpu) = cpumask_first(mask); (cpu) < CONFIG_NR_CPUS; (cpu) = cpumask_next(cpu, mask))
