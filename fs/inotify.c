/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inotify(7): events of files and directories, as records to read.
 *
 * A watch ties one inode to one inotify instance; inode.notify_marks is the list of an inode's
 * watches, and inode.notify_mask the union of what they want, so that an event nobody wants costs
 * one test.  Equal events in a row are reported once.  The queue is bounded: past the limit one
 * overflow record stands for all that are lost.
 *
 * References: a watch holds its inode (so an inode with watches is not evicted before its last name
 * and user are gone and the file system says so) and its instance's memory.
 *
 * Lock order: marks_lock (the lists of all inodes, watch tables), then instance.lock (events).
 */
#include <fs/inotify.h>

#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/poll.h>
#include <fs/vfs/super.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/inotify.h>
#include <kernel/abi/ioctl.h>
#include <kernel/lib/idr.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/usercopy.h>

#define QUEUE_MAX   16384
#define WATCHES_MAX 65536
#define USER_EVENTS (IN_ALL_EVENTS | IN_UNMOUNT)
#define WATCH_FLAGS                                                                                \
	(IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ONESHOT)

struct event {
	struct list link;
	int wd;
	u32 mask, cookie;
	u32 len; /* of name with its NULs as reported, a multiple of the record's size */
	char name[];
};

struct instance {
	refcount_t refs;
	struct spinlock lock;
	struct list events; /* [l] */
	unsigned nr_events; /* [l; read without] */
	size_t bytes;       /* [l] what a read of all would return */
	struct wait_queue wait;
	struct idr watches;  /* [marks_lock] by descriptor */
	unsigned nr_watches; /* [marks_lock] */
	bool closed;         /* [marks_lock] */
};                           /* l: lock */

struct watch {
	struct instance *inst; /* [I] counted */
	struct inode *inode;   /* [marks_lock] counted */
	struct watch *next;    /* [marks_lock] of the inode */
	u32 mask;              /* [marks_lock] */
	int wd;                /* [I] */
};

static struct mutex marks_lock = MUTEX_INIT(marks_lock, RANK_SLEEP_LEAF);
static const struct file_ops inotify_ops;

/* Events. */

static void instance_put(struct instance *i)
{
	struct event *e, *next;

	if (!refcount_put(&i->refs))
		return;
	list_for_each_safe (e, next, &i->events, link)
		kfree(e);
	kfree(i);
}

static size_t record_size(const struct event *e)
{
	return sizeof(struct inotify_event) + e->len;
}

static bool same_as_last(const struct instance *i, const struct event *e)
{
	struct event *last = list_last_or_null(&i->events, struct event, link);

	return last && last->wd == e->wd && last->mask == e->mask && last->cookie == e->cookie &&
	       last->len == e->len && !memcmp(last->name, e->name, e->len);
}

static struct event *event_create(int wd, u32 mask, u32 cookie, const char *name)
{
	u32 len = name ? ALIGN_UP((u32)strlen(name) + 1, (u32)sizeof(struct inotify_event)) : 0;
	struct event *e = kzalloc(sizeof(*e) + len, GFP_KERNEL);

	if (!e)
		return NULL;
	e->wd = wd;
	e->mask = mask;
	e->cookie = cookie;
	e->len = len;
	if (name)
		memcpy(e->name, name, strlen(name));
	return e;
}

static void queue_event(struct instance *i, int wd, u32 mask, u32 cookie, const char *name)
{
	struct event *e = NULL, *drop = NULL;

	if (READ_ONCE(i->nr_events) < QUEUE_MAX)
		e = event_create(wd, mask, cookie, name);
	/* Full, or no memory: say that something was lost. */
	if (!e)
		e = event_create(-1, IN_Q_OVERFLOW, 0, NULL);
	if (!e)
		return;
	{
		guard_spin(&i->lock);
		if (same_as_last(i, e)) {
			drop = e;
		} else {
			list_push_back(&i->events, &e->link);
			WRITE_ONCE(i->nr_events, i->nr_events + 1);
			i->bytes += record_size(e);
		}
	}
	kfree(drop);
	if (!drop)
		wake_up_key(&i->wait, POLLIN | POLLRDNORM);
}

/* Watches. */

static struct watch **marks_of(struct inode *inode)
{
	return (struct watch **)&inode->notify_marks;
}

static void recompute_mask(struct inode *inode)
{
	u32 mask = 0;

	for (struct watch *w = *marks_of(inode); w; w = w->next)
		mask |= w->mask;
	WRITE_ONCE(inode->notify_mask, mask & USER_EVENTS);
}

/*
 * Take `w` off its inode and its instance; IN_IGNORED is its last event.  Locks: marks_lock held.
 * Returns the inode to put.
 */
