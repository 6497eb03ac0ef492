/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scalars and structures that every part of fs speaks: modes, device numbers, attributes. */
#pragma once

#include <kernel/lib/compiler.h>

typedef u32 umode_t; /* S_IF* and permission bits */
typedef u32 dev_t;   /* major in the upper 12 bits, minor in the lower 20 */

#define MINOR_BITS     20
#define MKDEV(ma, mi)  ((dev_t)(((u32)(ma) << MINOR_BITS) | (u32)(mi)))
#define MAJOR(dev)     ((u32)((dev) >> MINOR_BITS))
#define MINOR(dev)     ((u32)((dev) & ((1u << MINOR_BITS) - 1)))

/* The number as stat and mknod carry it. */
static inline u64 dev_encode(dev_t d)
{
	u32 ma = MAJOR(d), mi = MINOR(d);

	return (mi & 0xff) | (u64)ma << 8 | (u64)(mi & ~0xffu) << 12;
}

static inline dev_t dev_decode(u64 v)
{
	return MKDEV((v >> 8) & 0xfff, (v & 0xff) | ((v >> 12) & 0xfff00));
}

/* Attributes on their way to stat and statx. */
struct kstat {
	u32 result_mask; /* STATX_* filled */
	umode_t mode;
	u32 nlink;
	u32 uid, gid;
	u32 blksize;
	dev_t dev, rdev;
	u64 ino;
	u64 blocks; /* of 512 bytes */
	loff_t size;
	s64 atime, mtime, ctime, btime; /* ns since 1970 */
	u64 attributes, attributes_mask; /* STATX_ATTR_* */
	u64 mnt_id;
	u64 mnt_unique_id;
	u32 dio_mem_align, dio_offset_align;
};

struct kstatfs {
	u64 type;
	u64 bsize, frsize;
	u64 blocks, bfree, bavail;
	u64 files, ffree;
	u64 fsid;
	u64 namelen;
	u64 flags; /* ST_*: filled by the caller of the operation */
};

/* Changes asked of an inode. */
enum iattr_valid {
	ATTR_MODE = 1 << 0,
	ATTR_UID = 1 << 1,
	ATTR_GID = 1 << 2,
	ATTR_SIZE = 1 << 3,
	ATTR_ATIME = 1 << 4,
	ATTR_MTIME = 1 << 5,
	ATTR_CTIME = 1 << 6,
	ATTR_ATIME_SET = 1 << 7, /* to the given time, not to now */
	ATTR_MTIME_SET = 1 << 8,
	ATTR_KILL_SUID = 1 << 9,
	ATTR_KILL_SGID = 1 << 10,
	ATTR_FORCE = 1 << 11, /* not a request of the user: no permission check */
	ATTR_OPEN = 1 << 12,  /* truncating for open */
	ATTR_TOUCH = 1 << 13, /* utimes with NULL */
	ATTR_MODE_KILLED = 1 << 14, /* the mode only loses set-id bits: no permission needed */
};

struct file;

struct iattr {
	u32 valid;
	umode_t mode;
	u32 uid, gid;
	loff_t size;
	s64 atime, mtime, ctime;
	struct file *file; /* through which truncation came, or NULL */
};
