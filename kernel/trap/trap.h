/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the machine's entry code calls up into the portable kernel, and what it returns through.
 *
 * The entry code has saved the registers in `tf`, switched to the thread's kernel stack and left
 * interrupts off.  Synchronous traps are entered with interrupts off; these functions turn them on
 * when the trapped code had them on, and return with interrupts off.
 */
#pragma once

#include <kernel/abi/signal.h>
#include <kernel/lib/types.h>
#include <kernel/lib/list.h>

struct arch_trapframe;
struct thread;

enum fault_access {
	FAULT_READ = 1u << 0,
	FAULT_WRITE = 1u << 1,
	FAULT_EXEC = 1u << 2,
	FAULT_USER = 1u << 3, /* from user mode */
	FAULT_PRESENT =
		1u << 4, /* the translation exists but forbids it; as far as the machine tells */
};

enum fault_result {
	FAULT_OK,
	FAULT_RETRY, /* run the instruction again: it will fault again or not */
	FAULT_SIGSEGV_MAPERR,
	FAULT_SIGSEGV_ACCERR,
	FAULT_SIGBUS_ADRERR,
	FAULT_OOM, /* the thread was killed or should be */
};

/* --- upcalls of arch ----------------------------------------------------------------------- */

/*
 * A memory access at `tf` to `addr` faulted; `access` is a mask of enum fault_access.  Handles it,
 * fixes up a user copy, sends a signal, or panics.
 */
void trap_page_fault(struct arch_trapframe *tf, vaddr_t addr, unsigned access);

/*
 * Any other synchronous trap: from user mode, `signo` with si_code `code` and si_addr `addr`; from
 * the kernel, a fix-up or panic with `what`.
 */
void trap_exception(struct arch_trapframe *tf, int signo, int code, vaddr_t addr, const char *what);

/* A breakpoint instruction.  From the kernel: the debugger, or panic. */
void trap_breakpoint(struct arch_trapframe *tf, bool user);

/*
 * An interrupt; `hwirq` is what the CPU told and means something to the root controller.  Accounts,
 * runs the handler and the deferred context, and, when the interrupted kernel code may be
 * preempted, reschedules: so it must run on the interrupted thread's own stack.
 */
void trap_irq(struct arch_trapframe *tf, unsigned hwirq);

/* For CPUs whose timer or IPIs do not come through the root controller: the same around a function.
 */
void trap_irq_call(struct arch_trapframe *tf, void (*fn)(struct arch_trapframe *tf));

/* A non-maskable interrupt.  Touches nothing but the log. */
void trap_nmi(struct arch_trapframe *tf);

/* A system call (kernel/syscall).  Entered with interrupts on. */
void trap_syscall(struct arch_trapframe *tf);

/*
 * Before returning to user mode with any of THREAD_EXIT_WORK set.  Entered and left with interrupts
 * off; loops until no bit is left.  The entry code must test the flags once more only if it enabled
 * interrupts since.
 */
void trap_return_to_user(struct arch_trapframe *tf);

/* --- registered from above ----------------------------------------------------------------- */

/* mm: handle the fault, which may sleep when interrupts were on and page faults are allowed. */
void trap_set_fault_handler(enum fault_result (*fn)(vaddr_t addr, unsigned access,
						    struct arch_trapframe *tf));

/* kernel/proc: force a signal on the current thread. */
void trap_set_signal_sender(void (*fn)(int signo, int code, vaddr_t addr));

/* kernel/proc: deliver what is pending; clears THREAD_SIGPENDING when nothing is.  Interrupts on,
 * may sleep. */
void trap_set_signal_hook(void (*deliver)(struct arch_trapframe *tf));

/* kernel/proc: the thread was preempted or migrated: fix its rseq area.  Interrupts on, may sleep.
 */
void trap_set_rseq_hook(void (*fn)(struct arch_trapframe *tf));

/* --- work at return to user mode ------------------------------------------------------------ */

/* Runs in the thread's context before it returns to user mode or exits; may sleep. */
struct notify_work {
	struct llist_node link;
	void (*fn)(struct notify_work *w);
};

/* Have w->fn(w) run soon in `t`'s context.  Returns -ESRCH when `t` is past its last return.
 * Context: any. */
int __must_check notify_work_add(struct thread *t, struct notify_work *w);
/* Run the current thread's; `last` refuses later additions (exit).  Context: may sleep. */
void notify_work_run(bool last);

/* Where a trap is unexpected: warn when a CPU has run one thread in the kernel for 60 s of guest
 * time. */
void watchdog_tick(bool user);
