/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file system a device holds, so far as root=UUID= and root=LABEL= ask: ext2 and its
 * successors, FAT.  Pure: looks at the first PROBE_BYTES of the device.
 */
#pragma once

#include <kernel/lib/types.h>

#define PROBE_BYTES 4096u

struct probe_result {
	char uuid[40];  /* as blkid shows it: "xxxxxxxx-xxxx-...", "ABCD-1234" */
	char label[32]; /* "" for none */
};

/* False: none that is known. */
bool fs_probe(const u8 *start, struct probe_result *out);
