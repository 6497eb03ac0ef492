/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ioctls of block devices and of loop devices; swapon and swapoff.  Devices are loops over
 * files of a tmpfs. */
#include "check.h"
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/swap.h>

#define SIZE (8u << 20)

static char device[32], partition[40];

static int file_make(const char *name, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && ftruncate(fd, size))
		printf("ftruncate: %s\n", strerror(errno));
	return fd;
}

/* A free loop device, opened. */
static int loop_take(int flags)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), n;

	n = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(device, sizeof(device), "/dev/loop%d", n);
	snprintf(partition, sizeof(partition), "%sp1", device);
	return open(device, flags | O_CLOEXEC);
}

static long get(const char *name, int fd, unsigned long cmd, size_t size)
{
	long long v = 0;
	long r = ioctl(fd, cmd, &v);

	if (r) {
		show(name, r);
		return -1;
	}
	v = size == 2 ? *(unsigned short *)&v : size == 4 ? *(int *)&v : v;
	VALUE(name, v);
	return (long)v;
}

static void sizes(int fd)
{
	get("BLKGETSIZE", fd, BLKGETSIZE, 8);
	get("BLKGETSIZE64", fd, BLKGETSIZE64, 8);
	get("BLKSSZGET", fd, BLKSSZGET, 4);
	get("BLKPBSZGET", fd, BLKPBSZGET, 4);
	get("BLKIOMIN", fd, BLKIOMIN, 4);
	get("BLKIOOPT", fd, BLKIOOPT, 4);
	get("BLKALIGNOFF", fd, BLKALIGNOFF, 4);
	get("BLKROGET", fd, BLKROGET, 4);
	get("BLKDISCARDZEROES", fd, BLKDISCARDZEROES, 4);
	get("BLKBSZGET", fd, BLKBSZGET, 4);
	CALL("BLKGETSIZE64 bad", ioctl(fd, BLKGETSIZE64, BAD));
	CALL("BLKSSZGET bad", ioctl(fd, BLKSSZGET, BAD));
	CALL("unknown", ioctl(fd, _IO(0x12, 250), 0));
}

static void read_ahead(int fd)
{
	static const unsigned long odd[] = { 0, 1, 7, 8, 9, 15, 100, 256 };

	CALL("BLKRASET 512", ioctl(fd, BLKRASET, 512));
	get("BLKRAGET", fd, BLKRAGET, 8);
	get("BLKFRAGET", fd, BLKFRAGET, 8);
	CALL("BLKFRASET 64", ioctl(fd, BLKFRASET, 64));
	get("BLKRAGET after", fd, BLKRAGET, 8);
	for (unsigned i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		CALL("BLKRASET", ioctl(fd, BLKRASET, odd[i]));
		get("BLKRAGET", fd, BLKRAGET, 8);
	}
	CALL("BLKRAGET null", ioctl(fd, BLKRAGET, NULL));
}

static void block_size(int fd)
{
	int sizes_tried[] = { 512, 1024, 4096, 0, 300, 256 };

	for (unsigned i = 0; i < sizeof(sizes_tried) / sizeof(*sizes_tried); i++)
		CALL("BLKBSZSET", ioctl(fd, BLKBSZSET, &sizes_tried[i]));
	CALL("BLKBSZSET null", ioctl(fd, BLKBSZSET, NULL));
}

static void read_only(int fd)
{
	int on = 1, off = 0, other;

	CALL("BLKROSET", ioctl(fd, BLKROSET, &on));
	get("BLKROGET on", fd, BLKROGET, 4);
	CALL("open rw of read-only", other = open(device, O_RDWR | O_CLOEXEC) < 0 ? -1 : 0);
	CALL("pwrite after", pwrite(fd, "x", 1, 0));
	CALL("BLKROSET off", ioctl(fd, BLKROSET, &off));
	CALL("BLKROSET bad", ioctl(fd, BLKROSET, BAD));
	get("BLKROGET off", fd, BLKROGET, 4);
}

static void range(const char *name, int fd, unsigned long cmd, uint64_t start, uint64_t len)
{
	uint64_t r[2] = { start, len };

	CALL(name, ioctl(fd, cmd, r));
}

