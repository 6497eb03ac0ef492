// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zero HOW DEVICE OFFSET BYTES: a range of a block device is made zero by the call that HOW names, after what the
 * page cache keeps of it was changed (so that stale or dirty pages would show).  For discard.exp: BusyBox has no
 * command for any of these calls.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int zero(const char *how, int fd, uint64_t offset, uint64_t bytes)
{
	uint64_t range[2] = { offset, bytes };

	if (!strcmp(how, "ioctl"))
		return ioctl(fd, BLKZEROOUT, range);
	if (!strcmp(how, "range"))
		return fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, bytes);
	if (!strcmp(how, "punch"))
		return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
	fprintf(stderr, "zero: no %s\n", how);
	exit(2);
}

int main(int argc, char **argv)
{
	uint64_t offset = argc == 5 ? strtoull(argv[3], NULL, 0) : 0;
	int fd = argc == 5 ? open(argv[2], O_RDWR) : -1;

	if (fd < 0 || pwrite(fd, "changed", 7, offset) != 7 || zero(argv[1], fd, offset, strtoull(argv[4], NULL, 0))) {
		perror("zero");
		return 1;
	}
	return 0;
}
