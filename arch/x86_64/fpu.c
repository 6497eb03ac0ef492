/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector and floating-point state.
 *
 * A user thread's state is in the registers, in its save area, or in both:
 *
 *	fpu_load == 0	the thread runs and the registers are its own; the area is old
 *	fpu_load == 1	the area is current; before user mode the registers must be loaded, unless
 *			this CPU is fpu_cpu and its fpu_owner is the thread: then they still match
 *
 * So a kernel thread, or a wait that comes back to the same CPU before another user thread ran,
 * costs no load, and only a thread that was in user mode costs a save.  Whoever changes the
 * area sets fpu_cpu to none.  A stale fpu_owner (the thread is gone) is harmless: it is compared,
 * never followed, and a new thread at that address has fpu_cpu none.
 *
 * The area is in the standard (not compacted) XSAVE format, which is also that of signal frames and
 * NT_X86_XSTATE.  Without XSAVE it is FXSAVE's.
 *
 * Kernel code between arch_fpu_kernel_begin and _end may use vector registers with preemption off.
 * A deferred function may interrupt such a section and begin its own: the inner one keeps the
 * outer one's registers in a per-CPU area.
 */
#include <arch/fpu.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <mm/alloc.h>
#include "fpu.h"
#include "msr.h"
#include "x86_internal.h"

/* x87, SSE, AVX, the three of AVX-512, PKRU: what is kept.  AMX needs a permission protocol and is
 * not. */
#define XSTATE_WANTED 0x2e7ull

size_t x86_xstate_size = sizeof(struct xstate_legacy);
u64 x86_xstate_mask = 3;
static u32 mxcsr_mask = 0xffbf;
static struct slab_cache *xstate_cache;
static struct xstate *boot_nested;

static u8 boot_area[4096] __aligned(64);

