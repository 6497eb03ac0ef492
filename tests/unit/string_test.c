/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings and formatted text against simple models.
 *
 * link: kernel/lib/parse.c kernel/lib/seq.c kernel/lib/sort.c
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>
#include <host.h>

#define SIZE 512

static void fill_random(u8 *p, size_t n)
{
	while (n--)
		*p++ = (u8)prng_next(host_prng());
}

TEST(copies)
{
	/* Exactly sized blocks, so that an access outside is seen. */
	for (int round = 0; round < 20000; round++) {
		size_t n = host_random(90), from = host_random(16), to = host_random(16);
		u8 *src = host_alloc(from + n), *dst = host_alloc(to + n), model[SIZE];

		fill_random(src, from + n);
		for (size_t i = 0; i < n; i++)
			model[i] = src[from + i];
		(memcpy)(dst + to, src + from, n);
		EXPECT(!(memcmp)(dst + to, model, n));
		(memset)(dst + to, 0x3c, n);
		EXPECT(!memchr_inv(dst + to, 0x3c, n));
		host_free(src);
		host_free(dst);
	}
}

TEST(memmove_overlap)
{
	for (int round = 0; round < 20000; round++) {
		u8 buf[SIZE], model[SIZE], old[SIZE];
		size_t n = host_random(150), from = host_random(200), to = host_random(200);

		fill_random(buf, SIZE);
		for (size_t i = 0; i < SIZE; i++)
			old[i] = model[i] = buf[i];
		for (size_t i = 0; i < n; i++)
			model[to + i] = old[from + i];
		(memmove)(buf + to, buf + from, n);
		EXPECT(memequal_ct(buf, model, SIZE));
	}
}

TEST(searches)
{
	for (int round = 0; round < 5000; round++) {
		size_t n = 1 + host_random(60), at = host_random(n), skip = host_random(8);
		char *block = host_alloc(skip + n), *s = block + skip;

		(memset)(s, 'x', n);
		s[n - 1] = '\0';
		EXPECT_EQ((strlen)(s), n - 1);
		EXPECT_EQ(strnlen(s, at), (at < n - 1 ? at : n - 1));
		s[at] = 'y';
		EXPECT((char *)memchr(s, 'y', n) == s + at);
		EXPECT(!memchr(s, 'z', n));
		host_free(block);
	}
	EXPECT((strcmp)("abc", "abd") < 0 && strncmp("abc", "abd", 2) == 0);
	EXPECT_STR(strstr("hello world", "o w"), "o world");
	EXPECT(!strstr("aab", "aac"));
	EXPECT_STR(strrchr("/a/b/c", '/'), "/c");
	EXPECT_EQ(strspn("aabbc", "ab"), 4);
	EXPECT_EQ(strncasecmp("HeLLo", "hEllO!", 5), 0);

	char text[] = "a,,b", *p = text;

	EXPECT_STR(strsep(&p, ","), "a");
	EXPECT_STR(strsep(&p, ","), "");
	EXPECT_STR(strsep(&p, ","), "b");
	EXPECT(!strsep(&p, ","));

	char dst[4];

	EXPECT_EQ(strscpy(dst, "abc", 4), 3);
	EXPECT_EQ(strscpy(dst, "abcd", 4), -E2BIG);
	EXPECT_STR(dst, "abc");
}

