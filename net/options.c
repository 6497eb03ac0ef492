/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Socket options at SOL_SOCKET that mean the same for every family.  socket(7). */
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>
#include <net/socket.h>
#include <security/cred.h>

u32 sysctl_wmem_max = SOCKET_BUF_DEFAULT, sysctl_rmem_max = SOCKET_BUF_DEFAULT,
    sysctl_somaxconn = SOMAXCONN;

struct old_timeval {
	long tv_sec, tv_usec;
};

/* Options that are a flag and where it is kept. */
static u32 *flag_of(struct socket *s, int name)
{
	switch (name) {
	case SO_REUSEADDR: return &s->opt.reuseaddr;
	case SO_REUSEPORT: return &s->opt.reuseport;
	case SO_KEEPALIVE: return &s->opt.keepalive;
	case SO_BROADCAST: return &s->opt.broadcast;
	case SO_OOBINLINE: return &s->opt.oobinline;
	case SO_DONTROUTE: return &s->opt.dontroute;
	case SO_PASSCRED: return &s->opt.passcred;
	case SO_TIMESTAMP_OLD: return &s->opt.timestamp;
	default: return NULL;
	}
}

static int set_timeout(u64 *to, const void *value, int len)
{
	struct old_timeval tv;

	if (len < (int)sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= (long)USEC_PER_SEC)
		return -EDOM;
	if (tv.tv_sec < 0)
		WRITE_ONCE(*to, 1);
	else if (!tv.tv_sec && !tv.tv_usec)
		WRITE_ONCE(*to, (u64)KTIME_MAX);
	else
		WRITE_ONCE(*to,
			   min((u64)tv.tv_sec, (u64)KTIME_MAX / NSEC_PER_SEC / 2) * NSEC_PER_SEC +
				   (u64)tv.tv_usec * 1000);
	return 0;
}

static void set_buffer(u32 *to, int value, u32 limit)
{
	u32 v = value < 0 ? limit : min((u32)value, limit);

	/* Twice what is asked: the other half stands for bookkeeping, as Linux counts. */
	WRITE_ONCE(*to, max(v * 2, (u32)SOCKET_BUF_MIN));
}

int socket_setsockopt(struct socket *s, int name, const void *value, int len)
{
	u32 *flag = flag_of(s, name);
	int v;

	switch (name) {
	case SO_RCVTIMEO_OLD: return set_timeout(&s->opt.rcv_timeout, value, len);
	case SO_SNDTIMEO_OLD: return set_timeout(&s->opt.snd_timeout, value, len);
	case SO_LINGER:
		if (len < (int)sizeof(struct linger))
			return -EINVAL;
		memcpy(&s->opt.linger, value, sizeof(struct linger));
		return 0;
	default: break;
	}
	if (len < (int)sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	if (flag) {
		WRITE_ONCE(*flag, v != 0);
		return 0;
	}
	switch (name) {
	case SO_SNDBUF: set_buffer(&s->opt.sndbuf, v, sysctl_wmem_max); return 0;
	case SO_RCVBUF: set_buffer(&s->opt.rcvbuf, v, sysctl_rmem_max); return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		set_buffer(name == SO_SNDBUFFORCE ? &s->opt.sndbuf : &s->opt.rcvbuf, v,
			   INT_MAX / 2);
		return 0;
	case SO_PRIORITY:
		if ((v < 0 || v > 6) && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		WRITE_ONCE(s->opt.priority, (u32)v);
		return 0;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		WRITE_ONCE(s->opt.mark, (u32)v);
		return 0;
	case SO_RCVLOWAT: WRITE_ONCE(s->opt.rcvlowat, v < 0 ? INT_MAX : v ? v : 1); return 0;
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	case SO_ACCEPTCONN: return -ENOPROTOOPT;
	default: return -ENOPROTOOPT;
	}
}

static int give(void *value, int *len, const void *from, int size)
{
	*len = min(*len, size);
	memcpy(value, from, (size_t)*len);
	return 0;
}

static int give_timeout(void *value, int *len, u64 ns)
{
	struct old_timeval tv = {0};

	if (ns != KTIME_MAX) {
		tv.tv_sec = (long)(ns / NSEC_PER_SEC);
		tv.tv_usec = (long)(ns % NSEC_PER_SEC / 1000);
	}
	return give(value, len, &tv, sizeof(tv));
}

int socket_getsockopt(struct socket *s, int name, void *value, int *len)
{
	u32 *flag = flag_of(s, name);
	int v;

	switch (name) {
	case SO_RCVTIMEO_OLD: return give_timeout(value, len, READ_ONCE(s->opt.rcv_timeout));
	case SO_SNDTIMEO_OLD: return give_timeout(value, len, READ_ONCE(s->opt.snd_timeout));
	case SO_LINGER: return give(value, len, &s->opt.linger, sizeof(struct linger));
	case SO_TYPE: v = s->type; break;
	case SO_DOMAIN: v = s->family; break;
	case SO_PROTOCOL: v = s->protocol; break;
	case SO_ERROR: v = -atomic_xchg(&s->error, 0); break;
	case SO_SNDBUF: v = (int)READ_ONCE(s->opt.sndbuf); break;
	case SO_RCVBUF: v = (int)READ_ONCE(s->opt.rcvbuf); break;
	case SO_PRIORITY: v = (int)READ_ONCE(s->opt.priority); break;
	case SO_MARK: v = (int)READ_ONCE(s->opt.mark); break;
	case SO_RCVLOWAT: v = READ_ONCE(s->opt.rcvlowat); break;
	case SO_SNDLOWAT: v = 1; break;
	default:
		if (!flag)
			return -ENOPROTOOPT;
		v = (int)READ_ONCE(*flag);
	}
	return give(value, len, &v, sizeof(v));
}
