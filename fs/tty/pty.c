/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudo-terminals: two ttys back to back.  pty(7), ptmx(4).
 *
 *	program's read  <-- N_TTY of the slave <-- write(master)
 *	program's write --> output processing --> ring of the pair --> read(master)
 *
 * The master has no line discipline: what is written to it is "typed" at the slave at once, in the
 * writer's context; what the slave prints waits in the ring.  Settings, window size and jobs belong
 * to the slave.
 *
 * References: a slave holds its master's memory; the master's file and the node in devpts hold the
 * slave.  So neither end disappears under the other, and the last one to go frees the pair and the
 * number.
 */
#include <fs/chardev.h>
#include <fs/devtmpfs.h>
#include <fs/tty/devpts.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/poll.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/poll.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/pid/jobs.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/usercopy.h>

#include "tty_internal.h"

#define PTY_RING_SIZE 8192 /* a power of two */

struct pty {
	struct tty *master, *slave;
	struct devpts *pts; /* [I] counted */
	u32 locked;         /* [a] TIOCSPTLCK: the slave cannot be opened */
	struct spinlock lock;
	unsigned head, tail;    /* [lock] of the ring */
	u8 ring[PTY_RING_SIZE]; /* [lock] the slave's output */
};

/* The slave as a device. */

static int slave_open(struct tty *tty)
{
	struct pty *pty = tty->port;

	if (atomic_load(&pty->locked) || READ_ONCE(tty->other_closed))
		return -EIO;
	WRITE_ONCE(pty->master->other_closed, false);
	return 0;
}

static void slave_close(struct tty *tty)
{
	struct tty *master = tty->peer;

	WRITE_ONCE(master->other_closed, true);
	wake_up_all(&master->read_wait);
	wake_up_all(&master->write_wait);
}

static size_t slave_write(struct tty *tty, const u8 *buf, size_t n)
{
	struct pty *pty = tty->port;
	size_t taken;
	{
		guard_spin_irq(&pty->lock);
		taken = min(n, (size_t)(PTY_RING_SIZE - (pty->head - pty->tail)));
		for (size_t i = 0; i < taken; i++)
			pty->ring[pty->head++ & (PTY_RING_SIZE - 1)] = buf[i];
	}
	if (taken && wait_queue_active(&tty->peer->read_wait))
		wake_up_key(&tty->peer->read_wait, POLLIN | POLLRDNORM);
	return taken;
}

static size_t slave_room(struct tty *tty)
{
	struct pty *pty = tty->port;

	return PTY_RING_SIZE - (READ_ONCE(pty->head) - READ_ONCE(pty->tail));
}

static void slave_flush(struct tty *tty)
{
	struct pty *pty = tty->port;
	guard_spin_irq(&pty->lock);

	pty->tail = pty->head;
}

/* The last reference to the slave: the pair goes. */
static void slave_remove(struct tty *tty)
{
	struct pty *pty = tty->port;
	struct tty *master = pty->master;

	devpts_index_put(pty->pts, (int)tty->index);
	devpts_put(pty->pts);
	master->port = NULL;
	kfree(pty);
	tty_put(master);
}

static size_t master_write(struct tty *tty, const u8 *buf, size_t n)
{
	return 0; /* the master's own file operations write */
}

static const struct tty_ops slave_ops = {
	.open = slave_open,
	.close = slave_close,
	.write = slave_write,
	.write_room = slave_room,
	.flush_output = slave_flush,
	.remove = slave_remove,
};

static const struct tty_ops master_ops = {.write = master_write, .write_room = slave_room};

static struct tty_driver slave_driver = {
	.name = "pts/", .major = 136, .count = 4096, .ops = &slave_ops};
static struct tty_driver master_driver = {
	.name = "ptm", .major = 128, .count = 4096, .ops = &master_ops};

void pty_packet_event(struct tty *slave, u8 set, u8 clear)
{
	struct tty *master = slave->peer;

	if (!READ_ONCE(master->packet))
		return;
	{
		guard_spin_irq(&slave->ctrl);
		WRITE_ONCE(slave->packet_status, (u8)((slave->packet_status & ~clear) | set));
	}
	wake_up_key(&master->read_wait, POLLIN | POLLPRI);
}

/* The master as a file. */

static struct pty *file_pty(struct file *file)
{
	return file_tty(file)->port;
}

static bool master_has_data(struct pty *pty)
{
	return READ_ONCE(pty->head) != READ_ONCE(pty->tail) ||
	       (READ_ONCE(pty->master->packet) && READ_ONCE(pty->slave->packet_status));
}

static u8 take_packet_status(struct pty *pty)
{
	guard_spin_irq(&pty->slave->ctrl);
	u8 status = pty->slave->packet_status;

	WRITE_ONCE(pty->slave->packet_status, 0);
	return status;
}

