/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kind of partition table a disk has, and the list both kinds fill. */
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include "partition.h"

struct partition_entry *partition_append(const struct partition_source *src,
					 struct partition_list *list, u32 number, u64 start,
					 u64 sectors)
{
	struct partition_entry *e;

	if (list->nr == PARTITIONS_MAX || number > PARTITIONS_MAX || start >= src->sectors ||
	    !sectors)
		return NULL;
	e = &list->entries[list->nr++];
	*e = (struct partition_entry){
		.number = number,
		.start = start,
		.sectors = min(sectors, src->sectors - start),
	};
	return e;
}

int partitions_read(const struct partition_source *src, struct partition_list *out)
{
	int err;

	out->kind = NULL;
	out->nr = 0;
	out->backup = false;
	if (src->sectors < src->block / 512)
		return 0;
	err = src->read(src->arg, 0, src->scratch, src->block);
	if (err)
		return err;
	if (gpt_read(src, out)) {
		out->kind = "gpt";
		return 0;
	}
	/* The other table may have been read over it. */
	err = src->read(src->arg, 0, src->scratch, src->block);
	if (!err && mbr_read(src, out))
		out->kind = "dos";
	return err;
}
