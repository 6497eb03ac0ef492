/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mutants of file-system images (mutate.h). */
#include <kernel/abi/dirent.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/statfs.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/random.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"
#include "mutate.h"

#define ROOT	   "/mutant"
#define SECTOR	   512u
#define MAX_PATH   600
#define MAX_NODES  400u
#define MAX_DEPTH  10u
#define LEAK_EVERY 50u
#define WATCHDOG   60u /* seconds of processor time: a loop that takes no steps */

static struct {
	struct host_disk *disk;
	const struct mutate_config *config;
	u32 *metadata; /* sectors */
	u32 nr_metadata;
	u64 number;
	struct prng prng;
	char what[4][100];
	unsigned nr_what;
	unsigned nodes;
} m;

static u64 chance(u64 bound)
{
	return prng_below(&m.prng, bound);
}

static void tell(void)
{
	host_print("# MUTANT=%llu of %s:\n", m.number, m.config->type);
	for (unsigned i = 0; i < m.nr_what; i++)
		host_print("#   %s\n", m.what[i]);
}

/* --- using it ----------------------------------------------------------------------------------- */

static void look_at_file(const char *path, loff_t size)
{
	static u8 buf[16384];
	int fd = (int)hf_open(path, O_RDONLY, 0);
	long at;

	if (fd < 0)
		return;
	for (int i = 0; i < 4 && hf_read(fd, buf, sizeof(buf)) > 0; i++)
		;
	hf_pread(fd, buf, sizeof(buf), size > 10000 ? size - 10000 : 0);
	hf_lseek(fd, 0, SEEK_HOLE);
	at = hf_mmap(4096, PROT_READ, MAP_SHARED, fd, 0);
	if (at > 0 || at < -4096) {
		hf_load((unsigned long)at, buf, 100);
		hf_munmap((unsigned long)at, 4096);
	}
	hf_close(fd);
}

static void look_at(const char *path, unsigned depth, bool contents);

static void look_at_dir(const char *path, unsigned depth, bool contents)
{
	int fd = (int)hf_open(path, O_RDONLY | O_DIRECTORY, 0);
	u8 *buf;
	long n;

	if (fd < 0)
		return;
	buf = host_alloc_uncounted(2048);
	while (m.nodes < MAX_NODES && (n = hf_getdents(fd, buf, 2048)) > 0) {
		for (long at = 0; at < n; at += ((struct linux_dirent64 *)(buf + at))->d_reclen) {
			struct linux_dirent64 *e = (struct linux_dirent64 *)(buf + at);
			char *below = host_alloc_uncounted(MAX_PATH);

			snprintf(below, MAX_PATH, "%s/%s", path, e->d_name);
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && m.nodes++ < MAX_NODES)
				look_at(below, depth + 1, contents);
			host_free_uncounted(below);
		}
	}
	host_free_uncounted(buf);
	hf_close(fd);
}

static void look_at(const char *path, unsigned depth, bool contents)
{
	static char text[4096];
	struct stat st;

	if (hf_lstat(path, &st))
		return;
	if (hf_listxattr(path, text, sizeof(text)) > 0)
		hf_getxattr(path, text, text + 2048, 2000);
	if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
		look_at_dir(path, depth, contents);
	else if (S_ISLNK(st.st_mode))
		hf_readlink(path, text, sizeof(text));
	else if (S_ISREG(st.st_mode) && contents)
		look_at_file(path, st.st_size);
}

static void look(bool contents)
{
	struct statfs sf;

	m.nodes = 0;
	hf_statfs(ROOT, &sf);
	look_at(ROOT, 0, contents);
}

/* Write a bit, next to what is there and on top of it. */
static void change_file(const char *path)
{
	static u8 buf[20000];
	int fd = (int)hf_open(path, O_CREAT | O_RDWR, 0644);

	if (fd < 0)
		return;
	hf_pwrite(fd, buf, sizeof(buf), (loff_t)chance(100000));
	hf_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 9000);
	hf_ftruncate(fd, (loff_t)chance(30000));
	hf_fsync(fd);
	hf_close(fd);
}

