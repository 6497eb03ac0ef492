/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address spaces: the test's thread enters one of its own and uses it through user copies. */
#include <kernel/abi/mman.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <mm/space.h>
#include <mm/usercopy.h>

static int map(struct mm *mm, vaddr_t addr, size_t len, int prot, u32 flags, vaddr_t *out)
{
	struct mmap_request r = {
		.addr = addr,
		.len = len,
		.prot = prot,
		.flags = flags | MAP_ANONYMOUS,
		.as_limit = ~0ull,
		.data_limit = ~0ull,
		.memlock_limit = ~0ull,
	};

	return mm_map(mm, &r, out);
}

static int poke(vaddr_t addr, u64 v)
{
	return put_user(v, (u64 __user *)addr);
}

static bool peek_is(vaddr_t addr, u64 want)
{
	u64 v;

	return !get_user(v, (u64 __user *)addr) && v == want;
}

#define RW (PROT_READ | PROT_WRITE)

KTEST(mm_space_anon)
{
	struct mm *mm;
	vaddr_t a, b;

	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	KREQUIRE(!map(mm, 0, 64 * PAGE_SIZE, RW, MAP_PRIVATE, &a));
	KEXPECT(peek_is(a, 0));
	KEXPECT(mm_rss(mm, RSS_ANON) == 0);
	for (unsigned i = 0; i < 64; i++)
		KEXPECT(!poke(a + i * PAGE_SIZE + 8, i + 100));
	for (unsigned i = 0; i < 64; i++)
		KEXPECT(peek_is(a + i * PAGE_SIZE + 8, i + 100));
	KEXPECT(mm_rss(mm, RSS_ANON) == 64);
	/* Neighbours become one area. */
	KREQUIRE(!map(mm, 0, PAGE_SIZE, RW, MAP_PRIVATE, &b));
	KEXPECT(b + PAGE_SIZE == a && mm->nr_areas == 1);
	/* A hole in the middle. */
	KEXPECT(!mm_unmap(mm, a + 10 * PAGE_SIZE, 2 * PAGE_SIZE));
	KEXPECT(mm->nr_areas == 2 && mm_rss(mm, RSS_ANON) == 62);
	KEXPECT(poke(a + 10 * PAGE_SIZE, 1) == -EFAULT);
	KEXPECT(!poke(a + 12 * PAGE_SIZE, 1));
	KEXPECT(mm_unmap(mm, a + 1, PAGE_SIZE) == -EINVAL);
	mm_switch_to(NULL);
}

KTEST(mm_space_protect)
{
	struct mm *mm;
	vaddr_t a;

	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	KREQUIRE(!map(mm, 0, 8 * PAGE_SIZE, RW, MAP_PRIVATE, &a));
	for (unsigned i = 0; i < 8; i++)
		KEXPECT(!poke(a + i * PAGE_SIZE, i));
	KEXPECT(!mm_protect(mm, a + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ));
	KEXPECT(mm->nr_areas == 3);
	KEXPECT(poke(a + 2 * PAGE_SIZE, 9) == -EFAULT);
	KEXPECT(peek_is(a + 3 * PAGE_SIZE, 3));
	KEXPECT(!mm_protect(mm, a + 2 * PAGE_SIZE, PAGE_SIZE, PROT_NONE));
	KEXPECT(!peek_is(a + 2 * PAGE_SIZE, 2));
	KEXPECT(!mm_protect(mm, a, 8 * PAGE_SIZE, RW));
	KEXPECT(mm->nr_areas == 1);
	for (unsigned i = 0; i < 8; i++)
		KEXPECT(peek_is(a + i * PAGE_SIZE, i) && !poke(a + i * PAGE_SIZE, i + 1));
	KEXPECT(mm_protect(mm, a + 4 * PAGE_SIZE, 8 * PAGE_SIZE, PROT_READ) == -ENOMEM);
	mm_switch_to(NULL);
}

