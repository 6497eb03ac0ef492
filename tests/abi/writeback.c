// SPDX-License-Identifier: GPL-2.0-or-later
/* Write-back and read-ahead calls, and the settings of /proc/sys/vm that govern them; swapon and
 * swapoff. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name, expr)                                                       \
	do {                                                                   \
		errno = 0;                                                     \
		long call_ = (long)(expr);                                     \
		if (call_ == -1)                                               \
			printf("%s: -1 errno %d\n", name, errno);              \
		else                                                           \
			printf("%s: %ld\n", name, call_);                      \
	} while (0)

static void setting(const char *name, const char *value)
{
	char path[100], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	if (value) {
		fd = open(path, O_WRONLY);
		long n = write(fd, value, strlen(value));

		printf("%s = %s: %s %d\n", name, value, n > 0 ? "taken" : "errno",
		       n > 0 ? 0 : errno);
		close(fd);
	}
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		snprintf(text, sizeof(text), "errno %d\n", errno);
	close(fd);
	printf("%s: %s", name, text);
}

static void settings(void)
{
	setting("dirty_ratio", NULL);
	setting("dirty_background_ratio", NULL);
	setting("dirty_bytes", NULL);
	setting("dirty_background_bytes", NULL);
	setting("dirty_expire_centisecs", NULL);
	setting("dirty_writeback_centisecs", NULL);
	setting("dirtytime_expire_seconds", NULL);
	setting("swappiness", NULL);
	setting("dirty_ratio", "101");
	setting("dirty_ratio", "40");
	setting("dirty_bytes", "4096");
	setting("dirty_bytes", "16777216");
	setting("dirty_ratio", NULL);
	setting("dirty_background_bytes", "0");
	setting("dirty_background_bytes", "8388608");
	setting("dirty_background_ratio", NULL);
	setting("dirty_background_ratio", "10");
	setting("dirty_background_bytes", NULL);
	setting("dirty_ratio", "20");
	setting("dirty_bytes", NULL);
	setting("dirty_expire_centisecs", "2000");
	setting("dirty_expire_centisecs", "3000");
	setting("dirty_writeback_centisecs", "0");
	setting("dirty_writeback_centisecs", "500");
	setting("swappiness", "201");
	setting("swappiness", "60");
}

int main(void)
{
	int p[2], fd = open("file", O_RDWR | O_CREAT, 0644), ro, wo, path, dir;
	char page[8192] = "x";

	if (fd < 0 || pipe(p))
		return 1;
	CALL("write", write(fd, page, sizeof(page)));
	ro = open("file", O_RDONLY);
	wo = open("file", O_WRONLY);
	path = open("file", O_PATH);
	dir = open(".", O_RDONLY);
	CALL("fsync", fsync(fd));
	CALL("fsync read-only", fsync(ro));
	CALL("fdatasync", fdatasync(fd));
	CALL("fsync of a directory", fsync(dir));
	CALL("fsync of a pipe", fsync(p[0]));
	CALL("fdatasync of a pipe", fdatasync(p[1]));
	CALL("fsync of a path", fsync(path));
	CALL("syncfs", syncfs(ro));
	CALL("syncfs of a path", syncfs(path));
	CALL("syncfs bad", syncfs(-1));
	CALL("sync", (sync(), 0));

	CALL("sync_file_range", sync_file_range(fd, 0, 0, 7));
	CALL("sync_file_range write", sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE));
	CALL("sync_file_range none", sync_file_range(fd, 0, 4096, 0));
	CALL("sync_file_range past the end", sync_file_range(fd, 1 << 20, 1 << 20, 7));
	CALL("sync_file_range negative", sync_file_range(fd, -1, 1, 2));
	CALL("sync_file_range negative length", sync_file_range(fd, 0, -1, 2));
	CALL("sync_file_range wraps", sync_file_range(fd, 0x7fffffffffffffffll, 2, 2));
	CALL("sync_file_range flags", sync_file_range(fd, 0, 1, 8));
	CALL("sync_file_range of a pipe", sync_file_range(p[0], 0, 1, 2));
	CALL("sync_file_range of a directory", sync_file_range(dir, 0, 1, 2));
	CALL("sync_file_range bad", sync_file_range(-1, 0, 1, 2));

	CALL("fadvise normal", posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
	CALL("fadvise random", posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	CALL("fadvise sequential", posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	CALL("fadvise willneed", posix_fadvise(fd, 0, 100000, POSIX_FADV_WILLNEED));
	CALL("fadvise dontneed", posix_fadvise(fd, 100, 5000, POSIX_FADV_DONTNEED));
	CALL("fadvise noreuse", posix_fadvise(fd, 0, 0, POSIX_FADV_NOREUSE));
	CALL("fadvise unknown", posix_fadvise(fd, 0, 0, 77));
	CALL("fadvise negative length", posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
	CALL("fadvise of a pipe", posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
	CALL("fadvise of a path", posix_fadvise(path, 0, 0, POSIX_FADV_NORMAL));
	CALL("fadvise bad", posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL));
	CALL("read after", pread(fd, page, 1, 0));

	CALL("readahead", readahead(fd, 0, 8192));
	CALL("readahead write-only", readahead(wo, 0, 8192));
	CALL("readahead of a pipe", readahead(p[0], 0, 8192));
	CALL("readahead of a directory", readahead(dir, 0, 8192));
	CALL("readahead bad", readahead(-1, 0, 8192));

	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	m[5000] = 'y';
	CALL("msync", msync(m, 8192, MS_SYNC));
	CALL("msync async", msync(m, 8192, MS_ASYNC));
	CALL("msync invalidate", msync(m, 8192, MS_INVALIDATE));
	CALL("read what was mapped", pread(fd, page, 1, 5000));
	printf("byte: %c\n", page[0]);

	CALL("swapon no file", swapon("none", 0));
	CALL("swapon flags", swapon("file", 0x100000));
	CALL("swapon a directory", swapon(".", 0));
	CALL("swapoff no file", swapoff("none"));
	CALL("swapoff unused", swapoff("file"));
	settings();
	return 0;
}
