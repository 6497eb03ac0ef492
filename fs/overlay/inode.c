/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overlay inodes: which real inode one stands for, and the operations that go to it.
 *
 * Inodes are hashed by the address of the real inode they show, which they keep alive, and again
 * when a copy-up changes it; so all names of one upper file share an overlay inode, also one that
 * was linked after its copy-up.  Names of one lower file share none where there is an upper layer:
 * a copy-up breaks hard links of lower layers, and only the name it came by has the copy.
 */
#include <fs/vfs/posix_acl.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "overlay_internal.h"

static struct slab_cache *overlay_cache;

struct inode *overlay_alloc_inode(struct superblock *sb)
{
	struct overlay_inode *oi;

	if (!atomic_load(&overlay_cache)) {
		struct slab_cache *fresh = SLAB_CACHE(overlay_inode, SLAB_RECLAIMABLE),
				  *none = NULL;

		if (fresh && !atomic_cmpxchg(&overlay_cache, &none, fresh))
			slab_destroy(fresh);
	}
	if (!overlay_cache)
		return NULL;
	oi = slab_alloc(overlay_cache, GFP_KERNEL);
	if (!oi)
		return NULL;
	memset((char *)oi + sizeof(oi->vfs), 0, sizeof(*oi) - sizeof(oi->vfs));
	mutex_init(&oi->copy_lock, sb->stack_depth > 1 ? RANK_STACKED2_COPY : RANK_STACKED_COPY,
		   "overlay copy-up");
	return &oi->vfs;
}

void overlay_free_inode(struct inode *inode)
{
	slab_free(overlay_cache, overlay_inode(inode));
}

void overlay_lowers_put(struct overlay_lower *lower, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		dentry_put(lower[i].dentry);
	kfree(lower);
}

void overlay_evict(struct inode *inode)
{
	struct overlay_inode *oi = overlay_inode(inode);

	if (oi->upper)
		dentry_put(oi->upper);
	overlay_lowers_put(oi->lower, oi->nr_lower);
	kfree(oi->redirect);
}

/* Owner, mode, size and times as the real inode has them now. */
void overlay_copy_attr(struct inode *inode)
{
	const struct inode *real = overlay_real(inode)->inode;

	inode->mode = real->mode;
	inode->uid = real->uid;
	inode->gid = real->gid;
	inode->flags = (inode->flags & ~(u32)(S_IMMUTABLE | S_APPEND)) |
		       (real->flags & (S_IMMUTABLE | S_APPEND));
	WRITE_ONCE(inode->size, READ_ONCE(real->size));
	WRITE_ONCE(inode->nlink, READ_ONCE(real->nlink));
	WRITE_ONCE(inode->atime, READ_ONCE(real->atime));
	WRITE_ONCE(inode->mtime, READ_ONCE(real->mtime));
	WRITE_ONCE(inode->ctime, READ_ONCE(real->ctime));
	inode->btime = real->btime;
	inode->blocks = real->blocks;
}

static void inode_fill(struct inode *inode)
{
	const struct inode *real = overlay_real(inode)->inode;

	inode_acl_unknown(inode);
	overlay_copy_attr(inode);
	inode->ino = real->ino; /* and stays so over a copy-up */
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = &overlay_dir_ops;
		inode->fops = &overlay_dir_file_ops;
		break;
	case S_IFREG:
		inode->ops = &overlay_file_inode_ops;
		inode->fops = &overlay_file_ops;
		break;
	case S_IFLNK: inode->ops = &overlay_symlink_ops; break;
	default:
		inode->ops = &overlay_file_inode_ops;
		inode_init_special(inode, inode->mode, real->rdev);
	}
}

/* Names that a copy-up by one of them leaves behind. */
static bool has_other_names(const struct inode *lower)
{
	return !S_ISDIR(lower->mode) && READ_ONCE(lower->nlink) > 1;
}

static bool link_will_break(struct superblock *sb, const struct dentry *upper,
			    const struct inode *real)
{
	return !upper && overlay_of(sb)->upper.dentry && has_other_names(real);
}

static int inode_unshared(struct superblock *sb, struct inode **out)
{
	*out = inode_create(sb);
	if (!*out)
		return -ENOMEM;
	(*out)->state |= I_NEW;
	return 0;
}

