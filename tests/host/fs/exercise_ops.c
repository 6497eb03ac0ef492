/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exerciser's operations.  Each chooses its arguments, says what the answer must be from the
 * model alone, calls, and then changes the model.
 */
#include "exercise_internal.h"

/* --- choosing --------------------------------------------------------------------------------- */

static void pick_name(struct ex_process *p, char *name)
{
	unsigned n = ex_random(p, 10);

	if (ex_random(p, 8))
		snprintf(name, EX_NAME, "n%u", n);
	else
		snprintf(name, EX_NAME, "a-much-longer-name-of-a-file-number-%u-with-a-tail", n);
}

/* Offsets like the beginnings and ends of pages, and sizes as well. */
static unsigned pick_offset(struct ex_process *p, unsigned bound)
{
	unsigned at = ex_random(p, bound);

	switch (ex_random(p, 5)) {
	case 0:
		return at & ~(EX_PAGE - 1);
	case 1:
		return at & ~511u;
	case 2:
		return ex_random(p, bound < 3 * EX_PAGE ? bound : 3 * EX_PAGE);
	default:
		return at;
	}
}

static unsigned pick_length(struct ex_process *p)
{
	static const unsigned scale[] = { 16, 600, 5000, 20000, EX_MAX_SIZE / 2 - 1 };

	return 1 + ex_random(p, scale[ex_random(p, 5)]);
}

/* A range that ends within the largest size. */
static void pick_range(struct ex_process *p, unsigned *from, unsigned *n)
{
	*n = pick_length(p);
	*from = pick_offset(p, EX_MAX_SIZE - *n);
}

/* A file open for reading and writing: a held one, or by one of its names.  -1: there is none. */
static int use_file(struct ex_process *p, int *inode, struct ex_held **held)
{
	struct ex_held *h = &p->held[ex_random(p, EX_HELD)];
	struct ex_entry *e;
	int fd;

	*held = NULL;
	if (h->fd >= 0 && !h->append && ex_random(p, 3)) {
		*held = h;
		*inode = h->inode;
		return h->fd;
	}
	e = ex_pick_entry(p, EX_FILE);
	if (!e)
		return -1;
	*inode = e->inode;
	fd = (int)ex_open(ex_path(p, 0, e), O_RDWR, 0);
	if (fd < 0)
		ex_expect(p, fd, 0);
	return fd;
}

static void unuse_file(struct ex_process *p, int fd, struct ex_held *held)
{
	if (!held)
		ex_expect(p, ex_close(fd), 0);
}

static void fill(struct ex_process *p, unsigned n)
{
	unsigned seed = ex_random(p, 0x10000) | 1;

	for (unsigned i = 0; i < n; i++)
		p->buf[i] = (unsigned char)(seed + i * 7 + (i >> 8) * seed);
}

/* --- data ------------------------------------------------------------------------------------- */

/* Bytes arrived at [from, from+n). */
static void model_write(struct ex_inode *i, unsigned from, const unsigned char *new, unsigned n)
{
	memcpy(i->data + from, new, n);
	if (from + n > i->size)
		i->size = from + n;
}

static void write_result(struct ex_process *p, int fd, int inode, unsigned from, unsigned n,
			 long got)
{
	if (got == (long)n) {
		model_write(&p->inode[inode], from, p->buf, n);
		return;
	}
	if (got > 0 && got < (long)n && (p->x->config.may_fill || p->x->config.may_fail))
		ex_reconcile(p, fd, inode, from, p->buf, n);
	else if (!ex_expect(p, got, n) && !p->failed)
		ex_reconcile(p, fd, inode, from, p->buf, n);
}

static void op_write(struct ex_process *p)
{
	struct ex_held *held;
	unsigned from, n;
	int inode, fd = use_file(p, &inode, &held);

	if (fd < 0)
		return;
	pick_range(p, &from, &n);
	ex_note(p, "write inode %d%s, %u bytes at %u", inode, held ? " (held)" : "", n, from);
	fill(p, n);
	write_result(p, fd, inode, from, n, ex_pwrite(fd, p->buf, n, from));
	unuse_file(p, fd, held);
}

