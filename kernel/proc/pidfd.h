/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that stand for processes.  pidfd_open(2). */
#pragma once

#include <kernel/lib/types.h>

struct file;
struct pid;

/*
 * Reserve a number and make a pidfd of `pid`; the caller installs or gives both back.  0, -EMFILE,
 * -ENFILE, -ENOMEM.
 */
int __attribute__((warn_unused_result))
pidfd_create(struct pid *pid, unsigned flags, int *fd, struct file **file);

/* The pid behind a file, which counts it; NULL when that is no pidfd. */
struct pid *pidfd_pid(const struct file *file);
/* The pid behind a descriptor, counted.  0 or -EBADF. */
int __attribute__((warn_unused_result)) pidfd_get_pid(int fd, struct pid **out);