static int all(int fd, off_t from, size_t len, char c)
{
	char buf[4096];

	for (; len; len -= sizeof(buf), from += sizeof(buf)) {
		if (pread(fd, buf, sizeof(buf), from) != sizeof(buf))
			return 0;
		for (unsigned i = 0; i < sizeof(buf); i++)
			if (buf[i] != c)
				return 0;
	}
	return 1;
}

static void fill(int fd, off_t from, size_t len, char c)
{
	char buf[4096];

	memset(buf, c, sizeof(buf));
	for (; len; len -= sizeof(buf), from += sizeof(buf))
		if (pwrite(fd, buf, sizeof(buf), from) != sizeof(buf))
			printf("pwrite: %s\n", strerror(errno));
}

static void ranges(int fd)
{
	int ro = open(device, O_RDONLY | O_CLOEXEC);

	fill(fd, 0, 1 << 20, 'a');
	range("BLKZEROOUT", fd, BLKZEROOUT, 8192, 65536);
	TRUE("it is zero", all(fd, 8192, 65536, 0));
	TRUE("before it is not", all(fd, 4096, 4096, 'a'));
	TRUE("behind it is not", all(fd, 8192 + 65536, 4096, 'a'));
	range("BLKDISCARD", fd, BLKDISCARD, 131072, 65536);
	TRUE("a hole reads zero", all(fd, 131072, 65536, 0));
	TRUE("behind the hole", all(fd, 131072 + 65536, 4096, 'a'));
	range("BLKDISCARD of nothing", fd, BLKDISCARD, 0, 0);
	range("BLKZEROOUT of nothing", fd, BLKZEROOUT, 0, 0);
	range("BLKDISCARD not aligned", fd, BLKDISCARD, 1, 512);
	range("BLKDISCARD length not aligned", fd, BLKDISCARD, 0, 100);
	range("BLKDISCARD beyond", fd, BLKDISCARD, SIZE, 512);
	range("BLKDISCARD over the end", fd, BLKDISCARD, SIZE - 512, 1024);
	range("BLKDISCARD wraps", fd, BLKDISCARD, (uint64_t)-512, 1024);
	range("BLKZEROOUT not aligned", fd, BLKZEROOUT, 1, 512);
	range("BLKZEROOUT beyond", fd, BLKZEROOUT, SIZE, 512);
	range("BLKZEROOUT over the end", fd, BLKZEROOUT, SIZE - 512, 1024);
	range("BLKZEROOUT wraps", fd, BLKZEROOUT, (uint64_t)-512, 1024);
	range("BLKSECDISCARD", fd, BLKSECDISCARD, 0, 512);
	CALL("BLKDISCARD bad", ioctl(fd, BLKDISCARD, BAD));
	CALL("BLKZEROOUT bad", ioctl(fd, BLKZEROOUT, BAD));
	range("BLKDISCARD read-only descriptor", ro, BLKDISCARD, 0, 512);
	range("BLKZEROOUT read-only descriptor", ro, BLKZEROOUT, 0, 512);
	range("BLKSECDISCARD read-only descriptor", ro, BLKSECDISCARD, 0, 512);
	CALL("BLKFLSBUF", ioctl(fd, BLKFLSBUF, 0));
	CALL("BLKFLSBUF read-only descriptor", ioctl(ro, BLKFLSBUF, 0));
	close(ro);
}

static void blkpg(const char *name, int fd, int op, int pno, long long start, long long length)
{
	struct blkpg_partition p = { .start = start, .length = length, .pno = pno };
	struct blkpg_ioctl_arg a = { .op = op, .datalen = sizeof(p), .data = &p };

	CALL(name, ioctl(fd, BLKPG, &a));
}

