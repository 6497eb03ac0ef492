/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a thread is to the machine: saved registers, TLS base, vector state.
 *
 * <isa/thread.h> supplies struct arch_thread, embedded in struct thread.
 */
#ifndef ARCH_THREAD_H
#define ARCH_THREAD_H

#include <kernel/lib/types.h>
#include <isa/thread.h>

struct arch_trapframe;
struct thread;

/*
 * `t`, whose stack is allocated, will run fn(arg) in the kernel, after thread_first_run().  fn
 * returns only after arch_thread_exec(): the thread then enters user mode with its user frame.
 */
void arch_thread_kernel(struct thread *t, void (*fn)(void *), void *arg);

/*
 * `child` will return to user mode from a copy of the current thread's user frame, with return
 * value 0, with stack pointer `sp` unless that is 0.  Copies vector state and TLS base.  Returns 0
 * or -ENOMEM (vector save area).
 */
int arch_thread_fork(struct thread *child, vaddr_t sp) __must_check;

/* Reset registers and vector state of the current thread for a new program; takes effect at return
 * to user mode. */
void arch_thread_exec(struct arch_trapframe *tf, vaddr_t entry, vaddr_t sp);

/* Free what arch_thread_fork or _kernel allocated.  Context: any; `t` never runs again. */
void arch_thread_destroy(struct thread *t);

/*
 * Switch stacks, callee-saved registers, TLS base and (lazily or not: the ISA's business) vector
 * state. Context: interrupts off, both run queues settled.  Returns, in the new thread, the thread
 * that ran before it.
 */
struct thread *arch_switch(struct thread *prev, struct thread *next);

/* The user TLS register of `t` (x86: fs base). */
vaddr_t arch_tls(const struct thread *t);
void arch_set_tls(struct thread *t, vaddr_t tls);

#endif
