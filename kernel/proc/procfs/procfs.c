/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID, /proc/PID/task/TID, /proc/self, /proc/thread-self.
 *
 * The directories are made up when looked at: a name that is a number finds its struct pid, a name
 * in a process's directory finds its row in the table below.  Inodes hold the struct pid, so a
 * reused number never shows another process under an old open file.
 */
#include <fs/proc/proc.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "procfs_internal.h"

#define PID_INO(nr, i) ((u64)(nr) << 20 | (i))

static const struct inode_ops pid_dir_iops, task_dir_iops;
static const struct file_ops pid_dir_ops, task_dir_ops;

#define TEXT(name_, mode_, show_)                                                                  \
	{                                                                                          \
		.name = name_, .mode = S_IFREG | (mode_), .show = show_                            \
	}
#define GUARDED(name_, mode_, show_)                                                               \
	{                                                                                          \
		.name = name_, .mode = S_IFREG | (mode_), .show = show_, .guarded = true           \
	}
#define LINK(name_, link_)                                                                         \
	{                                                                                          \
		.name = name_, .mode = S_IFLNK | 0777, .link = link_, .iops = &pid_link_iops,      \
		.guarded = true                                                                    \
	}
#define DIR(name_, mode_, iops_, fops_)                                                            \
	{                                                                                          \
		.name = name_, .mode = S_IFDIR | (mode_), .iops = &iops_, .fops = &fops_           \
	}

static const struct pid_entry entries[] = {
	{.name = "task",
	 .mode = S_IFDIR | 0555,
	 .iops = &task_dir_iops,
	 .fops = &task_dir_ops,
	 .leader_only = true},
	{.name = "fd",
	 .mode = S_IFDIR | 0500,
	 .iops = &fd_dir_iops,
	 .fops = &fd_dir_ops,
	 .guarded = true},
	{.name = "fdinfo",
	 .mode = S_IFDIR | 0555,
	 .iops = &fdinfo_dir_iops,
	 .fops = &fdinfo_dir_ops,
	 .guarded = true},
	GUARDED("environ", 0400, show_environ),
	GUARDED("auxv", 0400, show_auxv),
	TEXT("status", 0444, show_status),
	TEXT("personality", 0400, show_personality),
	TEXT("limits", 0444, show_limits),
	{.name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm},
	TEXT("cmdline", 0444, show_cmdline),
	TEXT("stat", 0444, show_stat),
	TEXT("statm", 0444, show_statm),
	GUARDED("maps", 0444, show_maps),
	{.name = "mem", .mode = S_IFREG | 0600, .fops = &mem_ops, .guarded = true},
	LINK("cwd", link_cwd),
	LINK("root", link_root),
	LINK("exe", link_exe),
	DIR("ns", 0511, ns_dir_iops, ns_dir_ops),
	TEXT("mounts", 0444, show_mounts),
	TEXT("mountinfo", 0444, show_mountinfo),
	GUARDED("smaps", 0444, show_smaps),
	GUARDED("smaps_rollup", 0444, show_smaps_rollup),
	TEXT("schedstat", 0444, show_schedstat),
	TEXT("cgroup", 0444, show_cgroup),
	TEXT("oom_score", 0444, show_oom_score),
	{.name = "oom_score_adj",
	 .mode = S_IFREG | 0644,
	 .show = show_oom_score_adj,
	 .store = store_oom_score_adj},
	GUARDED("io", 0400, show_io),
};

/* Nodes. */

static void node_release(struct text_owner *owner)
{
	struct pid_node *n = container_of(owner, struct pid_node, owner);

	pid_put(n->pid);
	kfree(n);
}

static bool node_alive(struct text_owner *owner)
{
	struct pid_node *n = container_of(owner, struct pid_node, owner);

	return n->thread ? READ_ONCE(n->pid->thread) != NULL : READ_ONCE(n->pid->process) != NULL;
}

struct thread *pid_node_thread(const struct pid_node *n)
{
	guard_rcu();
	struct thread *t;

