/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount tree, among its own files. */
#pragma once

#include <fs/vfs/core.h>

/* mount.c */
void mount_init_caches(void);
void mount_hash_insert(struct mount *m);
void mount_hash_remove(struct mount *m);
struct mount *mount_find_at(const struct dentry *d);
int mount_make_readonly(struct mount *m) __must_check;

/* mount_tree.c.  Locks of all: mounts_lock W. */
struct mount *mount_next_in_tree(struct mount *at, struct mount *top);
#define for_each_in_tree(m, top) for (m = (top); m; m = mount_next_in_tree(m, top))

enum copy_flags {
	COPY_UNBINDABLE = 1 << 0, /* copy unbindable mounts too */
	COPY_PRIVATE = 1 << 1,	  /* out of every peer group */
	COPY_SLAVE = 1 << 2,	  /* slaves of the originals */
	COPY_MAKE_SHARED = 1 << 3, /* each in a peer group */
	COPY_SINGLE = 1 << 4,	  /* not the mounts below */
};
int mount_copy_tree(struct mount *top, struct dentry *root, unsigned flags, struct mount **out) __must_check;
/* Attach the tree `top`, in no tree so far, at (parent, at), and what propagation asks.  Consumes nothing on failure. */
int mount_attach_tree(struct mount *top, struct mount *parent, struct dentry *at) __must_check;
/* Move an attached tree. */
int mount_move_tree(struct mount *top, struct mount *parent, struct dentry *at) __must_check;
/* Unlink from the tree into `gone`; then mount_batch_put() without the lock. */
void mount_detach_tree(struct mount *top, bool propagate, struct list *gone);
void mount_batch_put(struct list *gone);
void mount_link(struct mount *m, struct mount *parent, struct dentry *at, struct mount_ns *ns);
void mount_unlink(struct mount *m);
void ns_changed(struct mount_ns *ns);

/* fs_context.c */
void fs_context_init_first(struct mount_ns *ns, const struct path *root);

/* propagation.c */
int mount_set_type(struct mount *m, unsigned type) __must_check; /* MNT_SHARED.. as MS_* */
void mount_make_private(struct mount *m);
int mount_join_copy(struct mount *copy, struct mount *from, unsigned flags) __must_check;
int mount_propagate(struct mount *top, struct mount *dest, struct dentry *at, struct list *pending) __must_check;
bool mount_propagate_busy(struct mount *m);
void mount_propagate_detach(struct list *set);
u32 mount_mark_new(void);
u32 mount_group_new(void);
void mount_group_free(u32 group);
struct mount *mount_dominating(const struct mount *m, const struct path *root);
