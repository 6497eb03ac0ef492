/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the host machine: frames, heap and caches in the hands of the address sanitizer.
 *
 * The physical address of a byte is its address in the program, so that all of the program's memory
 * is RAM in the linear map: virt_to_page() and page_address() work on heap, stack and globals.  The
 * array of struct page is two TiB of address space, of which only what is touched exists.
 *
 * Each heap object is an object of the C library's heap, and each object of a cache too: an
 * overflow or a use after free is reported with both stacks.  Frames come from an arena; after each
 * lies a page nobody may touch, and a free frame is poisoned and used again as late as possible.
 *
 * Objects of a SLAB_TYPESAFE_BY_RCU cache keep their memory for a grace period.
 *
 * An allocation fails when the test says so (host_fail_after, hostfs_fail_every), and frames do
 * when the limit (hostfs_memory) is reached and the real reclaim finds nothing.
 */
#include <kernel/debug/panic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sched/workqueue.h>
#include <mm/alloc_scope.h>
#include <mm/mm_internal.h>
#include <mm/vmalloc.h>
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"

#define ARENA_FRAMES (1u << 17)
#define ADDRESS_BITS 47
#define MAX_LARGE    256u
#define FREE_PATTERN 0x6c
#define OBJECT_HEAD  32u

struct page *page_array;
pfn_t pfn_limit, pfn_first;
u64 ram_total_pages = ARENA_FRAMES;
vaddr_t vmalloc_start, vmalloc_limit;
struct zone zones[NR_ZONES];

static char *arena;
static u32 free_ring[ARENA_FRAMES]; /* oldest first */
static u32 ring_head, ring_count;
static u32 frames_begun; /* frames below this were handed out once */
static void *large[MAX_LARGE]; /* blocks of several pages */
static u64 frames_limit = ARENA_FRAMES, frames_used;
static unsigned fail_every;
static int must_allocate;
static u64 heap_objects;

void hostfs_fail_every(unsigned every)
{
	fail_every = every;
}

void hostfs_must_allocate(bool begin)
{
	must_allocate += begin ? 1 : -1;
}

static bool fail_by_chance(void)
{
	return fail_every && !must_allocate && !machine_random(fail_every);
}

static bool may_allocate(gfp_t gfp)
{
	if (gfp & __GFP_SLEEP)
		assert_may_sleep();
	return !fail_by_chance();
}

/* --- frames ----------------------------------------------------------------------------------- */

static void zones_update(void)
{
	struct zone *z = &zones[ZONE_NORMAL];

	z->managed = frames_limit;
	z->free = frames_limit > frames_used ? frames_limit - frames_used : 0;
	z->min = frames_limit / 128;
	z->low = z->min + z->min / 4;
	z->high = z->min + z->min / 2;
}

void hostfs_memory(u64 pages)
{
	frames_limit = pages ? frames_used + pages : ARENA_FRAMES;
	zones_update();
}

u64 hostfs_frames_used(void)
{
	return frames_used;
}

static void *frame_address(u32 n)
{
	return arena + (u64)n * 2 * PAGE_SIZE;
}

static void *frame_take(void)
{
	void *p;

	if (frames_begun < ARENA_FRAMES && ring_count < ARENA_FRAMES / 4) {
		p = frame_address(frames_begun++);
		/* Where swap's clock hand goes round: the frames ever used, and the pages between
		 * them. */
		pfn_limit = pfn_first + 2 * frames_begun;
		host_poison((char *)p + PAGE_SIZE, PAGE_SIZE);
		return p;
	}
	if (!ring_count)
		return NULL;
	p = frame_address(free_ring[ring_head]);
	ring_head = (ring_head + 1) % ARENA_FRAMES;
	ring_count--;
	host_unpoison(p, PAGE_SIZE);
	return p;
}

static void frame_give(void *p)
{
	u32 n = (u32)(((char *)p - arena) / (2 * PAGE_SIZE));

	host_poison(p, PAGE_SIZE);
	free_ring[(ring_head + ring_count++) % ARENA_FRAMES] = n;
}

static bool in_arena(const void *p)
{
	return (const char *)p >= arena &&
	       (const char *)p < arena + (u64)ARENA_FRAMES * 2 * PAGE_SIZE;
}

static void *large_take(unsigned order)
{
	void *p = host_alloc_aligned(PAGE_SIZE << order, PAGE_SIZE << order);
	unsigned i = 0;

	while (p && large[i])
		if (++i == MAX_LARGE)
			panic("more than %u large blocks", MAX_LARGE);
	large[i] = p;
	return p;
}

static void large_give(void *p)
{
	for (unsigned i = 0; i < MAX_LARGE; i++) {
		if (large[i] == p) {
			large[i] = NULL;
			host_free(p);
			return;
		}
	}
	panic("page %p freed but nobody's", p);
}

