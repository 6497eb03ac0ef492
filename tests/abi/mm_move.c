/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mremap, madvise, mincore, msync, mlock. */
#include "mm.h"

static void remap(void)
{
	char *p = hole(32), *q;

	mmap(p, 4 * PG, RW, ANON | MAP_FIXED, -1, 0);
	for (int i = 0; i < 4; i++)
		p[i * PG] = (char)(i + 1);
	CALL("bad flags", mremap(p, PG, PG, 0x80));
	CALL("fixed without maymove", mremap(p, PG, PG, MREMAP_FIXED, p + 10 * PG));
	CALL("unaligned", mremap(p + 1, PG, PG, 0));
	CALL("new length 0", mremap(p, PG, 0, 0));
	CALL("nothing there", mremap(p + 20 * PG, PG, 2 * PG, 0));
	CALL("old too long", mremap(p, 8 * PG, 16 * PG, MREMAP_MAYMOVE));
	CALL("old length 0 of private", mremap(p, 0, PG, MREMAP_MAYMOVE));
	q = mremap(p, 4 * PG, 8 * PG, 0);
	SHOW("grows in place", q == p);
	maps("grown", p, p + 32 * PG);
	q = mremap(p, 8 * PG, 3 * PG, 0);
	SHOW("shrinks", q == p);
	maps("shrunk", p, p + 32 * PG);
	mmap(p + 3 * PG, PG, PROT_READ, ANON | MAP_FIXED, -1, 0);
	CALL("no room", mremap(p, 3 * PG, 6 * PG, 0));
	q = mremap(p, 3 * PG, 6 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 16 * PG);
	SHOW("moved", q == p + 16 * PG);
	maps("after move", p, p + 32 * PG);
	printf("content: %d %d %d %d\n", q[0], q[PG], q[2 * PG], q[3 * PG]);
	CALL("overlap", mremap(q, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, q + PG));
	CALL("middle", mremap(q + PG, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED, p));
	printf("middle moved: %d\n", p[0]);
	maps("after middle", p, p + 32 * PG);
	CALL("dontunmap needs maymove", mremap(p, PG, PG, 4));
	CALL("dontunmap needs equal lengths", mremap(p, PG, 2 * PG, 4 | MREMAP_MAYMOVE));
	q = mremap(p, PG, PG, 4 | MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PG);
	printf("dontunmap: %d old %d new %d\n", q == p + 8 * PG, p[0], q[0]);

	int fd = open("m", O_RDWR | O_CREAT | O_TRUNC, 0600);

	ftruncate(fd, 8 * PG);
	q = mmap(NULL, 8 * PG, RW, MAP_SHARED, fd, 0);
	q[PG] = 33;
	p = mremap(q + PG, 0, 2 * PG, MREMAP_MAYMOVE);
	SHOW("copy of a shared mapping", p != MAP_FAILED && p[0] == 33);
	p[PG] = 44;
	SHOW("is shared", q[2 * PG]);
	close(fd);
}