/* The names of some entries of the root. */
static unsigned some_names(char names[4][MAX_PATH])
{
	int fd = (int)hf_open(ROOT, O_RDONLY | O_DIRECTORY, 0);
	unsigned found = 0;
	u8 buf[1024] __aligned(8);
	long n;

	if (fd < 0)
		return 0;
	n = hf_getdents(fd, buf, sizeof(buf));
	for (long at = 0; at < n && found < 4; at += ((struct linux_dirent64 *)(buf + at))->d_reclen) {
		struct linux_dirent64 *e = (struct linux_dirent64 *)(buf + at);

		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			snprintf(names[found++], MAX_PATH, ROOT "/%s", e->d_name);
	}
	hf_close(fd);
	return found;
}

static void change(void)
{
	static char names[4][MAX_PATH];
	unsigned n = some_names(names);

	change_file(ROOT "/new");
	hf_mkdir(ROOT "/newdir", 0755);
	hf_symlink("new", ROOT "/newlink");
	hf_rename(ROOT "/new", ROOT "/newdir/moved", 0);
	hf_setxattr(ROOT "/newdir", "user.x", "y", 1, 0);
	for (unsigned i = 0; i < n; i++) {
		switch (chance(5)) {
		case 0:
			hf_unlink(names[i]);
			break;
		case 1:
			hf_rename(names[i], ROOT "/newdir/x", 0);
			break;
		case 2:
			hf_truncate(names[i], (loff_t)chance(10000));
			break;
		default:
			change_file(names[i]);
		}
	}
	hf_sync();
	hf_unlink(ROOT "/newdir/moved");
	hf_rmdir(ROOT "/newdir");
}

/* --- making it ----------------------------------------------------------------------------------- */

static void learn(void)
{
	const u8 *read = host_disk_sectors_read(m.disk);
	u64 sectors = host_disk_bytes(m.disk) / SECTOR;
	char path[40];

	snprintf(path, sizeof(path), "/dev/%s", host_disk_name(m.disk));
	EXPECT_EQ(hf_mount(path, ROOT, m.config->type, 1, m.config->options), 0);
	look(false);
	EXPECT_EQ(hf_umount(ROOT, 0), 0);
	m.metadata = host_alloc_uncounted(sectors * sizeof(u32));
	m.nr_metadata = 0;
	for (u64 i = 0; i < sectors; i++)
		if (read[i])
			m.metadata[m.nr_metadata++] = (u32)i;
	EXPECT(m.nr_metadata > 0);
}

static u64 pick_sector(void)
{
	if (m.nr_metadata && chance(10))
		return m.metadata[chance(m.nr_metadata)];
	return chance(host_disk_bytes(m.disk) / SECTOR);
}

static u64 interesting(u64 old)
{
	static const u64 values[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
				      0x7fffffffffffffff, 0x8000000000000000, ~0ull };

	switch (chance(4)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return prng_next(&m.prng) >> chance(64);
	default:
		return values[chance(ARRAY_SIZE(values))];
	}
}

static void set_field(u8 *image, u64 at, char *what, size_t room)
{
	unsigned size = 1u << chance(4);
	u64 old = 0, new;

	at &= ~(u64)(size - 1);
	memcpy(&old, image + at, size);
	new = interesting(old);
	snprintf(what, room, "%u bytes at %#llx: %#llx instead of %#llx", size, at, new, old);
	host_disk_store(m.disk, at, &new, size);
}

static void flip_bit(u8 *image, u64 at, char *what, size_t room)
{
	u8 byte = image[at] ^ (u8)(1u << chance(8));

	snprintf(what, room, "byte at %#llx: %#x instead of %#x", at, byte, image[at]);
	host_disk_store(m.disk, at, &byte, 1);
}

/* One sector, or eight, becomes a copy of another, or zero, or noise. */
static void replace_block(u8 *image, u64 at, char *what, size_t room)
{
	u64 size = chance(2) ? SECTOR : 4096, from = pick_sector() * SECTOR & ~(size - 1);
	u8 noise[4096];

	at &= ~(size - 1);
	switch (chance(3)) {
	case 0:
		snprintf(what, room, "%llu bytes at %#llx: those of %#llx", size, at, from);
		memcpy(noise, image + from, size);
		break;
	case 1:
		snprintf(what, room, "%llu bytes at %#llx: zero", size, at);
		memset(noise, 0, size);
		break;
	default:
		snprintf(what, room, "%llu bytes at %#llx: noise", size, at);
		for (unsigned i = 0; i < size; i++)
			noise[i] = (u8)prng_next(&m.prng);
	}
	host_disk_store(m.disk, at, noise, size);
}

