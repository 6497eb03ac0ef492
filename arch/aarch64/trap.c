/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions: from the syndrome register to the upcalls of kernel/trap (Arm ARM, D17.2.37 ESR_EL1).
 */
#define LOG_PREFIX "trap: "
#include <arch/trapframe.h>
#include <arch/types.h>
#include <arch/usercopy.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/sections.h>
#include <kernel/sched/thread.h>
#include <kernel/trap/trap.h>
#include <isa/sysreg.h>
#include "arm_internal.h"

/* Called by trap.S. */
void trap_user_sync(struct arch_trapframe *tf, u64 esr, u64 far);
void trap_kernel_sync(struct arch_trapframe *tf, u64 esr, u64 far);
void trap_fiq(struct arch_trapframe *tf);
void trap_serror(struct arch_trapframe *tf, u64 esr);
_Noreturn void trap_stack_overflow(struct arch_trapframe *tf, u64 esr, u64 far);
_Noreturn void trap_bad_vector(struct arch_trapframe *tf, u64 vector, u64 esr);

/* Fault status codes, level bits cut off. */
#define FSC_TRANSLATION 0x04
#define FSC_ACCESS_FLAG 0x08
#define FSC_PERMISSION	0x0c
#define FSC_EXTERNAL	0x10
#define FSC_ALIGNMENT	0x21
#define FSC_TLB_CONFLICT 0x30

/* Addresses of user mode carry a tag in the top byte that translation ignores. */
static vaddr_t untag(u64 far)
{
	return far & (1ull << 55) ? far : far & ~(0xffull << 56);
}

struct ex_entry {
	s32 insn, fixup; /* relative to the field itself */
};

/* A few dozen entries, not sorted: faults that need fixing are rare. */
static const struct ex_entry *find_fixup(vaddr_t pc)
{
	const struct ex_entry *end = (const void *)__ex_table_end;

	for (const struct ex_entry *e = (const void *)__ex_table_start; e < end; e++)
		if ((vaddr_t)&e->insn + e->insn == pc)
			return e;
	return NULL;
}

bool arch_fixup(struct arch_trapframe *tf)
{
	const struct ex_entry *e = find_fixup(tf->pc);

	if (!e)
		return false;
	tf->pc = (vaddr_t)&e->fixup + e->fixup;
	return true;
}

static void abort_other(struct arch_trapframe *tf, unsigned fsc, vaddr_t addr)
{
	if (fsc == FSC_ALIGNMENT)
		trap_exception(tf, SIGBUS, BUS_ADRALN, addr, "alignment fault");
	else
		trap_exception(tf, SIGBUS, BUS_OBJERR, addr, "synchronous external abort");
}

static void take_abort(struct arch_trapframe *tf, u64 esr, u64 far, unsigned access)
{
	unsigned fsc = ESR_FSC(esr);
	vaddr_t addr = untag(far);

	if (arch_tf_user(tf)) {
		struct arch_thread *t = &thread_current()->arch;

		access |= FAULT_USER;
		t->fault_address = far;
		t->fault_code = esr;
	} else if (addr < USER_TOP && !find_fixup(tf->pc)) {
		panic_frame(tf, "stray access to user address %#lx, syndrome %#llx", addr, esr);
	}
	switch (fsc & 0x3c) {
	case FSC_ACCESS_FLAG:
	case FSC_PERMISSION:
		access |= FAULT_PRESENT;
		__fallthrough;
	case FSC_TRANSLATION:
	case 0: /* address size */
		trap_page_fault(tf, addr, access);
		break;
	default: abort_other(tf, fsc, addr);
	}
}

static unsigned data_access(u64 esr)
{
	return (esr & ESR_WNR) && !(esr & ESR_CM) ? FAULT_WRITE : FAULT_READ;
}

static int fpe_code(u64 esr)
{
	if (!(esr & (1 << 23)))
		return FPE_FLTUNK;
	return esr & 1 ? FPE_FLTINV
	     : esr & 2 ? FPE_FLTDIV
	     : esr & 4 ? FPE_FLTOVF
	     : esr & 8 ? FPE_FLTUND
	     : esr & 16 ? FPE_FLTRES
			: FPE_FLTUNK;
}

/* MRS of an identification register into `rt`, which Linux lets user mode read (HWCAP_CPUID). */
static bool emulate_mrs(struct arch_trapframe *tf, u32 sysreg, unsigned rt)
{
	u64 value;

	if (!cpu_id_register(sysreg, &value))
		return false;
	if (rt != 31)
		tf->regs[rt] = value;
	tf->pc += 4;
	return true;
}

static bool emulate_sysreg(struct arch_trapframe *tf, u64 esr)
{
	return (esr & 1) && emulate_mrs(tf, (u32)(esr & 0x3ffc1e), esr >> 5 & 31);
}

