/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipes and FIFOs.  pipe(7), fifo(7), fcntl(2) F_SETPIPE_SZ.
 *
 * A ring of slots, each a piece of a page.  A write first appends to the page of the last slot if
 * that page is the pipe's own, then takes one page a slot.  A write of up to PIPE_BUF bytes needs
 * one slot or none, so it is atomic by the lock alone.
 *
 * Readers and writers sleep as exclusive waiters; who leaves the pipe not empty (not full) wakes
 * the next of the kind, so one wake-up suffices for each change from empty (full).
 *
 * Lock order: pipe.lock; two pipes by address, the second nested.
 */
#include <fs/pipe.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/poll.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/ioctl.h>
#include <kernel/abi/magic.h>
#include <kernel/abi/signal.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/page.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include <fs/services.h>

u32 sysctl_pipe_max_size = PIPE_MAX_SIZE;

static struct mount *pipe_mount;
static u64 pipe_last_ino; /* [a] */

/* Existence */

int pipe_create(struct pipe **out)
{
	struct pipe *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	mutex_init(&p->lock, RANK_PIPE, "pipe");
	p->slots = PIPE_DEFAULT_SLOTS;
	p->bufs = p->first;
	wait_queue_init(&p->rd_wait);
	wait_queue_init(&p->wr_wait);
	*out = p;
	return 0;
}

void pipe_destroy(struct pipe *p)
{
	for (u32 n = p->tail; n != p->head; n++)
		page_put(pipe_slot(p, n)->page);
	for (unsigned i = 0; i < ARRAY_SIZE(p->spare); i++) {
		if (p->spare[i])
			page_put(p->spare[i]);
	}
	if (p->bufs != p->first)
		kfree(p->bufs);
	kfree(p);
}

/* Pages */

static struct page *pipe_page_get(struct pipe *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(p->spare); i++) {
		struct page *page = p->spare[i];

		if (page) {
			p->spare[i] = NULL;
			return page;
		}
	}
	return page_alloc(GFP_USER);
}

static void pipe_page_put(struct pipe *p, struct page *page, u32 flags)
{
	if (!(flags & PIPE_BUF_SHARED) && page_refs(page) == 1) {
		for (unsigned i = 0; i < ARRAY_SIZE(p->spare); i++) {
			if (!p->spare[i]) {
				p->spare[i] = page;
				return;
			}
		}
	}
	page_put(page);
}

void pipe_consume(struct pipe *p)
{
	struct pipe_buf *b = pipe_slot(p, p->tail);

	pipe_page_put(p, b->page, b->flags);
	b->page = NULL;
	WRITE_ONCE(p->tail, p->tail + 1);
}

void pipe_push(struct pipe *p, struct page *page, u32 offset, u32 len, u32 flags)
{
	*pipe_slot(p, p->head) = (struct pipe_buf){ page, offset, len, flags };
	WRITE_ONCE(p->head, p->head + 1);
}

/* Waiting */

void pipe_wake_readers(struct pipe *p)
{
	if (wait_queue_active(&p->rd_wait))
		wake_up_sync(&p->rd_wait, POLLIN | POLLRDNORM);
	fasync_kill(&p->fasync_readers, POLLIN);
}

void pipe_wake_writers(struct pipe *p)
{
	if (wait_queue_active(&p->wr_wait))
		wake_up_sync(&p->wr_wait, POLLOUT | POLLWRNORM);
	fasync_kill(&p->fasync_writers, POLLOUT);
}

int pipe_wait_data(struct pipe *p, bool nonblock)
{
	while (pipe_empty(p)) {
		int err;

		if (!p->writers)
			return 0;
		if (nonblock)
			return -EAGAIN;
		mutex_unlock(&p->lock);
		err = wait_event_interruptible_exclusive(&p->rd_wait,
							 !pipe_empty(p) || !READ_ONCE(p->writers));
		mutex_lock(&p->lock);
		if (err)
			return err;
	}
	return 1;
}

int pipe_wait_room(struct pipe *p, bool nonblock)
{
	for (;;) {
		int err;

		if (!p->readers) {
			fs_signal_self(SIGPIPE);
			return -EPIPE;
		}
		if (!pipe_full(p))
			return 0;
		if (nonblock)
			return -EAGAIN;
		mutex_unlock(&p->lock);
		err = wait_event_interruptible_exclusive(&p->wr_wait,
							 !pipe_full(p) || !READ_ONCE(p->readers));
		mutex_lock(&p->lock);
		if (err)
			return err;
	}
}