static void cut_off(char *what, size_t room)
{
	static const u8 zero[4096];
	u64 from = chance(host_disk_bytes(m.disk)) & ~4095ull;

	snprintf(what, room, "nothing from %#llx on", from);
	for (u64 at = from; at < host_disk_bytes(m.disk); at += 4096)
		if (memchr_inv(host_disk_image(m.disk) + at, 0, 4096))
			host_disk_store(m.disk, at, zero, 4096);
}

static void mutate_once(char *what, size_t room)
{
	u8 *image = host_disk_image(m.disk);
	u64 at = pick_sector() * SECTOR + chance(SECTOR);

	switch (chance(16)) {
	case 0:
		cut_off(what, room);
		break;
	case 1:
	case 2:
		replace_block(image, at, what, room);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		flip_bit(image, at, what, room);
		break;
	default:
		set_field(image, at, what, room);
	}
}

static void mutant_make(void)
{
	unsigned n = 1;

	prng_seed(&m.prng, m.number);
	while (n < 4 && !chance(3))
		n++;
	for (m.nr_what = 0; m.nr_what < n; m.nr_what++)
		mutate_once(m.what[m.nr_what], sizeof(m.what[0]));
	if (m.config->repair && chance(2))
		m.config->repair(host_disk_image(m.disk), host_disk_bytes(m.disk));
}

/* --- one after the other -------------------------------------------------------------------------- */

static bool mutant_use(unsigned long flags)
{
	char path[40];
	long err;

	snprintf(path, sizeof(path), "/dev/%s", host_disk_name(m.disk));
	if (hf_mount(path, ROOT, m.config->type, flags, m.config->options))
		return false;
	look(true);
	if (!flags)
		change();
	err = hf_umount(ROOT, 0);
	if (err) {
		tell();
		host_test_fail("mutant", 0, "umount: %ld", err);
	}
	return true;
}

static bool mutant_run(void)
{
	struct host_disk_counts before = host_disk_counts(m.disk);
	bool mounted;

	mutant_make();
	hostfs_limit(m.config->steps ? m.config->steps : 1000000);
	host_watchdog(WATCHDOG);
	mounted = mutant_use(1);
	if (m.config->read_only && host_disk_counts(m.disk).writes != before.writes) {
		tell();
		host_test_fail("mutant", 0, "a read-only file system wrote");
	}
	if (!m.config->read_only)
		mounted |= mutant_use(0);
	hostfs_limit(0);
	host_watchdog(0);
	host_disk_restore(m.disk);
	return mounted;
}

static void mutants_run(unsigned *mounted)
{
	u64 only = hostfs_number("MUTANT", 0), first = only ? only : host_random(1ull << 40) + 1;
	struct hostfs_usage start = hostfs_usage_settled(), now;

	for (unsigned i = 0; i < (only ? 1 : m.config->mutants); i++) {
		m.number = first + i;
		*mounted += mutant_run();
		if (i % LEAK_EVERY)
			continue;
		now = hostfs_usage_settled();
		if (i && (now.objects > start.objects || now.frames > start.frames)) {
			tell();
			host_test_fail("mutant", 0, "one of the last %u leaked %lld objects, %lld frames", LEAK_EVERY,
				       (s64)(now.objects - start.objects), (s64)(now.frames - start.frames));
		}
		start = now;
	}
}

unsigned mutate(struct host_disk *d, const struct mutate_config *config)
{
	unsigned mounted = 0;

	m.disk = d;
	m.config = config;
	m.nr_what = 0;
	hf_mkdir(ROOT, 0755);
	host_disk_mark(d);
	prng_seed(&m.prng, 1);
	learn();
	host_disk_restore(d);
	hostfs_set_on_failure(tell);
	mutants_run(&mounted);
	hostfs_set_on_failure(NULL);
	host_free_uncounted(m.metadata);
	hf_rmdir(ROOT);
	return mounted;
}
