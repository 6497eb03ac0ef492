/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traps, interrupts, and the way back to user mode.
 *
 * A fault is handled by the handler mm registered; what it cannot resolve becomes a signal in user
 * mode, a fix-up where the kernel touched user memory, and a panic anywhere else.
 *
 * The work at return to user mode is a loop over the flags with interrupts off in between: a flag
 * set by an interrupt after the last test is seen, because the entry code leaves for user mode with
 * interrupts off.
 */
#define LOG_PREFIX "trap: "

#include <arch/trapframe.h>
#include <arch/types.h>
#include <arch/usercopy.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/irq/irq.h>
#include <kernel/sched/sched.h>
#include <kernel/smp/percpu.h>
#include <kernel/time/clock.h>
#include <kernel/trap/trap.h>
#include <kernel/trap/trap_frame.h>
#include "trap_internal.h"

static enum fault_result (*fault_handler)(vaddr_t addr, unsigned access, struct arch_trapframe *tf);
static void (*signal_sender)(int signo, int code, vaddr_t addr);
static void (*signal_hook)(struct arch_trapframe *tf);
static void (*rseq_hook)(struct arch_trapframe *tf);
static DEFINE_PER_CPU(const struct arch_trapframe *, irq_frame);

void trap_set_fault_handler(enum fault_result (*fn)(vaddr_t addr, unsigned access,
						    struct arch_trapframe *tf))
{
	atomic_store_release(&fault_handler, fn);
}

void trap_set_signal_sender(void (*fn)(int signo, int code, vaddr_t addr))
{
	atomic_store_release(&signal_sender, fn);
}

void trap_set_signal_hook(void (*deliver)(struct arch_trapframe *tf))
{
	atomic_store_release(&signal_hook, deliver);
}

void trap_set_rseq_hook(void (*fn)(struct arch_trapframe *tf))
{
	atomic_store_release(&rseq_hook, fn);
}

/* --- faults --------------------------------------------------------------------------------- */

static void send_signal(struct arch_trapframe *tf, int signo, int code, vaddr_t addr)
{
	void (*send)(int, int, vaddr_t) = atomic_load_acquire(&signal_sender);

	if (!send)
		panic_frame(tf, "signal %d for a user thread, but nobody delivers signals", signo);
	send(signo, code, addr);
}

/* A fault in the kernel that nobody resolved. */
static void kernel_fault(struct arch_trapframe *tf, vaddr_t addr, unsigned access)
{
	if (arch_fixup(tf))
		return;
	panic_frame(tf, "kernel %s at %#lx, not mapped for that%s",
		    access & FAULT_EXEC    ? "jump to"
		    : access & FAULT_WRITE ? "write"
					   : "read",
		    addr, addr < PAGE_SIZE ? " (NULL pointer)" : "");
}

/* May a fault of the kernel on a user address be handled by paging, which sleeps? */
static bool may_page(const struct arch_trapframe *tf, vaddr_t addr)
{
	const struct thread *t = thread_current();

	return addr < USER_TOP && t->mm && !t->preempt_count && !t->pagefault_disabled &&
	       arch_tf_irqs_on(tf);
}

static void act_on(struct arch_trapframe *tf, enum fault_result result, vaddr_t addr,
		   unsigned access)
{
	bool user = access & FAULT_USER;

	switch (result) {
	case FAULT_OK:
	case FAULT_RETRY: return;
	case FAULT_OOM:
		/* The thread was killed, or memory may come: the access is tried again. */
		if (!user)
			kernel_fault(tf, addr, access);
		return;
	case FAULT_SIGSEGV_MAPERR:
	case FAULT_SIGSEGV_ACCERR:
	case FAULT_SIGBUS_ADRERR:
		if (!user)
			kernel_fault(tf, addr, access);
		else if (result == FAULT_SIGBUS_ADRERR)
			send_signal(tf, SIGBUS, BUS_ADRERR, addr);
		else
			send_signal(tf, SIGSEGV,
				    result == FAULT_SIGSEGV_MAPERR ? SEGV_MAPERR : SEGV_ACCERR,
				    addr);
		return;
	}
}

