/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount tree, among its own files. */
#pragma once

#include <fs/vfs/core.h>
#include <fs/vfs/nsfs.h>

struct mount_ns {
	struct ns_common common;
	/* [I] for statmount(2); in the order they were made, never reused */
	u64 id;
	struct list link;	/* [m] all namespaces, by id */
	struct mount *root;	/* [m] */
	struct list mounts;	/* [m] */
	u32 count;		/* [m] */
	u64 event;		/* [m] bumped at each change, for poll of mountinfo */
	struct wait_queue poll;
	void *user_ns;		/* [I] opaque owner */
};

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
	/* files of mount namespaces too, elsewhere than in a copied one */
	COPY_NS_FILES = 1 << 5,
};
int mount_copy_tree(struct mount *top, struct dentry *root, unsigned flags,
		    struct mount **out) __must_check;
/* Attach the tree `top`, in no tree so far, at (parent, at), and what propagation asks.  Consumes
 * nothing on failure. */
int mount_attach_tree(struct mount *top, struct mount *parent, struct dentry *at) __must_check;
/* Move an attached tree; what is mounted at the new place comes to lie on top of it. */
int mount_move_tree(struct mount *top, struct mount *parent, struct dentry *at) __must_check;
/* The end of a copy that never got into a tree.  Lets go of mounts_lock for a while. */
void mount_discard_tree(struct mount *top);
/* Unlink from the tree into `gone`; then mount_batch_put() without the lock. */
void mount_detach_tree(struct mount *top, bool propagate, struct list *gone);
void mount_batch_put(struct list *gone);
void mount_link(struct mount *m, struct mount *parent, struct dentry *at, struct mount_ns *ns);
void mount_unlink(struct mount *m);
void ns_changed(struct mount_ns *ns);

/* mount_ns.c */
void mount_ns_free(struct mount_ns *ns);
/* The namespace `id`, or the one before or after `ns` in their order; counted, NULL: none. */
struct mount_ns *mount_ns_find(u64 id);
struct mount_ns *mount_ns_beside(struct mount_ns *ns, bool before);
/* The top of what is mounted on its root, with references. */
void mount_ns_root(struct mount_ns *ns, struct path *out);

/* mount_ns_file.c */
extern const struct ns_kind mount_ns_kind;
/* Is it the file of a mount namespace?  And of one that could come to hold itself by a mount of the
 * caller's: one not younger? */
bool mount_is_ns_file(const struct dentry *dentry);
bool mount_ns_would_loop(const struct dentry *dentry);
/* Is one of these mounted in the tree?  Locks: mounts_lock. */
bool mount_tree_would_loop(struct mount *top);

/* mount_ops.c.  Locks of all: mounts_lock W. */
/* A copy of what `path` shows, as a bind makes it: of a tree of the caller's namespace, or of the
 * file of a namespace.  0, -EINVAL, -ENOMEM. */
int mount_copy_shown(const struct path *path, bool recursive, struct mount **out) __must_check;
/* Is it a mount of the caller's namespace? */
bool mount_is_ours(const struct mount *m);
/* Is a mount of a more privileged namespace on something below `root` of m? */
bool mount_has_locked_children(struct mount *m, struct dentry *root);
bool mount_tree_has_unbindable(struct mount *top);
/* Is it `top` or a mount below?  Locks: mounts_lock. */
bool mount_is_below(const struct mount *m, const struct mount *top);
/* May the attached mount `old` go to `to`, as a child of `parent`?  0, -EINVAL, -ELOOP. */
int mount_move_allowed(const struct path *old, const struct path *to,
		       struct mount *parent) __must_check;
/* New MNT_USER_FLAGS.  0, or -EBUSY when there are writers. */
int mount_set_flags(struct mount *m, u32 flags) __must_check;
/*
 * Lock the top of what is mounted at `path`, which moves there: its inode W and mounts_lock W.  0
 * or -ENOENT when it is going.  Locks: none held.
 */
int mountpoint_lock(struct path *path) __must_check;
void mountpoint_unlock(const struct path *path);
/*
 * The same for what is to go beneath that mount: *out is where it is mounted, with a count, whose
 * inode is locked W instead.
 */
int mountpoint_lock_beneath(struct path *path, struct dentry **out) __must_check;
void mountpoint_unlock_beneath(struct dentry *at);

/* mount_show.c: what the file system says of itself, "size=4k,mode=755" */
void mount_show_super_options(struct superblock *sb, struct seq *out);

/* fs_context.c */
void fs_context_init_first(struct mount_ns *ns, const struct path *root);

/* propagation.c */
int mount_set_type(struct mount *m, unsigned type) __must_check; /* MNT_SHARED.. as MS_* */
void mount_make_private(struct mount *m);
int mount_join_copy(struct mount *copy, struct mount *from, unsigned flags) __must_check;
int mount_propagate(struct mount *top, struct mount *dest, struct dentry *at,
		    struct list *pending) __must_check;
/* Would what is mounted on `from` at `at` also come to lie on the root of `to`? */
bool mount_would_overmount(struct mount *from, const struct mount *to, const struct dentry *at);
bool mount_propagate_busy(struct mount *m);
void mount_propagate_detach(struct list *set);
u32 mount_mark_new(void);
u32 mount_group_new(void);
void mount_group_free(u32 group);
struct mount *mount_dominating(const struct mount *m, const struct path *root);
