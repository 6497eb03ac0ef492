/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slab caches, and kmalloc on top of them.
 *
 * A slab is a block of 2^order pages cut into equal objects; its first struct page holds the list
 * of free objects (linked through the objects) and how many are in use.  A cache keeps slabs with
 * free objects on two lists, partial and empty; full slabs are on none and are found again by the
 * address of an object.
 *
 * In front of that each CPU has a magazine per cache: a small stack of free objects, used with
 * interrupts off and no lock.  It is filled and emptied by half, under the cache's lock.  Magazines
 * are made when a CPU first needs them.
 *
 * SLAB_TYPESAFE_BY_RCU: objects are reused at once, but an empty slab's pages go back only after a
 * grace period, and the link of the free list lies behind the object so that readers never see it.
 *
 * Debug builds fill free objects with a pattern and check it, and put a red zone behind each object
 * of a named cache.
 */
#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/fault_inject.h>
#include <kernel/debug/kasan.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/rcu.h>
#include <mm/vmalloc.h>
#include "mm_internal.h"

#define CACHES_MAX       224
#define SLAB_ORDER_MAX   3
#define SLAB_OBJECTS_MIN 8
#define EMPTY_SLABS_KEPT 2
#define POISON_FREE      0x6b
#define REDZONE          0xbbbbbbbbbbbbbbbbull

struct slab_cache {
	struct spinlock lock; /* s, interrupts off */
	const char *name;     /* [I] */
	u32 id;               /* [I] index of its magazines */
	u32 size;             /* [I] what the user asked for */
	u32 stride;           /* [I] from object to object */
	u32 link;             /* [I] where in a free object the list goes on */
	u32 flags;            /* [I] SLAB_* */
	u32 order;            /* [I] */
	u32 per_slab;         /* [I] */
	u32 magazine;         /* [I] objects a magazine holds */
	bool redzone;         /* [I] */
	bool poison;          /* [I] */
	void (*ctor)(void *); /* [I] */
	struct list partial;  /* [s] */
	struct list empty;    /* [s] */
	u32 nr_empty;         /* [s] */
	u64 nr_slabs;         /* [s] */
	u64 nr_out;           /* [s] objects in use or in magazines */
	struct list all;      /* [caches_lock] */
};

struct magazine {
	u32 count, capacity;
	void *object[];
};

static DEFINE_PER_CPU(struct magazine *, magazines[CACHES_MAX]);
static struct slab_cache *caches[CACHES_MAX]; /* [caches_lock] */
static struct mutex caches_lock = MUTEX_INIT(caches_lock, RANK_SLAB_LIST);

/* Sizes of kmalloc; larger requests take whole pages. */
static const u16 kmalloc_sizes[] = {16,  32,  48,  64,  96,   128,  192,
				    256, 384, 512, 768, 1024, 1536, 2048};
#define KMALLOC_SLAB_MAX 2048
static struct slab_cache kmalloc_caches[ARRAY_SIZE(kmalloc_sizes)];
static u8 kmalloc_index[KMALLOC_SLAB_MAX / 16 + 1];

static struct page *object_slab(const void *obj)
{
	struct page *p = virt_to_page(obj);

	/* The later pages of a slab point to the first. */
	return p->objects ? p : p->freelist;
}

static void **object_link(const struct slab_cache *c, void *obj)
{
	return (void **)((char *)obj + c->link);
}

/* --- debug ------------------------------------------------------------------------------------ */

static void object_poison(const struct slab_cache *c, void *obj)
{
	if (c->redzone)
		VERIFY_CMP(*(u64 *)((char *)obj + ALIGN_UP(c->size, 8)), ==, REDZONE);
	if (c->poison)
		memset(obj, POISON_FREE, c->size);
}

static void object_check(const struct slab_cache *c, void *obj)
{
	const char *p = obj;

	/* The link of the free list overwrote the first word. */
	if (c->poison && c->size > 8 && memchr_inv(p + 8, POISON_FREE, c->size - 8))
		panic("%s: object %p was written after it was freed", c->name, obj);
	if (c->redzone)
		*(u64 *)((char *)obj + ALIGN_UP(c->size, 8)) = REDZONE;
}

