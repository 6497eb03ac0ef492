/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt flag, RFLAGS.IF. */
#ifndef ISA_IRQFLAGS_H
#define ISA_IRQFLAGS_H

#define X86_FLAGS_IF 0x200UL

static __always_inline void arch_irq_enable(void)
{
	__asm__ __volatile__("sti" ::: "memory");
}

static __always_inline void arch_irq_disable(void)
{
	__asm__ __volatile__("cli" ::: "memory");
}

static __always_inline irqflags_t x86_read_flags(void)
{
	irqflags_t f;

	__asm__ __volatile__("pushfq; popq %0" : "=rm"(f)::"memory");
	return f;
}

static __always_inline irqflags_t arch_irq_save(void)
{
	irqflags_t f = x86_read_flags();

	arch_irq_disable();
	return f;
}

static __always_inline void arch_irq_restore(irqflags_t f)
{
	if (f & X86_FLAGS_IF)
		arch_irq_enable();
	else
		arch_irq_disable();
}

static __always_inline bool arch_irq_enabled(void)
{
	return x86_read_flags() & X86_FLAGS_IF;
}

#endif
