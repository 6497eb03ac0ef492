/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coroutines (coroutine.h), and what the C library and the sanitizers do for tests/host/fs.  Not
 * renamed, as host.c.
 *
 * The switch is a few instructions of our own: swapcontext() makes a system call, and the address
 * sanitizer wipes its knowledge of the whole stack there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/time.h>
#include <unistd.h>
#include "coroutine.h"

#define STACK_SIZE (512u << 10)

struct host_coroutine {
	void *sp;
	char *stack;
	const void *bottom; /* what the sanitizer knows it by */
	size_t size;
	void *fake;
	void (*fn)(void *arg);
	void *arg;
};

static struct host_coroutine main_coroutine, *self = &main_coroutine, *came_from;

/* Save the callee-saved registers on this stack and the stack pointer in *save; take over those of
 * `load`. */
void host_stack_switch(void **save, void *load);

#ifdef __x86_64__
__asm__(".text\n.globl host_stack_switch\nhost_stack_switch:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n	push %r13\n	push %r14\n	"
	"push %r15\n"
	"	mov %rsp, (%rdi)\n	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbx\n	"
	"pop %rbp\n	ret\n");
#define SAVED_WORDS 6 /* below the return address; the last one saved first is the frame pointer */
#define FRAME_WORD  5
#define ENTRY_WORD  6
#elif defined(__aarch64__)
__asm__(".text\n.globl host_stack_switch\nhost_stack_switch:\n"
	"	sub sp, sp, #160\n	stp x29, x30, [sp]\n	stp x19, x20, [sp, #16]\n	"
	"stp x21, x22, [sp, #32]\n"
	"	stp x23, x24, [sp, #48]\n	stp x25, x26, [sp, #64]\n	stp x27, x28, [sp, "
	"#80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n	stp d12, d13, [sp, "
	"#128]\n	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n	str x9, [x0]\n	mov sp, x1\n"
	"	ldp x29, x30, [sp]\n	ldp x19, x20, [sp, #16]\n	ldp x21, x22, [sp, #32]\n"
	"	ldp x23, x24, [sp, #48]\n	ldp x25, x26, [sp, #64]\n	ldp x27, x28, [sp, "
	"#80]\n"
	"	ldp d8, d9, [sp, #96]\n	ldp d10, d11, [sp, #112]\n	ldp d12, d13, [sp, "
	"#128]\n	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n	ret\n");
#define SAVED_WORDS 18
#define FRAME_WORD  0
#define ENTRY_WORD  1
#else
#error "coroutine.c: no stack switch for this host"
#endif

static void switched(void)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(self->fake, &bottom, &size);
	if (came_from) {
		came_from->bottom = bottom;
		came_from->size = size;
	}
}

static void entry(void)
{
	switched();
	self->fn(self->arg);
	abort();
}

struct host_coroutine *host_coroutine_create(void (*fn)(void *arg), void *arg)
{
	struct host_coroutine *c = calloc(1, sizeof(*c));
	uintptr_t *top;

	c->stack = aligned_alloc(4096, STACK_SIZE);
	c->bottom = c->stack;
	c->size = STACK_SIZE;
	c->fn = fn;
	c->arg = arg;
	top = (uintptr_t *)(c->stack + STACK_SIZE) - 4 - (SAVED_WORDS + 2);
	memset(top, 0, (SAVED_WORDS + 2) * sizeof(*top));
	top[ENTRY_WORD] = (uintptr_t)entry;
	/* As after a call: sixteen-byte alignment holds before the return address is pushed. */
	c->sp = top;
	return c;
}

struct host_coroutine *host_coroutine_self(void)
{
	return self;
}

void host_coroutine_switch(struct host_coroutine *to, bool last)
{
	struct host_coroutine *from = self;

	came_from = from;
	self = to;
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->bottom, to->size);
	host_stack_switch(&from->sp, to->sp);
	switched();
}

void host_coroutine_destroy(struct host_coroutine *c)
{
	if (came_from == c)
		came_from = NULL;
	free(c->stack);
	free(c);
}

