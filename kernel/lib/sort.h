/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorting in place: not stable, n log n always, no memory.  Context: any. */
#pragma once

#include <kernel/lib/compiler.h>

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b));

/* The element equal to `key` in a sorted array, or NULL. */
void *bsearch(const void *key, const void *base, size_t n, size_t size,
	      int (*cmp)(const void *key, const void *element));