static void xsetbv(u64 v)
{
	__asm__ __volatile__("xsetbv" ::"c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

static void xstate_save(struct xstate *x)
{
	if (x86_has(X86_XSAVEOPT))
		__asm__ __volatile__("xsaveopt64 %0" : "+m"(*x) : "a"(~0u), "d"(~0u) : "memory");
	else if (x86_has(X86_XSAVE))
		__asm__ __volatile__("xsave64 %0" : "+m"(*x) : "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ __volatile__("fxsave64 %0" : "+m"(*x)::"memory");
}

static void xstate_load(const struct xstate *x)
{
	if (x86_has(X86_XSAVE))
		__asm__ __volatile__("xrstor64 %0" ::"m"(*x), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ __volatile__("fxrstor64 %0" ::"m"(*x) : "memory");
}

/* The state of a new program (psABI 3.4.1). */
static void xstate_reset(struct xstate *x)
{
	memset(x, 0, x86_xstate_size);
	x->legacy.cwd = 0x37f;
	x->legacy.mxcsr = 0x1f80;
	x->legacy.mxcsr_mask = mxcsr_mask;
}

void x86_fpu_init_cpu(void)
{
	u64 cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;

	write_cr0((read_cr0() & ~(u64)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	if (x86_has(X86_XSAVE))
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	if (x86_has(X86_XSAVE))
		xsetbv(x86_xstate_mask);
	__asm__ __volatile__("fninit");
}

void x86_fpu_init(void)
{
	struct xstate *x = (struct xstate *)boot_area;

	if (x86_has(X86_XSAVE)) {
		struct cpuid_regs r = cpuid(0xd, 0);

		x86_xstate_mask = (r.eax | (u64)r.edx << 32) & XSTATE_WANTED;
		/* The three of AVX-512 go together. */
		if ((x86_xstate_mask & 0xe0) != 0xe0)
			x86_xstate_mask &= ~0xe0ull;
	}
	x86_fpu_init_cpu();
	if (x86_has(X86_XSAVE))
		x86_xstate_size = cpuid(0xd, 0).ebx;
	if (x86_xstate_size > sizeof(boot_area))
		panic("vector state of %zu bytes", x86_xstate_size);

	__asm__ __volatile__("fxsave64 %0" : "+m"(*x)::"memory");
	if (x->legacy.mxcsr_mask)
		mxcsr_mask = x->legacy.mxcsr_mask;
	boot_nested = x;
}

void x86_fpu_init_late(void)
{
	/* Where there is no XSAVE the header is written (signals, tracers) though nobody reads it. */
	size_t size = max(x86_xstate_size, sizeof(struct xstate));

	xstate_cache = slab_create("xstate", size, 64, 0, NULL);
	if (!xstate_cache)
		panic("no memory for the cache of vector states");
	boot_cpu.arch.fpu_nested = boot_nested;
}

static struct xstate *xstate_alloc(void)
{
	return slab_alloc(xstate_cache, GFP_KERNEL);
}

struct xstate *x86_xstate_alloc(void)
{
	struct xstate *x = xstate_alloc();

	if (x)
		xstate_reset(x);
	return x;
}

/* Only the legacy components have readers that do not look at xstate_bv. */
void x86_xstate_complete(struct xstate *x)
{
	if (!x86_has(X86_XSAVE))
		return;
	if (!(x->header.xstate_bv & 1)) {
		memset(&x->legacy, 0, offsetof(struct xstate_legacy, mxcsr));
		memset(x->legacy.st_space, 0, sizeof(x->legacy.st_space));
		x->legacy.cwd = 0x37f;
	}
	if (!(x->header.xstate_bv & 2))
		memset(x->legacy.xmm_space, 0, sizeof(x->legacy.xmm_space));
}

/* --- owners --- */

/* Interrupts or preemption off.  The registers go to the area and stay as they are. */
static void save_live(struct thread *t)
{
	if (!t->arch.fpu || t->arch.fpu_load)
		return;
	xstate_save(t->arch.fpu);
	t->arch.fpu_load = 1;
	t->arch.fpu_cpu = arch_cpu_self()->id;
	arch_cpu_self()->arch.fpu_owner = t;
}

void x86_fpu_switch_out(struct thread *prev)
{
	save_live(prev);
}

/* Called by the way back to user mode, interrupts off. */
void x86_fpu_load(void)
{
	struct thread *t = thread_current();
	struct cpu *c = arch_cpu_self();

	if (c->arch.fpu_owner != t || t->arch.fpu_cpu != c->id)
		xstate_load(t->arch.fpu);
	c->arch.fpu_owner = t;
	t->arch.fpu_cpu = c->id;
	t->arch.fpu_load = 0;
}

void x86_fpu_sync(void)
{
	guard_preempt();
	save_live(thread_current());
}

/* `t`, stopped or current and synchronised, gets new contents: returns the area to change. */
struct xstate *x86_fpu_changed(struct thread *t)
{
	t->arch.fpu_load = 1;
	t->arch.fpu_cpu = FPU_CPU_NONE;
	return t->arch.fpu;
}

void x86_fpu_reset(struct thread *t)
{
	guard_preempt();
	xstate_reset(x86_fpu_changed(t));
}

int x86_fpu_fork(struct thread *child)
{
	struct thread *t = thread_current();

	if (!t->arch.fpu)
		return 0;
	child->arch.fpu = xstate_alloc();
	if (!child->arch.fpu)
		return -ENOMEM;
	x86_fpu_sync();
	memcpy(child->arch.fpu, t->arch.fpu, x86_xstate_size);
	x86_fpu_changed(child);
	return 0;
}

/* The first program of a kernel thread gets its area here; only boot does that, and cannot go on
 * without. */
void x86_fpu_exec(void)
{
	struct thread *t = thread_current();

	if (!t->arch.fpu) {
		struct xstate *x = xstate_alloc();

		if (!x)
			panic("no memory for the vector state of %s", t->comm);
		t->arch.fpu_load = 1;
		WRITE_ONCE(t->arch.fpu, x);
	}
	x86_fpu_reset(t);
}

void x86_fpu_free(struct thread *t)
{
	if (t->arch.fpu)
		slab_free(xstate_cache, t->arch.fpu);
	t->arch.fpu = NULL;
}

int x86_xstate_check(struct xstate *x)
{
	if (x->legacy.mxcsr & ~mxcsr_mask)
		return -EINVAL;
	if (!x86_has(X86_XSAVE))
		return 0;
	if (x->header.xstate_bv & ~x86_xstate_mask || x->header.xcomp_bv)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(x->header.reserved); i++) {
		if (x->header.reserved[i])
			return -EINVAL;
	}
	return 0;
}

/* --- vector code in the kernel --- */

void arch_fpu_kernel_begin(void)
{
	preempt_disable();

	struct arch_cpu *c = &arch_cpu_self()->arch;

	if (c->fpu_kernel_depth++ == 0) {
		save_live(thread_current());
		WRITE_ONCE(c->fpu_owner, NULL);
	} else if (c->fpu_kernel_depth == 2) {
		xstate_save(c->fpu_nested);
	} else {
		panic("vector code nested %u deep", c->fpu_kernel_depth);
	}
}

void arch_fpu_kernel_end(void)
{
	struct arch_cpu *c = &arch_cpu_self()->arch;

	if (--c->fpu_kernel_depth == 1)
		xstate_load(c->fpu_nested);
	preempt_enable();
}
