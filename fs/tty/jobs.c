/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Terminals and job control: controlling terminals, foreground groups, background access.
 * tty_ioctl(2), setsid(2), POSIX 11.1.
 *
 * tty.session and tty.group say whose terminal this is; process.tty, kept by the process room, is
 * the other direction.  Both change together: the tty's side under tty.ctrl first.
 */
#include <fs/tty/session.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/signal.h>
#include <kernel/pid/jobs.h>
#include <kernel/pid/pid.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "tty_internal.h"

static struct pid *foreground(struct tty *tty)
{
	guard_spin_irq(&tty->ctrl);
	return pid_get(tty->group);
}

void tty_signal_foreground(struct tty *tty, int signo)
{
	struct pid *group = foreground(tty);

	if (group) {
		job_control->kill_group(group, signo);
		pid_put(group);
	}
}

/*
 * We touch our own terminal from the background: stop, unless stops are ignored or nobody could
 * continue us.
 */
static int check_background(struct tty *tty, int signo)
{
	struct pid *ours, *group;
	int err = 0;

	if (job_control->tty() != tty)
		return 0;
	ours = job_control->group();
	group = foreground(tty);
	if (group && group != ours) {
		if (job_control->signal_ignored(signo))
			err = signo == SIGTTIN ? -EIO : 0;
		else if (job_control->group_orphaned())
			err = -EIO;
		else {
			job_control->kill_group(ours, signo);
			err = -ERESTARTSYS;
		}
	}
	pid_put(ours);
	pid_put(group);
	return err;
}

int tty_check_change(struct tty *tty)
{
	return check_background(tty, SIGTTOU);
}

int tty_check_read(struct tty *tty)
{
	return check_background(tty, SIGTTIN);
}

/* Controlling terminals. */

static void set_controlling(struct tty *tty)
{
	struct pid *session = job_control->session(), *group = job_control->group(), *old_session,
		   *old_group;
	{
		guard_spin_irq(&tty->ctrl);
		old_session = tty->session;
		old_group = tty->group;
		WRITE_ONCE(tty->session, session);
		tty->group = group;
	}
	pid_put(old_session);
	pid_put(old_group);
	job_control->set_tty(tty);
}

void tty_open_controlling(struct tty *tty, struct file *file)
{
	if ((file->flags & O_NOCTTY) || tty->master || !(file->mode & FMODE_READ))
		return;
	if (job_control->leads_session() && !job_control->tty() && !READ_ONCE(tty->session))
		set_controlling(tty);
}

/* Take the terminal from its session.  Its foreground group hears of it. */
static void detach_session(struct tty *tty, bool signal_group)
{
	struct pid *session, *group;
	{
		guard_spin_irq(&tty->ctrl);
		session = tty->session;
		group = tty->group;
		WRITE_ONCE(tty->session, NULL);
		tty->group = NULL;
	}
	if (session) {
		job_control->drop_tty(session, tty);
		if (signal_group) {
			job_control->kill_session_leader(session, SIGHUP);
			job_control->kill_session_leader(session, SIGCONT);
		}
	}
	if (group && signal_group) {
		job_control->kill_group(group, SIGHUP);
		job_control->kill_group(group, SIGCONT);
	}
	pid_put(session);
	pid_put(group);
}

void tty_drop_session(struct tty *tty)
{
	detach_session(tty, true);
}

void tty_session_leader_exit(void)
{
	struct tty *tty = job_control->tty();

	if (!tty)
		return;
	tty_get(tty);
	if (tty->peer)
		tty_signal_foreground(tty, SIGHUP), detach_session(tty, false);
	else
		tty_hangup(tty);
	tty_put(tty);
}

static long become_controlling(struct tty *tty, struct file *file, unsigned long arg)
{
	struct pid *session = job_control->session();
	bool ours = job_control->leads_session() && READ_ONCE(tty->session) == session;
	long err = 0;

	pid_put(session);
	if (ours && job_control->tty() == tty)
		return 0;
	if (!job_control->leads_session() || job_control->tty())
		return -EPERM;
	if (READ_ONCE(tty->session)) {
		/* Stealing is root's. */
		if (arg != 1 || !capable(CAP_SYS_ADMIN))
			return -EPERM;
		detach_session(tty, false);
	}
	if (!(file->mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
		err = -EPERM;
	if (!err)
		set_controlling(tty);
	return err;
}

static long give_up_controlling(struct tty *tty)
{
	if (job_control->tty() != tty)
		return -ENOTTY;
	if (job_control->leads_session())
		tty_drop_session(tty);
	job_control->set_tty(NULL);
	return 0;
}

static long get_group(struct tty *tty, struct tty *real, int __user *to)
{
	/* The master of a pty may ask for the slave's; others only for their own terminal's. */
	if (tty == real && job_control->tty() != real)
		return -ENOTTY;
	return put_user((int)tty_foreground(real), to);
}

static long set_group(struct tty *real, const int __user *from)
{
	struct pid *group, *session;
	int nr, err;

	err = tty_check_change(real);
	if (err == -EIO)
		return -ENOTTY;
	if (err)
		return err;
	session = job_control->session();
	bool ours = job_control->tty() == real && READ_ONCE(real->session) == session;
	err = ours ? get_user(nr, from) : -ENOTTY;
	if (!err && nr < 0)
		err = -EINVAL;
	group = err ? NULL : pid_find_get((u32)nr);
	if (!err && !group)
		err = -ESRCH;
	if (!err && !job_control->group_in_session(group, session))
		err = -EPERM;
	if (!err) {
		guard_spin_irq(&real->ctrl);
		struct pid *old = real->group;

		real->group = group;
		group = old;
	}
	pid_put(group);
	pid_put(session);
	return err;
}

static long get_session(struct tty *tty, struct tty *real, int __user *to)
{
	u32 nr;

	if (tty == real && job_control->tty() != real)
		return -ENOTTY;
	{
		guard_spin_irq(&real->ctrl);
		nr = pid_nr(real->session);
	}
	return nr ? put_user((int)nr, to) : -ENOTTY;
}

long tty_job_ioctl(struct tty *tty, struct tty *real, struct file *file, unsigned cmd,
		   unsigned long arg)
{
	switch (cmd) {
	case TIOCSCTTY: return become_controlling(tty, file, arg);
	case TIOCNOTTY: return give_up_controlling(tty);
	case TIOCGPGRP: return get_group(tty, real, (int __user *)arg);
	case TIOCSPGRP: return set_group(real, (const int __user *)arg);
	case TIOCGSID: return get_session(tty, real, (int __user *)arg);
	default: return -ENOIOCTLCMD;
	}
}
