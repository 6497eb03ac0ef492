/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a path to an open file: open(2), openat2(2), and opening from inside the kernel.
 */
#include <fs/chardev.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <fs/pipe.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/magic.h>
#include <kernel/lib/errseq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "walk_internal.h"

/* What the flags of open(2) mean for permission: MAY_*. */
static int access_mask(u32 flags)
{
	static const u8 by_mode[4] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
				      MAY_READ | MAY_WRITE};
	int mask = by_mode[flags & O_ACCMODE];

	if (flags & O_TRUNC)
		mask |= MAY_WRITE;
	if (flags & O_APPEND)
		mask |= MAY_APPEND;
	return mask;
}

/* May the walk's result be opened so? */
static int may_open(const struct path *path, int mask, u32 *flags)
{
	struct inode *inode = path->dentry->inode;
	int err;

	switch (inode->mode & S_IFMT) {
	case S_IFLNK: return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE)
			return -EISDIR;
		if (mask & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if ((READ_ONCE(path->mnt->flags) & MNT_NODEV) || (path->mnt->sb->flags & SB_NODEV))
			return -EACCES;
		__fallthrough;
	case S_IFIFO:
	case S_IFSOCK:
		if (mask & MAY_EXEC)
			return -EACCES;
		*flags &= ~(u32)O_TRUNC;
		break;
	case S_IFREG:
		if ((mask & MAY_EXEC) && path_noexec(path))
			return -EACCES;
		break;
	}
	err = inode_permission(inode, MAY_OPEN | mask);
	if (err)
		return err;
	if (inode->flags & S_APPEND) {
		if ((*flags & O_ACCMODE) != O_RDONLY && !(*flags & O_APPEND))
			return -EPERM;
		if (*flags & O_TRUNC)
			return -EPERM;
	}
	if ((*flags & O_NOATIME) && !inode_owner_or_capable(inode))
		return -EPERM;
	return 0;
}

bool path_noexec(const struct path *path)
{
	return (READ_ONCE(path->mnt->flags) & MNT_NOEXEC) || (path->mnt->sb->flags & SB_NOEXEC);
}

/* Count the file as a writer of inode and mount, where that means anything. */
static int file_become_writer(struct file *f)
{
	struct inode *inode = f->inode;
	int err;

	if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode) && !S_ISLNK(inode->mode))
		return 0;
	err = inode_get_write(inode);
	if (err)
		return err;
	err = mount_want_write(f->path.mnt);
	if (err) {
		inode_put_write(inode);
		return err;
	}
	f->mode |= FMODE_WRITER;
	return 0;
}

static const struct file_ops path_file_ops = {};

static void file_set_modes(struct file *f)
{
	umode_t type = f->inode->mode & S_IFMT;

	if ((f->mode & FMODE_READ) && f->ops->read_iter)
		f->mode |= FMODE_CAN_READ;
	if ((f->mode & FMODE_WRITE) && f->ops->write_iter)
		f->mode |= FMODE_CAN_WRITE;
	if (!f->ops->lseek)
		f->mode &= ~(u32)FMODE_LSEEK;
	if ((type == S_IFREG || type == S_IFDIR) && (f->mode & FMODE_LSEEK))
		f->mode |= FMODE_ATOMIC_POS;
}

static int file_call_open(struct file *f)
{
	struct inode *inode = f->inode;
	int err = 0;

	f->ops = inode->fops;
	f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	if ((f->flags & O_ACCMODE) != O_RDONLY && (f->mode & FMODE_WRITE)) {
		err = file_become_writer(f);
		if (err)
			return err;
	}
	if (f->ops->open)
		err = f->ops->open(inode, f);
	if (err)
		return err;
	file_set_modes(f);
	f->mode |= FMODE_OPENED;
	f->flags &= ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
	if ((f->flags & O_DIRECT) && S_ISREG(inode->mode) && !(f->mode & FMODE_NOWAIT) &&
	    !inode->sb->bdev)
		return S_ISREG(inode->mode) && inode->sb->magic == TMPFS_MAGIC ? 0 : -EINVAL;
	return 0;
}

/* Make `f` an open file of `path`, whose references it takes over on success; on failure it is
 * empty again. */
