/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmap, munmap, mprotect, brk: errors, placement, splitting and merging, faults. */
#include "mm.h"

static void errors(void)
{
	int ro = open("/abi/mm_map", O_RDONLY), wo, dir = open("/", O_RDONLY);
	char *p = hole(4);

	wo = open("w", O_WRONLY | O_CREAT, 0600);
	CALL("length 0", mmap(NULL, 0, PROT_READ, ANON, -1, 0));
	CALL("length huge", mmap(NULL, ~0ul - PG, PROT_READ, ANON, -1, 0));
	CALL("length wraps", mmap(NULL, ~0ul, PROT_READ, ANON, -1, 0));
	CALL("length of user space", mmap(NULL, 1ul << 56, PROT_NONE, ANON, -1, 0));
	CALL("no type", mmap(NULL, PG, PROT_READ, MAP_ANONYMOUS, -1, 0));
	CALL("bad fd", mmap(NULL, PG, PROT_READ, MAP_PRIVATE, 999, 0));
	CALL("bad offset", mmap(NULL, PG, PROT_READ, MAP_PRIVATE, ro, 1));
	CALL("fixed unaligned", mmap(p + 1, PG, PROT_READ, ANON | MAP_FIXED, -1, 0));
	CALL("fixed at 0", mmap(NULL, PG, PROT_READ, ANON | MAP_FIXED, -1, 0));
	CALL("fixed beyond", mmap((void *)(0ul - 64 * PG), PG, PROT_READ, ANON | MAP_FIXED, -1, 0));
	CALL("shared write of read-only fd", mmap(NULL, PG, RW, MAP_SHARED, ro, 0));
	CALL("private write of read-only fd", mmap(NULL, PG, RW, MAP_PRIVATE, ro, 0));
	CALL("read of write-only fd", mmap(NULL, PG, PROT_READ, MAP_PRIVATE, wo, 0));
	CALL("directory", mmap(NULL, PG, PROT_READ, MAP_PRIVATE, dir, 0));
	CALL("validate anonymous", mmap(NULL, PG, PROT_READ, 0x03 | MAP_ANONYMOUS, -1, 0));
	CALL("validate file", mmap(NULL, PG, PROT_READ, 0x03, ro, 0));
	CALL("sync", mmap(NULL, PG, PROT_READ, 0x03 | 0x80000, ro, 0));
	CALL("shared growsdown",
	     mmap(NULL, PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
	CALL("munmap unaligned", munmap(p + 1, PG));
	CALL("munmap 0", munmap(p, 0));
	CALL("munmap nothing", munmap(p, PG));
	CALL("munmap beyond", munmap((void *)(0ul - 64 * PG), PG));
	CALL("mprotect unaligned", mprotect(p + 1, PG, PROT_READ));
	CALL("mprotect 0", mprotect(p, 0, PROT_READ));
	CALL("mprotect nothing", mprotect(p, PG, PROT_READ));
	CALL("mprotect bad", mprotect(p, PG, 0x1000));
	CALL("mprotect both grows", mprotect(p, PG, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));

	char *q = mmap(NULL, PG, PROT_READ, MAP_SHARED, ro, 0);

	CALL("mprotect write on read-only shared", mprotect(q, PG, RW));
	close(ro);
	close(wo);
	close(dir);
}

static void placement(void)
{
	char *p = hole(8), *q;

	q = mmap(p, PG, RW, ANON, -1, 0);
	SHOW("hint taken", q == p);
	q = mmap(p, PG, RW, ANON, -1, 0);
	SHOW("hint busy goes elsewhere", q != p && q != MAP_FAILED);
	munmap(q, PG);
	q = mmap(p + 5, PG, RW, ANON, -1, 0);
	SHOW("hint unaligned busy", q != p);
	munmap(q, PG);
	q = mmap(p + PG + 5, PG, RW, ANON, -1, 0);
	SHOW("hint rounded", q == p + PG);
	CALL("noreplace busy", mmap(p, PG, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	q = mmap(p + 3 * PG, PG, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	SHOW("noreplace free", q == p + 3 * PG);
	CALL("noreplace overlap", mmap(p + 2 * PG, 4 * PG, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	munmap(p, 8 * PG);
}

static void shapes(void)
{
	char *p = hole(16);

	mmap(p, 16 * PG, RW, ANON | MAP_FIXED, -1, 0);
	memset(p, 1, 16 * PG);
	maps("one", p, p + 16 * PG);
	munmap(p + 4 * PG, 2 * PG);
	maps("hole", p, p + 16 * PG);
	mmap(p + 4 * PG, 2 * PG, RW, ANON | MAP_FIXED, -1, 0);
	maps("filled", p, p + 16 * PG);
	mprotect(p + 2 * PG, 3 * PG, PROT_READ);
	maps("read-only part", p, p + 16 * PG);
	mprotect(p + 3 * PG, PG, PROT_NONE);
	maps("none part", p, p + 16 * PG);
	mprotect(p, 16 * PG, RW);
	maps("whole again", p, p + 16 * PG);
	probe("kept", p + 3 * PG, 0);
	probe("new", p + 4 * PG, 0);
	munmap(p + 10 * PG, PG);
	CALL("mprotect over a hole", mprotect(p + 8 * PG, 4 * PG, PROT_READ));
	maps("up to the hole", p, p + 16 * PG);
	CALL("munmap over holes", munmap(p - PG, 18 * PG));
	maps("nothing", p, p + 16 * PG);
}

static void faults(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *p = mmap(NULL, 4 * PG, RW, ANON, -1, 0), *q;

	faults_catch();
	mprotect(p + PG, PG, PROT_READ);
	mprotect(p + 2 * PG, PG, PROT_NONE);
	munmap(p + 3 * PG, PG);
	probe("write", p, 5);
	probe("read of read-only", p + PG, 0);
	probe("write of read-only", p + PG, 5);
	probe("read of none", p + 2 * PG, 0);
	probe("read of nothing", p + 3 * PG, 0);
	write(fd, "hello", 5);
	q = mmap(NULL, 3 * PG, RW, MAP_SHARED, fd, 0);
	probe("file", q, 0);
	probe("tail of file", q + 100, 0);
	probe("beyond file", q + PG, 0);
	ftruncate(fd, 2 * PG);
	probe("grown file", q + PG, 7);
	q[100] = 9;
	ftruncate(fd, 50);
	ftruncate(fd, PG);
	probe("tail cleared", q + 100, 0);
	probe("cut off", q + PG, 0);
	munmap(q, 3 * PG);
	close(fd);
}

static void breaks(void)
{
	char *b = sbrk(0), *first;
	long syscall_brk = syscall(SYS_brk, 0);

	SHOW("sbrk is brk", (long)b == syscall_brk);
	b = (char *)(((long)b + PG - 1) & ~(PG - 1));
	syscall(SYS_brk, b);
	first = b;
	SHOW("grow", syscall(SYS_brk, b + 10 * PG) == (long)(b + 10 * PG));
	memset(b, 3, 10 * PG);
	SHOW("shrink", syscall(SYS_brk, b + 5 * PG) == (long)(b + 5 * PG));
	probe("gone", b + 5 * PG, 0);
	SHOW("grow again", syscall(SYS_brk, b + 6 * PG + 1) == (long)(b + 6 * PG + 1));
	probe("cleared", b + 5 * PG, 0);
	mmap(b + 8 * PG, PG, RW, ANON | MAP_FIXED, -1, 0);
	SHOW("blocked", syscall(SYS_brk, b + 20 * PG) == (long)(b + 6 * PG + 1));
	munmap(b + 2 * PG, PG);
	SHOW("with a hole inside", syscall(SYS_brk, b + PG) == (long)(b + PG));
	SHOW("below the start", syscall(SYS_brk, 4096) == (long)(b + PG));
	munmap(b + 8 * PG, PG);

	struct rlimit l = {1 << 20, RLIM_INFINITY};

	setrlimit(RLIMIT_DATA, &l);
	SHOW("limit", syscall(SYS_brk, first + (4 << 20)) == (long)(b + PG));
	CALL("limit of private mappings", mmap(NULL, 4 << 20, RW, ANON, -1, 0));
	CALL("read-only is no data", mmap(NULL, 4 << 20, PROT_READ, ANON, -1, 0));
	l.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_DATA, &l);
	l.rlim_cur = 64 << 20;
	setrlimit(RLIMIT_AS, &l);
	CALL("address space limit", mmap(NULL, 65 << 20, PROT_NONE, ANON, -1, 0));
	CALL("within it", mmap(NULL, 8 << 20, PROT_NONE, ANON, -1, 0));
}

static int deep(int n)
{
	volatile char frame[8192];

	frame[0] = (char)n;
	return n ? deep(n - 1) + frame[0] : 0;
}

static void stacks(void)
{
	int st;

	SHOW("deep stack", deep(500) != 0);
	if (!fork()) {
		struct rlimit l = {1 << 20, 1 << 20};

		signal(SIGSEGV, SIG_DFL);
		setrlimit(RLIMIT_STACK, &l);
		deep(1000);
		_exit(0);
	}
	wait(&st);
	SHOW("stack limit kills by", WIFSIGNALED(st) ? WTERMSIG(st) : 0);

	/* Half of what lies below the area stays free of it when something else is mapped there. */
	char *p = hole(1000);

	mmap(p + 600 * PG, 4 * PG, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	probe("growsdown grows", p + 599 * PG, 1);
	probe("growsdown grows far", p + 500 * PG, 1);
	mmap(p + 100 * PG, PG, PROT_READ, ANON | MAP_FIXED, -1, 0);
	probe("growsdown near another area", p + 380 * PG, 1);
	probe("growsdown too near", p + 300 * PG, 1);
	maps("growsdown", p, p + 1000 * PG);
}

int main(void)
{
	errors();
	placement();
	shapes();
	faults();
	breaks();
	stacks();
	return 0;
}
