/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables of which every processor has its own.
 *
 * They are zero at first on every processor; there are no initialisers.  The boot processor's area
 * is the linked one and works from the first instruction; the others get theirs when processors are
 * enumerated, so a loop over possible processors belongs after that.
 */
#pragma once

#include <kernel/smp/cpu.h>

#define PERCPU_SECTION ".percpu"

#define DEFINE_PER_CPU(type, name)  __typeof__(type) name __section(PERCPU_SECTION)
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name

/* This CPU's, as an lvalue.  Context: preemption off (or the caller does not care which). */
#define this_cpu(name)                                                                             \
	(*(__typeof__(&(name)))((uintptr_t)HIDE_PTR(&(name)) + arch_cpu_self()->percpu_base))

/* That of CPU `cpu`. */
#define per_cpu(name, cpu)                                                                         \
	(*(__typeof__(&(name)))((uintptr_t)HIDE_PTR(&(name)) + cpu_table[cpu]->percpu_base))

/* A counter per CPU, summed when read.  Exact once nobody counts. */
#define percpu_sum(name)                                                                           \
	({                                                                                         \
		__typeof__(name) sum_ = 0;                                                         \
		unsigned cpu_;                                                                     \
		for_each_possible_cpu(cpu_) sum_ += READ_ONCE(per_cpu(name, cpu_));                \
		sum_;                                                                              \
	})

/* Count without atomics: an interrupt between load and store may lose one.  Use for statistics
 * only. */
#define this_cpu_add(name, n) WRITE_ONCE(this_cpu(name), this_cpu(name) + (n))

/*
 * Memory of `size` bytes per CPU, zeroed; per_cpu_ptr finds a CPU's.  Returns NULL when out of
 * memory. Context: may sleep; after cpu_init_all.
 */
void *percpu_alloc(size_t size, size_t align);
void percpu_free(void *area);
void *percpu_ptr(void *area, unsigned cpu);
