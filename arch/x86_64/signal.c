/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signal frames of x86-64, as Linux lays them out: from high to low addresses
 *
 *	the red zone of the interrupted function (128 bytes, System V psABI 3.2.2)
 *	vector state, 64-byte aligned, with FP_XSTATE_MAGIC2 behind it
 *	siginfo, ucontext, and the return address: the program's restorer
 *
 * The handler is entered as if it had been called: the stack is 16-byte aligned before the return
 * address.
 */
#include <arch/signal.h>
#include <arch/syscall.h>
#include <arch/trapframe.h>
#include <kernel/abi/ucontext.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/usercopy.h>
#include "fpu.h"
#include "x86_internal.h"

#define RED_ZONE 128

struct signal_frame {
	u64 restorer;
	struct ucontext uc;
	siginfo_t info;
};

static_assert(offsetof(struct signal_frame, uc) == 8, "rt_sigframe");
static_assert(offsetof(struct signal_frame, info) == 8 + 304, "rt_sigframe");

/* Flags a program may change; trap, direction and the arithmetic ones. */
#define FLAGS_USER   0x00050dd5ull /* AC RF OF DF TF SF ZF AF PF CF */
#define FLAGS_TF     0x00000100ull
#define FLAGS_DF     0x00000400ull
#define FLAGS_RF     0x00010000ull

void x86_restore_flags(struct arch_trapframe *tf, u64 flags)
{
	tf->rflags = (tf->rflags & ~FLAGS_USER) | (flags & FLAGS_USER);
}

static size_t vector_size(void)
{
	return x86_has(X86_XSAVE) ? x86_xstate_size + FP_XSTATE_MAGIC2_SIZE
				  : sizeof(struct xstate_legacy);
}

size_t arch_signal_frame_size(void)
{
	return RED_ZONE + ALIGN_UP(sizeof(struct signal_frame) + vector_size() + 64 + 16, 16);
}

/* The state goes out in the form signal handlers expect, then the handler starts with a fresh
 * one. */
static int push_vector_state(u8 __user *to)
{
	struct thread *t = thread_current();
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (u32)vector_size(),
		.xfeatures = x86_xstate_mask,
		.xstate_size = (u32)x86_xstate_size,
	};
	u32 magic2 = FP_XSTATE_MAGIC2;
	size_t size = x86_has(X86_XSAVE) ? x86_xstate_size : sizeof(struct xstate_legacy);

	x86_fpu_sync();
	x86_xstate_complete(t->arch.fpu);
	if (copy_to_user(to, t->arch.fpu, size))
		return -EFAULT;
	if (x86_has(X86_XSAVE) &&
	    (copy_to_user(to + offsetof(struct xstate_legacy, software), &sw, sizeof(sw)) ||
	     copy_to_user(to + size, &magic2, sizeof(magic2))))
		return -EFAULT;
	x86_fpu_reset(t);
	return 0;
}

static void fill_context(struct ucontext *uc, const struct arch_trapframe *tf,
			 const struct signal_delivery *d, vaddr_t vector)
{
	const struct arch_thread *t = &thread_current()->arch;

	*uc = (struct ucontext){
		.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
		.uc_stack = d->altstack,
		.uc_mcontext =
			{
				.r8 = tf->r8,
				.r9 = tf->r9,
				.r10 = tf->r10,
				.r11 = tf->r11,
				.r12 = tf->r12,
				.r13 = tf->r13,
				.r14 = tf->r14,
				.r15 = tf->r15,
				.rdi = tf->rdi,
				.rsi = tf->rsi,
				.rbp = tf->rbp,
				.rbx = tf->rbx,
				.rdx = tf->rdx,
				.rax = tf->rax,
				.rcx = tf->rcx,
				.rsp = tf->rsp,
				.rip = tf->rip,
				.eflags = tf->rflags,
				.cs = (u16)tf->cs,
				.ss = (u16)tf->ss,
				.err = t->error_code,
				.trapno = t->trapno,
				.oldmask = d->saved_mask,
				.cr2 = t->cr2,
				.fpstate = (struct _fpstate *)vector,
			},
	};
	if (x86_has(X86_XSAVE))
		uc->uc_flags |= UC_FP_XSTATE;
	memcpy(&uc->uc_sigmask, &d->saved_mask, sizeof(d->saved_mask));
}

