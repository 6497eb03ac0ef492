/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests that file systems on disks have in common (suite.h). */
#include <kernel/abi/fs.h>
#include <kernel/abi/mount.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <coroutine.h>
#include "exercise.h"
#include "hostfs_internal.h"
#include "powercut.h"
#include "suite.h"
#include "tree.h"

#define ROOT	      "/suite"
#define PRESSURE      800u /* frames */

static void image_name(char *name, size_t size)
{
	snprintf(name, size, "/tmp/vireo-suite-%d.img", host_pid());
}

bool suite_shell(const char *fmt, ...)
{
	char command[1000], text[1100], log[60];
	va_list args;
	size_t len;
	char *out;
	bool ok;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	snprintf(log, sizeof(log), "/tmp/vireo-suite-%d.log", host_pid());
	snprintf(text, sizeof(text), "PATH=$PATH:/usr/sbin:/sbin; { %s; } >%s 2>&1", command, log);
	out = host_run(text, &len);
	ok = out != NULL;
	host_free(out);
	if (!ok) {
		host_print("# failed: %s\n", command);
		snprintf(text, sizeof(text), "sed 's/^/#   /' %s | head -30", log);
		out = host_run(text, &len);
		if (out)
			host_print("%.*s", (int)len, out);
		host_free(out);
	}
	host_remove(log);
	return ok;
}

static struct hostfs_usage usage_at_boot;

void suite_boot(void)
{
	hostfs_boot();
	host_disk_destroy(host_disk_create("warm", 1 << 20));
	usage_at_boot = hostfs_usage_settled();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
}

void suite_finish(struct host_disk *d)
{
	host_disk_destroy(d);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
	hostfs_expect_usage(usage_at_boot);
}

struct host_disk *suite_disk_of(const char *image, u64 sector)
{
	struct host_disk *d;
	size_t len;
	void *bytes = host_read_file(image, &len);

	host_free(bytes);
	d = host_disk_create("disk", (len + sector - 1) & ~(sector - 1));
	EXPECT_EQ(host_disk_load(d, image), 0);
	return d;
}

void suite_mkfs(struct host_disk *d, const char *mkfs)
{
	char name[80], command[500];
	int n;

	image_name(name, sizeof(name));
	n = snprintf(command, sizeof(command), "rm -f %s && truncate -s %llu %s && ", name,
		     host_disk_bytes(d), name);
	snprintf(command + n, sizeof(command) - (size_t)n, mkfs, name);
	EXPECT(suite_shell("%s", command));
	EXPECT_EQ(host_disk_load(d, name), 0);
	host_remove(name);
}

struct host_disk *suite_disk(const char *name, u64 bytes, const char *mkfs)
{
	struct host_disk *d;

	hostfs_boot();
	d = host_disk_create(name, bytes);
	suite_mkfs(d, mkfs);
	return d;
}

bool suite_fsck(struct host_disk *d, const char *fsck)
{
	char name[80], command[500];
	bool clean;

	image_name(name, sizeof(name));
	EXPECT_EQ(host_disk_save(d, name), 0);
	snprintf(command, sizeof(command), "%s %s", fsck, name);
	clean = suite_shell("%s", command);
	if (clean || !host_env("HOSTFS_KEEP"))
		host_remove(name);
	return clean;
}

static bool mount_it(struct host_disk *d, const struct suite *s)
{
	char path[60];
	long err;

	snprintf(path, sizeof(path), "/dev/%s", host_disk_name(d));
	hf_mkdir(ROOT, 0755);
	err = hf_mount(path, ROOT, s->type, 0, s->options);
	EXPECT_EQ(err, 0);
	if (err)
		hf_rmdir(ROOT);
	return !err;
}

static void unmount_it(void)
{
	EXPECT_EQ(hf_umount(ROOT, 0), 0);
	EXPECT_EQ(hf_rmdir(ROOT), 0);
}

/* What is in use after a first mount, which makes what lasts for ever; the disk is as before it. */
static struct hostfs_usage usage_when_warm(struct host_disk *d, const struct suite *s)
{
	host_disk_mark(d);
	if (mount_it(d, s))
		unmount_it();
	host_disk_restore(d);
	return hostfs_usage_settled();
}

/* --- the exerciser ---------------------------------------------------------------------------- */

static void exercise_phase(struct exercise *x, unsigned long ops, u64 frames, unsigned fail_every)
{
	exercise_set_ops(x, ops / 8);
	hostfs_memory(frames);
	hostfs_fail_every(fail_every);
	EXPECT_EQ(exercise_run(x), 0);
	hostfs_fail_every(0);
	hostfs_memory(0);
}

static void exercise_all(struct host_disk *d, const struct suite *s, unsigned long ops,
			 unsigned fail_every)
{
	struct exercise_config config = {
		.base = ROOT,
		.seed = host_random(1ull << 32),
		.processes = 8,
		.may_fill = s->may_fill,
		.may_fail = fail_every != 0,
	};
	const char *fsck = fail_every ? s->fsck_failing : s->fsck;
	struct exercise *x;

	if (!mount_it(d, s))
		return;
	x = exercise_create(&config);
	EXPECT(x != NULL);
	if (!x) {
		unmount_it();
		return;
	}
	exercise_phase(x, ops * 9 / 10, 0, fail_every);
	exercise_phase(x, ops / 10, fail_every ? 0 : PRESSURE, fail_every);
	hostfs_drop_caches();
	EXPECT_EQ(exercise_verify(x), 0);
	unmount_it();
	if (mount_it(d, s)) {
		EXPECT_EQ(exercise_verify(x), 0);
		unmount_it();
	}
	exercise_destroy(x);
	if (fsck)
		EXPECT(suite_fsck(d, fsck));
	host_disk_restore(d);
}

