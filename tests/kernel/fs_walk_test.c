/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Path walks from inside: both kinds agree, names survive renames under them, idle dentries can be
 * shrunk at any moment.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/core.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>

static int make_dir(const char *name)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, name, LOOKUP_DIRECTORY, &parent, &d);

	if (err)
		return err;
	err = vfs_mkdir(parent.dentry->inode, d, 0755);
	path_create_done(&parent, d);
	return err;
}

static int make_link(const char *name, const char *target)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, name, 0, &parent, &d);

	if (err)
		return err;
	err = vfs_symlink(parent.dentry->inode, d, target);
	path_create_done(&parent, d);
	return err;
}

static int make_file(const char *name, const char *text)
{
	struct file *f;
	loff_t pos = 0;
	int err = filp_open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644, &f);
	ssize_t n;

	if (err)
		return err;
	n = file_write(f, text, strlen(text), &pos);
	file_put(f);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

static bool has_text(const char *name, const char *text)
{
	struct file *f;
	char *got;
	size_t len;
	bool same;

	if (filp_open(name, O_RDONLY, 0, &f))
		return false;
	if (file_read_all(f, 4096, (void **)&got, &len)) {
		file_put(f);
		return false;
	}
	same = len == strlen(text) && !memcmp(got, text, len);
	kvfree(got);
	file_put(f);
	return same;
}

/* Without locks and with counts the same path leads to the same place. */
static bool walks_agree(const char *name, int want)
{
	struct path a, b;
	int err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &a), slow;
	bool same;

	slow = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | 1u << 31, &b);
	if (err || slow)
		return err == want && slow == want;
	same = path_equal(&a, &b) && !want;
	path_put(&a);
	path_put(&b);
	return same;
}

KTEST(fs_walk_paths)
{
	KREQUIRE(!make_dir("/ktest_walk"));
	KEXPECT(!make_dir("/ktest_walk/a"));
	KEXPECT(!make_dir("/ktest_walk/a/b"));
	KEXPECT(!make_file("/ktest_walk/a/b/c", "content"));
	KEXPECT(!make_link("/ktest_walk/rel", "a/b"));
	KEXPECT(!make_link("/ktest_walk/abs", "/ktest_walk/a"));
	KEXPECT(!make_link("/ktest_walk/nested", "abs/../rel/c"));
	KEXPECT(!make_link("/ktest_walk/loop", "loop"));
	KEXPECT(!make_link("/ktest_walk/nowhere", "none/x"));

	KEXPECT(walks_agree("/", 0));
	KEXPECT(walks_agree("/ktest_walk/a/b/c", 0));
	KEXPECT(walks_agree("//ktest_walk///a/./b/../b//c", 0));
	KEXPECT(walks_agree("/ktest_walk/rel/c", 0));
	KEXPECT(walks_agree("/ktest_walk/abs/b/c", 0));
	KEXPECT(walks_agree("/ktest_walk/nested", 0));
	KEXPECT(walks_agree("/../../..", 0));
	KEXPECT(walks_agree("/ktest_walk/loop", -ELOOP));
	KEXPECT(walks_agree("/ktest_walk/loop/x", -ELOOP));
	KEXPECT(walks_agree("/ktest_walk/nowhere", -ENOENT));
	KEXPECT(walks_agree("/ktest_walk/a/b/c/", -ENOTDIR));
	KEXPECT(walks_agree("/ktest_walk/a/b/c/d", -ENOTDIR));
	KEXPECT(walks_agree("/ktest_walk/a/none", -ENOENT));
	KEXPECT(has_text("/ktest_walk/nested", "content"));

	/* A deleted file keeps its content for who has it open. */
	struct file *f;
	char buf[8];
	loff_t pos = 0;

	KREQUIRE(!filp_open("/ktest_walk/a/b/c", O_RDONLY, 0, &f));
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_walk/a/b/c"));
	KEXPECT(walks_agree("/ktest_walk/nested", -ENOENT));
	KEXPECT(file_read(f, buf, 7, &pos) == 7);
	file_put(f);

	KEXPECT(do_rmdir(AT_FDCWD, "/ktest_walk/a") == -ENOTEMPTY);
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_walk/a/b"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_walk/a"));
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_walk/rel"));
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_walk/abs"));
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_walk/nested"));
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_walk/loop"));
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_walk/nowhere"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_walk"));
}

