/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal as a file: creation, opening, reading, writing, hang-up.
 *
 * A tty lives as long as something refers to it: its driver's registration, open files, processes
 * it controls.  Hanging up does not close files; it bumps the tty's generation, and a file of an
 * older generation reads end of file and writes EIO.  A tty opened again afterwards is as good as
 * new.
 *
 * Received bytes go from the interrupt to the line discipline through a small ring and a work item,
 * because editing and echo take sleeping locks.
 */
#include <fs/tty/tty.h>

#include <fs/chardev.h>
#include <fs/devtmpfs.h>
#include <fs/tty/session.h>
#include <fs/vfs/poll.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/poll.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/pid/jobs.h>
#include <kernel/pid/pid.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <security/cred.h>

#include "tty_internal.h"

struct mutex tty_list_lock = MUTEX_INIT(tty_list_lock, RANK_TTY_LIST);
struct list tty_list = LIST_INIT(tty_list);

#define CTRL(c) ((c)&037)

const struct ktermios tty_std_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_ispeed = 38400,
	.c_ospeed = 38400,
	.c_cc =
		{
			[VINTR] = CTRL('C'),
			[VQUIT] = CTRL('\\'),
			[VERASE] = 0177,
			[VKILL] = CTRL('U'),
			[VEOF] = CTRL('D'),
			[VMIN] = 1,
			[VSTART] = CTRL('Q'),
			[VSTOP] = CTRL('S'),
			[VSUSP] = CTRL('Z'),
			[VREPRINT] = CTRL('R'),
			[VDISCARD] = CTRL('O'),
			[VWERASE] = CTRL('W'),
			[VLNEXT] = CTRL('V'),
		},
};

/* From the interrupt to the discipline. */

static size_t flip_take(struct tty *tty, u8 *buf, u8 *flags, size_t n)
{
	guard_spin_irq(&tty->flip_lock);
	size_t got = 0;

	while (got < n && tty->flip_tail != tty->flip_head) {
		unsigned i = tty->flip_tail++ & (TTY_FLIP_SIZE - 1);

		buf[got] = tty->flip[i];
		flags[got++] = tty->flip_flag[i];
	}
	return got;
}

static void flip_run(struct work *work)
{
	struct tty *tty = container_of(work, struct tty, flip_work);
	u8 buf[64], flags[64];

	guard_read(&tty->termios_lock);
	guard_mutex(&tty->input);
	for (;;) {
		size_t room = min(n_tty_room(tty), sizeof(buf));
		size_t n = room ? flip_take(tty, buf, flags, room) : 0;

		if (!n)
			break;
		n_tty_receive(tty, buf, flags, n);
	}
	if (!tty->throttled && n_tty_room(tty) < TTY_BUF_SIZE / 8) {
		tty->throttled = true;
		if (tty->driver->ops->throttle)
			tty->driver->ops->throttle(tty);
	}
}

static bool flip_put(struct tty *tty, u8 byte, u8 flag)
{
	if (tty->flip_head - tty->flip_tail == TTY_FLIP_SIZE)
		return false;
	unsigned i = tty->flip_head++ & (TTY_FLIP_SIZE - 1);

	tty->flip[i] = byte;
	tty->flip_flag[i] = flag;
	return true;
}

size_t tty_receive(struct tty *tty, const u8 *buf, size_t n)
{
	size_t done = 0;
	{
		guard_spin_irq(&tty->flip_lock);
		while (done < n && flip_put(tty, buf[done], TTY_NORMAL))
			done++;
	}
	work_queue(&tty->flip_work);
	return done;
}

void tty_receive_flagged(struct tty *tty, u8 byte, u8 flag)
{
	{
		guard_spin_irq(&tty->flip_lock);
		flip_put(tty, byte, flag);
	}
	work_queue(&tty->flip_work);
}

void tty_wake_writers(struct tty *tty)
{
	if (wait_queue_active(&tty->write_wait))
		wake_up_key(&tty->write_wait, POLLOUT | POLLWRNORM);
}

/* Life. */

