/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware below us (RISC-V Supervisor Binary Interface 2.0).
 *
 * Extensions are probed once; where one is missing its legacy predecessor (0.1) serves, as it does
 * on firmware without a base extension at all.
 */
#include <arch/cpu.h>
#include <arch/power.h>
#include <kernel/lib/compiler.h>
#include "riscv_internal.h"

#define SBI_BASE 0x10
#define SBI_TIME 0x54494d45
#define SBI_IPI	 0x735049
#define SBI_HSM	 0x48534d
#define SBI_SRST 0x53525354
#define SBI_DBCN 0x4442434e

#define SBI_LEGACY_SET_TIMER 0
#define SBI_LEGACY_PUTCHAR   1
#define SBI_LEGACY_SEND_IPI  4
#define SBI_LEGACY_SHUTDOWN  8

static bool has_base, has_time, has_ipi, has_hsm, has_srst, has_dbcn; /* [I] */

struct sbi_ret sbi_call(u64 ext, u64 fn, u64 arg0, u64 arg1, u64 arg2, u64 arg3)
{
	register u64 a0 __asm__("a0") = arg0;
	register u64 a1 __asm__("a1") = arg1;
	register u64 a2 __asm__("a2") = arg2;
	register u64 a3 __asm__("a3") = arg3;
	register u64 a6 __asm__("a6") = fn;
	register u64 a7 __asm__("a7") = ext;

	__asm__ __volatile__("ecall"
			     : "+r"(a0), "+r"(a1)
			     : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
			     : "memory");
	return (struct sbi_ret){ (long)a0, (long)a1 };
}

bool sbi_probe(u64 ext)
{
	struct sbi_ret r;

	if (!has_base)
		return false;
	r = sbi_call(SBI_BASE, 3, ext, 0, 0, 0);
	return r.error == 0 && r.value != 0;
}

void sbi_init(void)
{
	has_base = sbi_call(SBI_BASE, 0, 0, 0, 0, 0).error == 0;
	has_time = sbi_probe(SBI_TIME);
	has_ipi = sbi_probe(SBI_IPI);
	has_hsm = sbi_probe(SBI_HSM);
	has_srst = sbi_probe(SBI_SRST);
	has_dbcn = sbi_probe(SBI_DBCN);
}

void sbi_set_timer(u64 deadline)
{
	if (has_time)
		sbi_call(SBI_TIME, 0, deadline, 0, 0, 0);
	else
		sbi_call(SBI_LEGACY_SET_TIMER, 0, deadline, 0, 0, 0);
}

/* Harts base + n for each bit n of the mask.  The legacy call takes a mask of harts in memory. */
void sbi_send_ipi(u64 hart_mask, u64 base)
{
	if (has_ipi) {
		sbi_call(SBI_IPI, 0, hart_mask, base, 0, 0);
	} else {
		unsigned long mask = hart_mask << base;

		sbi_call(SBI_LEGACY_SEND_IPI, 0, (u64)&mask, 0, 0, 0);
	}
}

void sbi_putc(char c)
{
	if (has_dbcn)
		sbi_call(SBI_DBCN, 2, (u8)c, 0, 0, 0);
	else
		sbi_call(SBI_LEGACY_PUTCHAR, 0, (u8)c, 0, 0, 0);
}

bool sbi_hart_start(u64 hart, paddr_t entry, u64 opaque)
{
	return has_hsm && sbi_call(SBI_HSM, 0, hart, entry, opaque, 0).error == 0;
}

void sbi_hart_stop(void)
{
	if (has_hsm)
		sbi_call(SBI_HSM, 1, 0, 0, 0, 0);
}

void sbi_reset(bool reboot)
{
	if (has_srst)
		sbi_call(SBI_SRST, 0, reboot, 0, 0, 0);
	if (!reboot)
		sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);
}

u64 sbi_machine_id(unsigned which)
{
	struct sbi_ret r = { -1, 0 };

	if (has_base)
		r = sbi_call(SBI_BASE, 4 + which, 0, 0, 0, 0);
	return r.error ? 0 : (u64)r.value;
}
