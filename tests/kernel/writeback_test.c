/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Write-back over a file system whose disk counts, waits and fails as the test says.
 *
 * Its files hold zeroes until written; a page written may stay on its way until disk_release().
 */
#include <fs/services.h>
#include <fs/vfs/core.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <kernel/time/clock.h>
#include <mm/dirty.h>
#include <mm/iov_iter.h>
#include <mm/page.h>
#include <mm/stat.h>

LINKSET_DECLARE(proc_exports, struct proc_export);

#define HELD_MAX 64

static struct {
	u32 pages, inodes; /* [a] written */
	int error;	   /* of each page, from now on */
	bool hold;	   /* pages stay on their way */
	u32 delay_us;	   /* of each page */
	struct spinlock lock;
	struct folio *held[HELD_MAX]; /* [lock] */
	unsigned nr_held;	      /* [lock] */
} disk = { .lock = SPINLOCK_INIT(RANK_NONE) };

static int disk_read(struct file *file, struct folio *f)
{
	memset(folio_address(f), 0, PAGE_SIZE);
	folio_set(f, PG_uptodate);
	folio_unlock(f);
	return 0;
}

static int disk_write_end(struct mapping *m, loff_t pos, size_t len, size_t copied, struct folio *f,
			  void *fsdata)
{
	struct inode *inode = m->host;

	if (copied == PAGE_SIZE)
		folio_set(f, PG_uptodate);
	folio_mark_dirty(f);
	if (pos + (loff_t)copied > inode->size) {
		WRITE_ONCE(inode->size, pos + (loff_t)copied);
		inode_mark_dirty(inode, I_DIRTY_DATA);
	}
	folio_unlock(f);
	folio_put(f);
	return (int)copied;
}

static bool disk_hold(struct folio *f)
{
	guard_spin(&disk.lock);
	if (!disk.hold || disk.nr_held == HELD_MAX)
		return false;
	disk.held[disk.nr_held++] = f;
	return true;
}

static int disk_writepage(struct mapping *m, struct folio *f, bool sync)
{
	atomic_inc(&disk.pages);
	folio_start_writeback(f);
	folio_unlock(f);
	if (disk.delay_us)
		sleep_ns(disk.delay_us * 1000ull);
	if (disk.error)
		mapping_set_error(m, disk.error);
	if (!disk_hold(f))
		folio_end_writeback(f);
	return 0;
}

static void disk_release(void)
{
	guard_spin(&disk.lock);
	disk.hold = false;
	while (disk.nr_held)
		folio_end_writeback(disk.held[--disk.nr_held]);
}

static int disk_write_inode(struct inode *inode, bool wait)
{
	atomic_inc(&disk.inodes);
	return 0;
}

static void disk_evict(struct inode *inode)
{
	if (inode->data.nr_pages)
		cache_truncate(&inode->data, 0);
}

static const struct mapping_ops disk_mapping_ops = {
	.read_folio = disk_read,
	.write_begin = cache_write_begin,
	.write_end = disk_write_end,
	.writepage = disk_writepage,
	.dirty_folio = inode_dirty_folio,
};

static ssize_t plain_write_iter(struct file *f, struct iov_iter *from, loff_t *pos)
{
	return write_iter_by(generic_write_locked, f, from, pos);
}

static const struct file_ops disk_file_ops = {
	.read_iter = generic_read_iter,
	.write_iter = plain_write_iter,
	.fsync = generic_fsync,
};

static const struct super_ops disk_super_ops = {.write_inode = disk_write_inode,
						.evict = disk_evict};

static int disk_mount(const struct fs_type *type, const struct fs_params *params,
		      struct superblock **out)
{
	struct inode *root;
	int err = super_create(type, params, &disk_super_ops, out);

	if (err)
		return err;
	root = inode_create(*out);
	if (root) {
		root->mode = S_IFDIR | 0700;
		(*out)->root = d_make_root(*out, root);
	}
	if ((*out)->root)
		return 0;
	super_abandon(*out);
	return -ENOMEM;
}

