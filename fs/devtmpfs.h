/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file system of device nodes, filled by the kernel as devices come and go.  One instance,
 * mounted on /dev by init or by the user.
 */
#pragma once

#include <fs/vfs/types.h>

/*
 * Make node `name` ("null", "input/event0": directories are made too) for `dev`; mode carries
 * S_IFCHR or S_IFBLK and permission bits. Returns 0, -EEXIST, -ENOMEM.  Context: may sleep.  May be
 * called before devtmpfs_init(): the node appears then.
 */
int devtmpfs_create(const char *name, umode_t mode, dev_t dev);
/* With an owner. */
int devtmpfs_create_owned(const char *name, umode_t mode, dev_t dev, u32 uid, u32 gid);
/* Remove the node, and directories that were made for it and are empty.  Returns 0 or -ENOENT. */
int devtmpfs_remove(const char *name);
int devtmpfs_symlink(const char *name, const char *target);

void devtmpfs_init(void);