/* The host's failure injection counts frames as well. */
static bool injected(void)
{
	void *probe = host_alloc(1);

	host_free(probe);
	return !probe;
}

static bool room_for(gfp_t gfp, unsigned order)
{
	bool reclaiming = thread_current()->alloc_flags & ALLOC_RECLAIMING;
	u64 reserve = gfp & __GFP_HIGH || reclaiming ? 0 : zones[ZONE_NORMAL].min;

	return frames_used + (1ull << order) + reserve <= frames_limit;
}

static bool make_room(gfp_t gfp, unsigned order)
{
	if (room_for(gfp, order))
		return true;
	reclaim_wake();
	for (unsigned attempt = 0; gfp & __GFP_SLEEP; attempt++) {
		if (!reclaim_for_alloc(gfp, order, &attempt))
			return false;
		if (room_for(gfp, order))
			return true;
	}
	return false;
}

struct page *pages_alloc(gfp_t gfp, unsigned order)
{
	struct page *p;
	void *va;

	if (!may_allocate(gfp) || injected() || order > MAX_ORDER || !make_room(gfp, order))
		return NULL;
	va = order ? large_take(order) : frame_take();
	if (!va)
		return NULL;
	frames_used += 1ull << order;
	zones_update();
	p = virt_to_page(va);
	for (unsigned i = 0; i < 1u << order; i++)
		p[i] = (struct page){ .counts = PAGE_COUNT_REF };
	memset(va, gfp & __GFP_ZERO ? 0 : 0xa5, PAGE_SIZE << order);
	return p;
}

unsigned pages_alloc_bulk(gfp_t gfp, struct page **out, unsigned n)
{
	unsigned got = 0;

	while (got < n && (out[got] = page_alloc(gfp)))
		got++;
	return got;
}

void page_free(struct page *p, unsigned order)
{
	void *va = page_address(p);

	for (unsigned i = 0; i < 1u << order; i++)
		p[i] = (struct page){ 0 };
	if (in_arena(va)) {
		memset(va, FREE_PATTERN, PAGE_SIZE);
		frame_give(va);
	} else {
		large_give(va);
	}
	frames_used -= 1ull << order;
	zones_update();
}

bool pfn_is_ram(pfn_t pfn)
{
	return pfn < 1ull << (ADDRESS_BITS - PAGE_SHIFT);
}

u64 frames_free(void)
{
	return zones[ZONE_NORMAL].free;
}

u64 frames_managed(void)
{
	return zones[ZONE_NORMAL].managed;
}

u64 frames_watermark_high(void)
{
	return zones[ZONE_NORMAL].high;
}

bool frames_low(void)
{
	return zones[ZONE_NORMAL].free < zones[ZONE_NORMAL].low;
}

void frames_drain_all(void)
{
}

void frames_set_watermarks(u64 min_pages)
{
}

void vmalloc_init(void)
{
}

/* Nobody to kill; but what is being written may end soon. */
bool oom_kill(gfp_t gfp, unsigned order)
{
	static u64 last_used;
	static unsigned in_vain;

	if (frames_used < last_used)
		in_vain = 0;
	last_used = frames_used;
	if (in_vain++ > 100)
		return false;
	sleep_ns(10000000);
	return true;
}

/* --- heap ------------------------------------------------------------------------------------- */

static size_t natural_alignment(size_t size)
{
	if (size && size <= PAGE_SIZE && !(size & (size - 1)))
		return size;
	return size > PAGE_SIZE ? PAGE_SIZE : 16;
}

static void *heap_alloc(size_t align, size_t size, gfp_t gfp)
{
	void *p;

	if (!may_allocate(gfp))
		return NULL;
	p = host_alloc_aligned(align, size);
	if (!p)
		return NULL;
	heap_objects++;
	if (gfp & __GFP_ZERO)
		memset(p, 0, size);
	return p;
}

void *kmalloc(size_t size, gfp_t gfp)
{
	return size > KMALLOC_MAX ? NULL : heap_alloc(natural_alignment(size), size, gfp);
}

void kfree(const void *p)
{
	if (!p)
		return;
	heap_objects--;
	host_free((void *)p);
}

size_t ksize(const void *p)
{
	return host_alloc_size(p);
}

void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	void *q = kmalloc(size, gfp);

	if (q && p) {
		memcpy(q, p, min(size, ksize(p)));
		kfree(p);
	}
	return q;
}

void *kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = kmalloc(len, gfp);

	return p ? memcpy(p, src, len) : NULL;
}

char *kstrndup(const char *s, size_t max, gfp_t gfp)
{
	size_t len = strnlen(s, max);
	char *p = kmalloc(len + 1, gfp);

	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = 0;
	return p;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return kstrndup(s, SIZE_MAX - 1, gfp);
}

