/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prctl and arch_prctl. */
#pragma once

#include <linux/prctl.h>
#if __has_include(<asm/prctl.h>)
#include <asm/prctl.h>
#endif
