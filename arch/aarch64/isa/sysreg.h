/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System registers: reading, writing, and the bits used here (Arm ARM, chapter D17). */
#pragma once

#define read_sysreg(name) \
	({ \
		u64 sysreg_v_; \
		__asm__ __volatile__("mrs %0, " #name : "=r"(sysreg_v_)); \
		sysreg_v_; \
	})
#define write_sysreg(name, v) __asm__ __volatile__("msr " #name ", %x0" : : "rZ"((u64)(v)))

#define isb()	   __asm__ __volatile__("isb" : : : "memory")
#define dsb(scope) __asm__ __volatile__("dsb " #scope : : : "memory")
#define dmb(scope) __asm__ __volatile__("dmb " #scope : : : "memory")

/* SCTLR_EL1 */
#define SCTLR_M	   (1 << 0)
#define SCTLR_C	   (1 << 2)
#define SCTLR_SA   (1 << 3)
#define SCTLR_SA0  (1 << 4)
#define SCTLR_SED  (1 << 8)
#define SCTLR_I	   (1 << 12)
#define SCTLR_DZE  (1 << 14)
#define SCTLR_UCT  (1 << 15)
#define SCTLR_NTWI (1 << 16)
#define SCTLR_NTWE (1 << 18)
#define SCTLR_SPAN (1 << 23)
#define SCTLR_UCI  (1 << 26)
#define SCTLR_RES1 ((1 << 11) | (1 << 20) | (1 << 22) | (1 << 28) | (1 << 29))

#define SCTLR_MMU_OFF (SCTLR_RES1 | SCTLR_SPAN)
#define SCTLR_MMU_ON \
	(SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_SED | SCTLR_I | SCTLR_DZE | \
	 SCTLR_UCT | SCTLR_NTWI | SCTLR_NTWE | SCTLR_UCI)

/* TCR_EL1: 48-bit halves, 4 KiB granules, walks inner-shareable and cached, top byte of user
 * addresses ignored. */
#define TCR_T0SZ     16
#define TCR_T1SZ     (16 << 16)
#define TCR_WALK0    ((1 << 8) | (1 << 10) | (3 << 12))
#define TCR_WALK1    ((1 << 24) | (1 << 26) | (3 << 28))
#define TCR_TG1_4K   (2ull << 30)
#define TCR_AS	     36
#define TCR_TBI0     37
#define TCR_HA	     39
#define TCR_HD	     40
#define TCR_IPS      32

/* MAIR_EL1: indices used in page-table entries. */
#define MAIR_NORMAL    0
#define MAIR_NC	       1
#define MAIR_DEVICE    2
#define MAIR_VALUE     0x0444ff

/* PSTATE as saved in SPSR_EL1. */
#define PSR_MODE_EL0T 0x0
#define PSR_MODE_EL1H 0x5
#define PSR_MODE_MASK 0x1f
#define PSR_F	      (1 << 6)
#define PSR_I	      (1 << 7)
#define PSR_A	      (1 << 8)
#define PSR_D	      (1 << 9)
#define PSR_SS	      (1 << 21)
#define PSR_PAN	      (1 << 22)
#define PSR_BTYPE     (3 << 10)
#define PSR_TCO	      (1 << 25)
#define PSR_NZCV      0xf0000000ull
/* Bits that are zero in AArch64: 63-32, 27-26, 23-22, 20-13, 5. */
#define PSR_RES0      0xffffffff0cdfe020ull

/* ESR_EL1 */
#define ESR_EC(esr)	((unsigned)((esr) >> 26) & 0x3f)
#define EC_UNKNOWN	0x00
#define EC_FP		0x07
#define EC_BTI		0x0d
#define EC_ILLEGAL	0x0e
#define EC_SVC64	0x15
#define EC_SYSREG	0x18
#define EC_SVE		0x19
#define EC_FPAC		0x1c
#define EC_SME		0x1d
#define EC_IABT_LOW	0x20
#define EC_IABT_CUR	0x21
#define EC_PC_ALIGN	0x22
#define EC_DABT_LOW	0x24
#define EC_DABT_CUR	0x25
#define EC_SP_ALIGN	0x26
#define EC_FP_EXC	0x2c
#define EC_SERROR	0x2f
#define EC_BREAK_LOW	0x30
#define EC_BREAK_CUR	0x31
#define EC_STEP_LOW	0x32
#define EC_STEP_CUR	0x33
#define EC_WATCH_LOW	0x34
#define EC_WATCH_CUR	0x35
#define EC_BRK		0x3c
#define ESR_WNR		(1 << 6)
#define ESR_CM		(1 << 8)
#define ESR_FNV		(1 << 10)
#define ESR_FSC(esr)	((unsigned)(esr) & 0x3f)

/* CPACR_EL1: floating point for everybody; SVE and SME trap. */
#define CPACR_FPEN (3 << 20)

/* CNTKCTL_EL1: user mode reads the virtual counter. */
#define CNTKCTL_EL0VCTEN (1 << 1)

#define MDSCR_SS (1 << 0)

#define MPIDR_HWID_MASK 0xff00ffffffUL
