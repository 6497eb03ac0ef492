/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signal frames, as Linux lays them out on arm64 (asm/sigcontext.h).
 *
 * From low to high: siginfo, ucontext with general registers and a chain of records {magic, size,
 * data} ended by a zero one, and above the whole a frame record {fp, lr} that lets a stack walk
 * continue from the handler into the interrupted code.  The record of vector state is always there,
 * that of the syndrome (ESR) when a fault has told one.
 */
#include <arch/abi.h>
#include <arch/signal.h>
#include <arch/syscall.h>
#include <arch/trapframe.h>
#include <arch/types.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/ucontext.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/space.h>
#include <mm/usercopy.h>
#include "arm_internal.h"
#include "vdso/vdso.h"

struct sigframe {
	siginfo_t info;
	struct ucontext uc;
};

struct frame_record {
	u64 fp, lr;
};

static_assert(sizeof(struct sigframe) == 4688, "struct rt_sigframe of Linux");
static_assert(offsetof(struct ucontext, uc_mcontext) == 176, "struct ucontext of Linux");
static_assert(sizeof(struct fpsimd_context) == 528, "struct fpsimd_context");

/* The part of the ucontext before the records, without the unused room of the signal mask. */
struct uc_head {
	unsigned long flags;
	struct ucontext *link;
	stack_t stack;
	ksigset_t mask;
};

struct mc_head {
	u64 fault_address, regs[31], sp, pc, pstate;
};

struct tail {
	struct esr_context esr;
	struct _aarch64_ctx end;
};

size_t arch_signal_frame_size(void)
{
	return sizeof(struct sigframe) + sizeof(struct frame_record) + 16;
}

/* What a handler may know of a fault at a kernel address: not whether something is mapped there. */
static u64 visible_esr(const struct arch_thread *t)
{
	u64 esr = t->fault_code;

	if (!(t->fault_address >> 55 & 1))
		return esr;
	if (ESR_EC(esr) == EC_DABT_LOW)
		esr &= 0xfeull << 25 | ESR_CM | ESR_WNR;
	else if (ESR_EC(esr) == EC_IABT_LOW)
		esr &= 0xfeull << 25;
	else
		return 0;
	return esr | 0x04;
}

/* Vector state, then syndrome if there is one, then the end. */
static int put_records(u8 __user *at)
{
	struct arch_thread *t = &thread_current()->arch;
	struct {
		struct _aarch64_ctx head;
		u32 fpsr, fpcr;
	} fp = { { FPSIMD_MAGIC, sizeof(struct fpsimd_context) } };
	struct tail tail = {{{ESR_MAGIC, sizeof(struct esr_context)}, visible_esr(t)}, {0, 0}};

	fpu_flush_current();
	fp.fpsr = t->fpu.fpsr;
	fp.fpcr = t->fpu.fpcr;
	if (copy_to_user(at, &fp, sizeof(fp)) ||
	    copy_to_user(at + sizeof(fp), t->fpu.v, sizeof(t->fpu.v)))
		return -EFAULT;
	at += sizeof(struct fpsimd_context);
	return t->fault_code ? copy_to_user(at, &tail, sizeof(tail))
			     : copy_to_user(at, &tail.end, sizeof(tail.end));
}

static int put_context(struct sigframe __user *frame, const struct arch_trapframe *tf,
		       const struct signal_delivery *d)
{
	struct uc_head head = { 0, NULL, d->altstack, d->saved_mask };
	struct mc_head mc;

	mc.fault_address = thread_current()->arch.fault_address;
	memcpy(mc.regs, tf->regs, sizeof(mc.regs));
	mc.sp = tf->sp;
	mc.pc = tf->pc;
	mc.pstate = tf->pstate;
	if (copy_to_user(&frame->uc, &head, sizeof(head)) ||
	    copy_to_user(&frame->uc.uc_mcontext, &mc, sizeof(mc)))
		return -EFAULT;
	return put_records((u8 __user *)frame->uc.uc_mcontext.__reserved);
}

