/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel and the vDSO agree on. */
#pragma once

#define VDSO_SIGRETURN 0x800 /* offset of the signal trampoline */
