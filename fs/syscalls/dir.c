/* SPDX-License-Identifier: GPL-2.0-or-later */
/* getdents64(2). */
#include <fs/vfs/dir.h>
#include <fs/vfs/fdtable.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/usercopy.h>

#include "dents_internal.h"
#include "syscalls_internal.h"

/*
 * Entries are collected in a kernel buffer and copied out when it is full: the directory is locked
 * meanwhile, and one copy of many entries costs less than many.
 */
static bool dents_flush(struct dents *d)
{
	if (d->used && copy_to_user((char __user *)d->user + d->done, d->buf, d->used)) {
		d->err = -EFAULT;
		return false;
	}
	d->done += d->used;
	d->used = 0;
	d->last_off = NULL;
	return true;
}

/* Each record says where the next one begins, which is known when that one comes. */
static void set_last_off(struct dents *d, loff_t pos)
{
	if (d->last_off)
		put_unaligned_le64(pos, d->last_off);
}

void *dents_room(struct dents *d, size_t size, loff_t pos)
{
	set_last_off(d, pos);
	if (size > d->count - d->done - d->used) {
		d->err = d->done + d->used ? 0 : -EINVAL;
		return NULL;
	}
	if (d->used + size > sizeof(d->buf) && !dents_flush(d))
		return NULL;
	if (!d->used)
		d->first_pos = pos;
	if ((d->done || d->used) && signal_pending(thread_current()))
		return NULL;
	d->used += size;
	return d->buf + d->used - size;
}

static bool emit64(struct dir_context *ctx, const char *name, size_t len, loff_t pos, u64 ino,
		   unsigned type)
{
	struct dents *d = container_of(ctx, struct dents, ctx);
	size_t size = ALIGN_UP(offsetof(struct linux_dirent64, d_name) + len + 1, 8);
	struct linux_dirent64 *e = dents_room(d, size, pos);

	if (!e)
		return false;
	e->d_ino = ino;
	d->last_off = &e->d_off;
	/* The end of the name and the padding lie in the last eight bytes. */
	put_unaligned_le64(0, (char *)e + size - 8);
	e->d_reclen = size;
	e->d_type = type;
	memcpy(e->d_name, name, len);
	return true;
}

long dents_user(int fd, void __user *buf, unsigned count, dents_actor emit)
{
	struct fdref ref = fd_get_pos(fd);
	struct dents d;
	int err;

	if (!ref.file)
		return -EBADF;
	d.ctx.actor = emit;
	d.user = buf;
	d.count = count;
	d.done = d.used = 0;
	d.err = 0;
	d.last_off = NULL;
	err = dir_iterate(ref.file, &d.ctx);
	set_last_off(&d, d.ctx.pos);
	if (!err && d.used && !d.err)
		dents_flush(&d);
	/* What could not be copied is read again. */
	if (d.err == -EFAULT)
		ref.file->pos = d.first_pos;
	fd_put(ref);
	if (d.done)
		return d.done;
	return err ?: d.err;
}

long sys_getdents64(int fd, void __user *dirent, unsigned int count)
{
	return dents_user(fd, dirent, count, emit64);
}
