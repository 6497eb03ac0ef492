/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process part of /proc, between its files.
 *
 * A file belongs to a struct pid and a kind; what it shows is looked up each time, so a file kept
 * open after the process died answers ESRCH.
 */
#pragma once

#include <fs/textfs/textfs.h>
#include <kernel/proc/process.h>

/* inode.private of everything below /proc/PID. */
struct pid_node {
	struct text_owner owner;
	struct pid *pid;               /* [I] counted */
	const struct pid_entry *entry; /* [I] NULL for fd entries */
	int fd;                        /* [I] of an fd entry */
	bool thread;                   /* [I] below task/TID: this thread alone */
};

/* A fixed name in a process's directory. */
struct pid_entry {
	const char *name;
	u32 mode;
	/* Text files.  `t` is the thread (the leader for a process's files). */
	int (*show)(struct seq *out, struct thread *t, bool thread);
	ssize_t (*store)(const char *buf, size_t len, struct thread *t);
	/* Links. */
	int (*link)(struct thread *t, struct path *out);
	const struct file_ops *fops;
	const struct inode_ops *iops;
	u32 ino;          /* of a name that is not in that directory itself */
	bool leader_only; /* not in task/TID */
	bool guarded;     /* needs may_access() */
};

#define PID_NODE(inode) container_of((struct text_owner *)(inode)->private, struct pid_node, owner)

/* The thread a node stands for, counted; NULL when it is gone. */
struct thread *pid_node_thread(const struct pid_node *n);

/* A new inode of kind `entry` (or with fd) for `pid`.  NULL when out of memory. */
struct inode *pid_inode(struct superblock *sb, struct pid *pid, const struct pid_entry *entry,
			u32 mode, bool thread, int fd);

/* procfs_status.c */
int show_stat(struct seq *out, struct thread *t, bool thread);
int show_statm(struct seq *out, struct thread *t, bool thread);
int show_status(struct seq *out, struct thread *t, bool thread);
int show_comm(struct seq *out, struct thread *t, bool thread);
ssize_t store_comm(const char *buf, size_t len, struct thread *t);
int show_limits(struct seq *out, struct thread *t, bool thread);
int show_io(struct seq *out, struct thread *t, bool thread);
int show_schedstat(struct seq *out, struct thread *t, bool thread);
int show_oom_score(struct seq *out, struct thread *t, bool thread);
int show_oom_score_adj(struct seq *out, struct thread *t, bool thread);
ssize_t store_oom_score_adj(const char *buf, size_t len, struct thread *t);
int show_personality(struct seq *out, struct thread *t, bool thread);
int show_cgroup(struct seq *out, struct thread *t, bool thread);

/* procfs_mm.c */
int show_cmdline(struct seq *out, struct thread *t, bool thread);
int show_environ(struct seq *out, struct thread *t, bool thread);
int show_auxv(struct seq *out, struct thread *t, bool thread);
int show_maps(struct seq *out, struct thread *t, bool thread);
int show_smaps(struct seq *out, struct thread *t, bool thread);
int show_smaps_rollup(struct seq *out, struct thread *t, bool thread);
int link_exe(struct thread *t, struct path *out);
extern const struct file_ops mem_ops;

/* procfs_fd.c */
int link_cwd(struct thread *t, struct path *out);
int link_root(struct thread *t, struct path *out);
int show_mounts(struct seq *out, struct thread *t, bool thread);
int show_mountinfo(struct seq *out, struct thread *t, bool thread);
extern const struct inode_ops fd_dir_iops, fdinfo_dir_iops, pid_link_iops;
extern const struct file_ops fd_dir_ops, fdinfo_dir_ops;

/* procfs_ns.c */
extern const struct inode_ops ns_dir_iops;
extern const struct file_ops ns_dir_ops;

/* procfs_system.c */
void procfs_system_init(void);
