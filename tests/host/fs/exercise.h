/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file-system exerciser: random operations of several processes, each against a model of its own
 * directory, and all of them in a common one where only what must hold under any interleaving is
 * checked.
 *
 * The same files are part of a host program (the calls are functions of the kernel, processes are
 * coroutines) and of the guest program tests/stress/fsexercise.c (real calls, forked processes):
 * exercise_platform.h hides which.
 *
 * What the file system cannot do is found by trying it first and left out.
 */
#pragma once

struct exercise;

struct exercise_config {
	const char *base;          /* an existing directory, empty, of the file system under test */
	unsigned long long seed;
	unsigned processes;        /* at most EX_MAX_PROCESSES */
	unsigned long ops;         /* of each process */
	int may_fill;              /* ENOSPC is an answer */
	int may_fail;              /* ENOMEM is one too */
	/* leave out hard links, which an overlay breaks when they lie in its lower layer */
	int no_links;
};

#define EX_MAX_PROCESSES 16

/* Find out what works, make the directories.  NULL after printing why not. */
struct exercise *exercise_create(const struct exercise_config *config);
/* The same contents are now to be had at another place, perhaps in another way: find out again what
 * works there. */
void exercise_move(struct exercise *x, const char *base);
/* How many operations of each process the next run does. */
void exercise_set_ops(struct exercise *x, unsigned long ops);
/*
 * `ops` operations of each process.  Returns the processes that found a mismatch, each of which
 * printed its last operations, or died.
 */
unsigned exercise_run(struct exercise *x);
/* Compare everything with the models, say after mounting again.  Returns as exercise_run. */
unsigned exercise_verify(struct exercise *x);
/* Close what is held open, so that the file system can be unmounted.  In the guest: nothing,
 * processes are gone. */
void exercise_destroy(struct exercise *x);
