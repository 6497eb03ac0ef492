/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FAT on a disk of the host machine, beside mkfs.vfat, fsck.vfat and mtools.
 *
 * EXERCISE_OPS= operations of the exerciser (default 4,000 a volume), MUTANTS= damaged images
 * (default 400).
 *
 * link: hostfs
 */
#include <kernel/abi/dirent.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/mount.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/statfs.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <mutate.h>
#include <suite.h>

#define IMAGE	"build/host/fat.img"
#define MIB	(1ull << 20)

/* A volume: its size, and how to make it. */
struct volume {
	const char *name, *options;
	u64 bytes;
};

static const struct volume volumes[] = {
	{ "fat12", "-F 12 -s 4", 4 * MIB },
	{ "fat16", "-F 16 -s 2", 16 * MIB },
	{ "fat16_big", "-F 16 -s 16", 64 * MIB },
	{ "fat32", "-F 32 -s 1", 40 * MIB },
	{ "fat12_4k", "-S 4096 -F 12 -s 1", 8 * MIB },
};

static bool make_image(const struct volume *v)
{
	return suite_shell("rm -f %s && truncate -s %llu %s && /usr/sbin/mkfs.vfat %s -n LABEL %s",
		       IMAGE, v->bytes, IMAGE, v->options, IMAGE);
}

/* Like Linux, fsck.vfat -n finds nothing to do. */
static bool image_clean(struct host_disk *d)
{
	return !host_disk_save(d, IMAGE) && suite_shell("/usr/sbin/fsck.vfat -n -V %s", IMAGE);
}

static struct host_disk *disk_with_image(const struct volume *v)
{
	struct host_disk *d = host_disk_create("disk", v->bytes);

	EXPECT_EQ(host_disk_load(d, IMAGE), 0);
	return d;
}

static u8 pattern(u64 i)
{
	return (u8)(i * 7 + (i >> 8) * 13 + (i >> 16));
}

static void file_make(const char *path, size_t n)
{
	static u8 buf[10000];
	int fd = (int)hf_open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	EXPECT(fd >= 0);
	for (size_t at = 0; at < n;) {
		size_t part = n - at < sizeof(buf) ? n - at : sizeof(buf);

		for (size_t i = 0; i < part; i++)
			buf[i] = pattern(at + i);
		EXPECT_EQ(hf_write(fd, buf, part), (long)part);
		at += part;
	}
	EXPECT_EQ(hf_close(fd), 0);
}

