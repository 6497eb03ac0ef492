/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records, as bytes of the volume, and the dates in them.
 *
 * A record does not cross the end of a sector if its writer kept to the standard; what is behind
 * the last one in a sector is zero.  Records that do cross are read all the same.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>

#include "isofs_internal.h"

int iso_read(struct iso_sb *fs, struct buffer **held, u64 byte, void *to, unsigned n)
{
	unsigned bits = fs->bdev->block_bits, at, part;
	int err;

	for (; n; n -= part, byte += part, to = (char *)to + part) {
		at = byte & ((1u << bits) - 1);
		part = min(n, (1u << bits) - at);
		if (!*held || (*held)->block != byte >> bits) {
			buffer_put(*held);
			*held = NULL;
			err = buffer_read(fs->bdev, byte >> bits, held);
			if (err) {
				*held = NULL;
				return err;
			}
		}
		memcpy(to, (char *)(*held)->data + at, part);
	}
	return 0;
}

int iso_record_at(struct iso_sb *fs, struct buffer **held, u64 byte, u64 end,
		  struct iso_record *out)
{
	int err;
	u8 len;

	for (;; byte = (byte | (ISO_SECTOR - 1)) + 1) {
		if (byte >= end)
			return -ENOENT;
		err = iso_read(fs, held, byte, &len, 1);
		if (err)
			return err;
		if (len)
			break;
		cond_resched();
	}
	out->place = byte;
	out->len = len;
	if (len >= ISO_RECORD_MIN)
		err = iso_read(fs, held, byte, out->raw, len);
	if (err)
		return err;
	if (len < ISO_RECORD_MIN || iso_record_name_len(out) + ISO_RECORD_MIN - 1 > len)
		return iso_error(fs, "the record at byte %llu is not one", byte);
	return 0;
}

u64 iso_record_home(const struct iso_sb *fs, const struct iso_record *r)
{
	return iso_record_flags(r) & ISO_FLAG_DIR ? (u64)iso_record_extent(r) << fs->sb->blkbits
						  : r->place;
}

/* --- dates ------------------------------------------------------------------------------------ */

#define NS_PER_S    1000000000ll
#define MAX_SECONDS 9200000000ll

/*
 * Seconds of a date in the Gregorian calendar, counted through a year that begins in March, with
 * any nonsense in the fields: month 0 is the last of the year before.
 */
static s64 date_seconds(int year, int month, int day, int hour, int minute, int second)
{
	s64 y = year, m = month - 2, days;

	if (m <= 0) {
		m += 12;
		y--;
	}
	days = y / 4 - y / 100 + y / 400 + 367 * m / 12 + day + y * 365 - 719499;
	return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

/* Quarters of an hour east of Greenwich; what is no time zone does not count. */
static s64 zone_seconds(u8 raw)
{
	s8 zone = (s8)raw;

	return zone >= -52 && zone <= 52 ? zone * 15 * 60 : 0;
}

/* Inodes count nanoseconds, which last for 292 years on either side. */
static s64 to_ns(s64 seconds)
{
	return clamp(seconds, -MAX_SECONDS, MAX_SECONDS) * NS_PER_S;
}

s64 iso_date_short(const u8 *p)
{
	return to_ns(date_seconds(1900 + p[0], p[1], p[2], p[3], p[4], p[5]) - zone_seconds(p[6]));
}

static int digits(const u8 *p, unsigned n)
{
	int value = 0;

	while (n--)
		value = value * 10 + (*p++ - '0') % 10;
	return value;
}

s64 iso_date_long(const u8 *p)
{
	s64 s = date_seconds(digits(p, 4), digits(p + 4, 2), digits(p + 6, 2), digits(p + 8, 2),
			     digits(p + 10, 2), digits(p + 12, 2));

	return to_ns(s - zone_seconds(p[16])) + (s64)digits(p + 14, 2) * (NS_PER_S / 100);
}