static void op_append(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, EX_FILE);
	unsigned n = pick_length(p), size;
	int fd;

	if (!e || p->inode[e->inode].size + n > EX_MAX_SIZE)
		return;
	size = p->inode[e->inode].size;
	ex_note(p, "append to inode %d, %u bytes at %u", e->inode, n, size);
	fd = (int)ex_open(ex_path(p, 0, e), O_RDWR | O_APPEND, 0);
	if (fd < 0) {
		ex_expect(p, fd, 0);
		return;
	}
	fill(p, n);
	write_result(p, fd, e->inode, size, n, ex_write(fd, p->buf, n));
	ex_expect(p, ex_close(fd), 0);
}

static void op_read(struct ex_process *p)
{
	struct ex_held *held;
	unsigned from, n;
	int inode, fd = use_file(p, &inode, &held);

	if (fd < 0)
		return;
	pick_range(p, &from, &n);
	ex_note(p, "read inode %d, %u bytes at %u", inode, n, from);
	ex_check_range(p, fd, inode, from, n);
	unuse_file(p, fd, held);
}

static void mapped_write(struct ex_process *p, int fd, int inode, unsigned long at, unsigned from,
			 unsigned n)
{
	long err;

	fill(p, n);
	err = ex_store(at, p->buf, n);
	if (!err) {
		model_write(&p->inode[inode], from, p->buf, n);
		return;
	}
	if ((err == -EIO && p->x->config.may_fill) || ex_is_soft(p, err) ||
	    (err == -EIO && p->x->config.may_fail))
		ex_reconcile(p, fd, inode, from, p->buf, n);
	else
		ex_mismatch(p, "store to a mapped page: %ld", err);
}

static void mapped_read(struct ex_process *p, int inode, unsigned long at, unsigned from,
			unsigned n)
{
	struct ex_inode *i = &p->inode[inode];
	long err = ex_load(at, p->buf, n);

	if (err) {
		/* tmpfs takes a page for a hole that is read through a mapping, and may have none:
		 * SIGBUS, on Linux too. */
		if (!p->x->config.may_fail && !p->x->config.may_fill)
			ex_mismatch(p, "load from a mapped page: %ld", err);
		return;
	}
	if (memcmp(p->buf, i->data + from, n))
		for (unsigned k = 0; k < n; k++) {
			if (p->buf[k] == i->data[from + k])
				continue;
			ex_mismatch(p, "mapped byte %u is %#x, not %#x", from + k, p->buf[k],
				    i->data[from + k]);
			return;
		}
}

/* Access to [from, from+n) of the file, through pages of it; reads go to the end of the last page,
 * which is zero. */
static void op_mapped(struct ex_process *p)
{
	struct ex_held *held;
	unsigned from, n, first, size;
	int inode, fd, write = (int)ex_random(p, 2);
	long at;

	if (!ex_has(p, EX_MMAP))
		return;
	fd = use_file(p, &inode, &held);
	if (fd < 0)
		return;
	size = p->inode[inode].size;
	if (!size)
		goto out;
	from = pick_offset(p, size);
	n = 1 + ex_random(p, 3 * EX_PAGE);
	if (!write)
		size = (size + EX_PAGE - 1) & ~(EX_PAGE - 1);
	if (from + n > size)
		n = size - from;
	first = from & ~(EX_PAGE - 1);
	ex_note(p, "%s inode %d mapped, %u bytes at %u", write ? "write" : "read", inode, n, from);
	at = ex_mmap(from + n - first, PROT_READ | PROT_WRITE, MAP_SHARED, fd, first);
	if (at < 0 && at > -4096) {
		ex_expect(p, at, 0);
		goto out;
	}
	if (write)
		mapped_write(p, fd, inode, (unsigned long)at + from - first, from, n);
	else
		mapped_read(p, inode, (unsigned long)at + from - first, from, n);
	if (write && !ex_random(p, 6))
		ex_expect(p, ex_msync((unsigned long)at, from + n - first, MS_SYNC), 0);
	ex_expect(p, ex_munmap((unsigned long)at, from + n - first), 0);
out:
	unuse_file(p, fd, held);
}

/* The result of a direct write; what is left of one that failed is read through the cache. */
static void direct_result(struct ex_process *p, const struct ex_entry *e, unsigned from, unsigned n,
			  long got)
{
	int fd = -1;

	while (got != (long)n && fd < 0) {
		fd = (int)ex_open(ex_path(p, 0, e), O_RDWR, 0);
		if (fd < 0 && !ex_is_soft(p, fd)) {
			ex_expect(p, fd, 0);
			return;
		}
	}
	write_result(p, fd, e->inode, from, n, got);
	if (fd >= 0)
		ex_close(fd);
}

