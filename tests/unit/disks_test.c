/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every file system on a disk is put through (tests/host/fs/suite.h, mutate.h).
 *
 * EXERCISE_OPS= operations (default 8,000), MUTANTS= mutants (default 300), of each.
 *
 * link: hostfs
 */
#include <host.h>
#include <hostfs.h>
#include <mutate.h>
#include <suite.h>

#define MIB (1u << 20)

static unsigned long ops(void)
{
	return hostfs_number("EXERCISE_OPS", 8000);
}

static void mutants(struct host_disk *d, const char *type, bool read_only)
{
	struct mutate_config config = {
		.type = type,
		.mutants = (unsigned)hostfs_number("MUTANTS", 300),
		.read_only = read_only,
	};

	EXPECT(mutate(d, &config) > config.mutants / 20);
}

/* Everything at once for one file system. */
static void all_of(const struct suite *s, u64 bytes, const char *mkfs, u64 small,
		   const char *mkfs_small)
{
	struct host_disk *d = suite_disk("disk", bytes, mkfs);

	suite_exercise(d, s, ops());
	suite_exercise_failing(d, s, ops() / 4);
	suite_io_errors(d, s, 20);
	host_disk_destroy(d);
	d = suite_disk("disk", small, mkfs_small);
	mutants(d, s->type, false);
	host_disk_destroy(d);
}

TEST(fat32)
{
	static const struct suite vfat = { .type = "vfat", .fsck = "fsck.vfat -n" };

	all_of(&vfat, 64 * MIB, "mkfs.vfat -F 32 -s 1 %s", 34 * MIB, "mkfs.vfat -F 32 -s 1 %s");
}

TEST(fat12_nearly_full)
{
	static const struct suite vfat = {.type = "vfat", .fsck = "fsck.vfat -n", .may_fill = true};

	all_of(&vfat, 3 * MIB, "mkfs.vfat -F 12 %s", 2 * MIB, "mkfs.vfat -F 12 %s");
}
