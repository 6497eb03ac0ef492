/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening, reading, writing, positions, sizes. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/statfs.h>

static void open_flags(void)
{
	int fd = OPEN("create", open("a", O_CREAT | O_EXCL | O_RDWR, 0640));
	struct stat st;

	CALL("create again with O_EXCL", open("a", O_CREAT | O_EXCL | O_RDWR, 0640));
	fstat(fd, &st);
	VALUE("mode under umask 022", st.st_mode & 07777);
	CALL("write", write(fd, "hello world", 11));
	CALL("read past end", read(fd, (char[4]){ 0 }, 4));
	CALL("no such file", open("nope", O_RDONLY));
	CALL("directory for writing", open(".", O_WRONLY));
	CALL("O_DIRECTORY of a file", open("a", O_RDONLY | O_DIRECTORY));
	CALL("file as directory", open("a/b", O_RDONLY));
	CALL("trailing slash", open("a/", O_RDONLY));
	CALL("create with trailing slash", open("new/", O_CREAT | O_WRONLY, 0600));
	CALL("empty name", open("", O_RDONLY));
	symlink("a", "l");
	CALL("O_NOFOLLOW of a link", open("l", O_RDONLY | O_NOFOLLOW));
	int p = OPEN("O_PATH", open("a", O_PATH));
	CALL("read of O_PATH", read(p, (char[1]){ 0 }, 1));
	CALL("fstat of O_PATH", fstat(p, &st));
	CALL("fchmod of O_PATH", fchmod(p, 0600));
	close(p);
	int r = open("a", O_RDONLY), w = open("a", O_WRONLY);
	CALL("write to O_RDONLY", write(r, "x", 1));
	CALL("read from O_WRONLY", read(w, (char[1]){ 0 }, 1));
	close(r);
	close(w);
	w = OPEN("O_TRUNC", open("a", O_WRONLY | O_TRUNC));
	fstat(w, &st);
	VALUE("size after O_TRUNC", st.st_size);
	close(w);
	close(fd);
	fd = OPEN("O_TMPFILE", open(".", O_TMPFILE | O_RDWR, 0600));
	fstat(fd, &st);
	VALUE("links of O_TMPFILE", st.st_nlink);
	char name[64];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CALL("give it a name", linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	close(fd);
	CALL("it is there", access("named", F_OK));
	CALL("O_TMPFILE without write", open(".", O_TMPFILE | O_RDONLY, 0600));
	CALL("bad access mode is taken", close(open("a", 3)));
}

static void positions(void)
{
	int fd = open("p", O_CREAT | O_RDWR | O_TRUNC, 0600);
	char buf[32] = { 0 };

	write(fd, "0123456789", 10);
	CALL("lseek set", lseek(fd, 4, SEEK_SET));
	CALL("lseek cur", lseek(fd, 2, SEEK_CUR));
	CALL("lseek end", lseek(fd, -1, SEEK_END));
	CALL("lseek before start", lseek(fd, -1, SEEK_SET));
	CALL("lseek bad whence", lseek(fd, 0, 99));
	CALL("lseek beyond end", lseek(fd, 100, SEEK_SET));
	CALL("read beyond end", read(fd, buf, 1));
	CALL("pread", pread(fd, buf, 3, 5));
	TEXT("pread text", buf);
	CALL("pread negative", pread(fd, buf, 1, -1));
	CALL("position unmoved", lseek(fd, 0, SEEK_CUR));
	CALL("pwrite", pwrite(fd, "ABC", 3, 8));
	CALL("size", lseek(fd, 0, SEEK_END));
	struct iovec v[3] = { { "x", 1 }, { "yz", 2 }, { NULL, 0 } };
	CALL("writev", writev(fd, v, 3));
	CALL("writev none", writev(fd, v, 0));
	CALL("writev negative", writev(fd, v, -1));
	CALL("writev too many", writev(fd, v, 2000));
	v[0].iov_len = (size_t)-1;
	CALL("writev overlong", writev(fd, v, 2));
	lseek(fd, 0, SEEK_SET);
	struct iovec in[2] = { { buf, 5 }, { buf + 10, 5 } };
	CALL("readv", readv(fd, in, 2));
	CALL("preadv", preadv(fd, in, 2, 9));
	int ap = open("p", O_WRONLY | O_APPEND);
	lseek(ap, 0, SEEK_SET);
	CALL("append", write(ap, "!", 1));
	CALL("append went to the end", lseek(ap, 0, SEEK_CUR));
	CALL("pwrite with O_APPEND", pwrite(ap, "?", 1, 0));
	CALL("went to the end too", lseek(ap, 0, SEEK_END));
	close(ap);
	close(fd);
}

static void sizes(void)
{
	int fd = open("s", O_CREAT | O_RDWR | O_TRUNC, 0600), ro = open("s", O_RDONLY);
	struct stat st;

	CALL("ftruncate up", ftruncate(fd, 100000));
	fstat(fd, &st);
	VALUE("size", st.st_size);
	VALUE("blocks of a hole", st.st_blocks);
	CALL("ftruncate of O_RDONLY", ftruncate(ro, 1));
	CALL("ftruncate negative", ftruncate(fd, -1));
	CALL("truncate by name", truncate("s", 5000));
	CALL("truncate of nothing", truncate("nope", 0));
	CALL("truncate of a directory", truncate(".", 0));
	pwrite(fd, "d", 1, 8192);
	CALL("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
	CALL("SEEK_HOLE", lseek(fd, 8192, SEEK_HOLE));
	CALL("SEEK_DATA at end", lseek(fd, 9000, SEEK_DATA));
	CALL("fallocate", fallocate(fd, 0, 0, 20000));
	CALL("fallocate keep size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 50000));
	fstat(fd, &st);
	VALUE("size after", st.st_size);
	CALL("punch hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 4096));
	char c = 'x';
	pread(fd, &c, 1, 8192);
	VALUE("byte in the hole", c);
	CALL("punch without keep", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	CALL("fallocate nothing", fallocate(fd, 0, 0, 0));
	CALL("fallocate of O_RDONLY", fallocate(ro, 0, 0, 10));
	close(ro);
	close(fd);
}

static void copies(void)
{
	int in = open("in", O_CREAT | O_RDWR | O_TRUNC, 0600),
	    out = open("out", O_CREAT | O_RDWR | O_TRUNC, 0600), p[2];
	off_t off = 2;
	loff_t a = 0, b = 0;

	write(in, "abcdefghij", 10);
	CALL("sendfile with offset", sendfile(out, in, &off, 5));
	VALUE("offset moved", off);
	CALL("position of in unmoved", lseek(in, 0, SEEK_CUR));
	CALL("sendfile at end", sendfile(out, in, NULL, 5));
	CALL("copy_file_range", copy_file_range(in, &a, out, &b, 4, 0));
	CALL("copy_file_range flags", copy_file_range(in, &a, out, &b, 4, 1));
	CALL("copy_file_range overlap",
	     copy_file_range(in, (loff_t[]){0}, in, (loff_t[]){1}, 5, 0));
	pipe(p);
	CALL("sendfile from a pipe", sendfile(out, p[0], NULL, 1));
	CALL("copy_file_range of a pipe", copy_file_range(p[0], NULL, out, NULL, 1, 0));
	int ap = open("out", O_WRONLY | O_APPEND);
	CALL("sendfile to O_APPEND", sendfile(ap, in, (off_t[]){ 0 }, 1));
	CALL("sendfile into a pipe", sendfile(p[1], in, (off_t[]){ 0 }, 3));
	close(ap);
	close(in);
	close(out);
}

static void descriptors(void)
{
	int fd = open("a", O_RDONLY), d;

	CALL("close bad", close(999));
	CALL("dup bad", dup(999));
	d = dup(fd);
	VALUE("dup gives the lowest", d == fd + 1);
	CALL("dup2 to itself", dup2(fd, fd) == fd);
	CALL("dup3 to itself", dup3(fd, fd, 0));
	CALL("dup3 flags", dup3(fd, 50, 12345));
	CALL("dup3", dup3(fd, 50, O_CLOEXEC));
	CALL("F_GETFD", fcntl(50, F_GETFD));
	CALL("F_SETFD", fcntl(50, F_SETFD, 0));
	CALL("F_GETFD after", fcntl(50, F_GETFD));
	CALL("F_DUPFD", fcntl(fd, F_DUPFD, 60));
	CALL("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 70));
	CALL("F_DUPFD too high", fcntl(fd, F_DUPFD, 1 << 20));
	CALL("F_GETFL", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	CALL("F_SETFL", fcntl(fd, F_SETFL, O_NONBLOCK | O_WRONLY));
	CALL("F_GETFL after", fcntl(fd, F_GETFL) & ~0100000 & ~0400000);
	CALL("fcntl unknown", fcntl(fd, 9999, 0));
	CALL("close_range", syscall(SYS_close_range, 50, 80, 0));
	CALL("closed", fcntl(60, F_GETFD));
	CALL("close_range backwards", syscall(SYS_close_range, 80, 50, 0));
	CALL("close_range flags", syscall(SYS_close_range, 50, 80, 99));
}

int main(void)
{
	umask(022);
	open_flags();
	positions();
	sizes();
	copies();
	descriptors();
	return 0;
}
