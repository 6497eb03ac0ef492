/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISA_TLB_H
#define ISA_TLB_H

#define ARCH_TLB_BROADCAST 0

#endif
