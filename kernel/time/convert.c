/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between nanoseconds and the structures of user programs. */
#include <kernel/abi/errno.h>
#include <kernel/time/clock.h>

int timespec_to_ns(const struct __kernel_timespec *ts, u64 *ns)
{
	if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if ((u64)ts->tv_sec >= (u64)KTIME_MAX / NSEC_PER_SEC)
		*ns = KTIME_MAX;
	else
		*ns = (u64)ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
	return 0;
}

struct __kernel_timespec ns_to_timespec(u64 ns)
{
	return (struct __kernel_timespec){.tv_sec = (s64)(ns / NSEC_PER_SEC),
					  .tv_nsec = (s64)(ns % NSEC_PER_SEC)};
}
