/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel threads. */
#include <arch/thread.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/printf.h>
#include <security/cred.h>
#include "sched_internal.h"

#define KTHREAD_STOP 1u
#define KTHREAD_GONE 2u

static struct wait_queue gone = WAIT_QUEUE_INIT(gone);

static void kthread_main(void *arg)
{
	struct thread *t = thread_current();

	t->kthread_fn(t->kthread_arg);
	atomic_fetch_or(&t->kthread_stop, KTHREAD_GONE);
	wake_up_all(&gone);
	thread_exit();
}

static int create(struct thread **out, void (*fn)(void *arg), void *arg, const char *fmt,
		  va_list args)
{
	char name[THREAD_COMM_LEN];
	struct thread *t;
	int err;

	vsnprintf(name, sizeof(name), fmt, args);
	err = thread_create(&t, name);
	if (err)
		return err;
	t->kthread = 1;
	t->kthread_fn = fn;
	t->kthread_arg = arg;
	t->cred = &init_cred;
	t->se.policy = SCHED_NORMAL;
	t->se.nice = 0;
	cpumask_set_all(&t->se.affinity);
	arch_thread_kernel(t, kthread_main, NULL);
	*out = t;
	return 0;
}

int kthread_create(struct thread **out, void (*fn)(void *arg), void *arg, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = create(out, fn, arg, fmt, args);
	va_end(args);
	return err;
}

int kthread_run(void (*fn)(void *arg), void *arg, const char *fmt, ...)
{
	struct thread *t;
	va_list args;
	int err;

	va_start(args, fmt);
	err = create(&t, fn, arg, fmt, args);
	va_end(args);
	if (err)
		return err;
	thread_start(t);
	thread_put(t);
	return 0;
}

bool kthread_should_stop(void)
{
	return atomic_load(&thread_current()->kthread_stop) & KTHREAD_STOP;
}

void kthread_stop(struct thread *t)
{
	atomic_fetch_or(&t->kthread_stop, KTHREAD_STOP);
	if (thread_state(t) == THREAD_NEW) {
		thread_abandon(t);
		return;
	}
	thread_wake(t);
	wait_event(&gone, atomic_load(&t->kthread_stop) & KTHREAD_GONE);
	thread_put(t);
}
