/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Direct I/O on a device, and what clears ranges of it. */
#pragma once

#include <fs/block/block.h>

struct iov_iter;

/*
 * Between the iterator's memory and the device, past the cache, which is made to agree before and
 * after.  Moves *pos and the iterator.  Returns bytes, or -EINVAL (position, memory or length not
 * in logical blocks), -EFAULT, -EIO, ... when none.
 */
ssize_t direct_io(struct bdev *b, struct iov_iter *it, loff_t *pos, bool write);

enum clear_how { CLEAR_DISCARD, CLEAR_ZERO, CLEAR_PUNCH };
/* A range of bytes, in logical blocks, and the cache over it. */
int bdev_clear_range(struct bdev *b, u64 offset, u64 len, enum clear_how how) __must_check;
