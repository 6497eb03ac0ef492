/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux's numbers of RISC-V. */
#ifndef ISA_ABI_H
#define ISA_ABI_H

#include <isa/types.h>

#define ARCH_ELF_MACHINE	 243 /* EM_RISCV */
#define ARCH_CLONE_TLS_LAST	 0
#define ARCH_HAS_STACK_RESTORER 0
#define ARCH_ELF_DYN_BASE	 (USER_TOP / 3 * 2)
#define ARCH_ELF_PLATFORM	 NULL

#endif