static void partitions(int fd)
{
	struct blkpg_ioctl_arg null = { .op = BLKPG_ADD_PARTITION, .datalen = 0, .data = NULL };
	int part;

	blkpg("add", fd, BLKPG_ADD_PARTITION, 1, 1 << 20, 1 << 20);
	blkpg("add again", fd, BLKPG_ADD_PARTITION, 1, 4 << 20, 1 << 20);
	blkpg("add overlapping", fd, BLKPG_ADD_PARTITION, 2, (1 << 20) + 4096, 1 << 20);
	blkpg("add number 0", fd, BLKPG_ADD_PARTITION, 0, 4 << 20, 1 << 20);
	blkpg("add not aligned", fd, BLKPG_ADD_PARTITION, 2, (4 << 20) + 1, 1 << 20);
	blkpg("add empty", fd, BLKPG_ADD_PARTITION, 2, 4 << 20, 0);
	blkpg("add negative", fd, BLKPG_ADD_PARTITION, 2, -512, 1 << 20);
	blkpg("add beyond", fd, BLKPG_ADD_PARTITION, 2, SIZE, 1 << 20);
	blkpg("unknown operation", fd, 9, 1, 0, 0);
	CALL("BLKPG bad", ioctl(fd, BLKPG, BAD));
	CALL("BLKPG null data", ioctl(fd, BLKPG, &null));
	part = OPEN("open the partition", open(partition, O_RDWR | O_CLOEXEC));
	get("size of the partition", part, BLKGETSIZE64, 8);
	CALL("write over its end", pwrite(part, "xy", 2, (1 << 20) - 1));
	CALL("write at its end", pwrite(part, "x", 1, 1 << 20));
	CALL("BLKRRPART of a partition", ioctl(part, BLKRRPART, 0));
	blkpg("add within a partition", part, BLKPG_ADD_PARTITION, 2, 0, 4096);
	blkpg("delete while open", fd, BLKPG_DEL_PARTITION, 1, 0, 0);
	close(part);
	blkpg("resize", fd, BLKPG_RESIZE_PARTITION, 1, 1 << 20, 2 << 20);
	blkpg("resize moves", fd, BLKPG_RESIZE_PARTITION, 1, 2 << 20, 2 << 20);
	blkpg("resize of none", fd, BLKPG_RESIZE_PARTITION, 3, 1 << 20, 2 << 20);
	blkpg("delete", fd, BLKPG_DEL_PARTITION, 1, 0, 0);
	blkpg("delete again", fd, BLKPG_DEL_PARTITION, 1, 0, 0);
	CALL("open a deleted partition", open(partition, O_RDWR | O_CLOEXEC));
	CALL("BLKRRPART without scanning", ioctl(fd, BLKRRPART, 0));
}

static struct loop_info64 info(const char *name, int fd)
{
	struct loop_info64 i = { 0 };

	CALL(name, ioctl(fd, LOOP_GET_STATUS64, &i));
	return i;
}

