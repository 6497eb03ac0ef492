/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISA_ABI_H
#define ISA_ABI_H

#define ARCH_ELF_MACHINE       62 /* EM_X86_64 */
#define ARCH_CLONE_TLS_LAST    1
#define ARCH_HAS_STACK_RESTORER 1
#define ARCH_ELF_DYN_BASE      0x555555554000UL /* two thirds of the user half */
#define ARCH_ELF_PLATFORM      "x86_64"

#endif
