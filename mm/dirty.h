/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of dirty memory, for those who write it back; mm/reclaim.h has the hook they fill in.
 *
 * All are settings of /proc/sys/vm (Documentation/admin-guide/sysctl/vm.rst).
 */
#pragma once

#include <kernel/lib/types.h>

/* Pages: above `background` flushers work, above `hard` writers wait.  Context: any. */
void dirty_limits(u64 *background, u64 *hard);
/* Is more dirty than the background limit?  Context: any. */
bool dirty_over_background(void);
/* Age at which dirty data must go; pause between looks, 0: no looks; age of times under
 * lazytime. */
u64 dirty_expire_ns(void);
u64 dirty_interval_ns(void);
u64 dirty_time_expire_ns(void);
