/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the kernel's own tests.
 *
 * The tests are the entries of a linker set; they run one after another in the calling thread, each
 * with a generator seeded from the run's seed and its name, so that one test alone repeats what it
 * did in the whole run.
 */
#include <arch/power.h>
#include <arch/timer.h>
#include <kernel/debug/ktest.h>
#include <kernel/debug/log.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/string.h>

LINKSET_DECLARE(ktests, struct ktest);

static const char *running;
static u32 failures; /* [a] of the running test */
static struct prng prng;

void ktest_fail(const char *file, int line, const char *what)
{
	atomic_inc(&failures);
	log_raw(LOG_ERR, "ktest: FAIL %s %s:%d %s", running ? running : "?", file, line, what);
}

struct prng *ktest_prng(void)
{
	return &prng;
}

static bool matches_one(const char *name, const char *pattern, size_t len)
{
	if (len && pattern[len - 1] == '*')
		return !strncmp(name, pattern, len - 1);
	return strlen(name) == len && !strncmp(name, pattern, len);
}

/* Does the comma-separated list of patterns include the test?  An empty list includes all. */
static bool matches(const char *name, const char *patterns)
{
	if (!*patterns)
		return true;
	for (;;) {
		const char *comma = strchrnul(patterns, ',');

		if (matches_one(name, patterns, (size_t)(comma - patterns)))
			return true;
		if (!*comma)
			return false;
		patterns = comma + 1;
	}
}

static bool run_one(const struct ktest *t, u64 seed)
{
	running = t->name;
	atomic_store(&failures, 0);
	prng_seed(&prng, seed ^ hash_string(t->name, strlen(t->name), 0));
	t->run();
	running = NULL;
	if (atomic_load(&failures))
		return false;
	log_raw(LOG_NOTICE, "ktest: ok %s", t->name);
	return true;
}

void ktest_run(const char *cmdline)
{
	const struct ktest *const *t;
	unsigned passed = 0, failed = 0;
	char patterns[256];

	if (!cmdline_get(cmdline, "ktest", patterns, sizeof(patterns)))
		return;

	u64 seed = cmdline_u64(cmdline, "ktest_seed", arch_clock_read());

	log_set_console_level(LOG_DEBUG);
	log_raw(LOG_NOTICE, "ktest: seed %llu", seed);
	for_each_linkset(t, ktests)
	{
		if (!matches((*t)->name, patterns))
			continue;
		if (run_one(*t, seed))
			passed++;
		else
			failed++;
	}
	log_raw(LOG_NOTICE, "ktest: done %u passed, %u failed, seed %llu", passed, failed, seed);
	arch_poweroff();
}
