/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM disks: /dev/ram0 and on, whose sectors are pages allocated when they are first written.
 * Linux: Documentation/admin-guide/blockdev/ramdisk.rst
 *
 * A table of leaves, each a page of page pointers; both appear by compare-and-swap and without
 * lock. A page goes only by discard, a grace period after it was taken out, and copies run inside
 * RCU sections, so they never touch a page that is gone.
 *
 * ramdisk_size= (KiB) is the size of each, brd.rd_nr= how many there are.
 */
#define LOG_PREFIX "ram: "
#include <fs/block/block.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/device/bus_scan.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sync/rcu.h>
#include <mm/page.h>

#define RAM_MAJOR   1
#define LEAF        (PAGE_SIZE / sizeof(struct page *))
#define DEFAULT_KIB 65536ull
#define DEFAULT_NR  16ull
#define DROP_BATCH  64u

struct leaf {
	struct page *pages[LEAF]; /* [a, R] */
};

struct ram_disk {
	struct disk *disk;     /* [I] */
	u64 nr_leaves;         /* [I] */
	struct leaf *leaves[]; /* [a] never freed */
};

static struct page **slot_find(struct ram_disk *r, u64 index)
{
	struct leaf *l = rcu_dereference(r->leaves[index / LEAF]);

	return l ? &l->pages[index % LEAF] : NULL;
}

/* The slot, its leaf made if need be; NULL: no memory. */
static struct page **slot_make(struct ram_disk *r, u64 index)
{
	uintptr_t *at = (uintptr_t *)&r->leaves[index / LEAF], none = 0;
	struct leaf *fresh;

	if (!atomic_load(at)) {
		fresh = kzalloc(sizeof(*fresh), GFP_NOFS);
		if (!fresh)
			return NULL;
		if (!atomic_cmpxchg(at, &none, (uintptr_t)fresh))
			kfree(fresh);
	}
	return slot_find(r, index);
}

/* Make sure there is a page to write to.  Returns 0 or -ENOMEM.  Context: may sleep. */
static int page_make(struct page **slot)
{
	uintptr_t *at = (uintptr_t *)slot, none = 0;
	struct page *fresh;

	if (atomic_load(at))
		return 0;
	fresh = page_alloc(GFP_NOFS | __GFP_ZERO);
	if (!fresh)
		return -ENOMEM;
	if (!atomic_cmpxchg(at, &none, (uintptr_t)fresh))
		page_put(fresh);
	return 0;
}

/* Within one page of the disk. */
static void copy_out(struct ram_disk *r, u64 pos, void *to, size_t n)
{
	struct page **slot, *p;

	guard_rcu();
	slot = slot_find(r, pos >> PAGE_SHIFT);
	p = slot ? rcu_dereference(*slot) : NULL;
	if (p)
		memcpy(to, (char *)page_address(p) + (pos & (PAGE_SIZE - 1)), n);
	else
		memset(to, 0, n);
}

static int copy_in(struct ram_disk *r, u64 pos, const void *from, size_t n)
{
	struct page **slot = slot_make(r, pos >> PAGE_SHIFT), *p;

	if (!slot)
		return -ENOMEM;
	for (;;) {
		int err = page_make(slot);

		if (err)
			return err;
		guard_rcu();
		p = rcu_dereference(*slot);
		if (!p)
			continue; /* discarded meanwhile */
		memcpy((char *)page_address(p) + (pos & (PAGE_SIZE - 1)), from, n);
		return 0;
	}
}

static int copy_piece(struct ram_disk *r, bool write, u64 pos, char *buf, size_t len)
{
	int err = 0;

	while (len && !err) {
		size_t n = min(len, PAGE_SIZE - (size_t)(pos & (PAGE_SIZE - 1)));

		if (write)
			err = copy_in(r, pos, buf, n);
		else
			copy_out(r, pos, buf, n);
		pos += n;
		buf += n;
		len -= n;
	}
	return err;
}

