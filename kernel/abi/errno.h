/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error numbers, and those that exist only between a system call and the way back to user mode.
 */
#pragma once

#include <asm/errno.h>

/*
 * A call interrupted by a signal says what shall become of it.  A tracer sees these numbers at
 * syscall exit, so they are Linux's.
 */
#define ERESTARTSYS	      512 /* restart if the handler has SA_RESTART */
#define ERESTARTNOINTR	      513 /* restart always */
#define ERESTARTNOHAND	      514 /* restart if no handler runs */
#define ENOIOCTLCMD	      515 /* no such ioctl here: try the next layer, at last ENOTTY */
#define ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall(2) */
#define EPROBE_DEFER	      517 /* a driver's supplier is not there yet */
#define EIOCBQUEUED	      529 /* asynchronous I/O will complete later */
