/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers for objects, on a sparse array.
 *
 * An object that is NULL, or whose low bits the array could not tell from its own, is stored as a
 * marker: NULL becomes the value 0.  Other objects are pointers and are stored as they are.
 */
#include <kernel/lib/idr.h>
#include <kernel/abi/errno.h>

static void *pack(void *ptr)
{
	return ptr ? ptr : xa_value(0);
}

static void *unpack(void *entry)
{
	return entry == xa_value(0) ? NULL : entry;
}

int idr_alloc(struct idr *idr, void *ptr, int min, int max)
{
	u64 index;

	if (min < 0 || max < min)
		return -ENOSPC;
	if (!xa_find_empty(&idr->xa, (u64)min, (u64)max, &index))
		return -ENOSPC;

	int err = xa_store(&idr->xa, index, pack(ptr), NULL);

	return err ? err : (int)index;
}

int idr_alloc_cyclic(struct idr *idr, void *ptr, int min, int max)
{
	int from = (int)idr->next > min && idr->next <= (u32)max ? (int)idr->next : min;
	int id = idr_alloc(idr, ptr, from, max);

	if (id == -ENOSPC && from > min)
		id = idr_alloc(idr, ptr, min, from - 1);
	if (id >= 0)
		idr->next = (u32)id + 1;
	return id;
}

void *idr_find(const struct idr *idr, int id)
{
	return id < 0 ? NULL : unpack(xa_load(&idr->xa, (u64)id));
}

/* Replacing needs no memory, so the store cannot fail. */
void *idr_replace(struct idr *idr, int id, void *ptr)
{
	void *old = NULL;
	int err = xa_store(&idr->xa, (u64)id, pack(ptr), &old);

	return err ? NULL : unpack(old);
}

void *idr_remove(struct idr *idr, int id)
{
	return id < 0 ? NULL : unpack(xa_erase(&idr->xa, (u64)id));
}

void *idr_next(const struct idr *idr, int *id)
{
	u64 index = *id < 0 ? 0 : (u64)*id;
	void *entry;

	while ((entry = xa_find(&idr->xa, &index, INT_MAX))) {
		*id = (int)index;
		if (unpack(entry))
			return entry;
		index++;
	}
	return NULL;
}
