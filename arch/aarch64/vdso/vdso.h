/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel and the vDSO agree on. */
#pragma once

#define VDSO_TEXT      0x800
#define VDSO_SIGRETURN 0x804 /* offset of the signal trampoline, after a no-op */
