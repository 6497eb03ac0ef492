/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User memory, two ways.
 *
 * Through the user's translations with sstatus.SUM open (usercopy.S): two instructions on silicon,
 * but an emulator may drop its whole translation cache at every change of SUM.  So boot measures
 * what opening the window costs, and where that is dear the kernel looks the page up itself and
 * goes through the physmap.
 *
 * The look-up runs with interrupts off.  (1) A frame or table is freed, made read-only or cleaned
 * only after every CPU running the address space has answered an interrupt.  (2) This CPU does not
 * answer before the copy is done.  Hence the entry read here is as good as a translation cached by
 * the processor, provided it already carries the accessed and dirty bits that the processor would
 * have set. Whatever is not plainly allowed is left to the first way, and to its faults.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <arch/trapframe.h>
#include <arch/usercopy.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/futex.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include "riscv_internal.h"

size_t riscv_sum_copy(void *dst, const void *src, size_t n);
size_t riscv_sum_clear(void *dst, size_t n);
ssize_t riscv_sum_string(char *dst, const char *src, size_t n);

#define NEED_READ  (RISCV_PTE_V | (PTE_USER | PTE_R | PTE_ACCESSED) << 1)
#define NEED_WRITE (RISCV_PTE_V | (PTE_USER | PTE_W | PTE_ACCESSED | PTE_DIRTY) << 1)

bool riscv_sum_is_dear __section(".data"); /* [I] after boot */

struct ex_entry {
	s32 insn, fixup; /* each relative to itself */
};

bool arch_fixup(struct arch_trapframe *tf)
{
	const struct ex_entry *e = (const struct ex_entry *)__ex_table_start;

	for (; e < (const struct ex_entry *)__ex_table_end; e++)
		if ((vaddr_t)&e->insn + (long)e->insn == arch_tf_pc(tf)) {
			arch_tf_set_pc(tf, (vaddr_t)&e->fixup + (long)e->fixup);
			return true;
		}
	return false;
}

/*
 * The place of user address `va` in the physmap, if its entry has all bits of `need`.  Interrupts
 * off.
 */
static void *user_page(vaddr_t va, u64 need)
{
	u64 entry = csr_read(satp) << PAGE_SHIFT >> 2;

	for (int shift = arch_layout.root_shift; shift >= PAGE_SHIFT; shift -= PT_INDEX_BITS) {
		const u64 *table = phys_to_virt((entry & RISCV_PTE_PPN) << 2);

		entry = READ_ONCE(table[va >> shift & 511]);
		if (entry & RISCV_PTE_RWX) {
			/* Special frames may be device registers, which the physmap does not
			 * have. */
			if ((entry & (need | RISCV_PTE_SOFT0)) != need)
				return NULL;
			return phys_to_virt(((entry & RISCV_PTE_PPN) << 2) +
					    (va & ((1ul << shift) - 1)));
		}
		if (!(entry & RISCV_PTE_V))
			return NULL;
	}
	return NULL;
}

