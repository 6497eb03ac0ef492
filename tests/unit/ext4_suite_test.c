/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ext2, ext3 and ext4 through the suite: the exerciser, failing memory and transfers, power cuts,
 * damaged images.
 *
 * EXERCISE_OPS=, CUTS=, MUTANTS= and ROUNDS= set how long each takes.  EXT4_KIND= chooses one of
 * the kinds below.
 *
 * link: hostfs tests/unit/ext4_reseal.c tests/unit/ext4_aim.c
 */
#include <kernel/abi/fs.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <coroutine.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <mutate.h>
#include <suite.h>
#include "ext4_aim.h"
#include "ext4_reseal.h"

#define MIB (1ull << 20)

static const struct kind {
	const char *type, *mkfs, *options;
	bool journal;
} kinds[] = {
	{"ext4", "mke2fs -q -F -t ext4 -b 4096 %s", NULL, true},
	{"ext4", "mke2fs -q -F -t ext4 -b 1024 %s", NULL, true},
	{"ext4", "mke2fs -q -F -t ext4 -b 4096 %s", "data=journal", true},
	{"ext4", "mke2fs -q -F -t ext4 -b 2048 -O ^flex_bg,^64bit,^metadata_csum,uninit_bg %s",
	 NULL, true},
	{"ext4", "mke2fs -q -F -t ext4 -I 128 -O meta_bg,^resize_inode,^has_journal %s", "discard",
	 false},
	{"ext4", "mke2fs -q -F -t ext4 -b 1024 -O metadata_csum_seed,orphan_file %s", "discard",
	 true},
	{"ext3", "mke2fs -q -F -t ext3 -b 4096 %s", NULL, true},
	{"ext3", "mke2fs -q -F -t ext3 -b 1024 %s", "data=journal", true},
	{"ext2", "mke2fs -q -F -t ext2 -b 4096 %s", NULL, false},
	{"ext2", "mke2fs -q -F -t ext2 -b 1024 %s", NULL, false},
};

static const struct kind *kind_next(const struct kind *k)
{
	u64 only = hostfs_number("EXT4_KIND", ARRAY_SIZE(kinds));

	k = k ? k + 1 : kinds;
	while (only < ARRAY_SIZE(kinds) && k < kinds + ARRAY_SIZE(kinds) && k != kinds + only)
		k++;
	if (k >= kinds + ARRAY_SIZE(kinds))
		return NULL;
	host_print("# %s %s %s\n", k->type, k->mkfs, k->options ?: "");
	return k;
}

#define FOR_EACH_KIND(k) for (const struct kind *k = kind_next(NULL); k; k = kind_next(k))

static struct suite suite_of(const struct kind *k)
{
	return (struct suite){.type = k->type, .options = k->options, .fsck = "e2fsck -fn"};
}

TEST(exercise)
{
	FOR_EACH_KIND (k) {
		struct host_disk *d = suite_disk("disk", 64 * MIB, k->mkfs);
		struct suite s = suite_of(k);

		suite_exercise(d, &s, hostfs_number("EXERCISE_OPS", 4000));
		host_disk_destroy(d);
	}
}

TEST(exercise_full)
{
	FOR_EACH_KIND (k) {
		struct host_disk *d = suite_disk("disk", (k->journal ? 8 : 3) * MIB, k->mkfs);
		struct suite s = suite_of(k);

		s.may_fill = true;
		suite_exercise(d, &s, hostfs_number("EXERCISE_OPS", 4000));
		host_disk_destroy(d);
	}
}

TEST(allocations_fail)
{
	FOR_EACH_KIND (k) {
		struct host_disk *d = suite_disk("disk", 64 * MIB, k->mkfs);
		struct suite s = suite_of(k);

		suite_exercise_failing(d, &s, hostfs_number("EXERCISE_OPS", 4000));
		host_disk_destroy(d);
	}
}

TEST(transfers_fail)
{
	FOR_EACH_KIND (k) {
		struct host_disk *d = suite_disk("disk", 16 * MIB, k->mkfs);
		struct suite s = suite_of(k);

		s.fsck = NULL; /* what was lost is lost */
		suite_io_errors(d, &s, (unsigned)hostfs_number("ROUNDS", 3));
		host_disk_destroy(d);
	}
}

TEST(power_cuts)
{
	FOR_EACH_KIND (k) {
		struct suite s = suite_of(k);
		struct host_disk *d;

		if (!k->journal)
			continue;
		d = suite_disk("disk", 16 * MIB, k->mkfs);
		suite_powercut(d, &s, 40, (unsigned)hostfs_number("CUTS", 60));
		host_disk_destroy(d);
	}
}

/* --- damaged images --------------------------------------------------------------------------- */

static struct reseal *resealer;

static void repair(struct host_disk *d)
{
	reseal(resealer, d);
}

