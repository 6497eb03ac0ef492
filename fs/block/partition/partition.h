/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Partition tables: what a disk's first and last sectors say, as a list.
 *
 * The parsers are pure: they see the disk through a read function, hold nothing, allocate nothing,
 * and believe nothing.  An entry that lies beyond the disk is left out, one that reaches beyond is
 * cut.  Entries may overlap; whoever wrote the table knows why.
 */
#pragma once

#include <kernel/lib/types.h>

#define PARTITIONS_MAX 255u

struct partition_entry {
	u32 number;         /* 1 and on; not all need exist */
	u64 start, sectors; /* of 512 bytes; sectors > 0, within the disk */
	char uuid[40];      /* text, "" for none */
	char label[40];     /* printable ASCII; what is not is shown as '!' */
};

struct partition_source {
	/* `len` bytes (a multiple of 512) from sector `sector` on.  Returns 0 or a negative errno.
	 */
	int (*read)(void *arg, u64 sector, void *buf, size_t len);
	void *arg;
	u64 sectors; /* of the disk */
	u32 block;   /* bytes of a logical block, from 512 to 4096 */
	u8 *scratch; /* PARTITION_SCRATCH bytes */
};
#define PARTITION_SCRATCH 8192u

struct partition_list {
	const char *kind; /* "gpt", "dos", or NULL: no table */
	unsigned nr;
	bool backup; /* a GPT read from its backup header: the primary one is damaged */
	struct partition_entry entries[PARTITIONS_MAX];
};

/*
 * What is there: GPT behind a protective MBR, else MBR.  No table is no error.  Returns 0, or what
 * `read` returned for the first sector.
 */
int partitions_read(const struct partition_source *src, struct partition_list *out);

/* mbr.c, gpt.c.  1: found; 0: not this kind; negative: an error of `read`.  scratch holds sector 0.
 */
int mbr_read(const struct partition_source *src, struct partition_list *out);
int gpt_read(const struct partition_source *src, struct partition_list *out);
/* Append, cut to the disk.  Full or outside: nothing happens.  The entry, or NULL. */
struct partition_entry *partition_append(const struct partition_source *src,
					 struct partition_list *list, u32 number, u64 start,
					 u64 sectors);
/* Does the sector hold a boot record whose only partition is the GPT's? */
bool mbr_is_protective(const u8 *sector);
/* Is the sector a boot record at all? */
bool mbr_has_signature(const u8 *sector);