/* Reading */

/* Move what is there.  Returns bytes, or -EFAULT when none. */
static ssize_t pipe_drain(struct pipe *p, struct iov_iter *to)
{
	ssize_t done = 0;

	while (!pipe_empty(p) && iov_iter_count(to)) {
		struct pipe_buf *b = pipe_slot(p, p->tail);
		u32 want = min_t(size_t, b->len, iov_iter_count(to));
		u32 got = copy_page_to_iter(b->page, b->offset, want, to);
		bool packet = b->flags & PIPE_BUF_PACKET;

		if (got < want && !got)
			return done ?: -EFAULT;
		done += got;
		b->offset += got;
		b->len -= got;
		if (!b->len || (packet && got == want))
			pipe_consume(p);
		if (got < want || packet)
			break;
	}
	return done;
}

static ssize_t pipe_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct pipe *p = f->private;
	bool was_full, more_data;
	ssize_t n;

	if (!iov_iter_count(to))
		return 0;
	mutex_lock(&p->lock);
	n = pipe_wait_data(p, file_nonblocking(f, to));
	if (n <= 0) {
		more_data = !pipe_empty(p);
		mutex_unlock(&p->lock);
		if (more_data)
			pipe_wake_readers(p);
		return n;
	}
	was_full = pipe_full(p);
	n = pipe_drain(p, to);
	was_full = (was_full && !pipe_full(p)) || p->polled;
	more_data = !pipe_empty(p);
	mutex_unlock(&p->lock);
	if (was_full)
		pipe_wake_writers(p);
	if (more_data)
		pipe_wake_readers(p);
	if (n > 0)
		file_accessed(f);
	return n;
}

/* Writing */

/* Append to the last slot what would make the rest whole pages, if it fits behind what is there. */
static ssize_t pipe_merge(struct pipe *p, struct iov_iter *from)
{
	u32 part = iov_iter_count(from) & (PAGE_SIZE - 1), n;
	struct pipe_buf *b;

	if (!part || pipe_empty(p))
		return 0;
	b = pipe_slot(p, p->head - 1);
	if (!(b->flags & PIPE_BUF_MERGE) || b->offset + b->len + part > PAGE_SIZE)
		return 0;
	n = copy_page_from_iter(b->page, b->offset + b->len, part, from);
	b->len += n;
	return n == part ? n : (n ?: -EFAULT);
}

static ssize_t pipe_fill_slot(struct pipe *p, struct iov_iter *from, bool packet)
{
	struct page *page = pipe_page_get(p);
	u32 want = min_t(size_t, iov_iter_count(from), PAGE_SIZE), n;

	if (!page)
		return -ENOMEM;
	n = copy_page_from_iter(page, 0, want, from);
	if (!n) {
		pipe_page_put(p, page, 0);
		return -EFAULT;
	}
	pipe_push(p, page, 0, n, packet ? PIPE_BUF_PACKET : PIPE_BUF_MERGE);
	return n;
}

static ssize_t pipe_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct pipe *p = f->private;
	bool packet = f->flags & O_DIRECT, was_empty, more_room;
	ssize_t done = 0, n = 0;

	if (!iov_iter_count(from))
		return 0;
	mutex_lock(&p->lock);
	if (!p->readers) {
		mutex_unlock(&p->lock);
		fs_signal_self(SIGPIPE);
		return -EPIPE;
	}
	was_empty = pipe_empty(p);
	if (!packet) {
		n = pipe_merge(p, from);
		if (n > 0)
			done = n;
	}
	while (n >= 0 && iov_iter_count(from)) {
		if (unlikely(pipe_full(p))) {
			/* Those who wait for data must have it before we sleep. */
			if (was_empty || p->polled) {
				mutex_unlock(&p->lock);
				pipe_wake_readers(p);
				mutex_lock(&p->lock);
			}
			n = pipe_wait_room(p, file_nonblocking(f, from));
			was_empty = pipe_empty(p);
			if (n)
				break;
			continue;
		}
		if (unlikely(!p->readers)) {
			fs_signal_self(SIGPIPE);
			n = -EPIPE;
			break;
		}
		n = pipe_fill_slot(p, from, packet);
		if (n > 0)
			done += n;
	}
	was_empty = (was_empty && !pipe_empty(p)) || p->polled;
	more_room = !pipe_full(p);
	mutex_unlock(&p->lock);
	if (was_empty)
		pipe_wake_readers(p);
	if (more_room)
		pipe_wake_writers(p);
	if (done > 0)
		file_update_time(f);
	return done ?: n;
}

