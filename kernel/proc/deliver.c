/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals on their way to the program: actions, handlers, stops, restarts.  signal(7),
 * sigreturn(2).
 *
 * Called before a return to user mode with THREAD_SIGPENDING or THREAD_RESTORE_MASK set.  It takes
 * signals one by one until one has a handler, which is entered, or none is left.  An interrupted
 * system call has left one of the ERESTART codes as its result; what becomes of it depends on
 * whether a handler runs:
 *
 *				a handler runs			none does
 *	ERESTARTNOHAND		EINTR				the call again
 *	ERESTARTSYS		EINTR, or again (SA_RESTART)	again
 *	ERESTARTNOINTR		again				again
 *	ERESTART_RESTARTBLOCK	EINTR				restart_syscall(2)
 *
 * Group stop: the thread that takes a stop signal marks all threads; each stops on its own way
 * here; the last one to stop tells the parent.
 */
#include <kernel/proc/process.h>

#include <arch/signal.h>
#include <arch/syscall.h>
#include <arch/trapframe.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/wait.h>
#include <kernel/sched/sched.h>
#include <kernel/trap/trap.h>
#include <mm/usercopy.h>

#include "process_internal.h"

/* Stops. */

/* Tell the parent what continue_stopped() or we left to tell.  No locks held. */
static void tell_parent(struct process *p)
{
	struct signal_shared *sh = &p->sig;
	guard_spin_irq(&tree_lock);
	u32 why;

	{
		guard_spin(&sh->lock);
		why = sh->flags & (SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED);
		sh->flags &= ~why;
	}
	if (why & SIGNAL_CLD_CONTINUED)
		notify_parent(p, CLD_CONTINUED, SIGCONT);
	else if (why & SIGNAL_CLD_STOPPED)
		notify_parent(p, CLD_STOPPED, sh->stop_signal);
}

/* Join the stop.  Called with sh->lock held, returns with it released. */
static void stop_here(struct process *p, struct signal_shared *sh, irqflags_t flags)
{
	struct signal_state *st = thread_current()->sig;

	st->stop_pending = false;
	thread_set_state(THREAD_STOPPED);
	bool last = sh->stop_count && --sh->stop_count == 0;
	if (last) {
		sh->flags = (sh->flags & SIGNAL_UNKILLABLE) | SIGNAL_STOPPED | SIGNAL_CLD_STOPPED;
		p->reported_stop = false;
	}
	spin_unlock_irqrestore(&sh->lock, flags);
	if (last)
		tell_parent(p);
	schedule();
}

/* A stop signal was taken: everybody is to stop.  Returns false when SIGCONT or death came first.
 */
static void start_stop(struct process *p, int signo)
{
	struct signal_shared *sh = &p->sig;
	struct signal_state *st;
	/* Unlocked by stop_here, which sleeps. */
	irqflags_t flags = spin_lock_irqsave(&sh->lock);

	if (sh->flags & (SIGNAL_GROUP_EXIT | SIGNAL_EXEC)) {
		spin_unlock_irqrestore(&sh->lock, flags);
		return;
	}
	if (!(sh->flags & SIGNAL_STOPPED))
		sh->stop_signal = signo;
	sh->stop_count = 0;
	list_for_each (st, &sh->threads, link) {
		if (st->exiting)
			continue;
		st->stop_pending = true;
		sh->stop_count++;
		if (st->thread != thread_current()) {
			thread_flag_set(st->thread, THREAD_SIGPENDING);
			if (!thread_wake_state(st->thread, THREAD_INTERRUPTIBLE))
				thread_kick(st->thread);
		}
	}
	stop_here(p, sh, flags);
}

/* Default action of a stop signal: unless it came from the terminal to an orphaned group. */
static void stop_by_signal(struct process *p, int signo)
{
	if (signo != SIGSTOP) {
		guard_spin_irq(&tree_lock);
		if (group_is_orphaned(p->group, NULL))
			return;
	}
	start_stop(p, signo);
}

/* Join a stop others began; tell the parent we were continued.  True: look again. */
static bool stop_work(struct process *p)
{
	struct signal_shared *sh = &p->sig;
	irqflags_t flags = spin_lock_irqsave(&sh->lock);

	if (sh->flags & (SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED) &&
	    !(sh->flags & SIGNAL_STOPPED)) {
		spin_unlock_irqrestore(&sh->lock, flags);
		tell_parent(p);
		return true;
	}
	if (thread_current()->sig->stop_pending && sh->stop_count) {
		stop_here(p, sh, flags);
		return true;
	}
	thread_current()->sig->stop_pending = false;
	spin_unlock_irqrestore(&sh->lock, flags);
	return false;
}

