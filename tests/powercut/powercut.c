/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's half of the power-cut test: workloads that make promises, and what checks them.
 *
 *	powercut work NAME DIR MARKS STEPS	run a workload in DIR
 *	powercut check NAME DIR STEP		does DIR keep what was promised up to STEP?
 *
 * A promise is a number of steps: when fsync(), msync() or the like has returned for step n, a
 * sector that says so is written to MARKS, a partition of the same disk.  The host, which has
 * recorded all writes in order, reads from it what had been promised at any moment.
 *
 * Files hold words that name their file and their offset, so that data that was never a file's own
 * shows.  Each workload is a fixed function of the step, so the check needs nothing but the number.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG 0xc7ull

static const char *dir;
static int marks = -1;
static unsigned workload; /* its number: in words, and its sector of the marks */
static unsigned long steps;
static unsigned wrong;

static void die(const char *what)
{
	printf("not ok %s: %s\n", what, strerror(errno));
	exit(1);
}

static void bad(const char *what, const char *name, long a, long b)
{
	if (wrong++ < 5)
		printf("not ok %s: %s: %ld, %ld\n", name, what, a, b);
}

static char *path(const char *fmt, unsigned long n)
{
	static char text[4][300];
	static unsigned turn;
	char *p = text[turn++ % 4];
	int at = snprintf(p, sizeof(text[0]), "%s/", dir);

	snprintf(p + at, sizeof(text[0]) - at, fmt, n);
	return p;
}

/* The same numbers in every run. */
static unsigned long chance(unsigned long step, unsigned long salt, unsigned long below)
{
	uint64_t x = step * 0x9e3779b97f4a7c15ull + salt * 0xd6e8feb86659fd93ull + workload;

	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 29;
	return x % below;
}

static void promise(unsigned long step)
{
	static _Alignas(4096) uint64_t sector[512];

	sector[0] = 0x6b72616d74756370ull;
	sector[1] = workload;
	sector[2] = step;
	if (pwrite(marks, sector, 4096, workload * 4096) != 4096)
		die("marks");
}

static uint64_t word(unsigned file, unsigned generation, uint64_t index)
{
	return TAG << 56 | (uint64_t)(workload << 12 | (file & 0xfff)) << 40 |
	       (uint64_t)(generation & 0xff) << 32 | index;
}

static void fill(uint64_t *w, unsigned file, unsigned generation, uint64_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		w[i] = word(file, generation, first + i);
}

/* A word of this file at this place, of any generation; or nothing. */
static int own(uint64_t w, unsigned file, uint64_t index)
{
	return !w || (w & ~(0xffull << 32)) == word(file, 0, index);
}

static unsigned generation_of(uint64_t w)
{
	return w >> 32 & 0xff;
}

static long load(const char *name, uint64_t *buf, size_t bytes)
{
	int fd = open(name, O_RDONLY);
	long n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, bytes);
	close(fd);
	return n;
}

static void sync_dir(void)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || fsync(fd))
		die("fsync of the directory");
	close(fd);
}

static uint64_t buf[1 << 18];

/* --- appends, fsync after each ---------------------------------------------------------------- */

#define FILES 4

static size_t append_size(unsigned long step)
{
	return 8 * (1 + chance(step, 1, 2000));
}

static size_t append_total(unsigned file, unsigned long last)
{
	size_t n = 0;

	for (unsigned long s = 1; s <= last; s++)
		if (s % FILES == file)
			n += append_size(s);
	return n;
}

static void fsync_work(void)
{
	size_t at[FILES] = { 0 };

	for (unsigned long s = 1; s <= steps; s++) {
		unsigned file = s % FILES;
		size_t n = append_size(s);
		int fd = open(path("f%lu", file), O_RDWR | O_CREAT, 0644);

		fill(buf, file, 0, at[file] / 8, n / 8);
		if (fd < 0 || pwrite(fd, buf, n, at[file]) != (ssize_t)n)
			die("append");
		at[file] += n;
		if (chance(s, 2, 4) ? fsync(fd) : fdatasync(fd))
			die("fsync");
		close(fd);
		if (s <= FILES)
			sync_dir();
		promise(s);
	}
}

static void fsync_check(unsigned long last)
{
	for (unsigned file = 0; file < FILES; file++) {
		size_t want = append_total(file, last);
		long n = load(path("f%lu", file), buf, sizeof(buf));

		if (n < (long)want && (want || n != -ENOENT))
			bad("size", path("f%lu", file), n, want);
		for (long i = 0; i < n / 8; i++)
			if (i < (long)want / 8 ? buf[i] != word(file, 0, i) : !own(buf[i], file, i))
				bad("content", path("f%lu", file), i, n);
	}
}

/* --- a file replaced by rename ---------------------------------------------------------------- */

#define NAMES 3

