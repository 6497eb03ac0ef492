/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share. */
#pragma once

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/thread.h>
#include <arch/trapframe.h>
#include <kernel/lib/compiler.h>
#include "segment.h"

struct cpu;
struct thread;

/* --- boot_entry.S, boot.c --- */
extern u64 x86_boot_root[512], x86_boot_pdpt_low[512], x86_boot_pdpt_image[512];
extern u64 x86_boot_pd_image[512], x86_boot_pd_low[2048];
extern const char x86_trampoline_start[], x86_trampoline_end[];
u64 x86_boot_random(u64 salt);
u64 x86_boot_move(void);
void x86_boot_relocate(u64 offset);
void x86_boot_moved(void);

/* Physical place of something inside the image. */
static inline paddr_t x86_image_pa(const void *p)
{
	return (vaddr_t)p - KERNEL_IMAGE_BASE - arch_kaslr_offset() + X86_LOAD_PA;
}

/* --- loader.c: before mm's final map only --- */
enum x86_loader { LOADER_PVH, LOADER_MULTIBOOT2 };
extern u32 x86_loader, x86_loader_data;
const char *x86_loader_cmdline(void);
/* Where the highest RAM ends. */
u64 x86_loader_ram_end(void);

/* --- trap_entry.S, trap.c, switch.S --- */
extern const char x86_vectors[], x86_syscall_entry[], x86_syscall32_entry[];
extern const char x86_thread_kernel_start[], x86_thread_fork_start[];
void x86_idt_init(void);
void x86_idt_load(void);
void x86_trap(struct arch_trapframe *tf, unsigned vector, u64 error);
void x86_trap_ist(struct arch_trapframe *tf, unsigned vector, u64 error);
void x86_return_bad(struct arch_trapframe *tf);
struct thread *x86_switch_stacks(struct thread *prev, struct thread *next);

/* --- cpu.c --- */
enum x86_feature_word {
	X86_1_EDX,	   /* CPUID leaf 1 */
	X86_1_ECX,
	X86_7_EBX,	   /* leaf 7 */
	X86_7_ECX,
	X86_7_EDX,
	X86_7_1_EAX,
	X86_D_1_EAX,	   /* leaf 0xd, subleaf 1 */
	X86_6_EAX,
	X86_81_EDX,	   /* leaf 0x80000001 */
	X86_81_ECX,
	X86_87_EDX,	   /* leaf 0x80000007 */
	X86_88_EBX,	   /* leaf 0x80000008 */
	X86_8A_EDX,	   /* leaf 0x8000000a */
	X86_FEATURE_WORDS
};

/* [I] Features of the boot CPU; the others are taken to be alike. */
extern u32 x86_features[X86_FEATURE_WORDS];

#define X86_FEATURE(word, bit) ((word) * 32 + (bit))
#define X86_FPU_EMULATED       X86_FEATURE(X86_1_EDX, 0)
#define X86_TSC		       X86_FEATURE(X86_1_EDX, 4)
#define X86_PGE		       X86_FEATURE(X86_1_EDX, 13)
#define X86_PAT		       X86_FEATURE(X86_1_EDX, 16)
#define X86_SSE42	       X86_FEATURE(X86_1_ECX, 20)
#define X86_X2APIC	       X86_FEATURE(X86_1_ECX, 21)
#define X86_TSC_DEADLINE       X86_FEATURE(X86_1_ECX, 24)
#define X86_XSAVE	       X86_FEATURE(X86_1_ECX, 26)
#define X86_RDRAND	       X86_FEATURE(X86_1_ECX, 30)
#define X86_HYPERVISOR	       X86_FEATURE(X86_1_ECX, 31)
#define X86_FSGSBASE	       X86_FEATURE(X86_7_EBX, 0)
#define X86_SMEP	       X86_FEATURE(X86_7_EBX, 7)
#define X86_ERMS	       X86_FEATURE(X86_7_EBX, 9)
#define X86_SMAP	       X86_FEATURE(X86_7_EBX, 20)
#define X86_UMIP	       X86_FEATURE(X86_7_ECX, 2)
#define X86_XSAVEOPT	       X86_FEATURE(X86_D_1_EAX, 0)
#define X86_RDTSCP	       X86_FEATURE(X86_81_EDX, 27)
#define X86_PAGES_1G	       X86_FEATURE(X86_81_EDX, 26)

static inline bool x86_has(unsigned feature)
{
	return x86_features[feature / 32] >> (feature % 32) & 1;
}

/* Descriptor table, task segment, system-call registers and control bits of this CPU, which is
 * `c`. */
void x86_cpu_load(struct cpu *c);
void x86_cpu_detect(void);
/* Give `c` its interrupt stacks.  Returns 0 or -ENOMEM. */
int x86_cpu_stacks(struct cpu *c);

/* --- crc.c --- */
void crc_machine_init(void);

/* --- fpu.c --- */
void x86_fpu_init(void);
void x86_fpu_init_cpu(void);
void x86_fpu_load(void);
void x86_fpu_switch_out(struct thread *prev);
/* The running thread's state to memory, where it stays current until the next return to user
 * mode. */
void x86_fpu_sync(void);
int x86_fpu_fork(struct thread *child);
void x86_fpu_exec(void);
void x86_fpu_free(struct thread *t);
/* Bytes of the extended area, and the state components that may be in it. */
extern size_t x86_xstate_size;
extern u64 x86_xstate_mask;
struct xstate *x86_fpu_changed(struct thread *t);
/* Make what a user gave safe to load.  Returns 0 or -EINVAL. */
int x86_xstate_check(struct xstate *x);

/* --- signal.c, thread.c --- */
void x86_restore_flags(struct arch_trapframe *tf, u64 flags);
void x86_set_gs_base(struct thread *t, vaddr_t base);
vaddr_t x86_gs_base(const struct thread *t);

/* --- irq.c, timer.c, power.c, smp.c --- */
void x86_irq_init(void);
void x86_irq_init_cpu(void);
void x86_ap_main(void);
/* Read the ACPI tables, once; the first who needs them calls. */
void x86_acpi_init(void);
void x86_power_init(void);