/* Taking one. */

static void exit_if_killed(struct process *p)
{
	struct signal_shared *sh = &p->sig;
	struct signal_state *st = thread_current()->sig;

	if (!signal_fatal_pending(thread_current()))
		return;
	if (sh->flags & SIGNAL_GROUP_EXIT)
		process_exit_thread(sh->exit_code);
	if ((sh->flags & SIGNAL_EXEC) && sh->exec_by != st)
		process_exit_thread(SIGKILL);
	process_exit_group(SIGKILL);
}

static void default_action(struct process *p, int signo)
{
	ksigset_t bit = signo < KSIG_RTMIN ? KSIG_BIT(signo) : 0;

	if (bit & SIGSET_IGNORED)
		return;
	if ((p->sig.flags & SIGNAL_UNKILLABLE) && signo != SIGKILL)
		return;
	if (bit & SIGSET_STOP) {
		stop_by_signal(p, signo);
		return;
	}
	process_exit_group(signo);
}

/* The next signal that has a handler.  Returns its number, 0 when there is none. */
static int next_handled(struct process *p, struct ksiginfo *info, struct abi_sigaction *action)
{
	struct signal_state *st = thread_current()->sig;
	struct signal_shared *sh = st->shared;

	for (;;) {
		exit_if_killed(p);
		if (stop_work(p))
			continue;
		int signo;
		{
			guard_spin_irq(&sh->lock);
			signo = signal_dequeue_locked(st, ~st->blocked, info);
			if (!signo) {
				signal_recalc_locked(st);
				return 0;
			}
			spin_lock(&sh->actions->lock);
			struct abi_sigaction *a = &sh->actions->action[signo - 1];
			*action = *a;
			bool handled = a->handler != (unsigned long)SIG_DFL &&
				       a->handler != (unsigned long)SIG_IGN;
			if (handled && (a->flags & SA_RESETHAND))
				a->handler = (unsigned long)SIG_DFL;
			spin_unlock(&sh->actions->lock);
		}
		process_timer_delivered(info);
		if (action->handler == (unsigned long)SIG_IGN)
			continue;
		if (action->handler != (unsigned long)SIG_DFL)
			return signo;
		default_action(p, signo);
	}
}

/* Restarts. */

static bool is_restart(long ret)
{
	return ret == -ERESTARTSYS || ret == -ERESTARTNOINTR || ret == -ERESTARTNOHAND ||
	       ret == -ERESTART_RESTARTBLOCK;
}

static void restart_with_handler(struct arch_trapframe *tf, const struct abi_sigaction *action)
{
	if (!arch_in_syscall(tf))
		return;
	long ret = arch_syscall_result(tf);

	if (!is_restart(ret))
		return;
	if (ret == -ERESTARTNOINTR || (ret == -ERESTARTSYS && (action->flags & SA_RESTART)))
		arch_syscall_restart(tf);
	else
		arch_syscall_set_result(tf, -EINTR);
}

static void restart_without_handler(struct arch_trapframe *tf)
{
	if (!arch_in_syscall(tf))
		return;
	long ret = arch_syscall_result(tf);

	if (ret == -ERESTART_RESTARTBLOCK)
		arch_syscall_restart_block(tf);
	else if (is_restart(ret))
		arch_syscall_restart(tf);
}

/* Handlers. */

static bool on_altstack(const stack_t *ss, vaddr_t sp)
{
	vaddr_t base = (vaddr_t)ss->ss_sp;

	return !(ss->ss_flags & SS_AUTODISARM) && sp > base && sp - base <= ss->ss_size;
}

static int altstack_flags(const stack_t *ss, vaddr_t sp)
{
	if (!ss->ss_size)
		return SS_DISABLE;
	return on_altstack(ss, sp) ? SS_ONSTACK : 0;
}

static void choose_stack(struct signal_delivery *d, struct arch_trapframe *tf, stack_t *ss)
{
	d->sp = arch_tf_sp(tf);
	d->altstack = *ss;
	d->altstack.ss_flags = altstack_flags(ss, d->sp) | (ss->ss_flags & (int)SS_AUTODISARM);
	d->on_altstack = ss->ss_size && on_altstack(ss, d->sp);
	if ((d->flags & SA_ONSTACK) && ss->ss_size && !d->on_altstack) {
		d->sp = (vaddr_t)ss->ss_sp + ss->ss_size;
		d->on_altstack = true;
	}
}

