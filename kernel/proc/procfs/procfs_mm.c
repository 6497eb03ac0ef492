/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID: what its memory holds and how it is laid out.  proc_pid_maps(5), proc_pid_smaps(5),
 * proc_pid_mem(5).
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/space.h>

#include "procfs_internal.h"

/* Bytes of the program's memory, as they are. */
static void copy_range(struct seq *out, struct mm *mm, vaddr_t start, vaddr_t end)
{
	char buf[512];

	while (start < end) {
		ssize_t n = mm_access(mm, start, buf, min((size_t)(end - start), sizeof(buf)),
				      false, MM_ACCESS_FORCE);

		if (n <= 0)
			return;
		seq_write(out, buf, (size_t)n);
		start += (size_t)n;
	}
}

int show_cmdline(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);
	char last;

	if (!mm)
		return 0;
	/*
	 * A program that overwrote its arguments without a NUL at the end goes on into the
	 * environment (setproctitle).
	 */
	if (mm->arg_end > mm->arg_start &&
	    mm_access(mm, mm->arg_end - 1, &last, 1, false, MM_ACCESS_FORCE) == 1) {
		copy_range(out, mm, mm->arg_start, mm->arg_end);
		if (last && mm->env_end > mm->env_start) {
			copy_range(out, mm, mm->env_start, mm->env_end);
			char *nul = out->len ? memchr(out->buf, 0, out->len) : NULL;
			if (nul)
				out->len = (size_t)(nul - out->buf);
		}
	}
	mm_put(mm);
	return 0;
}

int show_environ(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);

	if (mm) {
		copy_range(out, mm, mm->env_start, mm->env_end);
		mm_put(mm);
	}
	return 0;
}

int show_auxv(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);

	if (mm) {
		seq_write(out, mm->auxv, mm->auxv_len * sizeof(mm->auxv[0]));
		mm_put(mm);
	}
	return 0;
}

/* Areas. */

static void show_area(struct seq *out, struct vma *vma, char *path_buf)
{
	const char flags[] = {
		' ',
		vma->flags & VM_READ ? 'r' : '-',
		vma->flags & VM_WRITE ? 'w' : '-',
		vma->flags & VM_EXEC ? 'x' : '-',
		vma->flags & VM_MAYSHARE ? 's' : 'p',
		' ',
	};
	const char *name = vma_name(vma);
	u32 dev = 0;
	u64 ino = 0;

	if (vma->file) {
		dev = vma->file->inode->sb->dev;
		ino = vma->file->inode->ino;
	}
	seq_put_hex(out, vma->start, 8);
	seq_putc(out, '-');
	seq_put_hex(out, vma->end, 8);
	seq_write(out, flags, sizeof(flags));
	seq_put_hex(out, vma->file ? vma->pgoff << PAGE_SHIFT : 0, 8);
	seq_putc(out, ' ');
	seq_put_hex(out, MAJOR(dev), 2);
	seq_putc(out, ':');
	seq_put_hex(out, MINOR(dev), 2);
	seq_put_u64(out, " ", ino);
	if (!name && vma->file) {
		char *path;

		if (!d_path(&vma->file->path, path_buf, PAGE_SIZE, &path))
			name = path;
	}
	if (name) {
		seq_putc(out, ' ');
		seq_pad_to(out, 73);
		seq_escape(out, name, "\n");
	}
	seq_putc(out, '\n');
}

static void kb(struct seq *out, const char *name, u64 bytes)
{
	seq_put_kb(out, name, bytes / 1024);
}

static void show_usage(struct seq *out, const struct vma_usage *u)
{
	kb(out, "Rss:", u->rss);
	kb(out, "Pss:", u->pss);
	kb(out, "Shared_Clean:", u->shared_clean);
	kb(out, "Shared_Dirty:", u->shared_dirty);
	kb(out, "Private_Clean:", u->private_clean);
	kb(out, "Private_Dirty:", u->private_dirty);
	kb(out, "Referenced:", u->referenced);
	kb(out, "Anonymous:", u->anonymous);
	kb(out, "Swap:", u->swap);
	kb(out, "SwapPss:", u->swap_pss);
	kb(out, "Locked:", u->locked);
}

static void add_usage(struct vma_usage *sum, const struct vma_usage *u)
{
	sum->rss += u->rss;
	sum->pss += u->pss;
	sum->shared_clean += u->shared_clean;
	sum->shared_dirty += u->shared_dirty;
	sum->private_clean += u->private_clean;
	sum->private_dirty += u->private_dirty;
	sum->referenced += u->referenced;
	sum->anonymous += u->anonymous;
	sum->swap += u->swap;
	sum->swap_pss += u->swap_pss;
	sum->locked += u->locked;
}

static void show_flags(struct seq *out, const struct vma *vma)
{
	static const struct {
		u64 flag;
		const char *name;
	} names[] = {{VM_READ, "rd"},    {VM_WRITE, "wr"},    {VM_EXEC, "ex"},
		     {VM_SHARED, "sh"},  {VM_MAYREAD, "mr"},  {VM_MAYWRITE, "mw"},
		     {VM_MAYEXEC, "me"}, {VM_MAYSHARE, "ms"}, {VM_GROWSDOWN, "gd"},
		     {VM_LOCKED, "lo"},  {VM_DONTCOPY, "dc"}, {VM_DONTEXPAND, "de"},
		     {VM_ACCOUNT, "ac"}, {VM_NORESERVE, "nr"}};

	seq_puts(out, "VmFlags: ");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (vma->flags & names[i].flag) {
			seq_puts(out, names[i].name);
			seq_putc(out, ' ');
		}
	}
	seq_putc(out, '\n');
}

