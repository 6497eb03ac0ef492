/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork, vfork, clone, clone3: one function makes threads and processes.
 *
 * A child is built in private, step by step, each step undone in reverse on failure; nothing
 * outside can see it.  The last step, under tree_lock, links it into the family, publishes its pid
 * and cannot fail for any reason but a signal that killed us meanwhile.  Then the child may run.
 *
 * clone(2), fork(2), vfork(2).
 */
#include <kernel/proc/process.h>

#include <arch/abi.h>
#include <arch/thread.h>
#include <fs/epoll.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/pidfd.h>
#include <kernel/abi/sched.h>
#include <kernel/lib/string.h>
#include <kernel/proc/pidfd.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/sched.h>
#include <kernel/sync/completion.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/space.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |            \
	 CLONE_NEWNET | CLONE_NEWTIME)
#define CLONE_KNOWN                                                                                \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD | CLONE_PTRACE |          \
	 CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |                \
	 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED | CLONE_UNTRACED |            \
	 CLONE_CHILD_SETTID | CLONE_IO | CLONE_CLEAR_SIGHAND | CLONE_NEWNS)

static struct slab_cache *task_cache;
static struct slab_cache *process_cache;

struct spinlock tree_lock = SPINLOCK_INIT(RANK_TASKLIST);
struct list all_processes = LIST_INIT(all_processes);
u32 nr_threads_total;
u64 total_forks;
u32 threads_max;

void fork_init(void)
{
	task_cache = slab_create("task", sizeof(struct task), 0, 0, NULL);
	process_cache = slab_create("process", sizeof(struct process), 0, 0, NULL);
	threads_max = PID_MAX_DEFAULT;
}

/* Objects. */

struct process *process_create(void)
{
	struct process *p = slab_alloc(process_cache, GFP_KERNEL | __GFP_ZERO);

	if (!p)
		return NULL;
	refcount_set(&p->refs, 1);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->group_link);
	list_init(&p->session_link);
	list_init(&p->all_link);
	list_init(&p->timers);
	wait_queue_init(&p->child_wait);
	spin_init(&p->limits_lock, RANK_SIGNAL_ACTIONS, "limits");
	mutex_init(&p->timers_lock, RANK_PROCESS, "timers");
	p->start_boot_ns = clock_boot_ns();
	p->dumpable = true;
	process_timers_init(p);
	return p;
}

static void process_free(struct rcu_head *head)
{
	struct process *p = container_of(head, struct process, rcu);

	/* epolls may still hang on it through a signalfd. */
	wake_up_all_key(&p->sig.signalfd, EPOLL_QUEUE_GONE);
	signal_actions_put(p->sig.actions);
	pid_put(p->pid);
	pid_put(p->group);
	pid_put(p->session);
	slab_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (p && refcount_put(&p->refs))
		call_rcu(&p->rcu, process_free);
}

/* Called by the scheduler when the last reference to a thread went. */
static void task_free(struct thread *t)
{
	struct task *task = task_of(t);

	pid_put(task->pid);
	cred_put(t->cred);
	process_put(task->process);
	slab_free(task_cache, task);
}

int task_create(struct thread *t, struct process *p)
{
	struct task *task = slab_alloc(task_cache, GFP_KERNEL | __GFP_ZERO);

	if (!task)
		return -ENOMEM;
	signal_state_init(&task->sig, t, &p->sig);
	list_init(&task->link);
	task->thread = t;
	task->process = process_get(p);
	task->start_boot_ns = clock_boot_ns();
	t->sig = &task->sig;
	t->process = p;
	t->release = task_free;
	return 0;
}

/* The steps. */

static int check_flags(const struct fork_request *req)
{
	u64 f = req->flags;

	if (f & (CLONE_NAMESPACES | ~(u64)CLONE_KNOWN))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_NEWNS) && (f & CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_PARENT) && (process_current()->sig.flags & SIGNAL_UNKILLABLE))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_DETACHED))
		return -EINVAL;
	return 0;
}

/* Room for one more thread?  Counts it when there is. */
static int charge_user(const struct cred *cred)
{
	u32 n = atomic_add_return(&cred->user->nr_processes, 1);
	bool over = n > rlimit_get(RLIMIT_NPROC) && cred->user->uid != 0 &&
		    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);

	if (over || atomic_add_return(&nr_threads_total, 1) > READ_ONCE(threads_max)) {
		if (!over)
			atomic_dec(&nr_threads_total);
		atomic_dec(&cred->user->nr_processes);
		return -EAGAIN;
	}
	return 0;
}

