/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small integers handed out as names for objects.
 *
 * Changes are serialised by the caller's lock; idr_find also works in an RCU read section.
 */
#pragma once

#include <kernel/lib/xarray.h>

struct idr {
	struct xarray xa;
	u32 next; /* [x] where the cyclic search goes on */
};

#define IDR_INIT { XARRAY_INIT, 0 }

static inline void idr_init(struct idr *idr)
{
	xa_init(&idr->xa);
	idr->next = 0;
}

/*
 * The lowest free number from `min` to `max` (both included) for `ptr`, which may be NULL to
 * reserve it.  Returns the number, -ENOSPC or -ENOMEM.  Context: any.
 */
int __must_check idr_alloc(struct idr *idr, void *ptr, int min, int max);

/* The first free number after the last one given, wrapping to `min`. */
int __must_check idr_alloc_cyclic(struct idr *idr, void *ptr, int min, int max);

/* NULL when the number is free or reserved with NULL. */
void *idr_find(const struct idr *idr, int id);

/* Give `id`, in use, another object.  Returns the former one. */
void *idr_replace(struct idr *idr, int id, void *ptr);

/* Free a number.  Returns its object.  Nothing happens when it is free. */
void *idr_remove(struct idr *idr, int id);

/* The first object with a number at or after *id, and that number; NULL at the end. */
void *idr_next(const struct idr *idr, int *id);

static inline bool idr_empty(const struct idr *idr)
{
	return xa_empty(&idr->xa);
}

static inline void idr_destroy(struct idr *idr)
{
	xa_destroy(&idr->xa);
}

/* Numbers without objects. */
struct ida {
	struct idr idr;
};

#define IDA_INIT { IDR_INIT }

static inline void ida_init(struct ida *ida)
{
	idr_init(&ida->idr);
}

static inline int __must_check ida_alloc(struct ida *ida, int min, int max)
{
	return idr_alloc(&ida->idr, NULL, min, max);
}

static inline void ida_free(struct ida *ida, int id)
{
	idr_remove(&ida->idr, id);
}

static inline void ida_destroy(struct ida *ida)
{
	idr_destroy(&ida->idr);
}
