/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of this room. */
#pragma once

#include <kernel/lib/types.h>

struct thread;
struct fdt;

/* boot.c */
void boot_console_init(void);
void boot_console_keep(paddr_t root);

/* thread.c, switch.S */
u64 thread_new_canary(void);
void thread_prepare(struct thread *t);	/* fresh machine state on t->stack */
struct thread *switch_context(struct thread *prev, struct thread *next);
void thread_begin(void);

/* fpu.c */
void fpu_switch(struct thread *prev, struct thread *next);
void fpu_flush_current(void);		/* registers to memory; they stay valid */
void fpu_discard(struct thread *t);	/* memory is the truth: reload before user mode */

/* cpu.c */
struct cpu_features {
	u64 hwcap, hwcap2;
	bool pan;
};
extern struct cpu_features cpu_features;
void cpu_features_init(void);
void cpu_identify(void);		/* this CPU */
void pan_patch(void);
/* An MRS of an identification register from user mode.  false: not emulated. */
bool cpu_id_register(u32 sysreg, u64 *value);

/* crc.c */
void crc_machine_init(bool present);

/* mmu.c */
void mmu_init(void);
void mmu_init_cpu(void);
void dma_init(void);

/* power.c */
void psci_init(void);
long psci_cpu_on(u64 mpidr, paddr_t entry, u64 context);

/* signal.c: make a PSTATE offered by a user or tracer safe.  false: it was not even AArch64 user
 * mode. */
bool psr_sanitise(u64 *pstate);

/* usercopy.S: 0, or -EFAULT when nothing is mapped there. */
int kernel_read_pair(u64 out[2], vaddr_t at);

/* debug.c */
void user_step_update(struct thread *next);
