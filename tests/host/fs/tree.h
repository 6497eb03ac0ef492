/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mounted tree beside the one of the host that it was made of: tree.py makes such a tree, and
 * lists it.
 */
#pragma once

#include <kernel/lib/types.h>

/* What is compared besides names, kinds, sizes, contents and symbolic links. */
#define TREE_MODES  1u /* modes, owners, device numbers */
#define TREE_TIMES  2u /* of the last change, in seconds */
#define TREE_LINKS  4u /* how many names */
#define TREE_XATTRS 8u

/* Make the tree anew in a directory of the host. */
bool tree_make(const char *source);
/* `source`: the directory of the host.  Returns how many files there are; differences fail the
 * test. */
unsigned tree_expect(const char *mounted, const char *source, unsigned flags);
/* Look at all of it, whatever comes: for memory and disks that fail. */
void tree_use(const char *mounted);
