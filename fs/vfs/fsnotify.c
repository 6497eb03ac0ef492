/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events for watchers: the way from the places where files change to whoever registered. */
#include <fs/vfs/fsnotify.h>
#include <kernel/lib/string.h>

#include <fs/vfs/core.h>

u32 fsnotify_watches;
static const struct fsnotify_ops *notify_ops;

void fsnotify_set_ops(const struct fsnotify_ops *ops)
{
	WRITE_ONCE(notify_ops, ops);
}

void fsnotify_slow(struct inode *inode, u32 mask, const char *name, u32 cookie)
{
	const struct fsnotify_ops *ops = READ_ONCE(notify_ops);

	if (ops)
		ops->event(inode, mask, name, cookie);
}

void fsnotify_child_slow(struct dentry *dentry, u32 mask)
{
	struct inode *inode = dentry->inode;
	struct dentry *parent;

	if (!inode)
		return;
	if (S_ISDIR(inode->mode))
		mask |= IN_ISDIR;
	if (!d_is_root(dentry)) {
		parent = dentry_get_parent(dentry);
		if (READ_ONCE(parent->inode->notify_mask) & mask & IN_ALL_EVENTS) {
			char name[NAME_MAX + 1];

			rcu_read_lock();
			strscpy(name, READ_ONCE(dentry->name), sizeof(name));
			rcu_read_unlock();
			fsnotify_slow(parent->inode, mask, name, 0);
		}
		dentry_put(parent);
	}
	if (READ_ONCE(inode->notify_mask) & mask & IN_ALL_EVENTS)
		fsnotify_slow(inode, mask, NULL, 0);
}

void fsnotify_inode_gone(struct inode *inode)
{
	const struct fsnotify_ops *ops = READ_ONCE(notify_ops);

	if (ops && ops->inode_gone)
		ops->inode_gone(inode);
}

void fsnotify_sb_gone(struct superblock *sb)
{
	const struct fsnotify_ops *ops = READ_ONCE(notify_ops);

	if (ops && ops->sb_gone)
		ops->sb_gone(sb);
}