static const char *format(const char *fmt, ...)
{
	static char buf[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	return buf;
}

static bool symbol(vaddr_t addr, const char **name, size_t *offset, size_t *size)
{
	*name = "start";
	*offset = addr & 0xff;
	*size = 0x100;
	return addr >> 8 == 0x1000;
}

TEST(printf_conversions)
{
	EXPECT_STR(format("%d %i %u", -5, 0, 4000000000u), "-5 0 4000000000");
	EXPECT_STR(format("%5d|%-5d|%05d|%+d|% d", 42, 42, -42, 42, 42),
		   "   42|42   |-0042|+42| 42");
	EXPECT_STR(format("%x %X %#x %#o %o", 255, 255, 255, 8, 8), "ff FF 0xff 010 10");
	EXPECT_STR(format("%.3d %8.3d %.0d", 5, 5, 0), "005      005 ");
	EXPECT_STR(format("%lld %llu %lx", (long long)S64_MIN, U64_MAX, ~0ul),
		   "-9223372036854775808 18446744073709551615 ffffffffffffffff");
	EXPECT_STR(format("%hhd %hd %hhu", 255, 65535, 257), "-1 -1 1");
	EXPECT_STR(format("%s|%5s|%-5s|%.2s|%c|%%", "ab", "ab", "ab", "abc", 'z'),
		   "ab|   ab|ab   |ab|z|%");
	EXPECT_STR(format("%*d|%-*d|%.*s", 4, 1, 4, 1, 1, "xy"), "   1|1   |x");
	EXPECT_STR(format("%p", (void *)0x1234), "0000000000001234");
	EXPECT_STR(format("%zu %td %jd", (size_t)1, (ptrdiff_t)-1, 2l), "1 -1 2");
	EXPECT_STR(format("%s", (char *)NULL), "(null)");
}

TEST(printf_pointers)
{
	paddr_t pa = 0x80000000;
	u8 mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, ip[4] = { 10, 0, 2, 15 };
	u8 ip6[16] = { 0xfe, 0x80, [15] = 1 }, loop[16] = { [15] = 1 }, any[16] = { 0 };
	u8 plain[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 };

	printf_set_symbols(symbol);
	EXPECT_STR(format("%pS %ps", (void *)0x100010, (void *)0x100010), "start+0x10/0x100 start");
	EXPECT_STR(format("%pB", (void *)0x100100), "start+0x100/0x100");
	EXPECT_STR(format("%pS", (void *)0x99), "0x99");
	EXPECT_STR(format("%pa", &pa), "0x0000000080000000");
	EXPECT_STR(format("%pM %pI4", mac, ip), "52:54:00:12:34:56 10.0.2.15");
	EXPECT_STR(format("%pI6 %pI6 %pI6", ip6, loop, any), "fe80::1 ::1 ::");
	EXPECT_STR(format("%pI6", plain), "2001:db8:0:1::");
}

TEST(printf_cut)
{
	char buf[4] = "zzz";

	EXPECT_EQ(snprintf(buf, 4, "%s", "abcdef"), 6);
	EXPECT_STR(buf, "abc");
	EXPECT_EQ(scnprintf(buf, 4, "%s", "abcdef"), 3);
	EXPECT_EQ(snprintf(NULL, 0, "%d", 12345), 5);
	EXPECT_EQ(scnprintf(buf, 0, "x"), 0);
}

TEST(parse_numbers)
{
	u64 u;
	s64 s;
	int i;
	char *end;

	EXPECT(!parse_u64("0x1F\n", 0, &u) && u == 31);
	EXPECT(!parse_u64("017", 0, &u) && u == 15);
	EXPECT(!parse_u64("0", 0, &u) && u == 0);
	EXPECT(!parse_u64("18446744073709551615", 10, &u) && u == U64_MAX);
	EXPECT_EQ(parse_u64("18446744073709551616", 10, &u), -ERANGE);
	EXPECT_EQ(parse_u64("", 10, &u), -EINVAL);
	EXPECT_EQ(parse_u64("12x", 10, &u), -EINVAL);
	EXPECT_EQ(parse_u64("-1", 10, &u), -EINVAL);
	EXPECT(!parse_s64("-9223372036854775808", 10, &s) && s == S64_MIN);
	EXPECT_EQ(parse_s64("9223372036854775808", 10, &s), -ERANGE);
	EXPECT_EQ(parse_s64("-+1", 10, &s), -EINVAL);
	EXPECT_EQ(parse_int("2147483648", 10, &i), -ERANGE);
	EXPECT_EQ(memparse("16M,", &end), 16 << 20);
	EXPECT_STR(end, ",");
	EXPECT_EQ(memparse("junk", &end), 0);
}

TEST(command_line)
{
	const char *line =
		"quiet console=ttyS0,115200 root=/dev/vda  init=\"/bin/sh -c\" console=tty0 ro";
	char buf[32], small[4];
	const char *pos = line;
	int words = 0;

	EXPECT(cmdline_get(line, "console", buf, sizeof(buf)));
	EXPECT_STR(buf, "tty0");
	EXPECT(cmdline_get_nth(line, "console", 0, buf, sizeof(buf)));
	EXPECT_STR(buf, "ttyS0,115200");
	EXPECT(!cmdline_get_nth(line, "console", 2, buf, sizeof(buf)));
	EXPECT(cmdline_get(line, "quiet", NULL, 0) && cmdline_get(line, "ro", buf, sizeof(buf)));
	EXPECT_STR(buf, "");
	EXPECT(!cmdline_get(line, "r", NULL, 0) && !cmdline_get(line, "oot", NULL, 0));
	EXPECT(cmdline_get(line, "init", buf, sizeof(buf)));
	EXPECT_STR(buf, "/bin/sh -c");
	EXPECT(cmdline_get(line, "root", small, sizeof(small)));
	EXPECT_STR(small, "/de");
	while (cmdline_next(&pos, buf, sizeof(buf)))
		words++;
	EXPECT_EQ(words, 6);
	EXPECT_EQ(cmdline_u64("a=5 b", "a", 1), 5);
	EXPECT_EQ(cmdline_u64("a=5 b", "b", 1), 1);
}

TEST(seq_buffer)
{
	char buf[16];
	struct seq s;

	seq_init(&s, buf, sizeof(buf));
	seq_printf(&s, "%d-%s", 12, "ab");
	seq_put_s64(&s, " ", S64_MIN / 1000000000000);
	EXPECT(!seq_overflowed(&s) && s.len == 14);
	seq_puts(&s, "xyz");
	EXPECT(seq_overflowed(&s) && s.len == 14);
	seq_init(&s, buf, sizeof(buf));
	seq_escape(&s, "a b\\", " ");
	EXPECT(s.len == 10 && !(memcmp)(buf, "a\\040b\\134", 10));
}

static int compare(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

TEST(sorting)
{
	u32 v[100];

	for (size_t n = 0; n <= 100; n++) {
		for (size_t i = 0; i < n; i++)
			v[i] = (u32)host_random(50);
		sort(v, n, sizeof(*v), compare);
		for (size_t i = 1; i < n; i++)
			EXPECT(v[i - 1] <= v[i]);
		u32 key = 25, *hit = bsearch(&key, v, n, sizeof(*v), compare);
		bool there = false;
		for (size_t i = 0; i < n; i++)
			there |= v[i] == 25;
		EXPECT(there == (hit != NULL) && (!hit || *hit == 25));
	}
}
