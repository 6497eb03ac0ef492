/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every file system on a disk is put through; a test of one is a list of calls of these.
 *
 *	static const struct suite ext4 = { .type = "ext4", .fsck = "e2fsck -fn" };
 *
 *	TEST(exercise)
 *	{
 *		struct host_disk *d = suite_disk("disk", 64 << 20, "mke2fs -q -t ext4 %s");
 *
 *		suite_exercise(d, &ext4, hostfs_number("EXERCISE_OPS", 20000));
 *		host_disk_destroy(d);
 *	}
 *
 * Each expects the disk unmounted and leaves it so, with the contents it had; it checks with fsck
 * what it made, where that must be clean, and that nothing leaked.  Tools run with /usr/sbin in the
 * path.
 */
#pragma once

#include <kernel/lib/types.h>
#include "disk.h"

struct suite {
	const char *type, *options; /* of mount(2) */
	const char *fsck;           /* the image's name is appended; status 0: clean.  NULL: none */
	/* The same after allocations failed: space may be lost where what gives it back found no
	 * memory.  NULL: not asked. */
	const char *fsck_failing;
	bool may_fill;              /* the disk is small: ENOSPC is an answer */
};

/* Did the command end with status 0?  If not, what it said is shown. */
bool suite_shell(const char *fmt, ...) __printf(1, 2);

/* A machine with /mnt, for tests that mount there ... */
void suite_boot(void);
/* ... and at their end the disk goes, and nothing may have leaked. */
void suite_finish(struct host_disk *d);

/* The disk "disk" with the image's contents, in whole `sector`s (a power of two). */
struct host_disk *suite_disk_of(const char *image, u64 sector);
/* A disk with what the command makes of the file %s, which is there, empty, `bytes` long. */
struct host_disk *suite_disk(const char *name, u64 bytes, const char *mkfs);
/* Another file system on the same disk. */
void suite_mkfs(struct host_disk *d, const char *mkfs);
/* Does the command (image appended) find the disk's contents clean? */
bool suite_fsck(struct host_disk *d, const char *fsck);

/* The exerciser: `ops` operations of 8 processes, the last tenth short of memory; mounted again and
 * compared. */
void suite_exercise(struct host_disk *d, const struct suite *s, unsigned long ops);
/* The same while allocations fail: the answers may be ENOMEM, the contents must not be wrong. */
void suite_exercise_failing(struct host_disk *d, const struct suite *s, unsigned long ops);
/* For a file system that is only read: memory and transfers fail; whatever is answered, what is
 * read afterwards is right: the contents of `tree`, a folder of the host. */
void suite_read_failing(struct host_disk *d, const char *type, const char *tree);
/* Whatever happens while the disk fails requests, and then dies: nothing crashes, hangs or leaks;
 * it can be unmounted. */
void suite_io_errors(struct host_disk *d, const struct suite *s, unsigned rounds);
/*
 * All workloads at once, `steps` each, then so many cuts.  For file systems with a journal.  With
 * LYING=1 in the environment the disk's flushes do nothing, and the test must find that out.
 */
void suite_powercut(struct host_disk *d, const struct suite *s, unsigned steps, unsigned cuts);
