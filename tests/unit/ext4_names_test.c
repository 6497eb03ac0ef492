/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names, attributes and flags of ext4 through the real VFS, on images that the host's mke2fs made;
 * e2fsck and debugfs judge what is on the disk afterwards.
 *
 * link: hostfs
 */
#include <kernel/abi/dirent.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/posix_acl.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/xattr.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>

#include "../host/fs/disk.h"
#include "../host/fs/hostfs.h"

static struct host_disk *disk;
static char image[64];

static void shell(const char *what, const char *command)
{
	size_t len;
	char *out = host_run(command, &len);

	if (!out)
		host_test_fail(__FILE__, __LINE__, "%s: %s", what, command);
	host_free(out);
}

/* A disk with a fresh file system of `mib` MiB, mounted at /mnt. */
static void fresh(const char *options, unsigned mib, const char *mount_options)
{
	char command[512];

	hostfs_boot();
	snprintf(image, sizeof(image), "build/host/ext4_names.%llx", host_random(1ull << 40));
	snprintf(command, sizeof(command), "rm -f %s; mke2fs -q -F %s %s %uM 2>&1", image, options,
		 image, mib);
	shell("mke2fs", command);
	disk = host_disk_create("hda", (u64)mib << 20);
	EXPECT_EQ(host_disk_load(disk, image), 0);
	(void)hf_mkdir("/mnt", 0755);
	REQUIRE(!hf_mount("/dev/hda", "/mnt", "ext4", 0, mount_options));
}

static void remount(void)
{
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(hf_mount("/dev/hda", "/mnt", "ext4", 0, NULL), 0);
}

/* Unmount; e2fsck must have nothing to say. */
static void check(void)
{
	char command[256];

	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(host_disk_save(disk, image), 0);
	snprintf(command, sizeof(command),
		 "e2fsck -fn %s >%s.log 2>&1 || { cat %s.log >&2; exit 1; }", image, image, image);
	shell("e2fsck", command);
}

/* The same after allocations failed: space may be lost to nobody, but nothing else is wrong. */
static void check_structure(void)
{
	char command[512];

	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(host_disk_save(disk, image), 0);
	snprintf(command, sizeof(command),
		 "e2fsck -fn %s >%s.log 2>&1; ! grep -vE '^(e2fsck|Pass|Block bitmap|Free blocks|"
		 "Inode bitmap|Free inodes|Directories count|Fix|$|.*(WARNING|files|i_blocks))' "
		 "%s.log >&2",
		 image, image, image);
	shell("e2fsck", command);
	(void)hostfs_errors_logged();
}

static void done(void)
{
	char command[256];

	host_disk_destroy(disk);
	EXPECT_EQ(hostfs_errors_logged(), 0);
	snprintf(command, sizeof(command), "rm -f %s %s.log", image, image);
	shell("rm", command);
}

/* What debugfs prints must contain `want`. */
static void debugfs(const char *request, const char *want)
{
	char command[256];
	size_t len;
	char *out;

	snprintf(command, sizeof(command), "debugfs -R '%s' %s 2>&1", request, image);
	out = host_run(command, &len);
	REQUIRE(out);
	out[len ? len - 1 : 0] = 0;
	if (!strstr(out, want))
		host_test_fail(__FILE__, __LINE__, "debugfs %s: no \"%s\" in: %s", request, want,
			       out);
	host_free(out);
}

static void touch(const char *path)
{
	long fd = hf_open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	EXPECT_EQ(fd < 0 ? fd : 0, 0);
	if (fd >= 0)
		EXPECT_EQ(hf_close(fd), 0);
}

static struct stat st;

