/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk in memory with a volatile cache, which remembers what was written in which order and tells what could be on
 * it had the power gone at any moment.
 *
 *	d = recdisk_create("rec", 8 << 20, RECDISK_FUA);
 *	... put content at recdisk_media(d), use the device ...
 *	recdisk_record(d);
 *	... more ...
 *	recdisk_cutter_init(&c, d);
 *	for (at = 0; at <= recdisk_now(d); at += step)
 *		recdisk_cut(&c, at, RECDISK_CUT_RANDOM, image);
 *	recdisk_cutter_fini(&c);
 *
 * Requests go through the block layer's queue; a thread of the disk ends those it has in any order.  Moments are
 * counted in events: a write or flush begins, or ends.  At a cut a write is on the disk for certain if it had ended
 * and then a flush began that has ended too, or it had BIO_FUA and had ended; of the others begun before, any part
 * (in sectors) may be there.
 */
#pragma once

#include <kernel/lib/types.h>

struct bdev;
struct recdisk;

#define RECDISK_FUA 1u /* the device knows BIO_FUA */

struct recdisk *recdisk_create(const char *name, u64 bytes, unsigned flags);
void recdisk_destroy(struct recdisk *d);
/* Open for reading and writing; closing drops its page cache, which must then be empty. */
struct bdev *recdisk_open(struct recdisk *d);
void recdisk_close(struct recdisk *d, struct bdev *b);
u32 recdisk_dev(const struct recdisk *d);
/* The content as a reader of the device gets it. */
u8 *recdisk_media(struct recdisk *d);
u64 recdisk_size(const struct recdisk *d);

/* Begin a recording with the present content; nothing is under way. */
void recdisk_record(struct recdisk *d);
/* Forget the recording. */
void recdisk_forget(struct recdisk *d);
/* Events until now. */
u32 recdisk_now(const struct recdisk *d);
/* Writes whose memory changed while they were under way. */
u32 recdisk_unstable(const struct recdisk *d);
/* Print the writes and flushes. */
void recdisk_print(const struct recdisk *d);

/* Writes fail after so many more (0: the next one); negative: none do. */
void recdisk_fail_writes(struct recdisk *d, s64 after);

enum recdisk_cut_style {
	RECDISK_CUT_ALL,    /* all that ended, nothing else */
	RECDISK_CUT_NONE,   /* what must be there, nothing else */
	RECDISK_CUT_RANDOM, /* any whole writes besides */
	RECDISK_CUT_TORN,   /* any sectors of them */
	NR_RECDISK_CUTS,
};

struct recdisk_cutter {
	struct recdisk *d;
	u8 *stable;	/* what is there at every later cut too */
	u32 *order;	/* writes by their end */
	u32 folded;	/* so many of them are in `stable` */
	u32 nr_order;
	u32 last;	/* cuts come in order */
};
void recdisk_cutter_init(struct recdisk_cutter *c, struct recdisk *d);
/* The disk after a power cut at moment `at`, not before that of the last call.  `out` has recdisk_size() bytes. */
void recdisk_cut(struct recdisk_cutter *c, u32 at, enum recdisk_cut_style style, u8 *out);
void recdisk_cutter_fini(struct recdisk_cutter *c);