int overlay_inode_get(struct superblock *sb, struct dentry *upper, struct overlay_lower *lower,
		      unsigned nr_lower, struct inode **out)
{
	const struct inode *real = (upper ?: lower[0].dentry)->inode;
	struct overlay_inode *oi;
	int err = link_will_break(sb, upper, real) ? inode_unshared(sb, out)
						   : inode_iget(sb, (u64)(vaddr_t)real, out);

	if (err || !((*out)->state & I_NEW)) {
		if (upper)
			dentry_put(upper);
		overlay_lowers_put(lower, nr_lower);
		return err;
	}
	oi = overlay_inode(*out);
	oi->upper = upper;
	oi->lower = lower;
	oi->nr_lower = nr_lower;
	inode_fill(*out);
	inode_unlock_new(*out);
	return 0;
}

void overlay_inode_rehash(struct inode *inode)
{
	inode_rekey(inode, (u64)(vaddr_t)overlay_real(inode)->inode);
}

void overlay_real_path(const struct inode *inode, struct path *out)
{
	struct overlay *o = overlay_of(inode->sb);
	struct dentry *upper = overlay_upper(inode);
	const struct overlay_inode *oi = overlay_inode(inode);

	out->dentry = upper ?: oi->lower[0].dentry;
	out->mnt = upper ? o->upper.mnt : o->lower[oi->lower[0].layer].mnt;
}

/* The number it began with belongs to the lower file's other names. */
static bool link_broke(const struct inode *inode)
{
	const struct overlay_inode *oi = overlay_inode(inode);

	return overlay_upper(inode) && oi->nr_lower && has_other_names(oi->lower[0].dentry->inode);
}

static int overlay_getattr(const struct path *path, struct inode *inode, struct kstat *out,
			   u32 mask, unsigned flags)
{
	struct overlay *o = overlay_of(inode->sb);
	const struct cred *old = cred_override(o->cred);
	struct path real;
	int err;

	overlay_real_path(inode, &real);
	err = vfs_getattr(&real, out, mask, flags);
	cred_revert(old);
	if (err)
		return err;
	if (S_ISDIR(inode->mode) || o->same_fs) {
		out->dev = inode->sb->dev;
		if (!link_broke(inode))
			out->ino = inode->ino;
	}
	if (S_ISDIR(inode->mode) &&
	    overlay_inode(inode)->nr_lower + (overlay_upper(inode) != NULL) > 1)
		out->nlink = 1;
	return 0;
}

/* The caller's right on what it sees, and the mounter's on what is there. */
static int overlay_permission(struct inode *inode, int mask)
{
	const struct cred *old;
	int err = generic_permission(inode, mask);

	if (err)
		return err;
	/* A lower file is never written: it will be copied, for which it must be readable. */
	if (!overlay_upper(inode) && (mask & (MAY_WRITE | MAY_APPEND)))
		mask = (mask & ~(MAY_WRITE | MAY_APPEND)) | MAY_READ;
	old = cred_override(overlay_of(inode->sb)->cred);
	err = inode_permission(overlay_real(inode)->inode, mask);
	cred_revert(old);
	return err;
}

/* The mode of the real file changed its access list: see it again. */
static void acl_refresh(struct inode *inode, enum posix_acl_type type)
{
	struct posix_acl *acl;

	if (inode_get_acl(overlay_real(inode)->inode, type, &acl))
		return;
	inode_cache_acl(inode, type, acl);
	posix_acl_put(acl);
}

static int overlay_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *attr)
{
	struct iattr want = *attr;
	const struct cred *old;
	struct dentry *upper;
	int err = setattr_prepare(inode, &want);

	if (err)
		return err;
	err = want.valid & ATTR_SIZE ? overlay_copy_up_size(dentry, want.size)
				     : overlay_copy_up(dentry);
	if (err)
		return err;
	want.file = NULL;
	want.valid |= ATTR_FORCE;
	upper = overlay_upper(inode);
	old = cred_override(overlay_of(inode->sb)->cred);
	err = overlay_real_setattr(upper, &want);
	cred_revert(old);
	overlay_copy_attr(inode);
	if (!err && (want.valid & ATTR_MODE))
		acl_refresh(inode, POSIX_ACL_ACCESS);
	return err;
}

/* Attributes */