static int file_open_into(struct file *f, struct path *path, u32 flags, const struct cred *cred)
{
	int err = 0;

	f->flags = flags;
	f->mode = (flags + 1) & O_ACCMODE; /* FMODE_READ, FMODE_WRITE, both; 3 means neither */
	f->path = *path;
	f->inode = path->dentry->inode;
	f->mapping = f->inode->mapping;
	f->wb_err = errseq_sample(&f->mapping->error_seq);
	f->sb_err = errseq_sample(&f->inode->sb->wb_err);
	f->cred = cred_get(cred);
	if (unlikely(flags & O_PATH)) {
		f->mode = FMODE_PATH | FMODE_OPENED;
		f->ops = &path_file_ops;
	} else {
		err = file_call_open(f);
	}
	if (unlikely(err)) {
		f->path = (struct path){};
		if (f->mode & FMODE_WRITER) {
			inode_put_write(f->inode);
			mount_drop_write(path->mnt);
		}
		if ((f->mode & FMODE_OPENED) && f->ops->release)
			f->ops->release(f);
		cred_put(f->cred);
		return err;
	}
	*path = (struct path){};
	return 0;
}

int file_open(const struct path *path, u32 flags, const struct cred *cred, struct file **out)
{
	struct path mine = *path;
	struct file *f;
	int err = file_alloc(&f);

	if (err)
		return err;
	path_get(&mine);
	err = file_open_into(f, &mine, flags, cred);
	if (err) {
		path_put(&mine);
		file_free(f);
		return err;
	}
	*out = f;
	return 0;
}

/* openat2(2)'s arguments, checked and sorted. */
struct open_args {
	u32 flags;  /* of the file */
	umode_t mode;
	int access; /* MAY_* */
	u32 lookup; /* LOOKUP_* */
};

#define VALID_OPEN_FLAGS                                                                           \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |        \
	 O_CLOEXEC | O_PATH | __O_TMPFILE)
#define PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define VALID_RESOLVE                                                                              \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |         \
	 RESOLVE_IN_ROOT | RESOLVE_CACHED)

static u32 lookup_from_resolve(u64 resolve)
{
	u32 lookup = 0;

	if (resolve & RESOLVE_NO_XDEV)
		lookup |= LOOKUP_NO_XDEV;
	if (resolve & RESOLVE_NO_MAGICLINKS)
		lookup |= LOOKUP_NO_MAGICLINKS;
	if (resolve & RESOLVE_NO_SYMLINKS)
		lookup |= LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS;
	if (resolve & RESOLVE_BENEATH)
		lookup |= LOOKUP_BENEATH;
	if (resolve & RESOLVE_IN_ROOT)
		lookup |= LOOKUP_IN_ROOT;
	if (resolve & RESOLVE_CACHED)
		lookup |= LOOKUP_CACHED;
	return lookup;
}

static int decode_how(const struct open_how *how, struct open_args *a)
{
	u64 flags = how->flags;

	if ((flags & ~(u64)VALID_OPEN_FLAGS) || (how->resolve & ~(u64)VALID_RESOLVE))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (flags & (O_CREAT | __O_TMPFILE)) {
		if (how->mode & ~(u64)S_IALLUGO)
			return -EINVAL;
	} else if (how->mode) {
		return -EINVAL;
	}
	if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	if (flags & __O_TMPFILE) {
		if (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY ||
		    (flags & O_ACCMODE) == O_ACCMODE)
			return -EINVAL;
	}
	if ((flags & O_PATH) && (flags & ~(u64)PATH_FLAGS))
		return -EINVAL;
	if ((how->resolve & RESOLVE_CACHED) && (flags & (O_TRUNC | O_CREAT | __O_TMPFILE)))
		return -EAGAIN;
	if (flags & __O_SYNC)
		flags |= O_DSYNC;
	a->flags = flags;
	a->mode = how->mode;
	a->access = flags & O_PATH ? 0 : access_mask(flags);
	a->lookup = lookup_from_resolve(how->resolve);
	if (flags & O_DIRECTORY)
		a->lookup |= LOOKUP_DIRECTORY;
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		a->lookup |= LOOKUP_FOLLOW;
	return 0;
}

/* Look the last component up in the locked directory, and create it if it is not there.  *created
 * says so. */
