/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timerfd_create(2): expirations to read.
 *
 * The kernel timer starts itself again for periodic timers, and each expiry counts; a read takes
 * the count.  A timer on the wall clock stores its moment on that clock and looks again when it
 * fires, so setting the clock back delays it.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/poll.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/poll.h>
#include <kernel/abi/time.h>
#include <kernel/lib/seq.h>
#include <kernel/time/clock.h>
#include <kernel/time/timer.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/usercopy.h>
#include <security/cred.h>

struct timerfd {
	struct wait_queue wait;
	struct spinlock lock;
	int clock; /* [I] */
	struct timer timer;
	u64 value;         /* [l] next expiry on the clock, 0: disarmed */
	u64 interval;      /* [l] */
	u64 ticks;         /* [l; read without] not yet read */
	int settime_flags; /* [l] */
};

static bool clock_ok(int clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static u64 now_on(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM: return clock_real_ns();
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM: return clock_boot_ns();
	default: return clock_mono_ns();
	}
}

/* Locks: t->lock held. */
static void program(struct timerfd *t, u64 now)
{
	timer_start(&t->timer, clock_deadline(t->value > now ? t->value - now : 0), 0);
}

/* Count what expired up to now and move on.  Locks: t->lock held. */
static void advance(struct timerfd *t, u64 now)
{
	if (!t->value || now < t->value)
		return;
	if (!t->interval) {
		WRITE_ONCE(t->ticks, t->ticks + 1);
		t->value = 0;
		return;
	}
	u64 periods = (now - t->value) / t->interval + 1;

	WRITE_ONCE(t->ticks, t->ticks + periods);
	t->value += periods * t->interval;
}

static void timerfd_fire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	u64 now = now_on(t->clock);
	{
		guard_spin_irq(&t->lock);
		advance(t, now);
		if (t->value)
			program(t, now);
	}
	wake_up_key(&t->wait, POLLIN);
}

static bool take_ticks(struct timerfd *t, u64 *ticks)
{
	guard_spin_irq(&t->lock);

	advance(t, now_on(t->clock));
	*ticks = t->ticks;
	WRITE_ONCE(t->ticks, 0);
	return *ticks != 0;
}

static ssize_t timerfd_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct timerfd *t = file->private;
	u64 ticks = 0;

	if (iov_iter_count(to) < sizeof(ticks))
		return -EINVAL;
	if (!take_ticks(t, &ticks)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int err = wait_event_interruptible(&t->wait, take_ticks(t, &ticks));
		if (err)
			return err;
	}
	return copy_to_iter(&ticks, sizeof(ticks), to) == sizeof(ticks) ? (ssize_t)sizeof(ticks)
									: -EFAULT;
}

static unsigned timerfd_poll(struct file *file, struct poll_table *pt)
{
	struct timerfd *t = file->private;

	poll_wait(file, &t->wait, pt);
	return READ_ONCE(t->ticks) ? POLLIN : 0;
}

static int timerfd_release(struct file *file)
{
	struct timerfd *t = file->private;
	{
		guard_spin_irq(&t->lock);
		t->value = 0;
	}
	timer_cancel_sync(&t->timer);
	kfree(t);
	return 0;
}

/* What is left, and the interval. */
static void read_setting(struct timerfd *t, struct __kernel_itimerspec *out)
{
	u64 now = now_on(t->clock);
	guard_spin_irq(&t->lock);

	advance(t, now);
	out->it_interval = ns_to_timespec(t->interval);
	out->it_value = ns_to_timespec(t->value > now ? t->value - now : t->value ? 1 : 0);
}

static void timerfd_show(struct seq *out, struct file *file)
{
	struct timerfd *t = file->private;
	struct __kernel_itimerspec s;

	read_setting(t, &s);
	seq_printf(out,
		   "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%lld, "
		   "%lld)\nit_interval: (%lld, %lld)\n",
		   t->clock, READ_ONCE(t->ticks), t->settime_flags, (s64)s.it_value.tv_sec,
		   (s64)s.it_value.tv_nsec, (s64)s.it_interval.tv_sec, (s64)s.it_interval.tv_nsec);
}

static const struct file_ops timerfd_ops = {
	.read_iter = timerfd_read,
	.poll = timerfd_poll,
	.lseek = noop_lseek,
	.release = timerfd_release,
	.show_fdinfo = timerfd_show,
};

long sys_timerfd_create(int clock, int flags)
{
	struct timerfd *t;
	struct file *file;
	int fd, err;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) || !clock_ok(clock))
		return -EINVAL;
	if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) &&
	    !capable(CAP_WAKE_ALARM))
		return -EPERM;
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	wait_queue_init(&t->wait);
	spin_init(&t->lock, RANK_ITIMER, "timerfd");
	timer_init(&t->timer, timerfd_fire);
	t->clock = clock;
	err = anon_file_create("[timerfd]", &timerfd_ops, t, O_RDWR | ((u32)flags & O_NONBLOCK),
			       &file);
	if (err) {
		kfree(t);
		return err;
	}
	fd = fd_alloc(file, (u32)flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

static void set(struct timerfd *t, u64 value, u64 interval, int flags)
{
	u64 now;
	{
		guard_spin_irq(&t->lock);
		t->value = 0;
	}
	timer_cancel_sync(&t->timer);
	now = now_on(t->clock);
	guard_spin_irq(&t->lock);
	WRITE_ONCE(t->ticks, 0);
	t->interval = interval;
	t->settime_flags = flags;
	t->value = !value ? 0 : flags & TFD_TIMER_ABSTIME ? value : ktime_add(now, value);
	if (t->value)
		program(t, now);
}

static struct timerfd *file_timerfd(struct fdref ref)
{
	return ref.file && ref.file->ops == &timerfd_ops ? ref.file->private : NULL;
}

long sys_timerfd_settime(int ufd, int flags, const struct __kernel_itimerspec __user *utmr,
			 struct __kernel_itimerspec __user *otmr)
{
	struct __kernel_itimerspec new, old;
	u64 value, interval;
	long err;

	if (copy_from_user(&new, utmr, sizeof(new)))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    timespec_to_ns(&new.it_value, &value) || timespec_to_ns(&new.it_interval, &interval))
		return -EINVAL;
	struct fdref ref = fd_get(ufd);
	struct timerfd *t = file_timerfd(ref);
	err = ref.file ? -EINVAL : -EBADF;
	if (t) {
		read_setting(t, &old);
		set(t, value, interval, flags);
		err = 0;
	}
	if (ref.file)
		fd_put(ref);
	if (!err && otmr && copy_to_user(otmr, &old, sizeof(old)))
		return -EFAULT;
	return err;
}

long sys_timerfd_gettime(int ufd, struct __kernel_itimerspec __user *otmr)
{
	struct fdref ref = fd_get(ufd);
	struct timerfd *t = file_timerfd(ref);
	struct __kernel_itimerspec now;
	long err = ref.file ? -EINVAL : -EBADF;

	if (t) {
		read_setting(t, &now);
		err = 0;
	}
	if (ref.file)
		fd_put(ref);
	return err ? err : copy_to_user(otmr, &now, sizeof(now));
}
