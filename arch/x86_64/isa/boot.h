/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISA_BOOT_H
#define ISA_BOOT_H

/* Where the ELF file asks to be loaded; the image stays there, only its virtual address moves. */
#define X86_LOAD_PA 0x1000000UL

#endif
