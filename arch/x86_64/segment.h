/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments (Intel SDM volume 3, chapter 3).  The order serves SYSCALL and SYSRET, which compute
 * three selectors from two; the visible numbers are those of Linux.  There is no 32-bit user
 * segment.
 */
#pragma once

#define GDT_KERNEL_CS 2
#define GDT_KERNEL_DS 3
#define GDT_USER_CS32 4 /* named by STAR, left empty */
#define GDT_USER_DS   5
#define GDT_USER_CS   6
#define GDT_TSS	      8 /* two words */
#define GDT_CPU	      15 /* its limit is the CPU's number, for getcpu in user mode */

#define KERNEL_CS (GDT_KERNEL_CS * 8)
#define KERNEL_DS (GDT_KERNEL_DS * 8)
#define USER_CS32 (GDT_USER_CS32 * 8 + 3)
#define USER_DS	  (GDT_USER_DS * 8 + 3)
#define USER_CS	  (GDT_USER_CS * 8 + 3)
#define TSS_SEL	  (GDT_TSS * 8)
#define CPU_SEL	  (GDT_CPU * 8 + 3)

#define GDT_CODE64 0x00af9b000000ffff
#define GDT_DATA   0x00cf93000000ffff
#define GDT_DPL3   0x0000600000000000

/* Interrupt stacks by their number in the TSS. */
#define IST_DF	 1
#define IST_NMI	 2
#define IST_MC	 3
#define IST_DB	 4
#define IST_COUNT 4
#define IST_SIZE                                                                                   \
	8192 /* and alignment: the owner's struct cpu * is found by rounding the stack pointer */
