/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the system.  One set for all: UTS namespaces will each have a struct uts_names. */
#include <kernel/ipc/uts.h>

#include <arch/types.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/personality.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/proc/process.h>
#include <kernel/sync/rwsem.h>
#include <mm/usercopy.h>
#include <security/cred.h>

static struct rwsem uts_lock = RWSEM_INIT(uts_lock, RANK_IPC);
static struct new_utsname names = {
	.sysname = "Linux",
	.nodename = "(none)",
	.release = "6.12.0-vireo",
	.version = "#1 SMP PREEMPT Vireo",
	.machine = ARCH_NAME,
	.domainname = "(none)",
}; /* [uts_lock] */

void uts_get(struct new_utsname *out)
{
	guard_read(&uts_lock);
	*out = names;
}

static void set(char field[__NEW_UTS_LEN + 1], const char *name, size_t len)
{
	guard_write(&uts_lock);
	memset(field, 0, __NEW_UTS_LEN + 1);
	memcpy(field, name, min(len, (size_t)__NEW_UTS_LEN));
}

void uts_set_nodename(const char *name, size_t len)
{
	set(names.nodename, name, len);
}

void uts_set_domainname(const char *name, size_t len)
{
	set(names.domainname, name, len);
}

/* personality(2): old programs that parse the release can be told 2.6.x. */
static void override_release(struct new_utsname *n)
{
	if (process_current()->personality & UNAME26)
		strscpy(n->release, "2.6.72-vireo", sizeof(n->release));
}

long sys_uname(struct new_utsname __user *name)
{
	struct new_utsname n;

	uts_get(&n);
	override_release(&n);
	return copy_to_user(name, &n, sizeof(n));
}

static long set_from_user(const char __user *name, int len, void (*fn)(const char *, size_t))
{
	char buf[__NEW_UTS_LEN];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > __NEW_UTS_LEN)
		return -EINVAL;
	if (copy_from_user(buf, name, (size_t)len))
		return -EFAULT;
	fn(buf, (size_t)len);
	return 0;
}

long sys_sethostname(const char __user *name, int len)
{
	return set_from_user(name, len, uts_set_nodename);
}

long sys_setdomainname(const char __user *name, int len)
{
	return set_from_user(name, len, uts_set_domainname);
}
