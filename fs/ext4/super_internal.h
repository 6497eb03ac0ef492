/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between super_check.c, which believes the superblock or not, and super.c, which mounts. */
#pragma once

#include "ext4_internal.h"

extern const struct fs_type ext2_type, ext3_type, ext4_type;

/* A message of the kind Linux gives, and -EINVAL. */
#define refuse(es, fmt, ...)                                                                       \
	({                                                                                         \
		log_err("(%s): " fmt "\n", (es)->sb->id, ##__VA_ARGS__);                           \
		-EINVAL;                                                                           \
	})

/*
 * Find the superblock that opt.sb_block names, read it in blocks of its own size (super_buffer,
 * disk), and check it.  Nothing is said of what is no ext4 when `silent`.  Returns 0, -EINVAL,
 * -EBADMSG, -EIO, -ENOMEM.  Context: may sleep, nothing else uses the device.
 */
int ext4_super_find(struct ext4_super *es, bool silent) __must_check;
/*
 * Check what is in es->disk, and take geometry and features over.  May make the mount read-only.
 * Returns 0, -EINVAL, -EBADMSG.
 */
int ext4_super_check(struct ext4_super *es, bool silent) __must_check;
/* Are all features known that reading, or writing, needs to know?  0 or -EINVAL. */
int ext4_check_features(struct ext4_super *es, bool read_only) __must_check;
