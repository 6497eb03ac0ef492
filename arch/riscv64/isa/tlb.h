/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sfence.vma reaches this hart only.  SBI can reach others, but mm's own interrupts batch better
 * and keep the promise usercopy.c relies on: no frame is freed while a CPU that maps it has
 * interrupts off.
 */
#ifndef ISA_TLB_H
#define ISA_TLB_H

#define ARCH_TLB_BROADCAST 0

#endif
