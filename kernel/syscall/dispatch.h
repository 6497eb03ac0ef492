/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dispatch table of system calls, generated from syscalls.tbl. */
#ifndef KERNEL_SYSCALL_DISPATCH_H
#define KERNEL_SYSCALL_DISPATCH_H

#include <kernel/lib/types.h>

/* One past the largest number dispatched on any architecture, rounded up. */
#define SYSCALL_TABLE_SIZE 512

typedef long (*syscall_fn)(long, long, long, long, long, long);

/* By number; NULL answers ENOSYS. */
extern const syscall_fn syscall_table[SYSCALL_TABLE_SIZE];
extern const char *const syscall_names[SYSCALL_TABLE_SIZE];

#endif
