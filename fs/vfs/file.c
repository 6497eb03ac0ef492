/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open files: memory, the last put, anonymous files, owners for SIGIO.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/errseq.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sched/workqueue.h>
#include <mm/alloc.h>
#include <mm/page.h>
#include <security/cred.h>

#include <fs/services.h>
#include <fs/vfs/core.h>

static struct slab_cache *file_cache;
static u64 files_open; /* [a] */
static u64 files_max = 1 << 20;

void (*file_epoll_release)(struct file *f);

static void file_ctor(void *obj)
{
	struct file *f = obj;

	memset(f, 0, sizeof(*f));
	mutex_init(&f->pos_lock, RANK_FILE_POS, "file.pos");
	spin_init(&f->lock, RANK_FILE, "file");
}

int file_alloc(struct file **out)
{
	struct file *f;

	if (unlikely(atomic_load(&files_open) >= READ_ONCE(files_max)) && !capable(CAP_SYS_ADMIN))
		return -ENFILE;
	f = slab_alloc(file_cache, GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	atomic_inc(&files_open);
	f->pos = 0;
	f->private = NULL;
	f->owner = NULL;
	f->epoll = NULL;
	f->ra = (struct file_ra){};
	/* Last: a lookup that still holds the old pointer may count it from here on. */
	atomic_store_release(&f->refs.n, 1);
	*out = f;
	return 0;
}

void file_free(struct file *f)
{
	u32 one = 1;

	/* A file that was never installed may be counted for a moment by a lookup that met its
	 * former life. */
	while (refcount_read(&f->refs) && !atomic_cmpxchg(&f->refs.n, &one, 0)) {
		one = 1;
		arch_cpu_relax();
	}
	atomic_dec(&files_open);
	slab_free(file_cache, f);
}

u64 files_open_count(void)
{
	return atomic_load(&files_open);
}

/* SIGIO */

static const struct file_owner_ops *owner_ops;

void file_owner_set_ops(const struct file_owner_ops *ops)
{
	WRITE_ONCE(owner_ops, ops);
}

static void file_drop_owner(struct file *f)
{
	if (!f->owner)
		return;
	if (f->owner->pid && owner_ops)
		owner_ops->pid_put(f->owner->pid);
	kfree(f->owner);
	f->owner = NULL;
}

/* The owner record, made if need be; NULL: out of memory. */
struct file_owner *file_owner_make(struct file *f)
{
	struct file_owner *o = READ_ONCE(f->owner), *fresh;

	if (o)
		return o;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return NULL;
	fresh->file = f;
	spin_lock(&f->lock);
	o = f->owner;
	if (!o)
		WRITE_ONCE(f->owner, o = fresh);
	spin_unlock(&f->lock);
	if (o != fresh)
		kfree(fresh);
	return o;
}

int file_set_owner(struct file *f, s32 who, u32 pid_type, bool force)
{
	struct file_owner *o = file_owner_make(f);
	void *pid = NULL, *old;

	if (!o)
		return -ENOMEM;
	if (who) {
		pid = owner_ops ? owner_ops->pid_get(who) : NULL;
		if (!pid)
			return -ESRCH;
	}
	spin_lock(&f->lock);
	old = o->pid;
	if (!force && old) {
		swap(old, pid);
	} else {
		o->pid = pid;
		o->pid_type = pid_type;
		o->uid = cred_current()->uid;
		o->euid = cred_current()->euid;
	}
	spin_unlock(&f->lock);
	if (old && owner_ops)
		owner_ops->pid_put(old);
	return 0;
}

s32 file_get_owner(struct file *f)
{
	s32 nr = 0;

	guard_spin(&f->lock);
	if (f->owner && f->owner->pid && owner_ops) {
		nr = owner_ops->pid_nr(f->owner->pid);
		if (f->owner->pid_type == F_OWNER_PGRP)
			nr = -nr;
	}
	return nr;
}

static struct spinlock fasync_lock = SPINLOCK_INIT(RANK_FILE_FASYNC);

int fasync_set(struct file *f, int fd, bool on, struct fasync **list)
{
	struct fasync *fresh = on ? kzalloc(sizeof(*fresh), GFP_KERNEL) : NULL, *e, **p;
	irqflags_t flags;

	if (on && !fresh)
		return -ENOMEM;
	flags = spin_lock_irqsave(&fasync_lock);
	for (p = list; (e = *p) != NULL; p = &e->next) {
		if (e->file == f)
			break;
	}
	if (on && e) {
		e->fd = fd;
	} else if (on) {
		fresh->file = f;
		fresh->fd = fd;
		fresh->next = *list;
		rcu_assign_pointer(*list, fresh);
	} else if (e) {
		WRITE_ONCE(*p, e->next);
	}
	spin_lock(&f->lock);
	f->flags = on ? f->flags | FASYNC : f->flags & ~(u32)FASYNC;
	spin_unlock(&f->lock);
	spin_unlock_irqrestore(&fasync_lock, flags);
	if (on && e)
		kfree(fresh);
	else if (!on && e)
		kfree_rcu(e, rcu);
	return 0;
}

void fasync_kill(struct fasync **list, unsigned band)
{
	struct fasync *e;

	if (likely(!READ_ONCE(*list)) || !owner_ops)
		return;
	guard_rcu();
	for (e = rcu_dereference(*list); e; e = rcu_dereference(e->next)) {
		struct file_owner *o = READ_ONCE(e->file->owner);

		if (o && o->pid)
			owner_ops->send(o, e->fd, band);
	}
}

/* The end of a file */

static void file_release(struct file *f)
{
	struct path path = f->path;
	bool unmount;

	fsnotify_file(f, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (unlikely(f->epoll))
		file_epoll_release(f);
	if (unlikely(READ_ONCE(f->inode->locks)))
		locks_file_released(f);
	if (unlikely(f->flags & FASYNC) && f->ops->fasync)
		f->ops->fasync(f, false);
	if (f->ops->release)
		f->ops->release(f);
	if (f->mode & FMODE_WRITER) {
		inode_put_write(f->inode);
		mount_drop_write(path.mnt);
	}
	if (f->mode & FMODE_DENY_WRITE)
		inode_allow_write(f->inode);
	file_drop_owner(f);
	cred_put(f->cred);
	unmount = f->mode & FMODE_NEED_UNMOUNT;
	file_free(f);
	if (unlikely(unmount))
		mount_dissolve(path.mnt);
	path_put(&path);
}

void file_put(struct file *f)
{
	if (unlikely(refcount_put(&f->refs)))
		file_release(f);
}

/* Files whose last reference went where one cannot sleep. */
static struct llist_head deferred_files;

static void release_deferred(struct work *w)
{
	struct llist_node *n = llist_reverse(llist_take_all(&deferred_files));

	while (n) {
		struct file *f = container_of(n, struct file, deferred);

		n = n->next;
		file_release(f);
		cond_resched();
	}
}

static struct work deferred_work = WORK_INIT(deferred_work, release_deferred);

/* Nothing in the release sleeps: an ordinary file whose name stays in the cache. */
static bool release_is_quick(const struct file *f)
{
	return !f->ops->release && !f->epoll && !(f->flags & FASYNC) &&
	       !READ_ONCE(f->inode->locks) && !f->owner &&
	       refcount_read(&f->path.dentry->refs) > 2 && READ_ONCE(f->path.mnt->ns);
}

void file_put_deferred(struct file *f)
{
	if (likely(!refcount_put(&f->refs)))
		return;
	if (release_is_quick(f))
		file_release(f);
	else if (llist_push(&deferred_files, &f->deferred))
		work_queue(&deferred_work);
}

void file_flush_deferred(void)
{
	work_flush(&deferred_work);
}

/* Files without a name */

static struct mount *anon_mount;
static struct inode *anon_inode;

/* Consumes the count on `d`. */
static void anon_fill(struct file *f, struct mount *mnt, struct dentry *d, struct inode *inode,
		      const struct file_ops *ops, u32 flags)
{
	f->flags = flags & ~(u32)O_CLOEXEC;
	f->mode = ((flags + 1) & O_ACCMODE) | FMODE_OPENED;
	if ((f->mode & FMODE_READ) && ops->read_iter)
		f->mode |= FMODE_CAN_READ;
	if ((f->mode & FMODE_WRITE) && ops->write_iter)
		f->mode |= FMODE_CAN_WRITE;
	if (ops->lseek)
		f->mode |= FMODE_LSEEK;
	f->path = (struct path){ mount_get(mnt), d };
	f->inode = inode;
	f->mapping = inode->mapping;
	f->wb_err = errseq_sample(&f->mapping->error_seq);
	f->sb_err = errseq_sample(&inode->sb->wb_err);
	f->ops = ops;
	f->cred = cred_get(cred_current());
}

static int anon_make(struct mount *mnt, struct inode *inode, const char *name,
		     const struct dentry_ops *dops, const struct file_ops *ops, u32 flags,
		     struct file **out)
{
	struct dentry *d;
	struct file *f;
	int err = file_alloc(&f);

	if (err)
		return err;
	d = d_alloc_anon(mnt->sb, name, dops);
	if (!d) {
		file_free(f);
		return -ENOMEM;
	}
	d_instantiate(d, inode);
	anon_fill(f, mnt, d, inode, ops, flags);
	*out = f;
	return 0;
}

int anon_file_create(const char *name, const struct file_ops *ops, void *private, u32 flags,
		     struct file **out)
{
	int err = anon_make(anon_mount, inode_get(anon_inode), name, NULL, ops, flags, out);

	if (err)
		inode_put(anon_inode);
	else
		(*out)->private = private;
	return err;
}

int inode_file_create(struct mount *mnt, struct inode *inode, const char *name,
		      const struct dentry_ops *dops, const struct file_ops *ops, u32 flags,
		      struct file **out)
{
	return anon_make(mnt, inode, name, dops, ops, flags, out);
}

int file_alias(struct file *f, const struct file_ops *ops, u32 flags, struct file **out)
{
	struct file *g;
	int err = file_alloc(&g);

	if (err)
		return err;
	dentry_get(f->path.dentry);
	anon_fill(g, f->path.mnt, f->path.dentry, f->inode, ops, flags);
	*out = g;
	return 0;
}

static const struct super_ops pseudo_super_ops = {};

int pseudo_mount(const struct fs_type *type, const struct fs_params *params, u32 magic,
		 struct superblock **out)
{
	struct inode *root;
	int err = super_create(type, params, &pseudo_super_ops, out);

	if (err)
		return err;
	(*out)->magic = magic;
	root = inode_create(*out);
	if (root) {
		root->mode = S_IFDIR | 0600;
		root->ino = 1;
		(*out)->root = d_make_root(*out, root);
	}
	if (!(*out)->root) {
		super_abandon(*out);
		return -ENOMEM;
	}
	return 0;
}

static int anon_type_mount(const struct fs_type *type, const struct fs_params *params,
			   struct superblock **out)
{
	return pseudo_mount(type, params, ANON_INODE_FS_MAGIC, out);
}

static const struct fs_type anon_type = { "anon_inodefs", FS_NO_USER, anon_type_mount, NULL };
FS_TYPE(anon_type);

void file_init(void)
{
	file_cache = slab_create("filp", sizeof(struct file), 8,
				 SLAB_TYPESAFE_BY_RCU | SLAB_ACCOUNT, file_ctor);
	VERIFY(file_cache);
}

void anon_files_init(void)
{
	VERIFY(!kern_mount_internal("anon_inodefs", &anon_mount));
	anon_inode = inode_create(anon_mount->sb);
	VERIFY(anon_inode);
	anon_inode->mode = 0600;
	anon_inode->ino = 2;
	anon_inode->flags |= S_PRIVATE;
}

static int show_file_nr(struct seq *out, void *arg)
{
	seq_printf(out, "%llu\t0\t%llu\n", files_open_count(), READ_ONCE(files_max));
	return 0;
}
EXPORT_PROC("/proc/sys/fs/file-nr", 0444, show_file_nr, NULL, NULL);
