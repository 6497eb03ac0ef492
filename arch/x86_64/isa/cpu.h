/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register gs points at this CPU's struct cpu while in the kernel, and struct arch_cpu is its
 * beginning.  Entry code knows the offsets of the first six words, and the compiler that of the
 * canary (flags.mk).
 */
#ifndef ISA_CPU_H
#define ISA_CPU_H

#include <kernel/lib/compiler.h>

struct x86_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* ist[0] is IST 1 */
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
} __packed;

/* Words of the descriptor table; selectors are in segment.h. */
#define X86_GDT_ENTRIES 16

struct arch_cpu {
	struct cpu *self;	/* [I] gs:0 */
	struct thread *current; /* [P] gs:8 */
	vaddr_t kernel_sp;	/* [P] gs:16 stack_top of `current` */
	vaddr_t user_sp;	/* [P] gs:24 scratch of the system-call entry */
	u64 unused;		/* gs:32 */
	u64 canary;		/* [P] gs:40 canary of `current` */

	paddr_t root;		  /* [P] what CR3 holds */
	/* [P] whose state the vector registers hold; may be stale, see fpu.c */
	struct thread *fpu_owner;
	u32 fpu_kernel_depth;	  /* [P] nested arch_fpu_kernel_begin */
	struct xstate *fpu_nested; /* [I] where a nested begin saves */
	u32 apic_id;		  /* [I] */
	u32 online;		  /* [a] set by the CPU itself when it runs on its own stack */

	struct x86_tss tss;
	u64 gdt[X86_GDT_ENTRIES] __aligned(16);

	/* [I] for /proc/cpuinfo */
	u32 family, model, stepping;
	u32 max_leaf;
	u32 cache_kib, clflush_size, phys_bits, virt_bits;
	u32 package, core, siblings, cores;
	char vendor[16], brand[52];
};

/* <arch/cpu.h> is included by kernel/smp/cpu.h, so struct cpu is incomplete here. */
static __always_inline struct cpu *arch_cpu_self(void)
{
	struct cpu *c;

	__asm__ __volatile__("movq %%gs:0, %0" : "=r"(c));
	return c;
}

/* Not volatile: a thread is itself wherever it runs, so the compiler may remember the answer. */
static __always_inline struct thread *arch_thread_self(void)
{
	struct thread *t;

	__asm__("movq %%gs:8, %0" : "=r"(t));
	return t;
}

static __always_inline void arch_cpu_relax(void)
{
	__asm__ __volatile__("pause" ::: "memory");
}

#endif
