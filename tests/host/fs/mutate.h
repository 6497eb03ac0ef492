/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants: images with something wrong, mounted and used.  Any answer will do, but no crash, no
 * hang, no leak.
 *
 * Where the metadata lies is learned from the sectors that are read while a whole sound image is
 * walked without reading file contents; most mutations go there.  Each mutant has a number of its
 * own, printed when something happens: MUTANT= repeats it alone.
 */
#pragma once

#include <kernel/lib/types.h>
#include "disk.h"

struct mutate_config {
	const char *type, *options; /* of mount(2) */
	unsigned mutants;
	bool read_only;             /* the type cannot write: it must not */
	/* Make checksums right again, by host_disk_store(), for half of the mutants, or NULL. */
	void (*repair)(struct host_disk *d);
	/* A place worth spoiling, as the random number has it, for half of the changes, or NULL. */
	u64 (*aim)(u64 random);
	u64 steps;                  /* budget of one mutant; 0: one million */
};

/* `d` holds a sound image, not mounted, and holds it again afterwards.  Returns the mutants that
 * were mounted. */
unsigned mutate(struct host_disk *d, const struct mutate_config *config);