static size_t ring_take(struct pty *pty, u8 *to, size_t n)
{
	guard_spin_irq(&pty->lock);
	size_t got = min(n, (size_t)(pty->head - pty->tail));

	for (size_t i = 0; i < got; i++)
		to[i] = pty->ring[pty->tail++ & (PTY_RING_SIZE - 1)];
	return got;
}

static int wait_for_output(struct file *file, struct pty *pty)
{
	struct tty *master = pty->master;

	if (master_has_data(pty))
		return 0;
	if (READ_ONCE(master->other_closed))
		return -EIO;
	if (file->flags & O_NONBLOCK)
		return -EAGAIN;
	int err = wait_event_interruptible(&master->read_wait,
					   master_has_data(pty) || READ_ONCE(master->other_closed));
	if (err)
		return err;
	return master_has_data(pty) ? 0 : -EIO;
}

static ssize_t master_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct pty *pty = file_pty(file);
	u8 chunk[512];
	ssize_t total = 0;

	if (!iov_iter_count(to))
		return 0;
	int err = wait_for_output(file, pty);
	if (err)
		return err;
	if (READ_ONCE(pty->master->packet)) {
		u8 status = take_packet_status(pty);

		if (copy_to_iter(&status, 1, to) != 1)
			return -EFAULT;
		total = 1;
		if (status)
			return total;
	}
	while (iov_iter_count(to)) {
		size_t n = ring_take(pty, chunk, min(iov_iter_count(to), sizeof(chunk)));

		if (!n)
			break;
		if (copy_to_iter(chunk, n, to) != n)
			return total ? total : -EFAULT;
		total += (ssize_t)n;
	}
	tty_wake_writers(pty->slave);
	return total;
}

/* Type at the slave.  Returns how many it took. */
static size_t feed_slave(struct tty *slave, const u8 *buf, size_t n)
{
	size_t done = 0;
	guard_read(&slave->termios_lock);
	guard_mutex(&slave->input);

	while (done < n) {
		size_t room = min(n_tty_room(slave), n - done);

		if (!room)
			break;
		n_tty_receive(slave, buf + done, NULL, room);
		done += room;
	}
	return done;
}

static bool slave_takes_input(struct tty *slave)
{
	guard_read(&slave->termios_lock);
	guard_mutex(&slave->input);
	return n_tty_room(slave) > 0;
}

static ssize_t master_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct pty *pty = file_pty(file);
	struct tty *master = pty->master, *slave = pty->slave;
	u8 chunk[256];
	ssize_t total = 0;

	while (iov_iter_count(from)) {
		size_t n = min(iov_iter_count(from), sizeof(chunk)), took;
		int err;

		if (copy_from_iter(chunk, n, from) != n)
			return total ? total : -EFAULT;
		took = feed_slave(slave, chunk, n);
		total += (ssize_t)took;
		iov_iter_revert(from, n - took);
		if (took == n)
			continue;
		if (file->flags & O_NONBLOCK)
			return total ? total : -EAGAIN;
		err = wait_event_interruptible(&master->write_wait, slave_takes_input(slave));
		if (err)
			return total ? total : err;
	}
	return total;
}

