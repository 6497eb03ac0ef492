/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FITRIM on ext4 and vfat, on loop devices over files of tmpfs, whose size says what was
 * discarded. */
#include <linux/fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "check.h"

#define M   "/tmp/fs_trim/m"
#define IMG "/tmp/fs_trim/image"

static struct fstrim_range range;

static long fitrim(const char *name, int fd, uint64_t start, uint64_t len, uint64_t minlen)
{
	range = (struct fstrim_range){ start, len, minlen };
	return CALL(name, ioctl(fd, FITRIM, &range));
}

static void trimmed(const char *name, int fd, uint64_t start, uint64_t len, uint64_t minlen)
{
	if (!fitrim(name, fd, start, len, minlen))
		printf("%s: start %llu, length %llu, at least %llu\n", name, (long long)range.start,
		       (long long)range.len, (long long)range.minlen);
}

static uint64_t bytes_free(void)
{
	struct statfs s;

	sync();
	return statfs(M, &s) ? 0 : s.f_bfree * s.f_bsize;
}

static uint64_t image_bytes(void)
{
	struct stat st;

	return stat(IMG, &st) ? 0 : st.st_blocks * 512;
}

/* A file of one byte repeated, on the disk. */
static void fill(const char *name, int byte, size_t len)
{
	static char block[65536];
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	memset(block, byte, sizeof(block));
	for (size_t n = 0; n < len; n += sizeof(block)) {
		if (write(fd, block, sizeof(block)) != sizeof(block))
			printf("short write\n");
	}
	fsync(fd);
	close(fd);
}

