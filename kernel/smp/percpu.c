/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU memory allocated at run time: one block with a cache-line-rounded part per possible
 * processor, preceded by the size of a part.
 */
#include <arch/types.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/percpu.h>
#include <mm/alloc.h>

struct percpu_block {
	size_t stride;
	char parts[] __aligned(64);
};

void *percpu_alloc(size_t size, size_t align)
{
	size_t stride = ALIGN_UP(size, max(align, (size_t)64));
	struct percpu_block *b = kzalloc(sizeof(*b) + stride * nr_cpus, GFP_KERNEL);

	if (!b)
		return NULL;
	b->stride = stride;
	return b->parts;
}

void percpu_free(void *area)
{
	if (area)
		kfree(container_of((char(*)[])area, struct percpu_block, parts));
}

void *percpu_ptr(void *area, unsigned cpu)
{
	struct percpu_block *b = container_of((char(*)[])area, struct percpu_block, parts);

	return b->parts + b->stride * cpu;
}