static void loop_basics(void)
{
	int file = file_make("m/disk", SIZE), other = file_make("m/other", SIZE),
	    small = file_make("m/small", 4096);
	int fd = OPEN("open a loop device", loop_take(O_RDWR)), ro;
	struct loop_info64 i;

	get("size of an empty one", fd, BLKGETSIZE64, 8);
	info("status of an empty one", fd);
	CALL("clear an empty one", ioctl(fd, LOOP_CLR_FD, 0));
	CALL("change an empty one", ioctl(fd, LOOP_CHANGE_FD, file));
	CALL("capacity of an empty one", ioctl(fd, LOOP_SET_CAPACITY, 0));
	CALL("block size of an empty one", ioctl(fd, LOOP_SET_BLOCK_SIZE, 4096));
	CALL("set a bad descriptor", ioctl(fd, LOOP_SET_FD, -1));
	CALL("set itself", ioctl(fd, LOOP_SET_FD, fd));
	CALL("set a directory", ioctl(fd, LOOP_SET_FD, open(".", O_RDONLY | O_CLOEXEC)));
	CALL("set", ioctl(fd, LOOP_SET_FD, file));
	CALL("set again", ioctl(fd, LOOP_SET_FD, file));
	i = info("status", fd);
	VALUE("offset", i.lo_offset);
	VALUE("sizelimit", i.lo_sizelimit);
	VALUE("flags", i.lo_flags);
	TRUE("number", i.lo_number == (unsigned)atoi(device + 9));
	sizes(fd);
	read_ahead(fd);
	block_size(fd);
	read_only(fd);
	ranges(fd);
	partitions(fd);

	i.lo_offset = 4096;
	i.lo_sizelimit = 1 << 20;
	CALL("set status", ioctl(fd, LOOP_SET_STATUS64, &i));
	get("size after", fd, BLKGETSIZE64, 8);
	i.lo_offset = 0;
	i.lo_sizelimit = 0;
	i.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
	CALL("set flags", ioctl(fd, LOOP_SET_STATUS64, &i));
	VALUE("flags after", info("status after", fd).lo_flags);
	i.lo_flags = 0;
	CALL("autoclear off", ioctl(fd, LOOP_SET_STATUS64, &i));
	i.lo_encrypt_type = 18;
	CALL("encryption", ioctl(fd, LOOP_SET_STATUS64, &i));
	CALL("block size 4096", ioctl(fd, LOOP_SET_BLOCK_SIZE, 4096));
	get("logical block after", fd, BLKSSZGET, 4);
	CALL("block size 300", ioctl(fd, LOOP_SET_BLOCK_SIZE, 300));
	CALL("block size 512", ioctl(fd, LOOP_SET_BLOCK_SIZE, 512));
	CALL("change of a writable one", ioctl(fd, LOOP_CHANGE_FD, other));
	if (ftruncate(file, SIZE * 2))
		printf("ftruncate\n");
	CALL("capacity", ioctl(fd, LOOP_SET_CAPACITY, 0));
	get("size after growing", fd, BLKGETSIZE64, 8);
	CALL("clear", ioctl(fd, LOOP_CLR_FD, 0));
	close(fd);

	fd = OPEN("open read-only", loop_take(O_RDONLY));
	CALL("set through a read-only descriptor", ioctl(fd, LOOP_SET_FD, other));
	VALUE("flags of a read-only one", info("its status", fd).lo_flags);
	get("BLKROGET of it", fd, BLKROGET, 4);
	CALL("open it to write", open(device, O_RDWR | O_CLOEXEC));
	CALL("change it", ioctl(fd, LOOP_CHANGE_FD, file));
	CALL("change it to a smaller one", ioctl(fd, LOOP_CHANGE_FD, small));
	CALL("clear it", ioctl(fd, LOOP_CLR_FD, 0));
	close(fd);

	fd = loop_take(O_RDWR);
	ro = open("m/disk", O_RDONLY | O_CLOEXEC);
	CALL("set a read-only file", ioctl(fd, LOOP_SET_FD, ro));
	VALUE("flags over a read-only file", info("its status", fd).lo_flags);
	CALL("clear that", ioctl(fd, LOOP_CLR_FD, 0));
	close(ro);
	close(fd);
	close(small);
	close(other);
	close(file);
}

static long configure(const char *name, int fd, int file, unsigned block, unsigned flags)
{
	struct loop_config c = { .fd = (unsigned)file, .block_size = block };

	c.info.lo_flags = flags;
	return CALL(name, ioctl(fd, LOOP_CONFIGURE, &c));
}

static void loop_configure(void)
{
	static const unsigned char entry[16] = {0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0};
	int file = file_make("m/table", SIZE), fd = loop_take(O_RDWR);
	struct loop_config reserved = { .fd = (unsigned)file, .__reserved = { 1 } };
	struct loop_info64 i;

	if (pwrite(file, entry, 16, 446) != 16 || pwrite(file, "\x55\xaa", 2, 510) != 2)
		printf("pwrite\n");
	configure("a block size of 300", fd, file, 300, 0);
	configure("a block size of 8192", fd, file, 8192, 0);
	configure("an unknown flag", fd, file, 0, 1u << 20);
	CALL("reserved fields", ioctl(fd, LOOP_CONFIGURE, &reserved));
	CALL("clear", ioctl(fd, LOOP_CLR_FD, 0));
	CALL("a bad address", ioctl(fd, LOOP_CONFIGURE, BAD));
	configure("a bad descriptor", fd, -1, 0, 0);
	configure("with partitions", fd, file, 4096, LO_FLAGS_PARTSCAN | LO_FLAGS_AUTOCLEAR);
	VALUE("flags", info("status", fd).lo_flags);
	get("logical block", fd, BLKSSZGET, 4);
	CALL("block size 512", ioctl(fd, LOOP_SET_BLOCK_SIZE, 512));
	CALL("BLKRRPART", ioctl(fd, BLKRRPART, 0));
	get("size of the partition", open(partition, O_RDONLY | O_CLOEXEC), BLKGETSIZE64, 8);
	CALL("BLKRRPART while the partition is open", ioctl(fd, BLKRRPART, 0));
	CALL("clear while in use", ioctl(fd, LOOP_CLR_FD, 0));
	i = info("status after", fd);
	TRUE("it clears itself", i.lo_flags & LO_FLAGS_AUTOCLEAR);
	close(fd);
	close(file);
}

