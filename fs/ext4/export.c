/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File handles: inode number and generation; and the way up from a directory nobody named. */
#include <fs/vfs/export.h>

#include "dir_internal.h"

static int ext4_export_decode(struct superblock *sb, const u32 *fid, u32 words, int type,
			      struct inode **out)
{
	u32 ino, generation;
	int err = export_decode_ino32(fid, words, type, &ino, &generation);

	err = err ?: ext4_inode_get_open(sb, ino, out);
	if (!err && generation && (*out)->generation != generation) {
		inode_put(*out);
		return -ESTALE;
	}
	return err;
}

static int ext4_export_parent(struct inode *dir, struct inode **out)
{
	struct ext4_entry up;
	int err;

	if (!READ_ONCE(dir->nlink))
		return -ESTALE;
	err = ext4_dir_parent(dir, &up);
	if (err)
		return err;
	ext4_entry_put(&up);
	return ext4_inode_get(dir->sb, up.ino, out);
}

const struct export_ops ext4_export_ops = {
	.encode = export_encode_ino32,
	.decode = ext4_export_decode,
	.parent = ext4_export_parent,
};
