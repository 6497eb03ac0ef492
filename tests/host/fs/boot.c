/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing up the host machine, in the order of init/main.c; processes; settling.
 */
#include <fs/init.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/fdtable.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/workqueue.h>
#include <kernel/sync/completion.h>
#include <kernel/time/clock.h>
#include <kernel/trap/trap.h>
#include <mm/mm_internal.h>
#include <mm/reclaim.h>
#include <security/cred.h>
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"

#define USER_MAPPED_START 0x10000000000ul

static void (*failure_fn)(void);

static struct mm *space_make(void)
{
	struct mm *mm;

	VERIFY(!mm_create(&mm));
	mm->layout = (struct mm_layout){.mmap_top = USER_MAPPED_END / 2,
					.mmap_bottom = USER_MAPPED_START};
	return mm;
}

/* The test's own thread becomes the first process. */
static void process_boot(void)
{
	struct thread *t = thread_current();

	VERIFY(!files_create(&t->files));
	VERIFY(!fs_fork(init_fs, false, &t->fs));
	mm_switch_to(space_make());
}

void hostfs_boot(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	host_set_death_callback(hostfs_on_failure);
	host_fail_after(-1);
	machine_boot();
	memory_boot();
	sched_boot(host_random(1ull << 62));
	mm_init();
	cred_init();
	workqueue_init();
	mm_init_late();
	fs_init();
	process_boot();
	VERIFY(!hf_mkdir("/dev", 0755));
	VERIFY(!hf_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL));
	hostfs_settle();
}

/* --- processes -------------------------------------------------------------------------------- */

struct hf_process {
	void (*fn)(void *arg);
	void *arg;
	struct files *files;
	struct fs_context *fs;
	struct cred *cred;
	struct completion done;
};

static void process_main(void *arg)
{
	struct hf_process *p = arg;
	struct thread *t = thread_current();

	t->kthread = 0;
	t->files = p->files;
	t->fs = p->fs;
	t->cred = p->cred;
	hostfs_must_allocate(true);
	mm_switch_to(space_make());
	hostfs_must_allocate(false);
	p->fn(p->arg);
	mm_switch_to(NULL);
	files_put(t->files);
	t->files = NULL;
	notify_work_run(true);
	fs_put(t->fs);
	t->fs = NULL;
	p->cred = t->cred;
	t->cred = &init_cred;
	cred_put(p->cred);
	completion_done(&p->done);
}

struct hf_process *hf_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
	struct thread *self = thread_current();
	struct hf_process *p;

	hostfs_must_allocate(true);
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	VERIFY(p);
	p->fn = fn;
	p->arg = arg;
	VERIFY(!files_fork(self->files, false, &p->files));
	VERIFY(!fs_fork(self->fs, false, &p->fs));
	p->cred = (struct cred *)cred_get(self->cred);
	completion_init(&p->done);
	VERIFY(!kthread_run(process_main, p, "%s", name));
	hostfs_must_allocate(false);
	return p;
}

void hf_wait(struct hf_process *p)
{
	completion_wait(&p->done);
	kfree(p);
}

void hf_setuid(u32 uid, u32 gid)
{
	struct cred *new;

	VERIFY(!cred_prepare(&new));
	new->uid = new->euid = new->suid = new->fsuid = uid;
	new->gid = new->egid = new->sgid = new->fsgid = gid;
	if (uid)
		new->cap_effective = new->cap_permitted = 0;
	cred_commit(new);
}

/* --- settling --------------------------------------------------------------------------------- */

void hostfs_sleep(u64 ns)
{
	sleep_ns(ns);
}

void hostfs_settle(void)
{
	do {
		while (sched_others())
			sched_yield_current();
	} while (rcu_run() || sched_others());
}

void hostfs_drop_caches(void)
{
	reclaim_drop_caches(3);
}

struct hostfs_usage hostfs_usage_settled(void)
{
	for (int i = 0; i < 3; i++) {
		hostfs_settle();
		hostfs_drop_caches();
	}
	hostfs_settle();
	return hostfs_usage();
}

void hostfs_expect_usage(struct hostfs_usage before)
{
	struct hostfs_usage now = hostfs_usage_settled();

	if (now.objects == before.objects && now.frames == before.frames)
		return;
	hostfs_print_usage();
	host_test_fail(__FILE__, __LINE__, "leak: %lld objects, %lld frames",
		       (s64)(now.objects - before.objects), (s64)(now.frames - before.frames));
}

void hostfs_set_on_failure(void (*fn)(void))
{
	failure_fn = fn;
}

void hostfs_on_failure(void)
{
	void (*fn)(void) = failure_fn;

	failure_fn = NULL;
	if (fn)
		fn();
	log_print_tail();
}
