/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting the other harts (SBI hart state management) and interrupting them (SBI IPI).
 *
 * SBI knows one kind of inter-processor interrupt; which one is meant is a bit in the target's
 * ipi_pending.  The bit is set before the interrupt is sent, and the target clears its interrupt
 * before it takes the bits, so none is lost.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/bits.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/ipi.h>
#include <isa/csr.h>
#include "riscv_internal.h"

static struct boot_secondary secondary[CONFIG_NR_CPUS];

static paddr_t image_phys(const void *p)
{
	return (paddr_t)((u64)p - riscv_image_offset);
}

int arch_smp_start(struct cpu *c)
{
	struct boot_secondary *s = &secondary[c->id];

	c->arch.hart = c->hwid;
	riscv_thread_prepare(c->idle, c);
	*s = (struct boot_secondary){
		.entry = (u64)boot_secondary_virtual,
		.satp = riscv_satp_mode | arch_kernel_mmu.root >> PAGE_SHIFT,
		.thread = (u64)c->idle,
		.stack = c->idle->arch.user_frame,
	};
	smp_mb();
	return sbi_hart_start(c->hwid, image_phys(boot_secondary_entry), image_phys(s)) ? 0 : -EIO;
}

_Noreturn void arch_smp_park(void)
{
	arch_cpu_halt();
}

static void ipi_send_sbi(const struct cpumask *mask, enum ipi ipi)
{
	u64 harts = 0, base = 0;
	unsigned id;

	for_each_cpu (id, mask) {
		struct cpu *c = cpu_get(id);

		atomic_fetch_or(&c->arch.ipi_pending, BIT(ipi));
		if (harts && (c->arch.hart < base || c->arch.hart - base > 63)) {
			sbi_send_ipi(harts, base);
			harts = 0;
		}
		if (!harts)
			base = c->arch.hart;
		harts |= BIT(c->arch.hart - base);
	}
	if (harts)
		sbi_send_ipi(harts, base);
}

/* Context: hard interrupt. */
void riscv_ipi_receive(void)
{
	u64 pending;

	csr_clear(sip, BIT(IRQ_SOFT));
	pending = atomic_xchg(&arch_cpu_self()->arch.ipi_pending, 0);
	for (; pending; pending &= pending - 1)
		ipi_received((enum ipi)ctz64(pending));
}

static const struct ipi_ops sbi_ipi = { .name = "sbi", .send = ipi_send_sbi };

void riscv_ipi_init(void)
{
	ipi_register(&sbi_ipi);
}
