/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX access lists: their attribute form, what they permit, chmod, inheritance; acl(5).  On
 * tmpfs. */
#include "fs.h"
#include <stdint.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

/* "u::rwx,u:1000:r--,m::r-x" into the attribute's form; returns its size. */
static size_t acl_make(const char *text, unsigned char *out)
{
	unsigned char *p = out;

	*(uint32_t *)p = 2;
	p += 4;
	while (*text) {
		char kind = *text, *end;
		uint32_t id = ~0u;
		uint16_t perm = 0, tag;

		text += 2;
		if (*text != ':') {
			id = strtoul(text, &end, 10);
			text = end;
		}
		text++;
		perm = (text[0] == 'r') * 4 | (text[1] == 'w') * 2 | (text[2] == 'x');
		text += 3;
		if (*text == ',')
			text++;
		switch (kind) {
		case 'u': tag = id == ~0u ? ACL_USER_OBJ : ACL_USER; break;
		case 'g': tag = id == ~0u ? ACL_GROUP_OBJ : ACL_GROUP; break;
		case 'm': tag = ACL_MASK; break;
		default: tag = ACL_OTHER; break;
		}
		*(uint16_t *)p = tag;
		*(uint16_t *)(p + 2) = perm;
		*(uint32_t *)(p + 4) = id;
		p += 8;
	}
	return p - out;
}

static int set(const char *file, const char *name, const char *text)
{
	unsigned char buf[1024];

	return setxattr(file, name, buf, acl_make(text, buf), 0);
}

/* The list as text, or the error. */
static const char *get(const char *file, const char *name)
{
	static char out[1024];
	unsigned char buf[1024];
	ssize_t n = getxattr(file, name, buf, sizeof(buf));
	char *o = out;

	if (n < 0)
		return ename(errno);
	for (unsigned char *p = buf + 4; p + 8 <= buf + n; p += 8) {
		uint16_t tag = *(uint16_t *)p, perm = *(uint16_t *)(p + 2);
		uint32_t id = *(uint32_t *)(p + 4);

		o += sprintf(o, "%s%c:", o == out ? "" : ",",
			     tag <= ACL_USER    ? 'u'
			     : tag <= ACL_GROUP ? 'g'
			     : tag == ACL_MASK  ? 'm'
						: 'o');
		if (tag == ACL_USER || tag == ACL_GROUP)
			o += sprintf(o, "%u", id);
		o += sprintf(o, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
			     perm & 1 ? 'x' : '-');
	}
	return out;
}

static unsigned mode_of(const char *file)
{
	struct stat st;

	return lstat(file, &st) ? 0 : st.st_mode & 07777;
}

static void forms(void)
{
	unsigned char buf[64];

	put_file("f", "text");
	chmod("f", 0640);
	S(get("f", ACCESS));
	T(set("f", ACCESS, "u::rw-,g::r--,o::---"));
	S(get("f", ACCESS));
	T(set("f", ACCESS, "u::rwx,u:1000:rw-,g::r--,m::rw-,o::--x"));
	S(get("f", ACCESS));
	printf("mode %o\n", mode_of("f"));
	T(getxattr("f", ACCESS, NULL, 0));
	T(getxattr("f", ACCESS, buf, 8));
	T(set("f", ACCESS, "u::rwx,u:1000:rw-,g::r--,o::---"));
	T(set("f", ACCESS, "u:1000:rw-,u::rwx,g::r--,m::rwx,o::---"));
	T(set("f", ACCESS, "u::rwx,g::r--"));
	T(set("f", ACCESS, "u::rwx,u::rwx,g::r--,o::---"));
	T(set("f", ACCESS, "u::rwx,g::r--,m::rwx,m::rwx,o::---"));
	S(get("f", ACCESS));
	memset(buf, 0, sizeof(buf));
	T(setxattr("f", ACCESS, buf, 12, 0));
	buf[0] = 2;
	T(setxattr("f", ACCESS, buf, 3, 0));
	T(setxattr("f", ACCESS, buf, 7, 0));
	T(setxattr("f", ACCESS, buf, 12, 0));
	T(set("f", DEFAULT, "u::rwx,g::r--,o::---"));
	S(get("f", DEFAULT));
	T(listxattr("f", NULL, 0));
	T(setxattr("f", ACCESS, buf, 4, 0));
	S(get("f", ACCESS));
	T(listxattr("f", NULL, 0));
	T(removexattr("f", ACCESS));
	T(removexattr("f", DEFAULT));
	symlink("f", "l");
	T(lsetxattr("l", ACCESS, buf, 4, 0));
	T(lgetxattr("l", ACCESS, buf, sizeof(buf)));
}

