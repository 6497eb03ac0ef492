/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID: stat, status, limits and other numbers about a process.  proc_pid_stat(5),
 * proc_pid_status(5).
 */
#include <arch/debug.h>
#include <arch/trapframe.h>
#include <fs/tty/tty.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/string.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/space.h>
#include <mm/stat.h>
#include <security/cred.h>

#include "procfs_internal.h"

#define TICK (NSEC_PER_SEC / 100)

static char state_letter(struct thread *t)
{
	return READ_ONCE(t->process->state) == PROCESS_ZOMBIE ? 'Z' : thread_state_letter(t);
}

/* What is read of a process at one moment. */
struct family {
	u32 ppid, pgrp, session, tgid;
	u32 tty_nr;
	int tpgid;
	unsigned nr_threads;
	int exit_signal;
	struct usage own, children;
};

static void read_family(struct thread *t, bool thread, struct family *f)
{
	struct process *p = t->process;
	guard_spin_irq(&tree_lock);

	f->tgid = process_id(p);
	f->ppid = p->parent ? process_id(p->parent) : 0;
	f->pgrp = pid_nr(p->group);
	f->session = pid_nr(p->session);
	f->tty_nr = p->tty ? (u32)tty_devnum(p->tty) : 0;
	f->tpgid = p->tty ? (int)tty_foreground(p->tty) : -1;
	f->nr_threads = p->nr_threads;
	f->exit_signal = p->exit_signal;
	f->children = p->children_usage;
	if (thread)
		usage_of_thread(t, &f->own);
	else
		process_usage(p, &f->own);
}

static void read_sets(struct thread *t, bool thread, ksigset_t *pending, ksigset_t *shared,
		      ksigset_t *blocked, ksigset_t *ignored, ksigset_t *caught)
{
	struct signal_shared *sh = t->sig->shared;
	guard_spin_irq(&sh->lock);

	*pending = t->sig->pending.set;
	*shared = sh->pending.set;
	*blocked = t->sig->blocked;
	*ignored = *caught = 0;
	for (int i = 0; i < KSIG_COUNT; i++) {
		unsigned long h = sh->actions->action[i].handler;

		if (h == (unsigned long)SIG_IGN)
			*ignored |= KSIG_BIT(i + 1);
		else if (h != (unsigned long)SIG_DFL)
			*caught |= KSIG_BIT(i + 1);
	}
}

/* dev_t as stat(5) prints it: minor bits split around the major. */
static u32 old_dev(u32 dev)
{
	u32 major = MAJOR(dev), minor = MINOR(dev);

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

int show_stat(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);
	struct family f;
	ksigset_t pending, shared, blocked, ignored, caught;
	bool see = may_access(t->process);

	read_family(t, thread, &f);
	read_sets(t, thread, &pending, &shared, &blocked, &ignored, &caught);
	seq_printf(out, "%u (%s) %c %u %u %u %u %d %u", thread ? t->tid : f.tgid, t->comm,
		   state_letter(t), f.ppid, f.pgrp, f.session, old_dev(f.tty_nr), f.tpgid,
		   t->kthread ? 0x200000u : 0x400000u);
	seq_printf(out, " %llu %llu %llu %llu", f.own.minflt, f.children.minflt, f.own.majflt,
		   f.children.majflt);
	seq_printf(out, " %llu %llu %llu %llu", f.own.utime / TICK, f.own.stime / TICK,
		   f.children.utime / TICK, f.children.stime / TICK);
	seq_printf(out, " %d %d %u 0 %llu", sched_proc_priority(t), sched_nice(t), f.nr_threads,
		   task_of(t)->start_boot_ns / TICK);
	seq_printf(out, " %llu %llu %llu", mm ? mm->total_vm * PAGE_SIZE : 0,
		   mm ? mm_rss_total(mm) : 0, (u64)t->process->limits[RLIMIT_RSS].rlim_cur);
	seq_printf(out, " %lu %lu %lu 0 0",
		   mm && see ? mm->start_code
		   : mm      ? 1ul
			     : 0ul,
		   mm && see ? mm->end_code
		   : mm      ? 1ul
			     : 0ul,
		   mm && see ? mm->start_stack : 0ul);
	seq_printf(out, " %llu %llu %llu %llu 0 0 0", pending & 0x7fffffff, blocked & 0x7fffffff,
		   ignored & 0x7fffffff, caught & 0x7fffffff);
	struct sched_attrs attr;
	sched_getattr(t, &attr);
	seq_printf(out, " %d %u %u %u 0 0 0", f.exit_signal, t->cpu,
		   attr.policy == 1 || attr.policy == 2 ? attr.priority : 0, attr.policy);
	seq_printf(out, " %lu %lu %lu %lu %lu %lu %lu %d\n", mm && see ? mm->start_data : 0ul,
		   mm && see ? mm->end_data : 0ul, mm && see ? mm->start_brk : 0ul,
		   mm && see ? mm->arg_start : 0ul, mm && see ? mm->arg_end : 0ul,
		   mm && see ? mm->env_start : 0ul, mm && see ? mm->env_end : 0ul,
		   see ? t->process->exit_status : 0);
	if (mm)
		mm_put(mm);
	return 0;
}

