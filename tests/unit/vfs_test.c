/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual file system and tmpfs, as system calls see them, on the host machine.
 *
 * link: hostfs
 */
#include <kernel/abi/fs.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>

TEST(first)
{
	char buf[16];
	int fd;

	hostfs_boot();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
	EXPECT_EQ(hf_mount("none", "/mnt", "tmpfs", 0, NULL), 0);
	fd = (int)hf_open("/mnt/a", O_CREAT | O_RDWR, 0644);
	EXPECT_EQ(fd, 0);
	EXPECT_EQ(hf_write(fd, "hello", 5), 5);
	EXPECT_EQ(hf_pread(fd, buf, 16, 1), 4);
	EXPECT(!memcmp(buf, "ello", 4));
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
}