	if (!n->thread) {
		struct process *p = rcu_dereference(n->pid->process);

		return p ? process_leader_get(p) : NULL;
	}
	t = rcu_dereference(n->pid->thread);
	return t && refcount_get_unless_zero(&t->refs) ? t : NULL;
}

static void set_owner(struct inode *inode, const struct pid_node *n)
{
	struct thread *t = pid_node_thread(n);
	const struct cred *cred;

	if (!t)
		return;
	/* The files of a process that may not be looked into belong to root. */
	cred = cred_of(t);
	if (READ_ONCE(t->process->dumpable) || S_ISDIR(inode->mode)) {
		inode->uid = cred->euid;
		inode->gid = cred->egid;
	}
	cred_put(cred);
	thread_put(t);
}

static int text_open(struct inode *inode, struct file *file);
static const struct file_ops pid_text_ops = {.open = text_open};

static u64 entry_ino(const struct pid_entry *entry)
{
	if (entry >= entries && entry < entries + ARRAY_SIZE(entries))
		return (u64)(entry - entries) + 2;
	return entry && entry->ino ? entry->ino : 1;
}

struct inode *pid_inode(struct superblock *sb, struct pid *pid, const struct pid_entry *entry,
			u32 mode, bool thread, int fd)
{
	struct pid_node *n = kzalloc(sizeof(*n), GFP_KERNEL);
	struct inode *inode;

	if (!n)
		return NULL;
	n->owner.release = node_release;
	n->owner.alive = node_alive;
	n->pid = pid_get(pid);
	n->entry = entry;
	n->thread = thread;
	n->fd = fd;
	u64 ino = entry_ino(entry);
	if (fd >= 0)
		ino = 0x1000 + (u64)fd;
	inode = text_inode(sb, mode, PID_INO(pid->nr, ino | (thread ? 0x80000u : 0)), &n->owner);
	if (!inode) {
		node_release(&n->owner);
		return NULL;
	}
	if (entry && entry->iops)
		inode->ops = entry->iops;
	if (entry)
		inode->fops = entry->fops ? entry->fops : &pid_text_ops;
	if (S_ISLNK(mode))
		inode->flags |= S_MAGIC_LINK;
	set_owner(inode, n);
	return inode;
}

/* Text. */

static bool allowed(const struct pid_node *n, struct thread *t)
{
	return !n->entry->guarded || may_access(t->process);
}

static int node_show(struct seq *out, void *arg)
{
	struct inode *inode = arg;
	struct pid_node *n = PID_NODE(inode);
	struct thread *t = pid_node_thread(n);
	int err;

	if (!t)
		return -ESRCH;
	err = allowed(n, t) ? n->entry->show(out, t, n->thread) : -EACCES;
	thread_put(t);
	return err;
}

static ssize_t node_store(const char *buf, size_t len, void *arg)
{
	struct inode *inode = arg;
	struct pid_node *n = PID_NODE(inode);
	struct thread *t = pid_node_thread(n);
	ssize_t ret;

	if (!t)
		return -ESRCH;
	ret = n->entry->store(buf, len, t);
	thread_put(t);
	return ret;
}

static void put_inode(void *arg)
{
	inode_put(arg);
}

static int text_open(struct inode *inode, struct file *file)
{
	struct pid_node *n = PID_NODE(inode);
	struct thread *t = pid_node_thread(n);
	int err;

	if (!t)
		return -ESRCH;
	err = allowed(n, t) ? 0 : -EACCES;
	thread_put(t);
	if (err)
		return err;
	err = text_file_open(file, node_show, n->entry->store ? node_store : NULL, inode_get(inode),
			     put_inode);
	if (err)
		inode_put(inode);
	return err;
}

/* One process's directory. */

static const struct pid_entry *find_entry(const char *name, size_t len, bool thread)
{
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		if (strlen(entries[i].name) == len && !memcmp(entries[i].name, name, len))
			return thread && entries[i].leader_only ? NULL : &entries[i];
	}
	return NULL;
}

