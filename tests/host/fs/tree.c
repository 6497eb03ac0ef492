/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing trees (tree.h). */
#include <kernel/abi/dirent.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"
#include "suite.h"
#include "tree.h"

#define MAX_TEXT 8192

enum {
	F_PATH,
	F_MODE,
	F_LINKS,
	F_UID,
	F_GID,
	F_SIZE,
	F_MTIME,
	F_RDEV,
	F_LINK,
	F_CRC,
	F_XATTRS,
	F_COUNT
};

static char path[MAX_TEXT], buf[65536];
static char *field[F_COUNT];

static void differ(const char *what, u64 is, u64 should)
{
	host_test_fail("tree", 0, "%s: %s is %#llx, not %#llx", path, what, is, should);
}

static u64 number(unsigned i, unsigned base)
{
	return parse_digits(field[i], NULL, base);
}

static void expect_number(const char *what, u64 is, unsigned i, unsigned base)
{
	if (is != number(i, base))
		differ(what, is, number(i, base));
}

static void expect_contents(void)
{
	int fd = (int)hf_open(path, O_RDONLY, 0);
	u32 crc = ~0u;
	long n;

	while ((n = hf_read(fd, buf, sizeof(buf))) > 0)
		crc = crc32_le(crc, buf, (size_t)n);
	if (fd < 0 || n < 0)
		differ("reading", (u64)(fd < 0 ? fd : n), 0);
	expect_number("the sum", (u32)~crc, F_CRC, 16);
	if (fd >= 0)
		hf_close(fd);
}

static void expect_link(void)
{
	long n = hf_readlink(path, buf, sizeof(buf));

	if (n != (long)strlen(field[F_LINK]) || memcmp(buf, field[F_LINK], (size_t)n))
		differ("the link's length", (u64)n, strlen(field[F_LINK]));
}

/* "name=hex": one attribute. */
static void expect_xattr(char *text)
{
	char *value = strchr(text, '=');
	char digits[3] = "";
	size_t len;
	long n;

	*value++ = 0;
	len = strlen(value) / 2;
	n = hf_getxattr(path, text, buf, sizeof(buf));
	if (n != (long)len)
		differ(text, (u64)n, len);
	for (size_t i = 0; i < len && n == (long)len; i++) {
		memcpy(digits, value + 2 * i, 2);
		if ((u8)buf[i] != parse_digits(digits, NULL, 16))
			differ(text, i, ~0ull);
	}
}

static void expect_xattrs(void)
{
	long listed = hf_listxattr(path, buf, sizeof(buf)), bytes = 0;
	char *at = field[F_XATTRS], *end;

	while (at && strcmp(at, "-")) {
		end = strchr(at, ',');
		if (end)
			*end++ = 0;
		expect_xattr(at);
		bytes += (long)strlen(at) + 1;
		at = end;
	}
	if (listed != bytes)
		differ("the list of attributes", (u64)listed, (u64)bytes);
}

static void expect_stat(const struct stat *st, unsigned flags)
{
	u32 mask = flags & TREE_MODES ? ~0u : S_IFMT;

	if ((st->st_mode & mask) != (number(F_MODE, 8) & mask))
		differ("the mode", st->st_mode, number(F_MODE, 8));
	if (!S_ISDIR(st->st_mode))
		expect_number("the size", (u64)st->st_size, F_SIZE, 10);
	if (flags & TREE_LINKS)
		expect_number("the number of links", st->st_nlink, F_LINKS, 10);
	if (flags & TREE_TIMES)
		expect_number("the time", (u64)st->st_mtime, F_MTIME, 10);
	if (!(flags & TREE_MODES))
		return;
	expect_number("the owner", st->st_uid, F_UID, 10);
	expect_number("the group", st->st_gid, F_GID, 10);
	expect_number("the device", st->st_rdev, F_RDEV, 10);
}

static void expect_file(const char *mounted, unsigned flags)
{
	struct stat st;
	long err;

	snprintf(path, sizeof(path), "%s/%s", mounted, field[F_PATH]);
	err = hf_lstat(path, &st);
	if (err) {
		differ("lstat", (u64)err, 0);
		return;
	}
	expect_stat(&st, flags);
	if (S_ISREG(st.st_mode))
		expect_contents();
	if (S_ISLNK(st.st_mode))
		expect_link();
	/* There is no asking for those of a link itself. */
	if (flags & TREE_XATTRS && !S_ISLNK(st.st_mode))
		expect_xattrs();
}

/* The line at `text`, cut in pieces; returns the next. */
static char *split(char *text)
{
	char *end = strchr(text, '\n');

	*end = 0;
	for (unsigned i = 0; i < F_COUNT; i++) {
		char *tab = strchr(text, '\t');

		field[i] = text;
		if (tab)
			*tab++ = 0;
		text = tab ? tab : end;
	}
	return end + 1;
}

typedef void (*visit_fn)(const char *name, void *arg);

/* Calls `fn` for each name in a directory, listed in pieces that cannot hold many.  Returns what
 * the last listing did. */
static long visit(const char *dir, visit_fn fn, void *arg)
{
	int fd = (int)hf_open(dir, O_RDONLY | O_DIRECTORY, 0);
	u8 *records = host_alloc_uncounted(1000);
	char *below = host_alloc_uncounted(MAX_TEXT);
	long n = fd;

	while (fd >= 0 && (n = hf_getdents(fd, records, 1000)) > 0) {
		for (long at = 0; at < n;
		     at += ((const struct linux_dirent64 *)(records + at))->d_reclen) {
			const struct linux_dirent64 *e =
				(const struct linux_dirent64 *)(records + at);

			snprintf(below, MAX_TEXT, "%s/%s", dir, e->d_name);
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
				fn(below, arg);
		}
	}
	host_free_uncounted(below);
	host_free_uncounted(records);
	hf_close(fd);
	return n;
}

static void count(const char *name, void *arg)
{
	struct stat st;

	++*(unsigned *)arg;
	if (!hf_lstat(name, &st) && S_ISDIR(st.st_mode))
		EXPECT_EQ(visit(name, count, arg), 0);
}

static void use(const char *name, void *arg)
{
	struct stat st;
	int fd;

	if (hf_lstat(name, &st))
		return;
	hf_listxattr(name, buf, sizeof(buf));
	if (S_ISDIR(st.st_mode))
		visit(name, use, arg);
	if (S_ISLNK(st.st_mode))
		hf_readlink(name, buf, sizeof(buf));
	if (!S_ISREG(st.st_mode))
		return;
	fd = (int)hf_open(name, O_RDONLY, 0);
	while (hf_read(fd, buf, sizeof(buf)) > 0)
		;
	hf_close(fd);
}

void tree_use(const char *mounted)
{
	use(mounted, NULL);
}

bool tree_make(const char *source)
{
	return suite_shell(
		"chmod -R u+rwx %s 2>/dev/null; rm -rf %s; tests/host/fs/tree.py make %s", source,
		source, source);
}

unsigned tree_expect(const char *mounted, const char *source, unsigned flags)
{
	char command[256], *listing, *text, *at;
	unsigned lines = 0, found = 0;
	size_t len;

	snprintf(command, sizeof(command), "tests/host/fs/tree.py list %s", source);
	listing = host_run(command, &len);
	text = host_alloc_uncounted(len + 1);
	memcpy(text, listing, len);
	text[len] = 0;
	for (at = text; *at; lines++) {
		at = split(at);
		expect_file(mounted, flags);
	}
	host_free_uncounted(text);
	host_free(listing);
	EXPECT_EQ(visit(mounted, count, &found), 0);
	EXPECT_EQ(found, lines);
	return lines;
}