/* Around the cache, in whole pages and from mapped memory, which is what the device may reach. */
static void op_direct(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, EX_FILE);
	unsigned n = EX_PAGE * (1 + ex_random(p, 16)),
		 from = pick_offset(p, EX_MAX_SIZE - n) & ~(EX_PAGE - 1), size;
	int fd, write = (int)ex_random(p, 2);
	long got;

	if (!e || !ex_has(p, EX_DIRECT))
		return;
	if (!p->pages) {
		p->pages = ex_mmap(EX_DIRECT_MAX, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p->pages < 0 && p->pages > -4096) {
			p->pages = 0;
			return;
		}
	}
	ex_note(p, "%s inode %d directly, %u bytes at %u", write ? "write" : "read", e->inode, n,
		from);
	fd = (int)ex_open(ex_path(p, 0, e), O_RDWR | O_DIRECT, 0);
	if (fd < 0) {
		ex_expect(p, fd, 0);
		return;
	}
	fill(p, n);
	if (ex_store((unsigned long)p->pages, p->buf, n))
		goto out;
	if (write) {
		direct_result(p, e, from, n, ex_pwrite(fd, (void *)p->pages, n, from));
		goto out;
	}
	size = p->inode[e->inode].size;
	got = ex_pread(fd, (void *)p->pages, n, from);
	n = from >= size ? 0 : from + n > size ? size - from : n;
	if (ex_expect(p, got, n) && n)
		mapped_read(p, e->inode, (unsigned long)p->pages, from, n);
out:
	ex_expect(p, ex_close(fd), 0);
}

/* What is said to be a hole reads as zeroes. */
static void op_seek(struct ex_process *p)
{
	struct ex_held *held;
	struct ex_inode *i;
	unsigned from;
	long data, hole;
	int inode, fd = ex_has(p, EX_SEEK) ? use_file(p, &inode, &held) : -1;

	if (fd < 0)
		return;
	i = &p->inode[inode];
	from = pick_offset(p, EX_MAX_SIZE);
	ex_note(p, "seek data and holes of inode %d (size %u) from %u", inode, i->size, from);
	data = ex_lseek(fd, from, SEEK_DATA);
	hole = ex_lseek(fd, from, SEEK_HOLE);
	if (from >= i->size ? data != -ENXIO || hole != -ENXIO
			    : hole < (long)from || hole > (long)i->size ||
				      (data < (long)from && data != -ENXIO))
		ex_mismatch(p, "data at %ld, hole at %ld", data, hole);
	if (data == -ENXIO)
		data = i->size;
	for (long k = from; k < data && k < (long)i->size && !p->failed; k++)
		if (i->data[k])
			ex_mismatch(p, "no data until %ld, but byte %ld is %#x", data, k,
				    i->data[k]);
	unuse_file(p, fd, held);
}

/* Drop what is clean of one file, or read ahead. */
static void op_advise(struct ex_process *p)
{
	struct ex_held *held;
	unsigned from, n;
	int inode, fd = use_file(p, &inode, &held);

	if (fd < 0)
		return;
	pick_range(p, &from, &n);
	ex_note(p, "advise inode %d, %u bytes at %u", inode, n, from);
	ex_expect(
		p,
		ex_advise(fd, from, n, ex_random(p, 3) ? POSIX_FADV_DONTNEED : POSIX_FADV_WILLNEED),
		0);
	unuse_file(p, fd, held);
}

static void op_truncate(struct ex_process *p)
{
	unsigned size = pick_offset(p, EX_MAX_SIZE);
	struct ex_held *held;
	struct ex_entry *e;
	int inode, fd;

	if (ex_random(p, 2)) {
		e = ex_pick_entry(p, EX_FILE);
		if (!e)
			return;
		ex_note(p, "truncate inode %d to %u", e->inode, size);
		if (ex_expect(p, ex_truncate(ex_path(p, 0, e), size), 0))
			ex_resize(&p->inode[e->inode], size);
		return;
	}
	fd = use_file(p, &inode, &held);
	if (fd < 0)
		return;
	ex_note(p, "ftruncate inode %d to %u", inode, size);
	if (ex_expect(p, ex_ftruncate(fd, size), 0))
		ex_resize(&p->inode[inode], size);
	unuse_file(p, fd, held);
}

