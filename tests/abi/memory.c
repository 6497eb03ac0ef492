/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory: mappings and their errors, faults, remapping, advice, sharing, the stack, the break. */
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define P 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static volatile int fault_code, fault_signal;
static void *volatile fault_at;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	fault_signal = sig;
	fault_code = si->si_code;
	fault_at = si->si_addr;
	siglongjmp(back, 1);
}

/* Touch `p`: how does it fail? */
static void touch(const char *name, volatile char *p, int write)
{
	fault_signal = fault_code = 0;
	if (!sigsetjmp(back, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	if (fault_signal)
		printf("%s: signal %d code %d at %s\n", name, fault_signal, fault_code,
		       fault_at == p ? "it" : "another");
	else
		printf("%s: works\n", name);
	fflush(stdout);
}

static char *anon(size_t n)
{
	return mmap(NULL, n, RW, ANON, -1, 0);
}

static void errors(void)
{
	int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0600), ro = open("f", O_RDONLY),
	    wo = open("f", O_WRONLY), p[2];

	ftruncate(fd, 2 * P);
	pipe(p);
	OPEN("anonymous", mmap(NULL, P, RW, ANON, -1, 0));
	OPEN("length zero", mmap(NULL, 0, RW, ANON, -1, 0));
	OPEN("neither private nor shared", mmap(NULL, P, RW, MAP_ANONYMOUS, -1, 0));
	OPEN("bad descriptor", mmap(NULL, P, RW, MAP_PRIVATE, 999, 0));
	OPEN("a pipe", mmap(NULL, P, RW, MAP_PRIVATE, p[0], 0));
	OPEN("a directory", mmap(NULL, P, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0));
	OPEN("offset not a page", syscall(SYS_mmap, NULL, P, RW, MAP_PRIVATE, fd, 5));
	OPEN("write shared of read only", mmap(NULL, P, RW, MAP_SHARED, ro, 0));
	OPEN("write private of read only", mmap(NULL, P, RW, MAP_PRIVATE, ro, 0));
	OPEN("of write only", mmap(NULL, P, PROT_WRITE, MAP_SHARED, wo, 0));
	OPEN("too long", mmap(NULL, (size_t)-P, RW, ANON, -1, 0));
	OPEN("fixed not a page", mmap((void *)0x10001, P, RW, ANON | MAP_FIXED, -1, 0));
	OPEN("fixed too high", mmap((void *)-(P * 16L), P, RW, ANON | MAP_FIXED, -1, 0));
	OPEN("validate unknown flag", mmap(NULL, P, RW, MAP_SHARED_VALIDATE | (1 << 25), fd, 0));
	OPEN("shared ignores unknown flag", mmap(NULL, P, RW, MAP_SHARED | (1 << 25), fd, 0));
	char *m = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 0);
	CALL("mprotect write of read only", mprotect(m, P, RW));
	char *a = anon(4 * P);
	OPEN("NOREPLACE on something", mmap(a, P, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	munmap(a + P, P);
	TRUE("NOREPLACE in the hole",
	     mmap(a + P, P, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == a + P);
	CALL("munmap nothing", munmap(a, 0));
	CALL("munmap not a page", munmap(a + 1, P));
	CALL("munmap", munmap(a, 4 * P));
	CALL("munmap of a hole", munmap(a, 4 * P));
	CALL("mprotect of a hole", mprotect(a, P, PROT_READ));
	CALL("mprotect not a page", syscall(SYS_mprotect, m + 1, P, PROT_READ));
	CALL("mprotect zero", mprotect(m, 0, PROT_READ));
	CALL("mprotect bits", mprotect(m, P, 0x70000000));
	CALL("msync", msync(m, P, MS_SYNC));
	CALL("msync both", msync(m, P, MS_SYNC | MS_ASYNC));
	CALL("msync hole", msync(a, P, MS_SYNC));
	CALL("msync flags", msync(m, P, 0x80));
	TRUE("hint is kept", mmap(a, P, RW, ANON, -1, 0) == a);
}

static void faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	char *a = anon(4 * P);

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	munmap(a + P, P);
	mprotect(a + 2 * P, P, PROT_READ);
	mprotect(a + 3 * P, P, PROT_NONE);
	touch("write of writable", a, 1);
	touch("read of nothing", a + P, 0);
	touch("write of nothing", a + P + 5, 1);
	touch("read of read only", a + 2 * P, 0);
	touch("write of read only", a + 2 * P, 1);
	touch("read of none", a + 3 * P + 7, 0);
	touch("null", NULL, 0);
	mprotect(a + 2 * P, P, RW);
	touch("write after mprotect", a + 2 * P, 1);
	int fd = open("g", O_CREAT | O_RDWR | O_TRUNC, 0600);
	write(fd, "abc", 3);
	char *m = mmap(NULL, 3 * P, RW, MAP_SHARED, fd, 0);
	touch("in the file", m, 1);
	touch("in its last page", m + P - 1, 1);
	VALUE("beyond the end is zero", m[100]);
	touch("beyond the last page", m + P + 3, 0);
	touch("private beyond it", mmap(NULL, 3 * P, RW, MAP_PRIVATE, fd, P), 1);
	ftruncate(fd, 2 * P);
	touch("after growth", m + P + 3, 1);
	ftruncate(fd, 0);
	touch("after truncation", m, 0);
	void (*volatile code)(void) = (void (*)(void))anon(P);
	fault_signal = 0;
	if (!sigsetjmp(back, 1))
		code();
	VALUE("jump to data", fault_signal);
	VALUE("code", fault_code);
	TRUE("at it", fault_at == (void *)code);
	CALL("write from none", write(fd, a + 3 * P, 1));
	munmap(a + P, P);
	CALL("read into nothing", read(open("/dev/zero", O_RDONLY), a + P, 1));
	CALL("pipe into nothing", pipe((int *)(a + P)));
}

static void remaps(void)
{
	char *a = anon(8 * P), *b;

	a[0] = 'a';
	a[P] = 'b';
	TRUE("shrink", mremap(a, 4 * P, 2 * P, 0) == a);
	touch("gone", a + 2 * P, 0);
	TRUE("grow in place", mremap(a, 2 * P, 3 * P, 0) == a);
	OPEN("no room", (munmap(a + 7 * P, P), mmap(a + 3 * P, P, RW, ANON | MAP_FIXED, -1, 0),
			 mremap(a, 3 * P, 4 * P, 0)));
	b = mremap(a, 3 * P, 6 * P, MREMAP_MAYMOVE);
	TRUE("moved", b != MAP_FAILED && b != a);
	VALUE("content", b[P]);
	touch("old place", a, 0);
	char *to = anon(8 * P);
	TRUE("fixed", mremap(b, 6 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	VALUE("content", to[0]);
	OPEN("fixed without move", mremap(to, P, P, MREMAP_FIXED, b));
	OPEN("fixed overlap", mremap(to, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to + P));
	OPEN("fixed not a page", mremap(to, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, b + 1));
	OPEN("new size zero", mremap(to, P, 0, 0));
	OPEN("old size zero private", mremap(to, 0, P, MREMAP_MAYMOVE));
	OPEN("of a hole", mremap(b, P, 2 * P, MREMAP_MAYMOVE));
	OPEN("bad flags", mremap(to, P, P, 0x80));
	OPEN("not a page", mremap(to + 1, P, P, 0));
	to[5] = 'q';
	b = mremap(to, P, P, MREMAP_MAYMOVE | 4);
	TRUE("DONTUNMAP", b != MAP_FAILED && b != to);
	VALUE("moved away", to[5]);
	VALUE("moved here", b[5]);
	char *s = mmap(NULL, P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s[0] = 'z';
	b = mremap(s, 0, P, MREMAP_MAYMOVE);
	TRUE("old size zero shared", b != MAP_FAILED && b != s);
	VALUE("same page", b[0]);
}

static void advices(void)
{
	char *a = anon(4 * P);
	unsigned char vec[4] = { 0 };

	CALL("mincore", mincore(a, 4 * P, vec));
	VALUE("nothing there", vec[0] & 1);
	a[0] = a[P] = 1;
	mincore(a, 4 * P, vec);
	VALUE("one there", vec[1] & 1);
	VALUE("two not", vec[2] & 1);
	CALL("DONTNEED", madvise(a, 2 * P, MADV_DONTNEED));
	VALUE("zero again", a[0]);
	CALL("mincore not a page", mincore(a + 1, P, vec));
	CALL("mincore bad vector", mincore(a, P, BAD));
	CALL("WILLNEED", madvise(a, P, MADV_WILLNEED));
	CALL("FREE", madvise(a, P, MADV_FREE));
	CALL("SEQUENTIAL", madvise(a, P, MADV_SEQUENTIAL));
	CALL("bad advice", madvise(a, P, 12345));
	CALL("not a page", madvise(a + 1, P, MADV_NORMAL));
	CALL("length zero", madvise(a, 0, MADV_DONTNEED));
	CALL("DONTFORK", madvise(a, P, MADV_DONTFORK));
	CHILD("DONTFORK is not in the child", {
		CALL("there", mprotect(a, P, PROT_READ));
		touch("touched", a, 0);
	});
	madvise(a, P, MADV_DOFORK);
	a[P] = 3;
	CALL("WIPEONFORK", madvise(a + P, P, MADV_WIPEONFORK));
	CHILD("WIPEONFORK is zero in the child", VALUE("there", a[P]));
	VALUE("here not", a[P]);
	CALL("POPULATE_WRITE", madvise(a + 2 * P, 2 * P, 23));
	mincore(a, 4 * P, vec);
	VALUE("is there", vec[3] & 1);
	munmap(a + 2 * P, P);
	CALL("across a hole", madvise(a, 4 * P, MADV_DONTNEED));
	CALL("mincore of a hole", mincore(a, 4 * P, vec));
	CALL("mlock", mlock(a, P));
	CALL("mlock hole", mlock(a + 2 * P, P));
	CALL("munlock", munlock(a, P));
	CALL("mlockall flags", mlockall(0));
	CHILD("mlock without privilege", {
		struct rlimit rl = { 0, 0 };
		setrlimit(RLIMIT_MEMLOCK, &rl);
		setuid(1000);
		CALL("EPERM", mlock(a, P));
	});
	int m = OPEN("memfd_create", memfd_create("m", MFD_ALLOW_SEALING));
	ftruncate(m, P);
	CALL("seal", fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	CALL("grow", ftruncate(m, 2 * P));
	CALL("shrink", ftruncate(m, 0));
	void *w = mmap(NULL, P, RW, MAP_SHARED, m, 0);
	CALL("seal write while mapped", fcntl(m, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(w, P);
	CALL("seal write", fcntl(m, F_ADD_SEALS, F_SEAL_WRITE));
	CALL("write", write(m, "x", 1));
	OPEN("map for writing", mmap(NULL, P, RW, MAP_SHARED, m, 0));
	CALL("F_GET_SEALS", fcntl(m, F_GET_SEALS));
	CALL("memfd_create flags", memfd_create("m", 0x8000));
	CALL("seals of another", fcntl(memfd_create("n", 0), F_ADD_SEALS, F_SEAL_GROW));
}

static int sink;

static void deep(int n)
{
	volatile char page[4096];

	page[0] = n;
	if (n)
		deep(n - 1);
	sink += page[0];
}

static void sharing(void)
{
	volatile int *s = mmap(NULL, P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *p = (int *)anon(P);
	int fd = open("h", O_CREAT | O_RDWR | O_TRUNC, 0600);
	char c = 0;

	*p = 1;
	CHILD("shared anonymous", {
		*s = 5;
		*p = 5;
	});
	VALUE("shared", *s);
	VALUE("private", *p);
	ftruncate(fd, P);
	char *x = mmap(NULL, P, RW, MAP_SHARED, fd, 0), *y = mmap(NULL, P, RW, MAP_SHARED, fd, 0);
	char *v = mmap(NULL, P, RW, MAP_PRIVATE, fd, 0);
	x[0] = 'x';
	VALUE("two mappings", y[0]);
	pread(fd, &c, 1, 0);
	VALUE("read sees it", c);
	pwrite(fd, "w", 1, 1);
	VALUE("mapping sees writes", y[1]);
	VALUE("private sees it too", v[1]);
	v[1] = 'v';
	VALUE("but keeps its own", y[1]);
	x[2] = 'n';
	v[2] = v[2];
	CHILD("deep stack", deep(1000));
	CHILD("stack limit", {
		struct rlimit rl = { 256 * 1024, 256 * 1024 };
		setrlimit(RLIMIT_STACK, &rl);
		signal(SIGSEGV, SIG_DFL);
		deep(1000);
	});
	char *brk0 = (char *)syscall(SYS_brk, 0);
	TRUE("brk grows", (char *)syscall(SYS_brk, brk0 + 3 * P) == brk0 + 3 * P);
	touch("its page", brk0 + 2 * P, 1);
	TRUE("brk shrinks", (char *)syscall(SYS_brk, brk0) == brk0);
	TRUE("brk too low", (char *)syscall(SYS_brk, 4096) == brk0);
	TRUE("brk too high", (char *)syscall(SYS_brk, -4096L) == brk0);
	CHILD("address space limit", {
		struct rlimit rl = { 64 << 20, 64 << 20 };
		setrlimit(RLIMIT_AS, &rl);
		OPEN("small", mmap(NULL, 1 << 20, RW, ANON, -1, 0));
		OPEN("large", mmap(NULL, 128 << 20, RW, ANON, -1, 0));
	});
	CHILD("data limit", {
		struct rlimit rl = { 1 << 20, 1 << 20 };
		setrlimit(RLIMIT_DATA, &rl);
		OPEN("large", mmap(NULL, 16 << 20, RW, ANON, -1, 0));
		OPEN("read only", mmap(NULL, 16 << 20, PROT_READ, ANON, -1, 0));
	});
}

int main(void)
{
	errors();
	faults();
	remaps();
	advices();
	sharing();
	return 0;
}
