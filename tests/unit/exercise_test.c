/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file-system exerciser on tmpfs, and on an overlay over it.  EXERCISE_OPS= operations in all
 * (default 20,000).
 *
 * link: hostfs
 */
#include <kernel/lib/parse.h>
#include <host.h>
#include <hostfs.h>
#include <exercise.h>

static unsigned fail_every;

/* What is mounted on /mnt goes through `ops` operations. */
static void exercise_mounted(unsigned long ops, bool may_fill, unsigned preempt)
{
	struct exercise_config config = {
		.base = "/mnt",
		.seed = host_random(1ull << 32),
		.processes = 8,
		.ops = ops / 8,
		.may_fill = may_fill,
		.may_fail = fail_every != 0,
	};
	struct exercise *x;

	hostfs_preempt(preempt);
	x = exercise_create(&config);
	REQUIRE(x);
	hostfs_fail_every(fail_every);
	EXPECT_EQ(exercise_run(x), 0);
	hostfs_fail_every(0);
	hostfs_drop_caches();
	EXPECT_EQ(exercise_verify(x), 0);
	exercise_destroy(x);
	hostfs_preempt(50);
}

static void exercise_tmpfs(unsigned long ops, const char *options, unsigned preempt)
{
	struct hostfs_usage before;

	hostfs_boot();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
	before = hostfs_usage_settled();
	EXPECT_EQ(hf_mount("none", "/mnt", "tmpfs", 0, options), 0);
	exercise_mounted(ops, options != NULL, preempt);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	hostfs_expect_usage(before);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
}

static void overlay_layers(void)
{
	EXPECT_EQ(hf_mount("none", "/t", "tmpfs", 0, NULL), 0);
	EXPECT_EQ(hf_mkdir("/t/low", 0755), 0);
	EXPECT_EQ(hf_mkdir("/t/up", 0755), 0);
	EXPECT_EQ(hf_mkdir("/t/work", 0755), 0);
}

static void overlay_mount(void)
{
	EXPECT_EQ(hf_mount("none", "/mnt", "overlay", 0,
			   "redirect_dir=on,lowerdir=/t/low,upperdir=/t/up,workdir=/t/work"),
		  0);
}

/* The lower layer is filled by the models that go on with the overlay. */
static void exercise_lower(unsigned long ops)
{
	struct exercise_config config = {
		.base = "/t/low",
		.seed = host_random(1ull << 32),
		.processes = 8,
		.ops = ops / 80,
		.no_links = 1,
	};
	struct exercise *x = exercise_create(&config);

	REQUIRE(x);
	EXPECT_EQ(exercise_run(x), 0);
	overlay_mount();
	exercise_move(x, "/mnt");
	exercise_set_ops(x, ops / 8);
	EXPECT_EQ(exercise_run(x), 0);
	hostfs_drop_caches();
	EXPECT_EQ(exercise_verify(x), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	overlay_mount();
	EXPECT_EQ(exercise_verify(x), 0);
	exercise_destroy(x);
}

static void exercise_overlay(unsigned long ops, bool lower)
{
	struct hostfs_usage before;

	hostfs_boot();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
	EXPECT_EQ(hf_mkdir("/t", 0755), 0);
	/* The first overlay brings its cache of inodes, which stays. */
	EXPECT_EQ(hf_mount("none", "/mnt", "overlay", 0, "lowerdir=/t"), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	before = hostfs_usage_settled();
	overlay_layers();
	if (lower) {
		exercise_lower(ops);
	} else {
		overlay_mount();
		exercise_mounted(ops, false, 50);
	}
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT_EQ(hf_umount("/t", 0), 0);
	hostfs_expect_usage(before);
	EXPECT_EQ(hf_rmdir("/t"), 0);
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

TEST(overlay)
{
	exercise_overlay(hostfs_number("EXERCISE_OPS", 20000) / 2, false);
}

TEST(overlay_with_lower)
{
	exercise_overlay(hostfs_number("EXERCISE_OPS", 20000) / 2, true);
}
