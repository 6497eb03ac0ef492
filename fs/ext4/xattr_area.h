/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes as bytes: the area behind an inode's fields, or an attribute block.
 *
 * Nothing here knows buffers or inodes.  The area may come from a hostile disk: check it with
 * ext4_xattr_area_fault() before anything else, each time.
 */
#pragma once

#include <fs/ext4/ext4_format.h>
#include <kernel/lib/compiler.h>

struct ext4_xattr_area {
	u8 *base;    /* what offsets of values count from */
	u32 first;   /* offset of the first entry */
	u32 size;    /* bytes from base to the end */
	bool sorted; /* a block: entries are in order and have hashes */
};

/* A name without the part that its index stands for. */
struct ext4_xattr_name {
	u8 index, len;
	const char *text;
};

static inline struct ext4_xattr_entry *ext4_xattr_at(const struct ext4_xattr_area *a, u32 off)
{
	return (struct ext4_xattr_entry *)(a->base + off);
}

static inline bool ext4_xattr_is_last(const struct ext4_xattr_entry *e)
{
	return !*(const u32 *)e;
}

static inline u32 ext4_xattr_next(const struct ext4_xattr_area *a, u32 off)
{
	return off +
	       (((u32)sizeof(struct ext4_xattr_entry) + ext4_xattr_at(a, off)->name_len + 3u) &
		~3u);
}

/* Each entry of a checked area. */
#define ext4_xattr_for_each(area, off)                                                             \
	for (u32 off = (area)->first; !ext4_xattr_is_last(ext4_xattr_at(area, off));               \
	     off = ext4_xattr_next(area, off))

/* What is wrong with it, or NULL. */
const char *ext4_xattr_area_fault(const struct ext4_xattr_area *a);
/* The entry in *off; or -ENODATA, and where it would be in order. */
int ext4_xattr_area_find(const struct ext4_xattr_area *a, const struct ext4_xattr_name *name,
			 u32 *off) __must_check;
/*
 * Set or (value NULL) remove.  Returns 0, -ENOSPC or -ENODATA (nothing to remove); the area is then
 * as it was.
 */
int ext4_xattr_area_set(struct ext4_xattr_area *a, const struct ext4_xattr_name *name,
			const void *value, u32 size) __must_check;
/* The hash over all entries that an attribute block has in its header; 0 when one has none. */
u32 ext4_xattr_area_hash(const struct ext4_xattr_area *a);
