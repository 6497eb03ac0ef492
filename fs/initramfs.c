/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The initial root tree, from the archives that the boot loader left in memory.
 *
 * What does not begin as an archive does, plain or decompressed, is the image of a file system: it
 * goes to /dev/ram0, for root=/dev/ram0.
 *
 * What is there is a sequence of cpio archives (newc), each plain or compressed by gzip, with zero
 * padding between.  Files appear as the archive is read; a corrupt archive ends it with one line in
 * the log, and what was unpacked stays.
 */
#define LOG_PREFIX "initramfs: "
#include "initrd_internal.h"
#include <fs/init.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <kernel/debug/log.h>
#include <kernel/lib/cpio.h>
#include <kernel/lib/inflate.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/page.h>
#include <mm/vmalloc.h>
#include <fs/vfs/core.h>
#include <fs/block/probe.h>

#define LINKS 256

/* Hard links: the first name of each inode with several. */
struct link_name {
	struct hlist_node link;
	u32 ino, major, minor, mode;
	char name[];
};

struct unpack {
	struct cpio cpio;
	struct file *out;	/* the regular file being filled */
	loff_t pos;
	char target[PATH_MAX];	/* the body of the symlink being read */
	size_t target_len;
	struct hlist_head links[LINKS];
	bool skip;		/* the entry could not be made: its data is dropped */
	u8 *window;
	struct inflate_tables *tables;
	const u8 *data;		/* input of the decompressor */
	size_t len;
	bool given;
	bool begun;		/* of a compressed member: the kind is known */
	bool image;		/* it is no archive */
	struct initrd disk;
};

static struct hlist_head *link_bucket(struct unpack *u, const struct cpio_entry *e)
{
	return &u->links[(e->ino + e->dev_minor) % LINKS];
}

static struct link_name *link_find(struct unpack *u, const struct cpio_entry *e)
{
	struct link_name *l;

	hlist_for_each (l, link_bucket(u, e), link) {
		if (l->ino == e->ino && l->major == e->dev_major && l->minor == e->dev_minor &&
		    !((l->mode ^ e->mode) & S_IFMT))
			return l;
	}
	return NULL;
}

static void link_remember(struct unpack *u, const struct cpio_entry *e)
{
	size_t len = strlen(e->name) + 1;
	struct link_name *l = kzalloc(sizeof(*l) + len, GFP_KERNEL);

	if (!l)
		return;
	l->ino = e->ino;
	l->major = e->dev_major;
	l->minor = e->dev_minor;
	l->mode = e->mode;
	memcpy(l->name, e->name, len);
	hlist_push(link_bucket(u, e), &l->link);
}

static void links_free(struct unpack *u)
{
	for (unsigned i = 0; i < LINKS; i++) {
		struct link_name *l, *next;

		hlist_for_each_safe (l, next, &u->links[i], link)
			kfree(l);
		hlist_init(&u->links[i]);
	}
}

/* Attributes of a fresh entry. */
static void set_attributes(const struct path *path, const struct cpio_entry *e)
{
	struct inode *inode = path->dentry->inode;

	rwsem_write_lock(&inode->lock);
	inode->uid = e->uid;
	inode->gid = e->gid;
	inode->mode = (inode->mode & S_IFMT) | (e->mode & S_IALLUGO);
	if (inode->mode & (S_ISUID | S_ISGID))
		inode->flags &= ~(u32)S_NOSEC;
	inode->mtime = e->mtime * (s64)NSEC_PER_SEC;
	rwsem_write_unlock(&inode->lock);
}

static void set_attributes_of(const struct cpio_entry *e)
{
	struct path path;

	if (kern_path(e->name, 0, &path))
		return;
	set_attributes(&path, e);
	path_put(&path);
}

/* What stands in the way and is of another kind goes. */
static void clear_way(const struct cpio_entry *e)
{
	struct path path;
	umode_t mode;

	if (kern_path(e->name, 0, &path))
		return;
	mode = path.dentry->inode->mode;
	path_put(&path);
	if (!((mode ^ e->mode) & S_IFMT) && !S_ISLNK(mode))
		return;
	if (S_ISDIR(mode))
		(void)!do_rmdir(AT_FDCWD, e->name);
	else
		(void)!do_unlink(AT_FDCWD, e->name);
}