static int pid_dir_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct pid_node *n = PID_NODE(dir);
	const struct pid_entry *e = find_entry(dentry->name, dentry->len, n->thread);
	struct inode *inode;

	if (!e)
		return -ENOENT;
	inode = pid_inode(dir->sb, n->pid, e, e->mode, n->thread, -1);
	if (!inode)
		return -ENOMEM;
	d_add(dentry, inode);
	return 0;
}

static int pid_dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct pid_node *n = PID_NODE(file->inode);

	if (!dir_emit_dots(file, ctx))
		return 0;
	for (; ctx->pos - 2 < (loff_t)ARRAY_SIZE(entries); ctx->pos++) {
		const struct pid_entry *e = &entries[ctx->pos - 2];

		if (n->thread && e->leader_only)
			continue;
		if (!dir_emit(ctx, e->name, strlen(e->name),
			      PID_INO(n->pid->nr, (u64)(e - entries) + 2), e->mode >> 12))
			return 0;
	}
	return 0;
}

static const struct inode_ops pid_dir_iops = {.lookup = pid_dir_lookup};
static const struct file_ops pid_dir_ops = {.iterate = pid_dir_iterate, .lseek = generic_lseek};
static const struct pid_entry pid_dir = {
	.mode = S_IFDIR | 0555, .iops = &pid_dir_iops, .fops = &pid_dir_ops};

struct pid *procfs_dir_pid(const struct file *file)
{
	struct pid_node *n = file->ops == &pid_dir_ops ? PID_NODE(file->inode) : NULL;

	return n && !n->thread ? n->pid : NULL;
}

static int parse_nr(const char *name, size_t len, u32 *nr)
{
	char buf[12];
	u64 v;

	if (!len || len >= sizeof(buf) || (name[0] == '0' && len > 1))
		return -ENOENT;
	memcpy(buf, name, len);
	buf[len] = 0;
	if (buf[0] < '0' || buf[0] > '9' || parse_u64(buf, 10, &v) || v > PID_MAX_LIMIT)
		return -ENOENT;
	*nr = (u32)v;
	return 0;
}

/* Threads of a process. */

static int task_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct pid_node *n = PID_NODE(dir);
	struct inode *inode = NULL;
	struct thread *t;
	int err = -ENOENT;
	u32 nr;

	if (parse_nr(dentry->name, dentry->len, &nr))
		return -ENOENT;
	t = pid_thread_get(nr);
	if (!t)
		return -ENOENT;
	if (t->process && t->process->pid == n->pid) {
		inode = pid_inode(dir->sb, task_of(t)->pid, &pid_dir, pid_dir.mode, true, -1);
		err = inode ? 0 : -ENOMEM;
	}
	thread_put(t);
	if (!err)
		d_add(dentry, inode);
	return err;
}

/* The number of the index'th thread, 0 at the end. */
static u32 nth_thread(struct pid *pid, u64 index)
{
	guard_rcu();
	struct process *p = rcu_dereference(pid->process);
	struct task *task;

	if (!p)
		return 0;
	list_for_each_rcu(task, &p->threads, link)
	{
		if (!index--)
			return task->pid->nr;
	}
	return 0;
}

static int task_iterate(struct file *file, struct dir_context *ctx)
{
	struct pid_node *n = PID_NODE(file->inode);
	char name[12];
	u32 nr;

	if (!dir_emit_dots(file, ctx))
		return 0;
	for (; (nr = nth_thread(n->pid, (u64)ctx->pos - 2)); ctx->pos++) {
		int len = snprintf(name, sizeof(name), "%u", nr);

		if (!dir_emit(ctx, name, (size_t)len, PID_INO(nr, 0x80001), DT_DIR))
			return 0;
	}
	return 0;
}

static const struct inode_ops task_dir_iops = {.lookup = task_lookup};
static const struct file_ops task_dir_ops = {.iterate = task_iterate, .lseek = generic_lseek};