static void model_zero(struct ex_inode *i, unsigned from, unsigned n)
{
	if (from < i->size)
		memset(i->data + from, 0, from + n > i->size ? i->size - from : n);
}

/* The bytes behind move to the front; 0 or the answer. */
static long model_collapse(struct ex_inode *i, unsigned from, unsigned n, int change)
{
	if (from + n >= i->size)
		return -EINVAL;
	if (!change)
		return 0;
	memmove(i->data + from, i->data + from + n, i->size - from - n);
	ex_resize(i, i->size - n);
	return 0;
}

static long model_insert(struct ex_inode *i, unsigned from, unsigned n, int change)
{
	if (from >= i->size)
		return -EINVAL;
	if (!change)
		return 0;
	memmove(i->data + from + n, i->data + from, i->size - from);
	memset(i->data + from, 0, n);
	i->size += n;
	return 0;
}

static long model_allocate(struct ex_inode *i, int mode, unsigned from, unsigned n, int change)
{
	if (mode & FALLOC_FL_COLLAPSE_RANGE)
		return model_collapse(i, from, n, change);
	if (mode & FALLOC_FL_INSERT_RANGE)
		return model_insert(i, from, n, change);
	if (!change)
		return 0;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		model_zero(i, from, n);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && from + n > i->size)
		i->size = from + n;
	return 0;
}

static const struct {
	unsigned feature;
	int mode;
} allocations[] = {
	{ EX_ALLOCATE, 0 },
	{ EX_ALLOCATE, FALLOC_FL_KEEP_SIZE },
	{ EX_PUNCH, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
	{ EX_ZERO, FALLOC_FL_ZERO_RANGE },
	{ EX_ZERO, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE },
	{ EX_COLLAPSE, FALLOC_FL_COLLAPSE_RANGE },
	{ EX_INSERT, FALLOC_FL_INSERT_RANGE },
};

static void op_allocate(struct ex_process *p)
{
	unsigned kind = ex_random(p, sizeof(allocations) / sizeof(allocations[0])), from, n;
	int inode, fd, mode = allocations[kind].mode;
	struct ex_held *held;
	struct ex_inode *i;
	long want;

	if (!ex_has(p, allocations[kind].feature))
		return;
	fd = use_file(p, &inode, &held);
	if (fd < 0)
		return;
	i = &p->inode[inode];
	pick_range(p, &from, &n);
	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) {
		from &= ~(EX_PAGE - 1);
		n = (n & ~(EX_PAGE - 1)) + EX_PAGE;
	}
	if ((mode & FALLOC_FL_INSERT_RANGE && i->size + n > EX_MAX_SIZE) || from + n > EX_MAX_SIZE)
		goto out;
	want = model_allocate(i, mode, from, n, 0);
	ex_note(p, "fallocate inode %d (size %u), mode %#x, %u bytes at %u", inode, i->size,
		(unsigned)mode, n, from);
	if (ex_expect(p, ex_fallocate(fd, mode, from, n), want) && !want)
		model_allocate(i, mode, from, n, 1);
	/* What a failed one leaves is the file system's choice, within limits: zeroes may have been
	 * written. */
	else if (!p->failed && want != -EINVAL && (mode & FALLOC_FL_ZERO_RANGE))
		ex_reconcile(p, fd, inode, from, memset(p->buf, 0, n), n);
out:
	unuse_file(p, fd, held);
}

static void op_copy(struct ex_process *p)
{
	struct ex_held *held_a, *held_b;
	unsigned from, to, n;
	int a, b, in, out;
	loff_t in_pos, out_pos;
	long got, want;

	if (!ex_has(p, EX_COPY))
		return;
	in = use_file(p, &a, &held_a);
	if (in < 0)
		return;
	out = use_file(p, &b, &held_b);
	if (out < 0)
		goto put_in;
	pick_range(p, &from, &n);
	to = pick_offset(p, EX_MAX_SIZE - n);
	in_pos = from;
	out_pos = to;
	want = from >= p->inode[a].size      ? 0
	       : from + n > p->inode[a].size ? (long)(p->inode[a].size - from)
					     : (long)n;
	if (a == b && from < to + want && to < from + want)
		want = -EINVAL;
	ex_note(p, "copy %u bytes of inode %d at %u to inode %d at %u", n, a, from, b, to);
	got = ex_copy_range(in, &in_pos, out, &out_pos, n);
	if (want > 0 && got > 0 && got <= want) {
		memcpy(p->buf, p->inode[a].data + from, (size_t)got);
		model_write(&p->inode[b], to, p->buf, (unsigned)got);
	} else if (!ex_expect(p, got, want) && !p->failed) {
		memcpy(p->buf, p->inode[a].data + from, n);
		ex_reconcile(p, out, b, to, p->buf, n);
	}
	unuse_file(p, out, held_b);
put_in:
	unuse_file(p, in, held_a);
}

