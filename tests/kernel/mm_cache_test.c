/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page cache over an object that computes its content, and shared memory. */
#include <kernel/abi/mman.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/shmem.h>
#include <mm/space.h>
#include <mm/stat.h>
#include <mm/usercopy.h>

struct object {
	struct mapping mapping;
	loff_t size;
	u32 reads, writes; /* [a] */
	u32 fail;
};

static struct object *object_of(const struct mapping *m)
{
	return container_of(m, struct object, mapping);
}

static loff_t object_size(const struct mapping *m)
{
	return object_of(m)->size;
}

static int object_read(struct file *file, struct folio *f)
{
	struct object *o = object_of(folio_mapping(f));
	u64 *words = folio_address(f);

	atomic_inc(&o->reads);
	if (o->fail) {
		folio_set(f, PG_error);
	} else {
		for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
			words[i] = f->page.index << 12 | i;
		folio_set(f, PG_uptodate);
	}
	folio_unlock(f);
	return 0;
}

static int object_write_end(struct mapping *m, loff_t pos, size_t len, size_t copied,
			    struct folio *f, void *fsdata)
{
	if (copied == PAGE_SIZE)
		folio_set(f, PG_uptodate);
	folio_mark_dirty(f);
	if (pos + (loff_t)copied > object_of(m)->size)
		object_of(m)->size = pos + (loff_t)copied;
	folio_unlock(f);
	folio_put(f);
	return (int)copied;
}

static int object_writepage(struct mapping *m, struct folio *f, bool sync)
{
	atomic_inc(&object_of(m)->writes);
	folio_start_writeback(f);
	folio_unlock(f);
	folio_end_writeback(f);
	return 0;
}

static const struct mapping_ops object_ops = {
	.read_folio = object_read,
	.write_begin = cache_write_begin,
	.write_end = object_write_end,
	.writepage = object_writepage,
};

static struct object object;

static struct object *object_make(loff_t size)
{
	mapping_init(&object.mapping, &object_ops, NULL, object_size);
	object.size = size;
	object.reads = object.writes = object.fail = 0;
	return &object;
}

static ssize_t object_io(struct object *o, enum iter_dir dir, void *buf, size_t n, loff_t pos)
{
	struct iov_iter it;

	iov_iter_kernel(&it, dir, buf, n);
	return dir == ITER_DEST ? cache_read_iter(NULL, &o->mapping, &it, &pos, o->size)
				: cache_write_iter(NULL, &o->mapping, &it, &pos);
}

KTEST(mm_cache_read_write)
{
	struct object *o = object_make(10 * PAGE_SIZE + 100);
	static u64 w[600];

	KEXPECT(object_io(o, ITER_DEST, w, sizeof(w), 3 * PAGE_SIZE) == sizeof(w));
	KEXPECT(w[0] == 3 << 12 && w[511] == (3 << 12 | 511) && w[512] == 4 << 12);
	KEXPECT(o->reads == 2);
	KEXPECT(object_io(o, ITER_DEST, w, sizeof(w), 10 * PAGE_SIZE) == 100);
	KEXPECT(object_io(o, ITER_DEST, w, sizeof(w), 11 * PAGE_SIZE) == 0);
	memset(w, 0xaa, sizeof(w));
	KEXPECT(object_io(o, ITER_SOURCE, w, 4500, 3 * PAGE_SIZE + 8) == 4500);
	KEXPECT(xa_marked(&o->mapping.pages, MAPPING_DIRTY));
	KEXPECT(object_io(o, ITER_DEST, w, 16, 3 * PAGE_SIZE) == 16);
	KEXPECT(w[0] == 3 << 12 && w[1] == 0xaaaaaaaaaaaaaaaaull);
	KEXPECT(!cache_write_range(&o->mapping, 0, S64_MAX, true));
	KEXPECT(o->writes == 2 && !xa_marked(&o->mapping.pages, MAPPING_DIRTY));
	/* Past the end. */
	KEXPECT(object_io(o, ITER_SOURCE, w, 8, 20 * PAGE_SIZE) == 8);
	KEXPECT(o->size == 20 * (loff_t)PAGE_SIZE + 8);
	o->size = 3 * PAGE_SIZE + 16;
	cache_truncate(&o->mapping, o->size);
	KEXPECT(o->mapping.nr_pages == 1);
	o->size = 4 * PAGE_SIZE;
	KEXPECT(object_io(o, ITER_DEST, w, 32, 3 * PAGE_SIZE) == 32);
	KEXPECT(w[1] == 0xaaaaaaaaaaaaaaaaull && w[2] == 0);
	mapping_fini(&o->mapping);
	KEXPECT(!o->mapping.nr_pages);
}

KTEST(mm_cache_read_error)
{
	struct object *o = object_make(10 * PAGE_SIZE);
	u64 w;

	o->fail = 1;
	KEXPECT(object_io(o, ITER_DEST, &w, 8, 0) == -EIO);
	o->fail = 0;
	KEXPECT(object_io(o, ITER_DEST, &w, 8, 0) == 8);
	mapping_fini(&o->mapping);
}

static int map_object(struct mm *mm, struct object *o, int prot, u32 flags, size_t len,
		      vaddr_t *out)
{
	struct mmap_request r = {
		.len = len,
		.prot = prot,
		.flags = flags,
		.mapping = &o->mapping,
		.ops = &cache_vma_ops,
		.as_limit = ~0ull,
		.data_limit = ~0ull,
		.memlock_limit = ~0ull,
	};

	return mm_map(mm, &r, out);
}

