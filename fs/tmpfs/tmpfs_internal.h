/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inodes and superblocks of tmpfs, for its own files. */
#pragma once

#include <fs/tmpfs/tmpfs.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <mm/shmem.h>

struct tmpfs_xattr {
	struct list link;
	size_t size;
	char *name;   /* behind the value */
	u8 value[];
};

struct tmpfs_inode {
	struct shmem shmem;	/* pages of regular files and long symlinks */
	struct list xattrs;	/* [inode.spin] */
	u64 xattr_bytes;	/* [inode.spin] */
	struct inode inode;
};

struct tmpfs_sb {
	u64 max_pages;	 /* [super.umount] 0: no limit */
	u64 used_pages;	 /* [a] */
	u64 max_inodes;	 /* [super.umount] 0: no limit */
	u64 used_inodes; /* [a] */
	u64 last_ino;	 /* [a] */
	u32 generation;  /* [I] differs between instances, so that handles of one fail in another */
	umode_t mode;
	u32 uid, gid;
	bool size_given, inodes_given;
};

static inline struct tmpfs_inode *tmpfs_inode(struct inode *inode)
{
	return container_of(inode, struct tmpfs_inode, inode);
}

extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_inode_ops, tmpfs_symlink_ops,
	tmpfs_special_ops;
extern const struct file_ops tmpfs_file_ops, ramfs_file_ops;

struct inode *tmpfs_new_inode(struct superblock *sb, struct inode *dir, umode_t mode, dev_t rdev);

/* file.c */
int tmpfs_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *attr);
int tmpfs_getattr(const struct path *path, struct inode *inode, struct kstat *out, u32 mask,
		  unsigned flags);

/* xattr.c */
ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *buf, size_t size);
int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size,
		   int flags);
ssize_t tmpfs_listxattr(struct inode *inode, char *buf, size_t size);
void tmpfs_free_xattrs(struct inode *inode);
