/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a host test program has besides the kernel code it tests.
 *
 * Kernel code and tests are compiled against the kernel's headers only, and their references to
 * names that the C library also has (memcpy, snprintf, ...) are renamed to the kernel's own
 * functions after compilation (tests/unit/renames).  host.c alone sees the C library and offers it
 * by these names.
 *
 *	TEST(list_push)
 *	{
 *		EXPECT(list_empty(&l));
 *	}
 *
 * The program runs its tests in file order and prints "ok PROGRAM: NAME" or "not ok PROGRAM: NAME -
 * ...".
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/random.h>

struct host_test {
	const char *name;
	void (*run)(void);
	struct host_test *next;
};

void host_test_register(struct host_test *t);
void host_test_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);

#define TEST(test_name) \
	static void test_##test_name(void); \
	__attribute__((constructor)) static void register_##test_name(void) \
	{ \
		static struct host_test t = { #test_name, test_##test_name, NULL }; \
		host_test_register(&t); \
	} \
	static void test_##test_name(void)

#define EXPECT(cond) \
	do { \
		if (!(cond)) \
			host_test_fail(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

#define EXPECT_EQ(a, b)                                                                            \
	do {                                                                                       \
		long long eq_a_ = (long long)(a), eq_b_ = (long long)(b);                          \
		if (eq_a_ != eq_b_)                                                                \
			host_test_fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %lld (%#llx)", \
				       #a, eq_a_, eq_a_, eq_b_, eq_b_);                            \
	} while (0)

#define EXPECT_STR(a, b) \
	do { \
		const char *str_a_ = (a), *str_b_ = (b); \
		if (!str_a_ || __builtin_strcmp(str_a_, str_b_)) \
			host_test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, \
				       str_a_ ? str_a_ : "(null)", str_b_); \
	} while (0)

#define REQUIRE(cond) \
	do { \
		if (!(cond)) { \
			host_test_fail(__FILE__, __LINE__, "%s", #cond); \
			return; \
		} \
	} while (0)

/* Memory; NULL when the failure counter says so.  Aligned to 16. */
void *host_alloc(size_t size);
void *host_alloc_aligned(size_t align, size_t size);
void host_free(void *p);

/* Blocks handed out and not freed: tests compare before and after. */
long host_allocated(void);

/*
 * Failure injection: the allocation number `after` from now fails (0: the next one), later ones
 * succeed; negative: never.
 */
void host_fail_after(long after);

/* True if an allocation was made to fail since host_fail_after(). */
bool host_failed(void);

/*
 * Repeat the statement with the first, second, ... allocation failing, until it runs without
 * reaching the failing one.
 *	FOR_EACH_FAILURE { err = thing_create(&t); ... }
 */
#define FOR_EACH_FAILURE \
	for (long fail_n_ = 0, fail_more_ = 1; \
	     fail_more_ && (host_fail_after(fail_n_), true); \
	     fail_more_ = host_failed(), host_fail_after(-1), fail_n_++)

/* The generator of the run, seeded from SEED in the environment or the clock; the seed is printed
 * on failure. */
struct prng *host_prng(void);
u64 host_random(u64 bound);

void host_print(const char *fmt, ...) __printf(1, 2);
void host_exit(int status) __noreturn;

/* A whole file, or NULL; *len its length.  Freed with host_free. */
void *host_read_file(const char *path, size_t *len);

/* The standard output of a shell command; likewise. */
void *host_run(const char *command, size_t *len);

/* Threads for the tests of lock-free code. */
struct host_thread;
struct host_thread *host_thread_start(void (*fn)(void *arg), void *arg);
void host_thread_join(struct host_thread *t);