static struct inode *watch_detach(struct watch *w)
{
	struct inode *inode = w->inode;
	struct watch **p = marks_of(inode);

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	recompute_mask(inode);
	atomic_dec(&inode->sb->notify_count);
	atomic_dec(&fsnotify_watches);
	idr_remove(&w->inst->watches, w->wd);
	w->inst->nr_watches--;
	if (!w->inst->closed)
		queue_event(w->inst, w->wd, IN_IGNORED, 0, NULL);
	instance_put(w->inst);
	kfree(w);
	return inode;
}

static void inotify_inode_gone(struct inode *inode);

static void report(struct inode *inode, u32 mask, const char *name, u32 cookie)
{
	struct watch *w, *next;
	struct inode *put[4];
	unsigned n = 0;
	{
		guard_mutex(&marks_lock);
		for (w = *marks_of(inode); w; w = next) {
			next = w->next;
			if (!(w->mask & mask & USER_EVENTS))
				continue;
			queue_event(w->inst, w->wd, mask & (USER_EVENTS | IN_ISDIR), cookie, name);
			if ((w->mask & IN_ONESHOT) && n < ARRAY_SIZE(put))
				put[n++] = watch_detach(w);
		}
	}
	while (n)
		inode_put(put[--n]);
}

static void inotify_event(struct inode *inode, u32 mask, const char *name, u32 cookie)
{
	/* The file's own end and move are not said to be a directory's. */
	if (mask & (IN_DELETE_SELF | IN_MOVE_SELF))
		mask &= ~(u32)IN_ISDIR;
	if (mask & USER_EVENTS & ~(u32)IN_DELETE_SELF)
		report(inode, mask & ~(u32)IN_DELETE_SELF, name, cookie);
	if (mask & IN_DELETE_SELF)
		inotify_inode_gone(inode);
}

/* The last name is gone: IN_DELETE_SELF, then nothing more. */
static void inotify_inode_gone(struct inode *inode)
{
	struct watch *w;
	unsigned n = 0;
	{
		guard_mutex(&marks_lock);
		while ((w = *marks_of(inode))) {
			if (w->mask & IN_DELETE_SELF)
				queue_event(w->inst, w->wd, IN_DELETE_SELF, 0, NULL);
			watch_detach(w);
			n++;
		}
	}
	while (n--)
		inode_put(inode);
}

static void inotify_sb_gone(struct superblock *sb)
{
	struct inode *inode, *found;

	/* One inode at a time: its reference cannot be dropped under the superblock's lock. */
	do {
		found = NULL;
		{
			guard_spin(&sb->inodes_lock);
			list_for_each (inode, &sb->inodes, sb_link) {
				if (READ_ONCE(inode->notify_marks)) {
					found = inode_get(inode);
					break;
				}
			}
		}
		if (found) {
			unsigned n = 0;
			struct watch *w;
			{
				guard_mutex(&marks_lock);
				while ((w = *marks_of(found))) {
					queue_event(w->inst, w->wd, IN_UNMOUNT, 0, NULL);
					watch_detach(w);
					n++;
				}
			}
			while (n--)
				inode_put(found);
			inode_put(found);
		}
	} while (found);
}

static const struct fsnotify_ops notify_ops = {
	.event = inotify_event,
	.inode_gone = inotify_inode_gone,
	.sb_gone = inotify_sb_gone,
};

void inotify_init(void)
{
	fsnotify_set_ops(&notify_ops);
}

/* The file. */

/* Copy one record.  Returns its size, 0 when it does not fit, -EFAULT. */
static ssize_t put_record(struct iov_iter *to, const struct event *e)
{
	struct inotify_event head = {
		.wd = e->wd, .mask = e->mask, .cookie = e->cookie, .len = e->len};

	if (copy_to_iter(&head, sizeof(head), to) != sizeof(head) ||
	    copy_to_iter(e->name, e->len, to) != e->len)
		return -EFAULT;
	return (ssize_t)record_size(e);
}

/* The first event if it fits in `room`. */
static struct event *take_event(struct instance *i, size_t room, bool *too_big)
{
	guard_spin(&i->lock);
	struct event *e = list_first_or_null(&i->events, struct event, link);

	*too_big = e && record_size(e) > room;
	if (!e || *too_big)
		return NULL;
	list_remove(&e->link);
	WRITE_ONCE(i->nr_events, i->nr_events - 1);
	i->bytes -= record_size(e);
	return e;
}

static ssize_t inotify_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct instance *i = file->private;
	ssize_t total = 0;
	bool too_big;

	for (;;) {
		struct event *e = take_event(i, iov_iter_count(to), &too_big);

		if (e) {
			ssize_t n = put_record(to, e);

			kfree(e);
			if (n < 0)
				return total ? total : n;
			total += n;
			continue;
		}
		if (total)
			return total;
		if (too_big)
			return -EINVAL;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int err = wait_event_interruptible(&i->wait, !list_empty(&i->events));
		if (err)
			return err;
	}
}

static unsigned inotify_poll(struct file *file, struct poll_table *pt)
{
	struct instance *i = file->private;

	poll_wait(file, &i->wait, pt);
	return list_empty(&i->events) ? 0 : POLLIN | POLLRDNORM;
}