int show_statm(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);

	if (!mm) {
		seq_puts(out, "0 0 0 0 0 0 0\n");
		return 0;
	}
	u64 shared = (u64)(mm_rss(mm, RSS_FILE) + mm_rss(mm, RSS_SHMEM));
	u64 text = (ALIGN_UP(mm->end_code, PAGE_SIZE) - ALIGN_DOWN(mm->start_code, PAGE_SIZE)) >>
		   PAGE_SHIFT;
	seq_printf(out, "%llu %llu %llu %llu 0 %llu 0\n", mm->total_vm, mm_rss_total(mm), shared,
		   text, mm->data_vm + mm->stack_vm);
	mm_put(mm);
	return 0;
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	case 'I': return "I (idle)";
	default: return "X (dead)";
	}
}

static void show_ids(struct seq *out, struct thread *t)
{
	const struct cred *c = cred_of(t);

	seq_printf(out, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
	seq_printf(out, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
	seq_printf(out, "FDSize:\t%u\nGroups:\t", files_size_of(t));
	for (u32 i = 0; i < c->groups->count; i++)
		seq_printf(out, "%u ", c->groups->gids[i]);
	seq_putc(out, '\n');
	cred_put(c);
}

static void kb(struct seq *out, const char *name, u64 pages)
{
	seq_printf(out, "%s:\t%8llu kB\n", name, pages * (PAGE_SIZE / 1024));
}

static void show_memory(struct seq *out, struct mm *mm)
{
	u64 rss = mm_rss_total(mm);

	kb(out, "VmPeak", max(mm->hiwater_vm, mm->total_vm));
	kb(out, "VmSize", mm->total_vm);
	kb(out, "VmLck", mm->locked_vm);
	kb(out, "VmPin", mm->pinned_vm);
	kb(out, "VmHWM", max(mm->hiwater_rss, rss));
	kb(out, "VmRSS", rss);
	kb(out, "RssAnon", (u64)mm_rss(mm, RSS_ANON));
	kb(out, "RssFile", (u64)mm_rss(mm, RSS_FILE));
	kb(out, "RssShmem", (u64)mm_rss(mm, RSS_SHMEM));
	kb(out, "VmData", mm->data_vm);
	kb(out, "VmStk", mm->stack_vm);
	kb(out, "VmExe",
	   (ALIGN_UP(mm->end_code, PAGE_SIZE) - ALIGN_DOWN(mm->start_code, PAGE_SIZE)) >>
		   PAGE_SHIFT);
	kb(out, "VmLib", mm->exec_vm);
	kb(out, "VmPTE", mm->nr_tables);
	kb(out, "VmSwap", (u64)mm_rss(mm, RSS_SWAP));
	seq_puts(out, "CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n");
}

static void show_signals(struct seq *out, struct thread *t, bool thread, unsigned nr_threads)
{
	ksigset_t pending, shared, blocked, ignored, caught;
	const struct cred *c = cred_of(t);

	read_sets(t, thread, &pending, &shared, &blocked, &ignored, &caught);
	seq_printf(out, "Threads:\t%u\nSigQ:\t%u/%llu\n", nr_threads,
		   atomic_load(&c->user->nr_sigqueue),
		   (u64)t->process->limits[RLIMIT_SIGPENDING].rlim_cur);
	seq_printf(out,
		   "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:"
		   "\t%016llx\n",
		   pending, shared, blocked, ignored, caught);
	seq_printf(out,
		   "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:"
		   "\t%016llx\n",
		   c->cap_inheritable, c->cap_permitted, c->cap_effective, c->cap_bounding,
		   c->cap_ambient);
	seq_printf(out, "NoNewPrivs:\t%u\nSeccomp:\t0\n", c->no_new_privs);
	cred_put(c);
}

static void show_cpus(struct seq *out, struct thread *t)
{
	struct cpumask m;
	unsigned first = 0;
	bool any = false;

	sched_getaffinity(t, &m);
	seq_printf(out, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t", m.bits[0]);
	for (unsigned cpu = 0; cpu <= nr_cpus; cpu++) {
		bool on = cpu < nr_cpus && cpumask_test(&m, cpu);
		bool was = cpu && cpumask_test(&m, cpu - 1);

		if (on && !was)
			first = cpu;
		if (!on && was && cpu) {
			seq_printf(out, cpu - 1 > first ? "%s%u-%u" : "%s%u", any ? "," : "", first,
				   cpu - 1);
			any = true;
		}
	}
	seq_puts(out, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int show_status(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);
	struct family f;

	read_family(t, thread, &f);
	seq_puts(out, "Name:\t");
	seq_escape(out, t->comm, "\n\\");
	seq_printf(out,
		   "\nUmask:\t%04o\nState:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%"
		   "u\nTracerPid:\t0\n",
		   fs_umask_of(t), state_name(state_letter(t)), f.tgid,
		   thread ? t->tid : f.tgid, f.ppid);
	show_ids(out, t);
	seq_printf(out, "NStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\nKthread:\t%d\n", f.tgid,
		   thread ? t->tid : f.tgid, f.pgrp, f.session, t->kthread ? 1 : 0);
	if (mm)
		show_memory(out, mm);
	show_signals(out, t, thread, f.nr_threads);
	seq_puts(out, "Speculation_Store_Bypass:\tthread "
		      "vulnerable\nSpeculationIndirectBranch:\talways enabled\n");
	show_cpus(out, t);
	seq_printf(out, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   (u64)t->se.nvcsw, (u64)t->se.nivcsw);
	if (mm)
		mm_put(mm);
	return 0;
}

int show_comm(struct seq *out, struct thread *t, bool thread)
{
	seq_printf(out, "%s\n", t->comm);
	return 0;
}

ssize_t store_comm(const char *buf, size_t len, struct thread *t)
{
	char name[THREAD_COMM_LEN];
	size_t n = min(len, sizeof(name) - 1);

	if (t->process != process_current())
		return -EINVAL;
	memcpy(name, buf, n);
	name[n] = 0;
	thread_set_comm(t, name);
	return (ssize_t)len;
}

static const struct {
	const char *name, *unit;
} limit_names[NR_RLIMITS] = {
	[RLIMIT_CPU] = {"Max cpu time", "seconds"},
	[RLIMIT_FSIZE] = {"Max file size", "bytes"},
	[RLIMIT_DATA] = {"Max data size", "bytes"},
	[RLIMIT_STACK] = {"Max stack size", "bytes"},
	[RLIMIT_CORE] = {"Max core file size", "bytes"},
	[RLIMIT_RSS] = {"Max resident set", "bytes"},
	[RLIMIT_NPROC] = {"Max processes", "processes"},
	[RLIMIT_NOFILE] = {"Max open files", "files"},
	[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
	[RLIMIT_AS] = {"Max address space", "bytes"},
	[RLIMIT_LOCKS] = {"Max file locks", "locks"},
	[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
	[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
	[RLIMIT_NICE] = {"Max nice priority", ""},
	[RLIMIT_RTPRIO] = {"Max realtime priority", ""},
	[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void limit_column(struct seq *out, u64 v)
{
	if (v == RLIM_INFINITY)
		seq_printf(out, "%-20s ", "unlimited");
	else
		seq_printf(out, "%-20llu ", v);
}

int show_limits(struct seq *out, struct thread *t, bool thread)
{
	struct rlimit limits[NR_RLIMITS];
	{
		guard_spin_irq(&t->process->limits_lock);
		memcpy(limits, t->process->limits, sizeof(limits));
	}
	seq_printf(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < NR_RLIMITS; i++) {
		seq_printf(out, "%-25s ", limit_names[i].name);
		limit_column(out, limits[i].rlim_cur);
		limit_column(out, limits[i].rlim_max);
		seq_printf(out, "%-10s\n", limit_names[i].unit);
	}
	return 0;
}

int show_io(struct seq *out, struct thread *t, bool thread)
{
	seq_printf(out,
		   "rchar: %llu\nwchar: %llu\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: "
		   "0\ncancelled_write_bytes: 0\n",
		   READ_ONCE(t->io_read), READ_ONCE(t->io_written));
	return 0;
}

int show_schedstat(struct seq *out, struct thread *t, bool thread)
{
	seq_printf(out, "%llu 0 %llu\n", thread_runtime(t), (u64)(t->se.nvcsw + t->se.nivcsw));
	return 0;
}

int show_personality(struct seq *out, struct thread *t, bool thread)
{
	seq_printf(out, "%08x\n", t->process->personality);
	return 0;
}

/* One group holds all until there are controllers. */
int show_cgroup(struct seq *out, struct thread *t, bool thread)
{
	seq_puts(out, "0::/\n");
	return 0;
}

int show_oom_score(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);
	struct mem_info mem;
	s64 points = 0;

	mm_stat(&mem);
	if (mm) {
		points = (s64)(mm_rss_total(mm) + mm->nr_tables);
		mm_put(mm);
	}
	/* In thousandths of memory, around 2/3 of a thousand as Linux shows it. */
	s64 adj = READ_ONCE(t->process->oom_score_adj);
	s64 score = (1000 + points * 1000 / (s64)max(mem.total, 1ull) + adj) * 2 / 3;
	seq_printf(out, "%lld\n", max(score, (s64)0));
	return 0;
}

int show_oom_score_adj(struct seq *out, struct thread *t, bool thread)
{
	seq_printf(out, "%d\n", READ_ONCE(t->process->oom_score_adj));
	return 0;
}

ssize_t store_oom_score_adj(const char *buf, size_t len, struct thread *t)
{
	char text[16];
	size_t n = min(len, sizeof(text) - 1);
	s64 v;

	memcpy(text, buf, n);
	while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	text[n] = 0;
	if (parse_s64(text, 10, &v) || v < -1000 || v > 1000)
		return -EINVAL;
	if (v < READ_ONCE(t->process->oom_score_adj) && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	WRITE_ONCE(t->process->oom_score_adj, (int)v);
	return (ssize_t)len;
}
