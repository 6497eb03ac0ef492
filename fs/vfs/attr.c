/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes: reading them (stat) and changing them (chmod, chown, utimes, truncate).
 */
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/signal.h>
#include <kernel/abi/resource.h>
#include <kernel/abi/xattr.h>
#include <kernel/lib/string.h>
#include <kernel/sched/limits.h>
#include <security/cred.h>

#include <fs/vfs/core.h>

void generic_fillattr(struct inode *inode, struct kstat *out)
{
	out->result_mask = STATX_BASIC_STATS;
	out->mode = READ_ONCE(inode->mode);
	out->nlink = READ_ONCE(inode->nlink);
	out->uid = READ_ONCE(inode->uid);
	out->gid = READ_ONCE(inode->gid);
	out->blksize = 1u << inode->blkbits;
	out->dev = inode->sb->dev;
	out->rdev = inode->rdev;
	out->ino = inode->ino;
	out->blocks = READ_ONCE(inode->blocks);
	out->size = READ_ONCE(inode->size);
	out->atime = READ_ONCE(inode->atime);
	out->mtime = READ_ONCE(inode->mtime);
	out->ctime = READ_ONCE(inode->ctime);
	out->btime = inode->btime;
	out->attributes = 0;
	out->attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT |
			       STATX_ATTR_AUTOMOUNT;
	out->mnt_id = 0;
	out->mnt_unique_id = 0;
	out->dio_mem_align = out->dio_offset_align = 0;
}

int vfs_getattr(const struct path *path, struct kstat *out, u32 mask, unsigned flags)
{
	struct inode *inode = path->dentry->inode;

	if (inode->ops->getattr) {
		int err = inode->ops->getattr(path, inode, out, mask, flags);

		if (err)
			return err;
	} else {
		generic_fillattr(inode, out);
	}
	if (inode->flags & S_IMMUTABLE)
		out->attributes |= STATX_ATTR_IMMUTABLE;
	if (inode->flags & S_APPEND)
		out->attributes |= STATX_ATTR_APPEND;
	return 0;
}

/* Is the current thread in the group, or capable of acting so? */
static bool group_or_capable(const struct inode *inode, u32 gid)
{
	return cred_in_group(cred_current(), gid) || inode_capable(inode, CAP_FSETID);
}

static bool may_chown(const struct inode *inode, u32 uid)
{
	return (cred_current()->fsuid == inode->uid && uid == inode->uid) ||
	       inode_capable(inode, CAP_CHOWN);
}

static bool may_chgrp(const struct inode *inode, u32 gid)
{
	return (cred_current()->fsuid == inode->uid &&
		(gid == inode->gid || cred_in_group(cred_current(), gid))) ||
	       inode_capable(inode, CAP_CHOWN);
}

int setattr_prepare(struct inode *inode, struct iattr *attr)
{
	if (attr->valid & ATTR_SIZE) {
		int err = inode_newsize_ok(inode, attr->size);

		if (err)
			return err;
	}
	if (attr->valid & ATTR_FORCE)
		return 0;
	if ((attr->valid & ATTR_UID) && !may_chown(inode, attr->uid))
		return -EPERM;
	if ((attr->valid & ATTR_GID) && !may_chgrp(inode, attr->gid))
		return -EPERM;
	if ((attr->valid & ATTR_MODE) && !(attr->valid & ATTR_MODE_KILLED)) {
		if (!inode_owner_or_capable(inode))
			return -EPERM;
		if (!group_or_capable(inode, attr->valid & ATTR_GID ? attr->gid : inode->gid))
			attr->mode &= ~(umode_t)S_ISGID;
	}
	if ((attr->valid & (ATTR_ATIME_SET | ATTR_MTIME_SET)) && !inode_owner_or_capable(inode))
		return -EPERM;
	return 0;
}

void setattr_copy(struct inode *inode, const struct iattr *attr)
{
	if (attr->valid & ATTR_UID)
		WRITE_ONCE(inode->uid, attr->uid);
	if (attr->valid & ATTR_GID)
		WRITE_ONCE(inode->gid, attr->gid);
	if (attr->valid & ATTR_MODE) {
		WRITE_ONCE(inode->mode, attr->mode);
		if (attr->mode & (S_ISUID | S_ISGID))
			inode->flags &= ~(u32)S_NOSEC;
	}
	if (attr->valid & ATTR_ATIME)
		WRITE_ONCE(inode->atime, attr->atime);
	if (attr->valid & ATTR_MTIME)
		WRITE_ONCE(inode->mtime, attr->mtime);
	if (attr->valid & ATTR_CTIME) {
		WRITE_ONCE(inode->ctime, attr->ctime);
		WRITE_ONCE(inode->version, inode->version + 1);
	}
	inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
}

int inode_newsize_ok(const struct inode *inode, loff_t size)
{
	if (size < 0)
		return -EINVAL;
	if (inode->flags & S_SWAPFILE)
		return -ETXTBSY;
	if (size <= inode->size)
		return 0;
	u64 limit = rlimit_get(RLIMIT_FSIZE);

	if ((u64)size > limit) {
		fsize_limit_hit();
		return -EFBIG;
	}
	return size > inode->sb->max_bytes ? -EFBIG : 0;
}

