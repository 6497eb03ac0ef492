/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process room calls of terminals. */
#pragma once

/*
 * The running process leads a session, has a controlling terminal and is exiting: hang the terminal
 * up, send SIGHUP and SIGCONT to its foreground group, and take it from every process of the
 * session.  Context: may sleep, no locks.
 */
void tty_session_leader_exit(void);
