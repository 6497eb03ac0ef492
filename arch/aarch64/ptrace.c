/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register sets of a stopped thread, in the shapes of asm/ptrace.h. */
#include <arch/ptrace.h>
#include <arch/thread.h>
#include <arch/trapframe.h>
#include <kernel/abi/elf.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/ptrace.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include "arm_internal.h"

static_assert(sizeof(struct user_pt_regs) == 272, "struct user_pt_regs");
static_assert(sizeof(struct user_fpsimd_state) == sizeof(struct arch_fpu), "user_fpsimd_state");

static ssize_t give(void *buf, size_t len, const void *from, size_t size)
{
	len = min(len, size);
	memcpy(buf, from, len);
	return (ssize_t)len;
}

static ssize_t gpr_get(struct thread *t, void *buf, size_t len)
{
	return give(buf, len, arch_user_frame(t), sizeof(struct user_pt_regs));
}

static ssize_t gpr_set(struct thread *t, const void *buf, size_t len)
{
	struct arch_trapframe *tf = arch_user_frame(t);
	struct user_pt_regs regs;

	memcpy(&regs, tf, sizeof(regs));
	len = min(len, sizeof(regs));
	memcpy(&regs, buf, len);

	u64 pstate = regs.pstate;

	if (!psr_sanitise(&pstate))
		return -EINVAL;
	regs.pstate = (pstate & ~(u64)PSR_SS) | (t->arch.step ? PSR_SS : 0);
	memcpy(tf, &regs, sizeof(regs));
	return (ssize_t)len;
}

static ssize_t fpr_get(struct thread *t, void *buf, size_t len)
{
	if (t == thread_current())
		fpu_flush_current();
	return give(buf, len, &t->arch.fpu, sizeof(t->arch.fpu));
}

static ssize_t fpr_set(struct thread *t, const void *buf, size_t len)
{
	len = min(len, sizeof(t->arch.fpu));
	if (t == thread_current())
		fpu_flush_current();
	memcpy(&t->arch.fpu, buf, len);
	t->arch.fpu.pad[0] = t->arch.fpu.pad[1] = 0;
	fpu_discard(t);
	return (ssize_t)len;
}

static ssize_t tls_get(struct thread *t, void *buf, size_t len)
{
	u64 tls = arch_tls(t);

	return give(buf, len, &tls, sizeof(tls));
}

static ssize_t tls_set(struct thread *t, const void *buf, size_t len)
{
	u64 tls = arch_tls(t);

	len = min(len, sizeof(tls));
	memcpy(&tls, buf, len);
	arch_set_tls(t, tls);
	return (ssize_t)len;
}

static ssize_t call_get(struct thread *t, void *buf, size_t len)
{
	return give(buf, len, &arch_user_frame(t)->syscall, sizeof(s32));
}

static ssize_t call_set(struct thread *t, const void *buf, size_t len)
{
	s32 *nr = &arch_user_frame(t)->syscall;

	len = min(len, sizeof(*nr));
	memcpy(nr, buf, len);
	return (ssize_t)len;
}

const struct regset arch_regsets[] = {
	{ NT_PRSTATUS, sizeof(struct user_pt_regs), gpr_get, gpr_set },
	{ NT_PRFPREG, sizeof(struct user_fpsimd_state), fpr_get, fpr_set },
	{ NT_ARM_TLS, sizeof(u64), tls_get, tls_set },
	{ NT_ARM_SYSTEM_CALL, sizeof(s32), call_get, call_set },
};

const unsigned arch_nr_regsets = ARRAY_SIZE(arch_regsets);
