/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries grow from the front of an area and end with four bytes of zero; values grow from its end
 * downwards, without gaps, each padded to four bytes.  What lies between is room.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#include "xattr_area.h"

#define PADDED(n) (((n) + 3u) & ~3u)
#define END_MARK  4u
#define NOWHERE   (~0u)

static u32 entry_size(const struct ext4_xattr_name *name)
{
	return PADDED((u32)sizeof(struct ext4_xattr_entry) + name->len);
}

static const char *entry_fault(const struct ext4_xattr_area *a, const struct ext4_xattr_entry *e)
{
	if (e->value_inum)
		return "attribute value in an inode of its own";
	if (memchr(e->name, 0, e->name_len))
		return "attribute name holds NUL";
	if (!e->value_size)
		return NULL;
	if (e->value_size > a->size || e->value_offs > a->size - PADDED(e->value_size) ||
	    (e->value_offs & 3))
		return "attribute value is outside its area";
	return NULL;
}

/* The end mark, if entries reach one; else NOWHERE. */
static u32 entries_end(const struct ext4_xattr_area *a)
{
	u32 off = a->first;

	while (off <= a->size - END_MARK) {
		if (ext4_xattr_is_last(ext4_xattr_at(a, off)))
			return off;
		if (off > a->size - sizeof(struct ext4_xattr_entry))
			break;
		off = ext4_xattr_next(a, off);
	}
	return NOWHERE;
}

const char *ext4_xattr_area_fault(const struct ext4_xattr_area *a)
{
	u32 end;

	if (a->size < a->first + END_MARK)
		return "no room for attributes";
	end = entries_end(a);
	if (end == NOWHERE)
		return "attribute entries have no end";
	ext4_xattr_for_each(a, off)
	{
		const struct ext4_xattr_entry *e = ext4_xattr_at(a, off);
		const char *fault = entry_fault(a, e);

		if (fault)
			return fault;
		if (e->value_size && e->value_offs < end + END_MARK)
			return "attribute value lies over entries";
	}
	return NULL;
}

/* By index, then length, then bytes. */
static int name_order(const struct ext4_xattr_name *name, const struct ext4_xattr_entry *e)
{
	int order = name->index - e->name_index;

	if (!order)
		order = name->len - e->name_len;
	return order ?: memcmp(name->text, e->name, name->len);
}

int ext4_xattr_area_find(const struct ext4_xattr_area *a, const struct ext4_xattr_name *name,
			 u32 *out)
{
	u32 place = NOWHERE;

	ext4_xattr_for_each(a, off)
	{
		int order = name_order(name, ext4_xattr_at(a, off));

		if (!order) {
			*out = off;
			return 0;
		}
		if (order < 0 && place == NOWHERE)
			place = off;
	}
	*out = a->sorted && place != NOWHERE ? place : entries_end(a);
	return -ENODATA;
}

/* Where the lowest value begins. */
static u32 values_begin(const struct ext4_xattr_area *a)
{
	u32 low = a->size;

	ext4_xattr_for_each(a, off)
	{
		const struct ext4_xattr_entry *e = ext4_xattr_at(a, off);

		if (e->value_size)
			low = min_t(u32, low, e->value_offs);
	}
	return low;
}

static void value_remove(struct ext4_xattr_area *a, u32 at)
{
	struct ext4_xattr_entry *e = ext4_xattr_at(a, at);
	u32 low = values_begin(a), gone = PADDED(e->value_size), from = e->value_offs;

	if (!e->value_size)
		return;
	memmove(a->base + low + gone, a->base + low, from - low);
	memset(a->base + low, 0, gone);
	e->value_size = 0;
	ext4_xattr_for_each(a, off)
	{
		struct ext4_xattr_entry *o = ext4_xattr_at(a, off);

		if (o->value_size && o->value_offs < from)
			o->value_offs += gone;
	}
	e->value_offs = 0;
}

static void entry_remove(struct ext4_xattr_area *a, u32 at)
{
	u32 next = ext4_xattr_next(a, at), end = entries_end(a) + END_MARK;

	memmove(a->base + at, a->base + next, end - next);
	memset(a->base + at + (end - next), 0, next - at);
}

static void entry_add(struct ext4_xattr_area *a, u32 at, const struct ext4_xattr_name *name)
{
	u32 end = entries_end(a) + END_MARK, size = entry_size(name);
	struct ext4_xattr_entry *e = ext4_xattr_at(a, at);

	memmove(a->base + at + size, a->base + at, end - at);
	memset(e, 0, size);
	e->name_len = name->len;
	e->name_index = name->index;
	memcpy(e->name, name->text, name->len);
}

/* The hash of one entry: of its name, then of its value in words of the disk. */
static u32 entry_hash(const struct ext4_xattr_area *a, const struct ext4_xattr_entry *e)
{
	u32 hash = 0;

	for (u32 i = 0; i < e->name_len; i++)
		hash = rol32(hash, 5) ^ (u8)e->name[i];
	for (u32 i = 0; i < PADDED(e->value_size); i += 4)
		hash = rol32(hash, 16) ^ get_unaligned_le32(a->base + e->value_offs + i);
	return hash;
}

static void value_add(struct ext4_xattr_area *a, u32 at, const void *value, u32 size)
{
	struct ext4_xattr_entry *e = ext4_xattr_at(a, at);
	u32 low = values_begin(a) - PADDED(size);

	if (size) {
		memset(a->base + low, 0, PADDED(size));
		memcpy(a->base + low, value, size);
		e->value_offs = (u16)low;
		e->value_size = size;
	}
	e->hash = a->sorted ? entry_hash(a, e) : 0;
}

int ext4_xattr_area_set(struct ext4_xattr_area *a, const struct ext4_xattr_name *name,
			const void *value, u32 size)
{
	u32 at, room = values_begin(a) - entries_end(a) - END_MARK;
	bool found = !ext4_xattr_area_find(a, name, &at);

	if (!value && !found)
		return -ENODATA;
	if (value) {
		u32 need = PADDED(size) + (found ? 0 : entry_size(name));

		if (found)
			room += PADDED(ext4_xattr_at(a, at)->value_size);
		if (size > a->size || need > room)
			return -ENOSPC;
	}
	if (found)
		value_remove(a, at);
	else
		entry_add(a, at, name);
	if (value)
		value_add(a, at, value, size);
	else
		entry_remove(a, at);
	return 0;
}

u32 ext4_xattr_area_hash(const struct ext4_xattr_area *a)
{
	u32 hash = 0;

	ext4_xattr_for_each(a, off)
	{
		if (!ext4_xattr_at(a, off)->hash)
			return 0;
		hash = rol32(hash, 16) ^ ext4_xattr_at(a, off)->hash;
	}
	return hash;
}
