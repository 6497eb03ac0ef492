/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When memory runs short: who gives some back, and who dies. */
#pragma once

#include <kernel/lib/list.h>
#include <mm/alloc.h>

struct mm;
struct seq;
struct thread;

/*
 * A cache of objects that can be rebuilt (dentries, inodes, ...). Both are called without locks of
 * mm held and may sleep; with __GFP_FS absent from `gfp` no file-system lock may be taken.
 */
struct shrinker {
	const char *name;
	u64 (*count)(struct shrinker *s);                   /* objects that could go */
	u64 (*scan)(struct shrinker *s, u64 nr, gfp_t gfp); /* try `nr`; how many went */
	struct list link;
};

void shrinker_register(struct shrinker *s);
void shrinker_unregister(struct shrinker *s);

/* sysctl vm.drop_caches: 1 page cache, 2 shrinkers, 3 both. */
void reclaim_drop_caches(unsigned what);

/*
 * Writeback of dirty pages, filled in by its owner: start writing about `pages`, or (0) as much as
 * the limits of mm/dirty.h demand.  Context: any but hard interrupt.
 */
struct writeback_ops {
	void (*start)(u64 pages);
};
void reclaim_set_writeback_ops(const struct writeback_ops *ops);
/*
 * Called by writers after dirtying pages of a file: waits while too much is dirty.  Context: may
 * sleep, and hold no lock that writing back needs.
 */
void reclaim_balance_dirty(void);
/* Super blocks whose clean pages drop_caches walks: fs calls cache_drop_clean for each mapping. */
void reclaim_set_cache_walker(void (*walk)(void));

/*
 * Killing, filled in by kernel/proc.
 */
struct oom_candidate {
	void *process; /* opaque, referenced until release */
	struct mm *mm; /* users reference held */
	int score_adj; /* -1000 .. 1000 */
	bool dying;    /* already killed or exiting */
	u32 pid, uid;
	char comm[16];
};

struct oom_ops {
	/*
	 * Call `see` for every process with an address space; by returning true it keeps the
	 * candidate, and the one kept before is then released.
	 */
	void (*walk)(bool (*see)(const struct oom_candidate *c, void *ctx), void *ctx);
	void (*release)(struct oom_candidate *c);
	/* SIGKILL, and access to the reserves for its threads. */
	void (*kill)(struct oom_candidate *c);
};
void oom_set_ops(const struct oom_ops *ops);
/* Badness as Linux: pages of rss, tables and swap plus the adjustment; LONG_MIN: never. */
long oom_badness(struct mm *mm, int score_adj, u64 total_pages);
