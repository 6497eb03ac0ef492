/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a file's data is: FS_IOC_FIEMAP and FIBMAP on ext4, and on what has none.  Places are the file system's own
 * choice: only whether there is one is printed. */
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "check.h"

#define M   "/tmp/fs_extents/m"
#define O   "/tmp/fs_extents/o"
#define IMG "/tmp/fs_extents/image"
#define MOST 8

static struct {
	struct fiemap head;
	struct fiemap_extent extents[MOST];
} map;

static void ask(const char *name, int fd, uint64_t start, uint64_t len, uint32_t flags, uint32_t most)
{
	memset(&map, 0, sizeof(map));
	map.head.fm_start = start;
	map.head.fm_length = len;
	map.head.fm_flags = flags;
	map.head.fm_extent_count = most;
	if (CALL(name, ioctl(fd, FS_IOC_FIEMAP, &map))) {
		printf("%s: flags %#x\n", name, map.head.fm_flags);
		return;
	}
	printf("%s: %u extents\n", name, map.head.fm_mapped_extents);
	for (unsigned i = 0; most && i < map.head.fm_mapped_extents; i++) {
		struct fiemap_extent *e = &map.extents[i];

		printf("%s: at %llu, %llu bytes, flags %#x%s\n", name, (long long)e->fe_logical,
		       (long long)e->fe_length, e->fe_flags, e->fe_physical ? "" : ", no place");
	}
}

static void put(int fd, loff_t pos, size_t n)
{
	static char data[65536];

	memset(data, 0x65, sizeof(data));
	if (pwrite(fd, data, n, pos) != (ssize_t)n)
		printf("short write\n");
}

static void regular(void)
{
	int fd = open(M "/file", O_CREAT | O_RDWR, 0644), block;

	ask("empty", fd, 0, ~0ull, 0, MOST);
	put(fd, 0, 8192);
	put(fd, 65536, 4096);
	ask("written", fd, 0, ~0ull, FIEMAP_FLAG_SYNC, MOST);
	ask("only how many", fd, 0, ~0ull, 0, 0);
	ask("less room than extents", fd, 0, ~0ull, 0, 1);
	ask("from within", fd, 5000, 1000, 0, MOST);
	ask("a hole", fd, 16384, 4096, 0, MOST);
	ask("behind the end", fd, 1 << 20, 4096, 0, MOST);
	fallocate(fd, FALLOC_FL_KEEP_SIZE, 131072, 32768);
	ask("allocated", fd, 65536, ~0ull, FIEMAP_FLAG_SYNC, MOST);
	ask("into memory", fd, 0, ~0ull, FIEMAP_FLAG_CACHE, MOST);
	ask("nothing", fd, 0, 0, 0, MOST);
	ask("begins too far", fd, ~0ull, 1, 0, MOST);
	ask("flags there are not", fd, 0, ~0ull, 0x80000000 | FIEMAP_FLAG_SYNC, MOST);
	ask("more extents than memory", fd, 0, ~0ull, 0, ~0u);
	CALL("bad pointer", ioctl(fd, FS_IOC_FIEMAP, BAD));
	block = 0;
	CALL("FIBMAP", ioctl(fd, FIBMAP, &block));
	TRUE("FIBMAP: a place", block > 0);
	block = 20;
	CALL("FIBMAP of a hole", ioctl(fd, FIBMAP, &block));
	VALUE("FIBMAP of a hole", block);
	block = -1;
	CALL("FIBMAP below 0", ioctl(fd, FIBMAP, &block));
	CALL("FIBMAP, bad pointer", ioctl(fd, FIBMAP, BAD));
	CHILD("without privilege", setuid(1000); CALL("FIBMAP not root", ioctl(fd, FIBMAP, &block));
	      ask("not root", fd, 0, 4096, 0, MOST));
	close(fd);
}

static void others(void)
{
	int block = 0, fd = open(M, O_RDONLY | O_DIRECTORY), p[2];

	ask("directory", fd, 0, ~0ull, 0, MOST);
	CALL("directory FIBMAP", ioctl(fd, FIBMAP, &block));
	close(fd);
	fd = open("/tmp/fs_extents/file", O_CREAT | O_RDWR, 0644);
	ask("tmpfs", fd, 0, ~0ull, 0, MOST);
	CALL("tmpfs FIBMAP", ioctl(fd, FIBMAP, &block));
	close(fd);
	if (pipe(p))
		return;
	ask("pipe", p[0], 0, ~0ull, 0, MOST);
	CALL("pipe FIBMAP", ioctl(p[0], FIBMAP, &block));
	ask("nothing on a pipe", p[0], 0, 0, 0, MOST);
	CALL("bad pointer on a pipe", ioctl(p[0], FS_IOC_FIEMAP, BAD));
	fd = open("/dev/null", O_RDWR);
	ask("device", fd, 0, ~0ull, 0, MOST);
	close(fd);
}

static void overlay(void)
{
	int block = 0, below, fd;

	mkdir(M "/low", 0755);
	mkdir(M "/up", 0755);
	mkdir(M "/work", 0755);
	mkdir(O, 0755);
	fd = open(M "/low/file", O_CREAT | O_RDWR, 0644);
	put(fd, 0, 8192);
	fsync(fd);
	close(fd);
	if (CALL("mount overlay", mount("none", O, "overlay", 0,
					 "lowerdir=" M "/low,upperdir=" M "/up,workdir=" M "/work")))
		return;
	below = open(O "/file", O_RDONLY);
	ask("overlay, below", below, 0, ~0ull, 0, MOST);
	CALL("overlay FIBMAP", ioctl(below, FIBMAP, &block));
	fd = open(O "/file", O_RDWR);
	put(fd, 0, 4096);
	ask("overlay, above", fd, 0, ~0ull, FIEMAP_FLAG_SYNC, MOST);
	ask("overlay, opened below", below, 0, ~0ull, 0, MOST);
	close(fd);
	close(below);
	fd = open(O, O_RDONLY | O_DIRECTORY);
	ask("overlay, directory", fd, 0, ~0ull, 0, MOST);
	close(fd);
	VALUE("unmount overlay", umount(O));
}

static void vfat(void)
{
	int block = 0, fd;

	unlink(IMG);
	system("dd if=/dev/zero of=" IMG " bs=1M count=0 seek=4 2>/dev/null; mkfs.vfat " IMG);
	VALUE("mount vfat", system("mount -t vfat " IMG " " M));
	fd = open(M "/file", O_CREAT | O_RDWR, 0644);
	put(fd, 0, 4096);
	fsync(fd);
	ask("vfat", fd, 0, ~0ull, 0, MOST);
	CALL("vfat FIBMAP", ioctl(fd, FIBMAP, &block));
	TRUE("vfat FIBMAP: a place", block > 0);
	close(fd);
	VALUE("unmount", umount(M));
}

int main(void)
{
	mkdir("/tmp/fs_extents", 0755);
	VALUE("tmpfs", mount("none", "/tmp/fs_extents", "tmpfs", 0, NULL));
	mkdir(M, 0755);
	system("cp /abi/image.ext4 " IMG);
	VALUE("mount", system("mount -t ext4 " IMG " " M));
	regular();
	others();
	overlay();
	VALUE("unmount", umount(M));
	vfat();
	VALUE("unmount", umount("/tmp/fs_extents"));
	return 0;
}
