/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inode flags, ioctl_iflags(2), and the ioctls that ext4 itself answers. */
#include <fs/iomap/iomap.h>
#include <fs/vfs/file.h>
#include <fs/vfs/mount.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "ext4_space.h"

/* Flags programs see, and those they may change. */
#define FLAGS_VISIBLE    0x725bdfffu
#define FLAGS_MODIFIABLE 0x624bc0ffu
/* What new files take over from their directory. */
#define FLAGS_INHERITED                                                                            \
	(EXT4_SECRM_FL | EXT4_UNRM_FL | EXT4_COMPR_FL | EXT4_SYNC_FL | EXT4_NODUMP_FL |            \
	 EXT4_NOATIME_FL | EXT4_JOURNAL_DATA_FL | EXT4_NOTAIL_FL | EXT4_DIRSYNC_FL |               \
	 EXT4_PROJINHERIT_FL)

/* Flags that mean something for the type of `mode`. */
static u32 flags_for(umode_t mode, u32 flags)
{
	if (S_ISDIR(mode))
		return flags;
	if (S_ISREG(mode))
		return flags &
		       ~(EXT4_DIRSYNC_FL | EXT4_TOPDIR_FL | EXT4_CASEFOLD_FL | EXT4_PROJINHERIT_FL);
	return flags & (EXT4_NODUMP_FL | EXT4_NOATIME_FL);
}

u32 ext4_inherit_flags(u32 dir_flags, umode_t mode)
{
	return flags_for(mode, dir_flags & FLAGS_INHERITED);
}

int ext4_fileattr_get(struct inode *inode, struct fileattr *out)
{
	u32 flags = ext4_inode(inode)->flags & FLAGS_VISIBLE;

	out->flags = S_ISREG(inode->mode) ? flags & ~EXT4_PROJINHERIT_FL : flags;
	out->project = ext4_has_ro(ext4_inode_super(inode), EXT4_RO_PROJECT)
			       ? ext4_inode(inode)->projid
			       : 0;
	return 0;
}

/* May the flags become `flags` (modifiable ones only)? */
static int flags_allowed(const struct inode *inode, u32 flags)
{
	u32 old = ext4_inode(inode)->flags & FLAGS_MODIFIABLE, change = flags ^ old;

	if (flags_for(inode->mode, flags) != flags)
		return -EOPNOTSUPP;
	/* While a file stays immutable, its other flags do, too. */
	if ((old & flags & EXT4_IMMUTABLE_FL) && change)
		return -EPERM;
	if ((change & EXT4_JOURNAL_DATA_FL) && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	/* Block maps are not converted from one form to the other; project quotas do not exist. */
	return change & (EXT4_EXTENTS_FL | EXT4_DAX_FL | EXT4_PROJINHERIT_FL) ? -EOPNOTSUPP : 0;
}

static int flags_store(struct inode *inode, u32 flags)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_INODE, &h), stop;

	if (err)
		return err;
	if (inode->flags & S_SYNC_)
		handle_set_sync(h);
	ei->flags = (ei->flags & ~FLAGS_MODIFIABLE) | flags;
	ext4_inode_apply_flags(inode);
	WRITE_ONCE(inode->ctime, inode_now(inode));
	WRITE_ONCE(inode->version, inode->version + 1);
	err = ext4_inode_dirty(h, inode);
	stop = ext4_stop(h);
	return err ?: stop;
}

int ext4_fileattr_set(struct inode *inode, const struct fileattr *attr)
{
	u32 flags = attr->flags & FLAGS_MODIFIABLE, old = ext4_inode(inode)->flags;
	int err;

	if ((attr->flags & ~FLAGS_VISIBLE) || attr->project)
		return -EOPNOTSUPP;
	err = flags_allowed(inode, flags);
	if (err)
		return err;
	if (((flags ^ old) & EXT4_JOURNAL_DATA_FL) && S_ISREG(inode->mode)) {
		err = ext4_change_data_mode(inode, flags & EXT4_JOURNAL_DATA_FL);
		if (err)
			return err;
	}
	return flags_store(inode, flags);
}