/* How many names a directory has, "." and ".." included. */
static long count(const char *path)
{
	char buf[2048] __aligned(8);
	long fd = hf_open(path, O_RDONLY | O_DIRECTORY, 0), n, total = 0;

	if (fd < 0)
		return fd;
	while ((n = hf_getdents(fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n; p += ((struct linux_dirent64 *)p)->d_reclen)
			total++;
	}
	EXPECT_EQ(hf_close(fd), 0);
	return n < 0 ? n : total;
}

static const char *const flavours[] = {
	"-t ext4",
	"-t ext4 -b 1024",
	"-t ext4 -O ^has_journal,^metadata_csum,uninit_bg",
	"-t ext3",
	"-t ext2 -b 1024",
	"-t ext2 -O ^dir_index,^filetype",
	"-t ext4 -I 128 -b 2048",
};

static void basics(void)
{
	char body[128], long_body[1000];

	touch("/mnt/a");
	EXPECT_EQ(hf_mkdir("/mnt/d", 0755), 0);
	EXPECT_EQ(hf_mkdir("/mnt/d", 0755), -EEXIST);
	touch("/mnt/d/b");
	EXPECT_EQ(hf_rmdir("/mnt/d"), -ENOTEMPTY);
	EXPECT_EQ(hf_link("/mnt/a", "/mnt/d/c"), 0);
	EXPECT_EQ(hf_stat("/mnt/a", &st), 0);
	EXPECT_EQ(st.st_nlink, 2);
	EXPECT_EQ(hf_stat("/mnt", &st), 0);
	EXPECT_EQ(st.st_nlink, 4); /* lost+found */
	EXPECT_EQ(hf_symlink("short", "/mnt/s"), 0);
	memset(body, 'x', 60);
	body[60] = 0;
	EXPECT_EQ(hf_symlink(body, "/mnt/s60"), 0);
	body[59] = 0;
	EXPECT_EQ(hf_symlink(body, "/mnt/s59"), 0);
	memset(long_body, 'y', 900);
	long_body[900] = 0;
	EXPECT_EQ(hf_symlink(long_body, "/mnt/s900"), 0);
	EXPECT_EQ(hf_mknod("/mnt/fifo", S_IFIFO | 0600, 0), 0);
	EXPECT_EQ(hf_mknod("/mnt/null", S_IFCHR | 0600, 0x103), 0);
	EXPECT_EQ(hf_mknod("/mnt/big", S_IFBLK | 0600, 0x12345678), 0);
	remount();
	EXPECT_EQ(hf_readlink("/mnt/s", body, sizeof(body)), 5);
	EXPECT_EQ(hf_readlink("/mnt/s59", body, sizeof(body)), 59);
	EXPECT_EQ(hf_readlink("/mnt/s60", body, sizeof(body)), 60);
	EXPECT_EQ(hf_readlink("/mnt/s900", long_body, sizeof(long_body)), 900);
	EXPECT_EQ(hf_lstat("/mnt/null", &st), 0);
	EXPECT_EQ(st.st_rdev, 0x103);
	EXPECT_EQ(hf_lstat("/mnt/big", &st), 0);
	EXPECT_EQ(st.st_rdev, 0x12345678);
	EXPECT_EQ(count("/mnt"), 12);
	EXPECT_EQ(count("/mnt/d"), 4);
	EXPECT_EQ(hf_unlink("/mnt/d"), -EISDIR);
	EXPECT_EQ(hf_unlink("/mnt/d/b"), 0);
	EXPECT_EQ(hf_unlink("/mnt/d/c"), 0);
	EXPECT_EQ(hf_rmdir("/mnt/d"), 0);
	EXPECT_EQ(hf_stat("/mnt", &st), 0);
	EXPECT_EQ(st.st_nlink, 3);
}

TEST(names)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++) {
		fresh(flavours[i], 16, NULL);
		basics();
		check();
		debugfs("stat /s60", "Type: symlink");
		debugfs("stat /big", "(New-style) Device major/minor number: ");
		done();
	}
}

