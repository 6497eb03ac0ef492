/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what to an inode: the one place that decides.  path_resolution(7), capabilities(7).
 */
#include <fs/vfs/fs_context.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/posix_acl.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <security/cred.h>

#include <fs/vfs/core.h>

bool inode_capable(const struct inode *inode, int cap)
{
	return capable(cap);
}

bool inode_owner_or_capable(const struct inode *inode)
{
	return cred_current()->fsuid == inode->uid || inode_capable(inode, CAP_FOWNER);
}

/*
 * The three bits of the mode that apply to the current credentials, or the access list, against
 * `want`.  The owner's bits need no list; without any group bit (the mask) only others' bits are
 * left of one.
 */
static int mode_allows(struct inode *inode, int want, int mask)
{
	const struct cred *cred = cred_current();
	umode_t mode = READ_ONCE(inode->mode);

	if (likely(cred->fsuid == READ_ONCE(inode->uid))) {
		mode >>= 6;
	} else {
		if (unlikely(READ_ONCE(inode->acl)) && (mode & S_IRWXG)) {
			int err = inode_acl_permission(inode, want | (mask & MAY_NOT_BLOCK));

			if (err != -EAGAIN)
				return err;
		}
		if (((mode >> 3) ^ mode) & 7 & want && cred_in_group(cred, READ_ONCE(inode->gid)))
			mode >>= 3;
	}
	return want & ~mode & 7 ? -EACCES : 0;
}

int generic_permission(struct inode *inode, int mask)
{
	int want = mask & (MAY_READ | MAY_WRITE | MAY_EXEC);
	int err = mode_allows(inode, want, mask);

	if (likely(err != -EACCES))
		return err;
	if (S_ISDIR(inode->mode)) {
		if (!(want & MAY_WRITE) && inode_capable(inode, CAP_DAC_READ_SEARCH))
			return 0;
		return inode_capable(inode, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (want == MAY_READ && inode_capable(inode, CAP_DAC_READ_SEARCH))
		return 0;
	/* Execution needs at least one x bit, for everybody. */
	if ((!(want & MAY_EXEC) || (inode->mode & S_IXUGO)) &&
	    inode_capable(inode, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission_slow(struct inode *inode, int mask)
{
	if (mask & MAY_WRITE) {
		umode_t type = inode->mode & S_IFMT;

		if ((inode->sb->flags & SB_RDONLY) &&
		    (type == S_IFREG || type == S_IFDIR || type == S_IFLNK))
			return -EROFS;
		if (inode->flags & S_IMMUTABLE)
			return -EPERM;
	}
	if (inode->ops->permission)
		return inode->ops->permission(inode, mask);
	return generic_permission(inode, mask);
}

int inode_permission(struct inode *inode, int mask)
{
	return inode_permission_slow(inode, mask);
}

umode_t creation_mode(const struct inode *dir, umode_t mode)
{
	return dir->sb->flags & SB_POSIXACL ? mode : mode & ~(umode_t)current_umask();
}
