/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C library for host test programs, and their main().  The only file here that is not
 * renamed. */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct host_test {
	const char *name;
	void (*run)(void);
	struct host_test *next;
};

struct prng {
	unsigned long long s[4];
};

void prng_seed(struct prng *p, unsigned long long seed);
unsigned long long prng_below(struct prng *p, unsigned long long bound);

static struct host_test *tests, **tests_end = &tests;
static const char *program, *current;
static unsigned failures;
static unsigned long long seed;
static struct prng prng;
static long fail_after = -1, allocated;
static bool failed;

void host_test_register(struct host_test *t)
{
	*tests_end = t;
	tests_end = &t->next;
}

void host_test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	if (failures++ > 20)
		return;
	printf("not ok %s: %s - %s:%d ", program, current, file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(" (SEED=%llu)\n", seed);
}

static bool fail_now(void)
{
	long n = __atomic_load_n(&fail_after, __ATOMIC_RELAXED);

	if (n < 0 || __atomic_fetch_sub(&fail_after, 1, __ATOMIC_RELAXED) != 0)
		return false;
	failed = true;
	return true;
}

void *host_alloc_aligned(size_t align, size_t size)
{
	void *p;

	if (fail_now())
		return NULL;
	if (posix_memalign(&p, align < 16 ? 16 : align, size ? size : 1))
		abort();
	__atomic_fetch_add(&allocated, 1, __ATOMIC_RELAXED);
	memset(p, 0xa5, size);
	return p;
}

void *host_alloc(size_t size)
{
	return host_alloc_aligned(16, size);
}

void host_free(void *p)
{
	if (p)
		__atomic_fetch_sub(&allocated, 1, __ATOMIC_RELAXED);
	free(p);
}

long host_allocated(void)
{
	return __atomic_load_n(&allocated, __ATOMIC_RELAXED);
}

void host_fail_after(long after)
{
	fail_after = after;
	if (after >= 0)
		failed = false;
}

bool host_failed(void)
{
	return failed;
}

struct prng *host_prng(void)
{
	return &prng;
}

unsigned long long host_random(unsigned long long bound)
{
	return prng_below(&prng, bound);
}

void host_print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
}

void host_exit(int status)
{
	fflush(stdout);
	exit(status);
}

static void *read_stream(FILE *f, size_t *len)
{
	size_t room = 65536, n;
	char *p = host_alloc(room);

	*len = 0;
	while ((n = fread(p + *len, 1, room - *len, f))) {
		*len += n;
		if (*len == room)
			p = realloc(p, room *= 2);
	}
	return p;
}

void *host_read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	void *p;

	if (!f)
		return NULL;
	p = read_stream(f, len);
	fclose(f);
	return p;
}

void *host_run(const char *command, size_t *len)
{
	FILE *f = popen(command, "r");
	void *p;

	if (!f)
		return NULL;
	p = read_stream(f, len);
	if (pclose(f)) {
		host_free(p);
		return NULL;
	}
	return p;
}

struct host_thread {
	pthread_t id;
	void (*fn)(void *arg);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct host_thread *t = arg;

	t->fn(t->arg);
	return NULL;
}

struct host_thread *host_thread_start(void (*fn)(void *arg), void *arg)
{
	struct host_thread *t = malloc(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	if (pthread_create(&t->id, NULL, thread_main, t))
		abort();
	return t;
}

void host_thread_join(struct host_thread *t)
{
	pthread_join(t->id, NULL);
	free(t);
}

/* Kernel code that panics ends the program. */
__attribute__((weak)) void panic(const char *fmt, ...)
{
	va_list args;

	printf("not ok %s: %s - panic: ", program, current);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	abort();
}

/* In programs with tests/host/fs, where the order of things depends on addresses. */
__attribute__((weak)) void host_fix_addresses(void);

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *env = getenv("SEED");
	struct timespec now;
	unsigned bad = 0;

	if (host_fix_addresses)
		host_fix_addresses();
	setvbuf(stdout, NULL, _IOLBF, 0);
	program = slash ? slash + 1 : argv[0];
	clock_gettime(CLOCK_REALTIME, &now);
	seed = env ? strtoull(env, NULL, 0) : (unsigned long long)now.tv_nsec;
	for (struct host_test *t = tests; t; t = t->next) {
		if (argc > 1 && strcmp(argv[1], t->name))
			continue;
		current = t->name;
		failures = 0;
		prng_seed(&prng, seed);
		t->run();
		fflush(stdout);
		if (failures)
			bad++;
		else
			printf("ok %s: %s\n", program, t->name);
	}
	fflush(stdout);
	return bad != 0;
}