static void renames(void)
{
	EXPECT_EQ(hf_mkdir("/mnt/x", 0755), 0);
	EXPECT_EQ(hf_mkdir("/mnt/y", 0755), 0);
	EXPECT_EQ(hf_mkdir("/mnt/x/sub", 0755), 0);
	touch("/mnt/x/f");
	touch("/mnt/y/g");
	EXPECT_EQ(hf_rename("/mnt/x/f", "/mnt/x/f2", 0), 0);
	EXPECT_EQ(hf_rename("/mnt/x/f2", "/mnt/y/g", RENAME_NOREPLACE), -EEXIST);
	EXPECT_EQ(hf_rename("/mnt/x/f2", "/mnt/y/g", 0), 0);
	EXPECT_EQ(hf_stat("/mnt/x/f2", &st), -ENOENT);
	EXPECT_EQ(hf_rename("/mnt/x/sub", "/mnt/y/sub", 0), 0);
	EXPECT_EQ(hf_stat("/mnt/x", &st), 0);
	EXPECT_EQ(st.st_nlink, 2);
	EXPECT_EQ(hf_stat("/mnt/y", &st), 0);
	EXPECT_EQ(st.st_nlink, 3);
	EXPECT_EQ(hf_rename("/mnt/y", "/mnt/y/sub/z", 0), -EINVAL);
	EXPECT_EQ(hf_mkdir("/mnt/x/empty", 0755), 0);
	EXPECT_EQ(hf_rename("/mnt/y/sub", "/mnt/x/empty", 0), 0);
	EXPECT_EQ(hf_mkdir("/mnt/full", 0755), 0);
	touch("/mnt/full/f");
	EXPECT_EQ(hf_rename("/mnt/x/empty", "/mnt/full", 0), -ENOTEMPTY);
	EXPECT_EQ(hf_rename("/mnt/full", "/mnt/y/g", 0), -ENOTDIR);
	EXPECT_EQ(hf_rename("/mnt/y/g", "/mnt/full", 0), -EISDIR);
	/* A directory and a file change places over parents. */
	EXPECT_EQ(hf_rename("/mnt/x/empty", "/mnt/y/g", RENAME_EXCHANGE), 0);
	EXPECT_EQ(hf_stat("/mnt/y/g", &st), 0);
	EXPECT(S_ISDIR(st.st_mode));
	EXPECT_EQ(hf_stat("/mnt/x/empty", &st), 0);
	EXPECT(S_ISREG(st.st_mode));
	EXPECT_EQ(hf_stat("/mnt/x", &st), 0);
	EXPECT_EQ(st.st_nlink, 2);
	EXPECT_EQ(hf_stat("/mnt/y", &st), 0);
	EXPECT_EQ(st.st_nlink, 3);
	EXPECT_EQ(hf_rename("/mnt/x/empty", "/mnt/y/w", RENAME_WHITEOUT), 0);
	EXPECT_EQ(hf_lstat("/mnt/x/empty", &st), 0);
	EXPECT(S_ISCHR(st.st_mode) && !st.st_rdev);
	EXPECT_EQ(hf_unlink("/mnt/x/empty"), 0);
}

TEST(renaming)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++) {
		fresh(flavours[i], 16, NULL);
		renames();
		check();
		done();
	}
}

/* Files that are open without a name survive until closed, and are gone then. */
TEST(orphans)
{
	fresh("-t ext4", 16, NULL);
	long fd = hf_open("/mnt/f", O_CREAT | O_RDWR, 0644),
	     tmp = hf_open("/mnt", O_TMPFILE | O_RDWR, 0600);
	char path[64];

	EXPECT(fd >= 0 && tmp >= 0);
	EXPECT_EQ(hf_unlink("/mnt/f"), 0);
	EXPECT_EQ(hf_write(fd, "hello", 5), 5);
	EXPECT_EQ(hf_fstat(fd, &st), 0);
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(hf_write(tmp, "world", 5), 5);
	snprintf(path, sizeof(path), "/proc/self/fd/%ld", tmp);
	EXPECT_EQ(hf_mkdir("/mnt/d", 0755), 0);
	long dfd = hf_open("/mnt/d", O_RDONLY | O_DIRECTORY, 0);

	EXPECT_EQ(hf_rmdir("/mnt/d"), 0);
	EXPECT_EQ(hf_close(dfd), 0);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_close(tmp), 0);
	check();
	done();
}

