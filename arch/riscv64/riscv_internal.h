/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of arch/riscv64 tell each other. */
#pragma once

#include <kernel/lib/types.h>

struct cpu;
struct thread;
struct arch_trapframe;

/* boot.c, boot.S */
extern u64 riscv_image_offset; /* [I] virtual minus physical address of the image */
extern u64 riscv_satp_mode;    /* [I] mode field of satp, in place */
extern u64 riscv_boot_hart;    /* [I] */
extern const char boot_secondary_entry[], boot_secondary_virtual[];

void boot_physical(u64 hart, paddr_t dtb);
u64 boot_next_satp(void);
void boot_virtual(void);

/* What a starting hart finds at the physical address in its a1. */
struct boot_secondary {
	u64 entry;  /* virtual address to go on at */
	u64 satp;
	u64 thread; /* its idle thread */
	u64 stack;
};

/* cpu.c: what all harts share. */
enum riscv_extension {
	RISCV_SSTC,
	RISCV_SVPBMT,
	RISCV_SVADU,
	RISCV_ZBA,
	RISCV_ZBB,
	RISCV_ZBC,
	RISCV_ZBS,
	RISCV_ZIHINTPAUSE,
	RISCV_ZBKB,
	RISCV_ZBKC,
	RISCV_ZBKX,
	RISCV_ZFH,
	RISCV_ZFHMIN,
	RISCV_ZFA,
	RISCV_ZICOND,
	RISCV_ZACAS,
	RISCV_ZAWRS,
	RISCV_ZCB,
	RISCV_ZKT,
};

struct riscv_features {
	u64 letters; /* single-letter extensions, bit 0 is 'a' */
	u64 set;     /* bit per enum riscv_extension */
	u64 hz;	     /* of the time CSR */
};
extern struct riscv_features riscv_features; /* [I] */

static inline bool riscv_has(enum riscv_extension e)
{
	return riscv_features.set >> e & 1;
}

void riscv_features_init(void);
/* crc.c */
void crc_machine_init(void);

/* thread.c: stack bounds, canary and CPU of a thread that has not run. */
void riscv_thread_prepare(struct thread *t, struct cpu *cpu);

/* mmu.c */
void riscv_mmu_features(void);
/* The kernel's own entry for `va` allows what `flags` asks. */
bool riscv_kernel_allows(vaddr_t va, unsigned flags);

/* irq.c, timer.c */
void riscv_irq_init(void);
void riscv_irq_init_cpu(void);
void riscv_timer_stop(void);

/* useraccess.c */
void riscv_usercopy_init(void);

/* smp.c */
void riscv_ipi_init(void);
void riscv_ipi_receive(void);

/* fpu.c: at a switch; make the save area complete; use it instead of the registers. */
void riscv_fpu_leave(struct thread *t);
void riscv_fpu_enter(struct thread *t);
void riscv_fpu_save(struct thread *t);
void riscv_fpu_changed(struct thread *t);
bool riscv_fpu_first_use(struct arch_trapframe *tf);

/* trap.S, switch.S */
extern const char trap_entry[];
void ret_from_fork(void);
void thread_start_kernel(void);
struct thread *riscv_switch(struct thread *prev, struct thread *next);

/* sbi.c */
struct sbi_ret {
	long error, value;
};
struct sbi_ret sbi_call(u64 ext, u64 fn, u64 a0, u64 a1, u64 a2, u64 a3);
void sbi_init(void);
bool sbi_probe(u64 ext);
void sbi_set_timer(u64 deadline);
void sbi_send_ipi(u64 hart_mask, u64 base);
void sbi_putc(char c);
bool sbi_hart_start(u64 hart, paddr_t entry, u64 opaque);
void sbi_hart_stop(void);
void sbi_reset(bool reboot);
u64 sbi_machine_id(unsigned which); /* 0 vendor, 1 architecture, 2 implementation */