static __attribute__((no_sanitize("address"))) void walk(uintptr_t fp, uintptr_t low,
							 uintptr_t high,
							 void (*see)(unsigned long pc, void *ctx),
							 void *ctx)
{
	for (int i = 0; i < 30 && fp >= low && fp + 16 <= high && !(fp & 7); i++) {
		uintptr_t *frame = (uintptr_t *)fp;

		if (frame[1])
			see(frame[1], ctx);
		if (frame[0] <= fp)
			break;
		fp = frame[0];
	}
}

__attribute__((no_sanitize("address"))) void
host_coroutine_walk(const struct host_coroutine *c, void (*see)(unsigned long pc, void *ctx),
		    void *ctx)
{
	uintptr_t *sp = c->sp;

	if (c == self || !sp)
		return;
	walk(sp[FRAME_WORD], (uintptr_t)c->bottom, (uintptr_t)c->bottom + c->size, see, ctx);
}

void host_symbol(unsigned long pc, char *buf, size_t size)
{
	__sanitizer_symbolize_pc((void *)(pc - 1), "%f %s:%l", buf, size);
}

void host_backtrace(void)
{
	fflush(stdout);
	__sanitizer_print_stack_trace();
}

void *host_reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("host_reserve");
		exit(2);
	}
	madvise(p, size, MADV_DONTDUMP);
	return p;
}

void host_unreserve(void *p, size_t size)
{
	munmap(p, size);
}

void *host_alloc_uncounted(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		abort();
	return p;
}

void host_free_uncounted(void *p)
{
	free(p);
}

int host_file_read(const char *path, void *buf, size_t n)
{
	int fd = open(path, O_RDONLY);
	size_t done = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	while (done < n && (got = read(fd, (char *)buf + done, n - done)) > 0)
		done += (size_t)got;
	close(fd);
	memset((char *)buf + done, 0, n - done);
	return got < 0 ? -EIO : 0;
}

int host_file_write(const char *path, const void *buf, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t done = 0;
	ssize_t put;

	if (fd < 0)
		return -errno;
	while (done < n) {
		put = write(fd, (const char *)buf + done, n - done);
		if (put <= 0)
			break;
		done += (size_t)put;
	}
	close(fd);
	return done < n ? -EIO : 0;
}

void host_remove(const char *path)
{
	unlink(path);
}

int host_pid(void)
{
	return getpid();
}

void host_leak_root(const void *p, size_t n)
{
	__lsan_register_root_region(p, n);
}

void host_poison(const void *p, size_t n)
{
	__asan_poison_memory_region(p, n);
}

void host_unpoison(const void *p, size_t n)
{
	__asan_unpoison_memory_region(p, n);
}

size_t host_accessible(const void *p, size_t n)
{
	const char *bad = __asan_region_is_poisoned((void *)p, n);

	return bad ? (size_t)(bad - (const char *)p) : n;
}

size_t host_alloc_size(const void *p)
{
	return malloc_usable_size((void *)p);
}

static void (*death_callback)(void);

void host_set_death_callback(void (*fn)(void))
{
	death_callback = fn;
	__sanitizer_set_death_callback(fn);
}

static void too_long(int signo)
{
	static const char text[] = "not ok watchdog - the program ran too long; it was here:\n";

	if (write(1, text, sizeof(text) - 1) < 0)
		_exit(3);
	host_backtrace();
	if (death_callback)
		death_callback();
	_exit(3);
}

void host_watchdog(unsigned seconds)
{
	struct itimerval limit = { .it_value.tv_sec = seconds };

	signal(SIGPROF, too_long);
	setitimer(ITIMER_PROF, &limit, NULL);
}

void host_fix_addresses(void)
{
	int persona = personality(0xffffffff);
	char self_path[4096], *args[64] = { 0 };
	static char cmdline[8192];
	FILE *f;
	size_t n, argc = 0;
	ssize_t len;

	if (persona < 0 || persona & ADDR_NO_RANDOMIZE ||
	    personality((unsigned long)persona | ADDR_NO_RANDOMIZE) < 0)
		return;
	len = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	f = fopen("/proc/self/cmdline", "r");
	if (len < 0 || !f)
		return;
	self_path[len] = 0;
	n = fread(cmdline, 1, sizeof(cmdline) - 1, f);
	fclose(f);
	for (char *p = cmdline; p < cmdline + n && argc < 63; p += strlen(p) + 1)
		args[argc++] = p;
	execv(self_path, args);
}

const char *host_env(const char *name)
{
	return getenv(name);
}
