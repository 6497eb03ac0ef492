/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arch_prctl(2), and the auxiliary vector's hardware words.
 *
 * iopl, ioperm and modify_ldt do not exist, as in a Linux built without them.
 */
#include <arch/abi.h>
#include <arch/thread.h>
#include <gen/syscalls.h>
#include <kernel/abi/auxvec.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/prctl.h>
#include <kernel/sched/thread.h>
#include <mm/usercopy.h>
#include "x86_internal.h"

#define HWCAP2_FSGSBASE 2

unsigned arch_auxv(struct arch_auxv *out)
{
	out[0] = (struct arch_auxv){ AT_HWCAP, x86_features[X86_1_EDX] };
	out[1] = (struct arch_auxv){ AT_HWCAP2, x86_has(X86_FSGSBASE) ? HWCAP2_FSGSBASE : 0 };
	return 2;
}

vaddr_t arch_vdso_sigreturn(void)
{
	return 0; /* programs bring their own (SA_RESTORER) */
}

static long set_base(int option, unsigned long base)
{
	if (base >= USER_TOP)
		return -EPERM;
	if (option == ARCH_SET_FS)
		arch_set_tls(thread_current(), base);
	else
		x86_set_gs_base(thread_current(), base);
	return 0;
}

long sys_arch_prctl(int option, unsigned long arg2)
{
	u64 __user *out = (u64 __user *)arg2;

	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		return set_base(option, arg2);
	case ARCH_GET_FS:
		return put_user(arch_tls(thread_current()), out);
	case ARCH_GET_GS:
		return put_user(x86_gs_base(thread_current()), out);
	case ARCH_GET_CPUID:
		return 1; /* the instruction works */
	case ARCH_SET_CPUID:
		return -ENODEV;
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM:
		return put_user(x86_xstate_mask, out);
	case ARCH_REQ_XCOMP_PERM:
		return arg2 < 19 ? -EOPNOTSUPP : -EINVAL;
	default:
		return -EINVAL;
	}
}
