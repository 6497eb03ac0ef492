/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual file system and tmpfs, as system calls see them, on the host machine (tests/host/fs).
 *
 * link: hostfs
 */
#include <kernel/abi/dirent.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>

static struct hostfs_usage before;

/* "/" and a tmpfs on /mnt; what is in use without it is remembered. */
static void begin(void)
{
	hostfs_boot();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
	before = hostfs_usage_settled();
	EXPECT_EQ(hf_mount("none", "/mnt", "tmpfs", 0, NULL), 0);
}

static void end(void)
{
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	hostfs_expect_usage(before);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
}

static void file_make(const char *path, const char *content)
{
	int fd = (int)hf_open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	EXPECT(fd >= 0);
	EXPECT_EQ(hf_write(fd, content, strlen(content)), (long)strlen(content));
	EXPECT_EQ(hf_close(fd), 0);
}

static void file_expect(const char *path, const char *content)
{
	char buf[256] = { 0 };
	int fd = (int)hf_open(path, O_RDONLY, 0);

	EXPECT(fd >= 0);
	EXPECT_EQ(hf_read(fd, buf, sizeof(buf) - 1), (long)strlen(content));
	EXPECT_STR(buf, content);
	EXPECT_EQ(hf_close(fd), 0);
}

static unsigned entries(const char *path)
{
	int fd = (int)hf_open(path, O_RDONLY | O_DIRECTORY, 0);
	unsigned n = 0;
	char buf[512];
	long got;

	EXPECT(fd >= 0);
	while ((got = hf_getdents(fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < got; at += ((struct linux_dirent64 *)(buf + at))->d_reclen)
			n++;
	EXPECT_EQ(got, 0);
	EXPECT_EQ(hf_close(fd), 0);
	return n;
}

TEST(names)
{
	char text[64];
	struct stat st;

	begin();
	EXPECT_EQ(hf_mkdir("/mnt/d", 0755), 0);
	EXPECT_EQ(hf_mkdir("/mnt/d/e", 0755), 0);
	file_make("/mnt/a", "alpha");
	EXPECT_EQ(hf_rename("/mnt/a", "/mnt/d/b", 0), 0);
	EXPECT_EQ(hf_stat("/mnt/a", &st), -ENOENT);
	file_expect("/mnt/d/b", "alpha");
	file_make("/mnt/c", "gamma");
	EXPECT_EQ(hf_rename("/mnt/c", "/mnt/d/b", RENAME_NOREPLACE), -EEXIST);
	EXPECT_EQ(hf_rename("/mnt/c", "/mnt/d/b", RENAME_EXCHANGE), 0);
	file_expect("/mnt/c", "alpha");
	EXPECT_EQ(hf_rename("/mnt/d", "/mnt/d/e/f", 0), -EINVAL);
	EXPECT_EQ(hf_link("/mnt/c", "/mnt/d/e/l"), 0);
	EXPECT_EQ(hf_stat("/mnt/c", &st), 0);
	EXPECT_EQ(st.st_nlink, 2);
	EXPECT_EQ(hf_symlink("d/e/l", "/mnt/s"), 0);
	EXPECT_EQ(hf_readlink("/mnt/s", text, sizeof(text)), 5);
	file_expect("/mnt/s", "alpha");
	EXPECT_EQ(entries("/mnt/d"), 4);
	EXPECT_EQ(hf_rmdir("/mnt/d"), -ENOTEMPTY);
	EXPECT_EQ(hf_unlink("/mnt/d"), -EISDIR);
	EXPECT_EQ(hf_unlink("/mnt/d/e/l"), 0);
	EXPECT_EQ(hf_stat("/mnt/s", &st), -ENOENT);
	EXPECT_EQ(hf_setxattr("/mnt/c", "user.k", "value", 5, 0), 0);
	EXPECT_EQ(hf_getxattr("/mnt/c", "user.k", text, sizeof(text)), 5);
	end();
}

TEST(data)
{
	static char page[3 * 4096], back[3 * 4096];
	struct stat st;
	int fd;

	begin();
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (char)(i * 7 + i / 251);
	fd = (int)hf_open("/mnt/f", O_CREAT | O_RDWR, 0644);
	EXPECT_EQ(hf_pwrite(fd, page, sizeof(page), 4000), (long)sizeof(page));
	EXPECT_EQ(hf_pread(fd, back, sizeof(back), 4000), (long)sizeof(back));
	EXPECT(!memcmp(page, back, sizeof(page)));
	EXPECT_EQ(hf_ftruncate(fd, 5000), 0);
	EXPECT_EQ(hf_ftruncate(fd, 9000), 0);
	EXPECT_EQ(hf_pread(fd, back, sizeof(back), 4000), 5000);
	EXPECT(!memcmp(page, back, 1000) && !memchr_inv(back + 1000, 0, 4000));
	EXPECT_EQ(hf_fstat(fd, &st), 0);
	EXPECT_EQ(st.st_size, 9000);
	EXPECT_EQ(hf_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4100, 200), 0);
	EXPECT_EQ(hf_pread(fd, back, 400, 4000), 400);
	EXPECT(!memcmp(page, back, 100) && !memchr_inv(back + 100, 0, 200) &&
	       !memcmp(page + 300, back + 300, 100));
	EXPECT_EQ(hf_fsync(fd), 0);
	EXPECT_EQ(hf_close(fd), 0);
	end();
}

TEST(mapped)
{
	char back[32];
	long addr;
	int fd;

	begin();
	fd = (int)hf_open("/mnt/m", O_CREAT | O_RDWR, 0644);
	EXPECT_EQ(hf_ftruncate(fd, 6000), 0);
	addr = hf_mmap(16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(addr > 0 && (unsigned long)addr < USER_MAPPED_END);
	EXPECT_EQ(hf_store((unsigned long)addr + 4090, "stored over", 11), 0);
	EXPECT_EQ(hf_pread(fd, back, 11, 4090), 11);
	EXPECT(!memcmp(back, "stored over", 11));
	EXPECT_EQ(hf_pwrite(fd, "written", 7, 100), 7);
	EXPECT_EQ(hf_load((unsigned long)addr + 100, back, 7), 0);
	EXPECT(!memcmp(back, "written", 7));
	EXPECT_EQ(hf_load((unsigned long)addr + 8192, back, 1), -EIO);
	EXPECT_EQ(hf_ftruncate(fd, 100), 0);
	EXPECT_EQ(hf_load((unsigned long)addr + 4096, back, 1), -EIO);
	/* Read from the file into the file's own pages. */
	EXPECT_EQ(hf_pread(fd, (void *)addr, 50, 50), 50);
	EXPECT_EQ(hf_load((unsigned long)addr + 20000, back, 1), -EFAULT);
	EXPECT_EQ(hf_munmap((unsigned long)addr, 16384), 0);
	EXPECT_EQ(hf_load((unsigned long)addr, back, 1), -EFAULT);
	EXPECT_EQ(hf_close(fd), 0);
	end();
}

static void hammer(void *arg)
{
	unsigned long n = (unsigned long)arg;
	char a[32], b[32], word[8] = { 0 };

	for (unsigned i = 0; i < 100; i++) {
		int fd;

		snprintf(a, sizeof(a), "/mnt/%lu-%u", n, i % 5);
		snprintf(b, sizeof(b), "/mnt/both-%u", i % 3);
		fd = (int)hf_open(a, O_CREAT | O_RDWR | O_TRUNC, 0600);
		EXPECT(fd >= 0);
		EXPECT_EQ(hf_write(fd, "content", 7), 7);
		EXPECT_EQ(hf_pread(fd, word, 7, 0), 7);
		EXPECT_STR(word, "content");
		EXPECT_EQ(hf_close(fd), 0);
		EXPECT_EQ(hf_rename(a, b, 0), 0);
	}
	hf_setuid(1000, 1000);
	EXPECT_EQ(hf_open("/mnt/none", O_CREAT | O_RDWR, 0600), -EACCES);
}

TEST(processes)
{
	struct hf_process *p[4];

	begin();
	EXPECT_EQ(hf_chmod("/mnt", 0755), 0);
	hostfs_preempt(5);
	for (unsigned long i = 0; i < 4; i++)
		p[i] = hf_spawn("hammer", hammer, (void *)i);
	for (unsigned i = 0; i < 4; i++)
		hf_wait(p[i]);
	hostfs_preempt(50);
	EXPECT_EQ(entries("/mnt"), 5);
	end();
}

/* Each allocation of this fails once; whatever happened, it can all be removed. */
static void scene(void)
{
	int fd;

	if (hf_mount("none", "/mnt", "tmpfs", 0, "size=1m"))
		return;
	hf_mkdir("/mnt/d", 0755);
	fd = (int)hf_open("/mnt/d/f", O_CREAT | O_RDWR, 0644);
	if (fd >= 0) {
		hf_write(fd, "hello", 5);
		hf_pwrite(fd, "world", 5, 100000);
		hf_setxattr("/mnt/d/f", "user.a", "b", 1, 0);
		hf_rename("/mnt/d/f", "/mnt/g", 0);
		hf_link("/mnt/g", "/mnt/h");
		hf_ftruncate(fd, 3);
		hf_close(fd);
	}
	hf_symlink("a long target that does not fit in the inode itself, whatever its size may be: "
		   "/////////////",
		   "/mnt/s");
	host_fail_after(-1);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
}

TEST(allocation_failures)
{
	unsigned points = 0;

	hostfs_boot();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
	before = hostfs_usage_settled();
	FOR_EACH_FAILURE
	{
		scene();
		points++;
	}
	EXPECT(points > 20);
	hostfs_expect_usage(before);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
}
