/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GUID partition tables.  UEFI specification 2.10, chapter 5.
 *
 * A header in the second block describes an array of entries; both carry a check sum, and a copy of
 * both lies at the end of the disk.  The copy counts when the first is damaged: then the last block
 * of the disk is tried.  A boot record with a protective entry must stand before, as without it the
 * table may be left over from another life of the disk.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include "partition.h"

#define HEADER_SIZE  92u
#define ENTRY_SIZE   128u
#define ENTRIES_MOST 4096u
#define READ_BYTES   4096u

struct header {
	u64 self, other; /* blocks */
	u64 first_usable, last_usable;
	u64 entries; /* block of the array */
	u32 nr, entry_size, entries_crc;
};

static u64 last_block(const struct partition_source *src)
{
	return src->sectors / (src->block / 512) - 1;
}

static int read_blocks(const struct partition_source *src, u64 block, void *buf, size_t len)
{
	return src->read(src->arg, block * (src->block / 512), buf, len);
}

/* The check sum of a header is over itself with the field cleared. */
static bool header_sum_good(u8 *p, u32 size)
{
	u32 sum = get_unaligned_le32(p + 16);

	memset(p + 16, 0, 4);
	return (crc32_le(~0u, p, size) ^ ~0u) == sum;
}

static bool header_decode(const struct partition_source *src, u8 *p, u64 block, struct header *h)
{
	u32 size = get_unaligned_le32(p + 12);

	if (memcmp(p, "EFI PART", 8) || size < HEADER_SIZE || size > src->block ||
	    !header_sum_good(p, size))
		return false;
	*h = (struct header){
		.self = get_unaligned_le64(p + 24),
		.other = get_unaligned_le64(p + 32),
		.first_usable = get_unaligned_le64(p + 40),
		.last_usable = get_unaligned_le64(p + 48),
		.entries = get_unaligned_le64(p + 72),
		.nr = get_unaligned_le32(p + 80),
		.entry_size = get_unaligned_le32(p + 84),
		.entries_crc = get_unaligned_le32(p + 88),
	};
	return h->self == block && h->first_usable <= h->last_usable &&
	       h->last_usable <= last_block(src) && h->entry_size == ENTRY_SIZE &&
	       h->nr <= ENTRIES_MOST && h->entries <= last_block(src);
}

/* Calls fn for pieces of the array.  Returns 0, fn's or read's error. */
static int entries_walk(const struct partition_source *src, const struct header *h,
			void (*fn)(void *arg, const u8 *p, u32 first, size_t len), void *arg)
{
	u64 sector = h->entries * (src->block / 512);
	u32 left = h->nr * ENTRY_SIZE, first = 0;
	u8 *buf = src->scratch;

	while (left) {
		u32 n = min(left, READ_BYTES);
		u32 whole = (n + src->block - 1) / src->block * src->block;

		if (sector >= src->sectors || whole / 512 > src->sectors - sector)
			return -EINVAL;
		if (src->read(src->arg, sector, buf, whole))
			return -EIO;
		fn(arg, buf, first, n);
		sector += whole / 512;
		first += n / ENTRY_SIZE;
		left -= n;
	}
	return 0;
}

static void sum_piece(void *arg, const u8 *p, u32 first, size_t len)
{
	u32 *crc = arg;

	*crc = crc32_le(*crc, p, len);
}

/* The header at `block` and its array are whole. */
static bool table_good(const struct partition_source *src, u64 block, struct header *h)
{
	u32 crc = ~0u;

	return block <= last_block(src) && !read_blocks(src, block, src->scratch, src->block) &&
	       header_decode(src, src->scratch, block, h) &&
	       !entries_walk(src, h, sum_piece, &crc) && (crc ^ ~0u) == h->entries_crc;
}

/* The first three fields of a GUID are stored little-endian. */
static void guid_text(const u8 *g, char *out, size_t size)
{
	snprintf(out, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 get_unaligned_le32(g), get_unaligned_le16(g + 4), get_unaligned_le16(g + 6), g[8],
		 g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

static void label_text(const u8 *p, char *out, size_t size)
{
	size_t n = 0;

	for (; n < 36 && n + 1 < size; n++) {
		u16 c = get_unaligned_le16(p + 2 * n);

		if (!c)
			break;
		out[n] = c >= 0x20 && c < 0x7f ? (char)c : '!';
	}
	out[n] = 0;
}

struct collect {
	const struct partition_source *src;
	struct partition_list *list;
};

static void collect_piece(void *arg, const u8 *p, u32 first, size_t len)
{
	static const u8 unused[16];
	struct collect *c = arg;
	u32 scale = c->src->block / 512;

	for (u32 i = 0; i < len / ENTRY_SIZE; i++, p += ENTRY_SIZE) {
		u64 start = get_unaligned_le64(p + 32), end = get_unaligned_le64(p + 40);
		struct partition_entry *e;

		if (!memcmp(p, unused, 16) || start > end || end > last_block(c->src))
			continue;
		e = partition_append(c->src, c->list, first + i + 1, start * scale,
				     (end - start + 1) * scale);
		if (!e)
			continue;
		guid_text(p + 16, e->uuid, sizeof(e->uuid));
		label_text(p + 56, e->label, sizeof(e->label));
	}
}

int gpt_read(const struct partition_source *src, struct partition_list *out)
{
	struct collect c = {src, out};
	struct header h;

	if (!mbr_is_protective(src->scratch) || src->sectors / (src->block / 512) < 3)
		return 0;
	if (!table_good(src, 1, &h)) {
		if (!table_good(src, last_block(src), &h))
			return 0;
		out->backup = true;
	}
	(void)!entries_walk(src, &h, collect_piece, &c);
	return 1;
}