static long inotify_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	struct instance *i = file->private;

	return cmd == FIONREAD ? put_user((int)READ_ONCE(i->bytes), (int __user *)arg)
			       : -ENOIOCTLCMD;
}

static int inotify_release(struct file *file)
{
	struct instance *i = file->private;

	for (;;) {
		struct inode *inode;
		{
			int wd = 1;
			guard_mutex(&marks_lock);
			i->closed = true;
			struct watch *w = idr_next(&i->watches, &wd);

			inode = w ? watch_detach(w) : NULL;
		}
		if (!inode)
			break;
		inode_put(inode);
	}
	idr_destroy(&i->watches);
	instance_put(i);
	return 0;
}

static void inotify_show(struct seq *out, struct file *file)
{
	struct instance *i = file->private;
	struct watch *w;
	guard_mutex(&marks_lock);

	for (int wd = 1; (w = idr_next(&i->watches, &wd)); wd++)
		seq_printf(out, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", w->wd,
			   w->inode->ino, w->inode->sb->dev, w->mask);
}

static const struct file_ops inotify_ops = {
	.read_iter = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.lseek = noop_lseek,
	.release = inotify_release,
	.show_fdinfo = inotify_show,
};

/* The calls. */

long sys_inotify_init1(int flags)
{
	struct instance *i;
	struct file *file;
	int fd, err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	i = kzalloc(sizeof(*i), GFP_KERNEL);
	if (!i)
		return -ENOMEM;
	refcount_set(&i->refs, 1);
	spin_init(&i->lock, RANK_FILE, "inotify");
	list_init(&i->events);
	wait_queue_init(&i->wait);
	idr_init(&i->watches);
	err = anon_file_create("inotify", &inotify_ops, i, O_RDONLY | ((u32)flags & O_NONBLOCK),
			       &file);
	if (err) {
		kfree(i);
		return err;
	}
	fd = fd_alloc(file, (u32)flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static struct instance *file_instance(struct fdref ref)
{
	return ref.file && ref.file->ops == &inotify_ops ? ref.file->private : NULL;
}

static struct watch *find_watch(struct instance *i, struct inode *inode)
{
	for (struct watch *w = *marks_of(inode); w; w = w->next) {
		if (w->inst == i)
			return w;
	}
	return NULL;
}

/* Change or make the watch of `inode`.  Returns its descriptor.  Locks: marks_lock held. */
static int update_watch(struct instance *i, struct inode *inode, u32 mask)
{
	struct watch *w = find_watch(i, inode);
	u32 bits = (mask & (USER_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK)) | IN_UNMOUNT;

	if (w) {
		if (mask & IN_MASK_CREATE)
			return -EEXIST;
		w->mask = mask & IN_MASK_ADD ? w->mask | bits : bits;
		recompute_mask(inode);
		return w->wd;
	}
	if (i->nr_watches >= WATCHES_MAX)
		return -ENOSPC;
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	w->wd = idr_alloc_cyclic(&i->watches, w, 1, INT_MAX);
	if (w->wd < 0) {
		int err = w->wd;

		kfree(w);
		return err;
	}
	refcount_get(&i->refs);
	w->inst = i;
	w->inode = inode_get(inode);
	w->mask = bits;
	w->next = *marks_of(inode);
	*marks_of(inode) = w;
	i->nr_watches++;
	atomic_inc(&inode->sb->notify_count);
	atomic_inc(&fsnotify_watches);
	recompute_mask(inode);
	return w->wd;
}

long sys_inotify_add_watch(int fd, const char __user *pathname, unsigned int mask)
{
	unsigned lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct fdref ref;
	struct instance *i;
	struct path path;
	long ret;

	if (!(mask & (USER_EVENTS | WATCH_FLAGS)) ||
	    (mask & ~(u32)(USER_EVENTS | WATCH_FLAGS | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR)))
		return -EINVAL;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		return -EINVAL;
	ref = fd_get(fd);
	if (!ref.file)
		return -EBADF;
	i = file_instance(ref);
	ret = i ? user_path_at(AT_FDCWD, pathname, lookup, &path) : -EINVAL;
	if (!ret) {
		ret = inode_permission(path.dentry->inode, MAY_READ);
		if (!ret) {
			guard_mutex(&marks_lock);
			ret = update_watch(i, path.dentry->inode, mask);
		}
		path_put(&path);
	}
	fd_put(ref);
	return ret;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct fdref ref = fd_get(fd);
	struct inode *inode = NULL;
	struct instance *i;
	long ret = -EINVAL;

	if (!ref.file)
		return -EBADF;
	i = file_instance(ref);
	if (i) {
		guard_mutex(&marks_lock);
		struct watch *w = wd > 0 ? idr_find(&i->watches, wd) : NULL;

		if (w) {
			inode = watch_detach(w);
			ret = 0;
		}
	}
	inode_put(inode);
	fd_put(ref);
	return ret;
}
