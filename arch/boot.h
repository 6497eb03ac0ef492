/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How we wake.
 *
 * The ISA's entry code builds boot page tables, relocates the image to a random address, points the
 * CPU registers at the boot CPU's struct cpu and boot thread, and calls kernel_main() (init/main.c)
 * with interrupts off, the image mapped and the physmap covering at least the RAM below 4 GiB of
 * bus address space (all of it where 1 GiB pages exist).
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <kernel/lib/types.h>

struct boot_info;

/*
 * Fill `info` from what firmware left: memory ranges, initrd, command line, DTB or RSDP address,
 * image range. Hostile or absent firmware data leaves fields zero; never fails.  Context: boot CPU,
 * before mm; allocates nothing.
 */
void arch_boot_info(struct boot_info *info);

/* One character to the earliest console there is; busy-waits for the device.  Context: any. */
void arch_early_putc(char c);

/* Boot CPU, before mm: exception vectors, CPU features, early console.  Context: interrupts off. */
void arch_init_early(void);

/* Boot CPU, after mm and the heap: everything that allocates or maps device registers. */
void arch_init(void);

/* Every CPU, itself, once its struct cpu and per-CPU area are up.  Context: interrupts off. */
void arch_init_cpu(void);

/* Set when the image was relocated: the distance from the link address, for symbolisation. */
u64 arch_kaslr_offset(void);

#include <isa/boot.h>

#endif
