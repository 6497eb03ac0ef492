/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ext2, ext3 and ext4 on the host: images made by mke2fs, worked on by the kernel's driver, judged
 * by e2fsck.
 *
 * Each test makes an image, mounts it, works, unmounts, and has e2fsck find nothing; contents are
 * compared after mounting again, and with what debugfs reads.  EXT4_IMAGE= keeps the image of a
 * failure there.
 *
 * link: hostfs
 */
#include <fs/ext4/ext4_format.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/statfs.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <coroutine.h>
#include <exercise.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <suite.h>

#define IMAGE "build/host/ext4_test.img"
#define MIB   (1ull << 20)

static struct host_disk *disk;
static const char *type;

/* A new file system of `mib` MiB, on /dev/disk. */
static bool make(u64 mib, const char *fs, const char *options)
{
	hostfs_boot();
	type = fs;
	(void)hf_mkdir("/mnt", 0755);
	disk = host_disk_create("disk", mib * MIB);
	return suite_shell("rm -f %s && truncate -s %lluM %s && mke2fs -q -F -t %s %s %s",
		     IMAGE, mib, IMAGE, fs, options, IMAGE) &&
	       !host_disk_load(disk, IMAGE);
}

static long mount_it(unsigned long flags, const char *options)
{
	return hf_mount("/dev/disk", "/mnt", type, flags, options);
}

/* e2fsck finds nothing. */
static bool clean(void)
{
	return !host_disk_save(disk, IMAGE) && suite_shell("e2fsck -fn %s", IMAGE);
}

static void done(void)
{
	host_disk_destroy(disk);
}

/* --- contents that can be told by place --- */

static u64 pattern_at(u64 pos, u64 seed)
{
	return (pos / 8 + 1) * 0x9e3779b97f4a7c15ull ^ seed;
}

static void pattern_fill(void *buf, u64 pos, size_t n, u64 seed)
{
	for (size_t i = 0; i < n; i++) {
		u64 w = pattern_at(pos + i, seed);

		((u8 *)buf)[i] = ((u8 *)&w)[(pos + i) % 8];
	}
}

static u8 buffer[1 << 20], expected[1 << 20];

static void write_pattern(int fd, u64 pos, u64 n, u64 seed)
{
	while (n) {
		size_t part = (size_t)min(n, (u64)sizeof(buffer));

		pattern_fill(buffer, pos, part, seed);
		EXPECT_EQ(hf_pwrite(fd, buffer, part, (loff_t)pos), (long)part);
		pos += part;
		n -= part;
	}
}

static bool check_pattern(int fd, u64 pos, u64 n, u64 seed)
{
	while (n) {
		size_t part = (size_t)min(n, (u64)sizeof(buffer));

		if (hf_pread(fd, buffer, part, (loff_t)pos) != (long)part)
			return false;
		pattern_fill(expected, pos, part, seed);
		if (memcmp(buffer, expected, part))
			return false;
		pos += part;
		n -= part;
	}
	return true;
}

static bool check_zero(int fd, u64 pos, u64 n)
{
	while (n) {
		size_t part = (size_t)min(n, (u64)sizeof(buffer));

		if (hf_pread(fd, buffer, part, (loff_t)pos) != (long)part ||
		    memchr_inv(buffer, 0, part))
			return false;
		pos += part;
		n -= part;
	}
	return true;
}

/* --- what each kind of file system goes through --- */

static const struct kind {
	const char *type, *options;
} kinds[] = {
	{"ext4", "-O ^has_journal"},
	{"ext4", ""},
	{"ext4", "-b 1024 -O ^has_journal"},
	{"ext4", "-b 1024"},
	{"ext4", "-b 2048 -O ^flex_bg,^64bit,^metadata_csum,uninit_bg"},
	{"ext4", "-I 128 -O meta_bg,^resize_inode"},
	{"ext4", "-O metadata_csum_seed,orphan_file,sparse_super2"},
	{"ext3", ""},
	{"ext3", "-b 1024"},
	{"ext2", ""},
	{"ext2", "-b 1024"},
	{"ext2", "-b 1024 -O ^sparse_super -r 0"},
};

/* All, or the one that EXT4_KIND= tells by its place. */
static const struct kind *kind_next(const struct kind *k)
{
	u64 only = hostfs_number("EXT4_KIND", ARRAY_SIZE(kinds));

	k = k ? k + 1 : kinds;
	while (only < ARRAY_SIZE(kinds) && k < kinds + ARRAY_SIZE(kinds) && k != kinds + only)
		k++;
	if (k >= kinds + ARRAY_SIZE(kinds))
		return NULL;
	host_print("# %s %s\n", k->type, k->options);
	return k;
}

#define FOR_EACH_KIND(k) for (const struct kind *k = kind_next(NULL); k; k = kind_next(k))

TEST(empty)
{
	FOR_EACH_KIND (k) {
		struct statfs fs;

		REQUIRE(make(16, k->type, k->options));
		EXPECT_EQ(mount_it(0, NULL), 0);
		EXPECT_EQ(hf_statfs("/mnt", &fs), 0);
		EXPECT_EQ(fs.f_type, 0xef53);
		EXPECT(fs.f_blocks * (u64)fs.f_bsize > 12 * MIB);
		EXPECT_EQ(hf_umount("/mnt", 0), 0);
		EXPECT(clean());
		done();
	}
}

