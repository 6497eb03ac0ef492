/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories: listing and looking up, from the first record to the last.
 *
 * Positions are bytes in the directory.  "." and ".." are records like others.  A name is looked up
 * as it is shown; with check=relaxed, the default of Joliet, in any case of its letters.  The
 * dentry cache knows only exact names, so another spelling is answered with the dentry that the
 * file has here already.
 */
#include <fs/vfs/dir.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>

#include "isofs_internal.h"

/* --- walking ---------------------------------------------------------------------------------- */

struct walk {
	struct inode *dir;
	struct iso_sb *fs;
	u64 pos; /* behind the record at hand */
	struct buffer *held;
	struct iso_rock rock;
	struct iso_record record; /* the first of the file at hand */
	struct iso_record more;
	char name[ISO_NAME_BYTES];
	unsigned len;
};

#define READAHEAD_BLOCKS 32u

static u64 dir_start(const struct inode *dir)
{
	return (u64)iso_i(dir)->extents[0].block << dir->sb->blkbits;
}

static int walk_begin(struct inode *dir, u64 pos, struct walk **out)
{
	struct walk *w = kmalloc(sizeof(*w), GFP_KERNEL);
	u64 blocks = ((u64)dir->size - min(pos, (u64)dir->size)) >> dir->sb->blkbits;

	if (!w)
		return -ENOMEM;
	w->dir = dir;
	w->fs = iso_sb(dir->sb);
	w->pos = pos;
	w->held = NULL;
	iso_rock_init(&w->rock, w->fs);
	if (blocks > 1)
		buffer_readahead(w->fs->bdev, (dir_start(dir) + pos) >> dir->sb->blkbits,
				 (unsigned)min(blocks, (u64)READAHEAD_BLOCKS));
	*out = w;
	return 0;
}

static void walk_end(struct walk *w)
{
	buffer_put(w->held);
	iso_rock_fini(&w->rock);
	kfree(w);
}

static int next_record(struct walk *w, struct iso_record *r)
{
	u64 start = dir_start(w->dir);
	int err = iso_record_at(w->fs, &w->held, start + w->pos, start + (u64)w->dir->size, r);

	if (!err)
		w->pos = r->place - start + r->len;
	cond_resched();
	return err;
}

/* The next file: its first record, and behind it all the others.  -ENOENT at the end. */
static int next_file(struct walk *w)
{
	int err = next_record(w, &w->record);
	u8 flags = err ? 0 : iso_record_flags(&w->record);

	while (!err && flags & ISO_FLAG_MORE) {
		err = next_record(w, &w->more);
		flags = err ? 0 : iso_record_flags(&w->more);
	}
	return err;
}

/* The next file with a name to be seen, or "." or ".." (len 0). */
static int next_shown(struct walk *w)
{
	int err;

	do {
		err = next_file(w);
		if (err)
			return err;
		w->len = 0;
		if (iso_record_is_dots(&w->record))
			return 0;
		err = iso_name(w->fs, &w->rock, &w->record, w->name, &w->len);
	} while (err == -ENOENT);
	return err;
}

/* --- listing ---------------------------------------------------------------------------------- */

static bool emit(struct file *file, struct dir_context *ctx, const struct walk *w)
{
	struct dentry *parent;
	u64 ino;

	if (w->len)
		return dir_emit(ctx, w->name, w->len, iso_record_home(w->fs, &w->record) >> 5,
				DT_UNKNOWN);
	if (!iso_record_name(&w->record)[0])
		return dir_emit(ctx, ".", 1, file->inode->ino, DT_DIR);
	parent = dentry_get_parent(file->path.dentry);
	ino = parent->inode->ino;
	dentry_put(parent);
	return dir_emit(ctx, "..", 2, ino, DT_DIR);
}

static int iso_iterate(struct file *file, struct dir_context *ctx)
{
	struct walk *w;
	int err = walk_begin(file->inode, (u64)ctx->pos, &w);

	if (err)
		return err;
	while (!(err = next_shown(w)) && emit(file, ctx, w))
		ctx->pos = (loff_t)w->pos;
	walk_end(w);
	return err == -ENOENT ? 0 : err;
}

const struct file_ops iso_dir_ops = {
	.lseek = generic_lseek,
	.iterate = iso_iterate,
};

/* --- looking up ------------------------------------------------------------------------------- */

static int find(struct inode *dir, const struct dentry *dentry, u64 *home)
{
	struct walk *w;
	int err = walk_begin(dir, 0, &w);

	if (err)
		return err;
	while (!(err = next_shown(w))) {
		if (w->len && iso_name_equal(w->fs, w->name, w->len, dentry->name, dentry->len))
			break;
	}
	if (!err)
		*home = iso_record_home(w->fs, &w->record);
	walk_end(w);
	return err;
}

static int iso_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct inode *inode;
	u64 home;
	int err = find(dir, dentry, &home);

	if (err == -ENOENT) {
		d_add(dentry, NULL);
		return 0;
	}
	if (!err)
		err = iso_iget(dir->sb, home, &inode);
	return err ? err : d_splice_spelling(dentry, inode, alias);
}

const struct inode_ops iso_dir_inode_ops = {.lookup = iso_lookup};
