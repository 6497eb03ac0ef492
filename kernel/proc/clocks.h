/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks by the numbers that programs use. */
#pragma once

#include <kernel/lib/types.h>

/* Now on clock `clock` (CLOCK_*, or a CPU-time clock), in ns.  Returns 0 or -EINVAL. */
int __attribute__((warn_unused_result)) clock_read(int clock, u64 *ns);