/* Times that utimes may set: the owner any, writers only "now". */
static int times_allowed(struct inode *inode, const struct iattr *attr)
{
	if (!(attr->valid & (ATTR_ATIME | ATTR_MTIME)))
		return 0;
	if (attr->valid & ATTR_TOUCH) {
		if (inode->flags & S_IMMUTABLE)
			return -EPERM;
		return inode_owner_or_capable(inode) ? 0 : inode_permission(inode, MAY_WRITE);
	}
	return 0;
}

/* chown strips the set-id bits of files that are run. */
static void kill_set_id(const struct inode *inode, struct iattr *attr)
{
	umode_t mode = inode->mode;

	if ((attr->valid & ATTR_KILL_SUID) && (mode & S_ISUID)) {
		attr->valid |= ATTR_MODE;
		mode &= ~(umode_t)S_ISUID;
	}
	if ((attr->valid & ATTR_KILL_SGID) && (mode & S_ISGID)) {
		attr->valid |= ATTR_MODE;
		mode &= ~(umode_t)S_ISGID;
	}
	if (attr->valid & (ATTR_KILL_SUID | ATTR_KILL_SGID)) {
		if (attr->valid & ATTR_MODE) {
			attr->mode = mode;
			attr->valid |= ATTR_CTIME | ATTR_MODE_KILLED;
		}
		attr->valid &= ~(u32)(ATTR_KILL_SUID | ATTR_KILL_SGID);
	}
}

static u32 setattr_events(u32 valid)
{
	u32 events = 0;

	if (valid & (ATTR_UID | ATTR_GID | ATTR_MODE))
		events |= IN_ATTRIB;
	if (valid & ATTR_SIZE)
		events |= IN_MODIFY;
	if ((valid & (ATTR_ATIME | ATTR_MTIME)) == (ATTR_ATIME | ATTR_MTIME))
		events |= IN_ATTRIB;
	else if (valid & ATTR_ATIME)
		events |= IN_ACCESS;
	else if (valid & ATTR_MTIME)
		events |= IN_MODIFY;
	return events;
}

int vfs_setattr(struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = dentry->inode;
	bool kill = attr->valid & (ATTR_KILL_SUID | ATTR_KILL_SGID);
	s64 now;
	int err;

	assert_held(&inode->lock);
	if ((attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME_SET | ATTR_MTIME_SET)) &&
	    (inode->flags & (S_IMMUTABLE | S_APPEND)))
		return -EPERM;
	err = times_allowed(inode, attr);
	if (err)
		return err;
	now = inode_now(inode);
	attr->ctime = now;
	if (!(attr->valid & ATTR_ATIME_SET))
		attr->atime = now;
	if (!(attr->valid & ATTR_MTIME_SET))
		attr->mtime = now;
	if (kill) {
		kill_set_id(inode, attr);
		if (!attr->valid)
			return 0;
	}
	if (inode->ops->setattr) {
		err = inode->ops->setattr(dentry, inode, attr);
	} else {
		err = setattr_prepare(inode, attr);
		if (!err)
			setattr_copy(inode, attr);
	}
	if (!err)
		fsnotify_dentry(dentry, setattr_events(attr->valid));
	return err;
}

/* What must be stripped before content changes: ATTR_KILL_* */
static u32 privs_to_kill(const struct inode *inode)
{
	umode_t mode = READ_ONCE(inode->mode);
	u32 kill = 0;

	if (!S_ISREG(mode))
		return 0;
	if (mode & S_ISUID)
		kill |= ATTR_KILL_SUID;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		kill |= ATTR_KILL_SGID;
	return kill && !capable(CAP_FSETID) ? kill : 0;
}

int inode_remove_privs(struct dentry *dentry, struct inode *inode)
{
	u32 kill = privs_to_kill(inode);
	struct iattr attr = { .valid = kill | ATTR_FORCE };
	int err = 0;

	if (inode->flags & S_NOSEC)
		return 0;
	if (inode->ops->setxattr && S_ISREG(inode->mode))
		err = inode->ops->setxattr(inode, "security.capability", NULL, 0, XATTR_REPLACE);
	if (err && err != -ENODATA && err != -EOPNOTSUPP)
		return err;
	if (!(inode->mode & (S_ISUID | S_ISGID)))
		inode->flags |= S_NOSEC;
	return kill ? vfs_setattr(dentry, &attr) : 0;
}

int do_truncate(const struct path *path, loff_t size, unsigned extra, struct file *f)
{
	struct dentry *dentry = path->dentry;
	struct inode *inode = dentry->inode;
	struct iattr attr = { .valid = ATTR_SIZE | extra, .size = size, .file = f };
	int err;

	if (size < 0)
		return -EINVAL;
	rwsem_write_lock(&inode->lock);
	attr.valid |= privs_to_kill(inode);
	err = vfs_setattr(dentry, &attr);
	rwsem_write_unlock(&inode->lock);
	return err;
}

int vfs_truncate(const struct path *path, loff_t size)
{
	struct inode *inode = path->dentry->inode;
	int err;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	err = mount_want_write(path->mnt);
	if (err)
		return err;
	err = inode_permission(inode, MAY_WRITE);
	if (err)
		goto drop_write;
	err = -EPERM;
	if (inode->flags & S_APPEND)
		goto drop_write;
	err = inode_get_write(inode);
	if (err)
		goto drop_write;
	err = do_truncate(path, size, ATTR_MTIME | ATTR_CTIME, NULL);
	inode_put_write(inode);
drop_write:
	mount_drop_write(path->mnt);
	return err;
}
