/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metadata: blocks of 8 KiB, decompressed, the last few used kept.
 *
 * One mutex guards them all, and is held while one is read: names and inodes are in the VFS's
 * caches once found, so this is the way of what is found for the first time.  What comes off the
 * device stays in its page cache, compressed, as far as memory allows; a block that was dropped
 * here costs the decompressor's work and no transfer.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/inflate.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "squashfs_internal.h"

#define READAHEAD_BYTES 32768u

/* --- the image, as it is ---------------------------------------------------------------------- */

/* The block of the device, and those behind it if it was not in memory. */
static int read_block(struct sq_sb *fs, u64 block, struct buffer **out)
{
	u64 end = fs->bytes >> fs->bdev->block_bits;
	struct buffer *b = buffer_find(fs->bdev, block);

	if (!b && block < end)
		buffer_readahead(
			fs->bdev, block,
			(unsigned)min(end - block, (u64)READAHEAD_BYTES >> fs->bdev->block_bits));
	buffer_put(b);
	return buffer_read(fs->bdev, block, out);
}

int sq_read_bytes(struct sq_sb *fs, u64 pos, void *to, u32 len)
{
	u32 bits = fs->bdev->block_bits, at, part;
	struct buffer *b;
	int err;

	if (pos > fs->bytes || len > fs->bytes - pos)
		return sq_error(fs, "%u bytes at %llu are not in the image", len, pos);
	for (; len; len -= part, pos += part, to = (u8 *)to + part) {
		err = read_block(fs, pos >> bits, &b);
		if (err)
			return err;
		at = pos & ((1u << bits) - 1);
		part = min(len, (1u << bits) - at);
		memcpy(to, (u8 *)b->data + at, part);
		buffer_put(b);
	}
	return 0;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static int fill_raw(struct sq_sb *fs, struct sq_meta *m, u64 pos, u32 len)
{
	m->len = len;
	return sq_read_bytes(fs, pos, m->data, len);
}

static int fill_inflated(struct sq_sb *fs, struct sq_meta *m, u64 pos, u32 len)
{
	u8 *packed = fs->meta_memory + SQ_META_CACHED * SQ_META_SIZE;
	size_t n = SQ_META_SIZE;
	int err = sq_read_bytes(fs, pos, packed, len);

	if (err)
		return err;
	err = inflate_buffer(INFLATE_ZLIB, packed, len, m->data, &n, fs->meta_scratch);
	m->len = (u32)n;
	return err ? sq_error(fs, "the metadata at %llu does not decompress", pos) : 0;
}

/* Locks: meta_lock. */
static int fill(struct sq_sb *fs, struct sq_meta *m, u64 pos)
{
	u8 header[2];
	u32 len, raw;
	int err = sq_read_bytes(fs, pos, header, sizeof(header));

	if (err)
		return err;
	len = get_unaligned_le16(header);
	raw = len & SQ_META_RAW;
	len &= ~SQ_META_RAW;
	if (!len || len > SQ_META_SIZE)
		return sq_error(fs, "the metadata at %llu has %u bytes", pos, len);
	err = raw ? fill_raw(fs, m, pos + 2, len) : fill_inflated(fs, m, pos + 2, len);
	m->next = pos + 2 + len;
	return err;
}

/* The block at `pos`, in the place of the one that was not used for longest.  Locks: meta_lock. */
static int get(struct sq_sb *fs, u64 pos, struct sq_meta **out)
{
	struct sq_meta *m, *oldest = fs->meta;
	int err;

	if (pos < SQ_SUPER_BYTES)
		return sq_error(fs, "no metadata can be at %llu", pos);
	for (m = fs->meta; m < fs->meta + SQ_META_CACHED; m++) {
		if (m->pos == pos)
			goto found;
		if (m->used < oldest->used)
			oldest = m;
	}
	m = oldest;
	m->pos = 0;
	err = fill(fs, m, pos);
	if (err)
		return err;
	m->pos = pos;
found:
	m->used = ++fs->meta_uses;
	*out = m;
	return 0;
}

int sq_meta_read(struct sq_sb *fs, struct sq_cursor *at, void *to, u32 len)
{
	struct sq_meta *m = NULL;
	u32 part;
	int err;

	guard_mutex(&fs->meta_lock);
	for (; len; len -= part) {
		err = get(fs, at->block, &m);
		if (err)
			return err;
		if (at->offset >= m->len)
			return sq_error(fs, "the metadata at %llu ends before %u", at->block,
					at->offset);
		part = min(len, m->len - at->offset);
		if (to) {
			memcpy(to, m->data + at->offset, part);
			to = (u8 *)to + part;
		}
		at->offset += part;
		if (at->offset == m->len)
			*at = (struct sq_cursor){.block = m->next};
	}
	return 0;
}

int sq_meta_init(struct sq_sb *fs)
{
	mutex_init(&fs->meta_lock, RANK_FS_ALLOC, "squashfs.meta");
	fs->meta_memory = kvmalloc((SQ_META_CACHED + 1) * SQ_META_SIZE, GFP_KERNEL);
	fs->meta_scratch = kvmalloc(INFLATE_SCRATCH, GFP_KERNEL);
	if (!fs->meta_memory || !fs->meta_scratch)
		return -ENOMEM;
	for (unsigned i = 0; i < SQ_META_CACHED; i++)
		fs->meta[i].data = fs->meta_memory + i * SQ_META_SIZE;
	return 0;
}

void sq_meta_fini(struct sq_sb *fs)
{
	kvfree(fs->meta_memory);
	kvfree(fs->meta_scratch);
}
