/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables: entries of one size in metadata blocks, and an uncompressed list of where these blocks
 * are.
 */
#include <kernel/abi/errno.h>
#include <mm/alloc.h>

#include "squashfs_internal.h"

int sq_table_read(struct sq_sb *fs, u64 index, u32 n, void *to, u32 size)
{
	u32 per_block = SQ_META_SIZE / size;
	struct sq_cursor at = {.offset = n % per_block * size};
	u8 where[8];
	int err = sq_read_bytes(fs, index + n / per_block * 8ull, where, sizeof(where));

	if (err)
		return err;
	at.block = get_unaligned_le64(where);
	return sq_meta_read(fs, &at, to, size);
}

int sq_ids_load(struct sq_sb *fs)
{
	u8 raw[4];
	int err = 0;

	fs->ids = kvmalloc(fs->nr_ids * sizeof(*fs->ids), GFP_KERNEL);
	if (!fs->ids)
		return -ENOMEM;
	for (u32 i = 0; i < fs->nr_ids && !err; i++) {
		err = sq_table_read(fs, fs->id_index, i, raw, sizeof(raw));
		fs->ids[i] = get_unaligned_le32(raw);
	}
	return err;
}

int sq_fragment_find(struct sq_sb *fs, u32 n, u64 *pos, u32 *size)
{
	u8 raw[16];
	int err;

	if (n >= fs->nr_fragments)
		return sq_error(fs, "there is no fragment %u", n);
	err = sq_table_read(fs, fs->fragment_index, n, raw, sizeof(raw));
	*pos = get_unaligned_le64(raw);
	*size = get_unaligned_le32(raw + 8);
	return err;
}