static const struct fs_type disk_type = { "ktest_disk", FS_NO_USER, disk_mount, NULL };
FS_TYPE(disk_type);

static struct mount *disk_mnt;

/* A new file; the disk in its first state. */
static struct file *file_make(void)
{
	struct inode *inode;
	struct file *f;

	disk.error = 0;
	disk.delay_us = 0;
	if (!disk_mnt && kern_mount_internal("ktest_disk", &disk_mnt))
		return NULL;
	inode = inode_create(disk_mnt->sb);
	if (!inode)
		return NULL;
	inode->mode = S_IFREG | 0600;
	inode->fops = &disk_file_ops;
	inode->data.ops = &disk_mapping_ops;
	if (inode_file_create(disk_mnt, inode, "x", NULL, &disk_file_ops, O_RDWR, &f))
		return NULL;
	super_sync(disk_mnt->sb, true);
	disk.pages = disk.inodes = 0;
	return f;
}

static bool fill(struct file *f, loff_t pos, size_t n)
{
	static const u8 bytes[PAGE_SIZE];

	while (n) {
		size_t part = min(n, sizeof(bytes));

		if (file_write(f, bytes, part, &pos) != (ssize_t)part)
			return false;
		n -= part;
	}
	return true;
}

static void sysctl(const char *name, const char *value)
{
	const struct proc_export *const *e;

	for_each_linkset (e, proc_exports)
		if (!strcmp((*e)->path, name))
			KEXPECT((*e)->store(value, strlen(value), (*e)->arg) > 0);
}

static void limits_restore(void)
{
	sysctl("/proc/sys/vm/dirty_expire_centisecs", "3000");
	sysctl("/proc/sys/vm/dirty_writeback_centisecs", "500");
	sysctl("/proc/sys/vm/dirty_ratio", "20");
	sysctl("/proc/sys/vm/dirty_background_ratio", "10");
}

static bool clean(struct inode *inode)
{
	return !xa_marked(&inode->data.pages, MAPPING_DIRTY) &&
	       !xa_marked(&inode->data.pages, MAPPING_WRITEBACK) &&
	       !(READ_ONCE(inode->state) & I_DIRTY_ALL);
}

#define EVENTUALLY(cond) \
	({ \
		u64 until_ = clock_deadline(10 * NSEC_PER_SEC); \
		while (!(cond) && clock_mono_ns() < until_) \
			sleep_ns(NSEC_PER_MSEC); \
		(cond); \
	})

KTEST(writeback_age)
{
	u64 before = vm_gauge_read(VM_NR_DIRTY);
	struct file *f = file_make();

	KREQUIRE(f);
	KEXPECT(fill(f, 0, 3 * PAGE_SIZE + 5));
	KEXPECT(vm_gauge_read(VM_NR_DIRTY) == before + 4);
	KEXPECT(!disk.pages && f->inode->state & I_DIRTY_PAGES);
	sysctl("/proc/sys/vm/dirty_expire_centisecs", "20");
	sysctl("/proc/sys/vm/dirty_writeback_centisecs", "5");
	/* The inode counts as clean before it is written: it may become dirty meanwhile. */
	KEXPECT(EVENTUALLY(clean(f->inode) && disk.inodes >= 1));
	KEXPECT(disk.pages == 4);
	KEXPECT(vm_gauge_read(VM_NR_DIRTY) == before);
	/* Dirty again: again. */
	KEXPECT(fill(f, PAGE_SIZE, 1));
	KEXPECT(EVENTUALLY(clean(f->inode)) && disk.pages == 5);
	KEXPECT(EVENTUALLY(list_empty(&f->inode->dirty_link)));
	limits_restore();
	file_put(f);
}

