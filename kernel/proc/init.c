/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first process, and what all processes start from.
 *
 * Process 1 begins as a kernel thread with a process's half: it finds init, execs it and returns to
 * user mode as it.  Process 0 is not in any tree; getppid() of init answers 0.
 */
#include <kernel/proc/process.h>

#include <arch/thread.h>
#include <arch/trapframe.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/fs_context.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/ipc/futex.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/sched.h>
#include <kernel/trap/trap.h>
#include <mm/stat.h>
#include <security/cred.h>

#include "process_internal.h"

struct process *init_process;

static void limits_init(struct process *p)
{
	static const struct {
		unsigned which;
		u64 soft, hard;
	} start[] = {
		{RLIMIT_STACK, 8 << 20, RLIM_INFINITY},
		{RLIMIT_CORE, 0, RLIM_INFINITY},
		{RLIMIT_NOFILE, 1024, 4096},
		{RLIMIT_MEMLOCK, 8 << 20, 8 << 20},
		{RLIMIT_MSGQUEUE, 819200, 819200},
		{RLIMIT_NICE, 0, 0},
		{RLIMIT_RTPRIO, 0, 0},
	};
	u64 threads = threads_max / 2;

	for (unsigned i = 0; i < NR_RLIMITS; i++)
		p->limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	for (unsigned i = 0; i < ARRAY_SIZE(start); i++)
		p->limits[start[i].which] = (struct rlimit){start[i].soft, start[i].hard};
	p->limits[RLIMIT_NPROC] = (struct rlimit){threads, threads};
	p->limits[RLIMIT_SIGPENDING] = (struct rlimit){threads, threads};
}

void process_init(void)
{
	cred_init();
	signal_init();
	fork_init();
	jobs_init();
	deliver_init();
	unshare_init();
	oom_init();
	sigio_init();
	rseq_init();
	futex_init();
	/*
	 * A thread costs at least its stack and the page tables of a small process: an eighth of
	 * memory for them.
	 */
	struct mem_info mem;

	mm_stat(&mem);
	u64 fit = mem.total * PAGE_SIZE / (8 * KSTACK_SIZE);
	threads_max = (u32)clamp(fit, (u64)20, (u64)PID_MAX_LIMIT);
}

/* Standard input, output and error on the console. */
static void open_console(void)
{
	struct file *f;
	int err = filp_open("/dev/console", O_RDWR, 0, &f);

	if (err) {
		log_warn("init: no /dev/console (error %d): no standard input and output", -err);
		return;
	}
	for (int i = 0; i < 3; i++) {
		int fd = fd_alloc(file_get(f), 0);
		if (fd < 0)
			file_put(f);
	}
	file_put(f);
}

static const struct init_request *request;

static int try_init(const char *path)
{
	request->argv[0] = path;
	return process_exec_kernel(path, request->argv, request->envp);
}

/* The program that the command line names must run. */
static void run_asked(const char *path, const char *option)
{
	int err = try_init(path);

	if (err)
		panic("cannot run %s (%s): error %d", path, option, -err);
}

static void run_init(void)
{
	static const char *const usual[] = {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
	int err;

	if (request->initramfs) {
		const char *path = request->rdinit ? request->rdinit : "/init";

		err = try_init(path);
		if (!err)
			return;
		if (request->rdinit || err != -ENOENT)
			panic("cannot run %s of the initramfs: error %d", path, -err);
	}
	if (request->init) {
		run_asked(request->init, "init=");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(usual); i++) {
		err = try_init(usual[i]);
		if (!err)
			return;
		if (err != -ENOENT)
			log_err("init: cannot run %s: error %d", usual[i], -err);
	}
	panic("no init found: try init= on the command line");
}

/* Returns to user mode as init. */
static void init_thread(void *unused)
{
	open_console();
	run_init();
}

static int link_init(struct thread *t, struct process *p)
{
	struct task *task;
	int err = task_create(t, p);

	if (err)
		return err;
	task = task_of(t);
	err = pid_create(&task->pid);
	if (err)
		return err;
	guard_spin_irq(&tree_lock);
	struct pid *pid = task->pid;

	t->tid = pid->nr;
	pid->thread = t;
	pid->process = p;
	p->pid = pid_get(pid);
	p->leader = thread_get(t);
	p->group = pid_get(pid);
	p->session = pid_get(pid);
	pid_use(pid);
	pid_use(pid);
	p->session_leader = false;
	list_push_back(&pid->group_members, &p->group_link);
	list_push_back(&pid->session_members, &p->session_link);
	list_push_back(&p->threads, &task->link);
	list_push_back(&all_processes, &p->all_link);
	p->nr_threads = p->live = 1;
	p->exit_signal = SIGCHLD;
	signal_thread_add(&task->sig);
	return 0;
}

void init_process_start(const struct init_request *req)
{
	struct signal_actions *actions = signal_actions_create(NULL);
	struct process *p = process_create();
	struct thread *t;
	int err = -ENOMEM;

	if (actions && p)
		err = thread_create(&t, "init");
	if (!err) {
		signal_shared_init(&p->sig, actions);
		p->sig.flags |= SIGNAL_UNKILLABLE;
		limits_init(p);
		t->cred = &init_cred;
		err = link_init(t, p);
	}
	if (!err)
		err = files_create(&t->files);
	if (!err)
		err = fs_fork(init_fs, false, &t->fs);
	if (err)
		panic("no memory for the first process");
	atomic_inc(&init_cred.user->nr_processes);
	atomic_inc(&nr_threads_total);
	init_process = p;
	request = req;
	arch_thread_kernel(t, init_thread, NULL);
	thread_start(t);
	thread_put(t);
}
