/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sync(2), fsync(2), sync_file_range(2), posix_fadvise(2), readahead(2), cachestat(2). */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/minmax.h>
#include <mm/mapping.h>
#include <mm/usercopy.h>

#include "syscalls_internal.h"

long sys_sync(void)
{
	super_sync_all(false);
	super_sync_all(true);
	return 0;
}

long sys_syncfs(int fd)
{
	struct fdref ref = fd_get(fd);
	struct superblock *sb;
	int err, told;

	if (!ref.file)
		return -EBADF;
	sb = ref.file->inode->sb;
	rwsem_read_lock(&sb->umount);
	err = super_sync(sb, true);
	rwsem_read_unlock(&sb->umount);
	told = file_check_sb_err(ref.file);
	err = err ?: told;
	fd_put(ref);
	return err;
}

static long sync_user(int fd, bool data_only)
{
	struct fdref ref = fd_get(fd);
	int err = -EINVAL;

	if (!ref.file)
		return -EBADF;
	if (ref.file->ops->fsync)
		err = ref.file->ops->fsync(ref.file, 0, S64_MAX, data_only);
	fd_put(ref);
	return err;
}

long sys_fsync(int fd)
{
	return sync_user(fd, false);
}

long sys_fdatasync(int fd)
{
	return sync_user(fd, true);
}

static int wait_range(struct file *f, loff_t first, loff_t last)
{
	cache_wait_writeback(f->mapping, first, last);
	return file_check_wb_err(f);
}

/* With all three flags everything dirty is written, also what is on its way already and dirty
 * again. */
static int sync_range(struct file *f, loff_t first, loff_t last, unsigned flags)
{
	unsigned all =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	int err = 0;

	if (flags & SYNC_FILE_RANGE_WAIT_BEFORE)
		err = wait_range(f, first, last);
	if (!err && (flags & SYNC_FILE_RANGE_WRITE))
		err = cache_write_range(f->mapping, first, last, (flags & all) == all);
	if (!err && (flags & SYNC_FILE_RANGE_WAIT_AFTER))
		err = wait_range(f, first, last);
	return err;
}

long sys_sync_file_range(int fd, loff_t offset, loff_t nbytes, unsigned int flags)
{
	struct fdref ref = fd_get(fd);
	umode_t mode;
	loff_t end;
	int err;

	if (!ref.file)
		return -EBADF;
	mode = ref.file->inode->mode;
	if ((flags & ~7u) || offset < 0 || nbytes < 0 ||
	    __builtin_add_overflow(offset, nbytes, &end))
		err = -EINVAL;
	else if (!S_ISREG(mode) && !S_ISBLK(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
		err = -ESPIPE;
	else
		err = sync_range(ref.file, offset, nbytes ? end - 1 : S64_MAX, flags);
	fd_put(ref);
	return err;
}

/* Write what is dirty, drop whole pages; the last one may be cut by the end of the file. */
static void advise_dontneed(struct file *f, loff_t offset, loff_t last)
{
	u64 first = DIV_ROUND_UP((u64)offset, PAGE_SIZE), end = (u64)last / PAGE_SIZE;
	bool whole = ((u64)last + 1) % PAGE_SIZE == 0 || last == READ_ONCE(f->inode->size) - 1;

	(void)cache_write_range(f->mapping, offset, last, false);
	if (!whole && !end)
		return;
	cache_drop_clean(f->mapping, first, last == S64_MAX ? U64_MAX : whole ? end : end - 1);
}

static int advise(struct file *f, loff_t offset, loff_t len, int advice)
{
	loff_t last = len ? offset + len - 1 : S64_MAX;
	u64 index = (u64)offset / PAGE_SIZE;

	if (last < offset)
		last = S64_MAX;
	switch (advice) {
	case POSIX_FADV_NORMAL: WRITE_ONCE(f->ra.mode, READAHEAD_NORMAL); return 0;
	case POSIX_FADV_SEQUENTIAL: WRITE_ONCE(f->ra.mode, READAHEAD_SEQUENTIAL); return 0;
	case POSIX_FADV_RANDOM: WRITE_ONCE(f->ra.mode, READAHEAD_RANDOM); return 0;
	case POSIX_FADV_WILLNEED:
		readahead_force(f->mapping, f, index, (u64)last / PAGE_SIZE - index + 1);
		return 0;
	case POSIX_FADV_NOREUSE: return 0;
	case POSIX_FADV_DONTNEED: advise_dontneed(f, offset, last); return 0;
	default: return -EINVAL;
	}
}

long sys_fadvise64(int fd, loff_t offset, size_t len, int advice)
{
	struct fdref ref = fd_get(fd);
	int err;

	if (!ref.file)
		return -EBADF;
	if (S_ISFIFO(ref.file->inode->mode))
		err = -ESPIPE;
	else if ((loff_t)len < 0 || offset < 0)
		err = -EINVAL;
	else if (ref.file->ops->fadvise)
		err = ref.file->ops->fadvise(ref.file, offset, len, advice);
	else
		err = advise(ref.file, offset, len, advice);
	fd_put(ref);
	return err;
}

long sys_readahead(int fd, loff_t offset, size_t count)
{
	struct fdref ref = fd_get(fd);
	int err = -EINVAL;

	if (!ref.file)
		return -EBADF;
	if (!(ref.file->mode & FMODE_READ))
		err = -EBADF;
	else if (S_ISREG(ref.file->inode->mode) || S_ISBLK(ref.file->inode->mode))
		err = advise(ref.file, offset, count, POSIX_FADV_WILLNEED);
	fd_put(ref);
	return err;
}

/* Count pages of the cache in [first, last]. */
static void count_pages(struct mapping *m, u64 first, u64 last, u64 counts[5])
{
	struct folio *batch[16];
	u64 index = first;
	unsigned n;

	while (index <= last &&
	       (n = cache_gather(m, &index, last, batch, ARRAY_SIZE(batch))) != 0) {
		for (unsigned i = 0; i < n; i++) {
			counts[0]++;
			if (folio_test(batch[i], PG_dirty))
				counts[1]++;
			if (folio_test(batch[i], PG_writeback))
				counts[2]++;
			folio_put(batch[i]);
		}
	}
}

long sys_cachestat(int fd, const struct cachestat_range __user *range,
		   struct cachestat __user *cstat, unsigned int flags)
{
	struct { u64 off, len; } r;
	u64 counts[5] = {};
	struct fdref ref;
	u64 last;

	if (copy_from_user(&r, range, sizeof(r)))
		return -EFAULT;
	if (flags)
		return -EINVAL;
	ref = fd_get(fd);
	if (!ref.file)
		return -EBADF;
	last = r.len && r.off + r.len > r.off ? (r.off + r.len - 1) / PAGE_SIZE : U64_MAX;
	count_pages(ref.file->mapping, r.off / PAGE_SIZE, last, counts);
	fd_put(ref);
	return copy_to_user(cstat, counts, sizeof(counts));
}