/* What smaps says of an area besides its line in maps. */
static void show_area_usage(struct seq *out, struct vma *vma)
{
	struct vma_usage u;

	vma_usage(vma, &u);
	kb(out, "Size:", vma_size(vma));
	kb(out, "KernelPageSize:", PAGE_SIZE);
	kb(out, "MMUPageSize:", PAGE_SIZE);
	show_usage(out, &u);
	show_flags(out, vma);
}

/* An area is a record, and its end leads to the next: few are written under one hold of the lock. */
static int show_areas(struct seq *out, struct thread *t, bool usage)
{
	struct mm *mm = mm_grab(t);
	struct vma *vma;
	char *buf;

	if (!mm)
		return 0;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buf) {
		mm_put(mm);
		return -ENOMEM;
	}
	mm_read_lock(mm);
	for (vma = vma_find(mm, out->at); vma; vma = vma_next(vma)) {
		show_area(out, vma, buf);
		if (usage)
			show_area_usage(out, vma);
		if (!seq_record(out, vma->end))
			break;
	}
	mm_read_unlock(mm);
	kfree(buf);
	mm_put(mm);
	return 0;
}

int show_maps(struct seq *out, struct thread *t, bool thread)
{
	return show_areas(out, t, false);
}

int show_smaps(struct seq *out, struct thread *t, bool thread)
{
	return show_areas(out, t, true);
}

int show_smaps_rollup(struct seq *out, struct thread *t, bool thread)
{
	struct mm *mm = mm_grab(t);
	struct vma_usage u, sum = {0};
	vaddr_t first = 0, last = 0;
	struct vma *vma;

	if (!mm)
		return 0;
	mm_read_lock(mm);
	for_each_vma(vma, mm)
	{
		first = first ? first : vma->start;
		last = vma->end;
		vma_usage(vma, &u);
		add_usage(&sum, &u);
	}
	mm_read_unlock(mm);
	seq_printf(out, "%08lx-%08lx ---p 00000000 00:00 0 %30s\n", first, last, "[rollup]");
	show_usage(out, &sum);
	mm_put(mm);
	return 0;
}

int link_exe(struct thread *t, struct path *out)
{
	struct mm *mm = mm_grab(t);
	int err = -ENOENT;

	if (!mm)
		return -ENOENT;
	if (mm->exe_file) {
		*out = mm->exe_file->path;
		path_get(out);
		err = 0;
	}
	mm_put(mm);
	return err;
}

/* /proc/PID/mem: the memory itself.  Access is decided at open. */

static int mem_open(struct inode *inode, struct file *file)
{
	struct thread *t = pid_node_thread(PID_NODE(inode));
	struct mm *mm;

	if (!t)
		return -ESRCH;
	mm = may_access(t->process) ? mm_grab(t) : NULL;
	bool ok = may_access(t->process);
	thread_put(t);
	if (!ok)
		return -EACCES;
	/* Keep the structure, not the memory: an open file must not hold a dead program's pages. */
	if (mm) {
		mm_ref(mm);
		mm_put(mm);
	}
	file->private = mm;
	file->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return 0;
}

static ssize_t mem_move(struct file *file, struct iov_iter *it, loff_t *pos, bool write)
{
	struct mm *mm = file->private;
	ssize_t total = 0;
	char buf[512];

	if (!mm || !mm_get_unless_zero(mm))
		return 0;
	while (iov_iter_count(it)) {
		size_t n = min(iov_iter_count(it), sizeof(buf));
		ssize_t done;

		if (write && copy_from_iter(buf, n, it) != n) {
			total = total ? total : -EFAULT;
			break;
		}
		done = mm_access(mm, (vaddr_t)*pos, buf, n, write, MM_ACCESS_FORCE);
		if (done <= 0) {
			total = total ? total : -EIO;
			break;
		}
		if (!write && copy_to_iter(buf, (size_t)done, it) != (size_t)done) {
			total = total ? total : -EFAULT;
			break;
		}
		*pos += done;
		total += done;
		if ((size_t)done < n)
			break;
	}
	mm_put(mm);
	return total;
}

static ssize_t mem_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return mem_move(file, to, pos, false);
}

static ssize_t mem_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return mem_move(file, from, pos, true);
}

/* Addresses use all 64 bits: no end, and negative positions are as good as others. */
static loff_t mem_lseek(struct file *file, loff_t offset, int whence)
{
	switch (whence) {
	case SEEK_SET: break;
	case SEEK_CUR: offset += file->pos; break;
	default: return -EINVAL;
	}
	file->pos = offset;
	return offset;
}

static int mem_release(struct file *file)
{
	if (file->private)
		mm_unref(file->private);
	return 0;
}

const struct file_ops mem_ops = {
	.open = mem_open,
	.read_iter = mem_read,
	.write_iter = mem_write,
	.lseek = mem_lseek,
	.release = mem_release,
};