/* The root: numbers, self, thread-self. */

static ssize_t self_text(char *buf, size_t size, bool thread)
{
	u32 tgid = process_id(process_current());

	if (thread)
		return snprintf(buf, size, "%u/task/%u", tgid, thread_current()->tid);
	return snprintf(buf, size, "%u", tgid);
}

static void free_text(void *arg)
{
	kfree(arg);
}

static int self_link(struct inode *inode, struct dentry *dentry, struct link_body *out, bool thread)
{
	char *text;

	if (!dentry)
		return -ECHILD;
	text = kmalloc(32, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	self_text(text, 32, thread);
	*out = (struct link_body){.text = text, .done = free_text, .arg = text};
	return 0;
}

static int self_get_link(struct dentry *dentry, struct inode *inode, struct link_body *out)
{
	return self_link(inode, dentry, out, false);
}

static int thread_self_get_link(struct dentry *dentry, struct inode *inode, struct link_body *out)
{
	return self_link(inode, dentry, out, true);
}

static const struct inode_ops self_iops = {.get_link = self_get_link};
static const struct inode_ops thread_self_iops = {.get_link = thread_self_get_link};
static struct text_owner no_owner;

static struct inode *self_inode(struct superblock *sb, const struct inode_ops *ops, u64 ino)
{
	struct inode *inode = text_inode(sb, S_IFLNK | 0777, ino, &no_owner);

	if (inode)
		inode->ops = ops;
	return inode;
}

static int root_lookup(struct superblock *sb, const char *name, size_t len, struct inode **out)
{
	struct process *p = NULL;
	u32 nr;

	if (len == 4 && !memcmp(name, "self", 4)) {
		*out = self_inode(sb, &self_iops, PID_INO(0, 1));
		return *out ? 0 : -ENOMEM;
	}
	if (len == 11 && !memcmp(name, "thread-self", 11)) {
		*out = self_inode(sb, &thread_self_iops, PID_INO(0, 2));
		return *out ? 0 : -ENOMEM;
	}
	/* A thread's number is found too, though not listed: it shows its process. */
	if (parse_nr(name, len, &nr) || !(p = process_find_get(nr)))
		return -ENOENT;
	struct pid *pid = pid_find_get(nr);
	*out = pid ? pid_inode(sb, pid, &pid_dir, pid_dir.mode, pid != p->pid, -1) : NULL;
	process_put(p);
	int err = pid ? (*out ? 0 : -ENOMEM) : -ENOENT;
	pid_put(pid);
	return err;
}

/* The next process at or above `nr`; 0 at the end. */
static u32 next_process(u32 nr)
{
	guard_rcu();
	struct pid *pid;

	for (; (pid = pid_next(nr)); nr = pid->nr + 1) {
		if (rcu_dereference(pid->process))
			return pid->nr;
	}
	return 0;
}

static int root_iterate(struct file *file, struct dir_context *ctx)
{
	loff_t first = TEXT_DYNAMIC_POS;
	char name[12];
	u32 nr;

	if (ctx->pos == first && !dir_emit(ctx, "self", 4, PID_INO(0, 1), DT_LNK))
		return 0;
	ctx->pos = max(ctx->pos, first + 1);
	if (ctx->pos == first + 1 && !dir_emit(ctx, "thread-self", 11, PID_INO(0, 2), DT_LNK))
		return 0;
	ctx->pos = max(ctx->pos, first + 2);
	while ((nr = next_process((u32)(ctx->pos - first - 1)))) {
		int len = snprintf(name, sizeof(name), "%u", nr);

		ctx->pos = first + 1 + nr;
		if (!dir_emit(ctx, name, (size_t)len, PID_INO(nr, 1), DT_DIR))
			return 0;
		ctx->pos++;
	}
	return 0;
}

void procfs_init(void)
{
	proc_set_dynamic(root_lookup, root_iterate);
	text_link(proc_root(), "mounts", "self/mounts");
	procfs_system_init();
}