static int make_dir(const struct cpio_entry *e)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, e->name, LOOKUP_DIRECTORY, &parent, &d);

	if (err == -EEXIST)
		return 0;
	if (err)
		return err;
	err = vfs_mkdir(parent.dentry->inode, d, e->mode & S_IALLUGO);
	path_create_done(&parent, d);
	return err;
}

static int make_node(const struct cpio_entry *e)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, e->name, 0, &parent, &d);

	if (err == -EEXIST)
		return 0;
	if (err)
		return err;
	err = vfs_mknod(parent.dentry->inode, d, e->mode, MKDEV(e->rdev_major, e->rdev_minor));
	path_create_done(&parent, d);
	return err;
}

static int make_link(const struct cpio_entry *e, const char *first)
{
	struct path old;
	int err = kern_path(first, 0, &old);

	if (err)
		return err;
	err = do_link(&old, AT_FDCWD, e->name);
	path_put(&old);
	return err == -EEXIST ? 0 : err;
}

static int begin_file(struct unpack *u, const struct cpio_entry *e)
{
	struct link_name *first = e->nlink > 1 ? link_find(u, e) : NULL;
	u32 flags = O_WRONLY | O_CREAT | O_LARGEFILE;
	int err;

	if (first) {
		err = make_link(e, first->name);
		if (err || !e->size)
			return err;
	} else {
		flags |= O_TRUNC;
	}
	err = filp_open(e->name, flags, e->mode & S_IALLUGO, &u->out);
	if (!err && e->nlink > 1 && !first)
		link_remember(u, e);
	return err;
}

static int begin_entry(void *ctx, const struct cpio_entry *e)
{
	struct unpack *u = ctx;
	int err;

	u->out = NULL;
	u->pos = 0;
	u->target_len = 0;
	clear_way(e);
	switch (e->mode & S_IFMT) {
	case S_IFREG: err = begin_file(u, e); break;
	case S_IFDIR: err = make_dir(e); break;
	case S_IFLNK: err = e->size < PATH_MAX ? 0 : -ENAMETOOLONG; break;
	default: err = make_node(e); break;
	}
	u->skip = err;
	/* An entry that cannot be made does not spoil those that can; memory does. */
	return err == -ENOMEM || err == -ENOSPC ? err : 0;
}

static int entry_data(void *ctx, const struct cpio_entry *e, const void *data, size_t len)
{
	struct unpack *u = ctx;
	ssize_t n;

	if (u->skip)
		return 0;
	if (S_ISLNK(e->mode)) {
		memcpy(u->target + u->target_len, data, len);
		u->target_len += len;
		return 0;
	}
	if (!u->out)
		return 0;
	while (len) {
		n = file_write(u->out, data, len, &u->pos);
		if (n <= 0)
			return n ?: -EIO;
		data = (const u8 *)data + n;
		len -= n;
	}
	return 0;
}

static int end_symlink(struct unpack *u, const struct cpio_entry *e)
{
	struct path parent;
	struct dentry *d;
	int err;

	u->target[u->target_len] = 0;
	err = path_create(AT_FDCWD, e->name, 0, &parent, &d);
	if (err)
		return err == -EEXIST ? 0 : err;
	err = vfs_symlink(parent.dentry->inode, d, u->target);
	path_create_done(&parent, d);
	return err;
}

static int end_entry(void *ctx, const struct cpio_entry *e)
{
	struct unpack *u = ctx;
	int err = 0;

	if (u->out) {
		set_attributes(&u->out->path, e);
		file_put(u->out);
		u->out = NULL;
	} else if (!u->skip) {
		if (S_ISLNK(e->mode))
			err = end_symlink(u, e);
		if (!err)
			set_attributes_of(e);
	}
	return err == -ENOMEM || err == -ENOSPC ? err : 0;
}

static const struct cpio_ops unpack_ops = { begin_entry, entry_data, end_entry };

/* A file system's image may begin with a boot sector, which may be zeroes; its superblock is in the
 * first pages. */
static bool looks_like_image(const u8 *p, size_t len)
{
	struct probe_result found;

	if (len < PROBE_BYTES || !memcmp(p, "07070", 5))
		return false;
	return *p || fs_probe(p, &found);
}

/* Compressed input */

static ssize_t inflate_read(void *ctx, const u8 **data)
{
	struct unpack *u = ctx;

	if (u->given)
		return 0;
	u->given = true;
	*data = u->data;
	return u->len;
}