/* Other operations */

static __always_inline unsigned pipe_ready(const struct file *f)
{
	const struct pipe *p = f->private;
	u32 mode = f->mode, used;
	unsigned ready = 0;

	used = READ_ONCE(p->head) - READ_ONCE(p->tail);
	if (mode & FMODE_READ) {
		if (used)
			ready |= POLLIN | POLLRDNORM;
		/* A FIFO that never had a writer since we opened it is not at its end. */
		if (!READ_ONCE(p->writers) && f->pos != READ_ONCE(p->writer_opens))
			ready |= POLLHUP;
	}
	if (mode & FMODE_WRITE) {
		if (used < READ_ONCE(p->slots))
			ready |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(p->readers))
			ready |= POLLERR;
	}
	return ready;
}

static __noinline unsigned pipe_poll_wait(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->private;

	if (!READ_ONCE(p->polled))
		WRITE_ONCE(p->polled, 1);
	if (f->mode & FMODE_READ)
		poll_wait(f, &p->rd_wait, pt);
	if (f->mode & FMODE_WRITE)
		poll_wait(f, &p->wr_wait, pt);
	return pipe_ready(f);
}

/* A call that does not wait saves no registers. */
static unsigned pipe_poll(struct file *f, struct poll_table *pt)
{
	return poll_will_wait(pt) ? pipe_poll_wait(f, pt) : pipe_ready(f);
}

static long pipe_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = f->private;
	int count = 0;

	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	mutex_lock(&p->lock);
	for (u32 n = p->tail; n != p->head; n++)
		count += pipe_slot(p, n)->len;
	mutex_unlock(&p->lock);
	return put_user(count, (int __user *)arg);
}

static int pipe_fasync(struct file *f, bool on)
{
	struct pipe *p = f->private;
	int err = 0;

	if (f->mode & FMODE_READ)
		err = fasync_set(f, -1, on, &p->fasync_readers);
	if (!err && (f->mode & FMODE_WRITE))
		err = fasync_set(f, -1, on, &p->fasync_writers);
	return err;
}

/* One user of the inode's pipe fewer; the last destroys it. */
static void pipe_drop(struct inode *inode, struct pipe *p)
{
	bool last;

	spin_lock(&inode->spin);
	last = !--p->files;
	if (last)
		inode->pipe = NULL;
	spin_unlock(&inode->spin);
	if (last)
		pipe_destroy(p);
}

static int pipe_release(struct file *f)
{
	struct pipe *p = f->private;
	bool hangup;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		WRITE_ONCE(p->readers, p->readers - 1);
	if (f->mode & FMODE_WRITE)
		WRITE_ONCE(p->writers, p->writers - 1);
	hangup = !p->readers != !p->writers;
	mutex_unlock(&p->lock);
	if (hangup) {
		wake_up_all_key(&p->rd_wait, POLLIN | POLLRDNORM | POLLERR | POLLHUP);
		wake_up_all_key(&p->wr_wait, POLLOUT | POLLWRNORM | POLLERR | POLLHUP);
		fasync_kill(&p->fasync_readers, POLLIN);
		fasync_kill(&p->fasync_writers, POLLOUT);
	}
	pipe_drop(f->inode, p);
	return 0;
}

static int pipe_setfl(struct file *f, unsigned flags)
{
	return 0;
}

#define PIPE_COMMON_OPS                                                                            \
	.poll = pipe_poll, .ioctl = pipe_ioctl, .fasync = pipe_fasync, .release = pipe_release,    \
	.setfl = pipe_setfl

const struct file_ops pipe_read_ops = { .read_iter = pipe_read, PIPE_COMMON_OPS };
const struct file_ops pipe_write_ops = { .write_iter = pipe_write, PIPE_COMMON_OPS };
const struct file_ops pipe_rdwr_ops = {
	.read_iter = pipe_read, .write_iter = pipe_write, PIPE_COMMON_OPS};

