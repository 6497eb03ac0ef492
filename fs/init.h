/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fs comes up; init/main.c calls these in order, in a thread that may sleep. */
#pragma once

#include <kernel/lib/types.h>

/* Caches, the root tree, internal mounts, /dev nodes of memory devices.  Panics when out of
 * memory. */
void fs_init(void);

/* Unpack the archive(s) at [start, end) (physical, from boot_info) into the root tree, and give the
 * memory back. */
void initramfs_unpack(paddr_t start, paddr_t end);

/* The root file system from a device: what the command line says. */
struct root_request {
	const char *device; /* root= */
	const char *types;  /* rootfstype=, or NULL: all that need a device */
	const char *flags;  /* rootflags=, or NULL */
	bool read_only;
	bool wait;	    /* rootwait */
	u64 wait_s;	    /* rootwait=SECONDS; 0: for ever */
	u64 delay_s;	    /* rootdelay= */
};
/* Mount it, make it everybody's "/", and devtmpfs on its /dev.  Panics when that cannot be.
 * Context: may sleep. */
void root_mount(const struct root_request *req);
/* Is there a file of that name?  Follows links. */
bool root_has(const char *path);