static unsigned master_poll(struct file *file, struct poll_table *pt)
{
	struct pty *pty = file_pty(file);
	struct tty *master = pty->master;
	unsigned mask = 0;

	poll_wait(file, &master->read_wait, pt);
	poll_wait(file, &master->write_wait, pt);
	if (READ_ONCE(pty->head) != READ_ONCE(pty->tail))
		mask |= POLLIN | POLLRDNORM;
	if (READ_ONCE(master->packet) && READ_ONCE(pty->slave->packet_status))
		mask |= POLLPRI | POLLIN | POLLRDNORM;
	if (READ_ONCE(master->other_closed))
		mask |= POLLHUP;
	if (n_tty_room(pty->slave))
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

static int master_release(struct file *file)
{
	struct pty *pty = file_pty(file);
	struct tty *slave = pty->slave, *master = pty->master;
	struct tty_file *tf = file->private;

	WRITE_ONCE(slave->other_closed, true);
	devpts_node_remove(pty->pts, slave);
	tty_hangup(slave);
	kfree(tf);
	tty_put(slave);
	tty_put(master);
	return 0;
}

static const struct file_ops master_file_ops = {
	.read_iter = master_read,
	.write_iter = master_write_iter,
	.poll = master_poll,
	.ioctl = tty_ioctl,
	.release = master_release,
};

/* Making a pair. */

static int pty_create(struct devpts *pts, int index, struct pty **out)
{
	struct pty *pty = kzalloc(sizeof(*pty), GFP_KERNEL);
	int err;

	if (!pty)
		return -ENOMEM;
	spin_init(&pty->lock, RANK_TTY_PORT, "pty");
	err = tty_create(&master_driver, (unsigned)index, pty, &pty->master);
	if (!err)
		err = tty_create(&slave_driver, (unsigned)index, pty, &pty->slave);
	if (err) {
		tty_put(pty->master); /* NULL is nothing */
		kfree(pty);
		return err;
	}
	pty->master->master = true;
	pty->master->peer = pty->slave;
	pty->slave->peer = pty->master;
	pty->locked = 1;
	pty->pts = pts;
	/* One reference to the master is the slave's, one the caller's. */
	tty_get(pty->master);
	*out = pty;
	return 0;
}

static int ptmx_open(struct inode *inode, struct file *file)
{
	struct devpts *pts;
	struct pty *pty;
	int err, index;

	nonseekable_open(inode, file);
	err = devpts_of(file, &pts);
	if (err)
		return err;
	index = devpts_index_get(pts);
	if (index < 0) {
		devpts_put(pts);
		return index;
	}
	err = pty_create(pts, index, &pty);
	if (err) {
		devpts_index_put(pts, index);
		devpts_put(pts);
		return err;
	}
	/*
	 * The file holds one reference to each end.  From here the slave's last one undoes
	 * everything.
	 */
	err = tty_file_attach(pty->master, file);
	if (!err) {
		err = devpts_node_add(pts, pty->slave);
		if (err) {
			kfree(file->private);
			tty_put(pty->master);
		}
	}
	if (err) {
		tty_put(pty->slave);
		return err;
	}
	file->ops = &master_file_ops;
	return 0;
}

static int pts_open(struct inode *inode, struct file *file)
{
	struct tty *slave = devpts_slave(inode);

	nonseekable_open(inode, file);
	file->ops = &tty_file_ops;
	return slave ? tty_open_file(slave, file) : -EIO;
}

static const struct file_ops ptmx_ops = {.open = ptmx_open};
static const struct file_ops pts_ops = {.open = pts_open};

/* ioctls of either end. */

static long open_peer(struct pty *pty, struct file *file, int flags)
{
	struct file *peer;
	int fd, err;

	fd = fd_reserve((u32)flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = devpts_open_peer(file, pty->slave, (u32)flags, &peer);
	if (err) {
		fd_release(fd);
		return err;
	}
	fd_install(fd, peer);
	return fd;
}

static long set_packet(struct tty *master, const int __user *from)
{
	int on;

	if (get_user(on, from))
		return -EFAULT;
	guard_spin_irq(&master->peer->ctrl);
	if (on && !master->packet)
		WRITE_ONCE(master->peer->packet_status, 0);
	WRITE_ONCE(master->packet, on != 0);
	return 0;
}

static long signal_slave(struct tty *slave, unsigned long signo)
{
	if (signo < 1 || signo > 64)
		return -EINVAL;
	tty_signal_foreground(slave, (int)signo);
	return 0;
}

static long set_lock(struct pty *pty, const int __user *from)
{
	int on;

	if (get_user(on, from))
		return -EFAULT;
	atomic_store(&pty->locked, on != 0);
	return 0;
}

long pty_ioctl(struct tty *tty, struct file *file, unsigned cmd, unsigned long arg)
{
	struct pty *pty = tty->port;
	int __user *p = (int __user *)arg;

	if (!tty->master)
		return -ENOIOCTLCMD;
	switch (cmd) {
	case TIOCGPTN: return put_user(tty->index, (unsigned __user *)arg);
	case TIOCSPTLCK: return set_lock(pty, p);
	case TIOCGPTLCK: return put_user((int)atomic_load(&pty->locked), p);
	case TIOCGPTPEER: return open_peer(pty, file, (int)arg);
	case TIOCPKT: return set_packet(tty, p);
	case TIOCGPKT: return put_user((int)READ_ONCE(tty->packet), p);
	case TIOCSIG: return signal_slave(pty->slave, arg);
	default: return -ENOIOCTLCMD;
	}
}

void pty_init(void)
{
	int err;

	slave_driver.initial = tty_std_termios;
	slave_driver.initial.c_cflag = B38400 | CS8 | CREAD;
	master_driver.initial = slave_driver.initial;
	err = chrdev_register(MKDEV(5, 2), 1, "ptmx", &ptmx_ops);
	if (!err)
		err = chrdev_register(MKDEV(136, 0), 4096, "pts", &pts_ops);
	if (!err)
		err = devtmpfs_create("ptmx", S_IFCHR | 0666, MKDEV(5, 2));
	if (err)
		log_warn("pty: not available: error %d", -err);
}
