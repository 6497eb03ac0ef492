/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A large directory of ext4, by the whole driver: what a lookup reads does not grow with it, every
 * name is listed once, and e2fsck finds nothing.
 *
 * DIR_ENTRIES= names (default 30,000; the long form is 1,000,000).  They are links of a few files,
 * so that the image holds little but the directory.  (ext4_tree_test.c counts the blocks a lookup
 * looks at when nothing needs to be read.)
 *
 * link: hostfs
 */
#include <fs/ext4/ext4_format.h>
#include <kernel/abi/dirent.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <coroutine.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <suite.h>

#define MIB            (1ull << 20)
#define LINKS_PER_FILE 60000u
#define DROP_EVERY     50000u /* names, and the caches are dropped: they are not the subject */
#define SAMPLES        60u

static struct host_disk *disk;

static u64 entries(void)
{
	return hostfs_number("DIR_ENTRIES", 30000);
}

static void begin(const char *mkfs)
{
	hostfs_boot();
	(void)hf_mkdir("/mnt", 0755);
	disk = suite_disk("disk", 128 * MIB, mkfs);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "ext4", 0, NULL), 0);
	EXPECT_EQ(hf_mkdir("/mnt/dir", 0755), 0);
}

static void end(void)
{
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT(suite_fsck(disk, "e2fsck -fn"));
	EXPECT_EQ(hostfs_errors_logged(), 0);
	host_disk_destroy(disk);
}

static void name_of(char *name, size_t room, u64 i)
{
	snprintf(name, room, "/mnt/dir/%llu", i);
}

static void make_targets(u64 n)
{
	char target[40];

	for (u64 i = 0; i <= n / LINKS_PER_FILE; i++) {
		snprintf(target, sizeof(target), "/mnt/target%llu", i);
		EXPECT_EQ(hf_mknod(target, S_IFREG | 0644, 0), 0);
	}
}

static long add(u64 i)
{
	char target[40], name[40];

	snprintf(target, sizeof(target), "/mnt/target%llu", i / LINKS_PER_FILE);
	if (i % DROP_EVERY == 0)
		hostfs_drop_caches();
	name_of(name, sizeof(name), i);
	return hf_link(target, name);
}

static void remove_even(u64 n)
{
	char name[40];

	for (u64 i = 0; i < n; i += 2) {
		if (i % DROP_EVERY == 0)
			hostfs_drop_caches();
		name_of(name, sizeof(name), i);
		EXPECT_EQ(hf_unlink(name), 0);
	}
}

/* How many blocks are read, at most, to find one of `n` odd names when nothing is cached. */
static u64 blocks_read(u64 n, u32 block_size)
{
	u64 most = 0;
	struct stat st;
	char name[40];

	/* The journal keeps what it changed in memory. */
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "ext4", 0, NULL), 0);
	for (unsigned i = 0; i < SAMPLES; i++) {
		u64 before;

		name_of(name, sizeof(name), host_random(n / 2) * 2 + 1);
		hostfs_drop_caches();
		before = host_disk_counts(disk).read_sectors;
		EXPECT_EQ(hf_stat(name, &st), 0);
		most = max(most, host_disk_counts(disk).read_sectors - before);
	}
	return most * 512 / block_size;
}

/* Every number below `n` that is `odd`, or every one, is listed once, and nothing else. */
static void check_listing(u64 n, bool odd)
{
	static u8 buf[32768] __attribute__((aligned(8)));
	u8 *seen = host_alloc_uncounted(n + 1);
	int fd = (int)hf_open("/mnt/dir", O_RDONLY | O_DIRECTORY, 0);
	u64 total = 0;
	long len;

	memset(seen, 0, n);
	REQUIRE(fd >= 0);
	while ((len = hf_getdents(fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < len; at += ((struct linux_dirent64 *)(buf + at))->d_reclen) {
			struct linux_dirent64 *e = (struct linux_dirent64 *)(buf + at);
			u64 i;

			if (e->d_name[0] == '.')
				continue;
			REQUIRE(!parse_u64(e->d_name, 10, &i) && i < n);
			EXPECT(!seen[i]);
			seen[i] = 1;
			total++;
		}
	}
	EXPECT_EQ(len, 0);
	EXPECT_EQ(total, odd ? n / 2 : n);
	for (u64 i = 0; i < n; i++)
		if (seen[i] != (!odd || i & 1))
			host_test_fail(__FILE__, __LINE__, "%llu is %slisted", i,
				       seen[i] ? "" : "not ");
	EXPECT_EQ(hf_close(fd), 0);
	host_free_uncounted(seen);
}

TEST(large)
{
	u64 n = entries(), small = 0, large;

	begin("mke2fs -q -F -t ext4 -b 4096 -N 256 %s");
	make_targets(n);
	for (u64 i = 0; i < n; i++) {
		REQUIRE(!add(i));
		/* An index of one level. */
		if (i == 999)
			small = blocks_read(1000, 4096);
	}
	large = blocks_read(n, 4096);
	host_print("# %llu blocks read of 1000 names, %llu of %llu\n", small, large, n);
	/* One more block of the index, and one or two of the directory's map. */
	EXPECT(small && large <= small + 3);
	check_listing(n, false);
	remove_even(n);
	check_listing(n, true);
	EXPECT(blocks_read(n, 4096) <= large);
	for (u64 i = 0; i < n; i += 2)
		REQUIRE(!add(i));
	check_listing(n, false);
	end();
}