static void many(unsigned n)
{
	char path[64], to[64], seed[32] = "";

	EXPECT_EQ(hf_mkdir("/mnt/many", 0755), 0);
	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/mnt/many/name_of_file_%u", i);
		/* An inode has at most 65,000 names. */
		if (i % 60000 == 0) {
			snprintf(seed, sizeof(seed), "/mnt/seed%u", i);
			touch(seed);
		}
		if (i % 16)
			REQUIRE(!hf_link(seed, path));
		else
			touch(path);
	}
	EXPECT_EQ(count("/mnt/many"), n + 2);
	for (unsigned i = 0; i < n; i += 3) {
		snprintf(path, sizeof(path), "/mnt/many/name_of_file_%u", i);
		EXPECT_EQ(hf_unlink(path), 0);
	}
	for (unsigned i = 1; i < n; i += 3) {
		snprintf(path, sizeof(path), "/mnt/many/name_of_file_%u", i);
		snprintf(to, sizeof(to), "/mnt/many/another_name_%u", i);
		EXPECT_EQ(hf_rename(path, to, 0), 0);
	}
	hostfs_drop_caches();
	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path),
			 i % 3 == 1 ? "/mnt/many/another_name_%u" : "/mnt/many/name_of_file_%u", i);
		EXPECT_EQ(hf_lstat(path, &st), i % 3 ? 0 : -ENOENT);
	}
}

TEST(many_names)
{
	unsigned n = (unsigned)hostfs_number("NAMES", 3000);

	for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++) {
		unsigned mib = n > 10000 ? 16 + n / 2000 : 16;

		/* Without an index a directory is searched block by block. */
		fresh(flavours[i], mib, NULL);
		many(strstr(flavours[i], "^dir_index") ? 600 : n);
		check();
		done();
	}
}

static void attributes(void)
{
	static char value[8192];
	char list[512];

	memset(value, 'v', sizeof(value));
	touch("/mnt/f");
	EXPECT_EQ(hf_getxattr("/mnt/f", "user.a", value, sizeof(value)), -ENODATA);
	EXPECT_EQ(hf_setxattr("/mnt/f", "user.a", "one", 3, 0), 0);
	EXPECT_EQ(hf_setxattr("/mnt/f", "user.a", "two", 3, XATTR_CREATE), -EEXIST);
	EXPECT_EQ(hf_setxattr("/mnt/f", "user.b", "two", 3, XATTR_REPLACE), -ENODATA);
	EXPECT_EQ(hf_setxattr("/mnt/f", "trusted.t", "", 0, 0), 0);
	EXPECT_EQ(hf_setxattr("/mnt/f", "security.s", value, 300, 0), 0);
	EXPECT_EQ(hf_setxattr("/mnt/f", "user.large", value, 4000, 0), -ENOSPC);
	EXPECT_EQ(hf_setxattr("/mnt/f", "user.huge", value, 5000, 0), -ENOSPC);
	EXPECT_EQ(hf_setxattr("/mnt/f", "nonsense.x", value, 5, 0), -EOPNOTSUPP);
	EXPECT_EQ(hf_getxattr("/mnt/f", "user.a", value, 2), -ERANGE);
	remount();
	EXPECT_EQ(hf_getxattr("/mnt/f", "user.a", value, sizeof(value)), 3);
	EXPECT(!memcmp(value, "one", 3));
	EXPECT_EQ(hf_getxattr("/mnt/f", "security.s", NULL, 0), 300);
	EXPECT_EQ(hf_listxattr("/mnt/f", list, sizeof(list)), 7 + 10 + 11);
	EXPECT_EQ(hf_setxattr("/mnt/f", "user.a", value, 200, XATTR_REPLACE), 0);
	EXPECT_EQ(hf_removexattr("/mnt/f", "security.s"), 0);
	EXPECT_EQ(hf_removexattr("/mnt/f", "security.s"), -ENODATA);
	EXPECT_EQ(hf_getxattr("/mnt/f", "user.a", value, sizeof(value)), 200);
	/* All gone: the block is freed. */
	EXPECT_EQ(hf_mkdir("/mnt/d", 0755), 0);
	EXPECT_EQ(hf_setxattr("/mnt/d", "user.only", value, 400, 0), 0);
	EXPECT_EQ(hf_removexattr("/mnt/d", "user.only"), 0);
	EXPECT_EQ(hf_setxattr("/mnt/d", "user.only", value, 400, 0), 0);
	EXPECT_EQ(hf_rmdir("/mnt/d"), 0);
}

TEST(extended_attributes)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++) {
		fresh(flavours[i], 16, NULL);
		attributes();
		check();
		debugfs("ea_list /f", "user.a (200)");
		done();
	}
}