char *kvasprintf(gfp_t gfp, const char *fmt, va_list args)
{
	va_list again;
	size_t len;
	char *p;

	va_copy(again, args);
	len = (size_t)vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	p = kmalloc(len + 1, gfp);
	if (p)
		vsnprintf(p, len + 1, fmt, args);
	return p;
}

char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list args;
	char *p;

	va_start(args, fmt);
	p = kvasprintf(gfp, fmt, args);
	va_end(args);
	return p;
}

void *vmalloc(size_t size)
{
	return heap_alloc(PAGE_SIZE, size, GFP_KERNEL);
}

void *vzalloc(size_t size)
{
	return heap_alloc(PAGE_SIZE, size, GFP_KERNEL | __GFP_ZERO);
}

void vfree(const void *p)
{
	kfree(p);
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	return heap_alloc(natural_alignment(size), size, gfp);
}

void kvfree(const void *p)
{
	kfree(p);
}

/* --- caches ----------------------------------------------------------------------------------- */

struct slab_cache {
	struct list link;
	const char *name;
	size_t size, align;
	unsigned flags;
	void (*ctor)(void *obj);
	u64 live;
};

/* Lies before each object of a cache. */
struct object_head {
	struct slab_cache *cache;
	struct rcu_head rcu;
};

static_assert(sizeof(struct object_head) <= OBJECT_HEAD, "OBJECT_HEAD is too small");

static struct list caches = LIST_INIT(caches);

struct slab_cache *slab_create(const char *name, size_t size, size_t align, unsigned flags,
			       void (*ctor)(void *obj))
{
	struct slab_cache *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	c->name = name;
	c->size = size;
	c->align = max(align, (size_t)(flags & SLAB_HWALIGN ? CACHE_LINE : 16));
	c->flags = flags;
	c->ctor = ctor;
	list_push_back(&caches, &c->link);
	return c;
}

static size_t head_size(const struct slab_cache *c)
{
	return max((size_t)OBJECT_HEAD, c->align);
}

static struct object_head *head_of(void *obj)
{
	return (struct object_head *)((char *)obj - OBJECT_HEAD);
}

void *slab_alloc(struct slab_cache *c, gfp_t gfp)
{
	char *block = heap_alloc(c->align, head_size(c) + c->size, gfp);
	void *obj;

	if (!block)
		return NULL;
	obj = block + head_size(c);
	head_of(obj)->cache = c;
	if (c->ctor)
		c->ctor(obj);
	c->live++;
	return obj;
}

static void object_free(struct rcu_head *rcu)
{
	struct object_head *h = container_of(rcu, struct object_head, rcu);

	kfree((char *)h + OBJECT_HEAD - head_size(h->cache));
}

void slab_free(struct slab_cache *c, void *obj)
{
	if (!obj)
		return;
	if (head_of(obj)->cache != c)
		panic("object %p freed to cache %s is not of it", obj, c->name);
	c->live--;
	if (c->flags & SLAB_TYPESAFE_BY_RCU)
		call_rcu(&head_of(obj)->rcu, object_free);
	else
		object_free(&head_of(obj)->rcu);
}

void slab_destroy(struct slab_cache *c)
{
	if (c->live)
		panic("cache %s destroyed with %llu objects", c->name, c->live);
	if (c->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	list_remove(&c->link);
	kfree(c);
}

u64 slab_shrink_all(void)
{
	return 0;
}

/* --- what is in use --------------------------------------------------------------------------- */

/* Without page tables, of which mm keeps some for next time. */
struct hostfs_usage hostfs_usage(void)
{
	return (struct hostfs_usage){
		/* A worker that a pool took on and keeps is two: itself and its thread. */
		.objects = heap_objects - 2 * workqueue_workers(),
		.frames = frames_used - vm_gauge_read(VM_NR_PAGETABLE),
	};
}

void hostfs_print_usage(void)
{
	struct slab_cache *c;

	host_print("# %llu heap objects, %llu frames\n", heap_objects, frames_used);
	list_for_each (c, &caches, link)
		if (c->live)
			host_print("#   %llu of %s\n", c->live, c->name);
}

void memory_boot(void)
{
	page_array = host_reserve((1ull << (ADDRESS_BITS - PAGE_SHIFT)) * sizeof(struct page));
	arena = host_reserve((u64)ARENA_FRAMES * 2 * PAGE_SIZE);
	toy_physmap = 0;
	pfn_first = virt_to_phys(arena) >> PAGE_SHIFT;
	pfn_limit = pfn_first + 1;
	host_leak_root(virt_to_page(arena), (u64)ARENA_FRAMES * 2 * sizeof(struct page));
	for (unsigned i = 0; i < NR_ZONES; i++)
		spin_init(&zones[i].lock, RANK_ZONE, "zone");
	zones_update();
}