static size_t rename_size(unsigned long step)
{
	return 8 * (1 + chance(step, 3, 5000));
}

static void rename_work(void)
{
	for (unsigned long s = 1; s <= steps; s++) {
		size_t n = rename_size(s);
		char *target = path("target%lu", s % NAMES), *temporary = path("new%lu", s % 2);
		int fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC, 0644);

		fill(buf, s % NAMES, s, 0, n / 8);
		if (fd < 0 || write(fd, buf, n) != (ssize_t)n || fsync(fd))
			die("write");
		close(fd);
		if (rename(temporary, target))
			die("rename");
		if (chance(s, 4, 3) == 0) {
			sync_dir();
			promise(s);
		}
	}
}

static unsigned long rename_last(unsigned name, unsigned long last)
{
	while (last && last % NAMES != name)
		last--;
	return last;
}

static void rename_check(unsigned long last)
{
	for (unsigned name = 0; name < NAMES; name++) {
		unsigned long s = rename_last(name, last), tries = 0;
		long n = load(path("target%lu", name), buf, sizeof(buf));

		if (n == -ENOENT && !s)
			continue;
		if (n < 8) {
			bad("is not there", path("target%lu", name), n, s);
			continue;
		}
		/* Whole, of this generation or a later one. */
		if (!s)
			s = name ? name : NAMES;
		while ((s & 0xff) != generation_of(buf[0]) && tries++ < 100)
			s += NAMES;
		if (n != (long)rename_size(s))
			bad("size", path("target%lu", name), n, rename_size(s));
		for (long i = 0; i < n / 8; i++)
			if (buf[i] != word(name, s, i))
				bad("content", path("target%lu", name), i, n);
	}
}

/* --- files come and go ------------------------------------------------------------------------ */

#define ALIVE 40
#define PERIOD 10

static void storm_work(void)
{
	for (unsigned long s = 1; s <= steps; s++) {
		int fd = open(path("file-%lu", s), O_RDWR | O_CREAT | O_EXCL, 0644);

		fill(buf, s, 0, 0, 64);
		if (fd < 0 || write(fd, buf, s % 3 * 160) < 0)
			die("create");
		close(fd);
		if (s % 4 == 0 && link(path("file-%lu", s), path("link-%lu", s)))
			die("link");
		if (s > ALIVE && unlink(path("file-%lu", s - ALIVE)))
			die("unlink");
		if (s > ALIVE && s % 4 == 0 && unlink(path("link-%lu", s - ALIVE)))
			die("unlink");
		if (s % PERIOD == 0) {
			sync_dir();
			promise(s);
		}
	}
}

static int there(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static void storm_check(unsigned long last)
{
	unsigned long first = last > ALIVE ? last - ALIVE : 0;

	for (unsigned long s = 1; s <= last; s++) {
		int is = there(path("file-%lu", s));

		if (s <= first ? is : !is && s > first + PERIOD)
			bad(is ? "is there again" : "is not there", path("file-%lu", s), s, last);
		if (s % 4 == 0 && s > first + PERIOD && !there(path("link-%lu", s)))
			bad("is not there", path("link-%lu", s), s, last);
	}
	for (unsigned long s = 1; s <= last + PERIOD; s++) {
		long n = load(path("file-%lu", s), buf, sizeof(buf));

		for (long i = 0; i < n / 8; i++)
			if (!own(buf[i], s, i))
				bad("content", path("file-%lu", s), i, n);
	}
}

/* --- one file grows and shrinks --------------------------------------------------------------- */

static size_t truncate_size(unsigned long step, size_t before)
{
	switch (chance(step, 5, 4)) {
	case 0: return before / 2 & ~7ul;
	case 1: return before + 8 * chance(step, 6, 4000); /* by truncate: a hole */
	default: return before + 8 * chance(step, 7, 3000);
	}
}

static size_t truncate_limit(size_t n)
{
	return n > 600000 ? 8000 : n;
}

static void truncate_work(void)
{
	size_t size = 0;
	int fd = open(path("file", 0), O_RDWR | O_CREAT, 0644);

	for (unsigned long s = 1; s <= steps; s++) {
		size_t next = truncate_limit(truncate_size(s, size));

		if (chance(s, 5, 4) > 1 && next > size) {
			fill(buf, 0, s, size / 8, (next - size) / 8);
			if (pwrite(fd, buf, next - size, size) != (ssize_t)(next - size))
				die("write");
		} else if (ftruncate(fd, next)) {
			die("truncate");
		}
		size = next;
		if (s % 3 == 0) {
			if (fsync(fd))
				die("fsync");
			if (s == 3)
				sync_dir();
			promise(s);
		}
	}
	close(fd);
}

static void truncate_check(unsigned long last)
{
	long n = load(path("file", 0), buf, sizeof(buf));
	size_t size = 0;
	int fits = 0;

	if (!last)
		return;
	for (unsigned long s = 1; s <= last; s++)
		size = truncate_limit(truncate_size(s, size));
	/* What was promised, or something on the way to the next promise: a write may be there in
	 * part. */
	for (unsigned long s = last; s <= last + 3; s++) {
		size_t next = truncate_limit(truncate_size(s + 1, size));

		if (n == (long)size || (n > (long)size && n <= (long)next))
			fits = 1;
		size = next;
	}
	if (!fits)
		bad("size", path("file", 0), n, size);
	for (long i = 0; i < n / 8; i++)
		if (!own(buf[i], 0, i))
			bad("content", path("file", 0), i, n);
}

/* --- a directory grows ------------------------------------------------------------------------ */

static char *entry_name(unsigned long n)
{
	return path(n % 2 ? "a-name-that-is-rather-long-so-that-blocks-fill-quickly-%lu" : "n%lu",
		    n);
}

static void directory_work(void)
{
	for (unsigned long s = 1; s <= steps; s++) {
		int made;

		switch (s % 8) {
		case 0: made = mkdir(entry_name(s), 0755); break;
		case 1: made = symlink("somewhere", entry_name(s)); break;
		default: made = mknod(entry_name(s), S_IFREG | 0600, 0); break;
		}
		if (made)
			die("entry");
		if (s % 20 == 0) {
			sync_dir();
			promise(s);
		}
	}
}

static void directory_check(unsigned long last)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned long n = 0;

	for (unsigned long s = 1; s <= last; s++)
		if (!there(entry_name(s)))
			bad("is not there", entry_name(s), s, last);
	while (d && (e = readdir(d))) {
		n++;
		if (!there(path("", 0)) ||
		    fstatat(dirfd(d), e->d_name, &(struct stat){0}, AT_SYMLINK_NOFOLLOW))
			bad("listed, not there", e->d_name, n, last);
	}
	if (!d || n < last + 2)
		bad("listed", dir, n, last);
	if (d)
		closedir(d);
}

