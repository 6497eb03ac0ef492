/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of areas against a plain array: insertion, erasure, gap search, lookups, splits and
 * joins.
 *
 * link: mm/vma.c kernel/lib/rbtree.c kernel/lib/bitmap.c tests/host/isa/toy.c
 */
#include <kernel/lib/string.h>
#include <host.h>
#include "../../mm/space_internal.h"

/* What vma.c needs of the rest. */
const struct mm_file_ops *file_ops;
struct slab_cache {
	size_t size;
	void (*ctor)(void *obj);
};

struct slab_cache *slab_create(const char *name, size_t size, size_t align, unsigned flags,
			       void (*ctor)(void *obj))
{
	static struct slab_cache c;

	c = (struct slab_cache){size, ctor};
	return &c;
}

void *slab_alloc(struct slab_cache *c, gfp_t gfp)
{
	void *p = host_alloc(c->size);

	if (p)
		c->ctor(p);
	return p;
}

void slab_free(struct slab_cache *c, void *obj)
{
	host_free(obj);
}

void rmap_link(struct vma *vma)
{
}

void rmap_unlink(struct vma *vma)
{
}

void rmap_adjust_begin(struct vma *vma)
{
}

void rmap_adjust_end(struct vma *vma)
{
}

void anon_join(struct vma *to, const struct vma *from)
{
	to->anon = from->anon;
}

bool anon_compatible(const struct vma *a, const struct vma *b)
{
	return true;
}

void vm_gauge_add(enum vm_gauge gauge, s64 n)
{
}

u64 clock_mono_ns(void)
{
	return 0;
}

/* Nobody waits here: the address space has one user. */
void preempt_schedule(void)
{
}

unsigned wake_up_all(struct wait_queue *wq)
{
	return 0;
}

void wait_entry_init(struct wait_entry *e)
{
}

int wait_prepare(struct wait_queue *wq, struct wait_entry *e, unsigned state)
{
	return 0;
}

void wait_finish(struct wait_queue *wq, struct wait_entry *e)
{
}

int wait_schedule(u64 deadline)
{
	return 0;
}

void rwsem_write_unlock(struct rwsem *s)
{
}

void rwsem_downgrade(struct rwsem *s)
{
}

int rwsem_read_lock_killable(struct rwsem *s)
{
	return 0;
}

#define PAGES 512
#define BASE  0x100000ul

static u8 model[PAGES]; /* flags of the area there, 0: none */

static struct mm *space_make(void)
{
	struct mm *mm = host_alloc(sizeof(*mm));

	memset(mm, 0, sizeof(*mm));
	refcount_set(&mm->users, 1);
	memset(model, 0, sizeof(model));
	return mm;
}

static vaddr_t at(size_t page)
{
	return BASE + page * PAGE_SIZE;
}

static void add(struct mm *mm, size_t first, size_t n, u8 flags)
{
	struct vma *vma = vma_alloc();

	vma->start = at(first);
	vma->end = at(first + n);
	vma->flags = flags;
	vma->pgoff = vma->start >> PAGE_SHIFT;
	vma_insert(mm, vma);
	memset(model + first, flags, n);
}

static void remove_range(struct mm *mm, size_t first, size_t n)
{
	struct vma *vma, *next;

	EXPECT(!vma_split_range(mm, at(first), at(first + n)));
	for (vma = vma_find(mm, at(first)); vma && vma->start < at(first + n); vma = next) {
		next = vma_next(vma);
		vma_erase(mm, vma);
		vma_dispose(vma);
	}
	memset(model + first, 0, n);
}

static void check(struct mm *mm)
{
	struct vma *vma, *prev = NULL;
	u32 n = 0;

	for_each_vma(vma, mm)
	{
		EXPECT(vma->start < vma->end);
		EXPECT_EQ(vma->gap, vma->start - (prev ? prev->end : 0));
		for (vaddr_t a = vma->start; a < vma->end; a += PAGE_SIZE)
			EXPECT_EQ(model[(a - BASE) / PAGE_SIZE], vma->flags);
		prev = vma;
		n++;
	}
	EXPECT_EQ(n, mm->nr_areas);
	for (size_t i = 0; i < PAGES; i++) {
		vma = vma_at(mm, at(i));
		EXPECT_EQ(vma ? vma->flags : 0, model[i]);
	}
}

/* The model's answer to a gap search. */
static bool model_gap(size_t n, size_t low, size_t high, bool topdown, size_t *out)
{
	bool found = false;

	for (size_t i = low; i + n <= high; i++) {
		size_t j = 0;

		while (j < n && !model[i + j])
			j++;
		if (j < n)
			continue;
		*out = i;
		found = true;
		if (!topdown)
			break;
	}
	return found;
}

TEST(vma_storm)
{
	struct mm *mm = space_make();
	struct vma *vma, *next;

	vma_init();
	for (unsigned round = 0; round < 4000; round++) {
		size_t first = host_random(PAGES), n = 1 + host_random(min(20ul, PAGES - first)),
		       want;
		size_t low = host_random(PAGES), high = low + host_random(PAGES - low + 1);
		bool topdown = host_random(2), found;
		vaddr_t place;

		remove_range(mm, first, n);
		if (host_random(3)) {
			add(mm, first, n, (u8)(1 + host_random(3)));
			vma_merge(mm, vma_at(mm, at(first)));
		}
		n = 1 + host_random(30);
		found = model_gap(n, low, high, topdown, &want);
		EXPECT_EQ(vma_find_gap(mm, n * PAGE_SIZE, at(low), at(high), topdown, &place),
			  found);
		if (found)
			EXPECT_EQ(place, at(want));
		if (round % 16 == 0)
			check(mm);
	}
	check(mm);
	for (vma = vma_find(mm, 0); vma; vma = next) {
		next = vma_next(vma);
		vma_erase(mm, vma);
		vma_dispose(vma);
	}
	host_free(mm);
}

TEST(vma_split_without_memory)
{
	struct mm *mm = space_make();

	add(mm, 10, 10, 1);
	FOR_EACH_FAILURE
	{
		int err = vma_split_range(mm, at(12), at(15));

		EXPECT(!err || err == -ENOMEM);
		check(mm);
	}
	EXPECT_EQ(mm->nr_areas, 3);
	remove_range(mm, 0, PAGES);
	host_free(mm);
}