/* --- names ------------------------------------------------------------------------------------ */

/* Is there room in the model for one more name, and one more inode? */
static int room(struct ex_process *p)
{
	int entries = 0, inodes = 0;

	for (int i = 0; i < EX_ENTRIES; i++)
		entries += !p->entry[i].used;
	for (int i = 0; i < EX_INODES; i++)
		inodes += p->inode[i].type == EX_FREE;
	return entries > 0 && inodes > 0;
}

static void op_create(struct ex_process *p)
{
	int dir = ex_pick_dir(p), inode, fd, want = 0;
	struct ex_entry *e;
	char name[EX_NAME];

	pick_name(p, name);
	e = ex_entry_find(p, dir, name);
	if (e)
		want = -EEXIST;
	else if (!room(p))
		return;
	ex_note(p, "create %s in %d", name, dir);
	fd = (int)ex_open(ex_path_in(p, 0, dir, name), O_CREAT | O_EXCL | O_RDWR, 0640);
	if (!ex_expect(p, fd < 0 ? fd : 0, want) || want) {
		if (fd >= 0)
			ex_close(fd);
		return;
	}
	inode = ex_inode_new(p, EX_FILE, 0640);
	ex_entry_new(p, dir, name, inode);
	fill(p, 300);
	write_result(p, fd, inode, 0, 300, ex_pwrite(fd, p->buf, 300, 0));
	ex_expect(p, ex_close(fd), 0);
}

static void op_mkdir(struct ex_process *p)
{
	int dir = ex_pick_dir(p), want = 0, depth = 0;
	char name[EX_NAME];

	pick_name(p, name);
	if (ex_entry_find(p, dir, name))
		want = -EEXIST;
	else if (!room(p))
		return;
	for (const char *c = ex_path_in(p, 0, dir, name); *c; c++)
		depth += *c == '/';
	if (depth > 12)
		return;
	ex_note(p, "mkdir %s in %d", name, dir);
	if (ex_expect(p, ex_mkdir(ex_path_in(p, 0, dir, name), 0750), want) && !want)
		ex_entry_new(p, dir, name, ex_inode_new(p, EX_DIR, 0750));
}

static void op_symlink(struct ex_process *p)
{
	int dir = ex_pick_dir(p), want = 0, inode;
	char name[EX_NAME], target[EX_XATTR_MAX];
	unsigned n =
		1 +
		ex_random(p, ex_random(p, 3) || !ex_has(p, EX_LONG_LINKS) ? 58 : EX_XATTR_MAX - 2);

	if (!ex_has(p, EX_SYMLINKS))
		return;
	pick_name(p, name);
	if (ex_entry_find(p, dir, name))
		want = -EEXIST;
	else if (!room(p))
		return;
	for (unsigned i = 0; i < n; i++)
		target[i] = (char)('a' + (i + n) % 26);
	target[n] = 0;
	ex_note(p, "symlink %s in %d, %u bytes", name, dir, n);
	if (!ex_expect(p, ex_symlink(target, ex_path_in(p, 0, dir, name)), want) || want)
		return;
	inode = ex_inode_new(p, EX_LINK, 0777);
	snprintf(p->inode[inode].target, EX_XATTR_MAX, "%s", target);
	ex_entry_new(p, dir, name, inode);
}

static void op_link(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, EX_FILE);
	int dir = ex_pick_dir(p), want = 0;
	char name[EX_NAME];

	if (!e || !ex_has(p, EX_LINKS) || !room(p))
		return;
	pick_name(p, name);
	if (ex_entry_find(p, dir, name))
		want = -EEXIST;
	ex_note(p, "link inode %d to %s in %d", e->inode, name, dir);
	if (ex_expect(p, ex_link(ex_path(p, 0, e), ex_path_in(p, 1, dir, name)), want) && !want)
		ex_entry_new(p, dir, name, e->inode);
}

