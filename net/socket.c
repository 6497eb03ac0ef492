/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets as files: creation, read and write, poll, the internal file system their inodes live in.
 */
#include <net/socket.h>

#include <fs/services.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/poll.h>
#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/seq.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>

LINKSET_DECLARE(socket_families, struct socket_family);

static struct mount *socket_mount;
static u64 last_ino; /* [a] */

/* Files. */

static const struct file_ops socket_file_ops;

struct socket *file_socket(struct file *file)
{
	return file->ops == &socket_file_ops ? file->private : NULL;
}

static bool nonblocking(const struct file *file)
{
	return file->flags & O_NONBLOCK;
}

static ssize_t socket_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct socket *s = file->private;
	struct message m = {.iter = *to};
	ssize_t n;

	if (!s->ops->receive)
		return -EOPNOTSUPP;
	n = s->ops->receive(s, &m, nonblocking(file));
	*to = m.iter;
	scm_destroy(&m.scm);
	return n;
}

ssize_t socket_sent(struct socket *s, unsigned flags, ssize_t n)
{
	if (n == -EPIPE && s->type == SOCK_STREAM && !(flags & MSG_NOSIGNAL)) {
		struct ksiginfo info;

		siginfo_user(&info, SIGPIPE, SI_USER, job_control->process_id(),
			     cred_current()->uid);
		signal_send_thread(thread_current()->sig, &info);
	}
	return n;
}

static ssize_t socket_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct socket *s = file->private;
	struct message m = {.iter = *from};
	ssize_t n;

	if (!s->ops->send)
		return -EOPNOTSUPP;
	n = socket_sent(s, 0, s->ops->send(s, &m, nonblocking(file)));
	*from = m.iter;
	return n;
}

static unsigned socket_poll(struct file *file, struct poll_table *pt)
{
	struct socket *s = file->private;

	return s->ops->poll(s, file, pt);
}

static long socket_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	struct socket *s = file->private;

	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOIOCTLCMD;
}

static int socket_release(struct file *file)
{
	struct socket *s = file->private;

	if (!s)
		return 0;
	if (s->private)
		s->ops->release(s);
	kfree(s);
	return 0;
}

static const struct file_ops socket_file_ops = {
	.read_iter = socket_read,
	.write_iter = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.release = socket_release,
};

/* Creation. */

static void socket_name(struct dentry *d, struct seq *out)
{
	seq_printf(out, "socket:[%llu]", d->inode->ino);
}

static const struct dentry_ops socket_dentry_ops = {.dname = socket_name};

static int socket_attach_file(struct socket *s, u32 flags)
{
	struct inode *inode = inode_create(socket_mount->sb);
	int err;

	if (!inode)
		return -ENFILE;
	inode->ino = atomic_add_return(&last_ino, 1);
	inode->mode = S_IFSOCK | 0777;
	inode->uid = cred_current()->fsuid;
	inode->gid = cred_current()->fsgid;
	err = inode_file_create(socket_mount, inode, "", &socket_dentry_ops, &socket_file_ops,
				O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0), &s->file);
	if (err) {
		inode_put(inode);
		return err;
	}
	stream_open(inode, s->file);
	s->file->private = s;
	return 0;
}

static struct socket *socket_alloc(int family, int type, int protocol)
{
	struct socket *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->opt.sndbuf = s->opt.rcvbuf = SOCKET_BUF_DEFAULT;
	s->opt.rcv_timeout = s->opt.snd_timeout = KTIME_MAX;
	s->opt.rcvlowat = 1;
	return s;
}

static const struct socket_family *find_family(int family)
{
	const struct socket_family *const *f;

	for_each_linkset(f, socket_families)
	{
		if ((*f)->family == family)
			return *f;
	}
	return NULL;
}

int socket_create(int family, int type, int protocol, u32 flags, struct socket **out)
{
	const struct socket_family *f;
	struct socket *s;
	int err;

	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type > SOCK_PACKET)
		return -EINVAL;
	f = find_family(family);
	if (!f)
		return -EAFNOSUPPORT;
	s = socket_alloc(family, type, protocol);
	if (!s)
		return -ENOMEM;
	err = f->create(s, protocol);
	if (err) {
		kfree(s);
		return err;
	}
	err = socket_attach_file(s, flags);
	if (err) {
		s->ops->release(s);
		kfree(s);
		return err;
	}
	*out = s;
	return 0;
}

int socket_clone(const struct socket *like, u32 flags, struct socket **out)
{
	struct socket *s = socket_alloc(like->family, like->type, like->protocol);
	int err;

	if (!s)
		return -ENOMEM;
	s->ops = like->ops;
	err = socket_attach_file(s, flags);
	if (err) {
		kfree(s);
		return err;
	}
	*out = s;
	return 0;
}

void scm_destroy(struct scm *scm)
{
	for (unsigned i = 0; i < scm->nr_files; i++)
		file_put(scm->files[i]);
	kfree(scm->files);
	scm->files = NULL;
	scm->nr_files = 0;
}

/* The file system of nameless sockets. */

static int sockfs_mount(const struct fs_type *type, const struct fs_params *params,
			struct superblock **out)
{
	return pseudo_mount(type, params, SOCKFS_MAGIC, out);
}

static const struct fs_type sockfs_type = {"sockfs", FS_NO_USER, sockfs_mount, NULL};
FS_TYPE(sockfs_type);

void net_init(void)
{
	VERIFY(!kern_mount_internal("sockfs", &socket_mount));
}
