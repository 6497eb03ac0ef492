/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of /proc: rooms add files to it, or export them through <kernel/lib/export.h>. */
#pragma once

#include <fs/textfs/textfs.h>

/* The root.  Valid after proc_init(). */
struct text_node *proc_root(void);

/* kernel/proc supplies the numbered directories and self. */
void proc_set_dynamic(int (*lookup)(struct superblock *sb, const char *name, size_t len,
				    struct inode **out),
		      int (*iterate)(struct file *file, struct dir_context *ctx));

void proc_init(void);