/* --- a mapped file ---------------------------------------------------------------------------- */

#define MAP_PAGES 64
#define PAGE	  4096

static void mapped_work(void)
{
	int fd = open(path("mapped", 0), O_RDWR | O_CREAT, 0644);
	uint64_t *map;

	if (fd < 0 || ftruncate(fd, MAP_PAGES * PAGE))
		die("create");
	map = mmap(NULL, MAP_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || fsync(fd))
		die("map");
	sync_dir();
	for (unsigned long s = 1; s <= steps; s++) {
		unsigned long page = chance(s, 8, MAP_PAGES);

		fill(map + page * 512, 0, s, page * 512, 512);
		if (msync((char *)map + page * PAGE, PAGE, MS_SYNC))
			die("msync");
		promise(s);
	}
}

static void mapped_check(unsigned long last)
{
	unsigned long newest[MAP_PAGES] = { 0 };
	long n = load(path("mapped", 0), buf, sizeof(buf));

	if (!last)
		return;
	if (n != MAP_PAGES * PAGE) {
		bad("size", path("mapped", 0), n, MAP_PAGES * PAGE);
		return;
	}
	for (unsigned long s = 1; s <= last; s++)
		newest[chance(s, 8, MAP_PAGES)] = s;
	for (long i = 0; i < n / 8; i++) {
		uint64_t w = buf[i];
		unsigned long want = newest[i / 512];

		if (!own(w, 0, i) || (want && !w) ||
		    (want && w && (uint8_t)(generation_of(w) - want) > 1 &&
		     chance(last + 1, 8, MAP_PAGES) != (unsigned long)i / 512))
			bad("content", path("mapped", 0), i, want);
	}
}

/* --- all -------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*work)(void);
	void (*check)(unsigned long last);
} workloads[] = {
	{ "fsync", fsync_work, fsync_check },
	{ "rename", rename_work, rename_check },
	{ "storm", storm_work, storm_check },
	{ "truncate", truncate_work, truncate_check },
	{ "directory", directory_work, directory_check },
	{ "mapped", mapped_work, mapped_check },
};

int main(int argc, char **argv)
{
	int work = argc == 6 && !strcmp(argv[1], "work");

	if (!work && (argc != 5 || strcmp(argv[1], "check")))
		return 2;
	while (strcmp(workloads[workload].name, argv[2]))
		if (++workload == sizeof(workloads) / sizeof(workloads[0]))
			return 2;
	dir = argv[3];
	if (!work) {
		workloads[workload].check(strtoul(argv[4], NULL, 0));
		return wrong != 0;
	}
	steps = strtoul(argv[5], NULL, 0);
	if (mkdir(dir, 0755))
		die("mkdir");
	marks = open(argv[4], O_WRONLY | O_DIRECT);
	if (marks < 0)
		die("marks");
	workloads[workload].work();
	return 0;
}