struct pipe *file_pipe(struct file *f)
{
	if (f->ops == &pipe_read_ops || f->ops == &pipe_write_ops || f->ops == &pipe_rdwr_ops)
		return f->private;
	return NULL;
}

/* FIFOs */

/* The inode's pipe, counted once more; made if there is none. */
static int fifo_pipe(struct inode *inode, struct pipe **out)
{
	struct pipe *fresh = NULL, *p;

	for (;;) {
		spin_lock(&inode->spin);
		p = inode->pipe;
		if (!p && fresh)
			p = inode->pipe = fresh;
		if (p)
			p->files++;
		spin_unlock(&inode->spin);
		if (p)
			break;

		int err = pipe_create(&fresh);

		if (err)
			return err;
	}
	if (fresh && p != fresh)
		pipe_destroy(fresh);
	*out = p;
	return 0;
}

/* Wait until somebody opened the other end since `seen`. */
static int fifo_wait_peer(struct pipe *p, const u32 *opens, u32 seen, struct wait_queue *wq)
{
	int err;

	mutex_unlock(&p->lock);
	err = wait_event_interruptible(wq, READ_ONCE(*opens) != seen);
	mutex_lock(&p->lock);
	return err;
}

static int fifo_open_reader(struct file *f, struct pipe *p)
{
	f->pos = 0;
	p->reader_opens++;
	WRITE_ONCE(p->readers, p->readers + 1);
	if (p->readers == 1)
		wake_up_all(&p->wr_wait);
	f->pos = p->writer_opens;
	if (p->writers)
		f->pos = -1;
	else if (!(f->flags & O_NONBLOCK)) {
		int err = fifo_wait_peer(p, &p->writer_opens, p->writer_opens, &p->rd_wait);

		f->pos = -1;
		return err;
	}
	return 0;
}

static int fifo_open_writer(struct file *f, struct pipe *p)
{
	if ((f->flags & O_NONBLOCK) && !p->readers)
		return -ENXIO;
	WRITE_ONCE(p->writer_opens, p->writer_opens + 1);
	WRITE_ONCE(p->writers, p->writers + 1);
	if (p->writers == 1)
		wake_up_all(&p->rd_wait);
	return p->readers ? 0 : fifo_wait_peer(p, &p->reader_opens, p->reader_opens, &p->wr_wait);
}

static int fifo_open(struct inode *inode, struct file *f)
{
	struct pipe *p;
	u32 mode = f->mode & (FMODE_READ | FMODE_WRITE);
	u32 readers, writers;
	int err = fifo_pipe(inode, &p);

	if (err)
		return err;
	nonseekable_open(inode, f);
	f->private = p;
	mutex_lock(&p->lock);
	readers = p->readers;
	writers = p->writers;
	switch (mode) {
	case FMODE_READ:
		f->ops = &pipe_read_ops;
		err = fifo_open_reader(f, p);
		break;
	case FMODE_WRITE:
		f->ops = &pipe_write_ops;
		err = fifo_open_writer(f, p);
		break;
	case FMODE_READ | FMODE_WRITE:
		f->ops = &pipe_rdwr_ops;
		f->pos = -1;
		WRITE_ONCE(p->reader_opens, p->reader_opens + 1);
		WRITE_ONCE(p->writer_opens, p->writer_opens + 1);
		WRITE_ONCE(p->readers, p->readers + 1);
		WRITE_ONCE(p->writers, p->writers + 1);
		if (!readers || !writers) {
			wake_up_all(&p->rd_wait);
			wake_up_all(&p->wr_wait);
		}
		break;
	default: err = -EINVAL; break;
	}
	if (!err) {
		mutex_unlock(&p->lock);
		return 0;
	}
	/* Interrupted while waiting, or refused: we are no longer a reader or writer. */
	if (err != -ENXIO && err != -EINVAL) {
		if (mode & FMODE_READ)
			WRITE_ONCE(p->readers, p->readers - 1);
		if (mode & FMODE_WRITE)
			WRITE_ONCE(p->writers, p->writers - 1);
		wake_up_all(&p->rd_wait);
		wake_up_all(&p->wr_wait);
	}
	mutex_unlock(&p->lock);
	pipe_drop(inode, p);
	return err;
}

