/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many buckets the tables of names and of inodes have. */
#pragma once

#include <kernel/lib/bits.h>
#include <mm/page.h>

#define VFS_HASH_BITS_LEAST 10
#define VFS_HASH_BITS_MOST  20
#define VFS_HASH_FRAMES	    8 /* memory that there is a bucket for */

/*
 * Bits of a bucket's number.  What is cached is bounded by memory: a name with its inode takes
 * about a KiB, so when a quarter of the memory is full of them a bucket has eight.
 */
static inline unsigned vfs_hash_bits(void)
{
	unsigned bits = VFS_HASH_BITS_LEAST;

	while (bits < VFS_HASH_BITS_MOST && (u64)VFS_HASH_FRAMES << bits < pfn_limit - pfn_first)
		bits++;
	return bits;
}