KTEST(mm_space_fork)
{
	struct mm *mm, *child;
	vaddr_t a, s;
	u64 v;

	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	KREQUIRE(!map(mm, 0, 16 * PAGE_SIZE, RW, MAP_PRIVATE, &a));
	KREQUIRE(!map(mm, 0, 4 * PAGE_SIZE, RW, MAP_SHARED, &s));
	for (unsigned i = 0; i < 16; i++)
		KEXPECT(!poke(a + i * PAGE_SIZE, i));
	KEXPECT(!poke(s, 1000));
	KREQUIRE(!mm_fork(mm, &child));
	KEXPECT(mm_rss(child, RSS_ANON) == 16);
	/* Ours changes, the child's does not. */
	KEXPECT(!poke(a, 77) && peek_is(a, 77));
	KEXPECT(mm_access(child, a, &v, 8, false, 0) == 8 && v == 0);
	/* The child's changes, ours does not. */
	v = 88;
	KEXPECT(mm_access(child, a + PAGE_SIZE, &v, 8, true, 0) == 8);
	KEXPECT(peek_is(a + PAGE_SIZE, 1));
	/* Shared memory is shared. */
	KEXPECT(mm_access(child, s, &v, 8, false, 0) == 8 && v == 1000);
	v = 2000;
	KEXPECT(mm_access(child, s + PAGE_SIZE, &v, 8, true, 0) == 8);
	KEXPECT(peek_is(s + PAGE_SIZE, 2000));
	mm_put(child);
	/* The last owner reuses. */
	for (unsigned i = 2; i < 16; i++)
		KEXPECT(!poke(a + i * PAGE_SIZE, i * 2) && peek_is(a + i * PAGE_SIZE, i * 2));
	KEXPECT(mm_rss(mm, RSS_ANON) == 16);
	mm_switch_to(NULL);
}

KTEST(mm_space_remap)
{
	struct mm *mm;
	vaddr_t a, b;
	struct mremap_request r = {.flags = MREMAP_MAYMOVE,
				   .as_limit = ~0ull,
				   .data_limit = ~0ull,
				   .memlock_limit = ~0ull};

	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	KREQUIRE(!map(mm, 0x10000000, 4 * PAGE_SIZE, RW, MAP_PRIVATE, &a));
	KREQUIRE(!map(mm, 0x10004000, PAGE_SIZE, PROT_READ, MAP_PRIVATE, &b));
	KEXPECT(a == 0x10000000 && b == 0x10004000);
	for (unsigned i = 0; i < 4; i++)
		KEXPECT(!poke(a + i * PAGE_SIZE, i + 1));
	r.addr = a;
	r.old_len = 4 * PAGE_SIZE;
	r.new_len = 8 * PAGE_SIZE;
	KEXPECT(!mm_remap(mm, &r, &b));
	KEXPECT(b != a);
	for (unsigned i = 0; i < 4; i++)
		KEXPECT(peek_is(b + i * PAGE_SIZE, i + 1));
	KEXPECT(peek_is(b + 7 * PAGE_SIZE, 0));
	KEXPECT(!peek_is(a, 1));
	KEXPECT(!poke(b + 6 * PAGE_SIZE, 5));
	r.addr = b;
	r.old_len = 8 * PAGE_SIZE;
	r.new_len = 2 * PAGE_SIZE;
	KEXPECT(!mm_remap(mm, &r, &a) && a == b);
	KEXPECT(!peek_is(b + 2 * PAGE_SIZE, 3) && peek_is(b + PAGE_SIZE, 2));
	mm_switch_to(NULL);
}

KTEST(mm_space_brk_stack)
{
	struct mm *mm;
	vaddr_t top = 0x40000000;

	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	mm->start_brk = mm->brk = 0x20000000;
	KEXPECT(mm_brk(mm, 0x20003001, ~0ull, ~0ull, ~0ull, false) == 0x20003001);
	KEXPECT(!poke(0x20003000, 5));
	KEXPECT(mm_brk(mm, 0x20001000, ~0ull, ~0ull, ~0ull, false) == 0x20001000);
	KEXPECT(poke(0x20003000, 5) == -EFAULT);
	KEXPECT(mm_brk(mm, 0x1000, ~0ull, ~0ull, ~0ull, false) == 0x20001000);

	KREQUIRE(!mm_stack_create(mm, top, 4 * PAGE_SIZE, false));
	mm->stack_limit = 64 * PAGE_SIZE;
	KEXPECT(!poke(top - 8, 1));
	KEXPECT(!poke(top - 40 * PAGE_SIZE, 1));
	KEXPECT(poke(top - 65 * PAGE_SIZE, 1) == -EFAULT);
	mm_switch_to(NULL);
}

