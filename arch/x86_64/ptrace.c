/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register sets of x86-64: NT_PRSTATUS (struct user_regs_struct), NT_FPREGSET (the FXSAVE area) and
 * NT_X86_XSTATE.  The thread is stopped, or is the current one dumping core.
 */
#include <arch/ptrace.h>
#include <arch/trapframe.h>
#include <kernel/abi/elf.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include "fpu.h"
#include "x86_internal.h"

struct user_regs {
	struct arch_trapframe tf; /* the order is the same */
	u64 fs_base, gs_base;
	u64 ds, es, fs, gs;
};

static_assert(sizeof(struct user_regs) == 27 * 8, "user_regs_struct");

#define FLAGS_TF 0x100ull

static ssize_t regs_get(struct thread *t, void *buf, size_t len)
{
	struct user_regs r = {
		.tf = *arch_user_frame(t),
		.fs_base = arch_tls(t),
		.gs_base = x86_gs_base(t),
	};

	/* The trap flag a tracer set is not the program's. */
	if (t->arch.single_step)
		r.tf.rflags &= ~FLAGS_TF;
	len = min(len, sizeof(r));
	memcpy(buf, &r, len);
	return (ssize_t)len;
}

static ssize_t regs_set(struct thread *t, const void *buf, size_t len)
{
	struct arch_trapframe *tf = arch_user_frame(t);
	struct user_regs r;
	u64 flags = tf->rflags;

	(void)regs_get(t, &r, sizeof(r));
	len = min(len, sizeof(r));
	memcpy(&r, buf, len);
	if (r.tf.cs != USER_CS || r.tf.ss != USER_DS || r.fs_base >= USER_TOP ||
	    r.gs_base >= USER_TOP)
		return -EIO;
	*tf = r.tf;
	tf->rflags = flags;
	x86_restore_flags(tf, r.tf.rflags);
	if (t->arch.single_step)
		tf->rflags |= FLAGS_TF;
	arch_set_tls(t, r.fs_base);
	x86_set_gs_base(t, r.gs_base);
	return (ssize_t)len;
}

static ssize_t vector_get(struct thread *t, void *buf, size_t len, size_t size)
{
	struct xstate *x = t->arch.fpu;

	if (!x)
		return -EIO;
	if (t == thread_current())
		x86_fpu_sync();
	x86_xstate_complete(x);
	/* The first word the processor leaves to software says which components the layout has. */
	memcpy(x->legacy.software, &x86_xstate_mask, sizeof(x86_xstate_mask));
	len = min(len, size);
	memcpy(buf, x, len);
	return (ssize_t)len;
}

static ssize_t fpregs_get(struct thread *t, void *buf, size_t len)
{
	return vector_get(t, buf, len, sizeof(struct xstate_legacy));
}

static ssize_t fpregs_set(struct thread *t, const void *buf, size_t len)
{
	struct xstate_legacy old;
	struct xstate *x = t->arch.fpu;

	if (!x)
		return -EIO;
	if (len != sizeof(old))
		return -EINVAL;
	x = x86_fpu_changed(t);
	memcpy(&old, x, sizeof(old));
	memcpy(x, buf, sizeof(old));
	if (x86_xstate_check(x)) {
		memcpy(x, &old, sizeof(old));
		return -EINVAL;
	}
	x->header.xstate_bv |= 3;
	return (ssize_t)len;
}

static ssize_t xstate_get(struct thread *t, void *buf, size_t len)
{
	return vector_get(t, buf, len, x86_xstate_size);
}

static ssize_t xstate_set(struct thread *t, const void *buf, size_t len)
{
	struct xstate head;

	if (!t->arch.fpu)
		return -EIO;
	if (len < sizeof(head) || len > x86_xstate_size)
		return -EINVAL;
	memcpy(&head, buf, sizeof(head));
	if (x86_xstate_check(&head))
		return -EINVAL;
	memcpy(x86_fpu_changed(t), buf, len);
	return (ssize_t)len;
}

const struct regset arch_regsets[] = {
	{ NT_PRSTATUS, sizeof(struct user_regs), regs_get, regs_set },
	{ NT_PRFPREG, sizeof(struct xstate_legacy), fpregs_get, fpregs_set },
	{ NT_X86_XSTATE, 4096, xstate_get, xstate_set },
};

const unsigned arch_nr_regsets = ARRAY_SIZE(arch_regsets);

bool arch_single_step(struct thread *t, bool on)
{
	struct arch_trapframe *tf = arch_user_frame(t);

	if (on && !(tf->rflags & FLAGS_TF)) {
		tf->rflags |= FLAGS_TF;
		t->arch.single_step = true;
	} else if (!on && t->arch.single_step) {
		tf->rflags &= ~FLAGS_TF;
		t->arch.single_step = false;
	}
	return true;
}
