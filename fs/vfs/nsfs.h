/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces as files: what /proc/PID/ns/NAME leads to.
 *
 * Such a file holds its namespace, can be bound to a name with mount(2), and is what setns(2)
 * takes.  namespaces(7), ioctl_nsfs(2).
 *
 * A kind of namespace is a struct ns_kind, and has a struct ns_common in each of its namespaces.
 */
#pragma once

#include <fs/vfs/mount.h>
#include <kernel/lib/refcount.h>
#include <kernel/trap/trap.h>

struct file;
struct ns_common;

struct ns_kind {
	const char *name; /* "mnt" */
	u32 flag;	  /* CLONE_NEW* */
	/* The last reference went.  Context: may sleep. */
	void (*free)(struct ns_common *ns);
	/* setns(2) of the current thread.  Returns 0 or negative errno.  Context: may sleep. */
	int (*enter)(struct ns_common *ns);
	/* What only this kind knows; -ENOTTY for all else. */
	long (*ioctl)(struct ns_common *ns, unsigned cmd, void __user *arg);
};

struct ns_common {
	const struct ns_kind *kind;   /* [I] */
	u64 ino;		      /* [I] the number in "mnt:[4026531841]" */
	refcount_t refs;
	struct notify_work free_work; /* of the last put */
};

/* A number of its own, and one reference. */
void ns_common_init(struct ns_common *ns, const struct ns_kind *kind);

/* The file of `ns`, which it holds.  Returns 0 or -ENOMEM.  Context: may sleep. */
int ns_path(struct ns_common *ns, struct path *out) __must_check;

/* The namespace that a file, or a name, is of; NULL when it is none.  Not counted. */
struct ns_common *ns_of_file(const struct file *file);
struct ns_common *ns_of_dentry(const struct dentry *dentry);

/* Boot: after mount_init(). */
void nsfs_init(void);