int tty_create(const struct tty_driver *driver, unsigned index, void *port, struct tty **out)
{
	struct tty *tty = kvmalloc(sizeof(*tty), GFP_KERNEL | __GFP_ZERO);

	if (!tty)
		return -ENOMEM;
	refcount_set(&tty->refs, 1);
	tty->driver = driver;
	tty->index = index;
	tty->port = port;
	tty->dev = MKDEV(driver->major, driver->minor_first + index);
	snprintf(tty->name, sizeof(tty->name), "%s%u", driver->name, index);
	mutex_init(&tty->open_lock, RANK_TTY, "tty open");
	rwsem_init(&tty->termios_lock, RANK_TTY_TERMIOS, "tty termios");
	mutex_init(&tty->input, RANK_TTY_READ, "tty input");
	mutex_init(&tty->write_lock, RANK_TTY, "tty write");
	mutex_init(&tty->output, RANK_TTY_WRITE, "tty output");
	spin_init(&tty->ctrl, RANK_TTY_CTRL, "tty ctrl");
	spin_init(&tty->flip_lock, RANK_TTY_PORT, "tty flip");
	wait_queue_init(&tty->read_wait);
	wait_queue_init(&tty->write_wait);
	work_init(&tty->flip_work, flip_run);
	list_init(&tty->link);
	tty->termios = driver->initial;
	*out = tty;
	return 0;
}

static void tty_free(struct tty *tty)
{
	work_cancel_sync(&tty->flip_work);
	if (tty->driver->ops->remove)
		tty->driver->ops->remove(tty);
	pid_put(tty->session);
	pid_put(tty->group);
	kvfree(tty);
}

void tty_put(struct tty *tty)
{
	if (tty && refcount_put(&tty->refs))
		tty_free(tty);
}

int tty_register(const struct tty_driver *driver, unsigned index, void *port, struct tty **out)
{
	struct tty *tty;
	int err = tty_create(driver, index, port, &tty);

	if (err)
		return err;
	err = chrdev_register(tty->dev, 1, driver->name, &tty_file_ops);
	if (err) {
		tty_put(tty);
		return err;
	}
	{
		guard_mutex(&tty_list_lock);
		list_push_back(&tty_list, &tty->link);
	}
	err = devtmpfs_create(tty->name, S_IFCHR | 0620, tty->dev);
	if (err)
		log_warn("tty: no node for %s: error %d", tty->name, -err);
	*out = tty;
	return 0;
}

struct tty *tty_find(const char *name)
{
	struct tty *tty;
	guard_mutex(&tty_list_lock);

	list_for_each (tty, &tty_list, link) {
		if (!strcmp(tty->name, name))
			return tty_get(tty);
	}
	return NULL;
}

static struct tty *tty_find_dev(dev_t dev)
{
	struct tty *tty;
	guard_mutex(&tty_list_lock);

	list_for_each (tty, &tty_list, link) {
		if (tty->dev == dev)
			return tty_get(tty);
	}
	return NULL;
}

/* Opening. */

struct tty *file_tty(struct file *file)
{
	return ((struct tty_file *)file->private)->tty;
}

bool tty_hung_up(const struct file *file)
{
	const struct tty_file *tf = file->private;

	return tf->generation != atomic_load(&tf->tty->generation);
}

int tty_file_attach(struct tty *tty, struct file *file)
{
	struct tty_file *tf = kmalloc(sizeof(*tf), GFP_KERNEL);

	if (!tf) {
		tty_put(tty);
		return -ENOMEM;
	}
	tf->tty = tty;
	tf->generation = atomic_load(&tty->generation);
	file->private = tf;
	return 0;
}

/* Opens `tty` for `file`; consumes the reference. */
int tty_open_file(struct tty *tty, struct file *file)
{
	int err = 0;
	{
		guard_mutex(&tty->open_lock);
		if (tty->exclusive && tty->opens && !capable(CAP_SYS_ADMIN))
			err = -EBUSY;
		else if (!tty->opens && tty->driver->ops->open)
			err = tty->driver->ops->open(tty);
		if (!err)
			tty->opens++;
	}
	if (err) {
		tty_put(tty);
		return err;
	}
	err = tty_file_attach(tty_get(tty), file);
	if (err) {
		guard_mutex(&tty->open_lock);
		tty->opens--;
	} else {
		tty_open_controlling(tty, file);
	}
	tty_put(tty);
	return err;
}

static int tty_node_open(struct inode *inode, struct file *file)
{
	struct tty *tty = tty_find_dev(inode->rdev);

	nonseekable_open(inode, file);
	return tty ? tty_open_file(tty, file) : -ENXIO;
}

static int tty_release(struct file *file)
{
	struct tty_file *tf = file->private;
	struct tty *tty = tf->tty;

	if (!tf->tty)
		return 0;
	{
		guard_mutex(&tty->open_lock);
		if (!--tty->opens) {
			tty->exclusive = false;
			if (tty->driver->ops->close)
				tty->driver->ops->close(tty);
			if (!tty->master)
				tty_drop_session(tty);
		}
	}
	kfree(tf);
	tty_put(tty);
	return 0;
}

/* Reading, writing, polling. */

