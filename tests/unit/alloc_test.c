/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page frames and slabs on the toy machine.
 *
 * link: mm/frames.c mm/slab.c kernel/lib/bitmap.c kernel/lib/seq.c tests/host/isa/toy.c
 */
#include <kernel/debug/fault_inject.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <host.h>
#include <isa/toy.h>
#include "../../mm/mm_internal.h"

/* What the two files need of the rest. */
struct page *page_array;
u32 fault_inject_armed;
unsigned nr_cpus = 1;
struct cpu *cpu_table[CONFIG_NR_CPUS];
static s64 gauges[NR_VM_GAUGES];
static unsigned fail_at;

bool fault_inject_slow(enum inject_kind kind)
{
	return fail_at && !--fail_at;
}

void preempt_schedule(void)
{
}

void spin_wait(struct spinlock *l, u32 ticket)
{
	panic("a lock is held");
}

void may_sleep_failed(const char *file, int line)
{
	panic("%s:%d: may not sleep", file, line);
}

void lock_debug_init(struct lock_debug *d, enum lock_rank rank, const char *name)
{
}

void lock_debug_before(const void *lock, const struct lock_debug *d, u32 subclass)
{
}

void lock_debug_acquired(const void *lock, struct lock_debug *d, u32 subclass, bool exclusive)
{
}

void lock_debug_release(const void *lock, struct lock_debug *d, bool exclusive)
{
}

bool lock_debug_held(const void *lock)
{
	return true;
}

void mutex_lock(struct mutex *m)
{
}

void mutex_unlock(struct mutex *m)
{
}

void smp_call_all(void (*fn)(void *arg), void *arg, bool wait)
{
	fn(arg);
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	fn(head);
}

void rcu_barrier(void)
{
}

void vm_gauge_add(enum vm_gauge gauge, s64 n)
{
	gauges[gauge] += n;
}

void vm_event_add(enum vm_event event, u64 n)
{
}

void reclaim_wake(void)
{
}

bool reclaim_for_alloc(gfp_t gfp, unsigned order, unsigned *attempt)
{
	return false;
}

void log_raw(enum log_level level, const char *fmt, ...)
{
}

void panic(const char *fmt, ...)
{
	host_test_fail(__FILE__, __LINE__, "panic: %s", fmt);
	host_exit(1);
}

#define RAM_FIRST 0x80000ull /* frame */
#define RAM_PAGES 4096ull

static void machine_make(void)
{
	static struct cpu boot;
	static struct page *array;

	if (array)
		return;
	arch_irq_enable();
	toy_init(RAM_PAGES, 4);

	pfn_t first = toy_page_alloc() >> PAGE_SHIFT;
	pfn_t base = ALIGN_DOWN(first, 1ull << MAX_ORDER);

	array = host_alloc((RAM_PAGES + (2ull << MAX_ORDER)) * sizeof(*array));
	memset(array, 0, (RAM_PAGES + (2ull << MAX_ORDER)) * sizeof(*array));
	page_array = array - base;
	cpu_table[0] = &boot;
	frames_init();
	frames_add(first, first + RAM_PAGES);
	frames_set_watermarks(8);
	slab_init();
}

TEST(frames_storm)
{
	enum { N = 200 };
	static struct {
		struct page *page;
		unsigned order;
	} held[N];

	machine_make();

	u64 before = frames_free();

	EXPECT_EQ(before, RAM_PAGES);
	for (unsigned round = 0; round < 20000; round++) {
		size_t i = host_random(N);

		if (held[i].page) {
			u64 *p = page_address(held[i].page);

			EXPECT_EQ(p[0], i);
			EXPECT_EQ(p[(PAGE_SIZE << held[i].order) / 8 - 1], i);
			page_free(held[i].page, held[i].order);
			held[i].page = NULL;
			continue;
		}
		held[i].order = host_random(4) ? 0 : (unsigned)host_random(6);
		held[i].page = pages_alloc(GFP_ATOMIC | __GFP_NOWARN, held[i].order);
		if (held[i].page) {
			u64 *p = page_address(held[i].page);

			EXPECT(IS_ALIGNED(page_to_phys(held[i].page), PAGE_SIZE << held[i].order));
			p[0] = p[(PAGE_SIZE << held[i].order) / 8 - 1] = i;
		}
	}
	for (unsigned i = 0; i < N; i++)
		if (held[i].page)
			page_free(held[i].page, held[i].order);
	frames_drain_local();
	EXPECT_EQ(frames_free(), before);
	/* Everything merged again. */
	EXPECT_EQ(zones[ZONE_DMA32].nr[MAX_ORDER] + zones[ZONE_NORMAL].nr[MAX_ORDER],
		  RAM_PAGES >> MAX_ORDER);
}

TEST(frames_exhausted)
{
	static struct page *all[RAM_PAGES];
	unsigned n = 0;

	machine_make();
	while (n < RAM_PAGES && (all[n] = pages_alloc(GFP_NOWAIT, 0)))
		n++;
	/* What is left is the reserve. */
	EXPECT(n < RAM_PAGES && n > RAM_PAGES - 64);
	EXPECT(!pages_alloc(GFP_NOWAIT, 3));
	while (n--)
		page_put(all[n]);
	frames_drain_local();
	EXPECT_EQ(frames_free(), RAM_PAGES);
}

void page_release(struct page *p)
{
	page_free(p, 0);
}

TEST(slab_storm)
{
	enum { N = 3000 };
	static u64 *held[N];

	machine_make();

	u64 before = frames_free();

	for (unsigned round = 0; round < 60000; round++) {
		size_t i = host_random(N);

		if (held[i]) {
			EXPECT_EQ(held[i][0], i);
			kfree(held[i]);
			held[i] = NULL;
		} else {
			held[i] = kmalloc(8 + host_random(1500), GFP_ATOMIC | __GFP_NOWARN);
			if (held[i])
				held[i][0] = i;
		}
	}
	for (unsigned i = 0; i < N; i++)
		kfree(held[i]);
	slab_shrink_all();
	frames_drain_local();
	/* Magazines stay. */
	EXPECT(frames_free() + 32 >= before);
}

TEST(slab_fails)
{
	struct slab_cache *c;
	u64 before;

	machine_make();
	c = slab_create("thing", 200, 8, SLAB_TYPESAFE_BY_RCU, NULL);
	REQUIRE(c);
	fault_inject_armed = 1u << INJECT_ALLOC;
	for (unsigned n = 1; n < 40; n++) {
		void *obj[60];
		unsigned got = 0;

		slab_shrink_all();
		before = frames_free();
		fail_at = n;
		while (got < 60 && (obj[got] = slab_alloc(c, GFP_ATOMIC | __GFP_NOWARN)))
			got++;
		EXPECT(got == 60 || !fail_at);
		fail_at = 0;
		while (got--)
			slab_free(c, obj[got]);
		slab_shrink_all();
		EXPECT(frames_free() + 8 >= before);
	}
	fault_inject_armed = 0;
	slab_destroy(c);
}
