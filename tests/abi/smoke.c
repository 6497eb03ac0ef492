/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest program of the ring: that one runs at all, with arguments, environment and errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct utsname u;

	printf("argc: %d\n", argc);
	printf("argv0: %s\n", argv[0]);
	printf("home: %s\n", getenv("HOME"));
	printf("page size: %lu\n", getauxval(AT_PAGESZ));
	uname(&u);
	printf("sysname: %s\n", u.sysname);
	errno = 0;
	printf("open missing: %d", open("/no/such/file", O_RDONLY));
	printf(" errno %d\n", errno);
	errno = 0;
	printf("close -1: %d", close(-1));
	printf(" errno %d\n", errno);
	printf("session leader: %d\n", getsid(0) == getpgrp());
	printf("directory: %s\n", getcwd((char[64]){0}, 64));
	return 7;
}
