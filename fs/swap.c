/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * swapon(2), swapoff(2): where swap is kept, for mm/swap.h.
 *
 * A device is one extent.  Of a file the extents are asked once, with the inode locked; then the
 * inode is marked S_SWAPFILE, which keeps writers and truncation off, so that the extents stay
 * true.  A transfer is one bio of one page, merged with its neighbours in the plug around a batch.
 */
#include <fs/block/block.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/page.h>
#include <mm/swap.h>
#include <security/cred.h>
#include <gen/syscalls.h>

#define SWAP_FLAGS_KNOWN                                                                           \
	(SWAP_ON_PREFER | SWAP_ON_PRIORITY | SWAP_ON_DISCARD | SWAP_ON_DISCARD_ONCE |              \
	 SWAP_ON_DISCARD_PAGES)
#define PAGE_SECTORS (PAGE_SIZE >> SECTOR_SHIFT)

struct swap_extent {
	u64 page; /* first page of the area */
	u64 nr;
	sector_t sector;
};

/* What lies in one piece in the file and on the device, in bytes. */
struct swap_run {
	u64 pos, addr, len;
};

struct swap_backing {
	struct bdev *bdev;
	struct file *file;	   /* a file's, or NULL: a device's own */
	struct swap_extent *extents; /* [I] by page, without holes */
	unsigned nr, room;
	u64 pages;
	struct swap_run run; /* while extents are asked */
};

/* Transfers */

static sector_t page_sector(const struct swap_backing *b, u64 page)
{
	unsigned lo = 0, hi = b->nr;

	while (hi - lo > 1) {
		unsigned mid = (lo + hi) / 2;

		if (b->extents[mid].page <= page)
			lo = mid;
		else
			hi = mid;
	}
	return b->extents[lo].sector + (page - b->extents[lo].page) * PAGE_SECTORS;
}

static void swap_bio_end(struct bio *bio)
{
	struct folio *f = bio->private;
	void (*done)(struct folio * f, int error) =
		bio->op == BIO_READ ? swap_read_done : swap_write_done;
	int error = bio->error;

	bio_put(bio);
	done(f, error);
}

static void transfer(struct swap_backing *b, enum bio_op op, u64 page, struct folio *f)
{
	struct bio *bio = bio_alloc(b->bdev, 1, op, BIO_SWAP, GFP_NOFS);

	bio->sector = page_sector(b, page);
	bio->end = swap_bio_end;
	bio->private = f;
	bio_add_page(bio, folio_page(f), 0, PAGE_SIZE);
	bio_submit(bio);
}

static void swap_read(void *backing, u64 slot, struct folio *f)
{
	transfer(backing, BIO_READ, slot, f);
}

static void swap_write(void *backing, u64 slot, struct folio *f)
{
	transfer(backing, BIO_WRITE, slot, f);
}

static void swap_batch(void (*fn)(void *arg), void *arg)
{
	struct plug plug;

	plug_start(&plug);
	fn(arg);
	plug_finish(&plug);
}

static void swap_discard(void *backing, u64 slot, u64 nr)
{
	struct swap_backing *b = backing;

	for (unsigned i = 0; i < b->nr; i++) {
		u64 first = max(slot, b->extents[i].page);
		u64 end = min(slot + nr, b->extents[i].page + b->extents[i].nr);

		if (first < end)
			(void)!bdev_discard(b->bdev, page_sector(b, first),
					    (end - first) * PAGE_SECTORS);
	}
}

static void swap_release(void *backing)
{
	struct swap_backing *b = backing;

	if (b->file) {
		struct inode *inode = b->file->inode;

		rwsem_write_lock(&inode->lock);
		inode->flags &= ~(u32)S_SWAPFILE;
		rwsem_write_unlock(&inode->lock);
		file_put(b->file);
	} else if (b->bdev) {
		bdev_close(b->bdev, BDEV_READ | BDEV_WRITE | BDEV_EXCL, b);
	}
	kvfree(b->extents);
	kfree(b);
}

static const struct swap_ops swap_block_ops = {
	.read = swap_read,
	.write = swap_write,
	.batch = swap_batch,
	.discard = swap_discard,
	.release = swap_release,
};

/* Extents */

static int extents_grow(struct swap_backing *b)
{
	unsigned room = b->room ? b->room * 2 : 16;
	struct swap_extent *more = kvmalloc(room * sizeof(*more), GFP_KERNEL);

	if (!more)
		return -ENOMEM;
	if (b->nr)
		memcpy(more, b->extents, b->nr * sizeof(*more));
	kvfree(b->extents);
	b->extents = more;
	b->room = room;
	return 0;
}