KTEST(mm_space_advise)
{
	struct mm *mm;
	vaddr_t a;

	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	KREQUIRE(!map(mm, 0, 8 * PAGE_SIZE, RW, MAP_PRIVATE, &a));
	KEXPECT(!mm_advise(mm, a, 8 * PAGE_SIZE, MADV_POPULATE_WRITE));
	KEXPECT(mm_rss(mm, RSS_ANON) == 8);
	KEXPECT(!poke(a, 5));
	KEXPECT(!mm_advise(mm, a, 2 * PAGE_SIZE, MADV_DONTNEED));
	KEXPECT(peek_is(a, 0) && mm_rss(mm, RSS_ANON) == 6);
	KEXPECT(mm_advise(mm, a, PAGE_SIZE, MADV_HUGEPAGE) == -EINVAL);
	KEXPECT(mm_advise(mm, a, 9 * PAGE_SIZE, MADV_DONTNEED) == -ENOMEM);
	KEXPECT(!mm_lock_range(mm, a, 8 * PAGE_SIZE, false, ~0ull, true));
	KEXPECT(mm->locked_vm == 8 && mm_rss(mm, RSS_ANON) == 8);
	KEXPECT(mm_advise(mm, a, PAGE_SIZE, MADV_DONTNEED) == -EINVAL);
	KEXPECT(!mm_unlock_range(mm, a, PAGE_SIZE) && mm->locked_vm == 7 && mm->nr_areas == 2);
	KEXPECT(!mm_unlock_all(mm) && mm->locked_vm == 0 && mm->nr_areas == 1);
	mm_switch_to(NULL);
}

/* Faults, unmapping and forks of one address space on all CPUs at once. */
struct storm {
	struct mm *mm;
	vaddr_t base;
	struct completion done;
	unsigned id;
	u32 bad;
};

static void storm_run(void *arg)
{
	struct storm *s = arg;

	mm_get(s->mm);
	mm_switch_to(s->mm);
	for (unsigned round = 0; round < 60; round++) {
		vaddr_t a;

		for (unsigned i = 0; i < 32; i++) {
			vaddr_t at = s->base + i * PAGE_SIZE + s->id * 8;
			u64 want = ((u64)round << 32) | s->id;

			if (poke(at, want) || !peek_is(at, want))
				s->bad++;
		}
		if (map(s->mm, 0, 4 * PAGE_SIZE, RW, MAP_PRIVATE, &a) || poke(a, 1) ||
		    mm_unmap(s->mm, a, 4 * PAGE_SIZE))
			s->bad++;
		if (round % 8 == s->id) {
			struct mm *child;

			if (!mm_fork(s->mm, &child))
				mm_put(child);
		}
	}
	mm_switch_to(NULL);
	completion_done(&s->done);
}

KTEST(mm_space_storm)
{
	enum { THREADS = 4 };
	static struct storm storm[THREADS];
	struct mm *mm;
	vaddr_t base;

	KREQUIRE(!mm_create(&mm));
	KREQUIRE(!map(mm, 0, 32 * PAGE_SIZE, RW, MAP_PRIVATE, &base));
	for (unsigned i = 0; i < THREADS; i++) {
		storm[i].mm = mm;
		storm[i].base = base;
		storm[i].id = i;
		storm[i].bad = 0;
		completion_init(&storm[i].done);
		KREQUIRE(!kthread_run(storm_run, &storm[i], "mmstorm/%u", i));
	}
	for (unsigned i = 0; i < THREADS; i++) {
		completion_wait(&storm[i].done);
		KEXPECT(!storm[i].bad);
	}
	KEXPECT(mm->nr_areas == 1 && mm_rss(mm, RSS_ANON) == 32);
	mm_put(mm);
}
