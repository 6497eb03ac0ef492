/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the exerciser runs: in a guest's user program, or in the host's kernel program (compiled
 * freestanding). */
#pragma once

#if __STDC_HOSTED__
#include "exercise_libc.h"
#else
#include "exercise_host.h"
#endif
