/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing beyond the contract. */
#ifndef ISA_BOOT_H
#define ISA_BOOT_H
#endif