/* Before FEAT_IDST such a read is merely undefined, and the instruction itself must tell. */
static bool emulate_undefined(struct arch_trapframe *tf)
{
	u32 insn;

	arch_irq_enable();

	int err = arch_get_user32(&insn, (const u32 __user *)tf->pc);

	arch_irq_disable();
	if (err || (insn & 0xfff00000) != 0xd5300000)
		return false;
	return emulate_mrs(tf,
			   (2 + (insn >> 19 & 1)) << 20 | (insn >> 5 & 7) << 17 |
				   (insn >> 16 & 7) << 14 | (insn >> 12 & 15) << 10 |
				   (insn >> 8 & 15) << 1,
			   insn & 31);
}

static void remember_fault(u64 esr, u64 far)
{
	struct arch_thread *t = &thread_current()->arch;

	t->fault_address = far;
	t->fault_code = esr;
}

void trap_user_sync(struct arch_trapframe *tf, u64 esr, u64 far)
{
	unsigned ec = ESR_EC(esr);

	switch (ec) {
	case EC_DABT_LOW: take_abort(tf, esr, far, data_access(esr)); return;
	case EC_IABT_LOW: take_abort(tf, esr, far, FAULT_EXEC); return;
	case EC_BRK: trap_breakpoint(tf, true); return;
	case EC_STEP_LOW:
		trap_exception(tf, SIGTRAP, TRAP_TRACE, tf->pc, "single step");
		return;
	case EC_BREAK_LOW:
	case EC_WATCH_LOW:
		trap_exception(tf, SIGTRAP, TRAP_HWBKPT, ec == EC_WATCH_LOW ? untag(far) : tf->pc,
			       "hardware breakpoint");
		return;
	case EC_FP_EXC: trap_exception(tf, SIGFPE, fpe_code(esr), tf->pc, "floating point"); return;
	case EC_SYSREG:
		if (emulate_sysreg(tf, esr))
			return;
		break;
	case EC_UNKNOWN:
		if (!(tf->pc & 3) && tf->pc < USER_TOP && emulate_undefined(tf))
			return;
		break;
	case EC_PC_ALIGN:
		remember_fault(0, 0);
		trap_exception(tf, SIGBUS, BUS_ADRALN, far, "unaligned pc");
		return;
	case EC_SP_ALIGN:
		remember_fault(0, 0);
		trap_exception(tf, SIGBUS, BUS_ADRALN, tf->sp, "unaligned stack pointer");
		return;
	}
	remember_fault(0, 0);
	trap_exception(tf, SIGILL, ILL_ILLOPC, tf->pc, "undefined instruction");
}

void trap_kernel_sync(struct arch_trapframe *tf, u64 esr, u64 far)
{
	switch (ESR_EC(esr)) {
	case EC_DABT_CUR: take_abort(tf, esr, far, data_access(esr)); return;
	case EC_IABT_CUR: take_abort(tf, esr, far, FAULT_EXEC); return;
	case EC_BRK: trap_breakpoint(tf, false); return;
	}
	panic_frame(tf, "unexpected exception in the kernel, syndrome %#llx", esr);
}

void trap_fiq(struct arch_trapframe *tf)
{
	panic_frame(tf, "unexpected FIQ");
}

/* An asynchronous external abort: what broke cannot be told. */
void trap_serror(struct arch_trapframe *tf, u64 esr)
{
	if (!arch_tf_user(tf))
		panic_frame(tf, "SError, syndrome %#llx", esr);
	trap_exception(tf, SIGBUS, BUS_OBJERR, 0, "SError");
}

_Noreturn void trap_stack_overflow(struct arch_trapframe *tf, u64 esr, u64 far)
{
	panic_frame(tf, "kernel stack overflow: stack pointer %#llx, address %#llx, syndrome %#llx",
		    tf->sp, far, esr);
}

_Noreturn void trap_bad_vector(struct arch_trapframe *tf, u64 vector, u64 esr)
{
	panic_frame(tf, "exception through vector %llu, syndrome %#llx", vector, esr);
}

void arch_tf_dump(const struct arch_trapframe *tf)
{
	log_err("pc %016llx %pS  lr %016llx %pS\n", tf->pc, (void *)tf->pc, tf->regs[30],
		(void *)tf->regs[30]);
	log_err("sp %016llx  pstate %08llx  syscall %d\n", tf->sp, tf->pstate, tf->syscall);
	for (unsigned i = 0; i < 30; i += 3)
		log_err("x%-2u %016llx  x%-2u %016llx  x%-2u %016llx\n", i, tf->regs[i], i + 1,
			tf->regs[i + 1], i + 2, tf->regs[i + 2]);
}
