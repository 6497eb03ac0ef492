/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling /dev/ram0 from an image; for fs/initramfs.c. */
#pragma once

#include <kernel/lib/types.h>

struct bdev;

#define INITRD_CHUNK 65536ul

struct initrd {
	struct bdev *bdev;
	u8 *buf;     /* INITRD_CHUNK bytes */
	size_t fill; /* of buf */
	u64 done;    /* bytes on the disk */
};

/* Returns 0, -ENXIO (no such disk), -ENOMEM.  Context: may sleep. */
int initrd_begin(struct initrd *d) __must_check;
int initrd_write(struct initrd *d, const u8 *data, size_t len) __must_check;
/* Write the rest and let go; `err` is what happened before.  Returns the first error. */
int initrd_end(struct initrd *d, int err);
