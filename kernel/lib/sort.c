/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorting by heap: no recursion, no memory, no bad case.
 */
#include <kernel/lib/sort.h>
#include <kernel/lib/minmax.h>

static void exchange(u8 *a, u8 *b, size_t size)
{
	while (size--) {
		swap(*a, *b);
		a++;
		b++;
	}
}

/* Let the element at `i` sink until no child is larger. */
static void sink(u8 *base, size_t i, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n && cmp(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + i * size, base + child * size) >= 0)
			return;
		exchange(base + i * size, base + child * size, size);
		i = child;
	}
}

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b))
{
	u8 *p = base;

	for (size_t i = n / 2; i--;)
		sink(p, i, n, size, cmp);
	while (n > 1) {
		n--;
		exchange(p, p + n * size, size);
		sink(p, 0, n, size, cmp);
	}
}

void *bsearch(const void *key, const void *base, size_t n, size_t size,
	      int (*cmp)(const void *key, const void *element))
{
	const u8 *p = base;

	while (n) {
		const u8 *middle = p + n / 2 * size;
		int order = cmp(key, middle);

		if (!order)
			return (void *)middle;
		if (order > 0) {
			p = middle + size;
			n -= n / 2 + 1;
		} else {
			n /= 2;
		}
	}
	return NULL;
}
