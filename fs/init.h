/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fs comes up; init/main.c calls these in order, in a thread that may sleep. */
#pragma once

#include <kernel/lib/types.h>

/* Caches, the root tree, internal mounts, /dev nodes of memory devices.  Panics when out of memory. */
void fs_init(void);

/* Unpack the archive(s) at [start, end) (physical, from boot_info) into the root tree, and give the memory back. */
void initramfs_unpack(paddr_t start, paddr_t end);
