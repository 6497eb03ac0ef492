/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identities: process ids, user and group ids, capabilities.  credentials(7), capabilities(7). */
#include <kernel/proc/process.h>

#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/prctl.h>
#include <kernel/lib/string.h>
#include <kernel/sched/limits.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

#define NO_ID ((u32)-1)

long sys_getpid(void)
{
	return process_id(process_current());
}

long sys_gettid(void)
{
	return thread_current()->tid;
}

u32 process_parent_id(struct process *p)
{
	guard_rcu();
	struct process *parent = rcu_dereference(p->parent);

	return parent ? process_id(parent) : 0;
}

long sys_getppid(void)
{
	return process_parent_id(process_current());
}

long sys_getuid(void)
{
	return cred_current()->uid;
}

long sys_geteuid(void)
{
	return cred_current()->euid;
}

long sys_getgid(void)
{
	return cred_current()->gid;
}

long sys_getegid(void)
{
	return cred_current()->egid;
}

static int put_three(u32 __user *r, u32 __user *e, u32 __user *s, u32 a, u32 b, u32 c)
{
	return put_user(a, r) || put_user(b, e) || put_user(c, s) ? -EFAULT : 0;
}

long sys_getresuid(u32 __user *ruid, u32 __user *euid, u32 __user *suid)
{
	const struct cred *c = cred_current();

	return put_three(ruid, euid, suid, c->uid, c->euid, c->suid);
}

long sys_getresgid(u32 __user *rgid, u32 __user *egid, u32 __user *sgid)
{
	const struct cred *c = cred_current();

	return put_three(rgid, egid, sgid, c->gid, c->egid, c->sgid);
}

/* Changing. */

/*
 * What leaving or entering uid 0 does to capabilities: capabilities(7), "Effect of user ID changes
 * on capabilities".
 */
static void fix_capabilities(struct cred *new, const struct cred *old)
{
	bool had_root = !old->uid || !old->euid || !old->suid;
	bool has_root = !new->uid || !new->euid || !new->suid;

	if (new->securebits & issecure_mask(SECURE_NO_SETUID_FIXUP))
		return;
	if (had_root && !has_root) {
		if (!(new->securebits &issecure_mask(SECURE_KEEP_CAPS)))
			new->cap_permitted = new->cap_effective = 0;
		new->cap_ambient = 0;
	}
	if (!old->euid && new->euid)
		new->cap_effective = 0;
	if (old->euid && !new->euid)
		new->cap_effective = new->cap_permitted;
}

#define CAP_FS_SET                                                                                 \
	(1ull << CAP_CHOWN | 1ull << CAP_MKNOD | 1ull << CAP_DAC_OVERRIDE |                        \
	 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER | 1ull << CAP_FSETID |                   \
	 1ull << CAP_LINUX_IMMUTABLE | 1ull << CAP_MAC_OVERRIDE)

static void fix_fs_capabilities(struct cred *new, const struct cred *old)
{
	if (new->securebits & issecure_mask(SECURE_NO_SETUID_FIXUP))
		return;
	if (!old->fsuid && new->fsuid)
		new->cap_effective &= ~CAP_FS_SET;
	if (old->fsuid && !new->fsuid)
		new->cap_effective |= new->cap_permitted &CAP_FS_SET;
}

/* The last step of each call: user counts, capabilities, commit; or give up with `err`. */
static int finish_uids(struct cred *new, int err)
{
	const struct cred *old = cred_current();

	if (!err && new->uid != old->uid)
		err = cred_set_user(new, new->uid);
	if (err) {
		cred_abandon(new);
		return err;
	}
	fix_capabilities(new, old);
	if (new->euid != old->euid || new->egid != old->egid)
		WRITE_ONCE(process_current()->dumpable, false);
	cred_commit(new);
	return 0;
}

long sys_setuid(u32 uid)
{
	const struct cred *old = cred_current();
	struct cred *new;
	int err = uid == NO_ID ? -EINVAL : cred_prepare(&new);

	if (err)
		return err;
	if (capable(CAP_SETUID))
		new->uid = new->suid = uid;
	else if (uid != old->uid && uid != old->suid)
		err = -EPERM;
	new->euid = new->fsuid = uid;
	return finish_uids(new, err);
}

