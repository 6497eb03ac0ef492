/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices by what the command line calls them: root=.
 * Linux: Documentation/admin-guide/kernel-parameters.txt, name_to_dev_t
 *
 *	/dev/NAME	as in /dev; slashes within are '!' in the name
 *	MAJOR:MINOR	decimal
 *	HHHH		hexadecimal, major and minor of a byte each
 *	PARTUUID=UUID[/PARTNROFF=N]	of the partition table; N further on the same disk
 *	PARTLABEL=TEXT	of a GPT
 *	UUID=, LABEL=	of the file system, found by reading every device
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/string.h>
#include "block_internal.h"
#include <fs/block/probe.h>

#define DEVICES_MOST 1024u

/* --- all devices ------------------------------------------------------------------------------ */

struct devices {
	unsigned nr;
	dev_t dev[DEVICES_MOST];
};

/* Every device there is, partitions after their disk. */
static void devices_collect(struct devices *all)
{
	struct disk *disk;
	struct bdev *b;

	guard_mutex(&disks_lock);
	list_for_each (disk, &disks, link) {
		if (all->nr < DEVICES_MOST)
			all->dev[all->nr++] = disk->whole->dev;
		list_for_each (b, &disk->partitions, link)
			if (all->nr < DEVICES_MOST)
				all->dev[all->nr++] = b->dev;
	}
}

/* The first that `match` accepts. */
static int find(bool (*match)(struct bdev *b, const char *text), const char *text, dev_t *out)
{
	struct devices *all = kvzalloc(sizeof(*all), GFP_KERNEL);
	int err = -ENOENT;

	if (!all)
		return -ENOMEM;
	devices_collect(all);
	for (unsigned i = 0; i < all->nr && err; i++) {
		struct bdev *b = bdev_find(all->dev[i]);

		if (b && match(b, text)) {
			*out = b->dev;
			err = 0;
		}
		if (b)
			bdev_put(b);
	}
	kvfree(all);
	return err;
}

/* --- what they are called --------------------------------------------------------------------- */

static bool equal_fold(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((isupper(*a) ? *a + 32 : *a) != (isupper(*b) ? *b + 32 : *b))
			return false;
	return *a == *b;
}

static bool name_matches(struct bdev *b, const char *text)
{
	const char *n = b->name;

	for (; *n && *text; n++, text++)
		if (*n != *text && !(*n == '!' && *text == '/'))
			return false;
	return *n == *text;
}

static bool partuuid_matches(struct bdev *b, const char *text)
{
	return b->uuid[0] && equal_fold(b->uuid, text);
}

static bool partlabel_matches(struct bdev *b, const char *text)
{
	return b->label[0] && !strcmp(b->label, text);
}

static bool content(struct bdev *b, struct probe_result *out)
{
	u8 *buf = kmalloc(PROBE_BYTES, GFP_KERNEL);
	bool known = buf && bdev_bytes(b) >= PROBE_BYTES &&
		     !bdev_rw(b, BIO_READ, 0, buf, PROBE_BYTES) && fs_probe(buf, out);

	kfree(buf);
	return known;
}

static bool uuid_matches(struct bdev *b, const char *text)
{
	struct probe_result r;

	return content(b, &r) && equal_fold(r.uuid, text);
}

static bool label_matches(struct bdev *b, const char *text)
{
	struct probe_result r;

	return content(b, &r) && r.label[0] && !strcmp(r.label, text);
}

/* --- forms ------------------------------------------------------------------------------------ */

/* The partition `offset` numbers after that of `dev`, of the same disk. */
static int partition_beside(dev_t dev, s64 offset, dev_t *out)
{
	struct bdev *b = bdev_find(dev), *other;
	int err = -ENOENT;

	if (!b)
		return -ENOENT;
	with_mutex(&b->disk->lock)
	{
		list_for_each (other, &b->disk->partitions, link)
			if ((s64)other->partno == (s64)b->partno + offset) {
				*out = other->dev;
				err = 0;
			}
	}
	bdev_put(b);
	return err;
}

static int by_partuuid(const char *text, dev_t *out)
{
	static const char option[] = "/PARTNROFF=";
	const char *slash = strchr(text, '/');
	char uuid[40];
	s64 offset = 0;
	int err;

	if (slash && (strncmp(slash, option, sizeof(option) - 1) ||
		      parse_s64(slash + sizeof(option) - 1, 10, &offset)))
		return -EINVAL;
	strscpy(uuid, text, slash ? min(sizeof(uuid), (size_t)(slash - text) + 1) : sizeof(uuid));
	err = find(partuuid_matches, uuid, out);
	return err || !offset ? err : partition_beside(*out, offset, out);
}

static int by_number(const char *text, dev_t *out)
{
	const char *end;
	u64 major = parse_digits(text, &end, 10), minor;

	if (end != text && *end == ':') {
		minor = parse_digits(end + 1, &end, 10);
		if (*end && *end != ':')
			return -EINVAL;
	} else {
		u64 both = parse_digits(text, &end, 16);

		if (end == text || *end)
			return -EINVAL;
		major = both >> 8;
		minor = both & 0xff;
	}
	if (major > 4095 || minor >> MINOR_BITS)
		return -EINVAL;
	*out = MKDEV(major, minor);

	struct bdev *b = bdev_find(*out);

	if (!b)
		return -ENOENT;
	bdev_put(b);
	return 0;
}

int bdev_lookup(const char *text, dev_t *out)
{
	static const struct {
		const char *prefix;
		bool (*match)(struct bdev *b, const char *text);
	} forms[] = {
		{"/dev/", name_matches},
		{"PARTLABEL=", partlabel_matches},
		{"UUID=", uuid_matches},
		{"LABEL=", label_matches},
	};

	if (!strncmp(text, "PARTUUID=", 9))
		return by_partuuid(text + 9, out);
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t len = strlen(forms[i].prefix);

		if (!strncmp(text, forms[i].prefix, len))
			return find(forms[i].match, text + len, out);
	}
	return by_number(text, out);
}