int arch_signal_push(struct arch_trapframe *tf, const struct signal_delivery *d)
{
	struct frame_record record = { tf->regs[29], tf->regs[30] };
	vaddr_t record_at = ALIGN_DOWN(d->sp - sizeof(record), 16);
	struct sigframe __user *frame = (struct sigframe __user *)(record_at - sizeof(*frame));
	struct mm *mm = thread_current()->mm;

	if (copy_to_user((void __user *)record_at, &record, sizeof(record)) ||
	    put_context(frame, tf, d))
		return -EFAULT;
	if ((d->flags & SA_SIGINFO) && siginfo_to_user(&frame->info, d->info))
		return -EFAULT;

	tf->regs[0] = d->signo;
	if (d->flags & SA_SIGINFO) {
		tf->regs[1] = (u64)(uintptr_t)&frame->info;
		tf->regs[2] = (u64)(uintptr_t)&frame->uc;
	}
	tf->regs[29] = record_at;
	tf->regs[30] = d->restorer ? d->restorer : mm->vdso + arch_vdso_sigreturn();
	tf->sp = (u64)(uintptr_t)frame;
	tf->pc = d->handler;
	tf->pstate &= ~(u64)(PSR_BTYPE | PSR_TCO);
	return 0;
}

static int get_fpsimd(const u8 __user *at, u32 size)
{
	struct thread *self = thread_current();
	struct arch_fpu fpu = { 0 };
	struct {
		u32 fpsr, fpcr;
	} status;

	if (size != sizeof(struct fpsimd_context) ||
	    copy_from_user(&status, at + sizeof(struct _aarch64_ctx), sizeof(status)) ||
	    copy_from_user(fpu.v, at + sizeof(struct _aarch64_ctx) + sizeof(status), sizeof(fpu.v)))
		return -EFAULT;
	fpu.fpsr = status.fpsr;
	fpu.fpcr = status.fpcr;

	irqflags_t f = arch_irq_save();

	self->arch.fpu = fpu;
	fpu_discard(self);
	arch_irq_restore(f);
	return 0;
}

#define RECORDS_SIZE sizeof(((struct sigcontext *)0)->__reserved)

/* Walk the records; vector state must be there, once. */
static int get_records(const u8 __user *base)
{
	struct _aarch64_ctx head;
	const u8 __user *fpsimd = NULL;
	u32 fpsimd_size = 0;
	size_t at = 0;

	for (;;) {
		if (RECORDS_SIZE - at < sizeof(head) ||
		    copy_from_user(&head, base + at, sizeof(head)))
			return -EFAULT;
		if (!head.magic && !head.size)
			break;
		if (head.size < sizeof(head) || head.size > RECORDS_SIZE - at || (head.size & 15))
			return -EFAULT;
		switch (head.magic) {
		case FPSIMD_MAGIC:
			if (fpsimd)
				return -EFAULT;
			fpsimd = base + at;
			fpsimd_size = head.size;
			break;
		case ESR_MAGIC: break;
		default: return -EFAULT;
		}
		at += head.size;
	}
	return fpsimd ? get_fpsimd(fpsimd, fpsimd_size) : -EFAULT;
}

bool psr_sanitise(u64 *pstate)
{
	*pstate &= ~PSR_RES0;
	if ((*pstate & (PSR_MODE_MASK | PSR_D | PSR_A | PSR_I | PSR_F)) == PSR_MODE_EL0T)
		return true;
	*pstate &= PSR_NZCV;
	return false;
}

int arch_signal_pop(struct arch_trapframe *tf, u64 *mask, void *altstack)
{
	const struct sigframe __user *frame = (const struct sigframe __user *)tf->sp;
	struct uc_head head;
	struct mc_head mc;

	if ((tf->sp & 15) || copy_from_user(&head, &frame->uc, sizeof(head)) ||
	    copy_from_user(&mc, &frame->uc.uc_mcontext, sizeof(mc)) || !psr_sanitise(&mc.pstate) ||
	    get_records((const u8 __user *)frame->uc.uc_mcontext.__reserved))
		return -EFAULT;
	memcpy(tf->regs, mc.regs, sizeof(tf->regs));
	tf->sp = mc.sp;
	tf->pc = mc.pc;
	tf->pstate = mc.pstate & ~(u64)PSR_SS;
	if (thread_current()->arch.step)
		tf->pstate |= PSR_SS;
	arch_syscall_forget(tf);
	*mask = head.mask;
	*(stack_t *)altstack = head.stack;
	return 0;
}

vaddr_t arch_vdso_sigreturn(void)
{
	return VDSO_SIGRETURN;
}
