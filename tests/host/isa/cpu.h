/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each host thread is one processor and owns room for its structures.  It also is one thread, in
 * toy_thread_area, unless somebody switches between several there (tests/host/fs) and says in
 * toy_running which it is.
 */
#pragma once

struct arch_cpu {
	unsigned long unused;
};

extern __thread unsigned char toy_cpu_area[4096];
extern __thread unsigned char toy_thread_area[16384];
extern __thread void *toy_running;

static inline struct cpu *arch_cpu_self(void)
{
	return (struct cpu *)toy_cpu_area;
}

static inline struct thread *arch_thread_self(void)
{
	return (struct thread *)(toy_running ? toy_running : toy_thread_area);
}

static inline void arch_cpu_relax(void)
{
	__asm__ __volatile__("" ::: "memory");
}