static void advice(void)
{
	char *p = mmap(NULL, 8 * PG, RW, ANON, -1, 0), *q;
	unsigned char vec[8];
	int fd = open("a", O_RDWR | O_CREAT | O_TRUNC, 0600), st;

	memset(p, 1, 8 * PG);
	CALL("unaligned", madvise(p + 1, PG, MADV_NORMAL));
	CALL("length 0", madvise(p, 0, MADV_DONTNEED));
	CALL("unknown", madvise(p, PG, 77));
	CALL("normal", madvise(p, 8 * PG, MADV_NORMAL));
	CALL("random", madvise(p, PG, MADV_RANDOM));
	CALL("sequential", madvise(p, PG, MADV_SEQUENTIAL));
	CALL("normal again", madvise(p, PG, MADV_NORMAL));
	CALL("willneed", madvise(p, PG, MADV_WILLNEED));
	CALL("dontneed", madvise(p + PG, PG, MADV_DONTNEED));
	printf("dontneed: %d %d %d\n", p[0], p[PG], p[2 * PG]);
	CALL("mincore", mincore(p, 8 * PG, vec));
	CALL("mincore unaligned", mincore(p + 1, PG, vec));
	CALL("mincore bad vector", mincore(p, PG, (void *)8));
	CALL("free", madvise(p, PG, MADV_FREE));
	CALL("cold", madvise(p + 2 * PG, PG, MADV_COLD));
	printf("cold keeps: %d\n", p[2 * PG]);
	CALL("populate write", madvise(p, 2 * PG, 23));
	CALL("populate read", madvise(p, 2 * PG, 22));
	munmap(p + 4 * PG, PG);
	CALL("dontneed over a hole", madvise(p + 3 * PG, 3 * PG, MADV_DONTNEED));
	printf("beyond the hole: %d\n", p[5 * PG]);
	CALL("mincore over a hole", mincore(p, 8 * PG, vec));
	CALL("populate over a hole", madvise(p + 3 * PG, 3 * PG, 22));
	mprotect(p, PG, PROT_READ);
	CALL("populate write of read-only", madvise(p, PG, 23));
	CALL("remove of anonymous", madvise(p, PG, MADV_REMOVE));

	p[PG] = 5;
	p[2 * PG] = 6;
	CALL("dontfork", madvise(p + 2 * PG, PG, MADV_DONTFORK));
	CALL("wipeonfork", madvise(p + PG, PG, MADV_WIPEONFORK));
	fflush(stdout);
	if (!fork()) {
		faults_catch();
		printf("wiped: %d\n", p[PG]);
		probe("not forked", p + 2 * PG, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
	printf("parent keeps: %d %d\n", p[PG], p[2 * PG]);
	CALL("dofork", madvise(p + 2 * PG, PG, MADV_DOFORK));
	CALL("keeponfork", madvise(p + PG, PG, MADV_KEEPONFORK));

	ftruncate(fd, 4 * PG);
	q = mmap(NULL, 4 * PG, RW, MAP_SHARED, fd, 0);
	memset(q, 7, 4 * PG);
	CALL("wipeonfork of a file", madvise(q, PG, MADV_WIPEONFORK));
	CALL("free of a file", madvise(q, PG, MADV_FREE));
	CALL("dontneed of a file", madvise(q, PG, MADV_DONTNEED));
	printf("file keeps: %d\n", q[0]);
	CALL("remove", madvise(q + PG, PG, MADV_REMOVE));
	printf("removed: %d %d %d\n", q[0], q[PG], q[2 * PG]);
	p = mmap(NULL, 4 * PG, RW, MAP_PRIVATE, fd, 0);
	p[0] = 1;
	CALL("dontneed of a private file", madvise(p, PG, MADV_DONTNEED));
	printf("private copy dropped: %d\n", p[0]);
	close(fd);
}

static void syncs(void)
{
	int fd = open("s", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *p, b = 0;

	ftruncate(fd, 2 * PG);
	p = mmap(NULL, 2 * PG, RW, MAP_SHARED, fd, 0);
	p[5] = 42;
	CALL("msync", msync(p, 2 * PG, MS_SYNC));
	CALL("msync async", msync(p, PG, MS_ASYNC));
	CALL("msync both", msync(p, PG, MS_ASYNC | MS_SYNC));
	CALL("msync bad", msync(p, PG, 0x100));
	CALL("msync unaligned", msync(p + 1, PG, MS_SYNC));
	CALL("msync nothing", msync(hole(1), PG, MS_SYNC));
	pread(fd, &b, 1, 5);
	SHOW("seen by read", b);
	pwrite(fd, "x", 1, 6);
	SHOW("write seen", p[6]);
	close(fd);
	SHOW("after close", p[5]);
}

static void locks(void)
{
	struct rlimit l = {64 * PG, 64 * PG};
	char *p = mmap(NULL, 128 * PG, RW, ANON, -1, 0);

	SHOW("locked before", vm_kb("VmLck:"));
	CALL("mlock", mlock(p, 8 * PG));
	SHOW("locked", vm_kb("VmLck:"));
	CALL("mlock part again", mlock(p + 4 * PG, 8 * PG));
	SHOW("locked", vm_kb("VmLck:"));
	CALL("dontneed of locked", madvise(p, PG, MADV_DONTNEED));
	CALL("munlock", munlock(p, 2 * PG));
	SHOW("locked", vm_kb("VmLck:"));
	CALL("mlock nothing", mlock(hole(1), PG));
	CALL("mlock2 onfault", syscall(SYS_mlock2, p + 20 * PG, PG, 1));
	CALL("mlock2 bad", syscall(SYS_mlock2, p, PG, 2));
	CALL("munlockall", munlockall());
	SHOW("locked", vm_kb("VmLck:"));
	CALL("mlockall bad", mlockall(8));
	CALL("mlockall 0", mlockall(0));
	CALL("mlockall onfault alone", mlockall(4));
	setrlimit(RLIMIT_MEMLOCK, &l);
	setuid(1000);
	CALL("mlock within limit", mlock(p, 64 * PG));
	CALL("mlock beyond limit", mlock(p + 64 * PG, PG));
	CALL("mlock again", mlock(p, 10 * PG));
	CALL("map locked beyond limit", mmap(NULL, PG, RW, ANON | MAP_LOCKED, -1, 0));
	CALL("mlockall beyond limit", mlockall(MCL_CURRENT));
	munlock(p, 64 * PG);
	l.rlim_cur = l.rlim_max = 0;
	setrlimit(RLIMIT_MEMLOCK, &l);
	CALL("mlock not permitted", mlock(p, PG));
	CALL("mlockall not permitted", mlockall(MCL_CURRENT));
	CALL("map locked not permitted", mmap(NULL, PG, RW, ANON | MAP_LOCKED, -1, 0));
}

int main(void)
{
	remap();
	advice();
	syncs();
	locks();
	return 0;
}