static void autoclear(void)
{
	int file = file_make("m/auto", SIZE), fd = loop_take(O_RDWR);

	configure("autoclear", fd, file, 0, LO_FLAGS_AUTOCLEAR);
	close(fd);
	fd = OPEN("open it again", open(device, O_RDWR | O_CLOEXEC));
	info("it is empty", fd);
	close(fd);
	close(file);
}

static void control(void)
{
	int fd = OPEN("loop-control", open("/dev/loop-control", O_RDWR | O_CLOEXEC)), dev, file;

	CALL("unknown", ioctl(fd, 0x4cff, 0));
	CALL("add 77", ioctl(fd, LOOP_CTL_ADD, 77));
	CALL("add 77 again", ioctl(fd, LOOP_CTL_ADD, 77));
	dev = OPEN("open 77", open("/dev/loop77", O_RDWR | O_CLOEXEC));
	CALL("remove while open", ioctl(fd, LOOP_CTL_REMOVE, 77));
	file = file_make("m/seven", SIZE);
	CALL("set", ioctl(dev, LOOP_SET_FD, file));
	CALL("remove while set", ioctl(fd, LOOP_CTL_REMOVE, 77));
	CALL("clear", ioctl(dev, LOOP_CLR_FD, 0));
	close(dev);
	close(file);
	CALL("remove", ioctl(fd, LOOP_CTL_REMOVE, 77));
	CALL("remove again", ioctl(fd, LOOP_CTL_REMOVE, 77));
	CALL("remove a negative one", ioctl(fd, LOOP_CTL_REMOVE, -5));
	close(fd);
}

/* Swap areas with the header that mkswap writes. */
static void header(int fd, unsigned last)
{
	unsigned head[3] = { 1, last, 0 };

	if (pwrite(fd, head, sizeof(head), 1024) != sizeof(head) ||
	    pwrite(fd, "SWAPSPACE2", 10, getpagesize() - 10) != 10)
		printf("pwrite\n");
}

static void swap(void)
{
	int file = file_make("m/swap", SIZE), fd = loop_take(O_RDWR),
	    ordinary = file_make("m/plain", SIZE);
	unsigned pages = SIZE / (unsigned)getpagesize();

	CALL("set", ioctl(fd, LOOP_SET_FD, file));
	CALL("swapon without a header", swapon(device, 0));
	header(fd, 0);
	CALL("swapon of no pages", swapon(device, 0));
	header(fd, pages + 5);
	CALL("swapon larger than the device", swapon(device, 0));
	header(fd, pages - 1);
	CALL("swapon unknown flags", swapon(device, 0x1000000));
	CALL("swapon nothing", swapon("m/nothing", 0));
	CALL("swapon bad address", swapon(BAD, 0));
	CALL("swapon a directory", swapon("m", 0));
	CALL("swapon /dev/null", swapon("/dev/null", 0));
	header(ordinary, pages - 1);
	CALL("swapon a file of tmpfs", swapon("m/plain", 0));
	CALL("swapoff what is not on", swapoff(device));
	CALL("swapoff nothing", swapoff("m/nothing"));
	CALL("swapoff bad address", swapoff(BAD));
	close(fd);
	CALL("swapon", swapon(device, SWAP_FLAG_PREFER | 5));
	CALL("swapon again", swapon(device, 0));
	CALL("exclusive open", open(device, O_RDWR | O_EXCL | O_CLOEXEC));
	CALL("swapoff", swapoff(device));
	CALL("swapoff again", swapoff(device));
	fd = OPEN("exclusive open after", open(device, O_RDWR | O_EXCL | O_CLOEXEC));
	CALL("clear", ioctl(fd, LOOP_CLR_FD, 0));
	close(fd);
	if (!fork()) {
		if (setuid(1000))
			_exit(1);
		CALL("swapon as nobody", swapon(device, 0));
		CALL("swapoff as nobody", swapoff(device));
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	mkdir("m", 0700);
	CALL("a place", mount("none", "m", "tmpfs", 0, NULL));
	loop_basics();
	loop_configure();
	autoclear();
	control();
	swap();
	return 0;
}
