/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file-system exerciser on tmpfs.  EXERCISE_OPS= operations in all (default 20,000).
 *
 * link: hostfs
 */
#include <kernel/lib/parse.h>
#include <host.h>
#include <hostfs.h>
#include <exercise.h>

static unsigned fail_every;

static void exercise_tmpfs(unsigned long ops, const char *options, unsigned preempt)
{
	struct exercise_config config = {
		.base = "/mnt",
		.seed = host_random(1ull << 32),
		.processes = 8,
		.ops = ops / 8,
	};
	struct hostfs_usage before;
	struct exercise *x;

	hostfs_boot();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
	before = hostfs_usage_settled();
	EXPECT_EQ(hf_mount("none", "/mnt", "tmpfs", 0, options), 0);
	hostfs_preempt(preempt);
	config.may_fill = options != NULL;
	config.may_fail = fail_every != 0;
	x = exercise_create(&config);
	REQUIRE(x);
	hostfs_fail_every(fail_every);
	EXPECT_EQ(exercise_run(x), 0);
	hostfs_fail_every(0);
	hostfs_drop_caches();
	EXPECT_EQ(exercise_verify(x), 0);
	exercise_destroy(x);
	hostfs_preempt(50);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	hostfs_expect_usage(before);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
}

TEST(tmpfs)
{
	exercise_tmpfs(hostfs_number("EXERCISE_OPS", 20000), NULL, 50);
}

TEST(tmpfs_full)
{
	exercise_tmpfs(hostfs_number("EXERCISE_OPS", 20000) / 2, "size=3m", 50);
}

TEST(tmpfs_preempted)
{
	exercise_tmpfs(hostfs_number("EXERCISE_OPS", 20000) / 4, NULL, 3);
}

TEST(tmpfs_allocations_fail)
{
	fail_every = 100;
	exercise_tmpfs(hostfs_number("EXERCISE_OPS", 20000) / 2, NULL, 50);
	fail_every = 0;
}
