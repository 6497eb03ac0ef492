/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each vector means (Intel SDM volume 3, chapter 6).
 *
 * Vectors below 32 are exceptions: they become a signal, a page fault or a fix-up of kernel/trap.
 * The others are interrupts and go to the root controller, the local APIC (irq.c), by vector
 * number.
 */
#include <arch/trapframe.h>
#include <arch/usercopy.h>
#include <kernel/abi/signal.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/sections.h>
#include <kernel/sched/thread.h>
#include <kernel/trap/trap.h>
#include "msr.h"
#include "x86_internal.h"

enum {
	VEC_DE,
	VEC_DB,
	VEC_NMI,
	VEC_BP,
	VEC_OF,
	VEC_BR,
	VEC_UD,
	VEC_NM,
	VEC_DF,
	VEC_OLD,
	VEC_TS,
	VEC_NP,
	VEC_SS,
	VEC_GP,
	VEC_PF,
	VEC_RESERVED,
	VEC_MF,
	VEC_AC,
	VEC_MC,
	VEC_XM,
	VEC_VE,
	VEC_CP,
	VEC_FIRST_IRQ = 32,
};

#define PF_PRESENT 0x01
#define PF_WRITE   0x02
#define PF_USER	   0x04
#define PF_RSVD	   0x08
#define PF_FETCH   0x10

#define RFLAGS_TF 0x100
#define RFLAGS_AC 0x40000
#define DR6_BS	  0x4000

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};

#define GATE_INTERRUPT 0x8e
#define GATE_DPL3      0x60

static struct gate idt[256] __aligned(16);

struct descriptor_register {
	u16 limit;
	u64 base;
} __packed;

void x86_idt_load(void)
{
	struct descriptor_register r = { sizeof(idt) - 1, (u64)idt };

	__asm__ __volatile__("lidt %0" ::"m"(r));
}

void x86_idt_init(void)
{
	for (unsigned v = 0; v < 256; v++) {
		u64 stub = (u64)x86_vectors + 16 * v;

		idt[v] = (struct gate){
			.offset_low = (u16)stub,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
			.selector = KERNEL_CS,
			.type = GATE_INTERRUPT,
		};
	}
	idt[VEC_BP].type |= GATE_DPL3;
	idt[VEC_OF].type |= GATE_DPL3;
	idt[VEC_DF].ist = IST_DF;
	idt[VEC_NMI].ist = IST_NMI;
	idt[VEC_MC].ist = IST_MC;
	idt[VEC_DB].ist = IST_DB;
}

static u64 read_dr6(void)
{
	u64 v;

	__asm__ __volatile__("movq %%dr6, %0" : "=r"(v));
	return v;
}

static void clear_dr6(void)
{
	__asm__ __volatile__("movq %0, %%dr6" ::"r"(0xffff0ff0ull));
}

/* The exceptions that are simply a signal.  `at_pc`: si_addr is the instruction. */
static const struct {
	const char *name;
	int signo, code;
	bool at_pc;
} exceptions[VEC_FIRST_IRQ] = {
	[VEC_DE] = { "divide error", SIGFPE, FPE_INTDIV, true },
	[VEC_OF] = { "overflow", SIGSEGV, SI_KERNEL, false },
	[VEC_BR] = { "bound range exceeded", SIGSEGV, SI_KERNEL, false },
	[VEC_UD] = { "invalid opcode", SIGILL, ILL_ILLOPN, true },
	[VEC_NM] = { "device not available", SIGILL, ILL_ILLOPN, true },
	[VEC_OLD] = { "coprocessor segment overrun", SIGFPE, SI_KERNEL, false },
	[VEC_TS] = { "invalid TSS", SIGSEGV, SI_KERNEL, false },
	[VEC_NP] = { "segment not present", SIGBUS, SI_KERNEL, false },
	[VEC_SS] = { "stack segment", SIGBUS, SI_KERNEL, false },
	[VEC_GP] = { "general protection fault", SIGSEGV, SI_KERNEL, false },
	[VEC_AC] = { "alignment check", SIGBUS, BUS_ADRALN, false },
};

static void page_fault(struct arch_trapframe *tf, u64 error)
{
	vaddr_t addr = read_cr2();
	unsigned access = (error & PF_FETCH)   ? FAULT_EXEC
			  : (error & PF_WRITE) ? FAULT_WRITE
					       : FAULT_READ;

	if (error & PF_USER)
		access |= FAULT_USER;
	if (error & PF_PRESENT)
		access |= FAULT_PRESENT;
	if (error & PF_RSVD)
		panic_frame(tf, "page table of %#lx is corrupt", addr);
	if (arch_tf_user(tf)) {
		thread_current()->arch.cr2 = addr;
		if (!(error & PF_USER)) {
			/*
			 * The processor's own access for an instruction of the program's: a
			 * descriptor, a stack of another level, on QEMU all that a far return pops.
			 * Paging is no help.
			 */
			trap_exception(tf, SIGSEGV, SEGV_MAPERR, addr, "page fault");
			return;
		}
	} else if (addr < USER_TOP && (error & (PF_PRESENT | PF_USER)) == PF_PRESENT &&
		   x86_has(X86_SMAP) && !(tf->rflags & RFLAGS_AC)) {
		panic_frame(tf, "kernel touched user memory at %#lx outside a user copy", addr);
	}
	trap_page_fault(tf, addr, access);
}