/* --- slabs; the cache's lock held ------------------------------------------------------------ */

/* A slab gained its first free object, or its last: to the list it belongs on. */
static void slab_relist(struct slab_cache *c, struct page *slab, bool was_full)
{
	if (!slab->inuse) {
		if (!was_full)
			list_unlink_(&slab->slab_list);
		list_push_front(&c->empty, &slab->slab_list);
		WRITE_ONCE(c->nr_empty, c->nr_empty + 1);
	} else if (was_full) {
		list_push_front(&c->partial, &slab->slab_list);
	}
}

static void slab_give(struct slab_cache *c, void *obj)
{
	struct page *slab = object_slab(obj);
	bool was_full = slab->inuse == slab->objects;

	*object_link(c, obj) = slab->freelist;
	slab->freelist = obj;
	slab->inuse--;
	WRITE_ONCE(c->nr_out, c->nr_out - 1);
	if (was_full || !slab->inuse)
		slab_relist(c, slab, was_full);
}

static struct page *slab_with_free(struct slab_cache *c)
{
	if (!list_empty(&c->partial))
		return list_first(&c->partial, struct page, slab_list);
	if (list_empty(&c->empty))
		return NULL;

	struct page *slab = list_first(&c->empty, struct page, slab_list);

	list_unlink_(&slab->slab_list);
	list_push_front(&c->partial, &slab->slab_list);
	WRITE_ONCE(c->nr_empty, c->nr_empty - 1);
	return slab;
}

/* Up to `n` objects.  Returns how many. */
static u32 slab_take(struct slab_cache *c, void **out, u32 n)
{
	u32 got = 0;

	while (got < n) {
		struct page *slab = slab_with_free(c);

		if (!slab)
			break;
		while (got < n && slab->freelist) {
			out[got] = slab->freelist;
			slab->freelist = *object_link(c, out[got]);
			slab->inuse++;
			got++;
		}
		if (!slab->freelist)
			list_unlink_(&slab->slab_list);
	}
	WRITE_ONCE(c->nr_out, c->nr_out + got);
	return got;
}

/* Empty slabs beyond what is kept, unlinked and chained by client[0]. */
static struct page *slab_take_surplus(struct slab_cache *c, u32 keep)
{
	struct page *chain = NULL;

	while (c->nr_empty > keep) {
		struct page *slab = list_last(&c->empty, struct page, slab_list);

		list_unlink_(&slab->slab_list);
		WRITE_ONCE(c->nr_empty, c->nr_empty - 1);
		WRITE_ONCE(c->nr_slabs, c->nr_slabs - 1);
		slab->client[0] = chain;
		chain = slab;
	}
	return chain;
}

/* --- slabs; no lock held ---------------------------------------------------------------------- */

static enum vm_gauge slab_gauge(const struct slab_cache *c)
{
	return c->flags & SLAB_RECLAIMABLE ? VM_NR_SLAB_RECLAIMABLE : VM_NR_SLAB_UNRECLAIMABLE;
}

/* The shadow of a slab's pages still tells of its objects, all free by now. */
static void slab_pages_free(struct page *slab, unsigned order)
{
	kasan_unpoison(page_address(slab), PAGE_SIZE << order);
	page_free(slab, order);
}

static void slab_free_rcu(struct rcu_head *head)
{
	struct page *slab = container_of((void **)head, struct page, rcu[0]);

	slab_pages_free(slab, slab->order);
}

/* Returns pages freed. */
static u64 slabs_release(struct slab_cache *c, struct page *chain)
{
	u64 pages = 0;

	static_assert(sizeof(struct rcu_head) <= sizeof_field(struct page, rcu), "rcu_head grew");
	while (chain) {
		struct page *slab = chain;

		chain = slab->client[0];
		pages += 1ull << c->order;
		slab->order = c->order;
		if (c->flags & SLAB_TYPESAFE_BY_RCU)
			call_rcu((struct rcu_head *)slab->rcu, slab_free_rcu);
		else
			slab_pages_free(slab, c->order);
	}
	if (pages)
		vm_gauge_add(slab_gauge(c), -(s64)pages);
	return pages;
}