KTEST(writeback_fsync)
{
	struct file *f = file_make();

	KREQUIRE(f);
	KEXPECT(fill(f, 0, 2 * PAGE_SIZE));
	KEXPECT(!generic_fsync(f, 0, S64_MAX, true));
	KEXPECT(disk.pages == 2 && disk.inodes == 1 && clean(f->inode) &&
		list_empty(&f->inode->dirty_link));
	KEXPECT(!generic_fsync(f, 0, S64_MAX, false) && disk.pages == 2);
	/* Part of the file: the rest stays dirty, and listed. */
	KEXPECT(fill(f, 0, 2 * PAGE_SIZE));
	KEXPECT(!generic_fsync(f, 0, PAGE_SIZE - 1, true));
	KEXPECT(disk.pages == 3 && f->inode->state & I_DIRTY_PAGES &&
		!list_empty(&f->inode->dirty_link));
	KEXPECT(!super_sync(f->inode->sb, true) && disk.pages == 4 && clean(f->inode));
	/* Truncated dirt is forgotten. */
	u64 dirty = vm_gauge_read(VM_NR_DIRTY);

	KEXPECT(fill(f, 0, 5 * PAGE_SIZE));
	f->inode->size = 0;
	cache_truncate(&f->inode->data, 0);
	KEXPECT(vm_gauge_read(VM_NR_DIRTY) == dirty);
	KEXPECT(!generic_fsync(f, 0, S64_MAX, false) && disk.pages == 4);
	file_put(f);
}

KTEST(writeback_errors)
{
	struct file *f = file_make(), *g, *h;

	KREQUIRE(f && !file_alias(f, &disk_file_ops, O_RDWR, &g));
	KEXPECT(fill(f, 0, PAGE_SIZE));
	disk.error = -EIO;
	KEXPECT(generic_fsync(f, 0, S64_MAX, true) == -EIO);
	disk.error = 0;
	KEXPECT(!generic_fsync(f, 0, S64_MAX, true));
	KEXPECT(generic_fsync(g, 0, S64_MAX, true) == -EIO);
	KEXPECT(!generic_fsync(g, 0, S64_MAX, true));
	/* Written by the flusher, told by fsync; a file opened later does not hear of what was
	 * told. */
	KEXPECT(fill(f, 0, PAGE_SIZE));
	disk.error = -ENOSPC;
	KEXPECT(!cache_write_range(f->mapping, 0, S64_MAX, false));
	cache_wait_writeback(f->mapping, 0, S64_MAX);
	disk.error = 0;
	KEXPECT(generic_fsync(g, 0, S64_MAX, true) == -ENOSPC);
	KREQUIRE(!file_alias(f, &disk_file_ops, O_RDWR, &h));
	KEXPECT(!generic_fsync(h, 0, S64_MAX, true));
	KEXPECT(generic_fsync(f, 0, S64_MAX, true) == -ENOSPC);
	KEXPECT(file_check_sb_err(f) == -ENOSPC && !file_check_sb_err(f));
	file_put(h);
	file_put(g);
	file_put(f);
}

static struct completion synced;

static void sync_thread(void *arg)
{
	super_sync(arg, true);
	completion_done(&synced);
}

/* A sync waits also for what others sent, and for inodes that are clean but for that. */
KTEST(writeback_sync_waits)
{
	struct file *f = file_make();

	KREQUIRE(f);
	disk.hold = true;
	KEXPECT(fill(f, 0, 3 * PAGE_SIZE));
	writeback_kick(f->inode->sb);
	KEXPECT(EVENTUALLY(!(READ_ONCE(f->inode->state) & I_DIRTY_ALL)));
	KEXPECT(!list_empty(&f->inode->dirty_link));
	completion_init(&synced);
	KREQUIRE(!kthread_run(sync_thread, f->inode->sb, "ktest-sync"));
	sleep_ns(50 * NSEC_PER_MSEC);
	KEXPECT(!completion_is_done(&synced));
	disk_release();
	completion_wait(&synced);
	KEXPECT(clean(f->inode) && disk.pages == 3);
	file_put(f);
}

static bool storm_over; /* [a] */
static u32 storms;	/* [a] running */

static void storm_thread(void *arg)
{
	struct file *f = arg;

	for (u64 i = 0; !READ_ONCE(storm_over); i++) {
		loff_t pos = (loff_t)(i % 4000) * PAGE_SIZE;

		if (file_write(f, "x", 1, &pos) != 1)
			break;
		cond_resched();
	}
	atomic_dec(&storms);
}

