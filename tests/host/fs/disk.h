/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk of the host machine: its sectors are memory of the test, it completes requests out of
 * order after a while, and it remembers, when asked, what a power cut may take away.
 *
 * The device has a volatile write cache: what a finished flush, or FUA, did not cover may be lost,
 * in any order and sector by sector.
 */
#pragma once

#include <kernel/lib/types.h>

struct host_disk;

/* /dev/NAME of `bytes` (whole pages), zeroed.  Ends the test when it cannot. */
struct host_disk *host_disk_create(const char *name, u64 bytes);
/* Nobody has it open any more. */
void host_disk_destroy(struct host_disk *d);

const char *host_disk_name(const struct host_disk *d);
/* One byte per sector: not zero when it was ever read by request. */
const u8 *host_disk_sectors_read(const struct host_disk *d);
u8 *host_disk_image(struct host_disk *d);
u64 host_disk_bytes(const struct host_disk *d);
/* Contents from and to files of the host; 0 or -errno.  Loading is for a disk nobody has open. */
int host_disk_load(struct host_disk *d, const char *path);
int host_disk_save(struct host_disk *d, const char *path);

/* Change sectors as the device itself would. */
void host_disk_store(struct host_disk *d, u64 pos, const void *data, size_t n);

/* Remember now, and come back to it: costs what was written in between. */
void host_disk_mark(struct host_disk *d);
void host_disk_restore(struct host_disk *d);

/* From now on one in `every` requests fails with EIO (0: none). */
void host_disk_fail(struct host_disk *d, unsigned reads, unsigned writes, unsigned flushes);
/* All requests after `n` more fail: the device is gone.  ~0: not. */
void host_disk_die_after(struct host_disk *d, u64 n);
void host_disk_read_only(struct host_disk *d, bool on);
/* A disk without FUA, or without a volatile cache at all (then nothing acknowledged is ever
 * lost). */
void host_disk_features(struct host_disk *d, bool cache, bool fua);

struct host_disk_counts {
	u64 reads, writes, flushes, read_sectors, written_sectors;
	u64 unstable; /* writes whose memory changed while they were under way */
};
struct host_disk_counts host_disk_counts(const struct host_disk *d);

/* --- recording ------------------------------------------------------------------------------- */

enum host_event_kind {
	HOST_WRITE_BEGUN,
	HOST_WRITE_DONE,
	HOST_WRITE_FAILED, /* ended with an error: any part of it may be there */
	HOST_FLUSH_BEGUN,
	HOST_FLUSH_DONE,
};

struct host_event {
	enum host_event_kind kind;
	u32 begun;   /* of a DONE or FAILED: the number of the event of its beginning */
	bool fua;
	u64 sector;
	u32 sectors;
	u8 *data;    /* of HOST_WRITE_BEGUN */
};

/* Record from here, from the present contents; the former record is forgotten. */
void host_disk_record(struct host_disk *d);
/* Stop; the record stays. */
void host_disk_stop(struct host_disk *d);
/* How many events so far: the number of the next. */
u32 host_disk_events(const struct host_disk *d);
const struct host_event *host_disk_event(const struct host_disk *d, u32 n);