long sys_setreuid(u32 ruid, u32 euid)
{
	const struct cred *old = cred_current();
	bool any = capable(CAP_SETUID);
	struct cred *new;
	int err = cred_prepare(&new);

	if (err)
		return err;
	if (ruid != NO_ID) {
		new->uid = ruid;
		if (!any && ruid != old->uid && ruid != old->euid)
			err = -EPERM;
	}
	if (euid != NO_ID) {
		new->euid = euid;
		if (!any && euid != old->uid && euid != old->euid && euid != old->suid)
			err = -EPERM;
	}
	if (ruid != NO_ID || (euid != NO_ID && euid != old->uid))
		new->suid = new->euid;
	new->fsuid = new->euid;
	return finish_uids(new, err);
}

static bool one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == NO_ID || id == a || id == b || id == c;
}

long sys_setresuid(u32 ruid, u32 euid, u32 suid)
{
	const struct cred *old = cred_current();
	struct cred *new;

	if (!capable(CAP_SETUID) && (!one_of(ruid, old->uid, old->euid, old->suid) ||
				     !one_of(euid, old->uid, old->euid, old->suid) ||
				     !one_of(suid, old->uid, old->euid, old->suid)))
		return -EPERM;
	int err = cred_prepare(&new);
	if (err)
		return err;
	new->uid = ruid == NO_ID ? new->uid : ruid;
	new->euid = euid == NO_ID ? new->euid : euid;
	new->suid = suid == NO_ID ? new->suid : suid;
	new->fsuid = new->euid;
	return finish_uids(new, 0);
}

long sys_setfsuid(u32 uid)
{
	const struct cred *old = cred_current();
	u32 was = old->fsuid;
	struct cred *new;

	if (uid == NO_ID || (!capable(CAP_SETUID) && uid != old->uid && uid != old->euid &&
			     uid != old->suid && uid != was))
		return was;
	if (uid == was || cred_prepare(&new))
		return was;
	new->fsuid = uid;
	fix_fs_capabilities(new, old);
	cred_commit(new);
	return was;
}

static int finish_gids(struct cred *new, int err)
{
	if (err) {
		cred_abandon(new);
		return err;
	}
	if (new->egid != cred_current()->egid)
		WRITE_ONCE(process_current()->dumpable, false);
	cred_commit(new);
	return 0;
}

long sys_setgid(u32 gid)
{
	const struct cred *old = cred_current();
	struct cred *new;
	int err = gid == NO_ID ? -EINVAL : cred_prepare(&new);

	if (err)
		return err;
	if (capable(CAP_SETGID))
		new->gid = new->sgid = gid;
	else if (gid != old->gid && gid != old->sgid)
		err = -EPERM;
	new->egid = new->fsgid = gid;
	return finish_gids(new, err);
}

long sys_setregid(u32 rgid, u32 egid)
{
	const struct cred *old = cred_current();
	bool any = capable(CAP_SETGID);
	struct cred *new;
	int err = cred_prepare(&new);

	if (err)
		return err;
	if (rgid != NO_ID) {
		new->gid = rgid;
		if (!any && rgid != old->gid && rgid != old->egid)
			err = -EPERM;
	}
	if (egid != NO_ID) {
		new->egid = egid;
		if (!any && egid != old->gid && egid != old->egid && egid != old->sgid)
			err = -EPERM;
	}
	if (rgid != NO_ID || (egid != NO_ID && egid != old->gid))
		new->sgid = new->egid;
	new->fsgid = new->egid;
	return finish_gids(new, err);
}

long sys_setresgid(u32 rgid, u32 egid, u32 sgid)
{
	const struct cred *old = cred_current();
	struct cred *new;

	if (!capable(CAP_SETGID) && (!one_of(rgid, old->gid, old->egid, old->sgid) ||
				     !one_of(egid, old->gid, old->egid, old->sgid) ||
				     !one_of(sgid, old->gid, old->egid, old->sgid)))
		return -EPERM;
	int err = cred_prepare(&new);
	if (err)
		return err;
	new->gid = rgid == NO_ID ? new->gid : rgid;
	new->egid = egid == NO_ID ? new->egid : egid;
	new->sgid = sgid == NO_ID ? new->sgid : sgid;
	new->fsgid = new->egid;
	return finish_gids(new, 0);
}

long sys_setfsgid(u32 gid)
{
	const struct cred *old = cred_current();
	u32 was = old->fsgid;
	struct cred *new;

	if (gid == NO_ID || (!capable(CAP_SETGID) && gid != old->gid && gid != old->egid &&
			     gid != old->sgid && gid != was))
		return was;
	if (gid == was || cred_prepare(&new))
		return was;
	new->fsgid = gid;
	cred_commit(new);
	return was;
}

