/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading directories. */
#pragma once

#include <kernel/lib/string.h>
#include <kernel/abi/dirent.h>
#include <fs/vfs/file.h>

/* Handed to file_ops.iterate: the caller embeds it. */
struct dir_context {
	/* Take one entry; false: full, stop. */
	bool (*actor)(struct dir_context *ctx, const char *name, size_t len, loff_t pos, u64 ino,
		      unsigned type);
	loff_t pos; /* of the next entry; ends as file->pos */
};

static inline bool dir_emit(struct dir_context *ctx, const char *name, size_t len, u64 ino,
			    unsigned type)
{
	return ctx->actor(ctx, name, len, ctx->pos, ino, type);
}

/* "." or "..": what no file system's own search or removal means. */
static inline bool name_is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* "." at position 0 and ".." at 1; false: full. */
bool dir_emit_dots(struct file *file, struct dir_context *ctx);

/* Run iterate with locks and checks.  Returns 0 or a negative errno.  Context: may sleep. */
int dir_iterate(struct file *file, struct dir_context *ctx) __must_check;

/* For file systems whose directories are their cached dentries (dentry.cookie is the position, 2
 * and up). */
extern const struct file_ops dcache_dir_ops;
/* `d`, positive or about to be, becomes the last entry of its directory, and stays.  Locks: the
 * directory's inode W. */
void dcache_dir_enter(struct dentry *d);
/* `d` is about to move into `to` (d_move or d_exchange follows): the last entry there.  Locks: both
 * directories' inodes W. */
void dcache_dir_leave(struct dentry *d, struct dentry *to);
bool dcache_dir_empty(struct dentry *dir);
