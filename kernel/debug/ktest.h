/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests that run inside the kernel, at boot, when the command line says ktest or ktest=PATTERN.
 *
 *	KTEST(slab_alloc_free)
 *	{
 *		KEXPECT(kmalloc(8, GFP_KERNEL) != NULL);
 *	}
 *
 * A pattern is a name, or a prefix followed by *; several are separated by commas.  Each test
 * prints "ktest: ok NAME" or "ktest: FAIL NAME file:line expression"; the last line is
 * "ktest: done N passed, M failed, seed S", and the machine powers off.
 */
#pragma once

#include <kernel/lib/linkset.h>
#include <kernel/lib/random.h>

struct ktest {
	const char *name;
	void (*run)(void);
};

#define KTEST(test_name) \
	static void ktest_run_##test_name(void); \
	static const struct ktest ktest_##test_name = { #test_name, ktest_run_##test_name }; \
	LINKSET_ENTRY(ktests, struct ktest, ktest_##test_name); \
	static void ktest_run_##test_name(void)

/* Go on after a failure, or leave the test. */
#define KEXPECT(cond) \
	do { \
		if (!(cond)) \
			ktest_fail(__FILE__, __LINE__, #cond); \
	} while (0)
#define KREQUIRE(cond) \
	do { \
		if (!(cond)) { \
			ktest_fail(__FILE__, __LINE__, #cond); \
			return; \
		} \
	} while (0)

/* Context: any. */
void ktest_fail(const char *file, int line, const char *what);

/* The generator of the running test; seeded from ktest_seed= or the clock.  Context: the test's
 * thread. */
struct prng *ktest_prng(void);

/* Run the tests the command line asks for and power off; return at once when it asks for none. */
void ktest_run(const char *cmdline);