/* A writer that never stops does not hold up syncs, and nothing gets lost between them. */
KTEST(writeback_sync_ends)
{
	struct file *f = file_make();
	u64 before = vm_gauge_read(VM_NR_DIRTY);

	KREQUIRE(f);
	storm_over = false;
	storms = 2;
	for (unsigned i = 0; i < 2; i++)
		KREQUIRE(!kthread_run(storm_thread, f, "ktest-storm"));
	for (unsigned i = 0; i < 20; i++) {
		KEXPECT(!generic_fsync(f, 0, S64_MAX, false));
		KEXPECT(!super_sync(f->inode->sb, true));
		writeback_kick(f->inode->sb);
	}
	WRITE_ONCE(storm_over, true);
	KEXPECT(EVENTUALLY(!atomic_load(&storms)));
	KEXPECT(!super_sync(f->inode->sb, true) && clean(f->inode));
	KEXPECT(vm_gauge_read(VM_NR_DIRTY) == before && !vm_gauge_read(VM_NR_WRITEBACK));
	file_put(f);
}

KTEST(writeback_limits)
{
	struct file *f = file_make();
	u64 low, high, most = 0;

	KREQUIRE(f);
	sysctl("/proc/sys/vm/dirty_background_bytes", "524288");
	sysctl("/proc/sys/vm/dirty_bytes", "1048576");
	dirty_limits(&low, &high);
	KEXPECT(low == 128 && high == 256);
	disk.delay_us = 50;
	for (unsigned i = 0; i < 500; i++) {
		KEXPECT(fill(f, (loff_t)i * 4 * PAGE_SIZE, 4 * PAGE_SIZE));
		most = max(most, vm_gauge_read(VM_NR_DIRTY) + vm_gauge_read(VM_NR_WRITEBACK));
	}
	KEXPECT(most <= high + 64);
	KEXPECT(disk.pages >= 2000 - high - 64);
	limits_restore();
	file_put(f);
}

KTEST(writeback_evict)
{
	struct file *f = file_make();
	struct inode *inode;

	KREQUIRE(f);
	KEXPECT(fill(f, 0, PAGE_SIZE));
	file_put(f);
	file_flush_deferred();
	KEXPECT(EVENTUALLY(disk.pages == 1 && disk.inodes));
	/* Without a name: nobody will miss it. */
	f = file_make();
	KREQUIRE(f);
	inode = f->inode;
	KEXPECT(fill(f, 0, PAGE_SIZE));
	inode->nlink = 0;
	file_put(f);
	file_flush_deferred();
	sleep_ns(10 * NSEC_PER_MSEC);
	KEXPECT(!disk.pages && !disk.inodes);
}

KTEST(writeback_lazytime)
{
	struct file *f = file_make();
	struct superblock *sb;

	KREQUIRE(f);
	sb = f->inode->sb;
	WRITE_ONCE(sb->flags, sb->flags | SB_LAZYTIME);
	inode_touch(f->inode, ATTR_ATIME);
	KEXPECT(f->inode->state & I_DIRTY_TIME && !(f->inode->state & I_DIRTY_ALL));
	writeback_kick(sb);
	sleep_ns(20 * NSEC_PER_MSEC);
	KEXPECT(!disk.inodes && !generic_fsync(f, 0, S64_MAX, true) && !disk.inodes);
	KEXPECT(!generic_fsync(f, 0, S64_MAX, false) && disk.inodes == 1 &&
		!(f->inode->state & I_DIRTY_TIME));
	inode_touch(f->inode, ATTR_ATIME);
	KEXPECT(!super_sync(sb, true) && disk.inodes == 2);
	/* Pages dirtied after the times: found by the flusher all the same. */
	inode_touch(f->inode, ATTR_ATIME);
	KEXPECT(fill(f, 0, PAGE_SIZE));
	writeback_kick(sb);
	KEXPECT(EVENTUALLY(clean(f->inode)) && disk.pages == 1);
	WRITE_ONCE(sb->flags, sb->flags & ~(u32)SB_LAZYTIME);
	file_put(f);
}