static bool holds(const char *name, int byte)
{
	static unsigned char block[65536];
	int fd = open(name, O_RDONLY);
	bool good = fd >= 0;
	ssize_t n;

	while (good && (n = read(fd, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			good = good && block[i] == byte;
	}
	close(fd);
	return good;
}

/* How often four KiB of `byte` are in the image. */
static int blocks_of(int byte)
{
	static unsigned char block[4096];
	int fd = open(IMG, O_RDONLY), found = 0;

	while (read(fd, block, sizeof(block)) == sizeof(block)) {
		size_t i = 0;

		while (i < sizeof(block) && block[i] == byte)
			i++;
		found += i == sizeof(block);
	}
	close(fd);
	return found;
}

static void refusals(int fd)
{
	CALL("bad pointer", ioctl(fd, FITRIM, BAD));
	fitrim("nothing", fd, 0, 0, 0);
	fitrim("less than a block", fd, 0, 511, 0);
	fitrim("begins behind the end", fd, 1ull << 40, 1 << 20, 0);
	fitrim("begins far behind the end", fd, ~0ull, ~0ull, 0);
	fitrim("longer runs than can be", fd, 0, ~0ull, 1ull << 40);
	CHILD("without privilege", setuid(1000); fitrim("not root", fd, 0, ~0ull, 0);
	      CALL("not root, bad pointer", ioctl(fd, FITRIM, BAD)));
}

/* What a removed file held is gone from the image; what is there stays. */
static void data(int fd)
{
	uint64_t free_before, had;
	int file;

	fill(M "/keep", 0x4b, 1 << 20);
	fill(M "/drop", 0x44, 3 << 20);
	fitrim("with files", fd, 0, ~0ull, 0);
	TRUE("both files are in the image", blocks_of(0x44) >= 700 && blocks_of(0x4b) >= 200);
	had = image_bytes();
	unlink(M "/drop");
	free_before = bytes_free();
	TRUE("what was removed is still in the image", blocks_of(0x44) >= 700);
	fitrim("after a removal", fd, 0, ~0ull, 0);
	TRUE("no more than is free", range.len <= free_before);
	TRUE("at least the file", range.len >= 3 << 20);
	VALUE("what was removed is gone", blocks_of(0x44));
	TRUE("the image shrank by that", image_bytes() + (3 << 20) - (64 << 10) <= had);
	TRUE("the other stays", holds(M "/keep", 0x4b));
	file = open(M "/keep", O_RDONLY);
	fitrim("by a descriptor of a file", file, 0, ~0ull, 0);
	close(file);
	fill(M "/again", 0x41, 2 << 20);
	TRUE("what was trimmed can be written", holds(M "/again", 0x41));
	unlink(M "/again");
}

static void ext4(void)
{
	int fd;

	TEXT("---", "ext4");
	system("cp /abi/image.ext4 " IMG);
	VALUE("mount", system("mount -t ext4 " IMG " " M));
	fd = open(M, O_RDONLY | O_DIRECTORY);
	refusals(fd);
	fitrim("longer runs than a group", fd, 0, ~0ull, (8 << 20) + 1024);
	trimmed("runs as long as a group", fd, 0, ~0ull, 8 << 20);
	trimmed("the first block", fd, 0, 1024, 0);
	trimmed("two blocks", fd, 0, 3072, 0);
	trimmed("a piece of the first group", fd, 5 << 20, 64 << 10, 0);
	trimmed("a piece over the border", fd, 7 << 20, 2 << 20, 0);
	trimmed("the second group", fd, 8 << 20, ~0ull, 0);
	trimmed("the second group again", fd, 8 << 20, ~0ull, 0);
	trimmed("the second group, shorter runs", fd, (8 << 20) + 1024, ~0ull, 4096);
	trimmed("all, longer runs", fd, 0, ~0ull, 64 << 10);
	trimmed("all", fd, 0, ~0ull, 0);
	trimmed("all again", fd, 0, ~0ull, 0);
	data(fd);
	close(fd);
	VALUE("remount", mount(NULL, M, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	fd = open(M, O_RDONLY | O_DIRECTORY);
	fitrim("read-only", fd, 0, ~0ull, 0);
	close(fd);
	VALUE("unmount", umount(M));
	VALUE("mount without the log", system("mount -t ext4 -o ro,noload " IMG " " M));
	fd = open(M, O_RDONLY | O_DIRECTORY);
	fitrim("noload", fd, 0, ~0ull, 0);
	CALL("noload, bad pointer", ioctl(fd, FITRIM, BAD));
	close(fd);
	VALUE("unmount", umount(M));
}

/* With -o discard nobody needs to ask. */
static void online(const char *type)
{
	char line[200];

	printf("---: %s -o discard\n", type);
	snprintf(line, sizeof(line), "mount -t %s -o discard " IMG " " M, type);
	VALUE("mount", system(line));
	fill(M "/drop", 0x4f, 2 << 20);
	unlink(M "/drop");
	sync();
	/* Linux discards a little after the commit. */
	for (int i = 0; i < 200 && blocks_of(0x4f); i++)
		sleep_ms(50);
	VALUE("what was removed is gone", blocks_of(0x4f));
	VALUE("unmount", umount(M));
}

static void vfat(void)
{
	int fd;

	TEXT("---", "vfat");
	unlink(IMG);
	system("dd if=/dev/zero of=" IMG
	       " bs=1M count=0 seek=20 2>/dev/null; mkfs.vfat -F 32 " IMG);
	VALUE("mount", system("mount -t vfat " IMG " " M));
	fd = open(M, O_RDONLY | O_DIRECTORY);
	refusals(fd);
	trimmed("the first clusters", fd, 0, 8192, 0);
	trimmed("a piece", fd, 1 << 20, 64 << 10, 0);
	trimmed("all", fd, 0, ~0ull, 0);
	TRUE("all that is free", range.len == bytes_free());
	trimmed("all again", fd, 0, ~0ull, 0);
	trimmed("long runs", fd, 0, ~0ull, 15 << 20);
	trimmed("runs that are too long", fd, 0, ~0ull, 40 << 20);
	data(fd);
	close(fd);
	VALUE("remount", mount(NULL, M, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	fd = open(M, O_RDONLY | O_DIRECTORY);
	fitrim("read-only", fd, 0, ~0ull, 0);
	close(fd);
	VALUE("unmount", umount(M));
}

/* A file of ramfs cannot have holes punched, so a loop device over it does not discard. */
static void no_discard(void)
{
	int fd;

	TEXT("---", "a device without discard");
	mkdir("r", 0755);
	VALUE("ramfs", mount("none", "r", "ramfs", 0, NULL));
	VALUE("mount", system("cp /abi/image.ext4 r/image; mount -t ext4 r/image " M));
	fd = open(M, O_RDONLY | O_DIRECTORY);
	fitrim("ext4", fd, 0, ~0ull, 0);
	CALL("bad pointer", ioctl(fd, FITRIM, BAD));
	CHILD("without privilege", setuid(1000); fitrim("not root", fd, 0, ~0ull, 0));
	close(fd);
	VALUE("unmount", umount(M));
	VALUE("unmount", umount("r"));
	fd = open(".", O_RDONLY | O_DIRECTORY);
	fitrim("tmpfs", fd, 0, ~0ull, 0);
	CHILD("without privilege", setuid(1000); fitrim("tmpfs, not root", fd, 0, ~0ull, 0));
	close(fd);
}

int main(void)
{
	mkdir(M, 0755);
	ext4();
	online("ext4");
	vfat();
	online("vfat");
	no_discard();
	return 0;
}
