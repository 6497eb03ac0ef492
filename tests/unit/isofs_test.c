/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ISO 9660 volumes that xorriso made, beside the trees they were made of; and damaged ones.
 *
 * MUTANTS= damaged images (default 200).
 *
 * link: hostfs
 */
#include <kernel/abi/dirent.h>
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

#define TREE	"build/host/isofs.tree"
#define IMAGE	"build/host/isofs.img"
#define XORRISO                                                                                    \
	"xorriso -as mkisofs -quiet -input-charset UTF-8 -output-charset UTF-8 -o " IMAGE " "
#define SECTOR	2048u

static long mount_it(const char *options)
{
	return hf_mount("/dev/disk", "/mnt", "iso9660", MS_RDONLY, options);
}

/* --- trees ------------------------------------------------------------------------------------ */

static void expect_tree(unsigned flags)
{
	EXPECT(tree_expect("/mnt", TREE, flags) > 20);
}

TEST(rock_ridge)
{
	struct host_disk *d;
	struct statfs sf;
	struct stat st;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell(XORRISO "-R -rr_reloc_dir moved -V VOLUME " TREE ""));
	d = suite_disk_of(IMAGE, 4096);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "iso9660", 0, NULL), -EACCES);
	EXPECT_EQ(mount_it(NULL), 0);
	expect_tree(0);
	EXPECT_EQ(hf_rmdir("/mnt/dirs/empty"), -EROFS);
	EXPECT_EQ(hf_statfs("/mnt", &sf), 0);
	EXPECT(sf.f_type == 0x9660 && sf.f_bsize == 2048 && sf.f_blocks > 1000 && !sf.f_bfree &&
	       sf.f_namelen == 255);
	EXPECT_EQ(hf_open("/mnt/new", O_CREAT | O_WRONLY, 0644), -EROFS);
	EXPECT_EQ(hf_open("/mnt/files/text1", O_WRONLY, 0), -EROFS);
	EXPECT_EQ(hf_chmod("/mnt/files/text1", 0600), -EROFS);
	EXPECT_EQ(hf_stat("/mnt/names/upper.case", &st), -ENOENT);
	EXPECT_EQ(hf_stat("/mnt/files", &st), 0);
	EXPECT_EQ(hf_mount(NULL, "/mnt", NULL, MS_REMOUNT, NULL), -EROFS);
	EXPECT_EQ(hf_mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

TEST(rock_ridge_attributes)
{
	struct host_disk *d;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell(XORRISO "-R " TREE));
	d = suite_disk_of(IMAGE, 4096);
	EXPECT_EQ(mount_it(NULL), 0);
	expect_tree(TREE_MODES | TREE_TIMES);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

TEST(joliet)
{
	struct host_disk *d;
	struct stat st;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell("cd " TREE
			    "/names && rm -f n* *ymlink absolute up fifo char block && cd "
			    "../attributes && rm -f symlink && "
			    "cd ../dirs && rm -rf level*"));
	REQUIRE(suite_shell(XORRISO "-R -J -joliet-long " TREE));
	d = suite_disk_of(IMAGE, 4096);
	EXPECT_EQ(mount_it("norock"), 0);
	expect_tree(TREE_TIMES);
	EXPECT_EQ(hf_stat("/mnt/NAMES/upper.CASE", &st), 0);
	EXPECT_EQ(hf_stat("/mnt/names/upper.cas", &st), -ENOENT);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(mount_it("norock,check=strict,uid=7,gid=8,mode=0400,dmode=0500"), 0);
	EXPECT_EQ(hf_stat("/mnt/NAMES/upper.CASE", &st), -ENOENT);
	EXPECT_EQ(hf_stat("/mnt/names/UPPER.Case", &st), 0);
	EXPECT(st.st_uid == 7 && st.st_gid == 8 && st.st_mode == (S_IFREG | 0400));
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

/* --- plain names ------------------------------------------------------------------------------ */

static void plain_tree(void)
{
	suite_boot();
	REQUIRE(suite_shell("rm -rf " TREE " && mkdir -p " TREE "/Sub && printf readme >" TREE
			"/README.TXT && "
			"printf none >" TREE "/NOEXT && printf x >" TREE
			"/Sub/X.Y && head -c 4096 /dev/urandom >" TREE "/MULTI1.BIN && "
			"head -c 5000 /dev/urandom >" TREE "/MULTI2.BIN && cat " TREE
			"/MULTI?.BIN >" IMAGE ".both && " XORRISO "-iso-level 2 " TREE));
}

TEST(plain_names)
{
	struct host_disk *d;
	struct stat st;

	plain_tree();
	d = suite_disk_of(IMAGE, 4096);
	EXPECT_EQ(mount_it("norock"), 0);
	EXPECT_EQ(hf_stat("/mnt/readme.txt", &st), 0);
	EXPECT(st.st_mode == (S_IFREG | 0555) && st.st_nlink == 1 && st.st_size == 6);
	EXPECT_EQ(hf_stat("/mnt/README.TXT", &st), -ENOENT);
	EXPECT_EQ(hf_stat("/mnt/noext", &st), 0);
	EXPECT_EQ(hf_stat("/mnt/sub/x.y", &st), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(mount_it("norock,check=relaxed"), 0);
	EXPECT_EQ(hf_stat("/mnt/README.txt", &st), 0);
	EXPECT_EQ(hf_stat("/mnt/SUB/X.y", &st), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(mount_it("norock,map=off"), 0);
	EXPECT_EQ(hf_stat("/mnt/README.TXT;1", &st), 0);
	EXPECT_EQ(hf_stat("/mnt/SUB/X.Y;1", &st), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

/* Where the name's record is in the image. */
static u64 record_of(struct host_disk *d, const char *name)
{
	const u8 *image = host_disk_image(d);
	size_t len = strlen(name);

	for (u64 at = 16 * SECTOR; at + len < host_disk_bytes(d); at++)
		if (image[at - 1] == len && !memcmp(image + at, name, len))
			return at - 33;
	return 0;
}

static void set_byte(struct host_disk *d, u64 at, u8 value)
{
	host_disk_store(d, at, &value, 1);
}

TEST(several_extents)
{
	size_t len, got = 0;
	u8 *both, *data;
	struct host_disk *d;
	struct stat st;
	u64 record;
	long n;
	int fd;

	plain_tree();
	both = host_read_file(IMAGE ".both", &len);
	EXPECT_EQ(len, 9096);
	d = suite_disk_of(IMAGE, 4096);
	record = record_of(d, "MULTI1.BIN;1");
	REQUIRE(both && record);
	set_byte(d, record + 25, 0x80);
	EXPECT_EQ(mount_it("norock"), 0);
	EXPECT_EQ(hf_stat("/mnt/multi2.bin", &st), -ENOENT);
	EXPECT_EQ(hf_stat("/mnt/multi1.bin", &st), 0);
	EXPECT_EQ(st.st_size, 9096);
	fd = (int)hf_open("/mnt/multi1.bin", O_RDONLY, 0);
	data = host_alloc(len + 1);
	while ((n = hf_read(fd, data + got, len + 1 - got)) > 0)
		got += (size_t)n;
	EXPECT(n == 0 && got == len && !memcmp(data, both, len));
	EXPECT_EQ(hf_close(fd), 0);
	host_free(data);
	host_free(both);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	/* The last record of a directory promises another. */
	set_byte(d, record_of(d, "README.TXT;1") + 25, 0x80);
	EXPECT_EQ(mount_it("norock"), 0);
	hf_stat("/mnt/readme.txt", &st);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

TEST(options)
{
	static const char *const good[] = {
		"norock",         "nojoliet",
		"map=off",        "map=acorn",
		"map=normal",     "block=512",
		"block=2048",     "check=strict",
		"check=relaxed",  "session=1",
		"iocharset=utf8", "hide,showassoc",
		"cruft",          "overriderockperm,mode=0444,dmode=0555",
		"uid=1,gid=2",    "sbsector=0"};
	static const char *const bad[] = {
		"bogus", "map=upside", "block=4096",        "check=",   "session=100",
		"uid=x", "mode=x",     "iocharset=klingon", "norock=1", "sbsector=1000000"};
	struct host_disk *d;

	plain_tree();
	d = suite_disk_of(IMAGE, 4096);
	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(mount_it(good[i]), 0);
		EXPECT_EQ(hf_umount("/mnt", 0), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(mount_it(bad[i]), -EINVAL);
	suite_finish(d);
}

TEST(memory_and_transfers_fail)
{
	struct host_disk *d;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell("rm -rf " TREE "/dirs/many/*[1-9]"));
	REQUIRE(suite_shell(XORRISO "-R " TREE));
	d = suite_disk_of(IMAGE, 4096);
	suite_read_failing(d, "iso9660", TREE);
	suite_finish(d);
}

/* --- damage ----------------------------------------------------------------------------------- */

/* A symlink's list goes on where it is already: forever. */
TEST(continuation_loop)
{
	struct host_disk *d;
	struct stat st;
	u8 *image;
	u64 at;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell(XORRISO "-R " TREE "/names"));
	d = suite_disk_of(IMAGE, 4096);
	image = host_disk_image(d);
	for (at = 16 * SECTOR; at + 28 < host_disk_bytes(d); at++) {
		u8 ce[28];

		if (memcmp(image + at, "CE\x1c\x01", 4) ||
		    get_unaligned_le32(image + at + 4) * (u64)SECTOR > at)
			continue;
		/* The area it names begins with itself. */
		memcpy(ce, image + at, sizeof(ce));
		host_disk_store(
			d, get_unaligned_le32(ce + 4) * (u64)SECTOR + get_unaligned_le32(ce + 12),
			ce, sizeof(ce));
	}
	for (at = 16 * SECTOR; at + 28 < host_disk_bytes(d); at++) {
		u8 ce[28];

		if (memcmp(image + at, "CE\x1c\x01", 4))
			continue;
		memcpy(ce, image + at, sizeof(ce));
		host_disk_store(
			d, get_unaligned_le32(ce + 4) * (u64)SECTOR + get_unaligned_le32(ce + 12),
			ce, sizeof(ce));
	}
	EXPECT_EQ(mount_it("nojoliet"), 0);
	EXPECT(hf_lstat("/mnt/long symlink", &st) < 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	suite_finish(d);
}

static void mutants(const char *options, unsigned n)
{
	struct mutate_config config = {
		.type = "iso9660", .options = options, .mutants = n, .read_only = true};
	struct host_disk *d;

	suite_boot();
	REQUIRE(tree_make(TREE));
	REQUIRE(suite_shell("cd " TREE " && rm -rf dirs/many/*[1-9] files/*0*"));
	REQUIRE(suite_shell(XORRISO "-R -J -joliet-long -rr_reloc_dir moved " TREE));
	d = suite_disk_of(IMAGE, 4096);
	EXPECT(mutate(d, &config) > n / 10);
	suite_finish(d);
}

TEST(damaged)
{
	unsigned n = (unsigned)hostfs_number("MUTANTS", 200);

	mutants(NULL, n);
	mutants("norock", n / 4);
	mutants("norock,nojoliet", n / 4);
}
