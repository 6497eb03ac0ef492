/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File handles: a few words that name an inode of a superblock, and lead to it again as long as it
 * exists, name_to_handle_at(2).
 *
 * What they hold is the file system's business: usually the inode's number and its generation, so
 * that a number given to another file does not lead there.
 */
#pragma once

#include <fs/vfs/types.h>

struct dentry;
struct inode;
struct mount;
struct superblock;

#define EXPORT_MAX_WORDS 32 /* of 32 bits: MAX_HANDLE_SZ */

/* Types of handles, as user programs see them. */
enum export_type {
	EXPORT_INO32 = 1,          /* inode number and generation, of 32 bits */
	EXPORT_INO32_PARENT = 2,   /* and those of a directory it is in */
	EXPORT_INO64 = 0x81,       /* inode number in two words, and generation; only identifies */
	EXPORT_TOO_SMALL = 0xff,   /* no handle: it takes *words */
};

/* superblock.exports; without it inodes have handles that only identify them. */
struct export_ops {
	/*
	 * Fill `fid`, *words long, which becomes the number used, or needed.  Returns enum
	 * export_type or a negative errno.  NULL: no handles at all.  Context: may sleep.
	 */
	int (*encode)(struct inode *inode, u32 *fid, u32 *words);
	/*
	 * The inode of a handle, which may be anything.  Returns 0 or a negative errno, -ESTALE
	 * when there is none (any more).  Context: may sleep.
	 */
	int (*decode)(struct superblock *sb, const u32 *fid, u32 words, int type,
		      struct inode **out);
	/*
	 * The directory that `dir`, which has no dentry, is in.  NULL: directories in memory always
	 * have one.  Returns 0 or a negative errno.  Context: may sleep.
	 */
	int (*parent)(struct inode *dir, struct inode **out);
};

/*
 * The handle of a file, into `fid`, *words long at most, which becomes the number used, or needed.
 * `identify`: it need not lead back.  Returns its type, EXPORT_TOO_SMALL, -EOPNOTSUPP, or what
 * encode returns.  Context: may sleep.
 */
int export_encode(struct inode *inode, bool identify, u32 *fid, u32 *words) __must_check;
/*
 * The file of a handle: a dentry with a count, in no directory if it is none and no name of it is
 * cached.  Returns 0, -ESTALE, -ENOMEM.  Context: may sleep.
 */
int export_decode(struct mount *mnt, const u32 *fid, u32 words, int type,
		  struct dentry **out) __must_check;

/* For export_ops: EXPORT_INO32 of inode->ino and generation. */
int export_encode_ino32(struct inode *inode, u32 *fid, u32 *words);
/* The two of an EXPORT_INO32 or EXPORT_INO32_PARENT; generation 0 is that of every inode.  Returns
 * 0 or -ESTALE. */
int export_decode_ino32(const u32 *fid, u32 words, int type, u32 *ino,
			u32 *generation) __must_check;
