/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eventfd(2): a counter to wait for.
 *
 * A write adds, a read takes all (or one, with EFD_SEMAPHORE).  The counter stops at 2^64 - 2, so
 * that ~0 stays free.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/poll.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/eventpoll.h>
#include <kernel/abi/poll.h>
#include <kernel/lib/seq.h>
#include <kernel/sync/waitqueue.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>

#define EVENTFD_MAX (U64_MAX - 1)

struct eventfd {
	struct wait_queue wait; /* its lock guards count */
	u64 count;              /* [wait.lock] */
	bool semaphore;         /* [I] */
};

static bool take(struct eventfd *e, u64 *value)
{
	irqflags_t flags = spin_lock_irqsave(&e->wait.lock);
	bool ok = e->count > 0;

	if (ok) {
		*value = e->semaphore ? 1 : e->count;
		e->count -= *value;
		if (!list_empty(&e->wait.waiters))
			wake_up_locked(&e->wait, THREAD_NORMAL, 1, POLLOUT);
	}
	spin_unlock_irqrestore(&e->wait.lock, flags);
	return ok;
}

static bool add(struct eventfd *e, u64 value)
{
	irqflags_t flags = spin_lock_irqsave(&e->wait.lock);
	bool ok = EVENTFD_MAX - e->count >= value;

	if (ok) {
		e->count += value;
		if (!list_empty(&e->wait.waiters))
			wake_up_locked(&e->wait, THREAD_NORMAL, 1, POLLIN);
	}
	spin_unlock_irqrestore(&e->wait.lock, flags);
	return ok;
}

static ssize_t eventfd_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct eventfd *e = file->private;
	u64 value = 0;

	if (iov_iter_count(to) < sizeof(value))
		return -EINVAL;
	if (!take(e, &value)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int err = wait_event_interruptible(&e->wait, take(e, &value));
		if (err)
			return err;
	}
	return copy_to_iter(&value, sizeof(value), to) == sizeof(value) ? (ssize_t)sizeof(value)
									: -EFAULT;
}

static ssize_t eventfd_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct eventfd *e = file->private;
	u64 value;

	if (iov_iter_count(from) < sizeof(value))
		return -EINVAL;
	if (copy_from_iter(&value, sizeof(value), from) != sizeof(value))
		return -EFAULT;
	if (value == U64_MAX)
		return -EINVAL;
	if (!add(e, value)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int err = wait_event_interruptible(&e->wait, add(e, value));
		if (err)
			return err;
	}
	return sizeof(value);
}

static unsigned eventfd_poll(struct file *file, struct poll_table *pt)
{
	struct eventfd *e = file->private;
	unsigned mask = 0;

	poll_wait(file, &e->wait, pt);
	u64 count = READ_ONCE(e->count);
	if (count > 0)
		mask |= POLLIN;
	if (count == U64_MAX)
		mask |= POLLERR;
	if (count < EVENTFD_MAX)
		mask |= POLLOUT;
	return mask;
}

static int eventfd_release(struct file *file)
{
	kfree(file->private);
	return 0;
}

static void eventfd_show(struct seq *out, struct file *file)
{
	struct eventfd *e = file->private;

	seq_printf(out, "eventfd-count: %16llx\neventfd-id: 0\neventfd-semaphore: %d\n",
		   READ_ONCE(e->count), e->semaphore);
}

static const struct file_ops eventfd_ops = {
	.read_iter = eventfd_read,
	.write_iter = eventfd_write,
	.poll = eventfd_poll,
	.lseek = noop_lseek,
	.release = eventfd_release,
	.show_fdinfo = eventfd_show,
};

#define EFD_SEMAPHORE_FLAG 1

long sys_eventfd2(unsigned int count, int flags)
{
	struct eventfd *e;
	struct file *file;
	int fd, err;

	if (flags & ~(EFD_SEMAPHORE_FLAG | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	wait_queue_init(&e->wait);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE_FLAG;
	err = anon_file_create("[eventfd]", &eventfd_ops, e, O_RDWR | ((u32)flags & O_NONBLOCK),
			       &file);
	if (err) {
		kfree(e);
		return err;
	}
	fd = fd_alloc(file, (u32)flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_eventfd(unsigned int count)
{
	return sys_eventfd2(count, 0);
}
