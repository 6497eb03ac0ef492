/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/null, zero, full, random, urandom, kmsg.  null(4), full(4), random(4). */
#include <fs/chardev.h>
#include <fs/devtmpfs.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/poll.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/random.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <fs/tmpfs/tmpfs.h>
#include <mm/shmem.h>
#include <mm/space.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <security/random.h>

#define MEM_MAJOR 1

static ssize_t read_null(struct file *f, struct iov_iter *to, loff_t *pos)
{
	return 0;
}

static ssize_t write_null(struct file *f, struct iov_iter *from, loff_t *pos)
{
	size_t n = iov_iter_count(from);

	iov_iter_advance(from, n);
	return n;
}

static ssize_t write_full(struct file *f, struct iov_iter *from, loff_t *pos)
{
	return -ENOSPC;
}

static ssize_t read_zero(struct file *f, struct iov_iter *to, loff_t *pos)
{
	size_t done = 0;

	while (iov_iter_count(to)) {
		size_t chunk = min_t(size_t, iov_iter_count(to), PAGE_SIZE * 16),
		       n = iov_iter_zero(chunk, to);

		done += n;
		if (n < chunk)
			return done ?: -EFAULT;
		if (thread_flag_test(thread_current(), THREAD_SIGPENDING) && iov_iter_count(to))
			break;
		cond_resched();
	}
	return done;
}

static int mmap_zero(struct file *f, struct vma *vma)
{
	struct file *shm;
	int err;

	if (!(vma->flags & VM_SHARED)) {
		/* As if it were anonymous. */
		vma->ops = NULL;
		vma->mapping = NULL;
		return 0;
	}
	err = tmpfs_file_create("dev/zero", vma_size(vma), SHMEM_SEAL_SEAL, 0777, O_RDWR, &shm);
	if (err)
		return err;
	file_put_deferred(vma->file);
	vma->file = shm;
	vma->mapping = shm->mapping;
	return shmem_mmap(file_shmem(shm), vma);
}

static loff_t lseek_null(struct file *f, loff_t offset, int whence)
{
	return f->pos = 0;
}

static int open_mem(struct inode *inode, struct file *f);

static const struct file_ops mem_ops = { .open = open_mem };

static const struct file_ops null_ops = {
	.read_iter = read_null, .write_iter = write_null, .lseek = lseek_null};

static const struct file_ops zero_ops = {
	.read_iter = read_zero,
	.write_iter = write_null,
	.lseek = lseek_null,
	.mmap = mmap_zero,
};

static const struct file_ops full_ops = {
	.read_iter = read_zero, .write_iter = write_full, .lseek = lseek_null};

/* random(4) */

static ssize_t read_random(struct file *f, struct iov_iter *to, loff_t *pos)
{
	u8 buf[256];
	size_t done = 0;

	while (iov_iter_count(to)) {
		size_t chunk = min_t(size_t, iov_iter_count(to), sizeof(buf)), n;

		random_bytes(buf, chunk);
		n = copy_to_iter(buf, chunk, to);
		done += n;
		if (n < chunk) {
			memset(buf, 0, sizeof(buf));
			return done ?: -EFAULT;
		}
		if (thread_flag_test(thread_current(), THREAD_SIGPENDING) && done >= PAGE_SIZE)
			break;
		if (!(done % PAGE_SIZE))
			cond_resched();
	}
	memset(buf, 0, sizeof(buf));
	return done;
}

static ssize_t write_random(struct file *f, struct iov_iter *from, loff_t *pos)
{
	u8 buf[256];
	size_t done = 0;

	while (iov_iter_count(from)) {
		size_t n =
			copy_from_iter(buf, min_t(size_t, iov_iter_count(from), sizeof(buf)), from);

		if (!n)
			return done ?: -EFAULT;
		random_add(buf, n, 0);
		done += n;
		cond_resched();
	}
	return done;
}

static unsigned poll_random(struct file *f, struct poll_table *pt)
{
	return POLL_DEFAULT;
}

static long ioctl_random(struct file *f, unsigned cmd, unsigned long arg)
{
	int bits = 256;

	switch (cmd) {
	case RNDGETENTCNT: return put_user(bits, (int __user *)arg);
	case RNDADDTOENTCNT:
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG: return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	case RNDADDENTROPY: {
		int head[2];
		u8 buf[256];
		const u8 __user *from = (const u8 __user *)arg + sizeof(head);

		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (copy_from_user(head, (const void __user *)arg, sizeof(head)))
			return -EFAULT;
		if (head[0] < 0 || head[1] < 0)
			return -EINVAL;
		while (head[1] > 0) {
			size_t n = min_t(size_t, head[1], sizeof(buf));

			if (copy_from_user(buf, from, n))
				return -EFAULT;
			random_add(buf, n, 0);
			from += n;
			head[1] -= n;
		}
		return 0;
	}
	default: return -EINVAL;
	}
}

static const struct file_ops random_ops = {
	.read_iter = read_random,
	.write_iter = write_random,
	.lseek = noop_lseek,
	.poll = poll_random,
	.ioctl = ioctl_random,
};

/* kmsg: each read gives one record, "<level>,<seq>,<us>,-;text\n".
 * Documentation/ABI/testing/dev-kmsg. */

struct kmsg_reader {
	struct mutex lock;
	u64 seq; /* [lock] */
	struct log_record record; /* [lock] scratch */
	char text[LOG_RECORD_TEXT * 4 + 64]; /* [lock] scratch */
};