void suite_exercise(struct host_disk *d, const struct suite *s, unsigned long ops)
{
	struct hostfs_usage before = usage_when_warm(d, s);

	exercise_all(d, s, ops, 0);
	hostfs_expect_usage(before);
}

void suite_exercise_failing(struct host_disk *d, const struct suite *s, unsigned long ops)
{
	struct hostfs_usage before = usage_when_warm(d, s);

	exercise_all(d, s, ops, 200);
	hostfs_expect_usage(before);
}

/* --- a failing disk --------------------------------------------------------------------------- */

static void careless_step(unsigned i)
{
	static u8 buf[30000];
	char a[60], b[60];
	int fd;

	snprintf(a, sizeof(a), ROOT "/x%u", (unsigned)host_random(10));
	snprintf(b, sizeof(b), ROOT "/y%u/x%u", (unsigned)host_random(3),
		 (unsigned)host_random(10));
	switch (host_random(10)) {
	case 0:
		hf_rename(a, b, 0);
		return;
	case 1:
		hf_unlink(host_random(2) ? a : b);
		return;
	case 2:
		snprintf(b, sizeof(b), ROOT "/y%u", (unsigned)host_random(3));
		hf_mkdir(b, 0755);
		return;
	case 3:
		hostfs_drop_caches();
		return;
	case 4:
		hf_sync();
		return;
	default:
		break;
	}
	fd = (int)hf_open(host_random(2) ? a : b, O_CREAT | O_RDWR, 0644);
	if (fd < 0)
		return;
	hf_pwrite(fd, buf, host_random(sizeof(buf)), (loff_t)host_random(100000));
	hf_pread(fd, buf, sizeof(buf), (loff_t)host_random(100000));
	if (!host_random(3))
		hf_fsync(fd);
	if (!host_random(4))
		hf_ftruncate(fd, (loff_t)host_random(50000));
	hf_close(fd);
}

void suite_io_errors(struct host_disk *d, const struct suite *s, unsigned rounds)
{
	struct hostfs_usage before = usage_when_warm(d, s);

	for (unsigned r = 0; r < rounds; r++) {
		if (!mount_it(d, s))
			break;
		for (unsigned i = 0; i < 60; i++) {
			if (i == 10)
				host_disk_fail(d, r % 3 == 0 ? 20 : 0, r % 3 == 1 ? 20 : 0,
					       r % 3 == 2 ? 2 : 50);
			if (i == 40 && r % 4 == 3)
				host_disk_die_after(d, host_random(30));
			careless_step(i);
		}
		EXPECT_EQ(hf_umount(ROOT, 0), 0);
		host_disk_fail(d, 0, 0, 0);
		host_disk_die_after(d, ~0ull);
		host_disk_restore(d);
		hf_rmdir(ROOT);
	}
	hostfs_expect_usage(before);
}

static void read_failing(struct host_disk *d, const char *type,
			 unsigned memory, unsigned transfers)
{
	hostfs_fail_every(memory);
	host_disk_fail(d, transfers, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		if (hf_mount("/dev/disk", "/mnt", type, MS_RDONLY, NULL))
			continue;
		tree_use("/mnt");
		EXPECT_EQ(hf_umount("/mnt", 0), 0);
	}
	hostfs_fail_every(0);
	host_disk_fail(d, 0, 0, 0);
}

void suite_read_failing(struct host_disk *d, const char *type, const char *tree)
{
	read_failing(d, type, 40, 0);
	read_failing(d, type, 0, 10);
	read_failing(d, type, 100, 100);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", type, MS_RDONLY, NULL), 0);
	EXPECT(tree_expect("/mnt", tree, TREE_MODES | TREE_TIMES) > 100);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
}

/* --- power cuts ------------------------------------------------------------------------------- */

void suite_powercut(struct host_disk *d, const struct suite *s, unsigned steps, unsigned cuts)
{
	struct powercut_config config = {
		.type = s->type,
		.options = s->options,
		.cuts = cuts,
		.fsck = s->fsck,
		.fsck_every = 20,
		.lying = hostfs_number("LYING", 0) != 0,
	};
	struct hostfs_usage before = usage_when_warm(d, s);
	struct powercut *c;
	unsigned bad;

	c = powercut_begin(d, ROOT);
	if (mount_it(d, s)) {
		powercut_work_all(c, steps);
		unmount_it();
		bad = powercut_check(c, &config);
		if (config.lying)
			EXPECT(bad > 0);
		else
			EXPECT_EQ(bad, 0);
	}
	powercut_end(c);
	if (s->fsck)
		EXPECT(suite_fsck(d, s->fsck));
	host_disk_restore(d);
	hostfs_expect_usage(before);
}