/* u::rwx, u:1000:rw-, g::r-x, m::rwx, o::r-- */
static const u8 list[] = {
	2, 0,    0,    0,    1,    0,    7,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,    6,
	0, 0xe8, 3,    0,    0,    4,    0,    5, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
	7, 0,    0xff, 0xff, 0xff, 0xff, 0x20, 0, 4,    0,    0xff, 0xff, 0xff, 0xff,
};

TEST(access_lists)
{
	u8 got[64];

	for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++) {
		fresh(flavours[i], 16, NULL);
		EXPECT_EQ(hf_mkdir("/mnt/d", 0755), 0);
		EXPECT_EQ(hf_setxattr("/mnt/d", "system.posix_acl_default", list, sizeof(list), 0),
			  0);
		EXPECT_EQ(hf_mkdir("/mnt/d/sub", 0777), 0);
		touch("/mnt/d/f");
		EXPECT_EQ(
			hf_setxattr("/mnt/d/sub", "system.posix_acl_access", list, sizeof(list), 0),
			0);
		remount();
		EXPECT_EQ(hf_getxattr("/mnt/d/sub", "system.posix_acl_access", got, sizeof(got)),
			  sizeof(list));
		EXPECT(!memcmp(got, list, sizeof(list)));
		EXPECT_EQ(hf_getxattr("/mnt/d/sub", "system.posix_acl_default", got, sizeof(got)),
			  sizeof(list));
		EXPECT_EQ(hf_getxattr("/mnt/d/f", "system.posix_acl_access", got, sizeof(got)),
			  sizeof(list));
		EXPECT_EQ(hf_stat("/mnt/d/f", &st), 0);
		EXPECT_EQ(st.st_mode & 0777, 0644);
		EXPECT_EQ(hf_chmod("/mnt/d/f", 0600), 0);
		EXPECT_EQ(hf_getxattr("/mnt/d/f", "system.posix_acl_access", got, sizeof(got)),
			  sizeof(list));
		EXPECT_EQ(got[30], 0);
		check();
		debugfs("ea_list /d/sub", "system.posix_acl_default");
		done();
	}
}