void trap_page_fault(struct arch_trapframe *tf, vaddr_t addr, unsigned access)
{
	enum fault_result (*handle)(vaddr_t, unsigned, struct arch_trapframe *) =
		atomic_load_acquire(&fault_handler);

	if (!handle || (!(access & FAULT_USER) && !may_page(tf, addr))) {
		kernel_fault(tf, addr, access);
		return;
	}
	arch_irq_enable();
	act_on(tf, handle(addr, access, tf), addr, access);
	arch_irq_disable();
}

void trap_exception(struct arch_trapframe *tf, int signo, int code, vaddr_t addr, const char *what)
{
	if (!arch_tf_user(tf)) {
		if (!arch_fixup(tf))
			panic_frame(tf, "%s in the kernel, address %#lx", what, addr);
		return;
	}
	arch_irq_enable();
	send_signal(tf, signo, code, addr);
	arch_irq_disable();
}

void trap_breakpoint(struct arch_trapframe *tf, bool user)
{
	trap_exception(tf, SIGTRAP, TRAP_BRKPT, arch_tf_pc(tf), "breakpoint");
}

void trap_nmi(struct arch_trapframe *tf)
{
	struct thread *t = thread_current();

	rcu_irq_enter();
	t->preempt_count += PREEMPT_NMI_ONE;
	log_warn("non-maskable interrupt on CPU %u\n", cpu_id());
	backtrace(LOG_ERR, NULL, tf);
	t->preempt_count -= PREEMPT_NMI_ONE;
	rcu_irq_exit();
}

/* --- interrupts ----------------------------------------------------------------------------- */

const struct arch_trapframe *trap_irq_frame(void)
{
	return this_cpu(irq_frame);
}

static const struct arch_trapframe *irq_begin(struct arch_trapframe *tf)
{
	const struct arch_trapframe *outer = this_cpu(irq_frame);

	irq_enter();
	this_cpu(irq_frame) = tf;
	return outer;
}

/* Interrupts are off; the interrupted kernel code may be preempted if it held nothing off. */
static void irq_end(struct arch_trapframe *tf, const struct arch_trapframe *outer)
{
	this_cpu(irq_frame) = outer;
	irq_exit();
	if (!arch_tf_user(tf) && arch_tf_irqs_on(tf) && !preempt_count())
		while (need_resched())
			sched_preempt_irq();
}

void trap_irq(struct arch_trapframe *tf, unsigned hwirq)
{
	const struct arch_trapframe *outer = irq_begin(tf);

	irq_handle_root(tf, hwirq);
	irq_end(tf, outer);
}

void trap_irq_call(struct arch_trapframe *tf, void (*fn)(struct arch_trapframe *tf))
{
	const struct arch_trapframe *outer = irq_begin(tf);

	fn(tf);
	irq_end(tf, outer);
}

/* --- back to user mode ---------------------------------------------------------------------- */

void trap_return_to_user(struct arch_trapframe *tf)
{
	struct thread *t = thread_current();
	void (*hook)(struct arch_trapframe *);
	u32 flags;

	while ((flags = atomic_load(&t->flags)) & THREAD_EXIT_WORK) {
		arch_irq_enable();
		if (flags & THREAD_NEED_RESCHED)
			schedule();
		if (flags & THREAD_NOTIFY)
			notify_work_run(false);
		hook = atomic_load_acquire(&signal_hook);
		if (flags & (THREAD_SIGPENDING | THREAD_KILLED | THREAD_RESTORE_MASK |
			     THREAD_STOP_REQUEST | THREAD_DEFERRED_WAKE) &&
		    hook)
			hook(tf);
		hook = atomic_load_acquire(&rseq_hook);
		if (atomic_load(&t->flags) & THREAD_RSEQ) {
			thread_flag_clear(t, THREAD_RSEQ);
			if (hook)
				hook(tf);
		}
		arch_irq_disable();
	}
	lock_debug_check_none("return to user mode");
}