/* Storm: some rename a directory to and fro, some walk through it, one shrinks. */

static u32 storm_stop, storm_bad, storm_found;

static void renamer(void *arg)
{
	while (!atomic_load(&storm_stop)) {
		if (do_rename(AT_FDCWD, "/ktest_storm/here", AT_FDCWD,
			      "/ktest_storm/a_longer_name_that_does_not_fit_inline_at_all", 0))
			atomic_inc(&storm_bad);
		cond_resched();
		if (do_rename(AT_FDCWD,
			      "/ktest_storm/a_longer_name_that_does_not_fit_inline_at_all",
			      AT_FDCWD, "/ktest_storm/here", 0))
			atomic_inc(&storm_bad);
		cond_resched();
	}
}

static void walker(void *arg)
{
	struct path p;

	while (!atomic_load(&storm_stop)) {
		int err = kern_path("/ktest_storm/here/deep/file", 0, &p);

		if (!err) {
			/* Whatever moves, a walk that arrives arrives at a file. */
			if (!S_ISREG(p.dentry->inode->mode))
				atomic_inc(&storm_bad);
			atomic_inc(&storm_found);
			path_put(&p);
		} else if (err != -ENOENT) {
			atomic_inc(&storm_bad);
		}
		err = kern_path("/ktest_storm/steady/./deep/../deep/file", 0, &p);
		if (err)
			atomic_inc(&storm_bad);
		else
			path_put(&p);
		cond_resched();
	}
}

static void shrinker(void *arg)
{
	while (!atomic_load(&storm_stop)) {
		struct path p;

		/* Names that are not there fill the cache with idle dentries. */
		for (int i = 0; i < 50; i++) {
			char name[40];

			snprintf(name, sizeof(name), "/ktest_storm/no%d", i);
			if (kern_path(name, 0, &p) != -ENOENT)
				atomic_inc(&storm_bad);
		}
		dcache_shrink(100);
		cond_resched();
	}
}

KTEST(fs_walk_storm)
{
	static void (*const bodies[])(void *) = { renamer, walker, walker, shrinker };
	struct thread *t[ARRAY_SIZE(bodies)];
	unsigned n = 0;

	KREQUIRE(!make_dir("/ktest_storm"));
	KREQUIRE(!make_dir("/ktest_storm/here") && !make_dir("/ktest_storm/here/deep"));
	KREQUIRE(!make_dir("/ktest_storm/steady") && !make_dir("/ktest_storm/steady/deep"));
	KREQUIRE(!make_file("/ktest_storm/here/deep/file", "x"));
	KREQUIRE(!make_file("/ktest_storm/steady/deep/file", "x"));
	storm_stop = storm_bad = storm_found = 0;
	for (; n < ARRAY_SIZE(bodies); n++) {
		KREQUIRE(!kthread_create(&t[n], bodies[n], NULL, "storm%u", n));
		thread_start(t[n]);
	}
	thread_set_state(THREAD_IDLE);
	(void)schedule_timeout(clock_deadline(300 * NSEC_PER_MSEC));
	atomic_store(&storm_stop, 1);
	while (n)
		kthread_stop(t[--n]);
	KEXPECT(!storm_bad);
	KEXPECT(storm_found);
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_storm/here/deep/file"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_storm/here/deep"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_storm/here"));
	KEXPECT(!do_unlink(AT_FDCWD, "/ktest_storm/steady/deep/file"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_storm/steady/deep"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_storm/steady"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_storm"));
}
