/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's own memcpy, memmove, memset, page functions and checksum against the obvious
 * loops. */
#include <arch/types.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#define SIZE 600

static u8 buf[SIZE], model[SIZE];

static u64 random_below(u64 bound)
{
	return prng_below(ktest_prng(), bound);
}

static void fill_both(void)
{
	for (size_t i = 0; i < SIZE; i++)
		buf[i] = model[i] = (u8)prng_next(ktest_prng());
}

static bool same(void)
{
	for (size_t i = 0; i < SIZE; i++) {
		if (buf[i] != model[i])
			return false;
	}
	return true;
}

KTEST(memcpy)
{
	for (int round = 0; round < 3000; round++) {
		size_t n = random_below(250), from = random_below(40), to = 300 + random_below(40);

		fill_both();
		for (size_t i = 0; i < n; i++)
			model[to + i] = model[from + i];
		KEXPECT((memcpy)(buf + to, buf + from, n) == buf + to);
		KREQUIRE(same());
	}
}

KTEST(memmove)
{
	static u8 old[SIZE];

	for (int round = 0; round < 3000; round++) {
		size_t n = random_below(250), from = random_below(300), to = random_below(300);

		fill_both();
		for (size_t i = 0; i < SIZE; i++)
			old[i] = model[i];
		for (size_t i = 0; i < n; i++)
			model[to + i] = old[from + i];
		KEXPECT((memmove)(buf + to, buf + from, n) == buf + to);
		KREQUIRE(same());
	}
}

KTEST(memset)
{
	for (int round = 0; round < 3000; round++) {
		size_t n = random_below(300), at = random_below(300);
		int c = (int)random_below(1024) - 512;

		fill_both();
		for (size_t i = 0; i < n; i++)
			model[at + i] = (u8)c;
		KEXPECT((memset)(buf + at, c, n) == buf + at);
		KREQUIRE(same());
	}
}

KTEST(page_functions)
{
	u8 *a = kmalloc(PAGE_SIZE, GFP_KERNEL), *b = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (a && b) {
		for (size_t i = 0; i < PAGE_SIZE; i++)
			a[i] = (u8)(i * 7 + i / 256);
		copy_page(b, a);
		KEXPECT(!memcmp(a, b, PAGE_SIZE));
		clear_page(b);
		KEXPECT(!memchr_inv(b, 0, PAGE_SIZE));
	}
	kfree(a);
	kfree(b);
}

static u32 crc32c_by_bits(u32 crc, const u8 *p, size_t n)
{
	while (n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return crc;
}

KTEST(crc32c)
{
	KEXPECT(~crc32c(~0u, "123456789", 9) == 0xe3069283u);
	for (int round = 0; round < 1000; round++) {
		size_t n = random_below(500), from = random_below(40);
		u32 crc = (u32)prng_next(ktest_prng());

		fill_both();
		KREQUIRE(crc32c(crc, buf + from, n) == crc32c_by_bits(crc, buf + from, n));
	}
}
