/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Read-ahead: which requests reach the file system, beside those that Linux makes. */
#include <fs/vfs/file.h>
#include <kernel/debug/ktest.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/page.h>

#define MAX 64

static struct {
	struct mapping mapping;
	u64 pages;
	u32 single; /* read_folio, without read-ahead */
	u32 n;
	struct {
		u64 index;
		u32 nr;
	} asked[MAX];
} object;

static struct file file;

static loff_t object_size(const struct mapping *m)
{
	return (loff_t)(object.pages << PAGE_SHIFT);
}

static int object_read(struct file *f, struct folio *folio)
{
	object.single++;
	folio_set(folio, PG_uptodate);
	folio_unlock(folio);
	return 0;
}

static void object_readahead(struct file *f, struct mapping *m, u64 index, unsigned nr)
{
	if (object.n < MAX) {
		object.asked[object.n].index = index;
		object.asked[object.n].nr = nr;
	}
	object.n++;
	for (u64 i = index; i < index + nr; i++) {
		struct folio *folio = folio_alloc(GFP_USER);

		if (!folio)
			return;
		folio_set(folio, PG_locked);
		if (!cache_add(m, folio, i))
			folio_set(folio, PG_uptodate);
		folio_unlock(folio);
		folio_put(folio);
	}
}

static const struct mapping_ops object_ops = {.read_folio = object_read,
					      .readahead = object_readahead};

static void object_make(u64 pages)
{
	mapping_init(&object.mapping, &object_ops, NULL, object_size);
	object.pages = pages;
	object.single = object.n = 0;
	file.ra = (struct file_ra){};
}

static void read_at(loff_t pos, size_t n)
{
	u8 *buf = vmalloc(n);
	struct iov_iter it;

	KEXPECT(buf != NULL);
	if (!buf)
		return;
	iov_iter_kernel(&it, ITER_DEST, buf, n);
	KEXPECT(cache_read_iter(&file, &object.mapping, &it, &pos, object_size(NULL)) ==
		(ssize_t)n);
	vfree(buf);
	file.ra.prev = ((u64)pos - 1) / PAGE_SIZE;
}

static bool asked(u32 i, u64 index, u32 nr)
{
	return object.asked[i].index == index && object.asked[i].nr == nr;
}

KTEST(readahead_sequential)
{
	object_make(256);
	for (u64 i = 0; i < 256; i++)
		read_at((loff_t)(i << PAGE_SHIFT), PAGE_SIZE);
	KEXPECT(asked(0, 0, 4) && asked(1, 4, 8) && asked(2, 12, 16));
	for (u32 i = 0; i < 7; i++)
		KEXPECT(asked(3 + i, 28 + 32 * i, 32));
	KEXPECT(asked(10, 252, 4) && object.n == 11 && !object.single);
	mapping_fini(&object.mapping);

	object_make(256);
	for (u64 i = 0; i < 8; i++)
		read_at((loff_t)(i * 32 << PAGE_SHIFT), 32 * PAGE_SIZE);
	for (u32 i = 0; i < 8; i++)
		KEXPECT(asked(i, 32 * i, 32));
	KEXPECT(object.n == 8 && !object.single);
	mapping_fini(&object.mapping);
}

KTEST(readahead_random)
{
	object_make(1000);
	for (u64 i = 1; i < 10; i++)
		read_at((loff_t)(i * 7919 % 1000 << PAGE_SHIFT), 2 * PAGE_SIZE);
	for (u32 i = 0; i < 9; i++)
		KEXPECT(asked(i, (i + 1) * 7919 % 1000, 2));
	KEXPECT(object.n == 9);
	/* Told so: even what looks sequential. */
	file.ra.mode = READAHEAD_RANDOM;
	read_at(0, PAGE_SIZE);
	read_at(PAGE_SIZE, PAGE_SIZE);
	KEXPECT(object.n == 11 && asked(9, 0, 1) && asked(10, 1, 1));
	mapping_fini(&object.mapping);
}

/* Two readers of one open file, each sequential. */
KTEST(readahead_interleaved)
{
	object_make(1000);
	for (u64 i = 0; i < 128; i++) {
		read_at((loff_t)(i << PAGE_SHIFT), PAGE_SIZE);
		read_at((loff_t)((i + 500) << PAGE_SHIFT), PAGE_SIZE);
	}
	KEXPECT(object.n < 40 && !object.single);
	mapping_fini(&object.mapping);
}

/* Who reads more than a window at once has one request for it, as large as the device takes. */
KTEST(readahead_large)
{
	static struct readahead_limits limits = {.request = 2560};

	object_make(256);
	object.mapping.readahead = &limits;
	for (u64 i = 0; i < 4; i++)
		read_at((loff_t)(i * 64 << PAGE_SHIFT), 64 * PAGE_SIZE);
	for (u32 i = 0; i < 4; i++)
		KEXPECT(asked(i, 64 * i, 64));
	KEXPECT(object.n == 4 && !object.single);
	mapping_fini(&object.mapping);
}

KTEST(readahead_limits)
{
	static struct readahead_limits limits = {.window = 64};

	object_make(100);
	object.mapping.readahead = &limits;
	for (u64 i = 0; i < 32; i++)
		read_at((loff_t)(i << PAGE_SHIFT), PAGE_SIZE);
	for (u32 i = 1; i < object.n; i++)
		KEXPECT(object.asked[i].nr <= 8);
	limits.window = 1; /* less than a page: none */
	object.n = 0;
	read_at(60 << PAGE_SHIFT, PAGE_SIZE);
	KEXPECT(object.n == 1 && asked(0, 60, 1));
	mapping_fini(&object.mapping);
}
