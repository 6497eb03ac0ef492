/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An initial RAM disk: an image of a file system in the loader's memory, copied into /dev/ram0.
 *
 * It arrives in pieces of any length (from the decompressor); whole blocks go to the disk, the rest
 * waits for the next piece.
 */
#define LOG_PREFIX "initrd: "
#include "initrd_internal.h"
#include <fs/block/block.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#define RAM_DISK MKDEV(1, 0)

int initrd_begin(struct initrd *d)
{
	int err;

	*d = (struct initrd){.buf = kmalloc(INITRD_CHUNK, GFP_KERNEL)};
	if (!d->buf)
		return -ENOMEM;
	err = bdev_open(RAM_DISK, BDEV_READ | BDEV_WRITE, NULL, &d->bdev);
	if (err) {
		log_err("the image needs /dev/ram0, which is not there\n");
		kfree(d->buf);
	}
	return err;
}

static int chunk_write(struct initrd *d)
{
	size_t len = (d->fill + SECTOR_SIZE - 1) & ~(size_t)(SECTOR_SIZE - 1);
	int err;

	memset(d->buf + d->fill, 0, len - d->fill);
	err = bdev_rw(d->bdev, BIO_WRITE, d->done >> SECTOR_SHIFT, d->buf, len);
	d->done += d->fill;
	d->fill = 0;
	return err == -EIO && d->done > bdev_bytes(d->bdev) ? -ENOSPC : err;
}

int initrd_write(struct initrd *d, const u8 *data, size_t len)
{
	while (len) {
		size_t n = min(len, INITRD_CHUNK - d->fill);

		memcpy(d->buf + d->fill, data, n);
		d->fill += n;
		data += n;
		len -= n;
		if (d->fill == INITRD_CHUNK) {
			int err = chunk_write(d);

			if (err)
				return err;
		}
	}
	return 0;
}

int initrd_end(struct initrd *d, int err)
{
	if (!err && d->fill)
		err = chunk_write(d);
	if (err == -ENOSPC)
		log_err("the image is larger than /dev/ram0: give ramdisk_size= in KiB\n");
	else if (!err)
		log_info("%llu KiB in /dev/ram0\n", (unsigned long long)d->done / 1024);
	bdev_close(d->bdev, BDEV_READ | BDEV_WRITE, NULL);
	kfree(d->buf);
	return err;
}
