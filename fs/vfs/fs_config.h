/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting by steps: a file that collects the options of a superblock, makes it, and gives mounts
 * of it. fsopen(2), fspick(2), fsconfig(2), fsmount(2).
 */
#pragma once

#include <fs/vfs/file.h>
#include <fs/vfs/super.h>

/* For a new superblock of `type`.  Returns 0, -ENOMEM, -ENFILE. */
int fs_config_open(const struct fs_type *type, struct file **out) __must_check;
/* For the superblock whose root `path` is.  Returns 0, -EINVAL (not a mount's root), -ENOMEM,
 * -ENFILE. */
int fs_config_pick(const struct path *path, struct file **out) __must_check;
/* Is it such a file? */
bool file_is_fs_config(const struct file *f);

/* "key" or "key=value".  Returns 0, -EBUSY (not the time for it), -EINVAL, -ENOMEM. */
int fs_config_set(struct file *f, const char *key, const char *value) __must_check;
/* Make the superblock.  Returns 0, -EBUSY, -EPERM, what the type's mount returns.  Context: may
 * sleep. */
int fs_config_create(struct file *f) __must_check;
/* Apply the options to the picked one. */
int fs_config_reconfigure(struct file *f) __must_check;
/* A mount of it with MNT_* `flags`, in no tree.  Returns 0, -EBUSY, -EINVAL, -ENOMEM. */
int fs_config_mount(struct file *f, u32 flags, struct mount **out) __must_check;
