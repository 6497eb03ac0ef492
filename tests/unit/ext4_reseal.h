/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums of an ext4 image made right again after bytes of it changed, so that what reads the
 * image gets past them.
 *
 * Which block is what is learned from the sound image; a block that changed is sealed as what it
 * was: superblock, group descriptors (with the counts and checksums of bitmaps that changed), the
 * inode table, extent nodes, directory blocks, attribute blocks, the orphan file, and the log with
 * the copies in it.  Image and descriptors are as mke2fs makes them for small disks: all
 * descriptors in one block.
 */
#pragma once

#include <disk.h>

struct reseal;

/*
 * `sound`: unmounted cleanly.  `image`: what reseal() will see changed: the same, or an earlier
 * state of it whose log is full.  Ends the test when its idea of the checksums is not the image's.
 */
struct reseal *reseal_learn(const u8 *sound, const u8 *image, u64 bytes);
void reseal_forget(struct reseal *r);
/* `d` holds `image`, changed. */
void reseal(struct reseal *r, struct host_disk *d);