static struct page *slab_new(struct slab_cache *c, gfp_t gfp)
{
	struct page *slab =
		pages_alloc(gfp & ~(__GFP_ZERO | __GFP_MOVABLE | __GFP_DMA32), c->order);

	if (!slab)
		return NULL;
	for (u32 i = 0; i < 1u << c->order; i++) {
		page_set(&slab[i], PG_slab);
		slab[i].cache = c;
		slab[i].freelist = slab;
		slab[i].objects = 0;
	}
	slab->objects = c->per_slab;
	slab->inuse = 0;
	slab->freelist = NULL;
	slab->order = c->order;

	char *base = page_address(slab);

	for (u32 i = c->per_slab; i-- > 0;) {
		void *obj = base + (size_t)i * c->stride;

		if (c->redzone)
			*(u64 *)((char *)obj + ALIGN_UP(c->size, 8)) = REDZONE;
		if (c->ctor)
			c->ctor(obj);
		else if (IS_ENABLED(CONFIG_DEBUG))
			object_poison(c, obj);
		*object_link(c, obj) = slab->freelist;
		slab->freelist = obj;
	}
	vm_gauge_add(slab_gauge(c), 1ll << c->order);
	return slab;
}

/* Room for `n` more objects of the cache, if that can be had. */
static bool cache_grow(struct slab_cache *c, gfp_t gfp)
{
	struct page *slab = slab_new(c, gfp);

	if (!slab)
		return false;
	with_spin_irq(&c->lock)
	{
		list_push_front(&c->empty, &slab->slab_list);
		WRITE_ONCE(c->nr_empty, c->nr_empty + 1);
		WRITE_ONCE(c->nr_slabs, c->nr_slabs + 1);
	}
	return true;
}

/* One object without the magazine. */
static void *cache_alloc_direct(struct slab_cache *c, gfp_t gfp)
{
	void *obj;

	for (;;) {
		with_spin_irq(&c->lock) if (slab_take(c, &obj, 1)) return obj;
		if (!cache_grow(c, gfp))
			return NULL;
	}
}

static void cache_free_direct(struct slab_cache *c, void *obj)
{
	struct page *surplus = NULL;

	with_spin_irq(&c->lock)
	{
		slab_give(c, obj);
		if (c->nr_empty > EMPTY_SLABS_KEPT)
			surplus = slab_take_surplus(c, EMPTY_SLABS_KEPT);
	}
	if (surplus)
		slabs_release(c, surplus);
}

/* --- magazines -------------------------------------------------------------------------------- */

static size_t magazine_bytes(const struct slab_cache *c)
{
	return sizeof(struct magazine) + c->magazine * sizeof(void *);
}

static struct slab_cache *kmalloc_cache(size_t size)
{
	return &kmalloc_caches[kmalloc_index[(size + 15) / 16]];
}

/* Give this CPU (whichever it is when done) a magazine for `c`. */
static void magazine_make(struct slab_cache *c)
{
	struct slab_cache *from = kmalloc_cache(magazine_bytes(c));
	struct magazine *m = cache_alloc_direct(from, GFP_NOWAIT);

	if (!m)
		return;
	m->count = 0;
	m->capacity = c->magazine;

	irqflags_t f = arch_irq_save();

	if (!this_cpu(magazines)[c->id]) {
		this_cpu(magazines)[c->id] = m;
		m = NULL;
	}
	arch_irq_restore(f);
	if (m)
		cache_free_direct(from, m);
}

