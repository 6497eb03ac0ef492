/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Squashfs images that mksquashfs made, beside the trees they were made of; and damaged ones.
 *
 * MUTANTS= damaged images (default 200).
 *
 * link: hostfs
 */
#include <kernel/abi/fs.h>
#include <kernel/abi/mount.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/statfs.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <mutate.h>
#include <suite.h>
#include <tree.h>

#define TREE  "build/host/squashfs.tree"
#define IMAGE "build/host/squashfs.img"

static bool make_image(const char *options)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "rm -f " IMAGE "; mksquashfs " TREE " " IMAGE " -noappend -no-progress %s",
		 options);
	return suite_shell("%s", text);
}

static long mount_it(const char *options)
{
	return hf_mount("/dev/disk", "/mnt", "squashfs", MS_RDONLY, options);
}

/* --- trees ------------------------------------------------------------------------------------ */

/* The tree at a block size, with and without what can be left out. */
static void compare(const char *options)
{
	struct host_disk *d;

	suite_boot();
	REQUIRE(make_image(options));
	d = suite_disk_of(IMAGE, 512);
	EXPECT_EQ(mount_it(NULL), 0);
	EXPECT(tree_expect("/mnt", TREE, TREE_MODES | TREE_TIMES | TREE_LINKS | TREE_XATTRS) > 700);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

TEST(trees)
{
	REQUIRE(tree_make(TREE));
	compare("");
	compare("-b 4096 -nopad");
	compare("-b 1M -no-exports");
	compare("-b 64K -noI -noD -noF -noX");
	compare("-b 16K -no-fragments -noId");
	compare("-always-use-fragments -no-sparse");
}

/* Everything is read once: a second reading, and each page of a block, cost no transfer. */
TEST(blocks_are_read_once)
{
	struct host_disk *d;
	static u8 buf[4096];
	u64 reads, sectors;
	int fd;

	suite_boot();
	REQUIRE(suite_shell("rm -rf " TREE "; mkdir " TREE " && seq 1 200000 >" TREE "/numbers && "
			"for i in $(seq 100); do echo $i >" TREE "/small$i; done"));
	REQUIRE(make_image(""));
	d = suite_disk_of(IMAGE, 512);
	EXPECT_EQ(mount_it(NULL), 0);
	fd = (int)hf_open("/mnt/numbers", O_RDONLY, 0);
	for (loff_t at = 0; at < 1000000; at += 40000)
		EXPECT_EQ(hf_pread(fd, buf, sizeof(buf), at), (long)sizeof(buf));
	sectors = host_disk_counts(d).read_sectors;
	EXPECT(sectors * 512 < 1200000);
	for (loff_t at = 0; at < 900000; at += 4096)
		EXPECT_EQ(hf_pread(fd, buf, sizeof(buf), at), (long)sizeof(buf));
	reads = host_disk_counts(d).reads;
	for (loff_t at = 0; at < 900000; at += 4096)
		EXPECT_EQ(hf_pread(fd, buf, sizeof(buf), at), (long)sizeof(buf));
	EXPECT_EQ(host_disk_counts(d).reads, reads);
	EXPECT_EQ(hf_close(fd), 0);
	for (unsigned i = 1; i <= 100; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/mnt/small%u", i);
		fd = (int)hf_open(name, O_RDONLY, 0);
		EXPECT(hf_read(fd, buf, sizeof(buf)) > 1);
		EXPECT_EQ(hf_close(fd), 0);
	}
	EXPECT(host_disk_counts(d).reads - reads < 10);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

/* Blocks far into a long list, in no order: 8,000 of them. */
TEST(long_lists)
{
	struct host_disk *d;
	char want[32], got[32];
	int fd;

	suite_boot();
	REQUIRE(suite_shell("rm -rf " TREE "; mkdir " TREE " && seq -f %%015.0f 0 2000000 >" TREE
			"/numbers"));
	REQUIRE(make_image("-b 4096"));
	d = suite_disk_of(IMAGE, 512);
	EXPECT_EQ(mount_it(NULL), 0);
	fd = (int)hf_open("/mnt/numbers", O_RDONLY, 0);
	for (unsigned i = 0; i < 3000; i++) {
		u64 n = host_random(2000000);

		snprintf(want, sizeof(want), "%015llu\n", n);
		EXPECT_EQ(hf_pread(fd, got, 16, (loff_t)n * 16), 16);
		EXPECT(!memcmp(want, got, 16));
	}
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

/* --- mounting --------------------------------------------------------------------------------- */

static bool small_image(const char *options)
{
	return suite_shell("rm -rf " TREE "; mkdir -p " TREE "/sub && echo hello >" TREE
			   "/hello") &&
	       make_image(options);
}

TEST(read_only)
{
	struct host_disk *d;
	struct statfs sf;
	struct stat st;

	suite_boot();
	REQUIRE(small_image(""));
	d = suite_disk_of(IMAGE, 512);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "squashfs", 0, NULL), 0);
	EXPECT_EQ(hf_statfs("/mnt", &sf), 0);
	EXPECT(sf.f_type == 0x73717368 && sf.f_bsize == 131072 && sf.f_blocks == 1 && !sf.f_bfree &&
	       sf.f_files == 3 && sf.f_namelen == 256);
	EXPECT_EQ(hf_mount(NULL, "/mnt", NULL, MS_REMOUNT, NULL), 0);
	EXPECT_EQ(hf_open("/mnt/new", O_CREAT | O_WRONLY, 0644), -EROFS);
	EXPECT_EQ(hf_open("/mnt/hello", O_WRONLY, 0), -EROFS);
	EXPECT_EQ(hf_unlink("/mnt/hello"), -EROFS);
	EXPECT_EQ(hf_chmod("/mnt/hello", 0600), -EROFS);
	EXPECT_EQ(hf_setxattr("/mnt/hello", "user.x", "y", 1, 0), -EROFS);
	EXPECT_EQ(hf_getxattr("/mnt/hello", "user.x", NULL, 0), -ENODATA);
	EXPECT_EQ(hf_stat("/mnt/hellx", &st), -ENOENT);
	EXPECT_EQ(hf_mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_RDONLY, "bogus"), -EINVAL);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(mount_it("errors=panic"), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(mount_it("errors=continue"), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(mount_it("errors"), -EINVAL);
	EXPECT_EQ(mount_it("errors=perhaps"), -EINVAL);
	EXPECT_EQ(mount_it("threads"), -EINVAL);
	suite_finish(d);
}

TEST(other_compressors)
{
	static const char *const names[] = { "-comp xz", "-comp zstd", "-comp lz4", "-comp lzo" };
	struct host_disk *d;

	suite_boot();
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		REQUIRE(small_image(names[i]));
		d = suite_disk_of(IMAGE, 512);
		EXPECT_EQ(mount_it(NULL), -EINVAL);
		host_disk_destroy(d);
	}
	REQUIRE(small_image(""));
	suite_finish(suite_disk_of(IMAGE, 512));
}

TEST(memory_and_transfers_fail)
{
	struct host_disk *d;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell("rm -rf " TREE "/dirs/many/*[1-9]"));
	REQUIRE(make_image("-b 16K"));
	d = suite_disk_of(IMAGE, 512);
	suite_read_failing(d, "squashfs", TREE);
	suite_finish(d);
}

/* --- damage ----------------------------------------------------------------------------------- */

static void mutants(const char *options, unsigned n)
{
	struct mutate_config config = { .type = "squashfs", .mutants = n, .read_only = true };
	struct host_disk *d;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell("cd " TREE " && rm -rf dirs/many/*[2-9] files/*0*"));
	REQUIRE(make_image(options));
	d = suite_disk_of(IMAGE, 512);
	EXPECT(mutate(d, &config) > n / 10);
	suite_finish(d);
}

/* Tables that are not compressed take more damage before the decompressor finds it. */
TEST(damaged)
{
	unsigned n = (unsigned)hostfs_number("MUTANTS", 200);

	mutants("-noI -noId -noX -b 4096", n);
	mutants("", n / 4);
}
