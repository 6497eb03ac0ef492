/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Master boot records: four entries, one of which may be extended.
 *
 * An extended partition holds a chain of records, each with one logical partition (relative to the
 * record) and the next record (relative to the extended partition).  A chain may be a loop: it is
 * followed for a hundred records.  Numbers from 5 on are the logical ones.
 *
 * The signature is also that of any boot sector.  One whose entries do not begin with 0 or 0x80 is
 * not a table, nor is one with a protective entry, which belongs to a GPT.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include "partition.h"

#define TABLE      446u
#define DISK_ID    440u
#define SIGNATURE  510u
#define CHAIN_MOST 100u

#define TYPE_EXTENDED       0x05
#define TYPE_EXTENDED_LBA   0x0f
#define TYPE_EXTENDED_LINUX 0x85
#define TYPE_PROTECTIVE     0xee

struct entry {
	u8 active, type;
	u64 start, sectors; /* of 512 bytes */
};

static struct entry entry_at(const struct partition_source *src, const u8 *sector, unsigned i)
{
	const u8 *p = sector + TABLE + i * 16;
	u32 scale = src->block / 512;

	return (struct entry){
		.active = p[0],
		.type = p[4],
		.start = (u64)get_unaligned_le32(p + 8) * scale,
		.sectors = (u64)get_unaligned_le32(p + 12) * scale,
	};
}

static bool is_extended(const struct entry *e)
{
	return e->type == TYPE_EXTENDED || e->type == TYPE_EXTENDED_LBA ||
	       e->type == TYPE_EXTENDED_LINUX;
}

bool mbr_has_signature(const u8 *sector)
{
	return sector[SIGNATURE] == 0x55 && sector[SIGNATURE + 1] == 0xaa;
}

bool mbr_is_protective(const u8 *sector)
{
	if (!mbr_has_signature(sector))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		const u8 *p = sector + TABLE + i * 16;

		if (p[4] == TYPE_PROTECTIVE && get_unaligned_le32(p + 8) == 1)
			return true;
	}
	return false;
}

static bool is_table(const u8 *sector)
{
	if (!mbr_has_signature(sector))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		const u8 *p = sector + TABLE + i * 16;

		if (p[0] & 0x7f || p[4] == TYPE_PROTECTIVE)
			return false;
	}
	return true;
}

static void append(const struct partition_source *src, struct partition_list *list, u32 number,
		   u64 start, u64 sectors, u32 disk_id)
{
	struct partition_entry *e = partition_append(src, list, number, start, sectors);

	if (e && disk_id)
		snprintf(e->uuid, sizeof(e->uuid), "%08x-%02x", disk_id, number);
}

/* Where a walk through an extended partition stands. */
struct chain {
	u64 first, size;  /* of the extended partition */
	u64 record, room; /* the present record and what it may describe */
	u32 number;
	u32 disk_id;
};

/* The logical partitions of the record in scratch. */
static void record_entries(const struct partition_source *src, struct partition_list *list,
			   struct chain *c)
{
	for (unsigned i = 0; i < 4; i++) {
		struct entry e = entry_at(src, src->scratch, i);
		u64 start = c->record + e.start;

		if (!e.sectors || is_extended(&e))
			continue;
		/* The last two are not used by those who keep to the format; take them if sane. */
		if (i >= 2 && (e.start + e.sectors > c->room || start < c->first ||
			       start + e.sectors > c->first + c->size))
			continue;
		append(src, list, c->number, start, e.sectors, c->disk_id);
		c->number++;
	}
}

/* On to the next record.  False: there is none. */
static bool record_next(const struct partition_source *src, struct chain *c)
{
	for (unsigned i = 0; i < 4; i++) {
		struct entry e = entry_at(src, src->scratch, i);

		if (!e.sectors || !is_extended(&e))
			continue;
		c->record = c->first + e.start;
		c->room = e.sectors;
		return true;
	}
	return false;
}

/* A damaged record ends the chain; what was found before stands. */
static void chain_read(const struct partition_source *src, struct partition_list *list,
		       struct chain *c)
{
	for (unsigned i = 0; i < CHAIN_MOST; i++) {
		if (c->record >= src->sectors ||
		    src->read(src->arg, c->record, src->scratch, max(src->block, 512u)) ||
		    !mbr_has_signature(src->scratch))
			return;
		record_entries(src, list, c);
		if (!record_next(src, c))
			return;
	}
}

int mbr_read(const struct partition_source *src, struct partition_list *out)
{
	struct chain chain = {.number = 5};
	u32 disk_id;

	if (!is_table(src->scratch))
		return 0;
	disk_id = get_unaligned_le32(src->scratch + DISK_ID);
	chain.disk_id = disk_id;
	for (unsigned i = 0; i < 4; i++) {
		struct entry e = entry_at(src, src->scratch, i);

		if (!e.sectors)
			continue;
		if (!is_extended(&e)) {
			append(src, out, i + 1, e.start, e.sectors, disk_id);
			continue;
		}
		/* Room for a boot loader, and not for a file system over the logical ones. */
		append(src, out, i + 1, e.start, min(e.sectors, (u64)max(src->block / 512, 2u)),
		       disk_id);
		if (!chain.size) {
			chain.first = chain.record = e.start;
			chain.size = chain.room = e.sectors;
		}
	}
	if (chain.size)
		chain_read(src, out, &chain);
	return 1;
}
