/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synchronous traps: what scause says, in the words of kernel/trap.
 *
 * A hart may hold on to the absence of a translation that has been filled since (arch_pte_written()
 * does not flush).  Such a stale fault shows in two ways, and an sfence.vma ends it: a fault of the
 * kernel on a kernel address whose entry allows the access, and the same fault twice in a row.
 */
#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <arch/trapframe.h>
#include <kernel/abi/signal.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/trap/trap.h>
#include "riscv_internal.h"

void trap_user(struct arch_trapframe *tf);
void trap_kernel(struct arch_trapframe *tf);
void trap_overflow(struct arch_trapframe *tf) __noreturn;

struct exception {
	u8 signo, code;
	const char *what;
};

static const struct exception exceptions[16] = {
	[CAUSE_FETCH_MISALIGNED] = { SIGBUS, BUS_ADRALN, "misaligned instruction" },
	[CAUSE_FETCH_ACCESS] = { SIGSEGV, SEGV_ACCERR, "instruction access fault" },
	[CAUSE_ILLEGAL] = { SIGILL, ILL_ILLOPC, "illegal instruction" },
	[CAUSE_LOAD_MISALIGNED] = { SIGBUS, BUS_ADRALN, "misaligned load" },
	[CAUSE_LOAD_ACCESS] = { SIGSEGV, SEGV_ACCERR, "load access fault" },
	[CAUSE_STORE_MISALIGNED] = { SIGBUS, BUS_ADRALN, "misaligned store" },
	[CAUSE_STORE_ACCESS] = { SIGSEGV, SEGV_ACCERR, "store access fault" },
};

static void exception(struct arch_trapframe *tf)
{
	static const struct exception unknown = { SIGILL, ILL_ILLTRP, "unknown trap" };
	const struct exception *e = &unknown;

	if ((u64)tf->cause < ARRAY_SIZE(exceptions) && exceptions[tf->cause].signo)
		e = &exceptions[tf->cause];
	/* Linux reports the place of the instruction for SIGILL, the access for the others. */
	vaddr_t addr = e->signo == SIGILL ? arch_tf_pc(tf) : tf->badaddr;

	trap_exception(tf, e->signo, e->code, addr, e->what);
}

static unsigned fault_access(const struct arch_trapframe *tf)
{
	if (tf->cause == CAUSE_STORE_PAGE)
		return FAULT_WRITE;
	return tf->cause == CAUSE_FETCH_PAGE ? FAULT_EXEC : FAULT_READ;
}

static bool fault_repeats(const struct arch_trapframe *tf)
{
	struct arch_thread *at = (struct arch_thread *)arch_thread_self();
	bool same = at->fault_pc == arch_tf_pc(tf) && at->fault_addr == tf->badaddr;

	at->fault_pc = same ? 0 : arch_tf_pc(tf);
	at->fault_addr = tf->badaddr;
	return same;
}

static bool is_page_fault(const struct arch_trapframe *tf)
{
	return tf->cause == CAUSE_LOAD_PAGE || tf->cause == CAUSE_STORE_PAGE ||
	       tf->cause == CAUSE_FETCH_PAGE;
}

static void flush_page(vaddr_t va)
{
	__asm__ __volatile__("sfence.vma %0" : : "r"(va) : "memory");
}

/* Context: interrupts off. */
void trap_user(struct arch_trapframe *tf)
{
	if (is_page_fault(tf)) {
		if (fault_repeats(tf))
			flush_page(tf->badaddr);
		trap_page_fault(tf, tf->badaddr, fault_access(tf) | FAULT_USER);
		/* The page may hold code that this hart has not seen stored. */
		if (tf->cause == CAUSE_FETCH_PAGE)
			__asm__ __volatile__("fence.i" : : : "memory");
	} else if (tf->cause == CAUSE_BREAKPOINT) {
		trap_breakpoint(tf, true);
	} else if (tf->cause != CAUSE_ILLEGAL || !riscv_fpu_first_use(tf)) {
		exception(tf);
	}
}

/* The kernel's own entry for `va` allows the access now. */
static bool fault_is_stale(vaddr_t va, unsigned access)
{
	unsigned need = access == FAULT_WRITE ? PTE_W | PTE_DIRTY :
			access == FAULT_EXEC  ? PTE_X :
						PTE_R;

	return riscv_kernel_allows(va, need | PTE_ACCESSED);
}

/* Context: interrupts off. */
void trap_kernel(struct arch_trapframe *tf)
{
	if (is_page_fault(tf)) {
		bool repeats = fault_repeats(tf);

		if (repeats)
			flush_page(tf->badaddr);
		else if (fault_is_stale(tf->badaddr, fault_access(tf))) {
			flush_page(tf->badaddr);
			return;
		}
		trap_page_fault(tf, tf->badaddr, fault_access(tf));
	} else if (tf->cause == CAUSE_BREAKPOINT) {
		trap_breakpoint(tf, false);
	} else {
		exception(tf);
	}
}

void trap_overflow(struct arch_trapframe *tf)
{
	panic_frame(tf, "kernel stack overflow");
}

void arch_tf_dump(const struct arch_trapframe *tf)
{
	static const char names[32][4] = {
		"pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",
		"a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5",
		"s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};

	for (unsigned i = 0; i < 32; i += 4)
		log_err("%3s %016llx %3s %016llx %3s %016llx %3s %016llx\n", names[i], tf->regs[i],
			names[i + 1], tf->regs[i + 1], names[i + 2], tf->regs[i + 2], names[i + 3],
			tf->regs[i + 3]);
	log_err("status %016llx cause %016llx badaddr %016llx\n", tf->status, (u64)tf->cause,
		tf->badaddr);
}
