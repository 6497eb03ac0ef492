/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shoot-downs (tlb.h has the rules).
 *
 * Where the machine does not broadcast, one interrupt per batch asks the processors in mmu->cpus to
 * flush, and the asker waits, so that a frame is reused only when nobody can reach it any more.
 * The waiting also promises that no processor with interrupts off still uses a translation it found
 * before.
 */
#include <kernel/lib/string.h>
#include <kernel/sched/mmu.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include "mm_internal.h"

DEFINE_PER_CPU(struct arch_mmu *, mmu_loaded);

/* Beyond this many pages the whole address space is flushed. */
#define FLUSH_ALL_PAGES 64

struct flush_job {
	struct arch_mmu *mmu;
	vaddr_t start, end;
};

static void flush_here(void *arg)
{
	const struct flush_job *job = arg;

	/* Loaded lazily: let go of it, and be left alone from now on. */
	if (!ARCH_TLB_BROADCAST && thread_current()->mmu != job->mmu) {
		sched_mmu_drop(job->mmu);
		return;
	}
	if (job->end - job->start > FLUSH_ALL_PAGES * PAGE_SIZE)
		arch_tlb_flush_all(job->mmu);
	else
		arch_tlb_flush_range(job->mmu, job->start, job->end, PAGE_SIZE);
}

void tlb_shootdown(struct mm *mm, vaddr_t start, vaddr_t end)
{
	struct flush_job job = {&mm->arch, start, end};

	/* Entries changed before the mask is read: who enters it later sees them. */
	smp_mb();
	preempt_disable();
	if (ARCH_TLB_BROADCAST) {
		flush_here(&job);
	} else {
		struct cpumask others;
		unsigned self = cpu_id();

		cpumask_copy(&others, &mm->arch.cpus);
		if (cpumask_test(&others, self)) {
			flush_here(&job);
			others.bits[self / 64] &= ~(1ull << (self % 64));
		}
		if (!cpumask_empty(&others)) {
			vm_event_add(VM_TLB_SHOOTDOWN, 1);
			smp_call(&others, flush_here, &job, true);
		}
	}
	preempt_enable();
}

static void flush_kernel_here(void *arg)
{
	const struct flush_job *job = arg;

	arch_tlb_flush_kernel(job->start, job->end);
}

void tlb_shootdown_kernel(vaddr_t start, vaddr_t end)
{
	struct flush_job job = {NULL, start, end};

	smp_mb();
	if (ARCH_TLB_BROADCAST)
		flush_kernel_here(&job);
	else
		smp_call_all(flush_kernel_here, &job, true);
}

static void drop_here(void *arg)
{
	sched_mmu_drop(arg);
}

void tlb_drop_lazy(struct arch_mmu *mmu)
{
	struct cpumask cpus;

	preempt_disable();
	sched_mmu_drop(mmu);
	smp_mb();
	cpumask_copy(&cpus, &mmu->cpus);
	if (!cpumask_empty(&cpus))
		smp_call(&cpus, drop_here, mmu, true);
	preempt_enable();
}

/* --- batches ---------------------------------------------------------------------------------- */

void tlb_begin(struct tlb_batch *b, struct mm *mm)
{
	b->mm = mm;
	b->start = ~0ul;
	b->end = 0;
	b->all = false;
	b->tables = false;
	b->nr = 0;
	b->chunks = NULL;
}

void tlb_begin_exit(struct tlb_batch *b, struct mm *mm)
{
	tlb_begin(b, mm);
	b->all = true;
	tlb_drop_lazy(&mm->arch);
}

static void batch_free_pages(struct tlb_batch *b)
{
	for (unsigned i = 0; i < b->nr; i++)
		page_put(b->inl[i]);
	b->nr = 0;
	while (b->chunks) {
		struct tlb_chunk *c = b->chunks;

		b->chunks = c->next;
		for (unsigned i = 0; i < c->nr; i++)
			page_put(c->pages[i]);
		page_free(virt_to_page(c), 0);
	}
}

void tlb_flush(struct tlb_batch *b)
{
	if (b->start < b->end && !b->all)
		tlb_shootdown(b->mm, b->start, b->end);
	b->start = ~0ul;
	b->end = 0;
	b->tables = false;
	batch_free_pages(b);
}

void tlb_end(struct tlb_batch *b)
{
	tlb_flush(b);
}

static struct tlb_chunk *batch_chunk(struct tlb_batch *b)
{
	struct tlb_chunk *c = b->chunks;

	static_assert(sizeof(struct tlb_chunk) <= PAGE_SIZE, "a chunk is a page");
	if (c && c->nr < ARRAY_SIZE(c->pages))
		return c;

	struct page *p = page_alloc(GFP_NOWAIT);

	if (!p)
		return NULL;
	c = page_address(p);
	c->nr = 0;
	c->next = b->chunks;
	b->chunks = c;
	return c;
}

void tlb_free_page(struct tlb_batch *b, struct page *p)
{
	/* Nobody can reach the address space: no flush to wait for. */
	if (b->all) {
		page_put(p);
		return;
	}
	if (b->nr == TLB_BATCH_INLINE) {
		struct tlb_chunk *c = batch_chunk(b);

		if (c) {
			c->pages[c->nr++] = p;
			return;
		}
		tlb_flush(b);
	}
	b->inl[b->nr++] = p;
}

void tlb_free_table(struct tlb_batch *b, struct page *table)
{
	b->tables = true;
	tlb_note(b, table->table_base);
	tlb_free_page(b, table);
}
