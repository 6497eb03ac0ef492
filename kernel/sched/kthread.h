/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel threads: functions with a stack of their own and no user half. */
#pragma once

#include <kernel/lib/compiler.h>

struct thread;

/*
 * A thread that will run fn(arg) once started with thread_start(); the creator holds a reference,
 * which kthread_stop or thread_put gives back.  Returns 0 or -ENOMEM.  Context: may sleep.
 */
int __must_check kthread_create(struct thread **out, void (*fn)(void *arg), void *arg,
				const char *fmt, ...) __printf(4, 5);
/* Create and start one that nobody will stop. */
int __must_check kthread_run(void (*fn)(void *arg), void *arg, const char *fmt, ...) __printf(3, 4);

/* In the thread: has somebody asked it to end?  Its waits must include this condition. */
bool kthread_should_stop(void);
/* Ask `t` to end, wake it, wait until it has, and drop the reference.  Context: may sleep. */
void kthread_stop(struct thread *t);
