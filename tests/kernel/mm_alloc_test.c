/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel memory: page frames, slabs, vmalloc, stacks. */
#include <kernel/debug/fault_inject.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <mm/page.h>
#include <mm/stat.h>
#include <mm/vmalloc.h>

KTEST(mm_pages_orders)
{
	for (unsigned order = 0; order <= 5; order++) {
		struct page *p = pages_alloc(GFP_KERNEL | __GFP_ZERO, order);

		KREQUIRE(p);
		KEXPECT(IS_ALIGNED(page_to_phys(p), PAGE_SIZE << order));
		KEXPECT(!memchr_inv(page_address(p), 0, PAGE_SIZE << order));
		KEXPECT(page_refs(p) == 1 && !page_mapcount(p));
		memset(page_address(p), 0x5a, PAGE_SIZE << order);
		page_free(p, order);
	}
	KEXPECT(!pages_alloc(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER + 1));
}

KTEST(mm_pages_distinct)
{
	enum { N = 500 };
	struct page **pages = kmalloc_array(N, sizeof(*pages), GFP_KERNEL);

	KREQUIRE(pages);
	KREQUIRE(pages_alloc_bulk(GFP_KERNEL, pages, N) == N);
	for (unsigned i = 0; i < N; i++)
		*(u64 *)page_address(pages[i]) = i;
	for (unsigned i = 0; i < N; i++) {
		KEXPECT(*(u64 *)page_address(pages[i]) == i);
		page_put(pages[i]);
	}
	kfree(pages);
}

KTEST(mm_kmalloc_sizes)
{
	for (size_t size = 0; size <= 300000; size = size * 2 + 7) {
		u8 *p = kmalloc(size, GFP_KERNEL), *q = kzalloc(size, GFP_KERNEL);

		KREQUIRE(p && q && p != q);
		KEXPECT(ksize(p) >= size);
		KEXPECT(!size || !memchr_inv(q, 0, size));
		memset(p, 1, size);
		memset(q, 2, size);
		KEXPECT(!size || !memchr_inv(p, 1, size));
		p = krealloc(p, size + 1000, GFP_KERNEL);
		KREQUIRE(p);
		KEXPECT(!size || !memchr_inv(p, 1, size));
		kfree(p);
		kfree(q);
	}
	for (size_t size = 16; size <= 8192; size *= 2) {
		void *p = kmalloc(size, GFP_KERNEL);

		KEXPECT(IS_ALIGNED((vaddr_t)p, min(size, PAGE_SIZE)));
		kfree(p);
	}
	KEXPECT(!kmalloc(KMALLOC_MAX + 1, GFP_KERNEL));
	KEXPECT(!kcalloc(SIZE_MAX / 2, 3, GFP_KERNEL));
	kfree(NULL);
}

static void ctor_fill(void *obj)
{
	memset(obj, 0xc7, 40);
}

KTEST(mm_slab_cache)
{
	enum { N = 1000 };
	struct slab_cache *c = slab_create("ktest", 40, 8, SLAB_TYPESAFE_BY_RCU, ctor_fill);
	void **obj = kmalloc_array(N, sizeof(*obj), GFP_KERNEL);

	KREQUIRE(c && obj);
	for (unsigned i = 0; i < N; i++) {
		obj[i] = slab_alloc(c, GFP_KERNEL);
		KREQUIRE(obj[i]);
		KEXPECT(!memchr_inv(obj[i], 0xc7, 40));
	}
	for (unsigned i = 0; i < N; i++)
		slab_free(c, obj[i]);
	for (unsigned i = 0; i < N; i += 7) {
		obj[i] = slab_alloc(c, GFP_ATOMIC);
		KEXPECT(!memchr_inv(obj[i], 0xc7, 40));
	}
	for (unsigned i = 0; i < N; i += 7)
		slab_free(c, obj[i]);
	kfree(obj);
	slab_destroy(c);
}

struct storm {
	struct completion done;
	unsigned seed;
	u32 bad;
};

