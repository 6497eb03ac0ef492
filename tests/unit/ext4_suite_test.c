/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ext2, ext3 and ext4 through the suite: the exerciser, failing memory and transfers, power cuts,
 * damaged images.
 *
 * EXERCISE_OPS=, CUTS=, MUTANTS= and ROUNDS= set how long each takes.  EXT4_KIND= chooses one of
 * the kinds below.
 *
 * link: hostfs
 */
#include <fs/ext4/ext4_format.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <mutate.h>
#include <suite.h>

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

TEST_KNOWN_TO_FAIL(allocations_fail)
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

/* The superblock's checksum after something in it changed. */
static void repair(u8 *image, u64 bytes)
{
	struct ext4_disk_super *d = (struct ext4_disk_super *)(image + EXT4_SUPER_OFFSET);

	if (d->feature_ro_compat & EXT4_RO_METADATA_CSUM)
		d->checksum = crc32c(~0u, d, offsetof(struct ext4_disk_super, checksum));
}

/* Something of everything for the mutants to hit. */
static void populate(const char *type)
{
	static u8 data[40000];
	char name[80];

	hf_mkdir("/mnt", 0755);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", type, 0, NULL), 0);
	EXPECT_EQ(hf_mkdir("/mnt/d", 0755), 0);
	for (unsigned i = 0; i < 120; i++) {
		int fd;

		snprintf(name, sizeof(name), "/mnt/%s a name that is not so short %u",
			 i % 3 ? "d/" : "", i);
		fd = (int)hf_open(name, O_RDWR | O_CREAT, 0644);
		/* Pieces with holes between them. */
		for (unsigned j = 0; j < i % 7; j++)
			EXPECT_EQ(hf_pwrite(fd, data, i * 9, (loff_t)j * 60000), i * 9);
		if (i % 5 == 0)
			hf_setxattr(name, "user.a", "value", 5, 0);
		EXPECT_EQ(hf_close(fd), 0);
	}
	EXPECT_EQ(hf_symlink("short", "/mnt/s"), 0);
	EXPECT_EQ(hf_mknod("/mnt/n", S_IFCHR | 0600, 0x103), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
}

TEST(damaged)
{
	unsigned n = (unsigned)hostfs_number("MUTANTS", 12);

	FOR_EACH_KIND (k) {
		struct host_disk *d = suite_disk("disk", 12 * MIB, k->mkfs);
		struct mutate_config config = {
			.type = k->type, .options = k->options, .mutants = n, .repair = repair};

		populate(k->type);
		EXPECT(mutate(d, &config) > n / 3);
		host_disk_destroy(d);
	}
}