static void op_unlink(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, EX_FREE);
	int want;

	if (!e)
		return;
	want = p->inode[e->inode].type == EX_DIR ? -EISDIR : 0;
	ex_note(p, "unlink %s in %d, inode %d", e->name, e->dir, e->inode);
	if (ex_expect(p, ex_unlink(ex_path(p, 0, e)), want) && !want)
		ex_entry_remove(p, e);
}

static void op_rmdir(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, ex_random(p, 4) ? EX_DIR : EX_FREE);
	int want = 0;

	if (!e)
		return;
	if (p->inode[e->inode].type != EX_DIR)
		want = -ENOTDIR;
	else if (!ex_dir_empty(p, e->inode))
		want = -ENOTEMPTY;
	ex_note(p, "rmdir %s in %d, inode %d", e->name, e->dir, e->inode);
	if (ex_expect(p, ex_rmdir(ex_path(p, 0, e)), want) && !want)
		ex_entry_remove(p, e);
}

/* What rename(2) answers, by Linux's order of checks. */
static int rename_answer(struct ex_process *p, const struct ex_entry *from, int dir,
			 const struct ex_entry *to, unsigned flags)
{
	int is_dir = p->inode[from->inode].type == EX_DIR;

	if (flags & RENAME_NOREPLACE && to)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE && !to)
		return -ENOENT;
	if (is_dir && ex_dir_below(p, dir, from->inode))
		return -EINVAL;
	if (to && p->inode[to->inode].type == EX_DIR && ex_dir_below(p, from->dir, to->inode))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (!to || to->inode == from->inode || flags & RENAME_EXCHANGE)
		return 0;
	if (is_dir && p->inode[to->inode].type != EX_DIR)
		return -ENOTDIR;
	if (!is_dir && p->inode[to->inode].type == EX_DIR)
		return -EISDIR;
	return is_dir && !ex_dir_empty(p, to->inode) ? -ENOTEMPTY : 0;
}

static void model_exchange(struct ex_process *p, struct ex_entry *a, struct ex_entry *b)
{
	int a_dir = p->inode[a->inode].type == EX_DIR, b_dir = p->inode[b->inode].type == EX_DIR,
	    t = a->inode;

	p->inode[a->dir].subdirs += (unsigned)(b_dir - a_dir);
	p->inode[b->dir].subdirs += (unsigned)(a_dir - b_dir);
	a->inode = b->inode;
	b->inode = t;
}

static void model_rename(struct ex_process *p, struct ex_entry *from, int dir, const char *name,
			 struct ex_entry *to)
{
	int is_dir = p->inode[from->inode].type == EX_DIR;

	if (to)
		ex_entry_remove(p, to);
	p->inode[from->dir].subdirs -= (unsigned)is_dir;
	p->inode[dir].subdirs += (unsigned)is_dir;
	from->dir = dir;
	snprintf(from->name, EX_NAME, "%s", name);
}

static void op_rename(struct ex_process *p)
{
	struct ex_entry *from = ex_pick_entry(p, EX_FREE), *to;
	unsigned kind = ex_random(p, 6), flags = 0;
	int dir = ex_pick_dir(p), want;
	char name[EX_NAME];

	if (!from)
		return;
	if (kind == 0 && ex_has(p, EX_NOREPLACE))
		flags = RENAME_NOREPLACE;
	if (kind == 1 && ex_has(p, EX_EXCHANGE))
		flags = RENAME_EXCHANGE;
	to = ex_random(p, 3) ? NULL : ex_pick_entry(p, EX_FREE);
	pick_name(p, name);
	if (to) {
		dir = to->dir;
		snprintf(name, sizeof(name), "%s", to->name);
	} else {
		to = ex_entry_find(p, dir, name);
	}
	want = rename_answer(p, from, dir, to, flags);
	ex_note(p, "rename %s in %d (inode %d) to %s in %d (inode %d), flags %u", from->name,
		from->dir, from->inode, name, dir, to ? to->inode : -1, flags);
	if (!ex_expect(p, ex_rename(ex_path(p, 0, from), ex_path_in(p, 1, dir, name), flags),
		       want) ||
	    want)
		return;
	if (to && (to == from || to->inode == from->inode))
		return;
	if (flags & RENAME_EXCHANGE)
		model_exchange(p, from, to);
	else
		model_rename(p, from, dir, name, to);
}