static u64 peek(vaddr_t a)
{
	u64 v;

	return get_user(v, (u64 __user *)a) ? ~0ull : v;
}

KTEST(mm_cache_mmap)
{
	struct object *o = object_make(40 * PAGE_SIZE);
	struct mm *mm, *child;
	vaddr_t a, b;
	u64 w;

	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	KREQUIRE(!map_object(mm, o, PROT_READ | PROT_WRITE, MAP_SHARED, 50 * PAGE_SIZE, &a));
	KREQUIRE(!map_object(mm, o, PROT_READ | PROT_WRITE, MAP_PRIVATE, 40 * PAGE_SIZE, &b));
	for (u64 i = 0; i < 40; i++)
		KEXPECT(peek(a + i * PAGE_SIZE + 8) == (i << 12 | 1));
	/* Beyond the end: SIGBUS. */
	KEXPECT(peek(a + 40 * PAGE_SIZE) == ~0ull);
	/* Pages around come with the first. */
	KEXPECT(peek(b) == 0 && mm_rss(mm, RSS_FILE) > 41);
	/* A private write stays private, a shared one does not. */
	KEXPECT(!put_user(77ull, (u64 __user *)b));
	KEXPECT(peek(a) == 0 && peek(b) == 77);
	KEXPECT(!put_user(88ull, (u64 __user *)(a + PAGE_SIZE)));
	KEXPECT(peek(b + PAGE_SIZE) == 88);
	KEXPECT(object_io(o, ITER_DEST, &w, 8, PAGE_SIZE) == 8 && w == 88);
	/* Written back, written again: noticed again. */
	KEXPECT(!cache_write_range(&o->mapping, 0, S64_MAX, true) && o->writes == 1);
	KEXPECT(!put_user(99ull, (u64 __user *)(a + PAGE_SIZE)));
	KEXPECT(xa_marked(&o->mapping.pages, MAPPING_DIRTY));
	KREQUIRE(!mm_fork(mm, &child));
	KEXPECT(mm_access(child, b, &w, 8, false, 0) == 8 && w == 77);
	KEXPECT(mm_access(child, a + PAGE_SIZE, &w, 8, false, 0) == 8 && w == 99);
	mm_put(child);
	/* Cut off: gone from both, private copies too. */
	o->size = 0;
	cache_truncate(&o->mapping, 0);
	KEXPECT(peek(a) == ~0ull && peek(b) == ~0ull);
	KEXPECT(mm_rss_total(mm) == 0);
	mm_switch_to(NULL);
	mapping_fini(&o->mapping);
}

/* More file than memory: reclaim must keep up, and mapped pages must go too. */
KTEST(mm_cache_reclaim)
{
	struct mem_info m;
	struct object *o;
	struct mm *mm;
	vaddr_t a;
	u64 pages, wrong = 0;

	mm_stat(&m);
	pages = m.free + m.free / 4;
	if (pages > 200000)
		return;
	o = object_make((loff_t)(pages << PAGE_SHIFT));
	KREQUIRE(!mm_create(&mm));
	mm_switch_to(mm);
	KREQUIRE(!map_object(mm, o, PROT_READ, MAP_SHARED, pages << PAGE_SHIFT, &a));
	for (u64 i = 0; i < pages; i++) {
		u64 w = ~0ull;

		if (i % 2)
			wrong += object_io(o, ITER_DEST, &w, 8, (loff_t)(i << PAGE_SHIFT)) != 8;
		else
			w = peek(a + (i << PAGE_SHIFT));
		wrong += w != i << 12;
	}
	KEXPECT(!wrong);
	KEXPECT(o->mapping.nr_pages < pages);
	mm_switch_to(NULL);
	mapping_fini(&o->mapping);
}

KTEST(mm_shmem_file)
{
	static struct shmem s;
	struct iov_iter it;
	loff_t pos = 5 * PAGE_SIZE - 4;
	u8 buf[64], in[64];

	shmem_init(&s, NULL, NULL);
	memset(in, 0x3c, sizeof(in));
	iov_iter_kernel(&it, ITER_SOURCE, in, sizeof(in));
	KEXPECT(shmem_write_iter(&s, &it, &pos) == sizeof(in));
	KEXPECT(s.size == 5 * PAGE_SIZE + 60 && s.allocated == 2);
	pos = 5 * PAGE_SIZE - 8;
	iov_iter_kernel(&it, ITER_DEST, buf, sizeof(buf));
	KEXPECT(shmem_read_iter(&s, &it, &pos) == sizeof(buf));
	KEXPECT(!memchr_inv(buf, 0, 4) && !memchr_inv(buf + 4, 0x3c, 60));
	KEXPECT(shmem_seek(&s, 0, true) == 4 * (loff_t)PAGE_SIZE);
	KEXPECT(shmem_seek(&s, 4 * PAGE_SIZE, false) == 5 * (loff_t)PAGE_SIZE + 60);
	KEXPECT(!shmem_fallocate(&s, 3, 4 * PAGE_SIZE, PAGE_SIZE) && s.allocated == 1);
	KEXPECT(shmem_add_seals(&s, SHMEM_SEAL_GROW) == -EPERM);
	s.seals = 0;
	KEXPECT(!shmem_add_seals(&s, SHMEM_SEAL_SHRINK | SHMEM_SEAL_GROW));
	KEXPECT(shmem_truncate(&s, 0) == -EPERM && shmem_truncate(&s, 1 << 20) == -EPERM);
	shmem_fini(&s);
	KEXPECT(!s.allocated);
}
