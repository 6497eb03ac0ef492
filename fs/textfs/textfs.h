/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems of generated text: what /proc and /sys have in common.
 *
 * A tree of struct text_node describes directories, files whose content a function writes when they
 * are read, symbolic links, and directories whose entries a function makes up.  Nodes may come and
 * go while the tree is mounted; names already looked up are checked again at each use.
 *
 * Lock order: text_tree_lock inside directory inode locks.
 */
#pragma once

#include <fs/vfs/dir.h>
#include <fs/vfs/file.h>
#include <kernel/lib/list.h>
#include <kernel/lib/seq.h>

struct dentry;
struct dentry_ops;
struct inode;
struct superblock;
struct super_ops;

/* What inode.private points to, as its first member: how the inode lets go of it. */
struct text_owner {
	void (*release)(struct text_owner *owner); /* or NULL */
	/* Does the object behind the name still exist?  NULL: yes.  Context: RCU read side. */
	bool (*alive)(struct text_owner *owner);
};

typedef int (*text_show_fn)(struct seq *out, void *arg);
typedef ssize_t (*text_store_fn)(const char *buf, size_t len, void *arg);

struct text_node {
	struct text_owner owner;
	refcount_t refs;
	bool dead;                     /* [t] removed */
	bool missing_is_error; /* [I, of a root] below it a lookup of what is not there fails,
					* so that creating it is ENOENT too, as in Linux's procfs */
	u32 mode;                      /* [I] S_IFDIR, S_IFREG, S_IFLNK and permissions */
	u32 uid, gid;                  /* [I] */
	u64 ino;                       /* [I] */
	struct text_node *parent;      /* [I] */
	struct list children, sibling; /* [t] */
	text_show_fn show;             /* [I] */
	text_store_fn store;           /* [I] */
	void *arg;                     /* [I] */
	void (*drop)(void *arg);       /* [I] the last reference to the node went; or NULL */
	const struct file_ops *fops;   /* [I] instead of show and store */
	/*
	 * Directories with made-up entries, after the fixed ones.  lookup: 0 with *out a new inode,
	 * or -ENOENT.
	 */
	int (*lookup)(struct superblock *sb, const char *name, size_t len, struct inode **out);
	int (*iterate)(struct file *file,
		       struct dir_context *ctx); /* positions from TEXT_DYNAMIC_POS on */
	char *link;                              /* [I] body of a link */
	char name[];                             /* [I] */
};                                               /* t: text_tree_lock */

#define TEXT_DYNAMIC_POS 0x10000

/*
 * Make nodes.  Intermediate directories in `path` ("sys/kernel/ostype") are made as needed.  The
 * tree keeps the reference. Return the node, or NULL when out of memory or taken.  Context: may
 * sleep.
 */
struct text_node *text_dir(struct text_node *parent, const char *path);
struct text_node *text_file(struct text_node *parent, const char *path, u32 mode, text_show_fn show,
			    text_store_fn store, void *arg);
struct text_node *text_link(struct text_node *parent, const char *path, const char *target);
struct text_node *text_special(struct text_node *parent, const char *path, u32 mode,
			       const struct file_ops *fops, void *arg);
/*
 * A file whose `arg` lives as long as something may still use the node, and then is given to
 * `drop`; `fops` instead of show and store, or NULL.  When NULL is returned, arg is the caller's.
 */
struct text_node *text_owned(struct text_node *parent, const char *path, u32 mode,
			     text_show_fn show, text_store_fn store, const struct file_ops *fops,
			     void *arg, void (*drop)(void *arg));
/* The arg of an open file of such a node with fops. */
void *text_inode_arg(const struct inode *inode);
/* Remove a node and everything below it. */
void text_remove(struct text_node *node);
struct text_node *text_find(struct text_node *parent, const char *path);

/* A node that is the root of a tree. */
void text_root_init(struct text_node *root);

/* Fill a new superblock: operations, root dentry.  0 or -ENOMEM. */
int __must_check text_fill_super(struct superblock *sb, struct text_node *root);

/* Open `file` as generated text.  `done(arg)` is called at release.  0 or -ENOMEM. */
int __must_check text_file_open(struct file *file, text_show_fn show, text_store_fn store,
				void *arg, void (*done)(void *));
/* Operations of a file opened so; open() of the node sets file->ops to it. */
extern const struct file_ops text_file_ops;

/* For made-up inodes: evict calls owner.release; names are checked by owner.alive. */
struct inode *text_inode(struct superblock *sb, u32 mode, u64 ino, struct text_owner *owner);

/* Walk every linker-set export whose path begins with `prefix` into `root`. */
void text_add_exports(struct text_node *root, const char *prefix);