int arch_signal_push(struct arch_trapframe *tf, const struct signal_delivery *d)
{
	vaddr_t sp = d->sp - (d->on_altstack ? 0 : RED_ZONE);
	vaddr_t vector = ALIGN_DOWN(sp - vector_size(), 64ul);
	struct signal_frame __user *frame =
		(struct signal_frame __user *)(ALIGN_DOWN(vector - sizeof(struct signal_frame),
							  16ul) -
					       8);
	struct {
		u64 restorer;
		struct ucontext uc;
	} head;

	if (!(d->flags & SA_RESTORER) || d->handler >= USER_TOP)
		return -EFAULT;
	head.restorer = d->restorer;
	fill_context(&head.uc, tf, d, vector);
	if (!user_access_ok(frame, sp - (vaddr_t)frame) || push_vector_state((u8 __user *)vector) ||
	    copy_to_user(frame, &head, sizeof(head)) || siginfo_to_user(&frame->info, d->info))
		return -EFAULT;

	tf->rdi = (u64)d->signo;
	tf->rsi = (u64)&frame->info;
	tf->rdx = (u64)&frame->uc;
	tf->rax = 0;
	tf->rip = d->handler;
	tf->rsp = (u64)frame;
	tf->rflags &= ~(FLAGS_DF | FLAGS_RF | FLAGS_TF);
	tf->orig_rax = X86_ORIG_RAX_NO_SYSCALL;
	return 0;
}

/* --- and back --- */

/* How many bytes of vector state the frame holds, by its own claim checked: all, or the first
 * 512. */
static size_t frame_vector_size(const u8 __user *from, u64 *features)
{
	struct _fpx_sw_bytes sw;
	u32 magic2;

	*features = 3;
	if (!x86_has(X86_XSAVE) ||
	    copy_from_user(&sw, from + offsetof(struct xstate_legacy, software), sizeof(sw)) ||
	    sw.magic1 != FP_XSTATE_MAGIC1 || sw.xstate_size < sizeof(struct xstate) ||
	    sw.xstate_size > x86_xstate_size || sw.xstate_size > sw.extended_size ||
	    copy_from_user(&magic2, from + sw.xstate_size, sizeof(magic2)) ||
	    magic2 != FP_XSTATE_MAGIC2)
		return sizeof(struct xstate_legacy);
	*features = sw.xfeatures & x86_xstate_mask;
	return sw.xstate_size;
}

static int pop_vector_state(const u8 __user *from)
{
	struct thread *t = thread_current();
	struct xstate *x;
	u64 features;
	size_t size;

	x86_fpu_reset(t);
	if (!from)
		return 0;
	x = x86_fpu_changed(t);
	size = frame_vector_size(from, &features);
	if (copy_from_user(x, from, size)) {
		x86_fpu_reset(t);
		return -EFAULT;
	}
	if (size == sizeof(struct xstate_legacy))
		x->header.xstate_bv = features;
	x->header.xstate_bv &= features;
	if (x86_xstate_check(x)) {
		x86_fpu_reset(t);
		return -EFAULT;
	}
	return 0;
}

int arch_signal_pop(struct arch_trapframe *tf, u64 *mask, void *altstack)
{
	/* The handler's ret took the restorer off. */
	const struct signal_frame __user *frame = (const struct signal_frame __user *)(tf->rsp - 8);
	struct ucontext uc;
	const struct sigcontext *sc = &uc.uc_mcontext;

	if (copy_from_user(&uc, &frame->uc, sizeof(uc)))
		return -EFAULT;
	if (pop_vector_state((const u8 __user *)sc->fpstate))
		return -EFAULT;

	*tf = (struct arch_trapframe){
		.r8 = sc->r8,
		.r9 = sc->r9,
		.r10 = sc->r10,
		.r11 = sc->r11,
		.r12 = sc->r12,
		.r13 = sc->r13,
		.r14 = sc->r14,
		.r15 = sc->r15,
		.rdi = sc->rdi,
		.rsi = sc->rsi,
		.rbp = sc->rbp,
		.rbx = sc->rbx,
		.rdx = sc->rdx,
		.rax = sc->rax,
		.rcx = sc->rcx,
		.rsp = sc->rsp,
		.rip = sc->rip,
		.cs = USER_CS,
		.ss = USER_DS,
		.rflags = tf->rflags,
		.orig_rax = X86_ORIG_RAX_NO_SYSCALL,
	};
	x86_restore_flags(tf, sc->eflags);
	memcpy(mask, &uc.uc_sigmask, sizeof(*mask));
	memcpy(altstack, &uc.uc_stack, sizeof(stack_t));
	return 0;
}