static __noinline void *slab_alloc_slow(struct slab_cache *c, gfp_t gfp)
{
	if (c->flags & SLAB_NOMAGAZINE)
		return cache_alloc_direct(c, gfp);

	for (;;) {
		void *obj = NULL;
		irqflags_t f = arch_irq_save();
		struct magazine *m = this_cpu(magazines)[c->id];

		if (!m) {
			arch_irq_restore(f);
			magazine_make(c);
			return cache_alloc_direct(c, gfp);
		}
		with_spin(&c->lock) m->count +=
			slab_take(c, &m->object[m->count], (m->capacity - m->count + 1) / 2);
		if (m->count)
			obj = m->object[--m->count];
		arch_irq_restore(f);
		if (obj)
			return obj;
		if (!cache_grow(c, gfp))
			return NULL;
	}
}

void *slab_alloc(struct slab_cache *c, gfp_t gfp)
{
	void *obj = NULL;

	if (IS_ENABLED(CONFIG_DEBUG) && fault_inject(INJECT_ALLOC))
		return NULL;

	irqflags_t f = arch_irq_save();
	struct magazine *m = this_cpu(magazines)[c->id];

	if (likely(m && m->count))
		obj = m->object[--m->count];
	arch_irq_restore(f);
	if (unlikely(!obj)) {
		obj = slab_alloc_slow(c, gfp);
		if (!obj)
			return NULL;
	}
	kasan_unpoison(obj, c->size);
	if (IS_ENABLED(CONFIG_DEBUG))
		object_check(c, obj);
	if (gfp & __GFP_ZERO)
		memset(obj, 0, c->size);
	return obj;
}

/* The magazine is full or missing.  Interrupts off, and on again afterwards. */
static __noinline void slab_free_slow(struct slab_cache *c, struct magazine *m, void *obj,
				      irqflags_t f)
{
	struct page *surplus = NULL;

	with_spin(&c->lock)
	{
		if (m) {
			u32 keep = m->capacity / 2;

			while (m->count > keep)
				slab_give(c, m->object[--m->count]);
			m->object[m->count++] = obj;
		} else {
			slab_give(c, obj);
		}
		if (c->nr_empty > EMPTY_SLABS_KEPT)
			surplus = slab_take_surplus(c, EMPTY_SLABS_KEPT);
	}
	arch_irq_restore(f);
	if (surplus)
		slabs_release(c, surplus);
}

void slab_free(struct slab_cache *c, void *obj)
{
	if (unlikely(!obj))
		return;
	if (IS_ENABLED(CONFIG_DEBUG)) {
		VERIFY(object_slab(obj)->cache == c);
		object_poison(c, obj);
	}
	if (!(c->flags & SLAB_TYPESAFE_BY_RCU) && !c->ctor)
		kasan_poison(obj, c->stride, KASAN_SLAB_FREE);

	irqflags_t f = arch_irq_save();
	struct magazine *m = this_cpu(magazines)[c->id];

	if (likely(m && m->count < m->capacity)) {
		m->object[m->count++] = obj;
		arch_irq_restore(f);
	} else {
		slab_free_slow(c, m, obj, f);
	}
}

/* --- caches ----------------------------------------------------------------------------------- */

static u32 magazine_size(u32 stride)
{
	if (stride <= 128)
		return 30;
	if (stride <= 512)
		return 14;
	return stride <= 2048 ? 6 : 2;
}

static void cache_setup(struct slab_cache *c, const char *name, size_t size, size_t align,
			unsigned flags, void (*ctor)(void *))
{
	bool keep = ctor || flags & SLAB_TYPESAFE_BY_RCU;
	size_t stride = max(size, sizeof(void *));

	align = max(align, sizeof(void *));
	if (flags & SLAB_HWALIGN)
		align = max(align, (size_t)CACHE_LINE);
	c->redzone = IS_ENABLED(CONFIG_DEBUG) && strncmp(name, "kmalloc-", 8) != 0;
	c->poison = IS_ENABLED(CONFIG_DEBUG) && !keep;
	c->link = 0;
	if (c->redzone)
		stride = ALIGN_UP(stride, 8) + 8;
	if (keep) {
		c->link = ALIGN_UP(stride, sizeof(void *));
		stride = c->link + sizeof(void *);
	}
	stride = ALIGN_UP(stride, align);

	spin_init(&c->lock, RANK_SLAB, "slab");
	c->name = name;
	c->size = size;
	c->stride = stride;
	c->flags = flags;
	c->ctor = ctor;
	c->order = 0;
	while (c->order < SLAB_ORDER_MAX && (PAGE_SIZE << c->order) / stride < SLAB_OBJECTS_MIN)
		c->order++;
	c->per_slab = (PAGE_SIZE << c->order) / stride;
	c->magazine = magazine_size(stride);
	list_init(&c->partial);
	list_init(&c->empty);
}

