/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux numbers and shapes that differ by ISA and are not in the UAPI headers.
 *
 * <isa/abi.h> supplies ARCH_ELF_MACHINE, ARCH_CLONE_TLS_LAST (1 where clone(2) takes ctid before
 * tls), ARCH_HAS_STACK_RESTORER, ARCH_ELF_DYN_BASE, ARCH_ELF_PLATFORM (string or NULL).
 */
#ifndef ARCH_ABI_H
#define ARCH_ABI_H

#include <kernel/lib/types.h>
#include <isa/abi.h>

struct arch_auxv {
	u64 type, value;
};

/* Append AT_HWCAP, AT_HWCAP2, ... of this ISA (not AT_SYSINFO_EHDR).  Returns how many entries, at
 * most 8. */
unsigned arch_auxv(struct arch_auxv *out);

/* arch_prctl(2), riscv_hwprobe(2), riscv_flush_icache(2) are system calls in
 * arch/<isa>/syscall.c. */

/* The vDSO image (page aligned, whole pages) and offsets of its symbols. */
extern const char arch_vdso_start[], arch_vdso_end[];
vaddr_t arch_vdso_sigreturn(void);	/* offset of the signal trampoline */

#endif