static void uncharge_user(const struct cred *cred)
{
	atomic_dec(&nr_threads_total);
	atomic_dec(&cred->user->nr_processes);
}

/* A process structure for a child that is not a thread of ours: inherits limits and actions. */
static int create_child_process(const struct fork_request *req, struct process **out)
{
	struct process *parent = process_current(), *p;
	struct signal_actions *actions;

	p = process_create();
	if (!p)
		return -ENOMEM;
	if (req->flags & CLONE_SIGHAND) {
		actions = parent->sig.actions;
		refcount_get(&actions->refs);
	} else {
		actions = signal_actions_create(
			req->flags & CLONE_CLEAR_SIGHAND ? NULL : parent->sig.actions);
	}
	if (!actions) {
		slab_free(process_cache, p);
		return -ENOMEM;
	}
	signal_shared_init(&p->sig, actions);
	{
		guard_spin_irq(&parent->limits_lock);
		memcpy(p->limits, parent->limits, sizeof(p->limits));
	}
	p->exit_signal = req->exit_signal;
	p->oom_score_adj = parent->oom_score_adj;
	p->personality = parent->personality;
	p->dumpable = parent->dumpable;
	p->thp_disable = parent->thp_disable;
	*out = p;
	return 0;
}

static int copy_mm(struct thread *child, u64 flags)
{
	struct mm *mm = thread_current()->mm;

	if (flags & CLONE_VM) {
		mm_get(mm);
	} else {
		int err = mm_fork(mm, &mm);
		if (err)
			return err;
	}
	child->mm = mm;
	child->mmu = &mm->arch;
	return 0;
}

static void copy_signal_state(struct thread *child, u64 flags)
{
	const struct signal_state *ours = thread_current()->sig;

	child->sig->blocked = ours->blocked;
	/*
	 * A thread with its own stack starts without the alternate one; so does vfork's, which
	 * shares ours, keep it.
	 */
	if (!(flags & CLONE_VM) || (flags & CLONE_VFORK))
		child->sig->altstack = ours->altstack;
}

/* Everything the child gets a share or a copy of.  Returns with nothing to undo on failure. */
static int copy_resources(struct thread *child, const struct fork_request *req)
{
	struct thread *t = thread_current();
	int err;

	err = files_fork(t->files, req->flags & CLONE_FILES, &child->files);
	if (err)
		return err;
	err = fs_fork(t->fs, req->flags & CLONE_FS, &child->fs);
	if (err)
		goto put_files;
	if (req->flags & CLONE_NEWNS) {
		err = fs_context_new_mounts(child->fs);
		if (err)
			goto put_fs;
	}
	err = copy_mm(child, req->flags);
	if (err)
		goto put_fs;
	err = arch_thread_fork(child, req->stack);
	if (err)
		goto put_mm;
	if (req->flags & CLONE_SETTLS)
		arch_set_tls(child, req->tls);
	/* A copy of our memory has our rseq area; a thread beside us registers its own. */
	if (!(req->flags & CLONE_VM)) {
		child->rseq = t->rseq;
		child->rseq_len = t->rseq_len;
		child->rseq_sig = t->rseq_sig;
	}
	return 0;

put_mm:
	mm_put(child->mm);
put_fs:
	fs_put(child->fs);
put_files:
	files_put(child->files);
	return err;
}

static void drop_resources(struct thread *child)
{
	mm_put(child->mm);
	fs_put(child->fs);
	files_put(child->files);
}

/* The family of a new process. */
static void link_process(struct process *p, struct thread *leader, const struct fork_request *req)
{
	struct process *us = process_current(), *parent = us;

	if (req->flags & CLONE_PARENT) {
		parent = us->parent;
		p->exit_signal = us->exit_signal;
	}
	p->pid = pid_get(task_of(leader)->pid);
	rcu_assign_pointer(p->pid->process, p);
	p->leader = thread_get(leader);
	p->parent = parent;
	p->created_by = thread_current();
	p->has_subreaper = parent->has_subreaper || parent->subreaper;
	p->group = pid_get(us->group);
	p->session = pid_get(us->session);
	pid_use(p->group);
	pid_use(p->session);
	p->tty = us->tty;
	list_push_back(&parent->children, &p->sibling);
	list_push_back(&p->group->group_members, &p->group_link);
	list_push_back(&p->session->session_members, &p->session_link);
	list_push_back_rcu(&all_processes, &p->all_link);
}

