/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX access control lists, acl(5).
 *
 * A file system that keeps them sets SB_POSIXACL in its superblock, gives get_acl and set_acl in
 * its inode_ops, and starts inodes whose lists it has not read with POSIX_ACL_UNKNOWN in both
 * fields of the inode; NULL there means that there is none, which is what file systems without
 * lists have. Programs see the lists as the attributes system.posix_acl_access and
 * system.posix_acl_default.
 *
 * A list never changes: another takes its place.  Readers under RCU need no count.
 */
#pragma once

#include <fs/vfs/inode.h>
#include <kernel/abi/posix_acl.h>

struct posix_acl_entry {
	u16 tag, perm; /* ACL_USER..., ACL_READ... */
	u32 id;        /* of ACL_USER and ACL_GROUP; ~0 otherwise */
};

struct posix_acl {
	refcount_t refs;
	u32 count; /* [I] */
	struct rcu_head rcu;
	struct posix_acl_entry entries[]; /* [I] once published */
};

enum posix_acl_type { POSIX_ACL_ACCESS, POSIX_ACL_DEFAULT };

/* In inode->acl: ask the file system. */
#define POSIX_ACL_UNKNOWN ((struct posix_acl *)-1l)

/* The most entries that fit an attribute of 64 KiB. */
#define POSIX_ACL_MAX_ENTRIES ((65536 - 4) / 8)

/* One reference, entries not filled.  NULL: out of memory. */
struct posix_acl *posix_acl_alloc(u32 count) __must_check;
/* NULL is nothing.  Context: any. */
void posix_acl_put(struct posix_acl *acl);
static inline struct posix_acl *posix_acl_get(struct posix_acl *acl)
{
	if (acl)
		refcount_get(&acl->refs);
	return acl;
}

/* Order of entries, permission bits, a mask where one is needed.  Returns 0 or -EINVAL. */
int posix_acl_valid(const struct posix_acl *acl) __must_check;
/* The permission bits the list stands for into *mode.  True: they are all it says. */
bool posix_acl_is_mode(const struct posix_acl *acl, umode_t *mode);
/* Apply chmod(2) to a list of the caller's own. */
void posix_acl_set_mode(struct posix_acl *acl, umode_t mode);
/* Restrict a list of the caller's own, and *mode, to what both allow.  True: *mode says it all. */
bool posix_acl_mask_mode(struct posix_acl *acl, umode_t *mode);

/*
 * The attribute's form.  from: a list or NULL (no entries) in *out; 0, -EINVAL, -EOPNOTSUPP
 * (another version), -ENOMEM.  to: bytes, -ERANGE; size 0 asks how many.
 */
int posix_acl_from_xattr(const void *value, size_t size, struct posix_acl **out) __must_check;
ssize_t posix_acl_to_xattr(const struct posix_acl *acl, void *buf, size_t size);

/* Does the list of `inode` grant MAY_* bits `want` to the current credentials?  0 or -EACCES. */
int posix_acl_permission(const struct inode *inode, const struct posix_acl *acl, int want);
/*
 * The same with the inode's own list.  -EAGAIN: it has none.  -ECHILD: not read yet, and `mask` has
 * MAY_NOT_BLOCK.
 */
int inode_acl_permission(struct inode *inode, int mask);

/* The list with a reference in *out, or NULL.  Returns 0 or what reading it says.  May sleep. */
int inode_get_acl(struct inode *inode, enum posix_acl_type type,
		  struct posix_acl **out) __must_check;
/* Remember `acl` (a reference is taken), which is on disk now.  Locks: inode W. */
void inode_cache_acl(struct inode *inode, enum posix_acl_type type, struct posix_acl *acl);
/* Both fields: not read yet.  For an inode nobody else has. */
static inline void inode_acl_unknown(struct inode *inode)
{
	inode->acl = inode->default_acl = POSIX_ACL_UNKNOWN;
}
/* When the inode goes. */
void inode_acl_release(struct inode *inode);

/*
 * For set_acl of type access: the mode that results, into *mode; *acl becomes NULL (its reference
 * is still the caller's) if the mode says it all.
 */
void posix_acl_update_mode(const struct inode *inode, umode_t *mode, struct posix_acl **acl);
/* After the mode of `inode` changed: its list follows.  Locks: inode W. */
int posix_acl_chmod(struct inode *inode) __must_check;
/*
 * What a new inode in `dir` inherits: *mode (type and asked permissions) changes by the default
 * list, or by the umask; *def and *acc get references or NULL.
 */
int posix_acl_inherit(struct inode *dir, umode_t *mode, struct posix_acl **def,
		      struct posix_acl **acc) __must_check;

/* Is `name` one of the two attributes?  *type tells which. */
bool posix_acl_xattr_name(const char *name, enum posix_acl_type *type);
const char *posix_acl_name(enum posix_acl_type type);
/* getxattr, setxattr (value NULL removes) and listxattr of them, with every check. */
ssize_t inode_get_acl_xattr(struct inode *inode, enum posix_acl_type type, void *buf, size_t size);
int inode_set_acl_xattr(struct inode *inode, enum posix_acl_type type, const void *value,
			size_t size) __must_check; /* Locks: inode W */
/*
 * For file systems whose lists live in the inode alone: set_acl, and the names for listxattr
 * (bytes, or -ERANGE; size 0 asks how many).
 */
int posix_acl_set_cached(struct inode *inode, int type, struct posix_acl *acl);
ssize_t posix_acl_list_cached(const struct inode *inode, char *buf, size_t size);
