/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execve(2): a process becomes another program.
 *
 * Everything that can fail for a reason of the caller's is done first, beside the old program:
 * opening, reading the header, copying strings, building the new address space and credentials.
 * Then the point of no return: other threads die, the new space is loaded, marked descriptors
 * close, handlers are reset.  What fails after it (no memory for the stack's pages) kills the
 * process, as there is no program left to tell.
 *
 * A file that begins with #! is opened again as its interpreter, with the script's name as an
 * argument, to a depth of five.
 */
#include <kernel/proc/process.h>

#include <arch/abi.h>
#include <arch/thread.h>
#include <arch/trapframe.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/namei.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/personality.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/ipc/futex.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/sched.h>
#include <kernel/time/vdso_data.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "exec_internal.h"
#include "process_internal.h"

/* Files. */

int exec_open(int dfd, const char *name, unsigned lookup, struct file **out)
{
	struct path path;
	int err = path_lookup(dfd, name, lookup, &path);

	if (err)
		return err;
	struct inode *inode = path.dentry->inode;

	if (S_ISLNK(inode->mode))
		err = -ELOOP; /* not to be followed */
	else if (!S_ISREG(inode->mode) || (path.mnt->flags & MNT_NOEXEC))
		err = -EACCES;
	if (!err)
		err = inode_permission(inode, MAY_EXEC | MAY_OPEN);
	if (!err)
		err = inode_deny_write(inode);
	if (err)
		goto put_path;
	err = file_open(&path, O_RDONLY | O_LARGEFILE, cred_current(), out);
	if (err)
		inode_allow_write(inode);
	else
		(*out)->mode |= FMODE_DENY_WRITE;
put_path:
	path_put(&path);
	return err;
}

static int read_head(struct exec *x)
{
	loff_t pos = 0;
	ssize_t n;

	memset(x->head, 0, sizeof(x->head));
	n = file_read(x->file, x->head, sizeof(x->head), &pos);
	return n < 0 ? (int)n : 0;
}

/* Scripts. */

static char *skip_blanks(char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/*
 * Cut the line into interpreter and at most one argument.  Returns -ENOEXEC when the first line is
 * not whole.
 */
static int parse_script_line(char *line, size_t size, char **interp, char **arg)
{
	char *end = memchr(line, '\n', size);

	if (!end) {
		/* A long line may lose the tail of its argument, never of the interpreter's name.
		 */
		end = line + size - 1;
		char *name = skip_blanks(line);
		bool whole = !line[size - 1] || memchr(name, ' ', (size_t)(end - name)) ||
			     memchr(name, '\t', (size_t)(end - name));
		if (!whole)
			return -ENOEXEC;
	}
	*end = 0;
	end = line + strlen(line);
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	*interp = skip_blanks(line);
	if (!**interp)
		return -ENOEXEC;
	*arg = *interp;
	while (**arg && **arg != ' ' && **arg != '\t')
		(*arg)++;
	if (**arg) {
		*(*arg)++ = 0;
		*arg = skip_blanks(*arg);
	}
	if (!**arg)
		*arg = NULL;
	return 0;
}

/* x->file is a script: make x the interpreter's.  Returns 0 with the new head read. */
static int load_script(struct exec *x)
{
	char line[EXEC_HEAD_SIZE];
	char *interp, *arg;
	int err;

	if (++x->depth > EXEC_SCRIPT_DEPTH)
		return -ELOOP;
	memcpy(line, x->head + 2, sizeof(line) - 2);
	line[sizeof(line) - 2] = 0;
	err = parse_script_line(line, sizeof(line) - 2, &interp, &arg);
	if (err)
		return err;
	/* Of a script that is the interpreter of a script, the name it was found by. */
	const char *path = x->interp_path ? x->interp_path : x->path;
	const char *with[3] = {interp, arg ? arg : path, path};
	err = exec_strings_replace_first(&x->strings, with, arg ? 3 : 2);
	if (err)
		return err;
	char *name = kstrdup(interp, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	kfree(x->interp_path);
	x->interp_path = name;
	file_put(x->file);
	x->file = NULL;
	err = exec_open(AT_FDCWD, name, LOOKUP_FOLLOW, &x->file);
	return err ? err : read_head(x);
}

/* Strings. */

/* All strings together may fill a quarter of the stack, of at most 6 MiB, at least 128 KiB. */
static size_t strings_limit(void)
{
	u64 limit = min(rlimit_get(RLIMIT_STACK) / 4, (u64)6 << 20);

	return max(limit, (u64)EXEC_ARG_LEN_MAX);
}

static int add_user_vector(struct exec_strings *s, const unsigned long __user *vec, unsigned *count)
{
	unsigned n = 0;

	for (; vec; n++, vec++) {
		unsigned long p;
		int err = get_user(p, vec);

		if (!err && !p)
			break;
		if (!err)
			err = exec_strings_add_user(s, (const char __user *)p);
		if (err)
			return err;
		if (n >= 0x7fffffff || (n + 1) * sizeof(p) + s->len > s->limit)
			return -E2BIG;
		if (signal_fatal_pending(thread_current()))
			return -ERESTARTNOHAND;
	}
	*count = n;
	return 0;
}

static int add_user_strings(struct exec *x, const unsigned long __user *argv,
			    const unsigned long __user *envp)
{
	struct exec_strings *s = &x->strings;
	int err = add_user_vector(s, argv, &s->argc);

	/*
	 * A program without even its name would read its environment as arguments: give it an empty
	 * one.
	 */
	if (!err && !s->argc) {
		err = exec_strings_add(s, "");
		s->argc = 1;
	}
	s->envp_at = s->len;
	return err ? err : add_user_vector(s, envp, &s->envc);
}

static int add_kernel_strings(struct exec *x, const char *const *argv, const char *const *envp)
{
	struct exec_strings *s = &x->strings;
	int err = 0;

	for (; !err && *argv; argv++, s->argc++)
		err = exec_strings_add(s, *argv);
	s->envp_at = s->len;
	for (; !err && *envp; envp++, s->envc++)
		err = exec_strings_add(s, *envp);
	return err;
}

/* Credentials: capabilities(7), "Transformation of capabilities during execve". */

static bool set_id_honoured(const struct exec *x)
{
	return !(x->file->path.mnt->flags & MNT_NOSUID) && !cred_current()->no_new_privs;
}

static int apply_set_ids(struct exec *x)
{
	const struct inode *inode = x->file->inode;
	struct cred *new = x->cred;
	u32 mode = READ_ONCE(inode->mode);

	if (!set_id_honoured(x))
		return 0;
	if (mode & S_ISUID)
		new->euid = inode->uid;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		new->egid = inode->gid;
	return 0;
}

static void apply_capabilities(struct exec *x)
{
	const struct cred *old = cred_current();
	struct cred *new = x->cred;
	bool ids_changed = new->euid != old->uid || new->egid != old->gid;
	bool root = !(new->securebits &issecure_mask(SECURE_NOROOT)) &&
		    (new->euid == 0 || new->uid == 0);
	u64 file_permitted = root ? CAP_FULL_SET : 0;
	bool file_effective = root && new->euid == 0;

	if (ids_changed)
		new->cap_ambient = 0;
	new->cap_permitted = (file_permitted & new->cap_bounding) |
			     (file_permitted & new->cap_inheritable) | new->cap_ambient;
	new->cap_effective = file_effective ? new->cap_permitted : new->cap_ambient;
	new->securebits &= ~issecure_mask(SECURE_KEEP_CAPS);
	new->suid = new->fsuid = new->euid;
	new->sgid = new->fsgid = new->egid;
	x->secure = ids_changed || (new->uid != 0 && (new->cap_effective & ~new->cap_ambient));
}

static int prepare_cred(struct exec *x)
{
	int err = cred_prepare(&x->cred);

	if (err)
		return err;
	/*
	 * As on Linux only the interpreter of a script counts, never the script: x->file is final
	 * here.
	 */
	err = apply_set_ids(x);
	apply_capabilities(x);
	return err;
}

/* The new address space. */

static paddr_t image_phys(const char *p)
{
	return boot_info.image_base + (u64)(p - __image_start);
}

static enum fault_code vdso_fault(struct vma *vma, struct fault *f)
{
	u64 page = f->pgoff - vma->pgoff;

	f->type = MEM_NORMAL;
	f->frame =
		page ? image_phys(arch_vdso_start) + ((page - 1) << PAGE_SHIFT) : vdso_data_phys();
	return VM_FAULT_PFN;
}

static const char *vdso_name(struct vma *vma)
{
	return vma->private;
}

static const struct vma_ops vdso_ops = {.fault = vdso_fault, .name = vdso_name};

/* The data page is the page before the image: the image finds it so. */
static int map_vdso(struct mm *mm)
{
	size_t image = (size_t)(arch_vdso_end - arch_vdso_start);
	vaddr_t addr = 0;
	int err = mm_map_special(mm, &addr, image + PAGE_SIZE,
				 VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC, &vdso_ops,
				 (void *)"[vdso]");

	if (!err)
		mm->vdso = addr + PAGE_SIZE;
	return err;
}

static int build_space(struct exec *x)
{
	struct process *p = process_current();
	bool aslr = !(p->personality & ADDR_NO_RANDOMIZE);
	int err = mm_create(&x->mm);

	if (err)
		return err;
	mm_set_layout(x->mm, rlimit_get(RLIMIT_STACK), aslr, p->personality & ADDR_COMPAT_LAYOUT);
	err = elf_load(x);
	if (err)
		return err;
	return map_vdso(x->mm);
}

/* The point of no return and beyond. */

static void set_comm(struct exec *x)
{
	const char *name = x->path, *slash = strrchr(name, '/');

	thread_set_comm(thread_current(), slash ? slash + 1 : name);
}

static void reset_process(struct exec *x)
{
	struct process *p = process_current();
	struct task *task = task_current();

	signal_actions_reset(p->sig.actions);
	task->sig.altstack = (stack_t){.ss_flags = SS_DISABLE};
	task->robust_list = 0;
	task->clear_child_tid = 0;
	thread_current()->restart.fn = NULL;
	thread_current()->rseq = 0;
	process_timers_exec(p);
	WRITE_ONCE(p->did_exec, true);
	p->exit_signal = p->exit_signal ? SIGCHLD : 0;
	WRITE_ONCE(p->dumpable, !x->secure && x->cred->euid == x->cred->uid);
	if (x->secure)
		p->death_signal = 0;
	set_comm(x);
	files_exec(thread_current()->files);
}

/* Our own table of actions: CLONE_SIGHAND without CLONE_THREAD shared it. */
static int unshare_actions(struct process *p)
{
	struct signal_actions *new, *old = p->sig.actions;

	if (refcount_read(&old->refs) == 1)
		return 0;
	new = signal_actions_create(old);
	if (!new)
		return -ENOMEM;
	{
		guard_spin_irq(&p->sig.lock);
		p->sig.actions = new;
	}
	signal_actions_put(old);
	return 0;
}

static int clear_tail(vaddr_t start, vaddr_t end)
{
	return end > start ? clear_user((void __user *)start, end - start) : 0;
}

/* Runs in the new space: fill the stack and go. */
static int start_program(struct exec *x, struct arch_trapframe *tf)
{
	vaddr_t top = ALIGN_DOWN(USER_TOP - mm_random_stack_shift(x->mm), PAGE_SIZE), sp;
	size_t strings = x->strings.len + strlen(x->path) + 64;
	size_t size = ALIGN_UP(strings + (x->strings.argc + x->strings.envc + 96) * 8 + 16384,
			       PAGE_SIZE) +
		      32 * PAGE_SIZE;
	int err = mm_stack_create(x->mm, top, size, x->exec_stack);

	if (!err)
		err = clear_tail(x->bss_start, x->bss_end);
	if (!err)
		err = clear_tail(x->interp_bss_start, x->interp_bss_end);
	if (!err)
		err = exec_stack_fill(x, top, &sp);
	if (!err)
		arch_thread_exec(tf, x->entry, sp);
	return err;
}

static int commit(struct exec *x)
{
	struct process *p = process_current();
	struct arch_trapframe *tf = arch_user_frame(thread_current());
	int err;

	err = unshare_actions(p);
	if (!err)
		err = files_unshare();
	if (!err)
		err = process_become_single();
	if (err)
		return err;

	futex_exit(task_current());
	x->mm->exe_file = file_get(x->file);
	/* mm_switch_to takes over our user; x keeps another to fill the stack. */
	mm_get(x->mm);
	mm_switch_to(x->mm);
	vfork_release(p);
	reset_process(x);
	err = start_program(x, tf);
	cred_commit(x->cred);
	x->cred = NULL;
	if (err)
		process_exit_group(SIGKILL);
	return 0;
}

static int do_exec(struct exec *x)
{
	int err = read_head(x);

	while (!err && x->head[0] == '#' && x->head[1] == '!')
		err = load_script(x);
	if (!err)
		err = prepare_cred(x);
	if (!err)
		err = build_space(x);
	return err ? err : commit(x);
}

static void exec_free(struct exec *x)
{
	exec_strings_free(&x->strings);
	if (x->file)
		file_put(x->file);
	if (x->mm)
		mm_put(x->mm);
	if (x->cred)
		cred_abandon(x->cred);
	kfree(x->interp_path);
	kfree(x);
}

/* RLIMIT_NPROC is checked here for a process that changed its user after fork. */
static int check_nproc(void)
{
	const struct cred *c = cred_current();

	if (c->user->uid && atomic_load(&c->user->nr_processes) > rlimit_get(RLIMIT_NPROC) &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN) && process_current()->did_exec)
		return -EAGAIN;
	return 0;
}

static int exec_user(int dfd, const char __user *upath, const unsigned long __user *argv,
		     const unsigned long __user *envp, int flags)
{
	unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct filename fn;
	struct exec *x;
	int err;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	err = filename_get(&fn, upath, lookup);
	if (err)
		return err;
	x = kzalloc(sizeof(*x), GFP_KERNEL);
	if (!x) {
		filename_put(&fn);
		return -ENOMEM;
	}
	x->path = fn.name;
	exec_strings_init(&x->strings, strings_limit());
	err = check_nproc();
	if (!err)
		err = exec_open(dfd, fn.name, lookup, &x->file);
	if (!err && (flags & AT_SYMLINK_NOFOLLOW) && S_ISLNK(x->file->inode->mode))
		err = -ELOOP;
	if (!err)
		err = add_user_strings(x, argv, envp);
	if (!err)
		err = do_exec(x);
	exec_free(x);
	filename_put(&fn);
	return err;
}

int process_exec_kernel(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec *x = kzalloc(sizeof(*x), GFP_KERNEL);
	int err;

	if (!x)
		return -ENOMEM;
	x->path = path;
	exec_strings_init(&x->strings, EXEC_ARG_LEN_MAX);
	err = exec_open(AT_FDCWD, path, LOOKUP_FOLLOW, &x->file);
	if (!err)
		err = add_kernel_strings(x, argv, envp);
	if (!err)
		err = do_exec(x);
	exec_free(x);
	return err;
}

long sys_execve(const char __user *filename, const addr_t __user *argv, const addr_t __user *envp)
{
	return exec_user(AT_FDCWD, filename, argv, envp, 0);
}

long sys_execveat(int dfd, const char __user *filename, const addr_t __user *argv,
		  const addr_t __user *envp, int flags)
{
	return exec_user(dfd, filename, argv, envp, flags);
}