static int transfer(struct ram_disk *r, const struct bio *bio)
{
	u64 pos = bio->sector << SECTOR_SHIFT;
	struct bio_iter it = {};
	struct bio_vec v;
	int err = 0;

	while (!err && bio_piece_next(bio, &it, &v)) {
		err = copy_piece(r, bio->op == BIO_WRITE, pos,
				 (char *)page_address(v.page) + v.offset, v.len);
		pos += v.len;
	}
	return err;
}

/* Whole pages of the range go; what a page holds besides stays. */
static void discard(struct ram_disk *r, const struct bio *bio)
{
	u64 first = ((bio->sector << SECTOR_SHIFT) + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u64 end = ((bio->sector << SECTOR_SHIFT) + bio->size) >> PAGE_SHIFT;
	struct page *gone[DROP_BATCH];
	unsigned n = 0;

	for (u64 i = first; i < end; i++) {
		struct page **slot = slot_find(r, i);
		uintptr_t p = slot ? atomic_xchg((uintptr_t *)slot, (uintptr_t)0) : 0;

		if (p)
			gone[n++] = (struct page *)p;
		if (n == DROP_BATCH || (n && i + 1 == end)) {
			synchronize_rcu();
			while (n)
				page_put(gone[--n]);
		}
	}
}

static void ram_submit(struct disk *disk, struct bio *bio)
{
	struct ram_disk *r = disk_private(disk);
	int err = 0;

	switch (bio->op) {
	case BIO_READ:
	case BIO_WRITE: err = transfer(r, bio); break;
	case BIO_DISCARD: discard(r, bio); break;
	case BIO_FLUSH: break;
	default: err = -EOPNOTSUPP; break;
	}
	bio_end(bio, err);
}

static const struct disk_ops ram_ops = {.submit = ram_submit};

static int ram_add(unsigned index, u64 kib)
{
	struct disk_params params = {
		.major = RAM_MAJOR,
		.first_minor = index,
		.minors = 1,
		.ops = &ram_ops,
		.no_partitions = true,
	};
	u64 leaves = (kib * 1024 + PAGE_SIZE * LEAF - 1) / (PAGE_SIZE * LEAF);
	struct ram_disk *r = kvzalloc(sizeof(*r) + leaves * sizeof(r->leaves[0]), GFP_KERNEL);
	struct disk_limits *l;
	char name[16];
	int err;

	if (!r)
		return -ENOMEM;
	snprintf(name, sizeof(name), "ram%u", index);
	params.name = name;
	r->nr_leaves = leaves;
	err = disk_create(&params, r, &r->disk);
	if (err) {
		kvfree(r);
		return err;
	}
	l = disk_limits(r->disk);
	l->physical_block = PAGE_SIZE;
	l->max_discard_sectors = 1u << 22;
	l->discard_granularity = PAGE_SIZE;
	disk_set_capacity(r->disk, kib * 2);
	err = disk_add(r->disk);
	if (err) {
		disk_put(r->disk);
		kvfree(r);
	}
	return err;
}

/* Disks that hold nothing cost a few kilobytes each, and stay for ever. */
static void ram_scan(void)
{
	u64 kib = cmdline_u64(boot_info.cmdline, "ramdisk_size", DEFAULT_KIB);
	u64 nr = cmdline_u64(boot_info.cmdline, "rd_nr", DEFAULT_NR);
	u32 major = RAM_MAJOR;

	kib = cmdline_u64(boot_info.cmdline, "brd.rd_size", kib);
	nr = min(cmdline_u64(boot_info.cmdline, "brd.rd_nr", nr), (u64)256);
	kib = min(kib, (u64)pfn_limit << (PAGE_SHIFT - 10));
	if (!kib || blkdev_register(&major, "ramdisk"))
		return;
	for (unsigned i = 0; i < nr; i++) {
		int err = ram_add(i, kib);

		if (err) {
			log_err("ram%u: error %d\n", i, -err);
			return;
		}
	}
}

BUS_SCAN(ram, ram_scan);
