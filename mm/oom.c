/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Killing when nothing else helps.
 *
 * The victim is the process that holds most memory (resident pages, page tables and swap, in pages,
 * shifted by oom_score_adj thousandths of all memory), as Linux picks it.  A process already dying
 * is given time instead of killing another.
 */
#define LOG_PREFIX ""
#include <kernel/debug/log.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include "mm_internal.h"
#include "reclaim_internal.h"

static const struct oom_ops *oom_ops; /* [I after boot] */
static struct mutex oom_lock = MUTEX_INIT(oom_lock, RANK_SLEEP_LEAF);
static u64 last_kill_ns; /* [oom_lock] */

#define OOM_ADJ_MIN     (-1000)
#define OOM_PATIENCE_NS 5000000000ull

void oom_set_ops(const struct oom_ops *ops)
{
	oom_ops = ops;
}

long oom_badness(struct mm *mm, int score_adj, u64 total_pages)
{
	if (score_adj == OOM_ADJ_MIN)
		return LONG_MIN;

	long points =
		(long)(mm_rss_total(mm) + (u64)mm_rss(mm, RSS_SWAP) + atomic_load(&mm->nr_tables));

	return points + (long)score_adj * (long)(total_pages / 1000);
}

struct choice {
	struct oom_candidate best;
	long points;
	bool found, dying;
};

static bool consider(const struct oom_candidate *c, void *ctx)
{
	struct choice *choice = ctx;

	if (c->dying) {
		choice->dying = true;
		return false;
	}

	long points = oom_badness(c->mm, c->score_adj, frames_managed());

	if (points == LONG_MIN || (choice->found && points <= choice->points))
		return false;
	if (choice->found)
		oom_ops->release(&choice->best);
	choice->best = *c;
	choice->points = points;
	choice->found = true;
	return true;
}

static u64 kb(s64 pages)
{
	return pages > 0 ? (u64)pages << (PAGE_SHIFT - 10) : 0;
}

static void report(const struct oom_candidate *c, gfp_t gfp, unsigned order)
{
	struct mem_info m;

	mm_stat(&m);
	log_warn("%s invoked oom-killer: gfp_mask=%#x, order=%u\n", thread_current()->comm, gfp,
		 order);
	log_warn("Mem-Info: total:%llukB free:%llukB anon:%llukB file:%llukB shmem:%llukB "
		 "slab:%llukB "
		 "pagetables:%llukB\n",
		 kb((s64)m.total), kb((s64)m.free), kb((s64)m.anon), kb((s64)m.cached),
		 kb((s64)m.shmem), kb((s64)(m.slab_reclaimable + m.slab_unreclaimable)),
		 kb((s64)m.page_tables));
	log_err("Out of memory: Killed process %u (%s) total-vm:%llukB, anon-rss:%llukB, "
		"file-rss:%llukB, shmem-rss:%llukB, UID:%u pgtables:%llukB oom_score_adj:%d\n",
		c->pid, c->comm, kb((s64)c->mm->total_vm), kb(mm_rss(c->mm, RSS_ANON)),
		kb(mm_rss(c->mm, RSS_FILE)), kb(mm_rss(c->mm, RSS_SHMEM)), c->uid,
		kb((s64)atomic_load(&c->mm->nr_tables)), c->score_adj);
}

bool oom_kill(gfp_t gfp, unsigned order)
{
	struct choice choice = {.found = false};

	if (!oom_ops || !mutex_trylock(&oom_lock)) {
		sleep_ns(1000000);
		return oom_ops != NULL;
	}
	oom_ops->walk(consider, &choice);
	if (choice.dying && clock_mono_ns() - last_kill_ns < OOM_PATIENCE_NS) {
		if (choice.found)
			oom_ops->release(&choice.best);
		choice.found = false;
	} else if (choice.found) {
		report(&choice.best, gfp, order);
		vm_event_add(VM_OOM_KILL, 1);
		last_kill_ns = clock_mono_ns();
		oom_ops->kill(&choice.best);
		oom_ops->release(&choice.best);
	}

	bool hope = choice.found || choice.dying;

	mutex_unlock(&oom_lock);
	if (hope)
		sleep_ns(1000000);
	return hope;
}