static size_t page_chunk(vaddr_t va, size_t n)
{
	return min(n, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
}

size_t arch_copy_from_user(void *dst, const void __user *src, size_t n)
{
	while (riscv_sum_is_dear && n) {
		size_t chunk = page_chunk((vaddr_t)src, n);
		irqflags_t f = arch_irq_save();
		const void *p = user_page((vaddr_t)src, NEED_READ);

		if (p)
			memcpy(dst, p, chunk);
		arch_irq_restore(f);
		if (!p)
			break;
		dst = (char *)dst + chunk;
		src = (const char __user *)src + chunk;
		n -= chunk;
	}
	return n ? riscv_sum_copy(dst, (const void *)src, n) : 0;
}

size_t arch_copy_to_user(void __user *dst, const void *src, size_t n)
{
	while (riscv_sum_is_dear && n) {
		size_t chunk = page_chunk((vaddr_t)dst, n);
		irqflags_t f = arch_irq_save();
		void *p = user_page((vaddr_t)dst, NEED_WRITE);

		if (p)
			memcpy(p, src, chunk);
		arch_irq_restore(f);
		if (!p)
			break;
		dst = (char __user *)dst + chunk;
		src = (const char *)src + chunk;
		n -= chunk;
	}
	return n ? riscv_sum_copy((void *)dst, src, n) : 0;
}

size_t arch_clear_user(void __user *dst, size_t n)
{
	while (riscv_sum_is_dear && n) {
		size_t chunk = page_chunk((vaddr_t)dst, n);
		irqflags_t f = arch_irq_save();
		void *p = user_page((vaddr_t)dst, NEED_WRITE);

		if (p)
			memset(p, 0, chunk);
		arch_irq_restore(f);
		if (!p)
			break;
		dst = (char __user *)dst + chunk;
		n -= chunk;
	}
	return n ? riscv_sum_clear((void *)dst, n) : 0;
}

/* Copy up to and with a NUL.  Returns the length without it, or n. */
static size_t copy_string(char *dst, const char *src, size_t n)
{
	size_t i = 0;

	/* No byte of the word is zero: no borrow reaches a top bit that was clear. */
	if (!(((vaddr_t)dst | (vaddr_t)src) & 7))
		for (; i + 8 <= n; i += 8) {
			u64 w = *(const u64 *)(src + i);

			if ((w - 0x0101010101010101) & ~w & 0x8080808080808080)
				break;
			*(u64 *)(dst + i) = w;
		}
	for (; i < n; i++) {
		dst[i] = src[i];
		if (!dst[i])
			break;
	}
	return i;
}

ssize_t arch_strncpy_from_user(char *dst, const char __user *src, size_t n)
{
	size_t done = 0;

	while (riscv_sum_is_dear && done < n) {
		size_t chunk = page_chunk((vaddr_t)src + done, n - done), len = 0;
		irqflags_t f = arch_irq_save();
		const char *p = user_page((vaddr_t)src + done, NEED_READ);

		if (p)
			len = copy_string(dst + done, p, chunk);
		arch_irq_restore(f);
		if (!p)
			break;
		done += len;
		if (len < chunk)
			return (ssize_t)done;
	}
	if (done == n)
		return (ssize_t)n;

	ssize_t rest = riscv_sum_string(dst + done, (const char *)src + done, n - done);

	return rest < 0 ? rest : (ssize_t)done + rest;
}

/* --- single accesses -------------------------------------------------------------------------- */

#define EX_TABLE(insn, fixup) \
	".pushsection __ex_table, \"a\"\n\t.balign 4\n\t.long " #insn "b - ., " #fixup "b - .\n\t" \
	".popsection\n"

#define SUM_GET(op, out, p) \
	({ \
		int err_ = -EFAULT; \
		__asm__ __volatile__("csrs sstatus, %[sum]\n" \
				     "1:\t" op " %[v], 0(%[ptr])\n\t" \
				     "li %[err], 0\n" \
				     "2:\tcsrc sstatus, %[sum]\n" EX_TABLE(1, 2) \
				     : [v] "=&r"(out), [err] "+r"(err_) \
				     : [ptr] "r"(p), [sum] "r"((unsigned long)SR_SUM) \
				     : "memory"); \
		err_; \
	})

#define SUM_PUT(op, v_, p) \
	({ \
		int err_ = -EFAULT; \
		__asm__ __volatile__("csrs sstatus, %[sum]\n" \
				     "1:\t" op " %[v], 0(%[ptr])\n\t" \
				     "li %[err], 0\n" \
				     "2:\tcsrc sstatus, %[sum]\n" EX_TABLE(1, 2) \
				     : [err] "+r"(err_) \
				     : [v] "r"(v_), [ptr] "r"(p), [sum] "r"((unsigned long)SR_SUM) \
				     : "memory"); \
		err_; \
	})

#define GET_USER(bits, op) \
	int arch_get_user##bits(u##bits *out, const u##bits __user *p) \
	{ \
		if (riscv_sum_is_dear) { \
			irqflags_t f = arch_irq_save(); \
			const u##bits *k = user_page((vaddr_t)p, NEED_READ); \
\
			if (k) \
				*out = READ_ONCE(*k); \
			arch_irq_restore(f); \
			if (k) \
				return 0; \
		} \
		u##bits v = 0; \
		int err = SUM_GET(op, v, p); \
\
		*out = err ? 0 : v; \
		return err; \
	}

#define PUT_USER(bits, op) \
	int arch_put_user##bits(u##bits __user *p, u##bits v) \
	{ \
		if (riscv_sum_is_dear) { \
			irqflags_t f = arch_irq_save(); \
			u##bits *k = user_page((vaddr_t)p, NEED_WRITE); \
\
			if (k) \
				WRITE_ONCE(*k, v); \
			arch_irq_restore(f); \
			if (k) \
				return 0; \
		} \
		return SUM_PUT(op, v, p); \
	}

GET_USER(32, "lw")
GET_USER(64, "ld")
PUT_USER(32, "sw")
PUT_USER(64, "sd")

static int sum_cmpxchg32(u32 *p, u32 *expected, u32 desired)
{
	int err = -EFAULT;
	u32 old = *expected;
	unsigned long status;

	__asm__ __volatile__("csrs sstatus, %[sum]\n"
			     "1:\tlr.w.aqrl %[old], (%[ptr])\n\t"
			     "bne %[old], %[exp], 4f\n"
			     "2:\tsc.w.aqrl %[st], %[new], (%[ptr])\n\t"
			     "bnez %[st], 1b\n\t"
			     "fence rw, rw\n"
			     "4:\tli %[err], 0\n"
			     "3:\tcsrc sstatus, %[sum]\n" EX_TABLE(1, 3) EX_TABLE(2, 3)
			     : [old] "=&r"(old), [st] "=&r"(status), [err] "+r"(err)
			     : [ptr] "r"(p), [exp] "r"((long)(s32)*expected), [new] "r"(desired),
			       [sum] "r"((unsigned long)SR_SUM)
			     : "memory");
	if (!err)
		*expected = old;
	return err;
}

int arch_user_cmpxchg32(u32 __user *p, u32 *expected, u32 desired)
{
	if (riscv_sum_is_dear) {
		irqflags_t f = arch_irq_save();
		u32 *k = user_page((vaddr_t)p, NEED_WRITE);

		if (k)
			__atomic_compare_exchange_n(k, expected, desired, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST);
		arch_irq_restore(f);
		if (k)
			return 0;
	}
	return sum_cmpxchg32((u32 *)p, expected, desired);
}

static u32 futex_op(unsigned op, u32 old, u32 arg)
{
	switch (op) {
	case FUTEX_OP_SET: return arg;
	case FUTEX_OP_ADD: return old + arg;
	case FUTEX_OP_OR: return old | arg;
	case FUTEX_OP_ANDN: return old & ~arg;
	default: return old ^ arg;
	}
}

int arch_user_fetch_op32(u32 __user *p, unsigned op, u32 arg, u32 *old)
{
	u32 seen;
	int err;

	if (op > FUTEX_OP_XOR)
		return -ENOSYS;
	err = arch_get_user32(&seen, p);
	while (!err) {
		*old = seen;
		err = arch_user_cmpxchg32(p, &seen, futex_op(op, *old, arg));
		if (seen == *old)
			break;
	}
	return err;
}

/*
 * Compare a few memory accesses with and without opening SUM around each: on silicon the difference
 * is a few cycles, in an emulator that flushes it is microseconds.
 */
void riscv_usercopy_init(void)
{
	enum { ROUNDS = 64, DEAR_NS = 500 };
	volatile u32 *probe = (volatile u32 *)phys_to_virt(arch_kernel_mmu.root);
	u64 ticks[2];

	for (unsigned open = 0; open < 2; open++) {
		irqflags_t f = arch_irq_save();
		u64 start = arch_clock_read();

		for (unsigned i = 0; i < ROUNDS; i++) {
			if (open)
				csr_set(sstatus, SR_SUM);
			(void)*probe;
			if (open)
				csr_clear(sstatus, SR_SUM);
			(void)*probe;
		}
		ticks[open] = arch_clock_read() - start;
		arch_irq_restore(f);
	}
	if (ticks[1] > ticks[0])
		riscv_sum_is_dear = (ticks[1] - ticks[0]) * 1000000000 / arch_clock_hz() >
				    ROUNDS * DEAR_NS;
}
