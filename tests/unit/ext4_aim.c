/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of an ext4 image (ext4_aim.h). */
#include <fs/ext4/dirent.h>
#include <fs/ext4/ext4_format.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include "ext4_aim.h"

#define SUPER      RESEAL_NOTHING /* with the group descriptors: their places are known */
#define MAX_PLACES 20000u         /* of a kind */

static struct {
	u64 at[MAX_PLACES];
	u32 n;
} places[RESEAL_KINDS];

static const struct ext4_disk_super *super;

static void add(unsigned kind, u64 at, u32 bytes, u32 step)
{
	for (u32 i = 0; i < bytes && places[kind].n < MAX_PLACES; i += step)
		places[kind].at[places[kind].n++] = at + i;
}

static void add_itable(unsigned kind, u64 at, const u8 *data, u32 size)
{
	for (u32 i = 0; i < size / super->inode_size; i++) {
		const struct ext4_disk_inode *d = (const void *)(data + i * super->inode_size);
		u64 inode = at + i * super->inode_size;

		if (!memchr_inv(d, 0, super->inode_size))
			continue;
		add(kind, inode, EXT4_GOOD_OLD_INODE, 2);
		if (super->inode_size == EXT4_GOOD_OLD_INODE)
			continue;
		add(kind, inode + EXT4_GOOD_OLD_INODE, 4, 1);
		/* The attributes behind it. */
		add(kind, inode + EXT4_GOOD_OLD_INODE + min(d->extra_isize, (u16)96), 32, 2);
	}
}

static void add_leaf(unsigned kind, u64 at, const u8 *data, u32 size)
{
	for (u32 off = 0; off + 12 <= size;) {
		const struct ext4_dirent *d = (const void *)(data + off);

		add(kind, at + off, 9, 1);
		if (d->rec_len < 8)
			return;
		off += d->rec_len;
	}
}

/* A block whose contents are of this kind; `kind` is the list. */
static void add_block(unsigned kind, enum reseal_kind what, u64 at, const u8 *data, u32 size)
{
	switch (what) {
	case RESEAL_ITABLE: return add_itable(kind, at, data, size);
	case RESEAL_LEAF: return add_leaf(kind, at, data, size);
	case RESEAL_INDIRECT: return add(kind, at, 64, 2);
	case RESEAL_EXTENT: return add(kind, at, 12 + 5 * 12, 2);
	case RESEAL_HTREE_ROOT: return add(kind, at, 96, 1);
	case RESEAL_HTREE_NODE: return add(kind, at, 64, 1);
	case RESEAL_ORPHANS: return add(kind, at, 16, 4);
	case RESEAL_XATTR: return add(kind, at, 112, 2);
	case RESEAL_LOG_SUPER: return add(kind, at, 0x58, 2);
	case RESEAL_LOG_TAIL: return add(kind, at, 12 + 6 * 16, 2);
	case RESEAL_LOG_COMMIT: return add(kind, at, 60, 4);
	default: return;
	}
}

void aim_learn(const struct reseal *r, const u8 *image, u64 bytes)
{
	u32 block_size;
	u64 of, descs;

	for (unsigned kind = 0; kind < RESEAL_KINDS; kind++)
		places[kind].n = 0;
	super = (const struct ext4_disk_super *)(image + EXT4_SUPER_OFFSET);
	block_size = 1024u << super->log_block_size;
	descs = (super->first_data_block + 1) * (u64)block_size;
	add(SUPER, EXT4_SUPER_OFFSET, 0x180, 2);
	add(SUPER, descs, 3 * EXT4_DESC_SIZE_64, 1);
	for (u64 block = 1; block < bytes / block_size; block++) {
		enum reseal_kind kind = reseal_kind(r, block, &of), what = kind;
		u64 ignored;

		if (kind == RESEAL_LOG_DATA)
			what = reseal_kind(r, of, &ignored);
		add_block(kind, what, block * block_size, image + block * block_size, block_size);
	}
	super = NULL;
}

u64 aim(u64 random)
{
	unsigned kind = (unsigned)(random % RESEAL_KINDS);

	random /= RESEAL_KINDS;
	while (!places[kind].n)
		kind = (kind + 1) % RESEAL_KINDS;
	return places[kind].at[random % places[kind].n];
}