long sys_getgroups(int size, u32 __user *list)
{
	const struct group_list *g = cred_current()->groups;

	if (size < 0)
		return -EINVAL;
	if (!size)
		return g->count;
	if ((u32)size < g->count)
		return -EINVAL;
	if (copy_to_user(list, g->gids, g->count * sizeof(g->gids[0])))
		return -EFAULT;
	return g->count;
}

long sys_setgroups(int size, const u32 __user *list)
{
	struct group_list *g;
	struct cred *new;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((unsigned)size > NGROUPS_LIMIT)
		return -EINVAL;
	g = group_list_create((u32)size);
	if (!g)
		return -ENOMEM;
	int err = copy_from_user(g->gids, list, (size_t)size * sizeof(g->gids[0]));
	for (int i = 0; !err && i < size; i++)
		err = g->gids[i] == NO_ID ? -EINVAL : 0;
	if (!err)
		err = cred_prepare(&new);
	if (err) {
		group_list_put(g);
		return err;
	}
	group_list_sort(g);
	group_list_put(new->groups);
	new->groups = g;
	cred_commit(new);
	return 0;
}

/* Capabilities. */

/* How many words of 32 the caller's version has.  Writes the version we prefer when it is unknown.
 */
static int cap_version(struct __user_cap_header_struct __user *uheader,
		       struct __user_cap_header_struct *h, unsigned *words)
{
	if (copy_from_user(h, uheader, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case _LINUX_CAPABILITY_VERSION_1: *words = _LINUX_CAPABILITY_U32S_1; return 0;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3: *words = _LINUX_CAPABILITY_U32S_3; return 0;
	default:
		if (put_user((u32)_LINUX_CAPABILITY_VERSION_3, &uheader->version))
			return -EFAULT;
		return -EINVAL;
	}
}

long sys_capget(struct __user_cap_header_struct __user *header,
		struct __user_cap_data_struct __user *data)
{
	struct __user_cap_data_struct out[2] = {0};
	struct __user_cap_header_struct h;
	const struct cred *c;
	unsigned words;
	int err = cap_version(header, &h, &words);

	if (err)
		return err == -EINVAL && !data ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	if (h.pid && (u32)h.pid != thread_current()->tid) {
		struct thread *t = pid_thread_get((u32)h.pid);

		if (!t)
			return -ESRCH;
		c = cred_of(t);
		thread_put(t);
	} else {
		c = cred_get(cred_current());
	}
	for (unsigned i = 0; i < words; i++) {
		out[i].effective = (u32)(c->cap_effective >> (32 * i));
		out[i].permitted = (u32)(c->cap_permitted >> (32 * i));
		out[i].inheritable = (u32)(c->cap_inheritable >> (32 * i));
	}
	cred_put(c);
	return data ? copy_to_user(data, out, words * sizeof(out[0])) : 0;
}

long sys_capset(struct __user_cap_header_struct __user *header,
		const struct __user_cap_data_struct __user *data)
{
	struct __user_cap_data_struct in[2] = {0};
	struct __user_cap_header_struct h;
	const struct cred *old = cred_current();
	u64 e, p, i;
	unsigned words;
	struct cred *new;
	int err = cap_version(header, &h, &words);

	if (err)
		return err;
	if (h.pid && (u32)h.pid != thread_current()->tid)
		return -EPERM;
	if (copy_from_user(in, data, words * sizeof(in[0])))
		return -EFAULT;
	e = (in[0].effective | (u64)in[1].effective << 32) & CAP_FULL_SET;
	p = (in[0].permitted | (u64)in[1].permitted << 32) & CAP_FULL_SET;
	i = (in[0].inheritable | (u64)in[1].inheritable << 32) & CAP_FULL_SET;

	u64 may_inherit = capable(CAP_SETPCAP) ? old->cap_bounding : old->cap_permitted;
	if ((i & ~(old->cap_inheritable | may_inherit)) ||
	    (i & ~(old->cap_inheritable | old->cap_bounding)) || (p & ~old->cap_permitted) ||
	    (e & ~p))
		return -EPERM;
	err = cred_prepare(&new);
	if (err)
		return err;
	new->cap_effective = e;
	new->cap_permitted = p;
	new->cap_inheritable = i;
	new->cap_ambient &= p &i;
	cred_commit(new);
	return 0;
}
