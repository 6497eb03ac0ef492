/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diskbench: what operations on a disk cost, counted as ubench.c counts (marks that pathlen.c
 * sees).
 *
 *     diskbench [-r rounds] [-d mount point] [-b raw device] [-f disk of the file system] [NAME...]
 *
 * A row is run twice to warm up and then `rounds` times.  Before each run `prep` brings the disk to
 * the same state and waits until nothing is left to write; it is outside the marks, so that a round
 * has the transfers of its own operations only.  One line per round, in the order of the marks:
 *
 *     #mark NAME OPERATIONS NANOSECONDS
 *     #req NAME MEBIBYTES READS WRITES FLUSHES
 *
 * The second stands only for rows that move data in sequence; it has what the disk's statistics
 * counted. An operation of the rows *_mib is one MiB.  Rows of large directories make them where
 * they are missing.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MARK_BEGIN() __asm__ volatile(".byte 0x0f,0x1f,0x80,0x01,0x52,0x49,0x56" ::: "memory")
#define MARK_END()   __asm__ volatile(".byte 0x0f,0x1f,0x80,0x02,0x52,0x49,0x56" ::: "memory")
#elif defined(__aarch64__)
#define MARK_BEGIN() __asm__ volatile("movz xzr, #0x5601" ::: "memory")
#define MARK_END()   __asm__ volatile("movz xzr, #0x5602" ::: "memory")
#elif defined(__riscv)
#define MARK_BEGIN() __asm__ volatile(".word 0x56491037" ::: "memory")
#define MARK_END()   __asm__ volatile(".word 0x56492037" ::: "memory")
#endif

#define KIB 1024u
#define MIB (1024u * KIB)
#define AREA (16u * MIB)	/* what is read and written in a row */
#define CHUNK (64u * KIB)
#define NAMES 200u		/* files of the rows that make or remove names */

static const char *mnt = "/mnt", *raw = "/dev/vdb", *fsdisk = "/dev/vda";
static int rounds = 3, fd = -1;
static char *buf, *map;
static char path[128], other[128];
static unsigned long rng = 12345;