/* Small files with holes, some with attributes. */
static void populate_files(void)
{
	/* user::rwx user:7:r-- group::r-- mask::r-- other::--- */
	static const u32 acl[] = {2,   0x70001, ~0u, 0x40002, 7,  0x40004,
				  ~0u, 0x40010, ~0u, 0x20,    ~0u};
	static u8 data[40000];
	char name[80];

	for (unsigned i = 0; i < 120; i++) {
		int fd;

		snprintf(name, sizeof(name), "/mnt/%s a name that is not so short %u",
			 i % 3 ? "d/" : "", i);
		fd = (int)hf_open(name, O_RDWR | O_CREAT, 0644);
		/* Pieces with holes between them. */
		for (unsigned j = 0; j < i % 7; j++)
			EXPECT_EQ(hf_pwrite(fd, data, i * 9, (loff_t)j * 60000), i * 9);
		if (i % 5 == 0)
			EXPECT_EQ(hf_setxattr(name, "user.a", "value", 5, 0), 0);
		if (i % 10 == 0)
			EXPECT_EQ(hf_setxattr(name, "user.large", data, 700, 0), 0);
		if (i % 15 == 0)
			EXPECT_EQ(hf_setxattr(name, "system.posix_acl_access", acl, sizeof(acl), 0),
				  0);
		EXPECT_EQ(hf_close(fd), 0);
	}
}

/* A map with blocks of its own, some of what it maps unwritten; a directory with an index; what
 * else there is. */
static void populate_trees(void)
{
	char name[200];
	int fd = (int)hf_open("/mnt/pieces", O_RDWR | O_CREAT, 0644);

	for (unsigned i = 0; i < 400; i++)
		EXPECT_EQ(hf_pwrite(fd, "x", 1, (loff_t)i * 8192), 1);
	(void)hf_fallocate(fd, 0, 1000000, 700000);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_mkdir("/mnt/large", 0755), 0);
	for (unsigned i = 0; i < 120; i++) {
		snprintf(name, sizeof(name), "/mnt/large/%0100u", i);
		EXPECT_EQ(hf_link("/mnt/pieces", name), 0);
	}
	EXPECT_EQ(hf_symlink("short", "/mnt/s"), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	EXPECT_EQ(hf_symlink(name, "/mnt/long"), 0);
	EXPECT_EQ(hf_mknod("/mnt/n", S_IFCHR | 0600, 0x103), 0);
}

/* Something of everything for the mutants to hit.  `full_log`: as the disk is before what is in
 * the log reached its place, with a file deleted that was still open. */
static void populate(struct host_disk *d, const struct kind *k, bool full_log)
{
	size_t bytes = host_disk_bytes(d);
	u8 *image = host_alloc_uncounted(bytes);
	int fd;

	hf_mkdir("/mnt", 0755);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", k->type, 0, k->options), 0);
	EXPECT_EQ(hf_mkdir("/mnt/d", 0755), 0);
	populate_files();
	populate_trees();
	fd = (int)hf_open("/mnt/open", O_RDWR | O_CREAT, 0644);
	EXPECT_EQ(hf_pwrite(fd, "x", 1, 1000000), 1);
	EXPECT_EQ(hf_unlink("/mnt/open"), 0);
	EXPECT_EQ(hf_sync(), 0);
	memcpy(image, host_disk_image(d), bytes);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
	if (!full_log)
		memcpy(image, host_disk_image(d), bytes);
	resealer = reseal_learn(host_disk_image(d), image, bytes);
	aim_learn(resealer, image, bytes);
	host_disk_store(d, 0, image, bytes);
	host_free_uncounted(image);
}

static void damage(const struct kind *k, bool full_log, unsigned mutants)
{
	struct host_disk *d = suite_disk("disk", 16 * MIB, k->mkfs);
	struct mutate_config config = {.type = k->type,
				       .options = k->options,
				       .mutants = mutants,
				       .repair = repair,
				       .aim = aim};

	populate(d, k, full_log);
	EXPECT(mutate(d, &config) > mutants / 8);
	reseal_forget(resealer);
	host_disk_destroy(d);
}

TEST(damaged)
{
	unsigned n = (unsigned)hostfs_number("MUTANTS", 12);

	FOR_EACH_KIND (k) {
		damage(k, false, k->journal ? n - n / 2 : n);
		if (k->journal)
			damage(k, true, n / 2);
	}
}

/* Bitmaps that say the file system's own blocks are free: nothing is written there. */
static void own_blocks_free(const struct kind *k)
{
	static u8 data[4096];
	struct host_disk *d = suite_disk("disk", 16 * MIB, k->mkfs);
	u64 of, blocks, size;

	memset(data, 0xa5, sizeof(data));
	populate(d, k, false);
	size = reseal_block_size(resealer);
	blocks = 16 * MIB / size;
	for (u64 block = 1; block < blocks; block++)
		if (reseal_kind(resealer, block, &of) == RESEAL_ITABLE ||
		    reseal_kind(resealer, block, &of) == RESEAL_LOG_SUPER)
			reseal_bitmap_clear(resealer, d, block);
	reseal(resealer, d);
	hf_mkdir("/mnt", 0755);
	if (!hf_mount("/dev/disk", "/mnt", k->type, 0, k->options)) {
		int fd = (int)hf_open("/mnt/pieces", O_RDWR, 0);

		for (loff_t at = 0; at < 8 * MIB && fd >= 0; at += sizeof(data))
			(void)hf_pwrite(fd, data, sizeof(data), at);
		(void)hf_close(fd);
		EXPECT_EQ(hf_umount("/mnt", 0), 0);
	}
	for (u64 block = 1; block < blocks; block++) {
		u8 *now = host_disk_image(d) + block * size;

		if (reseal_kind(resealer, block, &of) == RESEAL_ITABLE ||
		    reseal_kind(resealer, block, &of) == RESEAL_LOG_SUPER)
			EXPECT(memcmp(now, data, size) != 0);
	}
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
	reseal_forget(resealer);
	host_disk_destroy(d);
}

TEST(own_blocks_free)
{
	FOR_EACH_KIND (k)
		own_blocks_free(k);
}