/* --- attributes ------------------------------------------------------------------------------- */

static void op_xattr(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, ex_random(p, 3) ? EX_FILE : EX_DIR);
	int k = (int)ex_random(p, EX_XATTRS);
	unsigned n = ex_random(p, ex_random(p, 2) ? 20 : EX_XATTR_MAX);
	struct ex_xattr *a;
	char name[16];

	if (!e || !ex_has(p, EX_XATTR))
		return;
	a = &p->inode[e->inode].xattr[k];
	snprintf(name, sizeof(name), "user.k%d", k);
	if (!ex_random(p, 3)) {
		ex_note(p, "remove %s of inode %d", name, e->inode);
		if (ex_expect(p, ex_removexattr(ex_path(p, 0, e), name), a->len ? 0 : -ENODATA))
			a->len = 0;
		return;
	}
	ex_note(p, "set %s of inode %d, %u bytes", name, e->inode, n);
	fill(p, n);
	if (!ex_expect(p, ex_setxattr(ex_path(p, 0, e), name, p->buf, n, 0), 0))
		return;
	a->len = n + 1;
	memcpy(a->value, p->buf, n);
}

static void op_chmod(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, ex_random(p, 3) ? EX_FILE : EX_DIR);
	unsigned mode = 0600 | ex_random(p, 0200);

	if (!e || !ex_has(p, EX_MODES))
		return;
	if (p->inode[e->inode].type == EX_DIR)
		mode |= 0700;
	ex_note(p, "chmod inode %d to %#o", e->inode, mode);
	if (ex_expect(p, ex_chmod(ex_path(p, 0, e), mode), 0))
		p->inode[e->inode].mode = mode;
}

static void op_check(struct ex_process *p)
{
	struct ex_entry *e = ex_pick_entry(p, EX_FREE);

	ex_note(p, "check");
	if (e && ex_random(p, 2))
		ex_check_entry(p, e);
	else
		ex_check_dir(p, ex_pick_dir(p));
}

/* --- held descriptors, and the machine -------------------------------------------------------- */

static void release(struct ex_process *p, struct ex_held *h)
{
	if (h->fd < 0)
		return;
	ex_expect(p, ex_close(h->fd), 0);
	h->fd = -1;
	p->inode[h->inode].held--;
	ex_inode_drop(p, h->inode);
}

static void op_hold(struct ex_process *p)
{
	struct ex_held *h = &p->held[ex_random(p, EX_HELD)];
	struct ex_entry *e;

	ex_note(p, "hold");
	if (h->fd >= 0) {
		release(p, h);
		return;
	}
	e = ex_pick_entry(p, EX_FILE);
	if (!e)
		return;
	h->fd = (int)ex_open(ex_path(p, 0, e), O_RDWR, 0);
	if (h->fd < 0) {
		ex_expect(p, h->fd, 0);
		h->fd = -1;
		return;
	}
	ex_note(p, "hold inode %d", e->inode);
	h->inode = e->inode;
	p->inode[e->inode].held++;
}

void ex_close_all(struct ex_process *p)
{
	for (int i = 0; i < EX_HELD; i++)
		release(p, &p->held[i]);
}

/* Whether the data goes through the log is changed, where a file system knows that: what is in the
 * file, others that use it, and the caches are to notice nothing. */