TEST(write_and_read)
{
	FOR_EACH_KIND (k) {
		int fd;

		REQUIRE(make(32, k->type, k->options));
		EXPECT_EQ(mount_it(0, NULL), 0);
		fd = (int)hf_open("/mnt/file", O_RDWR | O_CREAT, 0644);
		REQUIRE(fd >= 0);
		write_pattern(fd, 0, 10 * MIB + 123, 1);
		EXPECT(check_pattern(fd, 0, 10 * MIB + 123, 1));
		EXPECT_EQ(hf_fsync(fd), 0);
		EXPECT(check_pattern(fd, 0, 10 * MIB + 123, 1));
		EXPECT_EQ(hf_close(fd), 0);
		EXPECT_EQ(hf_umount("/mnt", 0), 0);
		EXPECT(clean());
		EXPECT_EQ(mount_it(0, NULL), 0);
		fd = (int)hf_open("/mnt/file", O_RDWR, 0);
		REQUIRE(fd >= 0);
		EXPECT(check_pattern(fd, 0, 10 * MIB + 123, 1));
		EXPECT_EQ(hf_ftruncate(fd, 5000), 0);
		EXPECT_EQ(hf_ftruncate(fd, 20000), 0);
		EXPECT(check_pattern(fd, 0, 5000, 1));
		EXPECT(check_zero(fd, 5000, 15000));
		EXPECT_EQ(hf_close(fd), 0);
		EXPECT_EQ(hf_umount("/mnt", 0), 0);
		EXPECT(clean());
		EXPECT_EQ(mount_it(0, NULL), 0);
		EXPECT_EQ(hf_unlink("/mnt/file"), 0);
		EXPECT_EQ(hf_umount("/mnt", 0), 0);
		EXPECT(clean());
		done();
	}
}

/* A file whose content should be compared with hashes can be seen and removed, not read. */
TEST(verity)
{
	struct stat st;
	int fd;

	REQUIRE(make(16, "ext4", "-O verity"));
	EXPECT_EQ(mount_it(0, NULL), 0);
	fd = (int)hf_open("/mnt/f", O_RDWR | O_CREAT, 0644);
	EXPECT_EQ(hf_write(fd, "content", 7), 7);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	REQUIRE(!host_disk_save(disk, IMAGE));
	/* Extents, too. */
	REQUIRE(suite_shell("debugfs -w -R 'sif f flags 0x180000' %s >/dev/null 2>&1", IMAGE) &&
		!host_disk_load(disk, IMAGE));
	EXPECT_EQ(mount_it(0, NULL), 0);
	EXPECT_EQ(hf_stat("/mnt/f", &st), 0);
	EXPECT_EQ(st.st_size, 7);
	EXPECT_EQ(hf_open("/mnt/f", O_RDONLY, 0), -EOPNOTSUPP);
	EXPECT_EQ(hf_truncate("/mnt/f", 3), -EOPNOTSUPP);
	EXPECT_EQ(hf_unlink("/mnt/f"), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT(clean());
	EXPECT_EQ(hostfs_errors_logged(), 0);
	done();
}

/* The log holds a superblock of larger blocks: believed, buffers would be too small. */
TEST(replay_changes_block_size)
{
	static u8 block[1024];
	struct ext4_disk_super *d = (struct ext4_disk_super *)block;

	REQUIRE(make(16, "ext4", "-b 1024 -O ^metadata_csum,^resize_inode,^flex_bg"));
	memcpy(block, host_disk_image(disk) + EXT4_SUPER_OFFSET, sizeof(block));
	d->log_block_size = d->log_cluster_size = 2;
	d->first_data_block = 0;
	d->blocks_count_lo /= 4;
	d->inodes_count = d->inodes_per_group;
	REQUIRE(!host_file_write(IMAGE ".super", block, sizeof(block)));
	REQUIRE(suite_shell("printf 'jo\\njw -b 1 %s\\njc\\n' | debugfs -w -f - %s >/dev/null 2>&1",
			    IMAGE ".super", IMAGE) &&
		!host_disk_load(disk, IMAGE));
	EXPECT_EQ(mount_it(0, NULL), -EINVAL);
	EXPECT_EQ(hostfs_errors_logged(), 1);
	done();
}

/* The exerciser (tests/host/fs/exercise.h) on a small disk.  EXERCISE_OPS= operations for each
 * kind. */
static void exercise_kind(const struct kind *k, u64 mib, unsigned long ops, const char *options,
			  bool fill, unsigned fail_every)
{
	struct exercise_config config = {
		.base = "/mnt",
		.seed = host_random(1ull << 32),
		.processes = 8,
		.ops = ops / 8,
		.may_fill = fill,
		.may_fail = fail_every != 0,
	};
	struct exercise *x;

	REQUIRE(make(mib, k->type, k->options));
	EXPECT_EQ(mount_it(0, options), 0);
	x = exercise_create(&config);
	REQUIRE(x);
	hostfs_fail_every(fail_every);
	EXPECT_EQ(exercise_run(x), 0);
	hostfs_fail_every(0);
	hostfs_drop_caches();
	EXPECT_EQ(exercise_verify(x), 0);
	exercise_destroy(x);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT(clean());
	EXPECT_EQ(hostfs_errors_logged(), 0);
	done();
}

TEST(exercise)
{
	FOR_EACH_KIND (k)
		exercise_kind(k, 64, hostfs_number("EXERCISE_OPS", 4000), NULL, false, 0);
}

TEST(exercise_full)
{
	FOR_EACH_KIND (k)
		exercise_kind(k, 8, hostfs_number("EXERCISE_OPS", 4000), NULL, true, 0);
}
