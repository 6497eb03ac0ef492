/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of /sys. */
#pragma once

#include <fs/textfs/textfs.h>

/* The root.  Valid after sysfs_init(). */
struct text_node *sysfs_root(void);

void sysfs_init(void);