static void change_way(int fd)
{
	int flags;

	if (ex_ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return;
	flags ^= FS_JOURNAL_DATA_FL;
	ex_ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static void op_way(struct ex_process *p)
{
	struct ex_held *held;
	int inode, fd = use_file(p, &inode, &held);

	if (fd < 0)
		return;
	ex_note(p, "change the way of writing inode %d", inode);
	change_way(fd);
	unuse_file(p, fd, held);
}

static void op_sync(struct ex_process *p)
{
	struct ex_held *held;
	int inode, fd;

	if (!ex_random(p, 8)) {
		ex_note(p, "sync");
		ex_sync();
		return;
	}
	fd = use_file(p, &inode, &held);
	if (fd < 0)
		return;
	ex_note(p, "fsync inode %d", inode);
	ex_expect(p, ex_random(p, 2) ? ex_fsync(fd) : ex_fdatasync(fd), 0);
	unuse_file(p, fd, held);
}

static void op_drop(struct ex_process *p)
{
	ex_note(p, "drop caches");
	ex_drop_caches();
}

/* --- the common directory --------------------------------------------------------------------- */

#define SHARED_FILES 5u
#define WORD_TAG     0x5ea0000000000000ull

/* Each word of a common file is zero or says where it belongs: in any interleaving, and after any
 * crash. */
static void shared_fill(unsigned char *buf, unsigned from, unsigned n)
{
	for (unsigned at = 0; at < n; at += 8) {
		unsigned long long word = WORD_TAG | (from + at);

		memcpy(buf + at, &word, 8);
	}
}

static void shared_check(struct ex_process *p, unsigned from, long n)
{
	for (unsigned at = 0; n > 0 && at + 8 <= (unsigned long)n; at += 8) {
		unsigned long long word;

		memcpy(&word, p->buf + at, 8);
		if (!word || word == (WORD_TAG | (from + at)))
			continue;
		ex_mismatch(p, "common file: at %u lies %#llx", from + at, word);
		return;
	}
}

static void shared_data(struct ex_process *p, const char *path)
{
	unsigned from, n;
	int fd = (int)ex_open(path, O_CREAT | O_RDWR, 0644);

	if (fd < 0)
		return;
	pick_range(p, &from, &n);
	from &= ~7u;
	n &= ~7u;
	switch (ex_random(p, 7)) {
	case 0:
		ex_ftruncate(fd, from);
		break;
	case 6:
		change_way(fd);
		break;
	case 1:
		if (ex_has(p, EX_PUNCH))
			ex_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, n + 8);
		break;
	case 2:
	case 3:
		shared_check(p, from, ex_pread(fd, p->buf, n, from));
		break;
	default:
		shared_fill(p->buf, from, n);
		ex_pwrite(fd, p->buf, n, from);
		if (!ex_random(p, 8))
			ex_fsync(fd);
	}
	ex_close(fd);
}

/* Whatever happens to the names of others, none of this may hang or corrupt. */
static void op_shared(struct ex_process *p)
{
	char a[300], b[300];

	snprintf(a, sizeof(a), "%s/common/s%u", p->x->config.base, ex_random(p, SHARED_FILES));
	snprintf(b, sizeof(b), "%s/common/%s%u", p->x->config.base, ex_random(p, 2) ? "s" : "d/s",
		 ex_random(p, SHARED_FILES));
	ex_note(p, "common %s", a);
	switch (ex_random(p, 10)) {
	case 0:
		ex_unlink(a);
		break;
	case 1:
		ex_rename(a, b, 0);
		break;
	case 2:
		ex_rename(b, a, 0);
		break;
	case 3:
		if (ex_has(p, EX_LINKS))
			ex_link(a, b);
		break;
	case 4:
		snprintf(b, sizeof(b), "%s/common/d", p->x->config.base);
		if (ex_random(p, 2))
			ex_mkdir(b, 0755);
		else
			ex_rmdir(b);
		break;
	case 5:
		if (ex_has(p, EX_EXCHANGE))
			ex_rename(a, b, RENAME_EXCHANGE);
		break;
	default:
		shared_data(p, a);
	}
}

/* --- one step --------------------------------------------------------------------------------- */

static const struct {
	unsigned weight;
	void (*op)(struct ex_process *p);
} ops[] = {
	{18, op_write},   {4, op_append}, {14, op_read},  {10, op_mapped}, {6, op_truncate},
	{8, op_allocate}, {3, op_copy},   {8, op_create}, {4, op_mkdir},   {2, op_symlink},
	{3, op_link},     {5, op_unlink}, {2, op_rmdir},  {8, op_rename},  {4, op_xattr},
	{2, op_chmod},    {4, op_check},  {5, op_hold},   {3, op_sync},    {1, op_drop},
	{8, op_shared},   {1, op_way},    {4, op_direct}, {2, op_seek},   {2, op_advise},
};

void ex_step(struct ex_process *p)
{
	unsigned total = 0, n;

	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		total += ops[i].weight;
	n = ex_random(p, total);
	ex_note(p, "nothing");
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (n < ops[i].weight) {
			ops[i].op(p);
			break;
		}
		n -= ops[i].weight;
	}
	if (p->op % 2000 == 1999) {
		ex_note(p, "check everything");
		ex_check_tree(p);
	}
	p->op++;
}
