/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power cuts: what a file system promised must be there, wherever the power went and whatever the
 * disk's cache lost.
 *
 * A workload runs on a mounted disk while every write and flush is recorded (disk.h), and tells at
 * the same time what it was promised: after fsync() returned, this file has these bytes.  Then, for
 * many moments of the record, the disk is made as a cut at that moment may have left it: what a
 * finished flush covered, and any part of the rest, down to single sectors.  It is mounted (the
 * journal is replayed), compared with the promises that held at that moment, every file is read,
 * something is written, and it is unmounted.
 *
 * Files of workloads hold words that name their file and their offset, so data that was never the
 * file's own shows.
 */
#pragma once

#include <kernel/lib/types.h>
#include "disk.h"

struct powercut;

/* One of the things that may be found at a path. */
struct outcome {
	bool absent;
	bool prefix;  /* more may follow */
	const void *data;
	size_t n;
};

/* Begin recording `d`, whose present contents are the base; `root` is where it is mounted. */
struct powercut *powercut_begin(struct host_disk *d, const char *root);
void powercut_end(struct powercut *c);
const char *powercut_root(const struct powercut *c);

/* From now on `path`, below the root, is one of these; what was promised for it before ends.  n 0:
 * nothing is promised. */
void powercut_promise(struct powercut *c, const char *path, const struct outcome *outcomes,
		      unsigned n);

/* The words of file `id` at `offset`; offset and n are multiples of 8.  `generation` tells rewrites
 * apart. */
void powercut_fill(void *buf, unsigned id, unsigned generation, u64 offset, size_t n);

struct powercut_config {
	const char *type, *options; /* of mount(2); NULL: nothing is mounted, only `check` called */
	/* Looks at the disk after cut number `cut`, before it is mounted; false: wrong.  May be
	 * NULL. */
	bool (*check)(struct host_disk *d, u32 cut, void *ctx);
	void *ctx;
	unsigned cuts;
	/* a shell command, the image's path is appended; status 0: clean.  NULL: none */
	const char *fsck;
	unsigned fsck_every;        /* of so many cuts */
	bool lying;                 /* flushes are ignored: the test of the test, which must fail */
};

/* Returns the cuts after which something was wrong.  The recorded disk is not mounted any more. */
unsigned powercut_check(struct powercut *c, const struct powercut_config *config);

/*
 * The workloads, each in its own directory, made by it: `steps` of them.  They can run side by side
 * as processes.
 */
enum powercut_work {
	WORK_FSYNC,	/* appends and overwrites, fsync after most */
	WORK_RENAME,	/* write, fsync, rename over */
	WORK_STORM,	/* create, link, delete; fsync of the directory now and then */
	WORK_TRUNCATE,	/* truncate and append */
	WORK_DIRECTORY, /* one directory grows and shrinks */
	WORK_MAPPED,	/* writes through mappings, msync */
	NR_WORKS,
};
extern const char *const powercut_work_names[NR_WORKS];
void powercut_work(struct powercut *c, enum powercut_work work, const char *dir, unsigned steps);
/* Several at once. */
void powercut_work_all(struct powercut *c, unsigned steps);
