/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exerciser's model (exercise_internal.h), and comparing it with the file system. */
#include "exercise_internal.h"

/* --- telling ---------------------------------------------------------------------------------- */

void ex_note(struct ex_process *p, const char *fmt, ...)
{
	char *line = p->log[p->op % EX_LOG];
	va_list args;
	int n = snprintf(line, sizeof(p->log[0]), "%lu: ", p->op);

	va_start(args, fmt);
	vsnprintf(line + n, sizeof(p->log[0]) - (size_t)n, fmt, args);
	va_end(args);
}

void ex_mismatch(struct ex_process *p, const char *fmt, ...)
{
	char text[400];
	va_list args;
	unsigned long first = p->op >= EX_LOG ? p->op - EX_LOG + 1 : 0;

	if (p->failed)
		return;
	p->failed = 1;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (unsigned long op = first; op <= p->op; op++)
		ex_print("# process %u op %s\n", p->number, p->log[op % EX_LOG]);
	ex_print("# process %u, operation %lu, exerciser's seed %llu: %s\n", p->number, p->op,
		 p->x->config.seed, text);
	ex_failed(text);
}

int ex_is_soft(const struct ex_process *p, long err)
{
	return ((err == -ENOSPC || err == -EDQUOT) && p->x->config.may_fill) ||
	       (err == -ENOMEM && p->x->config.may_fail);
}

int ex_expect(struct ex_process *p, long got, long want)
{
	if (got == want)
		return 1;
	if (!ex_is_soft(p, got))
		ex_mismatch(p, "answer %ld, expected %ld", got, want);
	return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static struct ex_entry *entry_of_dir(struct ex_process *p, int dir)
{
	for (int i = 0; i < EX_ENTRIES; i++)
		if (p->entry[i].used && p->entry[i].inode == dir)
			return &p->entry[i];
	return NULL;
}

const char *ex_path_in(struct ex_process *p, int slot, int dir, const char *name)
{
	char *buf = p->path[slot], *end = buf + EX_PATH - 1, *at = end;

	*end = 0;
	for (;;) {
		size_t n = strlen(name);

		at -= n;
		memcpy(at, name, n);
		*--at = '/';
		if (!dir)
			break;
		struct ex_entry *e = entry_of_dir(p, dir);

		name = e->name;
		dir = e->dir;
	}
	at -= strlen(p->root);
	memcpy(at, p->root, strlen(p->root));
	return at;
}

const char *ex_path(struct ex_process *p, int slot, const struct ex_entry *e)
{
	return ex_path_in(p, slot, e->dir, e->name);
}

/* --- inodes and entries ----------------------------------------------------------------------- */

int ex_inode_new(struct ex_process *p, enum ex_type type, unsigned mode)
{
	for (int i = 0; i < EX_INODES; i++) {
		struct ex_inode *n = &p->inode[i];

		if (n->type != EX_FREE)
			continue;
		n->type = type;
		n->nlink = n->held = n->subdirs = 0;
		n->size = 0;
		n->mode = mode;
		memset(n->xattr, 0, sizeof(n->xattr));
		return i;
	}
	return -1;
}

void ex_inode_drop(struct ex_process *p, int inode)
{
	struct ex_inode *i = &p->inode[inode];

	if (i->nlink || i->held || !inode)
		return;
	ex_resize(i, 0);
	i->type = EX_FREE;
}

struct ex_entry *ex_entry_find(struct ex_process *p, int dir, const char *name)
{
	for (int i = 0; i < EX_ENTRIES; i++) {
		struct ex_entry *e = &p->entry[i];

		if (e->used && e->dir == dir && !strcmp(e->name, name))
			return e;
	}
	return NULL;
}

static void count_subdir(struct ex_process *p, const struct ex_entry *e, int n)
{
	if (p->inode[e->inode].type == EX_DIR)
		p->inode[e->dir].subdirs += (unsigned)n;
}

struct ex_entry *ex_entry_new(struct ex_process *p, int dir, const char *name, int inode)
{
	for (int i = 0; i < EX_ENTRIES; i++) {
		struct ex_entry *e = &p->entry[i];

		if (e->used)
			continue;
		e->used = 1;
		e->dir = dir;
		e->inode = inode;
		snprintf(e->name, sizeof(e->name), "%s", name);
		p->inode[inode].nlink++;
		count_subdir(p, e, 1);
		return e;
	}
	return NULL;
}

void ex_entry_remove(struct ex_process *p, struct ex_entry *e)
{
	count_subdir(p, e, -1);
	e->used = 0;
	p->inode[e->inode].nlink--;
	ex_inode_drop(p, e->inode);
}

int ex_dir_empty(struct ex_process *p, int dir)
{
	for (int i = 0; i < EX_ENTRIES; i++)
		if (p->entry[i].used && p->entry[i].dir == dir)
			return 0;
	return 1;
}

int ex_dir_below(struct ex_process *p, int dir, int top)
{
	while (dir != top) {
		if (!dir)
			return 0;
		dir = entry_of_dir(p, dir)->dir;
	}
	return 1;
}

int ex_pick_dir(struct ex_process *p)
{
	int found = 0, n = 1;

	for (int i = 1; i < EX_INODES; i++)
		if (p->inode[i].type == EX_DIR && p->inode[i].nlink && !ex_random(p, (unsigned)++n))
			found = i;
	return found;
}

struct ex_entry *ex_pick_entry(struct ex_process *p, enum ex_type type)
{
	struct ex_entry *found = NULL;
	unsigned n = 0;

	for (int i = 0; i < EX_ENTRIES; i++) {
		struct ex_entry *e = &p->entry[i];

		if (e->used && (type == EX_FREE || p->inode[e->inode].type == type) &&
		    !ex_random(p, ++n))
			found = e;
	}
	return found;
}

void ex_resize(struct ex_inode *i, unsigned size)
{
	if (size < i->size)
		memset(i->data + size, 0, i->size - size);
	i->size = size;
}

/* --- comparing -------------------------------------------------------------------------------- */

static void compare(struct ex_process *p, const unsigned char *got, const struct ex_inode *i,
		    unsigned from, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		if (got[k] == i->data[from + k])
			continue;
		ex_mismatch(p, "inode %d, byte %u is %#x, not %#x (size %u, %u bytes from %u)",
			    (int)(i - p->inode), from + k, got[k], i->data[from + k], i->size, n,
			    from);
		return;
	}
}