static ssize_t tty_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return tty_hung_up(file) ? 0 : n_tty_read(file, file_tty(file), to);
}

static ssize_t tty_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct tty *tty = file_tty(file);
	bool tostop;

	if (tty_hung_up(file))
		return -EIO;
	{
		guard_read(&tty->termios_lock);
		tostop = L_FLAG(tty, TOSTOP);
	}
	if (tostop) {
		int err = tty_check_change(tty);
		if (err)
			return err;
	}
	return n_tty_write(file, tty, from);
}

static unsigned tty_poll(struct file *file, struct poll_table *pt)
{
	struct tty *tty = file_tty(file);
	unsigned mask = 0;

	poll_wait(file, &tty->read_wait, pt);
	poll_wait(file, &tty->write_wait, pt);
	if (tty_hung_up(file))
		return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
	mask |= n_tty_poll_in(tty);
	if (READ_ONCE(tty->other_closed))
		mask |= POLLHUP;
	if (!READ_ONCE(tty->stopped) && tty->driver->ops->write_room(tty) > 0)
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

const struct file_ops tty_file_ops = {
	.open = tty_node_open,
	.release = tty_release,
	.read_iter = tty_read_iter,
	.write_iter = tty_write_iter,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};

/* Hanging up. */

void tty_hangup(struct tty *tty)
{
	atomic_fetch_add(&tty->generation, 1);
	tty_drop_session(tty);
	{
		guard_write(&tty->termios_lock);
		guard_mutex(&tty->input);
		n_tty_flush_input(tty);
		tty->termios = tty->driver->initial;
	}
	tty_flush_output(tty);
	if (tty->driver->ops->hangup)
		tty->driver->ops->hangup(tty);
	wake_up_all(&tty->read_wait);
	wake_up_all(&tty->write_wait);
}

long sys_vhangup(void)
{
	struct tty *tty;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	tty = job_control->tty();
	if (tty) {
		tty_get(tty);
		tty_hangup(tty);
		tty_put(tty);
	}
	return 0;
}

/* /dev/tty: whatever controls the opener.  /dev/console: where the kernel's messages go. */

static int current_tty_open(struct inode *inode, struct file *file)
{
	struct tty *tty = job_control->tty();

	nonseekable_open(inode, file);
	return tty ? tty_open_file(tty_get(tty), file) : -ENXIO;
}

static int console_open(struct inode *inode, struct file *file)
{
	struct tty *tty = tty_find(console_preferred());

	nonseekable_open(inode, file);
	return tty ? tty_open_file(tty, file) : -ENODEV;
}

#define ALIAS_OPS(open_fn)                                                                         \
	{                                                                                          \
		.open = open_fn, .release = tty_release, .read_iter = tty_read_iter,               \
		.write_iter = tty_write_iter, .poll = tty_poll, .ioctl = tty_ioctl,                \
	}

static const struct file_ops current_tty_ops = ALIAS_OPS(current_tty_open);
static const struct file_ops console_ops = ALIAS_OPS(console_open);

/* Looking. */

dev_t tty_devnum(struct tty *tty)
{
	return tty ? tty->dev : 0;
}

u32 tty_foreground(struct tty *tty)
{
	if (!tty)
		return 0;
	guard_spin_irq(&tty->ctrl);
	return pid_nr(tty->group);
}

void tty_drivers_show(struct seq *out)
{
	struct tty *tty;
	const struct tty_driver *last = NULL;

	seq_printf(out, "%-20s /dev/%-8s %3d %7d %s\n", "/dev/tty", "tty", 5, 0, "system:/dev/tty");
	seq_printf(out, "%-20s /dev/%-8s %3d %7d %s\n", "/dev/console", "console", 5, 1,
		   "system:console");
	guard_mutex(&tty_list_lock);
	list_for_each (tty, &tty_list, link) {
		if (tty->driver == last)
			continue;
		last = tty->driver;
		seq_printf(out, "%-20s /dev/%-8s %3u %u-%u %s\n", "serial", last->name, last->major,
			   last->minor_first, last->minor_first + last->count - 1, "serial");
	}
}

static void make_device(dev_t dev, const char *name, umode_t mode, const struct file_ops *ops)
{
	int err = chrdev_register(dev, 1, name, ops);

	if (!err)
		err = devtmpfs_create(name, S_IFCHR | mode, dev);
	if (err)
		log_warn("tty: no /dev/%s: error %d", name, -err);
}

void tty_init(void)
{
	make_device(MKDEV(5, 0), "tty", 0666, &current_tty_ops);
	make_device(MKDEV(5, 1), "console", 0600, &console_ops);
	pty_init();
}
