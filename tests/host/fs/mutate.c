/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mutants of file-system images on the host (mutate.h). */
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"
#include "mutate.h"
#include "mutate_internal.h"

#define ROOT	   MUTANT_ROOT
#define LEAK_EVERY 50u
#define WATCHDOG   60u /* seconds of processor time: a loop that takes no steps */

static struct {
	struct host_disk *disk;
	const struct mutate_config *config;
	u32 *metadata;
	struct mutant mutant;
} m;

static void tell(void)
{
	host_print("# MUTANT=%llu of %s:\n", m.mutant.number, m.config->type);
	for (unsigned i = 0; i < m.mutant.nr_what; i++)
		host_print("#   %s\n", m.mutant.what[i]);
}

static void store(u64 at, const void *data, size_t n)
{
	host_disk_store(m.disk, at, data, n);
}

/* --- making it -------------------------------------------------------------------------------- */

static void learn(void)
{
	const u8 *read = host_disk_sectors_read(m.disk);
	u64 sectors = host_disk_bytes(m.disk) / MUTANT_SECTOR;
	char path[40];

	snprintf(path, sizeof(path), "/dev/%s", host_disk_name(m.disk));
	EXPECT_EQ(hf_mount(path, ROOT, m.config->type, 1, m.config->options), 0);
	mutant_look(false);
	EXPECT_EQ(hf_umount(ROOT, 0), 0);
	m.metadata = host_alloc_uncounted(sectors * sizeof(u32));
	m.mutant = (struct mutant){
		.image = host_disk_image(m.disk),
		.bytes = host_disk_bytes(m.disk),
		.store = store,
		.metadata = m.metadata,
		.aim = m.config->aim,
	};
	for (u64 i = 0; i < sectors; i++)
		if (read[i])
			m.metadata[m.mutant.nr_metadata++] = (u32)i;
	EXPECT(m.mutant.nr_metadata > 0);
}

static void make(u64 number)
{
	mutant_make(&m.mutant, number);
	if (m.config->repair && mutant_chance(&m.mutant, 2))
		m.config->repair(m.disk);
}

/* --- one after the other ---------------------------------------------------------------------- */

static bool mutant_use(unsigned long flags)
{
	char path[40];
	long err;

	snprintf(path, sizeof(path), "/dev/%s", host_disk_name(m.disk));
	if (hf_mount(path, ROOT, m.config->type, flags, m.config->options))
		return false;
	mutant_look(true);
	if (!flags)
		mutant_change(&m.mutant);
	err = hf_umount(ROOT, 0);
	if (err) {
		tell();
		host_test_fail("mutant", 0, "umount: %ld", err);
	}
	return true;
}

static bool mutant_run(u64 number)
{
	struct host_disk_counts before = host_disk_counts(m.disk);
	bool mounted;

	make(number);
	hostfs_limit(m.config->steps ? m.config->steps : 1000000);
	host_watchdog(WATCHDOG);
	mounted = mutant_use(1);
	if (m.config->read_only && host_disk_counts(m.disk).writes != before.writes) {
		tell();
		host_test_fail("mutant", 0, "a read-only file system wrote");
	}
	if (!m.config->read_only)
		mounted |= mutant_use(0);
	hostfs_limit(0);
	host_watchdog(0);
	host_disk_restore(m.disk);
	return mounted;
}

/* True: more is in use than in *start, which is then what is in use. */
static bool leaked(struct hostfs_usage *start, struct hostfs_usage *by)
{
	struct hostfs_usage now = hostfs_usage_settled();

	*by = (struct hostfs_usage){.objects = now.objects - start->objects,
				    .frames = now.frames - start->frames};
	*start = now;
	return (s64)by->objects > 0 || (s64)by->frames > 0;
}

/* More was in use after these.  What was made to stay is there now; what leaked leaks again. */
static void leak_find(u64 first, u64 last)
{
	struct hostfs_usage start = hostfs_usage_settled(), by;

	for (u64 number = first; number <= last; number++) {
		mutant_run(number);
		if (!leaked(&start, &by))
			continue;
		tell();
		host_test_fail("mutant", 0, "leaked %lld objects, %lld frames", (s64)by.objects,
			       (s64)by.frames);
	}
}

static void mutants_run(unsigned *mounted)
{
	u64 only = hostfs_number("MUTANT", 0), first = only ? only : host_random(1ull << 40) + 1;
	u64 last = only ? only : first + m.config->mutants - 1, checked = first;
	struct hostfs_usage start = hostfs_usage_settled(), by;

	for (u64 number = first; number <= last; number++) {
		*mounted += mutant_run(number);
		if (number != last && number + 1 - checked < LEAK_EVERY)
			continue;
		if (leaked(&start, &by)) {
			leak_find(checked, number);
			start = hostfs_usage_settled();
		}
		checked = number + 1;
	}
}

unsigned mutate(struct host_disk *d, const struct mutate_config *config)
{
	unsigned mounted = 0;

	m.disk = d;
	m.config = config;
	hf_mkdir(ROOT, 0755);
	host_disk_mark(d);
	learn();
	host_disk_restore(d);
	hostfs_set_on_failure(tell);
	mutants_run(&mounted);
	hostfs_set_on_failure(NULL);
	host_free_uncounted(m.metadata);
	hf_rmdir(ROOT);
	return mounted;
}