/* Archives begin with their magic, or with padding. */
static bool is_archive(const u8 *p, size_t len)
{
	return !len || !p[0] || (len >= 5 && !memcmp(p, "07070", 5));
}

static int inflate_write(void *ctx, const u8 *data, size_t len)
{
	struct unpack *u = ctx;
	int err;

	if (!u->begun) {
		u->begun = true;
		if (looks_like_image(data, len)) {
			err = initrd_begin(&u->disk);
			if (err)
				return err;
			u->image = true;
		}
	}
	return u->image ? initrd_write(&u->disk, data, len) : cpio_feed(&u->cpio, data, len);
}

static bool is_gzip(const u8 *p, size_t len)
{
	return len > 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* One compressed member.  *used: how much of the input it took. */
static int unpack_gzip(struct unpack *u, const u8 *p, size_t len, size_t *used)
{
	struct inflate_io io = {
		.format = INFLATE_GZIP,
		.read = inflate_read,
		.write = inflate_write,
		.ctx = u,
		.window = u->window,
		.tables = u->tables,
	};
	size_t rest = 0;
	int err;

	u->data = p;
	u->len = len;
	u->given = u->begun = u->image = false;
	err = inflate(&io, &rest);
	if (u->image)
		err = initrd_end(&u->disk, err);
	*used = len - rest;
	return err;
}

/* How many bytes the reader takes before it can be between two entries again. */
static size_t cpio_step(const struct cpio *c)
{
	switch (c->state) {
	case CPIO_HEADER: return sizeof(c->header) - c->have;
	case CPIO_NAME: return c->namesize - c->have;
	case CPIO_DATA: return c->entry.size - c->have;
	default: return 1;
	}
}

/* Plain archives, up to a compressed one that begins after padding, or to the end. */
static int unpack_plain(struct unpack *u, const u8 *p, size_t len, size_t *used)
{
	size_t done = 0;

	while (done < len) {
		int err;

		if (u->cpio.state == CPIO_HEADER && !u->cpio.have) {
			while (done < len && !p[done])
				done++;
			if (done == len || is_gzip(p + done, len - done))
				break;
		}
		size_t piece = min(len - done, max_t(size_t, cpio_step(&u->cpio), 1));

		err = cpio_feed(&u->cpio, p + done, piece);
		if (err)
			return err;
		done += piece;
	}
	*used = done;
	return 0;
}

/* An image as it is. */
static int copy_image(struct unpack *u, const u8 *p, size_t len)
{
	int err = initrd_begin(&u->disk);

	return err ?: initrd_end(&u->disk, initrd_write(&u->disk, p, len));
}

static int unpack_all(struct unpack *u, const u8 *p, size_t len)
{
	if (!is_gzip(p, len) && looks_like_image(p, len))
		return copy_image(u, p, len);
	while (len) {
		size_t used = 0;
		int err;

		if (!*p) {
			p++;
			len--;
			continue;
		}
		if (is_gzip(p, len)) {
			cpio_init(&u->cpio, &unpack_ops, u);
			err = unpack_gzip(u, p, len, &used);
			if (!err && !u->image)
				err = cpio_finish(&u->cpio);
		} else if (is_archive(p, len)) {
			cpio_init(&u->cpio, &unpack_ops, u);
			err = unpack_plain(u, p, len, &used);
			if (!err)
				err = cpio_finish(&u->cpio);
		} else {
			err = -EINVAL;
		}
		if (u->out) {
			file_put(u->out);
			u->out = NULL;
		}
		links_free(u);
		if (err)
			return err;
		p += used;
		len -= used;
	}
	return 0;
}

void initramfs_unpack(paddr_t start, paddr_t end)
{
	struct unpack *u;
	int err = -ENOMEM;

	if (start >= end)
		return;
	u = kvzalloc(sizeof(*u), GFP_KERNEL);
	if (u) {
		u->window = kvmalloc(INFLATE_WINDOW, GFP_KERNEL);
		u->tables = kvmalloc(sizeof(*u->tables), GFP_KERNEL);
		if (u->window && u->tables)
			err = unpack_all(u, phys_to_virt(start), end - start);
		kvfree(u->window);
		kvfree(u->tables);
		kvfree(u);
	}
	file_flush_deferred();
	if (err)
		log_err("the archive is not usable beyond some point: error %d\n", err);
	memory_free_boot(ALIGN_UP(start, PAGE_SIZE), ALIGN_DOWN(end, PAGE_SIZE));
}