/* Locks: caches_lock, or boot. */
static bool cache_enlist(struct slab_cache *c)
{
	for (u32 i = 0; i < CACHES_MAX; i++)
		if (!caches[i]) {
			c->id = i;
			caches[i] = c;
			return true;
		}
	return false;
}

struct slab_cache *slab_create(const char *name, size_t size, size_t align, unsigned flags,
			       void (*ctor)(void *))
{
	struct slab_cache *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	cache_setup(c, name, size, align, flags, ctor);
	VERIFY(c->per_slab > 0);
	guard_mutex(&caches_lock);
	if (!cache_enlist(c)) {
		kfree(c);
		return NULL;
	}
	return c;
}

/* On each CPU: its magazine's objects go back. */
static void magazine_flush(void *arg)
{
	struct slab_cache *c = arg;
	irqflags_t f = arch_irq_save();
	struct magazine *m = this_cpu(magazines)[c->id];

	if (m)
		with_spin(&c->lock) while (m->count) slab_give(c, m->object[--m->count]);
	arch_irq_restore(f);
}

static u64 cache_shrink(struct slab_cache *c)
{
	struct page *surplus = NULL;

	with_spin_irq(&c->lock) surplus = slab_take_surplus(c, 0);
	return slabs_release(c, surplus);
}

void slab_destroy(struct slab_cache *c)
{
	unsigned cpu;

	if (!c)
		return;
	smp_call_all(magazine_flush, c, true);
	with_mutex(&caches_lock)
	{
		for_each_possible_cpu(cpu)
		{
			kfree(per_cpu(magazines, cpu)[c->id]);
			per_cpu(magazines, cpu)[c->id] = NULL;
		}
		caches[c->id] = NULL;
	}
	cache_shrink(c);
	VERIFY(!c->nr_slabs);
	if (c->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	kfree(c);
}

/* Each processor begins with another cache, so that they do not all want the same lock. */
static void magazines_flush(void *arg)
{
	u32 first = cpu_id() * CACHES_MAX / nr_cpus;

	for (u32 i = 0; i < CACHES_MAX; i++) {
		struct slab_cache *c = caches[(first + i) % CACHES_MAX];

		if (c)
			magazine_flush(c);
	}
}

u64 slab_shrink_all(void)
{
	u64 pages = 0;

	/* The table stays as it is for the others too. */
	guard_mutex(&caches_lock);
	smp_call_all(magazines_flush, NULL, true);
	for (u32 i = 0; i < CACHES_MAX; i++)
		if (caches[i])
			pages += cache_shrink(caches[i]);
	return pages;
}

static const char *const kmalloc_names[] = {
	"kmalloc-16",  "kmalloc-32",   "kmalloc-48",   "kmalloc-64",   "kmalloc-96",
	"kmalloc-128", "kmalloc-192",  "kmalloc-256",  "kmalloc-384",  "kmalloc-512",
	"kmalloc-768", "kmalloc-1024", "kmalloc-1536", "kmalloc-2048",
};
static_assert(ARRAY_SIZE(kmalloc_names) == ARRAY_SIZE(kmalloc_sizes), "one name per size");

void slab_init(void)
{
	u32 next = 0;

	for (u32 i = 0; i < ARRAY_SIZE(kmalloc_sizes); i++) {
		u32 size = kmalloc_sizes[i];

		cache_setup(&kmalloc_caches[i], kmalloc_names[i], size, is_pow2(size) ? size : 16,
			    0, NULL);
		cache_enlist(&kmalloc_caches[i]);
		for (; next <= size / 16; next++)
			kmalloc_index[next] = (u8)i;
	}
}

/* --- kmalloc ---------------------------------------------------------------------------------- */

static __noinline void *kmalloc_large(size_t size, gfp_t gfp)
{
	if (size > KMALLOC_MAX)
		return NULL;

	unsigned order = size <= PAGE_SIZE ? 0 : ilog2(size - 1) + 1 - PAGE_SHIFT;
	struct page *p = pages_alloc(gfp & ~__GFP_MOVABLE, order);

	if (!p)
		return NULL;
	page_set(p, PG_large);
	p->order = order;
	vm_gauge_add(VM_NR_SLAB_UNRECLAIMABLE, 1ll << order);
	return page_address(p);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size > KMALLOC_SLAB_MAX))
		return kmalloc_large(size, gfp);
	return slab_alloc(kmalloc_cache(size), gfp);
}