/* x87 and SSE exceptions: the unmasked bit of the status that is set, as si_code. */
static int fpe_code(u32 status)
{
	if (status & 1)
		return FPE_FLTINV;
	if (status & 4)
		return FPE_FLTDIV;
	if (status & 8)
		return FPE_FLTOVF;
	if (status & (0x10 | 2))
		return FPE_FLTUND;
	if (status & 0x20)
		return FPE_FLTRES;
	return 0;
}

static void fpu_exception(struct arch_trapframe *tf, unsigned vector)
{
	u32 status = 0;

	if (vector == VEC_XM) {
		u32 mxcsr;

		__asm__ __volatile__("stmxcsr %0" : "=m"(mxcsr));
		status = mxcsr & ~(mxcsr >> 7);
	} else {
		u16 sw, cw;

		__asm__ __volatile__("fnstsw %0" : "=m"(sw));
		__asm__ __volatile__("fnstcw %0" : "=m"(cw));
		status = sw & ~cw;
	}
	trap_exception(tf, SIGFPE, fpe_code(status), arch_tf_pc(tf), "floating point");
}

static void debug_exception(struct arch_trapframe *tf)
{
	u64 dr6 = read_dr6();

	clear_dr6();
	if (!arch_tf_user(tf)) {
		/* A user's trap flag that took effect on the way in. */
		tf->rflags &= ~(u64)RFLAGS_TF;
		return;
	}
	trap_exception(tf, SIGTRAP, (dr6 & DR6_BS) ? TRAP_TRACE : TRAP_BRKPT, arch_tf_pc(tf),
		       "debug");
}

static void exception(struct arch_trapframe *tf, unsigned vector, u64 error)
{
	if (arch_tf_user(tf)) {
		thread_current()->arch.trapno = vector;
		thread_current()->arch.error_code = error;
	}
	switch (vector) {
	case VEC_PF:
		page_fault(tf, error);
		return;
	case VEC_DB:
		debug_exception(tf);
		return;
	case VEC_BP:
		trap_breakpoint(tf, arch_tf_user(tf));
		return;
	case VEC_NMI:
		trap_nmi(tf);
		return;
	case VEC_MF:
	case VEC_XM:
		fpu_exception(tf, vector);
		return;
	case VEC_MC:
		panic_frame(tf, "machine check");
	case VEC_DF:
		panic_frame(tf, "double fault");
	default:
		break;
	}
	if (!exceptions[vector].name)
		panic_frame(tf, "unexpected exception %u, error code %#llx", vector, error);
	trap_exception(tf, exceptions[vector].signo, exceptions[vector].code,
		       exceptions[vector].at_pc ? arch_tf_pc(tf) : 0, exceptions[vector].name);
}

void x86_trap(struct arch_trapframe *tf, unsigned vector, u64 error)
{
	if (likely(vector >= VEC_FIRST_IRQ))
		trap_irq(tf, vector);
	else
		exception(tf, vector, error);
}

/* One of the four that interrupted the kernel itself, on its own stack. */
void x86_trap_ist(struct arch_trapframe *tf, unsigned vector, u64 error)
{
	exception(tf, vector, error);
}

/* The user's pc is not canonical: as if fetching from there had faulted. */
void x86_return_bad(struct arch_trapframe *tf)
{
	vaddr_t pc = arch_tf_pc(tf);

	tf->rip = USER_TOP;
	trap_exception(tf, SIGSEGV, SI_KERNEL, pc, "return to a bad address");
}

void arch_tf_dump(const struct arch_trapframe *tf)
{
	log_raw(LOG_EMERG, "rip %04llx:%016llx rsp %04llx:%016llx flags %08llx orig_rax %lld\n",
		tf->cs, tf->rip, tf->ss, tf->rsp, tf->rflags, tf->orig_rax);
	log_raw(LOG_EMERG, "rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", tf->rax, tf->rbx,
		tf->rcx, tf->rdx);
	log_raw(LOG_EMERG, "rsi %016llx rdi %016llx rbp %016llx r8  %016llx\n", tf->rsi, tf->rdi,
		tf->rbp, tf->r8);
	log_raw(LOG_EMERG, "r9  %016llx r10 %016llx r11 %016llx r12 %016llx\n", tf->r9, tf->r10,
		tf->r11, tf->r12);
	log_raw(LOG_EMERG, "r13 %016llx r14 %016llx r15 %016llx\n", tf->r13, tf->r14, tf->r15);
	log_raw(LOG_EMERG, "cr2 %016llx cr3 %016llx cr4 %08llx at %pS\n", read_cr2(), read_cr3(),
		read_cr4(), (void *)tf->rip);
}

/* --- the table of instructions that may fault --- */

struct ex_entry {
	s32 insn, fixup; /* distances from the words themselves */
};

bool arch_fixup(struct arch_trapframe *tf)
{
	const struct ex_entry *e = (const struct ex_entry *)__ex_table_start;

	for (; e < (const struct ex_entry *)__ex_table_end; e++) {
		if ((vaddr_t)&e->insn + (vaddr_t)(s64)e->insn != tf->rip)
			continue;
		tf->rip = (vaddr_t)&e->fixup + (vaddr_t)(s64)e->fixup;
		return true;
	}
	return false;
}
