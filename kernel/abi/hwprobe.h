/* SPDX-License-Identifier: GPL-2.0-or-later */
/* riscv_hwprobe; empty on other architectures. */
#pragma once

#if __has_include(<asm/hwprobe.h>)
#include <asm/hwprobe.h>
#endif
