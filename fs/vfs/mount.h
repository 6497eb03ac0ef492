/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts: a tree of views of superblocks, one tree for each mount namespace.
 *
 * The tree changes under mounts_lock (an rwsem) and the sequence lock mount_seq; path walks read it
 * under RCU and check mount_seq.  A mount counts its users in per-CPU cells while it is in a tree;
 * once it is taken out, the cells are summed under mount_seq and the last user frees it.
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/rcu.h>
#include <kernel/sync/waitqueue.h>

struct dentry;
struct fs_context;
struct inode;
struct mount_ns;
struct seq;
struct superblock;

/* mount.flags: what mount(2) sets for each mount */
enum mount_flags {
	MNT_NOSUID = 1 << 0,
	MNT_NODEV = 1 << 1,
	MNT_NOEXEC = 1 << 2,
	MNT_NOATIME = 1 << 3,
	MNT_NODIRATIME = 1 << 4,
	MNT_RELATIME = 1 << 5,
	MNT_READONLY = 1 << 6,
	MNT_NOSYMFOLLOW = 1 << 7,
	MNT_INTERNAL = 1 << 8,	 /* never in a tree: pipes, sockets */
	MNT_UNBINDABLE = 1 << 9,
	MNT_SHARED = 1 << 10,
	/* came from a more privileged namespace: may not be taken off alone */
	MNT_LOCKED = 1 << 11,
	MNT_DOOMED = 1 << 12,	 /* being freed */
	MNT_EXPIRE_MARK = 1 << 13,
	MNT_WRITE_HOLD = 1 << 14,
	MNT_DETACHED = 1 << 15,	 /* umounted */
};
#define MNT_USER_FLAGS                                                                             \
	(MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME |       \
	 MNT_READONLY | MNT_NOSYMFOLLOW)

/* umount2(2); the numbers are not in the UAPI headers. */
#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8

struct mount_cell {
	s32 users;   /* [a] may be negative: only the sum counts */
	s32 writers; /* [a] */
} __aligned(64);

struct mount {
	u32 flags;		    /* [a, changed under m] */
	u32 id;			    /* [I] mnt_id of fdinfo, mountinfo */
	struct superblock *sb;	    /* [I] */
	struct dentry *root;	    /* [I] */
	struct mount *parent;	    /* [m, R] itself when not attached */
	struct dentry *mountpoint;  /* [m, R] */
	struct hlist_node hash;	    /* [m, R] by (parent, mountpoint) */
	struct mount_ns *ns;	    /* [m, R] NULL when in no tree */
	struct mount_cell *cells;   /* [I] one a CPU */
	struct list children;	    /* [m] */
	struct list child_link;	    /* [m] */
	struct list ns_link;	    /* [m] mount_ns.mounts, in mountinfo order */
	struct list peers;	    /* [m] ring of the peer group */
	struct list slaves;	    /* [m] */
	struct list slave_link;	    /* [m] */
	struct mount *master;	    /* [m] */
	u32 group;		    /* [m] peer group number, 0 none */
	u64 unique_id;		    /* [I] */
	char *source;		    /* [I] as given to mount(2) */
	struct list batch;	    /* [m] of one mount or umount operation */
	u32 mark;		    /* [m] operation that saw this mount last */
	struct rcu_head rcu;
}; /* m: mounts_lock W and mount_seq */

/* A place: which mount, which dentry. */
struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

struct mount *mount_get(struct mount *m);
/* Context: may sleep (the last put of a detached mount deactivates its superblock). */
void mount_put(struct mount *m);

void path_get(const struct path *p);
void path_put(const struct path *p);

static inline bool path_equal(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}

/*
 * Declare the intent to write through `m`; pairs with mount_drop_write().
 * Returns 0 or -EROFS.  Context: any thread.
 */
int mount_want_write(struct mount *m) __must_check;
void mount_drop_write(struct mount *m);
static inline bool mount_readonly(const struct mount *m);

/* A mount of `sb`'s root outside every tree (kernel-internal).  Takes over the caller's active
 * reference to sb. */
int mount_internal(struct superblock *sb, struct mount **out) __must_check;

/* The end of such a mount; nobody else uses it. */
void mount_put_internal(struct mount *m);

/*
 * The namespaces.  A thread's is its fs_context's.  mount_ns_copy is CLONE_NEWNS: copies the tree
 * of `old` and moves root and cwd of `fs`.  Returns 0 or negative errno.  Context: may sleep.
 */
struct mount_ns *mount_ns_get(struct mount_ns *ns);
void mount_ns_put(struct mount_ns *ns);
struct ns_common *mount_ns_common(struct mount_ns *ns);
int mount_ns_copy(struct mount_ns *old, void *user_ns, struct fs_context *fs,
		  struct mount_ns **out) __must_check;
/* setns(2): give `fs` the root of `ns` as root and cwd.  -EINVAL when others share it. */
int mount_ns_install(struct mount_ns *ns, struct fs_context *fs) __must_check;

/* Lines of /proc/<pid>/{mounts,mountinfo,mountstats} as seen from `root`. */
void mount_show_mounts(struct mount_ns *ns, const struct path *root, struct seq *out);
void mount_show_mountinfo(struct mount_ns *ns, const struct path *root, struct seq *out);

/*
 * Absolute path of `p` as seen from `root`, into the end of buf.  *out points to its start.  A
 * deleted name ends in " (deleted)", one outside root begins with "(unreachable)".  Returns 0,
 * -ENAMETOOLONG.  Context: any thread.
 */
int path_text(const struct path *p, const struct path *root, char *buf, size_t size,
	      char **out) __must_check;
/* The same as seen by the current thread: what /proc/<pid>/fd shows. */
int d_path(const struct path *p, char *buf, size_t size, char **out) __must_check;

/* mount(2) from the kernel's side: `fstype` on `dir`.  For init and devtmpfs. */
int kern_mount(const char *source, const char *dir, const char *fstype, unsigned long flags,
	       char *data) __must_check;
/* Mount `fstype` internally; *out lasts for ever. */
int kern_mount_internal(const char *fstype, struct mount **out) __must_check;

/* First thing at boot: the empty rootfs (tmpfs), and the boot thread's fs_context in it. */
void mount_init(void);

static inline bool mount_readonly(const struct mount *m)
{
	return READ_ONCE(m->flags) & MNT_READONLY;
}
