/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#define ARCH_ELF_MACHINE	183 /* EM_AARCH64 */
#define ARCH_CLONE_TLS_LAST	0
#define ARCH_HAS_STACK_RESTORER 0
#define ARCH_ELF_DYN_BASE	((USER_TOP / 3 * 2) & PAGE_MASK)
#define ARCH_ELF_PLATFORM	"aarch64"
