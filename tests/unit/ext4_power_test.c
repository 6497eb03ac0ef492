/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ext4 and power cuts (tests/host/fs/powercut.h): what was promised is there, and e2fsck finds nothing.
 *
 * CUTS= and STEPS= make it longer: the long form has CUTS=6000, a thousand for each workload.
 *
 * link: hostfs
 */
#include <host.h>
#include <hostfs.h>
#include <suite.h>

#define BYTES (16u << 20)

static void cut(const char *mkfs, const char *options)
{
	struct suite s = { .type = "ext4", .options = options, .fsck = "e2fsck -fn" };
	struct host_disk *d = suite_disk("disk", BYTES, mkfs);

	suite_powercut(d, &s, (unsigned)hostfs_number("STEPS", 60), (unsigned)hostfs_number("CUTS", 150));
	host_disk_destroy(d);
}

TEST(ordered)
{
	cut("mkfs.ext4 -q -J size=1 -b 1024 %s", NULL);
}

TEST(big_blocks)
{
	cut("mkfs.ext4 -q -J size=4 -b 4096 %s", NULL);
}

TEST(journal_data)
{
	cut("mkfs.ext4 -q -J size=2 -b 1024 %s", "data=journal");
}

TEST(ext3)
{
	cut("mkfs.ext4 -q -t ext3 -J size=1 -b 1024 %s", NULL);
}
