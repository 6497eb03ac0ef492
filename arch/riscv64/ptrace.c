/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register sets of RISC-V: struct user_regs_struct is the beginning of the trap frame, and struct
 * __riscv_d_ext_state is struct riscv_fpu.
 */
#include <arch/ptrace.h>
#include <arch/trapframe.h>
#include <kernel/abi/elf.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/ptrace.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include "riscv_internal.h"

static_assert(sizeof(struct user_regs_struct) == 32 * 8, "user_regs_struct");
static_assert(sizeof(struct __riscv_d_ext_state) == sizeof(struct riscv_fpu), "d_ext_state");
static_assert(offsetof(struct __riscv_d_ext_state, fcsr) == offsetof(struct riscv_fpu, fcsr),
	      "d_ext_state");

static ssize_t general_get(struct thread *t, void *buf, size_t len)
{
	len = min(len, sizeof(struct user_regs_struct));
	memcpy(buf, arch_user_frame(t)->regs, len);
	return (ssize_t)len;
}

static ssize_t general_set(struct thread *t, const void *buf, size_t len)
{
	len = min(len, sizeof(struct user_regs_struct));
	memcpy(arch_user_frame(t)->regs, buf, len);
	arch_user_frame(t)->rewritten = 1;
	return (ssize_t)len;
}

static struct riscv_fpu *thread_fpu(struct thread *t)
{
	return &((struct arch_thread *)t)->fpu;
}

static ssize_t float_get(struct thread *t, void *buf, size_t len)
{
	len = min(len, sizeof(struct riscv_fpu));
	riscv_fpu_save(t);
	memcpy(buf, thread_fpu(t), len);
	return (ssize_t)len;
}

static ssize_t float_set(struct thread *t, const void *buf, size_t len)
{
	len = min(len, sizeof(struct riscv_fpu));
	riscv_fpu_save(t);
	memcpy(thread_fpu(t), buf, len);
	thread_fpu(t)->pad = 0;
	riscv_fpu_changed(t);
	return (ssize_t)len;
}

const struct regset arch_regsets[] = {
	{ NT_PRSTATUS, sizeof(struct user_regs_struct), general_get, general_set },
	{ NT_PRFPREG, sizeof(struct riscv_fpu), float_get, float_set },
};
const unsigned arch_nr_regsets = ARRAY_SIZE(arch_regsets);

/* RISC-V has no single step outside debug mode. */
bool arch_single_step(struct thread *t, bool on)
{
	return false;
}