static int lookup_or_create(struct walk *w, const struct open_args *a, int ro, struct dentry **out,
			    bool *created)
{
	struct inode *dir = w->inode;
	struct dentry *d;
	int err = lookup_one_locked(w->path.dentry, w->last.name, w->last.len, &d);

	if (err)
		return err;
	if (!d->inode) {
		err = ro;
		if (!err)
			err = vfs_create(dir, d, creation_mode(dir, a->mode) & S_IALLUGO);
		*created = !err;
	} else if (a->flags & O_EXCL) {
		err = -EEXIST;
	}
	if (err) {
		dentry_put(d);
		return err;
	}
	*out = d;
	return 0;
}

static int create_last(struct walk *w, const struct open_args *a, const char **text, bool *created)
{
	struct inode *dir = w->inode;
	struct dentry *d;
	int ro, err;

	if (w->state & WALK_RCU) {
		err = walk_leave_rcu(w);
		if (err)
			return err;
	}
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	ro = mount_want_write(w->path.mnt);
	rwsem_write_lock(&dir->lock);
	err = lookup_or_create(w, a, ro, &d, created);
	rwsem_write_unlock(&dir->lock);
	if (!ro)
		mount_drop_write(w->path.mnt);
	return err ?: walk_enter(w, d, text);
}

/* Enter the last component for open(2).  Returns as walk_last(). */
static int open_last(struct walk *w, const struct open_args *a, const char **text, bool *created)
{
	struct dentry *d = NULL;
	u32 seq;
	int err;

	if (!(a->flags & O_CREAT))
		return walk_last(w, text);
	if (w->last_type != LAST_NAME)
		return -EISDIR;
	if (walk_trailing_slash(w))
		return -EISDIR;
	if (!(a->flags & O_EXCL) && (w->state & WALK_RCU)) {
		err = walk_peek_last(w, &d, &seq);
		if (err)
			return err;
		if (d && READ_ONCE(d->inode))
			return walk_enter_seq(w, d, seq, text);
	}
	return create_last(w, a, text, created);
}

/*
 * Check and open the file at `path`, whose references the file takes over, truncated if asked.  *f
 * is the empty file to fill; NULL when it failed later and is gone.
 */
static int open_checked(struct path *path, int access, u32 flags, struct file **f)
{
	struct mount *mnt = path->mnt;
	bool truncate;
	int err = may_open(path, access, &flags);

	if (err)
		return err;
	truncate = (flags & O_TRUNC) && S_ISREG(path->dentry->inode->mode);
	if (unlikely(truncate)) {
		err = mount_want_write(mnt);
		if (err)
			return err;
	}
	err = file_open_into(*f, path, flags, cred_current());
	if (likely(!truncate))
		return err;
	if (!err) {
		err = do_truncate(&(*f)->path, 0, ATTR_MTIME | ATTR_CTIME | ATTR_OPEN, *f);
		mount_drop_write(mnt);
		if (err) {
			file_put(*f);
			*f = NULL;
		}
	} else {
		mount_drop_write(mnt);
	}
	return err;
}

/* The walk stands on the file.  *f as in open_checked. */
static int open_arrived(struct walk *w, struct open_args *a, bool created, umode_t dir_mode,
			u32 dir_uid, struct file **f)
{
	struct inode *inode;
	int access = a->access, err = walk_complete(w);

	if (err)
		return err;
	inode = w->inode;
	if (a->flags & O_PATH)
		return file_open_into(*f, &w->path, a->flags, cred_current());
	if (a->flags & O_CREAT) {
		if (S_ISDIR(inode->mode))
			return -EISDIR;
		if (!created) {
			struct inode dir_like = { .mode = dir_mode, .uid = dir_uid };

			err = may_create_in_sticky(&dir_like, inode);
			if (err)
				return err;
		}
	}
	if (created) {
		/* Who makes a file may open it as asked, whatever its mode. */
		access = 0;
		a->flags &= ~(u32)O_TRUNC;
	}
	err = open_checked(&w->path, access, a->flags, f);
	if (!err && created)
		(*f)->mode |= FMODE_CREATED;
	return err;
}