void kfree(const void *ptr)
{
	void *obj = (void *)ptr;

	if (!obj)
		return;

	struct page *p = virt_to_page(obj);

	if (likely(page_test(p, PG_slab))) {
		slab_free(p->cache, obj);
		return;
	}
	VERIFY(page_test(p, PG_large));
	vm_gauge_add(VM_NR_SLAB_UNRECLAIMABLE, -(1ll << p->order));
	slab_pages_free(p, p->order);
}

size_t ksize(const void *ptr)
{
	struct page *p = virt_to_page(ptr);

	return page_test(p, PG_slab) ? p->cache->size : PAGE_SIZE << p->order;
}

void *krealloc(const void *old, size_t size, gfp_t gfp)
{
	if (!old)
		return kmalloc(size, gfp);

	size_t had = ksize(old);

	if (size <= had && size * 2 >= had)
		return (void *)old;

	void *p = kmalloc(size, gfp);

	if (p) {
		memcpy(p, old, min(had, size));
		kfree(old);
	}
	return p;
}

void *kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = kmalloc(len, gfp);

	if (p)
		memcpy(p, src, len);
	return p;
}

char *kstrndup(const char *s, size_t max, gfp_t gfp)
{
	size_t len = strnlen(s, max);
	char *p = kmalloc(len + 1, gfp);

	if (p) {
		memcpy(p, s, len);
		p[len] = 0;
	}
	return p;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return kstrndup(s, SIZE_MAX - 1, gfp);
}

char *kvasprintf(gfp_t gfp, const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);

	int len = vsnprintf(NULL, 0, fmt, args);
	char *p = kmalloc((size_t)len + 1, gfp);

	if (p)
		vsnprintf(p, (size_t)len + 1, fmt, again);
	va_end(again);
	return p;
}

char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);

	char *p = kvasprintf(gfp, fmt, args);

	va_end(args);
	return p;
}

/* --- /proc/slabinfo --------------------------------------------------------------------------- */

static int slabinfo_show(struct seq *s, void *arg)
{
	guard_mutex(&caches_lock);

	seq_puts(s,
		 "slabinfo - version: 2.1\n"
		 "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		 " : tunables <limit> <batchcount> <sharedfactor>"
		 " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (u32 i = 0; i < CACHES_MAX; i++) {
		struct slab_cache *c = caches[i];

		if (c)
			seq_printf(
				s,
				"%-17s %6llu %6llu %6u %4u %4u : tunables %4u %4u %4u : slabdata "
				"%6llu %6llu %6u\n",
				c->name, READ_ONCE(c->nr_out), READ_ONCE(c->nr_slabs) * c->per_slab,
				c->stride, c->per_slab, 1u << c->order, 0u, 0u, 0u,
				READ_ONCE(c->nr_slabs) - READ_ONCE(c->nr_empty),
				READ_ONCE(c->nr_slabs), 0u);
	}
	return 0;
}

EXPORT_PROC("/proc/slabinfo", 0400, slabinfo_show, NULL, NULL);
