/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When reading and writing update times: the mount's atime rules, mtime before writes. */
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/time/clock.h>

#include <fs/vfs/core.h>

#define DAY_NS (24 * 3600 * NSEC_PER_SEC)

/* relatime: only if atime is not after the last change, or a day old. */
static bool relatime_due(const struct inode *inode, s64 now)
{
	s64 atime = READ_ONCE(inode->atime);

	return atime <= READ_ONCE(inode->mtime) || atime <= READ_ONCE(inode->ctime) ||
	       now - atime >= (s64)DAY_NS;
}

static bool atime_wanted(const struct mount *m, const struct inode *inode)
{
	u32 mf = READ_ONCE(m->flags), sf = inode->sb->flags;

	if ((inode->flags & S_NOATIME_) || (mf & (MNT_NOATIME | MNT_READONLY)) ||
	    (sf & (SB_NOATIME | SB_RDONLY)))
		return false;
	return !(S_ISDIR(inode->mode) && (mf & MNT_NODIRATIME));
}

void path_touch_atime(const struct path *path)
{
	struct inode *inode = path->dentry->inode;
	s64 now;

	if (!atime_wanted(path->mnt, inode))
		return;
	/* The coarse clock decides; only when an update is due the exact one is read. */
	now = clock_real_coarse_ns();
	if ((READ_ONCE(path->mnt->flags) & MNT_RELATIME) && !relatime_due(inode, now))
		return;
	if (READ_ONCE(inode->atime) >= now || mount_want_write(path->mnt))
		return;
	inode_touch(inode, ATTR_ATIME);
	mount_drop_write(path->mnt);
}

void file_accessed(struct file *f)
{
	if (!(f->flags & O_NOATIME))
		path_touch_atime(&f->path);
}

int file_update_time(struct file *f)
{
	struct inode *inode = f->inode;
	s64 now;

	if (inode->flags & S_NOCMTIME)
		return 0;
	now = clock_real_coarse_ns();
	/* Within one tick of the last change there is nothing a program could tell apart. */
	if (READ_ONCE(inode->mtime) >= now && READ_ONCE(inode->ctime) >= now)
		return 0;
	inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

int file_remove_privs(struct file *f)
{
	return inode_remove_privs(f->path.dentry, f->inode);
}