void ex_check_range(struct ex_process *p, int fd, int inode, unsigned from, unsigned n)
{
	struct ex_inode *i = &p->inode[inode];
	unsigned want = from >= i->size ? 0 : from + n > i->size ? i->size - from : n;
	long got = ex_pread(fd, p->buf, n, from);

	if (got != (long)want) {
		if (!ex_is_soft(p, got))
			ex_mismatch(p, "read of %u bytes at %u (size %u): %ld", n, from, i->size,
				    got);
		return;
	}
	compare(p, p->buf, i, from, want);
}

/* Whoever wants to know what a failed write left has to read it, also when reading fails at
 * times. */
static int read_surely(struct ex_process *p, int fd, unsigned char *to, unsigned from, unsigned n)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		long got = ex_pread(fd, to, n, from);

		if (got == (long)n)
			return 1;
		/* What is short failed behind its end. */
		if (!ex_is_soft(p, got < 0 ? got : -ENOMEM))
			return 0;
	}
	return 0;
}

void ex_reconcile(struct ex_process *p, int fd, int inode, unsigned from, const unsigned char *new,
		  unsigned n)
{
	struct ex_inode *i = &p->inode[inode];
	unsigned char *back = p->buf + EX_MAX_SIZE / 2;
	struct stat st;

	if (ex_fstat(fd, &st) || st.st_size < (long)i->size ||
	    st.st_size > (long)(from + n > i->size ? from + n : i->size)) {
		ex_mismatch(p, "size %ld after a write of %u at %u to %u bytes that failed",
			    (long)st.st_size, n, from, i->size);
		return;
	}
	i->size = (unsigned)st.st_size;
	if (from >= i->size)
		return;
	if (from + n > i->size)
		n = i->size - from;
	if (!read_surely(p, fd, back, from, n)) {
		ex_mismatch(p, "cannot read %u bytes at %u after a failed write", n, from);
		return;
	}
	for (unsigned k = 0; k < n; k++) {
		if (back[k] != new[k] && back[k] != i->data[from + k]) {
			ex_mismatch(p, "byte %u is %#x after a failed write: neither old nor new",
				    from + k, back[k]);
			return;
		}
		i->data[from + k] = back[k];
	}
}

void ex_check_stat(struct ex_process *p, const struct stat *st, int inode)
{
	static const unsigned types[] = {
		[EX_FILE] = S_IFREG, [EX_DIR] = S_IFDIR, [EX_LINK] = S_IFLNK};
	struct ex_inode *i = &p->inode[inode];
	unsigned nlink = i->type == EX_DIR ? 2 + i->subdirs : i->nlink;

	if ((st->st_mode & S_IFMT) != types[i->type])
		ex_mismatch(p, "type %#o, not %#o", (unsigned)st->st_mode, types[i->type]);
	if (i->type == EX_FILE && st->st_size != (long)i->size)
		ex_mismatch(p, "inode %d: size %ld, not %u", inode, (long)st->st_size, i->size);
	if ((i->type != EX_DIR || ex_has(p, EX_DIR_NLINK)) && ex_has(p, EX_LINKS) &&
	    st->st_nlink != nlink)
		ex_mismatch(p, "inode %d: %u links, not %u", inode, (unsigned)st->st_nlink, nlink);
	if (i->type != EX_LINK && inode && ex_has(p, EX_MODES) && (st->st_mode & 07777) != i->mode)
		ex_mismatch(p, "inode %d: mode %#o, not %#o", inode, (unsigned)st->st_mode & 07777,
			    i->mode);
}