TEST(flags)
{
	u32 flags = 0;

	fresh("-t ext4", 16, NULL);
	touch("/mnt/f");
	long fd = hf_open("/mnt/f", O_RDONLY, 0);

	EXPECT_EQ(hf_ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
	EXPECT_EQ(flags, FS_EXTENT_FL);
	flags |= FS_IMMUTABLE_FL | FS_NODUMP_FL;
	EXPECT_EQ(hf_ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
	EXPECT_EQ(hf_open("/mnt/f", O_WRONLY, 0), -EPERM);
	EXPECT_EQ(hf_unlink("/mnt/f"), -EPERM);
	EXPECT_EQ(hf_rename("/mnt/f", "/mnt/g", 0), -EPERM);
	EXPECT_EQ(hf_link("/mnt/f", "/mnt/g"), -EPERM);
	EXPECT_EQ(hf_chmod("/mnt/f", 0600), -EPERM);
	EXPECT_EQ(hf_setxattr("/mnt/f", "user.a", "b", 1, 0), -EPERM);
	flags = FS_EXTENT_FL | FS_APPEND_FL;
	EXPECT_EQ(hf_ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
	EXPECT_EQ(hf_open("/mnt/f", O_WRONLY, 0), -EPERM);
	EXPECT_EQ(hf_truncate("/mnt/f", 0), -EPERM);
	EXPECT_EQ(hf_close(hf_open("/mnt/f", O_WRONLY | O_APPEND, 0)), 0);
	EXPECT_EQ(hf_close(fd), 0);
	check();
	debugfs("stat /f", "Flags: 0x80020");
	done();
}

/* Several processes in the same directories. */

static unsigned storm_steps;

static void storm_name(char *out, size_t size)
{
	u32 d = (u32)host_random(4);

	if (d == 3)
		snprintf(out, size, "/mnt/s%u/sub%u/name_%u", (u32)host_random(3),
			 (u32)host_random(2), (u32)host_random(60));
	else if (host_random(20) == 0)
		snprintf(out, size, "/mnt/s%u/sub%u", d, (u32)host_random(2));
	else
		snprintf(out, size, "/mnt/s%u/name_with_some_length_%u", d, (u32)host_random(120));
}

static void storm_process(void *arg)
{
	char a[96], b[96];

	for (unsigned i = 0; i < storm_steps; i++) {
		struct stat s;
		long fd;

		storm_name(a, sizeof(a));
		storm_name(b, sizeof(b));
		switch (host_random(12)) {
		case 0:
		case 1:
		case 2:
			fd = hf_open(a, O_CREAT | O_WRONLY, 0600);
			if (fd >= 0)
				(void)hf_close(fd);
			break;
		case 3: (void)hf_mkdir(a, 0755); break;
		case 4: (void)hf_link(a, b); break;
		case 5:
			(void)hf_symlink(host_random(2) ? "short"
							: "/a/rather/long/body/of/a/link/that/does/"
							  "not/fit/the/inode/itself",
					 a);
			break;
		case 6: (void)hf_unlink(a); break;
		case 7: (void)hf_rmdir(a); break;
		case 8: (void)hf_rename(a, b, host_random(3) ? 0 : 1u << host_random(3)); break;
		case 9: (void)hf_setxattr(a, "user.x", a, host_random(90), 0); break;
		case 10: (void)hf_lstat(a, &s); break;
		case 11: (void)count(host_random(2) ? "/mnt/s1" : "/mnt/s2/sub1"); break;
		}
	}
}

static void storm(const char *options, unsigned fail_every)
{
	struct hf_process *p[6];

	fresh(options, 16, NULL);
	hostfs_preempt(20);
	(void)hf_mkdir("/mnt/s0", 0755);
	(void)hf_mkdir("/mnt/s1", 0755);
	(void)hf_mkdir("/mnt/s2", 0755);
	storm_steps = (unsigned)hostfs_number("STEPS", 1500);
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = hf_spawn("storm", storm_process, NULL);
	hostfs_fail_every(fail_every);
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		hf_wait(p[i]);
	hostfs_fail_every(0);
	hostfs_preempt(50);
	if (fail_every)
		check_structure();
	else
		check();
	done();
}

TEST(storms)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++)
		storm(flavours[i], 0);
}

TEST(storms_without_memory)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++)
		storm(flavours[i], 60);
}

/* Whatever is damaged, calls end and nothing crashes; the image's metadata is hit more often than
 * its data. */
static void damage(const char *options, unsigned rounds)
{
	char path[64];

	fresh(options, 8, NULL);
	many(400);
	attributes();
	check();
	for (unsigned i = 0; i < rounds; i++) {
		host_disk_mark(disk);
		for (u32 k = (u32)host_random(20); k--;)
			host_disk_image(
				disk)[2048 + host_random(host_random(2) ? 300000 : 8000000)] =
				(u8)host_random(256);
		if (!hf_mount("/dev/hda", "/mnt", "ext4", 0, NULL)) {
			(void)count("/mnt");
			(void)count("/mnt/many");
			for (int k = 0; k < 30; k++) {
				snprintf(path, sizeof(path), "/mnt/many/%s_%u",
					 k & 1 ? "another_name" : "name_of_file",
					 (u32)host_random(400));
				(void)hf_stat(path, &st);
				(void)hf_unlink(path);
				snprintf(path, sizeof(path), "/mnt/many/new_%u", k);
				long fd = hf_open(path, O_CREAT | O_WRONLY, 0600);

				if (fd >= 0)
					(void)hf_close(fd);
			}
			(void)hf_setxattr("/mnt/f", "user.x", path, 40, 0);
			EXPECT_EQ(hf_umount("/mnt", 0), 0);
		}
		host_disk_restore(disk);
	}
	(void)hostfs_errors_logged();
	done();
}

TEST(damaged_images)
{
	unsigned rounds = (unsigned)hostfs_number("ROUNDS", 60);

	damage("-t ext4 -b 1024 -O ^has_journal,^metadata_csum,uninit_bg", rounds);
	damage("-t ext4 -b 1024 -O ^has_journal", rounds);
	damage("-t ext2 -b 1024", rounds);
	damage("-t ext4 -b 4096 -I 256", rounds);
}
