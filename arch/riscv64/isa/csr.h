/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control and status registers of supervisor mode (RISC-V privileged architecture, chapter 10). */
#ifndef ISA_CSR_H
#define ISA_CSR_H

#define SR_SIE	0x2
#define SR_SPIE 0x20
#define SR_SPP	0x100
#define SR_FS	0x6000
#define SR_SUM	0x40000
#define SR_MXR	0x80000
#define SR_UXL	0x300000000

/* States of the floating-point unit, a field of sstatus. */
#define FS_OFF	   0x0000
#define FS_INITIAL 0x2000
#define FS_CLEAN   0x4000
#define FS_DIRTY   0x6000

#define IRQ_SOFT	1
#define IRQ_TIMER	5
#define IRQ_EXTERNAL	9

#define CAUSE_FETCH_MISALIGNED	0
#define CAUSE_FETCH_ACCESS	1
#define CAUSE_ILLEGAL		2
#define CAUSE_BREAKPOINT	3
#define CAUSE_LOAD_MISALIGNED	4
#define CAUSE_LOAD_ACCESS	5
#define CAUSE_STORE_MISALIGNED	6
#define CAUSE_STORE_ACCESS	7
#define CAUSE_ECALL_USER	8
#define CAUSE_FETCH_PAGE	12
#define CAUSE_LOAD_PAGE		13
#define CAUSE_STORE_PAGE	15

/* stimecmp of the Sstc extension, which this assembler does not know by name. */
#define CSR_STIMECMP 0x14d

#define SATP_MODE_SHIFT 60
#define SATP_PPN	0xfffffffffff

#ifndef __ASSEMBLY__

#define csr_read(csr) \
	({ \
		unsigned long csr_v_; \
		__asm__ __volatile__("csrr %0, " #csr : "=r"(csr_v_) : : "memory"); \
		csr_v_; \
	})
#define csr_write(csr, v) \
	__asm__ __volatile__("csrw " #csr ", %0" : : "rK"((unsigned long)(v)) : "memory")
#define csr_set(csr, v) \
	__asm__ __volatile__("csrs " #csr ", %0" : : "rK"((unsigned long)(v)) : "memory")
#define csr_clear(csr, v) \
	__asm__ __volatile__("csrc " #csr ", %0" : : "rK"((unsigned long)(v)) : "memory")

#endif
#endif
