/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signal frames: siginfo and ucontext on the user stack, 16-byte aligned.
 *
 * The floating-point registers are in the D form, followed by the header that ends the chain of
 * further extensions.  A thread that never used floating point gets zeros there, and returning with
 * zeros leaves its unit off.
 */
#include <arch/abi.h>
#include <arch/signal.h>
#include <arch/syscall.h>
#include <arch/trapframe.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/ucontext.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/space.h>
#include <mm/usercopy.h>
#include "riscv_internal.h"
#include "vdso/vdso.h"

struct rt_sigframe {
	siginfo_t info;
	struct ucontext uc;
};

static_assert(offsetof(struct ucontext, uc_mcontext) == 176, "struct ucontext");
static_assert(sizeof(struct sigcontext) == 784, "struct sigcontext");
static_assert(sizeof(struct rt_sigframe) % 16 == 0, "stack alignment");

/* What precedes the registers in the ucontext, and the registers: all of a frame but siginfo. */
static void fill_context(struct ucontext *uc, const struct arch_trapframe *tf,
			 const struct signal_delivery *d)
{
	struct thread *t = thread_current();

	uc->uc_stack = d->altstack;
	memcpy(&uc->uc_sigmask, &d->saved_mask, sizeof(d->saved_mask));
	memcpy(&uc->uc_mcontext.sc_regs, tf->regs, sizeof(tf->regs));
	if (tf->status & SR_FS) {
		riscv_fpu_save(t);
		memcpy(&uc->uc_mcontext.sc_fpregs.d, &t->arch.fpu, offsetof(struct riscv_fpu, pad));
	}
}

int arch_signal_push(struct arch_trapframe *tf, const struct signal_delivery *d)
{
	struct mm *mm = thread_current()->mm;
	vaddr_t sp = (d->sp - sizeof(struct rt_sigframe)) & ~15ul;
	struct rt_sigframe __user *frame = (struct rt_sigframe __user *)sp;
	struct ucontext uc;

	/* END_MAGIC and END_HDR_SIZE are zero, like everything reserved. */
	memset(&uc, 0, sizeof(uc));
	fill_context(&uc, tf, d);
	if (siginfo_to_user(&frame->info, d->info) || copy_to_user(&frame->uc, &uc, sizeof(uc)))
		return -EFAULT;

	tf->regs[REG_RA] = mm->vdso + arch_vdso_sigreturn();
	tf->regs[REG_SP] = sp;
	tf->regs[REG_A0] = (u64)d->signo;
	tf->regs[REG_A0 + 1] = (u64)&frame->info;
	tf->regs[REG_A0 + 2] = (u64)&frame->uc;
	tf->regs[REG_PC] = d->handler;
	return 0;
}

/* Floating point was off and the frame says zeros: nothing to load. */
static bool fpu_untouched(const struct arch_trapframe *tf, const struct riscv_fpu *fpu)
{
	return !(tf->status & SR_FS) && !fpu->fcsr && !memchr_inv(fpu->f, 0, sizeof(fpu->f));
}

int arch_signal_pop(struct arch_trapframe *tf, u64 *mask, void *altstack)
{
	const struct rt_sigframe __user *frame = (const void __user *)arch_tf_sp(tf);
	struct thread *t = thread_current();
	struct ucontext uc;
	struct riscv_fpu fpu = { .pad = 0 };

	if (((vaddr_t)frame & 15) || copy_from_user(&uc, &frame->uc, sizeof(uc)))
		return -EFAULT;
	if (uc.uc_mcontext.sc_extdesc.reserved ||
	    uc.uc_mcontext.sc_extdesc.hdr.magic != END_MAGIC ||
	    uc.uc_mcontext.sc_extdesc.hdr.size != END_HDR_SIZE)
		return -EFAULT;

	memcpy(&fpu, &uc.uc_mcontext.sc_fpregs.d, offsetof(struct riscv_fpu, pad));
	if (!fpu_untouched(tf, &fpu)) {
		t->arch.fpu = fpu;
		riscv_fpu_changed(t);
	}
	memcpy(tf->regs, &uc.uc_mcontext.sc_regs, sizeof(tf->regs));
	memcpy(mask, &uc.uc_sigmask, sizeof(*mask));
	memcpy(altstack, &uc.uc_stack, sizeof(uc.uc_stack));
	tf->rewritten = 1;
	arch_syscall_forget(tf);
	return 0;
}

size_t arch_signal_frame_size(void)
{
	return sizeof(struct rt_sigframe);
}

vaddr_t arch_vdso_sigreturn(void)
{
	return VDSO_SIGRETURN;
}