/* O_TMPFILE in a directory. */
static int open_tmpfile(const struct path *at, struct open_args *a, struct file *f)
{
	struct inode *dir = at->dentry->inode;
	struct path path;
	int err;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	err = mount_want_write(at->mnt);
	if (err)
		return err;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (!err && !dir->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (err)
		goto drop_write;
	path.mnt = at->mnt;
	path.dentry = d_alloc(at->dentry, &(struct qstr){ "#tmpfile", 8, 0 });
	err = -ENOMEM;
	if (!path.dentry)
		goto drop_write;
	rwsem_read_lock(&dir->lock);
	err = dir->ops->tmpfile(dir, path.dentry,
				(creation_mode(dir, a->mode) & S_IALLUGO) | S_IFREG);
	rwsem_read_unlock(&dir->lock);
	if (err) {
		dentry_put(path.dentry);
		goto drop_write;
	}
	mount_get(path.mnt);
	if (!(a->flags & O_EXCL)) {
		struct inode *inode = path.dentry->inode;

		with_spin(&inode->spin) WRITE_ONCE(inode->state, inode->state | I_LINKABLE);
	}
	a->flags &= ~(u32)(O_EXCL | O_DIRECTORY);
	err = file_open_into(f, &path, a->flags, cred_current());
	if (err)
		path_put(&path);
drop_write:
	mount_drop_write(at->mnt);
	return err;
}

static int open_once(int dfd, const char *name, const struct open_args *args, unsigned extra,
		     struct file **f)
{
	struct open_args a = *args;
	bool created = false;
	umode_t dir_mode = 0;
	u32 dir_uid = 0;
	const char *text;
	struct walk w;
	int err;

	if (!*name) {
		err = -ENOENT;
		return err;
	}
	err = walk_parent(&w, dfd, name, a.lookup | extra);
	while (!err) {
		dir_mode = w.inode->mode;
		dir_uid = w.inode->uid;
		err = open_last(&w, &a, &text, &created);
		if (err || !text)
			break;
		err = walk_more(&w, text);
	}
	if (!err) {
		if (a.flags & __O_TMPFILE)
			err = walk_complete(&w) ?: open_tmpfile(&w.path, &a, *f);
		else
			err = open_arrived(&w, &a, created, dir_mode, dir_uid, f);
	}
	walk_end(&w);
	return err;
}

/* Opening `f` ended with `err`; NULL: it is freed already. */
static int open_end(struct file *f, int err, struct file **out)
{
	if (err) {
		if (f)
			file_free(f);
		return err;
	}
	fsnotify_file(f, IN_OPEN);
	*out = f;
	return 0;
}

int do_open(int dfd, const char *name, const struct open_how *how, struct file **out)
{
	struct open_args a;
	struct file *f;
	int err = decode_how(how, &a);

	if (err)
		return err;
	/* Before anything is created: a failed call leaves nothing behind. */
	err = file_alloc(&f);
	if (err)
		return err;
	err = open_once(dfd, name, &a, 0, &f);
	if (unlikely(err == -ECHILD))
		err = open_once(dfd, name, &a, WALK_NO_RCU, &f);
	return open_end(f, err, out);
}

/* What a walk that ends at `path` would do. */
static int open_at(struct path *path, struct open_args *a, struct file **f)
{
	bool is_dir = S_ISDIR(path->dentry->inode->mode);

	if ((a->flags & O_DIRECTORY) && !is_dir)
		return -ENOTDIR;
	if (a->flags & O_PATH)
		return file_open_into(*f, path, a->flags, cred_current());
	if (a->flags & __O_TMPFILE)
		return open_tmpfile(path, a, *f);
	if (a->flags & O_CREAT) {
		if (a->flags & O_EXCL)
			return -EEXIST;
		if (is_dir)
			return -EISDIR;
	}
	return open_checked(path, a->access, a->flags, f);
}

int do_open_path(const struct path *path, const struct open_how *how, struct file **out)
{
	struct path mine = *path;
	struct open_args a;
	struct file *f;
	int err = decode_how(how, &a);

	if (err)
		return err;
	if (S_ISLNK(path->dentry->inode->mode) && !(a.flags & O_PATH))
		return -ELOOP;
	err = file_alloc(&f);
	if (err)
		return err;
	path_get(&mine);
	err = open_at(&mine, &a, &f);
	if (mine.dentry)
		path_put(&mine);
	return open_end(f, err, out);
}

int filp_open(const char *name, u32 flags, umode_t mode, struct file **out)
{
	struct open_how how = {.flags = flags, .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0};

	return do_open(AT_FDCWD, name, &how, out);
}