static void file_expect(const char *path, size_t n)
{
	static u8 buf[10000];
	int fd = (int)hf_open(path, O_RDONLY, 0);
	size_t at = 0;
	long got;

	EXPECT(fd >= 0);
	while ((got = hf_read(fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < got; i++, at++)
			if (buf[i] != pattern(at)) {
				EXPECT_EQ(at, ~0ull);
				break;
			}
	}
	EXPECT_EQ(got, 0);
	EXPECT_EQ(at, n);
	EXPECT_EQ(hf_close(fd), 0);
}

static void interoperate(const struct volume *v)
{
	struct host_disk *d;
	struct statfs sf;
	struct stat st;
	char name[64];

	suite_boot();
	REQUIRE(make_image(v));
	REQUIRE(suite_shell("head -c 100000 /dev/urandom >%s.a; mmd -i %s ::/Sub ::/Sub/deeper; "
			"mcopy -i %s %s.a '::/Sub/A long Name with spaces.data'; mcopy -i %s %s.a "
			"::/SHORT.TXT",
			IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE));
	d = disk_with_image(v);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "vfat", 0, NULL), 0);
	EXPECT_EQ(hf_statfs("/mnt", &sf), 0);
	EXPECT(sf.f_bfree > 0 && sf.f_bfree < sf.f_blocks);
	EXPECT_EQ(hf_stat("/mnt/Sub/A long Name with spaces.data", &st), 0);
	EXPECT_EQ(st.st_size, 100000);
	EXPECT_EQ(hf_stat("/mnt/sub/a LONG name with spaces.DATA", &st), 0);
	EXPECT_EQ(hf_stat("/mnt/sub/ALONGN~1.DAT", &st), 0);
	EXPECT_EQ(hf_stat("/mnt/short.txt", &st), 0);
	EXPECT_EQ(hf_stat("/mnt/short.tx", &st), -ENOENT);
	file_make("/mnt/Written here.txt", 54321);
	file_make("/mnt/PLAIN.TXT", 1);
	file_make("/mnt/Sub/deeper/empty", 0);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "/mnt/Sub/deeper/file number %u", i);
		file_make(name, i * 100);
	}
	EXPECT_EQ(hf_rename("/mnt/Sub/deeper/file number 3", "/mnt/Sub/three", 0), 0);
	EXPECT_EQ(hf_rename("/mnt/Sub/deeper", "/mnt/shallower", 0), 0);
	EXPECT_EQ(hf_unlink("/mnt/SHORT.TXT"), 0);
	EXPECT_EQ(hf_mkdir("/mnt/another", 0755), 0);
	EXPECT_EQ(hf_rmdir("/mnt/another"), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT(image_clean(d));
	EXPECT(suite_shell(
		"mcopy -n -i %s '::/Sub/A long Name with spaces.data' %s.b && cmp %s.a %s.b", IMAGE,
		IMAGE, IMAGE, IMAGE));
	EXPECT(suite_shell(
		"rm -f %s.b; mcopy -n -i %s '::/Written here.txt' %s.b && test $(stat -c "
		"%%s %s.b) = 54321",
		IMAGE, IMAGE, IMAGE, IMAGE));
	EXPECT(suite_shell("mdir -b -i %s '::/shallower' && mdir -i %s ::/Sub/three && "
		       "test -z \"$(mdir -b -i %s ::/ | grep SHORT)\"",
		       IMAGE, IMAGE, IMAGE));
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "vfat", MS_RDONLY, NULL), 0);
	file_expect("/mnt/Written here.txt", 54321);
	file_expect("/mnt/plain.txt", 1);
	file_expect("/mnt/shallower/file number 59", 5900);
	file_expect("/mnt/Sub/three", 300);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

TEST(beside_mtools)
{
	for (unsigned i = 0; i < ARRAY_SIZE(volumes); i++)
		interoperate(&volumes[i]);
}

/* --- what every file system goes through ---------------------------------------------------- */

static const struct suite vfat = { .type = "vfat", .fsck = "fsck.vfat -n", .may_fill = true };

static struct host_disk *suite_volume(const struct volume *v)
{
	char mkfs[128];

	snprintf(mkfs, sizeof(mkfs), "mkfs.vfat %s %%s", v->options);
	return suite_disk("disk", v->bytes, mkfs);
}

TEST(exercise)
{
	for (unsigned i = 0; i < ARRAY_SIZE(volumes); i++) {
		struct host_disk *d = suite_volume(&volumes[i]);

		suite_exercise(d, &vfat, hostfs_number("EXERCISE_OPS", 4000));
		host_disk_destroy(d);
	}
}

TEST(allocations_fail)
{
	struct host_disk *d = suite_volume(&volumes[1]);

	suite_exercise_failing(d, &vfat, hostfs_number("EXERCISE_OPS", 4000));
	host_disk_destroy(d);
}

TEST(transfers_fail)
{
	struct host_disk *d = suite_volume(&volumes[0]);
	struct suite s = vfat;

	s.fsck = NULL; /* what was lost is lost */
	suite_io_errors(d, &s, 4);
	host_disk_destroy(d);
}

static void mutants(const struct volume *v, unsigned n)
{
	struct mutate_config config = { .type = "vfat", .mutants = n };
	struct host_disk *d;

	suite_boot();
	REQUIRE(make_image(v));
	d = disk_with_image(v);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "vfat", 0, NULL), 0);
	EXPECT_EQ(hf_mkdir("/mnt/some directory", 0755), 0);
	for (unsigned i = 0; i < 20; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/mnt/%sfile %u with a name",
			 i & 1 ? "some directory/" : "", i);
		file_make(name, i * 777);
	}
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT(mutate(d, &config) > n / 10);
	suite_finish(d);
}

TEST(damaged)
{
	unsigned n = (unsigned)hostfs_number("MUTANTS", 400);

	mutants(&volumes[0], n);
	mutants(&volumes[1], n / 4);
	mutants(&volumes[3], n / 2);
}