static size_t kmsg_format(struct kmsg_reader *k, u64 seq)
{
	const struct log_record *r = &k->record;
	size_t n =
		scnprintf(k->text, sizeof(k->text), "%u,%llu,%llu,%c;", r->facility << 3 | r->level,
			  seq, r->time_ns / 1000, r->more ? 'c' : '-');

	for (unsigned i = 0; i < r->len; i++) {
		u8 c = r->text[i];

		if (c < ' ' || c >= 127 || c == '\\')
			n += scnprintf(k->text + n, sizeof(k->text) - n, "\\x%02x", c);
		else
			k->text[n++] = c;
	}
	k->text[n++] = '\n';
	return n;
}

static ssize_t kmsg_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct kmsg_reader *k = f->private;
	u64 seq;
	size_t n;
	int err;

	guard_mutex(&k->lock);
	while (log_read(&k->seq, &k->record)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(log_wait_queue(),
					       log_next_seq() > READ_ONCE(k->seq));
		if (err)
			return err;
	}
	seq = k->seq;
	/* log_read moves seq when records were lost: the reader is told once. */
	if ((u64)*pos && seq != (u64)*pos) {
		*pos = seq;
		return -EPIPE;
	}
	n = kmsg_format(k, seq);
	if (n > iov_iter_count(to))
		return -EINVAL;
	if (!copy_to_iter_full(k->text, n, to))
		return -EFAULT;
	k->seq = seq + 1;
	*pos = k->seq;
	return n;
}

static ssize_t kmsg_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	char buf[LOG_RECORD_TEXT * 4], *text = buf;
	size_t n = iov_iter_count(from), len = n;
	unsigned level = LOG_WARN, facility = 1;

	if (n > sizeof(buf) - 1)
		return -EINVAL;
	if (!copy_from_iter_full(buf, n, from))
		return -EFAULT;
	buf[n] = 0;
	if (buf[0] == '<') {
		char *end = strchr(buf, '>');
		u64 prio;

		if (end) {
			*end = 0;
			if (!parse_u64(buf + 1, 10, &prio)) {
				level = prio & 7;
				if (prio >> 3)
					facility = prio >> 3 & 0x7f;
				text = end + 1;
				len = n - (text - buf);
			} else {
				*end = '>';
			}
		}
	}
	log_user(level, facility, text, len);
	return n;
}

static loff_t kmsg_lseek(struct file *f, loff_t offset, int whence)
{
	struct kmsg_reader *k = f->private;

	if (offset)
		return -ESPIPE;
	guard_mutex(&k->lock);
	switch (whence) {
	case SEEK_SET: k->seq = log_first_seq(); break;
	case SEEK_DATA: k->seq = log_clear_seq(); break;
	case SEEK_END: k->seq = log_next_seq(); break;
	default: return -EINVAL;
	}
	f->pos = 0;
	return 0;
}

static unsigned kmsg_poll(struct file *f, struct poll_table *pt)
{
	struct kmsg_reader *k = f->private;
	unsigned ready = POLLOUT | POLLWRNORM;

	poll_wait(f, log_wait_queue(), pt);
	if (log_next_seq() > READ_ONCE(k->seq))
		ready |= POLLIN | POLLRDNORM;
	return ready;
}

static int kmsg_open(struct inode *inode, struct file *f)
{
	struct kmsg_reader *k;

	if (f->mode & FMODE_READ) {
		if (!capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
			return -EPERM;
	}
	k = kmalloc(sizeof(*k), GFP_KERNEL);
	if (!k)
		return -ENOMEM;
	mutex_init(&k->lock, RANK_SLEEP_LEAF, "kmsg");
	k->seq = log_first_seq();
	f->private = k;
	f->mode &= ~(u32)(FMODE_PREAD | FMODE_PWRITE);
	return 0;
}

static int kmsg_release(struct file *f)
{
	kfree(f->private);
	return 0;
}

static const struct file_ops kmsg_ops = {
	.open = kmsg_open,
	.read_iter = kmsg_read,
	.write_iter = kmsg_write,
	.lseek = kmsg_lseek,
	.poll = kmsg_poll,
	.release = kmsg_release,
};

/* The family, by minor number. */
static const struct {
	unsigned minor;
	const char *name;
	umode_t mode;
	const struct file_ops *ops;
} mem_table[] = {
	{3, "null", 0666, &null_ops},      {5, "zero", 0666, &zero_ops},
	{7, "full", 0666, &full_ops},      {8, "random", 0666, &random_ops},
	{9, "urandom", 0666, &random_ops}, {11, "kmsg", 0644, &kmsg_ops},
};

static int open_mem(struct inode *inode, struct file *f)
{
	for (unsigned i = 0; i < ARRAY_SIZE(mem_table); i++) {
		if (mem_table[i].minor == MINOR(inode->rdev)) {
			f->ops = mem_table[i].ops;
			return f->ops->open ? f->ops->open(inode, f) : 0;
		}
	}
	return -ENXIO;
}

void mem_devices_init(void)
{
	int err = chrdev_register(MKDEV(MEM_MAJOR, 0), 256, "mem", &mem_ops);

	for (unsigned i = 0; i < ARRAY_SIZE(mem_table) && !err; i++)
		err = devtmpfs_create(mem_table[i].name, S_IFCHR | mem_table[i].mode,
				      MKDEV(MEM_MAJOR, mem_table[i].minor));
	if (err)
		log_err("mem: device nodes: error %d\n", err);
}