static void storm_run(void *arg)
{
	struct storm *s = arg;
	u64 *held[64] = {};
	u64 x = s->seed;

	for (unsigned i = 0; i < 20000; i++) {
		unsigned slot;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		slot = (unsigned)(x >> 58);
		if (held[slot]) {
			if (held[slot][0] != (u64)(uintptr_t)held[slot])
				s->bad++;
			kfree(held[slot]);
			held[slot] = NULL;
		} else {
			held[slot] = kmalloc(8 + (x >> 32) % 3000, GFP_KERNEL);
			if (held[slot])
				held[slot][0] = (u64)(uintptr_t)held[slot];
		}
	}
	for (unsigned i = 0; i < 64; i++)
		kfree(held[i]);
	completion_done(&s->done);
}

KTEST(mm_kmalloc_storm)
{
	enum { THREADS = 4 };
	static struct storm storm[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		completion_init(&storm[i].done);
		storm[i].seed = i + 1;
		storm[i].bad = 0;
		KREQUIRE(!kthread_run(storm_run, &storm[i], "storm/%u", i));
	}
	for (unsigned i = 0; i < THREADS; i++) {
		completion_wait(&storm[i].done);
		KEXPECT(!storm[i].bad);
	}
}

KTEST(mm_vmalloc)
{
	u8 *a = vmalloc(100000), *b = vzalloc(3 * PAGE_SIZE), *c;

	KREQUIRE(a && b);
	KEXPECT(is_vmalloc_addr(a) && is_vmalloc_addr(b) && !is_vmalloc_addr(page_array));
	memset(a, 0x11, 100000);
	KEXPECT(!memchr_inv(b, 0, 3 * PAGE_SIZE));
	KEXPECT(!memchr_inv(a, 0x11, 100000));
	KEXPECT(vmalloc_to_page(b) != vmalloc_to_page(b + PAGE_SIZE));
	c = phys_to_virt(page_to_phys(vmalloc_to_page(b + PAGE_SIZE)));
	b[PAGE_SIZE + 5] = 77;
	KEXPECT(c[5] == 77);
	vfree(a);
	vfree(b);
	for (unsigned i = 0; i < 400; i++) {
		a = vmalloc(PAGE_SIZE * (1 + i % 40));
		KREQUIRE(a);
		*a = (u8)i;
		vfree(a);
	}
	KEXPECT(!vmalloc(0));
	KEXPECT(!vmalloc(1ul << 46));
}

KTEST(mm_vmap)
{
	struct page *pages[3];
	u8 *va;

	KREQUIRE(pages_alloc_bulk(GFP_KERNEL | __GFP_ZERO, pages, 3) == 3);
	va = vmap(pages, 3);
	KREQUIRE(va);
	va[PAGE_SIZE * 2] = 9;
	KEXPECT(*(u8 *)page_address(pages[2]) == 9);
	vunmap(va);
	for (unsigned i = 0; i < 3; i++)
		page_put(pages[i]);
}

KTEST(mm_stacks)
{
	char *s[8];

	for (unsigned i = 0; i < 8; i++) {
		s[i] = stack_alloc();
		KREQUIRE(s[i]);
		s[i][0] = s[i][KSTACK_SIZE - 1] = 1;
		KEXPECT(stack_guard_hit((vaddr_t)s[i] - 1));
		KEXPECT(!stack_guard_hit((vaddr_t)s[i]));
	}
	for (unsigned i = 0; i < 8; i++)
		stack_free(s[i]);
}

KTEST(mm_alloc_fails)
{
	if (!IS_ENABLED(CONFIG_DEBUG))
		return;
	fault_inject_arm(INJECT_ALLOC, 1, 1);

	void *a = kmalloc(64, GFP_KERNEL), *b = vmalloc(8192);
	struct page *p = page_alloc(GFP_KERNEL);

	fault_inject_disarm(INJECT_ALLOC);
	KEXPECT(!a && !b && !p);
}
