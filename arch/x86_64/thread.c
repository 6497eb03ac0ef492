/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New threads and the switch between them.
 *
 * The kernel stack of a thread, from its top down: the user's trap frame (space for it also in
 * kernel threads, one of which becomes init), then, while the thread is switched away, what
 * x86_switch_stacks pushed.
 *
 * Segment bases: with FSGSBASE user code changes them without our knowing, so they are read at the
 * switch; the user's gs base waits in MSR_KERNEL_GS_BASE while the kernel runs.  Selectors are not
 * kept: user mode has no descriptors worth loading.
 */
#include <arch/thread.h>
#include <arch/timer.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include "msr.h"
#include "x86_internal.h"

/* What x86_switch_stacks pops. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 rip;
};

#define RFLAGS_FIXED 0x2
#define RFLAGS_IF    0x200

static u64 new_canary(void)
{
	u64 r;

	if (!arch_cpu_random(&r))
		r = hash_mix64(arch_clock_read() ^ boot_thread.arch.canary);
	/* A zero byte stops string functions from reading it. */
	return r & ~0xffull;
}

static struct switch_frame *thread_stack_init(struct thread *t, const void *start)
{
	struct arch_trapframe *tf;
	struct switch_frame *sf;

	t->arch.stack_top = (vaddr_t)t->stack + KSTACK_SIZE;
	t->arch.canary = new_canary();
	t->arch.fpu = NULL;
	t->arch.fpu_cpu = FPU_CPU_NONE;
	t->arch.fpu_load = 0;
	t->arch.single_step = false;
	t->arch.trapno = t->arch.error_code = t->arch.cr2 = 0;

	tf = arch_user_frame(t);
	sf = (struct switch_frame *)tf - 1;
	*sf = (struct switch_frame){ .rip = (u64)start };
	t->arch.sp = (vaddr_t)sf;
	return sf;
}

void arch_thread_kernel(struct thread *t, void (*fn)(void *), void *arg)
{
	struct switch_frame *sf = thread_stack_init(t, x86_thread_kernel_start);

	memset(arch_user_frame(t), 0, sizeof(struct arch_trapframe));
	t->arch.fs_base = t->arch.gs_base = 0;
	sf->rbx = (u64)fn;
	sf->r12 = (u64)arg;
}

int arch_thread_fork(struct thread *child, vaddr_t sp)
{
	struct thread *parent = thread_current();
	struct arch_trapframe *tf;

	thread_stack_init(child, x86_thread_fork_start);
	tf = arch_user_frame(child);
	*tf = *arch_user_frame(parent);
	tf->rax = 0;
	if (sp)
		tf->rsp = sp;
	child->arch.fs_base = arch_tls(parent);
	child->arch.gs_base = x86_gs_base(parent);
	return x86_fpu_fork(child);
}

void arch_thread_exec(struct arch_trapframe *tf, vaddr_t entry, vaddr_t sp)
{
	struct thread *t = thread_current();

	*tf = (struct arch_trapframe){
		.orig_rax = ~0ull,
		.rip = entry,
		.cs = USER_CS,
		.rflags = RFLAGS_FIXED | RFLAGS_IF,
		.rsp = sp,
		.ss = USER_DS,
	};
	x86_fpu_exec();
	arch_set_tls(t, 0);
	x86_set_gs_base(t, 0);
}

void arch_thread_destroy(struct thread *t)
{
	x86_fpu_free(t);
}

/* --- segment bases --- */

static vaddr_t read_fs_base(const struct thread *t)
{
	vaddr_t v;

	if (!x86_has(X86_FSGSBASE))
		return t->arch.fs_base;
	__asm__ __volatile__("rdfsbase %0" : "=r"(v));
	return v;
}

static void write_fs_base(vaddr_t v)
{
	if (x86_has(X86_FSGSBASE))
		__asm__ __volatile__("wrfsbase %0" ::"r"(v));
	else
		wrmsr(MSR_FS_BASE, v);
}

/* The user's, which swapgs brings.  Interrupts are off for the three instructions; NMIs cope. */
static vaddr_t read_user_gs_base(const struct thread *t)
{
	vaddr_t v;

	if (!x86_has(X86_FSGSBASE))
		return t->arch.gs_base;

	irqflags_t f = arch_irq_save();

	__asm__ __volatile__("swapgs; rdgsbase %0; swapgs" : "=r"(v)::"memory");
	arch_irq_restore(f);
	return v;
}

static void write_user_gs_base(vaddr_t v)
{
	if (!x86_has(X86_FSGSBASE)) {
		wrmsr(MSR_KERNEL_GS_BASE, v);
		return;
	}

	irqflags_t f = arch_irq_save();

	__asm__ __volatile__("swapgs; wrgsbase %0; swapgs" ::"r"(v) : "memory");
	arch_irq_restore(f);
}

vaddr_t arch_tls(const struct thread *t)
{
	return t == thread_current() && t->arch.fpu ? read_fs_base(t) : t->arch.fs_base;
}

void arch_set_tls(struct thread *t, vaddr_t tls)
{
	t->arch.fs_base = tls;
	if (t == thread_current())
		write_fs_base(tls);
}

vaddr_t x86_gs_base(const struct thread *t)
{
	return t == thread_current() && t->arch.fpu ? read_user_gs_base(t) : t->arch.gs_base;
}

void x86_set_gs_base(struct thread *t, vaddr_t base)
{
	t->arch.gs_base = base;
	if (t == thread_current())
		write_user_gs_base(base);
}

/* --- the switch --- */

struct thread *arch_switch(struct thread *prev, struct thread *next)
{
	struct arch_cpu *c = &arch_cpu_self()->arch;

	/* Only threads with vector state are user threads. */
	if (prev->arch.fpu) {
		prev->arch.fs_base = read_fs_base(prev);
		prev->arch.gs_base = read_user_gs_base(prev);
		x86_fpu_switch_out(prev);
	}
	if (next->arch.fpu) {
		write_fs_base(next->arch.fs_base);
		write_user_gs_base(next->arch.gs_base);
	}
	c->current = next;
	c->canary = next->arch.canary;
	c->kernel_sp = next->arch.stack_top;
	c->tss.rsp[0] = next->arch.stack_top;
	return x86_switch_stacks(prev, next);
}