/* The run ends: its whole pages are of use. */
static int run_end(struct swap_backing *b)
{
	u64 skip = -b->run.pos & (PAGE_SIZE - 1);
	u64 nr = b->run.len > skip ? (b->run.len - skip) / PAGE_SIZE : 0;
	int err = nr && b->nr == b->room ? extents_grow(b) : 0;

	if (err || !nr)
		return err;
	/* The header is the first page, and must be found there. */
	if (!b->pages && b->run.pos)
		return -EINVAL;
	b->extents[b->nr++] =
		(struct swap_extent){b->pages, nr, (b->run.addr + skip) >> SECTOR_SHIFT};
	b->pages += nr;
	return 0;
}

/* Blocks may be smaller than pages: a page that does not lie in one piece on the device is left
 * out. */
static int extent_add(void *arg, u64 pos, u64 addr, u64 len)
{
	struct swap_backing *b = arg;
	int err;

	if (addr % SECTOR_SIZE)
		return -EINVAL;
	if (pos == b->run.pos + b->run.len && addr == b->run.addr + b->run.len) {
		b->run.len += len;
		return 0;
	}
	err = run_end(b);
	b->run = (struct swap_run){ pos, addr, len };
	return err;
}

static int backing_of_device(struct swap_backing *b, struct inode *inode)
{
	int err = bdev_open(inode->rdev, BDEV_READ | BDEV_WRITE | BDEV_EXCL, b, &b->bdev);

	b->run.len = err ? 0 : bdev_bytes(b->bdev);
	return err ?: run_end(b);
}

static int backing_of_file(struct swap_backing *b, struct file *f)
{
	struct inode *inode = f->inode;
	int err;

	if (!inode->ops->extents || !inode->sb->bdev)
		return -EINVAL;
	rwsem_write_lock(&inode->lock);
	err = inode->flags & S_SWAPFILE ? -EBUSY : file_write_and_wait(f, 0, S64_MAX);
	if (!err)
		err = inode->ops->extents(inode, extent_add, b) ?: run_end(b);
	if (!err) {
		inode->flags |= S_SWAPFILE;
		b->bdev = inode->sb->bdev;
		b->file = file_get(f);
	}
	rwsem_write_unlock(&inode->lock);
	return err;
}

static int backing_create(struct file *f, struct swap_backing **out)
{
	struct swap_backing *b = kzalloc(sizeof(*b), GFP_KERNEL);
	int err = -EINVAL;

	if (!b)
		return -ENOMEM;
	if (S_ISBLK(f->inode->mode))
		err = backing_of_device(b, f->inode);
	else if (S_ISREG(f->inode->mode))
		err = backing_of_file(b, f);
	if (!err && !b->pages)
		err = -EINVAL;
	if (err) {
		swap_release(b);
		return err;
	}
	*out = b;
	return 0;
}

/* Calls */

static void name_source(struct swap_source *src, const struct path *path)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *text;

	if (buf && !d_path(path, buf, PATH_MAX, &text))
		strscpy(src->name, text, sizeof(src->name));
	kfree(buf);
}

static int swapon_file(struct file *f, unsigned flags)
{
	struct swap_source src = { .ops = &swap_block_ops, .is_file = S_ISREG(f->inode->mode) };
	struct swap_backing *b;
	int err = backing_create(f, &b);

	if (err)
		return err;
	src.backing = b;
	src.identity = b->file ? f->inode : b->bdev->inode;
	src.pages = b->pages;
	src.claimed = b->file ? (u64)f->inode->size / PAGE_SIZE : b->pages;
	name_source(&src, &f->path);
	err = swap_enable(&src, flags);
	if (err)
		swap_release(b);
	return err;
}

long sys_swapon(const char __user *specialfile, int swap_flags)
{
	struct path path;
	struct file *f;
	int err;

	if ((unsigned)swap_flags & ~SWAP_FLAGS_KNOWN)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_at(AT_FDCWD, specialfile, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	if (inode_is_dir(path.dentry->inode))
		err = -EISDIR;
	else
		err = S_ISBLK(path.dentry->inode->mode) || S_ISREG(path.dentry->inode->mode)
			      ? file_open(&path, O_RDWR, cred_current(), &f)
			      : -EINVAL;
	path_put(&path);
	if (err)
		return err;
	err = swapon_file(f, (unsigned)swap_flags);
	file_put(f);
	return err;
}

long sys_swapoff(const char __user *specialfile)
{
	const void *identity;
	struct bdev *b = NULL;
	struct path path;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_at(AT_FDCWD, specialfile, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	identity = path.dentry->inode;
	if (S_ISBLK(path.dentry->inode->mode)) {
		err = bdev_open(path.dentry->inode->rdev, BDEV_READ, NULL, &b);
		if (!err)
			identity = b->inode;
	}
	if (!err)
		err = swap_disable(identity);
	if (b)
		bdev_close(b, BDEV_READ, NULL);
	path_put(&path);
	return err;
}