static void die(const char *what)
{
	printf("diskbench: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}
#define MUST(x) do { if ((long)(x) < 0) die(#x); } while (0)

static const char *name(char *to, const char *dir, unsigned i)
{
	snprintf(to, sizeof path, "%s/%s/f%06u", mnt, dir, i);
	return to;
}

static off_t somewhere(void)
{
	rng = rng * 6364136223846793005ul + 1442695040888963407ul;
	return (off_t)((rng >> 33) % (AREA / 4096)) * 4096;
}

static void drop(const char *what)
{
	int d;

	sync();
	MUST(d = open("/proc/sys/vm/drop_caches", O_WRONLY));
	MUST(write(d, what, strlen(what)));
	close(d);
}

/* --- files and devices to transfer to --------------------------------------------------------- */

static void fill(const char *file, int flags)
{
	MUST(fd = open(file, O_RDWR | O_CREAT, 0644));
	for (off_t o = 0; o < AREA; o += MIB)
		if (pwrite(fd, buf, MIB, o) != (ssize_t)MIB)
			die("fill");
	MUST(fsync(fd));
	close(fd);
	MUST(fd = open(file, O_RDWR | flags));
}

static const char *data_file(void)
{
	snprintf(path, sizeof path, "%s/data", mnt);
	return path;
}

static void s_raw(void) { fill(raw, 0); }
static void s_raw_direct(void) { fill(raw, O_DIRECT); }
static void s_file(void) { fill(data_file(), 0); }
static void s_file_direct(void) { fill(data_file(), O_DIRECT); }
static void d_close(void) { close(fd); }

static void p_sync(void) { sync(); }

static void p_cold(void)
{
	MUST(fsync(fd));
	if ((errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)))
		die("fadvise");
}

static void p_empty(void)
{
	MUST(ftruncate(fd, 0));
	MUST(lseek(fd, 0, SEEK_SET));
	sync();
}

static void p_start(void) { MUST(lseek(fd, 0, SEEK_SET)); }

static void r_read_rand(unsigned n)
{
	while (n--)
		if (pread(fd, buf, 4096, somewhere()) != 4096)
			die("pread");
}
static void r_write_rand(unsigned n)
{
	while (n--)
		if (pwrite(fd, buf, 4096, somewhere()) != 4096)
			die("pwrite");
}
static void r_read_4k(unsigned n) { while (n--) if (read(fd, buf, 4096) != 4096) die("read"); }

static void read_seq(unsigned n, size_t chunk)
{
	for (off_t o = 0; o < (off_t)n * MIB; o += chunk)
		if (pread(fd, buf, chunk, o) != (ssize_t)chunk)
			die("pread");
}

static void r_read_seq(unsigned n) { read_seq(n, CHUNK); }
static void r_read_seq_1m(unsigned n) { read_seq(n, MIB); }

static void r_write_seq(unsigned n)
{
	for (off_t o = 0; o < (off_t)n * MIB; o += CHUNK)
		if (pwrite(fd, buf, CHUNK, o) != CHUNK)
			die("pwrite");
}

static void r_write_seq_fsync(unsigned n)
{
	r_write_seq(n);
	MUST(fsync(fd));
}

static void r_write_fsync(unsigned n)
{
	while (n--)
		if (pwrite(fd, buf, 4096, somewhere()) != 4096 || fsync(fd))
			die("fsync");
}
static void r_write_fdatasync(unsigned n)
{
	while (n--)
		if (pwrite(fd, buf, 4096, somewhere()) != 4096 || fdatasync(fd))
			die("fdatasync");
}
static void r_append_fsync(unsigned n)
{
	while (n--)
		if (write(fd, buf, 4096) != 4096 || fsync(fd))
			die("append");
}

/* --- stores to a mapped file ------------------------------------------------------------------ */

static void s_map(void)
{
	fill(data_file(), 0);
	map = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
}

static void d_map(void) { munmap(map, AREA); close(fd); }

static void r_msync(unsigned n)
{
	while (n--) {
		char *p = map + somewhere();

		*(volatile char *)p = (char)n;
		MUST(msync(p, 4096, MS_SYNC));
	}
}

static void r_msync_seq(unsigned n)
{
	for (size_t o = 0; o < (size_t)n * MIB; o += 4096)
		*(volatile char *)(map + o) = (char)n;
	MUST(msync(map, (size_t)n * MIB, MS_SYNC));
}

static void r_map_read(unsigned n)
{
	volatile char *p = mmap(NULL, AREA, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (size_t o = 0; o < (size_t)n * MIB; o += 4096)
		(void)p[o];
	munmap((void *)p, AREA);
}

/* --- names ------------------------------------------------------------------------------------ */

static void make(const char *file, size_t size)
{
	int f;

	MUST(f = open(file, O_CREAT | O_WRONLY | O_EXCL, 0644));
	if (size && write(f, buf, size) != (ssize_t)size)
		die("write");
	close(f);
}

static void work_clear(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		unlink(name(path, "w", i));
		rmdir(path);
		unlink(name(path, "v", i));
	}
}

static void work_make(size_t size)
{
	work_clear();
	for (unsigned i = 0; i < NAMES; i++)
		make(name(path, "w", i), size);
}

static void s_work(void)
{
	snprintf(path, sizeof path, "%s/w", mnt);
	mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/v", mnt);
	mkdir(path, 0755);
	work_clear();
}

static void s_work_files(void) { s_work(); work_make(4096); sync(); }
static void s_work_links(void)
{
	s_work();
	for (unsigned i = 0; i < NAMES; i++)
		MUST(symlink("../some/where/else", name(path, "w", i)));
}

static void p_work_none(void) { work_clear(); sync(); }
static void p_work_empty(void) { work_make(0); sync(); }
static void p_work_64k(void) { work_make(CHUNK); sync(); }
static void p_work_dirs(void)
{
	work_clear();
	for (unsigned i = 0; i < NAMES; i++)
		MUST(mkdir(name(path, "w", i), 0755));
	sync();
}

static void r_create(unsigned n) { while (n--) make(name(path, "w", n), 0); }
static void r_create_4k(unsigned n) { while (n--) make(name(path, "w", n), 4096); }
static void r_unlink(unsigned n) { while (n--) MUST(unlink(name(path, "w", n))); }
static void r_mkdir(unsigned n) { while (n--) MUST(mkdir(name(path, "w", n), 0755)); }
static void r_rmdir(unsigned n) { while (n--) MUST(rmdir(name(path, "w", n))); }
static void r_rename(unsigned n)
{
	while (n--)
		MUST(rename(name(path, "w", n), name(other, "v", n)));
}
static void r_link(unsigned n) { while (n--) MUST(link(name(path, "w", n), name(other, "v", n))); }
static void r_symlink(unsigned n)
{
	while (n--)
		MUST(symlink("../some/where/else", name(path, "w", n)));
}
static void r_readlink(unsigned n) { while (n--) MUST(readlink(name(path, "w", n), buf, 256)); }
static void r_truncate(unsigned n) { while (n--) MUST(truncate(name(path, "w", n), 0)); }
static void r_chmod(unsigned n)
{
	while (n--)
		MUST(chmod(name(path, "w", n), n & 1 ? 0600 : 0644));
}

static void r_create_sync(unsigned n) { r_create(n); sync(); }
static void r_create_4k_sync(unsigned n) { r_create_4k(n); sync(); }
static void r_unlink_sync(unsigned n) { r_unlink(n); sync(); }

static void r_create_write_fsync(unsigned n)
{
	while (n--) {
		int f;

		MUST(f = open(name(path, "w", n), O_CREAT | O_WRONLY | O_EXCL, 0644));
		if (write(f, buf, 4096) != 4096 || fsync(f))
			die("fsync");
		close(f);
	}
}

static void r_stat(unsigned n, const char *dir)
{
	struct stat st;

	while (n--)
		MUST(stat(name(path, dir, n), &st));
}

static void r_stat_work(unsigned n) { r_stat(n, "w"); }
static void r_stat_1k(unsigned n) { r_stat(n, "d1k"); }

static void r_setxattr(unsigned n)
{
	while (n--)
		MUST(setxattr(name(path, "w", n), "user.bench", path, 32, 0));
}
static void r_getxattr(unsigned n)
{
	while (n--)
		MUST(getxattr(name(path, "w", n), "user.bench", buf, 64));
}
static void s_xattrs(void) { s_work_files(); r_setxattr(NAMES); sync(); }

/* --- large directories ------------------------------------------------------------------------ */

static void large(const char *dir, unsigned files)
{
	snprintf(path, sizeof path, "%s/%s", mnt, dir);
	if (mkdir(path, 0755))
		return;
	for (unsigned i = 0; i < files; i++)
		MUST(mknod(name(path, dir, i), S_IFREG | 0644, 0));
	sync();
}

static void list(const char *dir)
{
	int d;

	snprintf(path, sizeof path, "%s/%s", mnt, dir);
	MUST(d = open(path, O_RDONLY | O_DIRECTORY));
	while (syscall(SYS_getdents64, d, buf, 32 * KIB) > 0)
		;
	close(d);
}

static void miss(unsigned n, const char *dir)
{
	static unsigned next = 1000000;
	struct stat st;

	while (n--)
		if (stat(name(path, dir, next++), &st) == 0 || errno != ENOENT)
			die("stat of no file");
}

static void s_list_1k(void) { large("d1k", 1000); list("d1k"); }
static void s_list_100k(void) { large("d100k", 100000); list("d100k"); }
static void p_forget(void) { drop("2"); }
static void p_all_cold(void) { drop("3"); }
static void r_list_1k(unsigned n) { while (n--) list("d1k"); }
static void r_list_100k(unsigned n) { while (n--) list("d100k"); }
static void r_miss_1k(unsigned n) { miss(n, "d1k"); }
static void r_miss_100k(unsigned n) { miss(n, "d100k"); }

/* --- the table -------------------------------------------------------------------------------- */

enum requests { NONE, RAW, FS };	/* whose requests are shown */

static const struct row {
	const char *name;
	void (*setup)(void), (*prep)(void);
	void (*run)(unsigned n);
	void (*done)(void);
	unsigned n;			/* operations of a round */
	enum requests requests;
} rows[] = {
	{"raw_read_4k_direct", s_raw_direct, NULL, r_read_rand, d_close, 200, NONE},
	{"raw_write_4k_direct", s_raw_direct, NULL, r_write_rand, d_close, 200, NONE},
	{"raw_read_direct_mib", s_raw_direct, NULL, r_read_seq, d_close, 8, RAW},
	{"raw_write_direct_mib", s_raw_direct, NULL, r_write_seq, d_close, 8, RAW},
	{"raw_read_cold_mib", s_raw, p_cold, r_read_seq, d_close, 16, RAW},
	{"raw_read_cold_1m_mib", s_raw, p_cold, r_read_seq_1m, d_close, 16, RAW},
	{"raw_write_fsync_mib", s_raw, p_sync, r_write_seq_fsync, d_close, 16, RAW},
	{"raw_write_fsync_4k", s_raw, p_sync, r_write_fsync, d_close, 50, NONE},
	{"ext4_read_4k_direct", s_file_direct, NULL, r_read_rand, d_close, 200, NONE},
	{"ext4_write_4k_direct", s_file_direct, p_sync, r_write_rand, d_close, 200, NONE},
	{"ext4_read_direct_mib", s_file_direct, NULL, r_read_seq, d_close, 8, FS},
	{"ext4_write_direct_mib", s_file_direct, p_sync, r_write_seq, d_close, 8, FS},
	{"ext4_read_cold_mib", s_file, p_cold, r_read_seq, d_close, 16, FS},
	{"ext4_read_cold_1m_mib", s_file, p_cold, r_read_seq_1m, d_close, 16, FS},
	{"ext4_read_cold_4k", s_file, p_cold, r_read_rand, d_close, 200, NONE},
	{"ext4_map_cold_mib", s_file, p_cold, r_map_read, d_close, 16, FS},
	{"ext4_rewrite_fsync_mib", s_file, p_sync, r_write_seq_fsync, d_close, 16, FS},
	{"ext4_write_fsync_mib", s_file, p_empty, r_write_seq_fsync, d_close, 16, FS},
	{"ext4_read_4k", s_file, p_start, r_read_4k, d_close, 500, NONE},
	{"ext4_pread_4k", s_file, NULL, r_read_rand, d_close, 500, NONE},
	{"ext4_pwrite_4k", s_file, p_sync, r_write_rand, d_close, 500, NONE},
	{"ext4_write_fsync_4k", s_file, p_sync, r_write_fsync, d_close, 50, NONE},
	{"ext4_fdatasync_4k", s_file, p_sync, r_write_fdatasync, d_close, 50, NONE},
	{"ext4_append_fsync_4k", s_file, p_empty, r_append_fsync, d_close, 50, NONE},
	{"ext4_create_fsync_4k", s_work, p_work_none, r_create_write_fsync, NULL, 50, NONE},
	{"ext4_msync_4k", s_map, p_sync, r_msync, d_map, 50, NONE},
	{"ext4_msync_mib", s_map, p_sync, r_msync_seq, d_map, 8, FS},
	{"ext4_create", s_work, p_work_none, r_create, NULL, NAMES, NONE},
	{"ext4_create_4k", s_work, p_work_none, r_create_4k, NULL, NAMES, NONE},
	{"ext4_create_sync", s_work, p_work_none, r_create_sync, NULL, NAMES, NONE},
	{"ext4_create_4k_sync", s_work, p_work_none, r_create_4k_sync, NULL, NAMES, NONE},
	{"ext4_unlink", s_work, p_work_empty, r_unlink, NULL, NAMES, NONE},
	{"ext4_unlink_64k", s_work, p_work_64k, r_unlink, NULL, NAMES, NONE},
	{"ext4_unlink_sync", s_work, p_work_empty, r_unlink_sync, NULL, NAMES, NONE},
	{"ext4_rename", s_work, p_work_empty, r_rename, NULL, NAMES, NONE},
	{"ext4_link", s_work, p_work_empty, r_link, NULL, NAMES, NONE},
	{"ext4_mkdir", s_work, p_work_none, r_mkdir, NULL, NAMES, NONE},
	{"ext4_rmdir", s_work, p_work_dirs, r_rmdir, NULL, NAMES, NONE},
	{"ext4_symlink", s_work, p_work_none, r_symlink, NULL, NAMES, NONE},
	{"ext4_readlink", s_work_links, NULL, r_readlink, NULL, NAMES, NONE},
	{"ext4_truncate_64k", s_work, p_work_64k, r_truncate, NULL, NAMES, NONE},
	{"ext4_chmod", s_work_files, p_sync, r_chmod, NULL, NAMES, NONE},
	{"ext4_setxattr", s_work_files, p_work_empty, r_setxattr, NULL, NAMES, NONE},
	{"ext4_resetxattr", s_xattrs, p_sync, r_setxattr, NULL, NAMES, NONE},
	{"ext4_getxattr", s_xattrs, NULL, r_getxattr, NULL, NAMES, NONE},
	{"ext4_stat", s_work_files, NULL, r_stat_work, NULL, NAMES, NONE},
	{"ext4_stat_forgotten", s_list_1k, p_forget, r_stat_1k, NULL, NAMES, NONE},
	{"ext4_stat_cold", s_list_1k, p_all_cold, r_stat_1k, NULL, NAMES, NONE},
	{"ext4_miss_1k", s_list_1k, NULL, r_miss_1k, NULL, NAMES, NONE},
	{"ext4_miss_100k", s_list_100k, NULL, r_miss_100k, NULL, NAMES, NONE},
	{"ext4_readdir_1k", s_list_1k, NULL, r_list_1k, NULL, 5, NONE},
	{"ext4_readdir_100k", s_list_100k, NULL, r_list_100k, NULL, 1, NONE},
};

/* The disk's completed reads, writes and flushes, from its statistics (columns 1, 5 and 16). */
static void requests_read(const char *dev, unsigned long out[3])
{
	char file[128], text[512] = "", *p = text;
	unsigned long v[17] = {0};
	int f;

	snprintf(file, sizeof file, "/sys/block/%s/stat", strrchr(dev, '/') + 1);
	MUST(f = open(file, O_RDONLY));
	MUST(read(f, text, sizeof text - 1));
	close(f);
	for (unsigned i = 0; i < 17; i++)
		v[i] = strtoul(p, &p, 10);
	out[0] = v[0];
	out[1] = v[4];
	out[2] = v[15];
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void round_run(const struct row *r)
{
	const char *dev = r->requests == RAW ? raw : fsdisk;
	unsigned long before[3] = {0}, after[3];
	uint64_t start;

	if (r->prep)
		r->prep();
	if (r->requests)
		requests_read(dev, before);
	start = now();
	MARK_BEGIN();
	r->run(r->n);
	MARK_END();
	printf("#mark %s %u %g\n", r->name, r->n, (double)(now() - start));
	if (!r->requests)
		return;
	requests_read(dev, after);
	printf("#req %s %u %lu %lu %lu\n", r->name, r->n, after[0] - before[0],
	       after[1] - before[1], after[2] - before[2]);
}

static void row_run(const struct row *r)
{
	if (r->setup)
		r->setup();
	for (int i = 0; i < 2; i++) {
		if (r->prep)
			r->prep();
		r->run(r->n);
	}
	for (int i = 0; i < rounds; i++)
		round_run(r);
	if (r->done)
		r->done();
	fflush(stdout);
}

/* NAME may end in '*'. */
static int selected(const char *row, char *const *names)
{
	if (!*names)
		return 1;
	for (; *names; names++) {
		size_t l = strlen(*names);

		if (l && (*names)[l - 1] == '*' ? !strncmp(*names, row, l - 1)
						: !strcmp(*names, row))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	cpu_set_t one;
	int c;

	while ((c = getopt(argc, argv, "r:d:b:f:")) != -1)
		switch (c) {
		case 'r': rounds = atoi(optarg); break;
		case 'd': mnt = optarg; break;
		case 'b': raw = optarg; break;
		case 'f': fsdisk = optarg; break;
		default: return 2;
		}
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof one, &one);
	buf = mmap(NULL, MIB + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		die("mmap");
	memset(buf, 0x5a, MIB);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (selected(rows[i].name, argv + optind))
			row_run(&rows[i]);
	return 0;
}