const struct file_ops fifo_open_ops = { .open = fifo_open };

/* pipe2(2) */

static void pipe_name(struct dentry *d, struct seq *out)
{
	seq_printf(out, "pipe:[%llu]", d->inode->ino);
}

static const struct dentry_ops pipe_dentry_ops = { .dname = pipe_name };

static struct inode *pipe_new_inode(struct pipe *p)
{
	struct inode *inode = inode_create(pipe_mount->sb);

	if (!inode)
		return NULL;
	inode->ino = atomic_add_return(&pipe_last_ino, 1);
	inode->mode = S_IFIFO | 0600;
	inode->uid = cred_current()->fsuid;
	inode->gid = cred_current()->fsgid;
	/* Opened again through /proc/PID/fd, it is a FIFO like any other. */
	inode->fops = &fifo_open_ops;
	inode->pipe = p;
	p->files = 2;
	p->readers = p->writers = 1;
	p->reader_opens = p->writer_opens = 1;
	return inode;
}

int pipe_files(u32 flags, struct file **read_end, struct file **write_end)
{
	struct inode *inode;
	struct pipe *p;
	int err = pipe_create(&p);

	if (err)
		return err;
	inode = pipe_new_inode(p);
	if (!inode) {
		pipe_destroy(p);
		return -ENFILE;
	}
	err = inode_file_create(pipe_mount, inode, "", &pipe_dentry_ops, &pipe_write_ops,
				O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), write_end);
	if (err) {
		inode_put(inode);
		pipe_destroy(p);
		return err;
	}
	(*write_end)->private = p;
	(*write_end)->mode |= FMODE_NOWAIT;
	err = file_alias(*write_end, &pipe_read_ops, O_RDONLY | (flags & O_NONBLOCK), read_end);
	if (err) {
		p->readers--;
		p->files--;
		file_put(*write_end);
		return err;
	}
	(*read_end)->private = p;
	(*read_end)->mode |= FMODE_NOWAIT;
	(*read_end)->pos = -1;
	return 0;
}

/* F_SETPIPE_SZ, F_GETPIPE_SZ */

long pipe_get_size(struct file *f)
{
	struct pipe *p = file_pipe(f);

	return p ? (long)READ_ONCE(p->slots) * PAGE_SIZE : -EBADF;
}

static long pipe_resize(struct pipe *p, u32 slots)
{
	struct pipe_buf *bufs;
	u32 used = p->head - p->tail;

	if (slots < used)
		return -EBUSY;
	bufs = kcalloc(slots, sizeof(*bufs), GFP_KERNEL);
	if (!bufs)
		return -ENOMEM;
	for (u32 i = 0; i < used; i++)
		bufs[i] = *pipe_slot(p, p->tail + i);
	if (p->bufs != p->first)
		kfree(p->bufs);
	p->bufs = bufs;
	p->tail = 0;
	p->head = used;
	WRITE_ONCE(p->slots, slots);
	return (long)slots * PAGE_SIZE;
}

long pipe_set_size(struct file *f, unsigned long size)
{
	struct pipe *p = file_pipe(f);
	u64 bytes;
	long ret;

	if (!p)
		return -EBADF;
	if (size > 1ul << 31)
		return -EINVAL;
	bytes = roundup_pow2(max_t(unsigned long, size, PAGE_SIZE));
	if (bytes > READ_ONCE(sysctl_pipe_max_size) &&
	    bytes > (u64)READ_ONCE(p->slots) * PAGE_SIZE && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	mutex_lock(&p->lock);
	ret = pipe_resize(p, bytes / PAGE_SIZE);
	mutex_unlock(&p->lock);
	if (ret > 0)
		pipe_wake_writers(p);
	return ret;
}

/* The mount that pipes' inodes live in. */

static int pipefs_mount(const struct fs_type *type, const struct fs_params *params,
			struct superblock **out)
{
	return pseudo_mount(type, params, PIPEFS_MAGIC, out);
}

static const struct fs_type pipefs_type = { "pipefs", FS_NO_USER, pipefs_mount, NULL };
FS_TYPE(pipefs_type);

void pipe_init(void)
{
	VERIFY(!kern_mount_internal("pipefs", &pipe_mount));
}
