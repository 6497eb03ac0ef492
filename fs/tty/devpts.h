/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file system of pseudo-terminals, as pty.c uses it. */
#pragma once

#include <fs/tty/tty.h>
#include <fs/vfs/file.h>

struct devpts; /* one instance: numbers and a root directory */

/* The instance that opening this ptmx node belongs to, counted.  0, -ENODEV. */
int __must_check devpts_of(struct file *ptmx, struct devpts **out);
void devpts_put(struct devpts *pts);

/* A free number.  Returns it, -ENOSPC (the limit), -ENOMEM. */
int __must_check devpts_index_get(struct devpts *pts);
void devpts_index_put(struct devpts *pts, int index);

/* Make and remove the node of a slave.  The node holds a reference to the tty. */
int __must_check devpts_node_add(struct devpts *pts, struct tty *slave);
void devpts_node_remove(struct devpts *pts, struct tty *slave);

/*
 * The slave behind an opened node of a devpts, counted; NULL when the node is of another file
 * system.
 */
struct tty *devpts_slave(struct inode *inode);
/* Open the slave's node in the instance's own mount of it: TIOCGPTPEER. */
int __must_check devpts_open_peer(struct file *master, struct tty *slave, u32 flags,
				  struct file **out);