static ssize_t overlay_getxattr(struct inode *inode, const char *name, void *buf, size_t size)
{
	struct inode *real = overlay_real(inode)->inode;

	if (overlay_is_private_attr(overlay_of(inode->sb), name))
		return -ENODATA;
	return real->ops->getxattr ? real->ops->getxattr(real, name, buf, size) : -EOPNOTSUPP;
}

/* The upper inode, made if need be: for changes that come without a name. */
static int upper_for_change(struct inode *inode, struct inode **out)
{
	struct dentry *dentry = d_find_alias(inode);
	int err;

	if (!dentry)
		return -ESTALE;
	err = overlay_copy_up(dentry);
	dentry_put(dentry);
	if (!err)
		*out = overlay_upper(inode)->inode;
	return err;
}

static int overlay_setxattr(struct inode *inode, const char *name, const void *value, size_t size,
			    int flags)
{
	struct inode *real;
	int err;

	if (overlay_is_private_attr(overlay_of(inode->sb), name))
		return -EPERM;
	err = upper_for_change(inode, &real);
	if (err)
		return err;
	if (!real->ops->setxattr)
		return -EOPNOTSUPP;
	rwsem_write_lock(&real->lock);
	err = real->ops->setxattr(real, name, value, size, flags);
	rwsem_write_unlock(&real->lock);
	overlay_copy_attr(inode);
	return err;
}

/* Without the overlay's own. */
static ssize_t overlay_listxattr(struct inode *inode, char *buf, size_t size)
{
	struct overlay *o = overlay_of(inode->sb);
	struct inode *real = overlay_real(inode)->inode;
	ssize_t n, kept = 0;

	if (!real->ops->listxattr)
		return -EOPNOTSUPP;
	rwsem_read_lock(&real->lock);
	n = real->ops->listxattr(real, buf, size);
	rwsem_read_unlock(&real->lock);
	if (n <= 0 || !size)
		return n;
	for (ssize_t at = 0; at < n;) {
		ssize_t len = (ssize_t)strlen(buf + at) + 1;

		if (!overlay_is_private_attr(o, buf + at)) {
			memmove(buf + kept, buf + at, (size_t)len);
			kept += len;
		}
		at += len;
	}
	return kept;
}

static int overlay_get_acl(struct inode *inode, int type, struct posix_acl **out)
{
	struct inode *real = overlay_real(inode)->inode;

	return inode_get_acl(real, (enum posix_acl_type)type, out);
}

static int overlay_set_acl(struct inode *inode, int type, struct posix_acl *acl)
{
	struct inode *real;
	int err = upper_for_change(inode, &real);

	if (err)
		return err;
	if (!real->ops->set_acl)
		return -EOPNOTSUPP;
	rwsem_write_lock(&real->lock);
	err = real->ops->set_acl(real, type, acl);
	rwsem_write_unlock(&real->lock);
	overlay_copy_attr(inode);
	if (!err)
		acl_refresh(inode, (enum posix_acl_type)type);
	return err;
}

static int overlay_get_link(struct dentry *dentry, struct inode *inode, struct link_body *out)
{
	struct inode *real = overlay_real(inode)->inode;

	if (real->link) {
		*out = (struct link_body){ .text = real->link };
		return 0;
	}
	return dentry ? real->ops->get_link(overlay_real(inode), real, out) : -ECHILD;
}

#define COMMON_OPS                                                                                 \
	.permission = overlay_permission, .setattr = overlay_setattr, .getattr = overlay_getattr,  \
	.getxattr = overlay_getxattr, .setxattr = overlay_setxattr,                                \
	.listxattr = overlay_listxattr, .get_acl = overlay_get_acl, .set_acl = overlay_set_acl

const struct inode_ops overlay_file_inode_ops = { COMMON_OPS };
const struct inode_ops overlay_symlink_ops = { COMMON_OPS, .get_link = overlay_get_link };
const struct inode_ops overlay_dir_ops = {
	COMMON_OPS,
	.lookup = overlay_lookup,
	.create = overlay_create,
	.mkdir = overlay_mkdir,
	.mknod = overlay_mknod,
	.symlink = overlay_symlink,
	.link = overlay_link,
	.unlink = overlay_unlink,
	.rmdir = overlay_rmdir,
	.rename = overlay_rename,
};