/*
 * Publish the child.  Returns -ERESTARTNOINTR when a signal came first: the caller forks again
 * after it.
 */
static int link_child(struct thread *child, struct process *p, const struct fork_request *req)
{
	struct task *task = task_of(child);
	struct process *us = process_current();
	guard_spin_irq(&tree_lock);

	if (signal_fatal_pending(thread_current()) ||
	    (us->sig.flags & (SIGNAL_GROUP_EXIT | SIGNAL_EXEC)))
		return -ERESTARTNOINTR;
	if (p != us)
		link_process(p, child, req);
	rcu_assign_pointer(task->pid->thread, child);
	list_push_back_rcu(&p->threads, &task->link);
	WRITE_ONCE(p->nr_threads, p->nr_threads + 1);
	atomic_inc(&p->live);
	signal_thread_add(&task->sig);
	total_forks++;
	if (p != us && READ_ONCE(p->limits[RLIMIT_CPU].rlim_cur) != RLIM_INFINITY)
		process_cpu_watch(p);
	return 0;
}

/* The first thing a child does: tell user memory its id. */
static void child_set_tid(struct notify_work *w)
{
	struct task *task = container_of(w, struct task, set_tid_work);
	int __user *to = (int __user *)task->set_child_tid;

	/* As on Linux an unwritable address is the program's loss. */
	if (put_user((int)pid_nr(task->pid), to))
		task->set_child_tid = 0;
}

static int prepare_set_tid(struct thread *child, const struct fork_request *req)
{
	struct task *task = task_of(child);

	if (req->flags & CLONE_CHILD_CLEARTID)
		task->clear_child_tid = (vaddr_t)req->child_tid;
	if (!(req->flags & CLONE_CHILD_SETTID))
		return 0;
	task->set_child_tid = (vaddr_t)req->child_tid;
	task->set_tid_work.fn = child_set_tid;
	return notify_work_add(child, &task->set_tid_work);
}

/* Where the child's number is written, and its pidfd.  The child does not run yet. */
static int report_to_parent(const struct fork_request *req, struct pid *pid, int *pidfd,
			    struct file **pidfile)
{
	*pidfd = -1;
	if (req->flags & CLONE_PIDFD) {
		int err = pidfd_create(pid, req->flags & CLONE_THREAD ? PIDFD_THREAD : 0, pidfd,
				       pidfile);
		if (err)
			return err;
		if (put_user(*pidfd, req->pidfd)) {
			fd_release(*pidfd);
			file_put(*pidfile);
			return -EFAULT;
		}
	}
	/* CLONE_PARENT_SETTID to a bad address is not an error on Linux. */
	if ((req->flags & CLONE_PARENT_SETTID) && put_user((int)pid->nr, req->parent_tid))
		return 0;
	return 0;
}

static void wait_for_vfork(struct process *child, struct completion *done)
{
	/* A fatal signal ends the wait; the child then finds vfork_done gone. */
	if (completion_wait_killable(done)) {
		guard_spin_irq(&tree_lock);
		child->vfork_done = NULL;
	}
}

void vfork_release(struct process *p)
{
	guard_spin_irq(&tree_lock);
	if (p->vfork_done) {
		completion_done(p->vfork_done);
		p->vfork_done = NULL;
	}
}

static int build_child(const struct fork_request *req, struct thread *child,
		       struct process **process)
{
	struct process *p = process_current();
	struct task *task;
	int err;

	if (!(req->flags & CLONE_THREAD)) {
		err = create_child_process(req, &p);
		if (err)
			return err;
	} else {
		process_get(p);
	}
	child->cred = (struct cred *)cred_get(cred_current());
	err = task_create(child, p);
	process_put(p); /* the task holds it now, or nobody */
	if (err) {
		cred_put(child->cred);
		return err;
	}
	task = task_of(child);
	child->timer_slack_ns = thread_current()->timer_slack_ns;
	task->io_priority = task_current()->io_priority;
	err = pid_create(&task->pid);
	if (err)
		return err;
	child->tid = task->pid->nr;
	copy_signal_state(child, req->flags);
	*process = p;
	return 0;
}

static void child_unuse_pid(struct thread *child)
{
	guard_spin_irq(&tree_lock);
	pid_unuse(task_of(child)->pid);
}

