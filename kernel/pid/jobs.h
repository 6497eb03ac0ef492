/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What terminals, sockets and signalfd ask of the process room: who we are, and job control.  It
 * answers; they lie below it.
 *
 * "We" is the process of the running thread.  Context: threads, may not hold tree_lock or signal
 * locks.
 */
#pragma once

#include <kernel/lib/types.h>

struct ksiginfo;
struct pid;
struct tty;

struct job_control {
	/* The number of our process, as getpid(2) says it. */
	u32 (*process_id)(void);

	/* Our group, our session, counted; the session's number stands for its leader. */
	struct pid *(*group)(void);
	struct pid *(*session)(void);
	bool (*leads_session)(void);

	/* Our controlling terminal: uncounted, stable while we hold the terminal's own locks. */
	struct tty *(*tty)(void);
	/* Ours only. */
	void (*set_tty)(struct tty *tty);
	/* Every process of `session` that has `tty` loses it. */
	void (*drop_tty)(struct pid *session, struct tty *tty);

	/* Send to all members, without asking permission.  0 or -ESRCH. */
	int (*kill_group)(struct pid *group, int signo);
	/* Send to the leader of a session: SIGHUP, SIGCONT. */
	void (*kill_session_leader)(struct pid *session, int signo);

	/* A background group that nobody can continue: it gets EIO instead of a stop. */
	bool (*group_orphaned)(void);
	bool (*signal_ignored)(int signo); /* by us: blocked or ignored */
	/* We took this signal from our queue: a timer that sent it counts what it missed, runs
	 * on. */
	void (*signal_taken)(struct ksiginfo *info);
	/* Is `group` a group of `session`? */
	bool (*group_in_session)(struct pid *group, struct pid *session);
};

/* Set once at boot, before the first process. */
extern const struct job_control *job_control;