static void permissions(void)
{
	put_file("p", "text");
	chown("p", 500, 500);
	set("p", ACCESS, "u::r--,u:1000:rw-,u:1001:---,g::rw-,g:1002:r--,m::rw-,o::-w-");
	AS(500, T(access("p", R_OK)); T(access("p", W_OK)));
	AS(1000, T(access("p", R_OK | W_OK)); T(access("p", X_OK)));
	AS(1001, T(access("p", R_OK)); T(access("p", W_OK)));
	AS(1002, T(access("p", R_OK)); T(access("p", W_OK)));
	AS(1003, T(access("p", R_OK)); T(access("p", W_OK)));
	T(chmod("p", 0444));
	S(get("p", ACCESS));
	AS(1000, T(access("p", R_OK)); T(access("p", W_OK)));
	T(chmod("p", 0604));
	AS(1000, T(access("p", R_OK)); T(access("p", W_OK)));
	AS(1001, T(access("p", R_OK)));
	S(get("p", ACCESS));
	AS(1000, T(set("p", ACCESS, "u::rwx,g::rwx,o::rwx")));
	AS(500, T(set("p", ACCESS, "u::rwx,g::rwx,o::rwx")));
	printf("mode %o\n", mode_of("p"));
	S(get("p", ACCESS));
	/* A directory everybody may search but one. */
	mkdir("d", 0755);
	put_file("d/in", "text");
	set("d", ACCESS, "u::rwx,u:1000:rw-,g::r-x,m::rwx,o::r-x");
	AS(1000, T(access("d/in", R_OK)));
	AS(1001, T(access("d/in", R_OK)));
	printf("mode %o\n", mode_of("d"));
	/* Set-gid goes when a stranger to the group sets a list. */
	put_file("s", "text");
	chown("s", 500, 600);
	chmod("s", 02755);
	AS(500, T(set("s", ACCESS, "u::rwx,g::r-x,o::r-x")));
	printf("mode %o\n", mode_of("s"));
}

static void inheritance(void)
{
	umask(022);
	mkdir("i", 0777);
	T(set("i", DEFAULT, "u::rwx,u:1000:rwx,g::r-x,m::rwx,o::r-x"));
	S(get("i", DEFAULT));
	S(get("i", ACCESS));
	T(listxattr("i", NULL, 0));
	close(open("i/f", O_CREAT | O_WRONLY, 0666));
	printf("mode %o\n", mode_of("i/f"));
	S(get("i/f", ACCESS));
	S(get("i/f", DEFAULT));
	T(mkdir("i/d", 0750));
	printf("mode %o\n", mode_of("i/d"));
	S(get("i/d", ACCESS));
	S(get("i/d", DEFAULT));
	T(mkfifo("i/p", 0666));
	printf("mode %o\n", mode_of("i/p"));
	S(get("i/p", ACCESS));
	symlink("f", "i/l");
	T(lgetxattr("i/l", ACCESS, NULL, 0));
	T(set("i", DEFAULT, "u::rwx,g::---,o::---"));
	close(open("i/g", O_CREAT | O_WRONLY, 0666));
	printf("mode %o\n", mode_of("i/g"));
	S(get("i/g", ACCESS));
	T(removexattr("i", DEFAULT));
	S(get("i", DEFAULT));
	close(open("i/h", O_CREAT | O_WRONLY, 0666));
	printf("mode %o\n", mode_of("i/h"));
	int fd = open("i", O_TMPFILE | O_WRONLY, 0666);
	struct stat st;
	fstat(fd, &st);
	printf("mode %o\n", st.st_mode & 07777);
	close(fd);
}

int main(void)
{
	forms();
	permissions();
	inheritance();
	return 0;
}
