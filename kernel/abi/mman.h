/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmap, mprotect, madvise, mlock. */
#pragma once

#include <asm/mman.h>
#include <linux/mman.h>
