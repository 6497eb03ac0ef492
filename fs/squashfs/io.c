/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File data: off the device and through the decompressor.
 *
 * A block is read into pages of its own, with as few transfers as the device allows, and
 * decompressed from them straight into the pages of the page cache; compressed data is not cached.
 * Reading and decompressing are two steps, so the next block is on its way while this one is worked
 * on.
 *
 * The decompressor needs 35 KiB of scratch.  There are as many pieces as processors, allocated at
 * the mount: reading a file does not need memory for them when there is none.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/inflate.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include <mm/alloc.h>
#include <mm/page.h>

#include "squashfs_internal.h"

/* --- reading ---------------------------------------------------------------------------------- */

static void read_put(struct sq_read *r)
{
	if (!atomic_sub_return(&r->pending, 1))
		completion_done(&r->done);
}

/* Context: the device's. */
static void read_end(struct bio *bio)
{
	struct sq_read *r = bio->private;

	if (bio->error)
		WRITE_ONCE(r->error, bio->error);
	bio_put(bio);
	read_put(r);
}

static struct bio *read_bio(struct sq_read *r, u64 pos, unsigned pages)
{
	struct bio *bio =
		bio_alloc(r->fs->bdev, min(pages, BIO_MAX_VECS), BIO_READ, BIO_SYNC, GFP_NOFS);

	bio->sector = pos >> SECTOR_SHIFT;
	bio->end = read_end;
	bio->private = r;
	atomic_add(&r->pending, 1);
	return bio;
}

/* `bytes` from `pos` on, both in the device's blocks. */
static void read_submit(struct sq_read *r, u64 pos, u32 bytes)
{
	struct bio *bio = NULL;

	for (unsigned i = 0; i < r->nr_pages; i++) {
		u32 part = min(bytes, (u32)PAGE_SIZE);

		if (!bio || !bio_add_page(bio, r->pages[i], 0, part)) {
			if (bio)
				bio_submit(bio);
			bio = read_bio(r, pos, r->nr_pages - i);
			bio_add_page(bio, r->pages[i], 0, part);
		}
		pos += part;
		bytes -= part;
	}
	if (bio)
		bio_submit(bio);
}

static void read_free(struct sq_read *r)
{
	for (unsigned i = 0; i < r->nr_pages; i++)
		page_put(r->pages[i]);
	kfree(r->pages);
}

static int read_alloc(struct sq_read *r, unsigned pages)
{
	r->pages = kmalloc(pages * sizeof(*r->pages), GFP_NOFS);
	r->nr_pages = 0;
	while (r->pages && r->nr_pages < pages) {
		r->pages[r->nr_pages] = page_alloc(GFP_NOFS);
		if (!r->pages[r->nr_pages])
			break;
		r->nr_pages++;
	}
	if (r->nr_pages == pages)
		return 0;
	read_free(r);
	return -ENOMEM;
}

int sq_read_start(struct sq_sb *fs, u64 pos, u32 len, struct sq_read *r)
{
	u64 align = bdev_logical_block(fs->bdev), start = pos & ~(align - 1);
	u32 bytes = (u32)(((pos + len + align - 1) & ~(align - 1)) - start);
	struct plug plug;
	int err;

	if (pos < SQ_SUPER_BYTES || pos > fs->bytes || len > fs->bytes - pos)
		return sq_error(fs, "%u bytes at %llu are not in the image", len, pos);
	err = read_alloc(r, (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
	if (err)
		return err;
	r->fs = fs;
	r->skip = (u32)(pos - start);
	r->len = len;
	r->error = 0;
	r->pending = 1;
	completion_init(&r->done);
	plug_start(&plug);
	read_submit(r, start, bytes);
	plug_finish(&plug);
	return 0;
}

/* --- putting it out --------------------------------------------------------------------------- */

/* From the pages that were read, one after the other, to where they are wanted. */
struct transfer {
	const struct sq_read *r;
	u32 read;
	struct sq_out *out;
};

static ssize_t transfer_read(void *ctx, const u8 **data)
{
	struct transfer *t = ctx;
	u32 at = t->r->skip + t->read, offset = at & (PAGE_SIZE - 1);
	u32 part = min(t->r->len - t->read, (u32)PAGE_SIZE - offset);

	if (!part)
		return 0;
	*data = (const u8 *)folio_address(page_folio(t->r->pages[at >> PAGE_SHIFT])) + offset;
	t->read += part;
	return part;
}

static int transfer_write(void *ctx, const u8 *data, size_t len)
{
	struct sq_out *out = ((struct transfer *)ctx)->out;
	u32 part;

	if (len > out->room - out->done)
		return -EIO;
	for (u32 left = (u32)len; left; left -= part, data += part, out->done += part) {
		u32 at = out->done & (PAGE_SIZE - 1);
		struct folio *f = out->folios[out->done >> PAGE_SHIFT];

		part = min(left, (u32)PAGE_SIZE - at);
		if (f)
			memcpy((char *)folio_address(f) + at, data, part);
	}
	return 0;
}

static int copy_raw(struct transfer *t)
{
	const u8 *data;
	ssize_t n;
	int err = 0;

	while (!err && (n = transfer_read(t, &data)) > 0)
		err = transfer_write(t, data, (size_t)n);
	return err;
}

/* A decoder nobody uses, or else this processor's. */
static struct sq_decoder *decoder_get(struct sq_sb *fs)
{
	unsigned first = cpu_id() % fs->nr_decoders;

	for (unsigned i = 0; i < fs->nr_decoders; i++) {
		struct sq_decoder *d = &fs->decoders[(first + i) % fs->nr_decoders];

		if (mutex_trylock(&d->lock))
			return d;
	}
	mutex_lock(&fs->decoders[first].lock);
	return &fs->decoders[first];
}

static int decompress(struct transfer *t)
{
	struct sq_decoder *d = decoder_get(t->r->fs);
	const struct inflate_io io = {
		.format = INFLATE_ZLIB,
		.read = transfer_read,
		.write = transfer_write,
		.ctx = t,
		.tables = d->scratch,
		.window = (u8 *)d->scratch + sizeof(struct inflate_tables),
	};
	int err = inflate(&io, NULL);

	mutex_unlock(&d->lock);
	return err ? -EIO : 0;
}

int sq_read_finish(struct sq_read *r, bool raw, struct sq_out *out)
{
	struct transfer t = {.r = r, .out = out};
	int err;

	read_put(r);
	completion_wait(&r->done);
	err = READ_ONCE(r->error);
	out->done = 0;
	if (!err)
		err = raw ? copy_raw(&t) : decompress(&t);
	read_free(r);
	return err;
}

int sq_decoders_init(struct sq_sb *fs)
{
	unsigned want = min(nr_cpus, SQ_MAX_DECODERS);

	for (; fs->nr_decoders < want; fs->nr_decoders++) {
		struct sq_decoder *d = &fs->decoders[fs->nr_decoders];

		mutex_init(&d->lock, RANK_SLEEP_LEAF, "squashfs.decoder");
		d->scratch = kvmalloc(INFLATE_SCRATCH, GFP_KERNEL);
		if (!d->scratch)
			return -ENOMEM;
	}
	return 0;
}

void sq_decoders_fini(struct sq_sb *fs)
{
	while (fs->nr_decoders)
		kvfree(fs->decoders[--fs->nr_decoders].scratch);
}