/* The child as it will be, seen by nobody yet. */
static int child_create(const struct fork_request *req, struct thread **out, struct process **p)
{
	struct thread *child;
	int err = thread_create(&child, thread_current()->comm);

	if (err)
		return err;
	err = build_child(req, child, p);
	if (err)
		goto abandon;
	err = prepare_set_tid(child, req);
	if (!err)
		err = copy_resources(child, req);
	if (err)
		goto unuse_pid;
	*out = child;
	return 0;

unuse_pid:
	child_unuse_pid(child);
abandon:
	thread_abandon(child);
	return err;
}

static void child_destroy(struct thread *child)
{
	drop_resources(child);
	child_unuse_pid(child);
	thread_abandon(child);
}

/* Tell the parent, then publish the child.  The child has its number as long as it does not run. */
static int child_announce(const struct fork_request *req, struct thread *child, struct process *p)
{
	struct file *pidfile = NULL;
	int pidfd, err = report_to_parent(req, task_of(child)->pid, &pidfd, &pidfile);

	if (err)
		return err;
	err = link_child(child, p, req);
	if (pidfd < 0)
		return err;
	if (err) {
		fd_release(pidfd);
		file_put(pidfile);
	} else {
		fd_install(pidfd, pidfile);
	}
	return err;
}

long process_fork(const struct fork_request *req)
{
	const struct cred *cred = cred_current();
	bool vfork = req->flags & CLONE_VFORK;
	struct completion vfork_done;
	struct process *p = NULL;
	struct thread *child;
	int err = check_flags(req);

	if (err)
		return err;
	err = charge_user(cred);
	if (err)
		return err;
	err = child_create(req, &child, &p);
	if (err)
		goto uncharge;
	if (vfork) {
		completion_init(&vfork_done);
		p->vfork_done = &vfork_done;
		process_get(p);
	}

	u32 nr = task_of(child)->pid->nr;

	err = child_announce(req, child, p);
	if (err)
		goto destroy;
	thread_start(child);
	thread_put(child);
	if (vfork) {
		wait_for_vfork(p, &vfork_done);
		process_put(p);
	}
	return nr;

destroy:
	if (vfork)
		process_put(p);
	child_destroy(child);
uncharge:
	uncharge_user(cred);
	return err;
}

/* The calls. */

static long clone_with(u64 flags, vaddr_t stack, int __user *ptid, int __user *ctid, vaddr_t tls)
{
	struct fork_request req = {
		.flags = flags & ~(u64)CSIGNAL,
		.exit_signal = (int)(flags & CSIGNAL),
		.stack = stack,
		.tls = tls,
		.parent_tid = ptid,
		.child_tid = ctid,
		.pidfd = ptid,
	};

	/* The old call has one place for both. */
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return process_fork(&req);
}

long sys_clone(unsigned long flags, unsigned long newsp, int __user *parent_tid, unsigned long a3,
	       unsigned long a4)
{
	vaddr_t ctid = ARCH_CLONE_TLS_LAST ? a3 : a4;
	vaddr_t tls = ARCH_CLONE_TLS_LAST ? a4 : a3;

	/* Flags above 32 bits belong to clone3; CLONE_DETACHED has always been ignored here. */
	flags = (u32)flags & ~(unsigned long)CLONE_DETACHED;
	return clone_with(flags, newsp, parent_tid, (int __user *)ctid, tls);
}

static int decode_clone_args(const struct clone_args *a, struct fork_request *req)
{
	if (a->flags & (CLONE_DETACHED | CSIGNAL | (~0ull << 34)))
		return -EINVAL;
	if ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal)
		return -EINVAL;
	if (a->exit_signal > KSIG_COUNT || a->set_tid_size || a->cgroup)
		return -EINVAL;
	if (!a->stack != !a->stack_size)
		return -EINVAL;
	if (a->stack && !user_access_ok((void __user *)a->stack, a->stack_size))
		return -EINVAL;
	*req = (struct fork_request){
		.flags = a->flags,
		.exit_signal = (int)a->exit_signal,
		.stack = a->stack ? a->stack + a->stack_size : 0,
		.tls = a->tls,
		.parent_tid = (int __user *)a->parent_tid,
		.child_tid = (int __user *)a->child_tid,
		.pidfd = (int __user *)a->pidfd,
	};
	return 0;
}

long sys_clone3(const struct clone_args __user *uargs, size_t size)
{
	struct clone_args args = {0};
	struct fork_request req;
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	err = decode_clone_args(&args, &req);
	return err ? err : process_fork(&req);
}

long sys_fork(void)
{
	return process_fork(&(struct fork_request){.exit_signal = SIGCHLD});
}

long sys_vfork(void)
{
	return process_fork(
		&(struct fork_request){.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD});
}