/* The generation is part of every checksum of an inode's metadata: with them it stays. */
static long set_version(struct file *file, const int __user *arg)
{
	struct inode *inode = file->inode;
	struct handle *h;
	int version, err, stop;

	if (!inode_owner_or_capable(inode))
		return -EPERM;
	if (ext4_inode_super(inode)->csum)
		return -ENOTTY;
	err = mount_want_write(file->path.mnt);
	if (err)
		return err;
	err = get_user(version, arg) ? -EFAULT : 0;
	if (err)
		goto drop_write;
	rwsem_write_lock(&inode->lock);
	err = ext4_start(inode->sb, NULL, EXT4_CREDITS_INODE, &h);
	if (!err) {
		inode->generation = (u32)version;
		WRITE_ONCE(inode->ctime, inode_now(inode));
		err = ext4_inode_dirty(h, inode);
		stop = ext4_stop(h);
		err = err ?: stop;
	}
	rwsem_write_unlock(&inode->lock);
drop_write:
	mount_drop_write(file->path.mnt);
	return err;
}

static long get_label(struct ext4_super *es, char __user *arg)
{
	char label[FSLABEL_MAX] = {};

	mutex_lock(&es->super_lock);
	memcpy(label, es->disk->volume_name, sizeof(es->disk->volume_name));
	mutex_unlock(&es->super_lock);
	return copy_to_user(arg, label, sizeof(label));
}

static int label_store(struct ext4_super *es, const char *label)
{
	char *field = es->disk->volume_name, old[sizeof(es->disk->volume_name)];
	struct handle *h;
	int err = ext4_start(es->sb, NULL, 1, &h), stop;

	if (err)
		return err;
	mutex_lock(&es->super_lock);
	err = journal_get_write(h, es->super_buffer);
	if (!err) {
		memcpy(old, field, sizeof(old));
		memcpy(field, label, sizeof(old));
		err = ext4_super_dirty(h, es, field, old, sizeof(old));
	}
	mutex_unlock(&es->super_lock);
	handle_set_sync(h);
	stop = ext4_stop(h);
	return err ?: stop;
}

static long set_label(struct file *file, const char __user *arg)
{
	struct ext4_super *es = ext4_inode_super(file->inode);
	char label[sizeof(es->disk->volume_name) + 1] = {};
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(label, arg, sizeof(label)))
		return -EFAULT;
	if (strnlen(label, sizeof(label)) == sizeof(label))
		return -EINVAL;
	err = mount_want_write(file->path.mnt);
	if (err)
		return err;
	err = label_store(es, label);
	mount_drop_write(file->path.mnt);
	return err;
}

static long trim(struct ext4_super *es, struct fstrim_range __user *arg)
{
	struct fstrim_range range;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!bdev_can_discard(es->bdev))
		return -EOPNOTSUPP;
	/* What the log holds is not in the bitmaps yet. */
	if (ext4_opt(es, EXT4_OPT_NOLOAD) && ext4_has_compat(es, EXT4_COMPAT_HAS_JOURNAL))
		return -EROFS;
	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	err = ext4_trim(es, &range);
	return err ?: copy_to_user(arg, &range, sizeof(range));
}

long ext4_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	void __user *ptr = (void __user *)arg;
	struct inode *inode = file->inode;

	switch (cmd) {
	case FS_IOC_GETVERSION: return put_user((int)inode->generation, (int __user *)ptr);
	case FS_IOC_SETVERSION: return set_version(file, ptr);
	case FS_IOC_GETFSLABEL: return get_label(ext4_inode_super(inode), ptr);
	case FITRIM: return trim(ext4_inode_super(inode), ptr);
	case FS_IOC_SETFSLABEL: return set_label(file, ptr);
	default: return iomap_ioctl(file, cmd, arg);
	}
}