static void check_content(struct ex_process *p, const char *path, int inode)
{
	int fd = (int)ex_open(path, O_RDONLY, 0);

	if (fd < 0) {
		if (!ex_is_soft(p, fd))
			ex_mismatch(p, "open of %s: %d", path, fd);
		return;
	}
	ex_check_range(p, fd, inode, 0, EX_MAX_SIZE + EX_PAGE);
	ex_close(fd);
}

static void check_target(struct ex_process *p, const char *path, const struct ex_inode *i)
{
	long n = ex_readlink(path, (char *)p->buf, EX_XATTR_MAX);

	if (ex_is_soft(p, n))
		return;
	if (n != (long)strlen(i->target) || memcmp(p->buf, i->target, (size_t)n))
		ex_mismatch(p, "target of %s: %ld bytes, not %lu, or others", path, n,
			    (unsigned long)strlen(i->target));
}

static void check_xattrs(struct ex_process *p, const char *path, struct ex_inode *i)
{
	for (int k = 0; k < EX_XATTRS; k++) {
		struct ex_xattr *a = &i->xattr[k];
		char name[16];
		long n;

		snprintf(name, sizeof(name), "user.k%d", k);
		n = ex_getxattr(path, name, p->buf, EX_XATTR_MAX);
		if (ex_is_soft(p, n))
			continue;
		if (n != (a->len ? (long)a->len - 1 : -ENODATA) ||
		    (n > 0 && memcmp(p->buf, a->value, (size_t)n)))
			ex_mismatch(p, "%s of %s: %ld, not %d, or another value", name, path, n,
				    (int)a->len - 1);
	}
}

void ex_check_entry(struct ex_process *p, const struct ex_entry *e)
{
	const char *path = ex_path(p, 0, e);
	struct ex_inode *i = &p->inode[e->inode];
	struct stat st;
	long err = ex_lstat(path, &st);

	if (err) {
		if (!ex_is_soft(p, err))
			ex_mismatch(p, "stat of %s: %ld", path, err);
		return;
	}
	ex_check_stat(p, &st, e->inode);
	if (i->type == EX_FILE)
		check_content(p, path, e->inode);
	else if (i->type == EX_LINK)
		check_target(p, path, i);
	if (i->type != EX_LINK && ex_has(p, EX_XATTR))
		check_xattrs(p, path, i);
}

/* One record: a name of the model, once. */
static void check_record(struct ex_process *p, int dir, const struct linux_dirent64 *d,
			 unsigned char *seen)
{
	struct ex_entry *e;

	if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
		return;
	e = ex_entry_find(p, dir, d->d_name);
	if (!e)
		ex_mismatch(p, "directory %d shows \"%s\"", dir, d->d_name);
	else if (seen[e - p->entry]++)
		ex_mismatch(p, "directory %d shows \"%s\" twice", dir, d->d_name);
}

void ex_check_dir(struct ex_process *p, int dir)
{
	struct ex_entry *self = dir ? entry_of_dir(p, dir) : NULL;
	unsigned char seen[EX_ENTRIES] = { 0 };
	int fd = (int)ex_open(self ? ex_path(p, 0, self) : p->root, O_RDONLY | O_DIRECTORY, 0);
	long n;

	if (fd < 0) {
		if (!ex_is_soft(p, fd))
			ex_mismatch(p, "open of directory %d: %d", dir, fd);
		return;
	}
	while ((n = ex_getdents(fd, p->buf, 300 + ex_random(p, 4000))) > 0)
		for (long at = 0; at < n; at += ((struct linux_dirent64 *)(p->buf + at))->d_reclen)
			check_record(p, dir, (struct linux_dirent64 *)(p->buf + at), seen);
	ex_close(fd);
	if (ex_is_soft(p, n))
		return;
	if (n)
		ex_mismatch(p, "reading directory %d: %ld", dir, n);
	for (int i = 0; i < EX_ENTRIES; i++)
		if (p->entry[i].used && p->entry[i].dir == dir && !seen[i])
			ex_mismatch(p, "directory %d lacks \"%s\"", dir, p->entry[i].name);
}

void ex_check_tree(struct ex_process *p)
{
	for (int i = 0; i < EX_INODES && !p->failed; i++)
		if (p->inode[i].type == EX_DIR && (!i || p->inode[i].nlink))
			ex_check_dir(p, i);
	for (int i = 0; i < EX_ENTRIES && !p->failed; i++)
		if (p->entry[i].used)
			ex_check_entry(p, &p->entry[i]);
	for (int i = 0; i < EX_HELD && !p->failed; i++)
		if (p->held[i].fd >= 0)
			ex_check_range(p, p->held[i].fd, p->held[i].inode, 0, EX_MAX_SIZE);
}