static void enter_handler(struct arch_trapframe *tf, int signo, const struct ksiginfo *info,
			  const struct abi_sigaction *action)
{
	struct thread *t = thread_current();
	struct signal_state *st = t->sig;
	bool restore = thread_flag_test(t, THREAD_RESTORE_MASK);
	struct signal_delivery d = {
		.signo = signo,
		.info = info,
		.handler = action->handler,
		.flags = action->flags,
		.saved_mask = restore ? st->saved_mask : st->blocked,
	};

#ifdef SA_RESTORER
	if (action->flags & SA_RESTORER)
		d.restorer = action->restorer;
#endif
	choose_stack(&d, tf, &st->altstack);
	restart_with_handler(tf, action);
	rseq_update(tf);
	if (arch_signal_push(tf, &d)) {
		struct ksiginfo fault;

		siginfo_kernel(&fault, SIGSEGV);
		/* No room for SIGSEGV's own frame either: its handler cannot help. */
		if (signo == SIGSEGV) {
			struct abi_sigaction dfl = {0}, old;
			if (signal_set_action(SIGSEGV, &dfl, &old))
				process_exit_group(SIGSEGV);
		}
		signal_force(&fault);
		return;
	}
	arch_syscall_forget(tf);
	thread_flag_clear(t, THREAD_RESTORE_MASK);
	if (st->altstack.ss_flags & (int)SS_AUTODISARM)
		st->altstack = (stack_t){.ss_flags = SS_DISABLE};
	ksigset_t blocked = st->blocked | action->mask;
	if (!(action->flags & SA_NODEFER))
		blocked |= KSIG_BIT(signo);
	signal_set_blocked(blocked);
}

void signal_deliver(struct arch_trapframe *tf)
{
	struct thread *t = thread_current();
	struct abi_sigaction action;
	struct ksiginfo info;
	int signo;

	for (;;) {
		signo = next_handled(t->process, &info, &action);
		if (!signo)
			break;
		enter_handler(tf, signo, &info, &action);
	}
	restart_without_handler(tf);
	arch_syscall_forget(tf);
	if (thread_flag_test(t, THREAD_RESTORE_MASK)) {
		thread_flag_clear(t, THREAD_RESTORE_MASK);
		signal_set_blocked(t->sig->saved_mask);
	}
}

static void send_fault(int signo, int code, vaddr_t addr)
{
	struct ksiginfo info;

	siginfo_fault(&info, signo, code, addr);
	signal_force(&info);
}

void deliver_init(void)
{
	trap_set_signal_hook(signal_deliver);
	trap_set_signal_sender(send_fault);
}

/* sigaltstack(2), and the part of rt_sigreturn(2) that restores it. */

static int altstack_set(const stack_t *new, vaddr_t sp)
{
	struct signal_state *st = thread_current()->sig;
	int mode = new->ss_flags & ~(int)SS_AUTODISARM;

	if (on_altstack(&st->altstack, sp) && st->altstack.ss_size)
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		st->altstack = (stack_t){.ss_flags = SS_DISABLE};
		return 0;
	}
	if (new->ss_size < arch_signal_frame_size())
		return -ENOMEM;
	st->altstack = *new;
	return 0;
}

long sys_sigaltstack(const struct sigaltstack __user *ss, struct sigaltstack __user *oss)
{
	struct signal_state *st = thread_current()->sig;
	vaddr_t sp = arch_tf_sp(arch_user_frame(thread_current()));
	stack_t new, old = st->altstack;

	if (ss && copy_from_user(&new, ss, sizeof(new)))
		return -EFAULT;
	old.ss_flags = altstack_flags(&old, sp) | (old.ss_flags & (int)SS_AUTODISARM);
	if (ss) {
		int err = altstack_set(&new, sp);
		if (err)
			return err;
	}
	if (oss && copy_to_user(oss, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

long sys_rt_sigreturn(void)
{
	struct thread *t = thread_current();
	struct arch_trapframe *tf = arch_user_frame(t);
	stack_t altstack;
	u64 mask;

	if (arch_signal_pop(tf, &mask, &altstack)) {
		send_fault(SIGSEGV, SI_KERNEL, 0);
		return 0;
	}
	signal_set_blocked(mask);
	/* As on Linux a bad alternate stack in the frame is quietly not taken. */
	if (altstack_set(&altstack, arch_tf_sp(tf)))
		altstack.ss_size = 0;
	arch_syscall_forget(tf);
	return arch_syscall_result(tf);
}
