/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for assembly files, cut from this file's assembly text into <gen/offsets.h>. */
#include <arch/trapframe.h>
#include <arch/types.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>

void x86_offsets(void);

#define VALUE(name, v) __asm__ __volatile__("\n.ascii \"->" #name " %0\"" : : "i"(v))
#define TF(name, field) VALUE(TF_##name, offsetof(struct arch_trapframe, field))

void x86_offsets(void)
{
	TF(RBX, rbx);
	TF(R11, r11);
	TF(RCX, rcx);
	TF(RDI, rdi);
	TF(ORIG_RAX, orig_rax);
	TF(RIP, rip);
	TF(CS, cs);
	TF(RFLAGS, rflags);
	TF(RSP, rsp);
	VALUE(TF_SIZE, sizeof(struct arch_trapframe));

	VALUE(CPU_CURRENT, offsetof(struct cpu, arch.current));
	VALUE(CPU_KERNEL_SP, offsetof(struct cpu, arch.kernel_sp));
	VALUE(CPU_USER_SP, offsetof(struct cpu, arch.user_sp));

	VALUE(THREAD_SP, offsetof(struct thread, arch.sp));
	VALUE(THREAD_FLAGS, offsetof(struct thread, flags));
	VALUE(THREAD_FPU_LOAD, offsetof(struct thread, arch.fpu_load));
	VALUE(EXIT_WORK, THREAD_EXIT_WORK);

	VALUE(BOOT_STACK_TOP, KSTACK_SIZE);
}

static_assert(offsetof(struct cpu, arch.self) == 0, "isa/cpu.h reads gs:0");
static_assert(offsetof(struct cpu, arch.current) == 8, "isa/cpu.h reads gs:8");
static_assert(offsetof(struct cpu, arch.canary) == 40, "flags.mk says so");
