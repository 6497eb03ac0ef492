/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading of cpio archives in the "newc" format, as an initial file system comes.
 *
 * The input arrives in pieces of any size.  Several archives may follow one another, with zero
 * padding between.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define CPIO_NAME_MAX 4096

struct cpio_entry {
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 size;
	u32 dev_major, dev_minor;
	u32 rdev_major, rdev_minor;
	const char *name; /* as archived, terminated; valid during the calls of this entry */
};

/* Each returns 0, or a negative errno, which ends the reading. */
struct cpio_ops {
	/* An entry begins: data, if any, follows.  A link's target is its data. */
	int (*begin)(void *ctx, const struct cpio_entry *e);
	int (*data)(void *ctx, const struct cpio_entry *e, const void *data, size_t len);
	int (*end)(void *ctx, const struct cpio_entry *e);
};

enum cpio_state { CPIO_HEADER, CPIO_NAME, CPIO_NAME_PAD, CPIO_DATA, CPIO_DATA_PAD };

struct cpio {
	const struct cpio_ops *ops;
	void *ctx;
	enum cpio_state state;
	u32 have; /* bytes taken of the header, name, data or padding */
	u32 namesize;
	struct cpio_entry entry;
	char header[110];
	char name[CPIO_NAME_MAX];
};

void cpio_init(struct cpio *c, const struct cpio_ops *ops, void *ctx);

/* Take a piece.  Returns 0, -EINVAL (malformed), -ENAMETOOLONG, or what an operation returned. */
int __must_check cpio_feed(struct cpio *c, const void *data, size_t len);

/* No more input.  Returns 0, or -ENODATA when an entry was cut short. */
int __must_check cpio_finish(struct cpio *c);
