/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exerciser's frame (exercise.h): directories, features, processes. */
#include "exercise_internal.h"

/* --- what works ------------------------------------------------------------------------------- */

struct probe {
	struct exercise *x;
	char a[300], b[300];
	int fd;
};

static void probe_works(struct probe *q, long answer, unsigned feature)
{
	if (answer >= 0)
		q->x->features |= feature;
}

static void probe_names(struct probe *q)
{
	char target[EX_XATTR_MAX];
	unsigned long nlink;
	struct stat st;

	probe_works(q, ex_link(q->a, q->b), EX_LINKS);
	ex_unlink(q->b);
	probe_works(q, ex_symlink("x", q->b), EX_SYMLINKS);
	ex_unlink(q->b);
	memset(target, 'x', sizeof(target));
	target[EX_XATTR_MAX - 1] = 0;
	probe_works(q, ex_symlink(target, q->b), EX_LONG_LINKS);
	ex_unlink(q->b);
	probe_works(q, ex_rename(q->a, q->b, RENAME_NOREPLACE), EX_NOREPLACE);
	ex_rename(q->b, q->a, 0);
	ex_close((int)ex_open(q->b, O_CREAT | O_RDWR, 0600));
	probe_works(q, ex_rename(q->a, q->b, RENAME_EXCHANGE), EX_EXCHANGE);
	ex_unlink(q->b);
	ex_close((int)ex_open(q->a, O_CREAT | O_RDWR, 0600));
	if (!ex_chmod(q->a, 0604) && !ex_lstat(q->a, &st) && (st.st_mode & 07777) == 0604)
		q->x->features |= EX_MODES;
	nlink = ex_lstat(q->x->config.base, &st) ? 0 : st.st_nlink;
	ex_mkdir(q->b, 0700);
	if (!ex_lstat(q->x->config.base, &st) && st.st_nlink == nlink + 1)
		q->x->features |= EX_DIR_NLINK;
	ex_rmdir(q->b);
	probe_works(q, ex_setxattr(q->a, "user.k0", "v", 1, 0), EX_XATTR);
}

static void probe_data(struct probe *q)
{
	static char pages[4 * EX_PAGE];
	loff_t in = 0, out = 3 * EX_PAGE;
	int fd = (int)ex_open(q->a, O_CREAT | O_RDWR, 0600);
	long at;

	ex_pwrite(fd, pages, sizeof(pages), 0);
	probe_works(q, ex_fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100), EX_ALLOCATE);
	probe_works(q, ex_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100),
		    EX_PUNCH);
	probe_works(q, ex_fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 100), EX_ZERO);
	probe_works(q, ex_fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, EX_PAGE, EX_PAGE), EX_COLLAPSE);
	probe_works(q, ex_fallocate(fd, FALLOC_FL_INSERT_RANGE, EX_PAGE, EX_PAGE), EX_INSERT);
	probe_works(q, ex_copy_range(fd, &in, fd, &out, 100), EX_COPY);
	at = ex_mmap(EX_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	probe_works(q, at < 0 && at > -4096 ? at : 0, EX_MMAP);
	if (at > 0 || at < -4096)
		ex_munmap((unsigned long)at, EX_PAGE);
	probe_works(q, ex_lseek(fd, 0, SEEK_DATA), EX_SEEK);
	ex_close(fd);
	fd = (int)ex_open(q->a, O_RDWR | O_DIRECT, 0);
	probe_works(q, fd, EX_DIRECT);
	if (fd >= 0)
		ex_close(fd);
}

static void learn(struct exercise *x)
{
	struct probe q = { .x = x };

	x->features = 0;
	snprintf(q.a, sizeof(q.a), "%s/common", x->config.base);
	ex_mkdir(q.a, 0755);
	snprintf(q.a, sizeof(q.a), "%s/probe-a", x->config.base);
	snprintf(q.b, sizeof(q.b), "%s/probe-b", x->config.base);
	ex_close((int)ex_open(q.a, O_CREAT | O_RDWR, 0600));
	probe_names(&q);
	probe_data(&q);
	ex_unlink(q.a);
	if (x->config.no_links)
		x->features &= ~(unsigned)EX_LINKS;
}

/* --- processes -------------------------------------------------------------------------------- */

static void process_place(struct ex_process *p)
{
	snprintf(p->root, sizeof(p->root), "%s/p%u", p->x->config.base, p->number);
}

static int process_prepare(struct exercise *x, unsigned n)
{
	struct ex_process *p = &x->process[n];

	p->x = x;
	p->number = n;
	prng_seed(&p->prng, x->config.seed * 1000003 + n);
	process_place(p);
	p->inode[0].type = EX_DIR;
	p->inode[0].nlink = 1;
	for (int i = 0; i < EX_HELD; i++)
		p->held[i].fd = -1;
	return (int)ex_mkdir(p->root, 0755);
}

struct exercise *exercise_create(const struct exercise_config *config)
{
	size_t bytes = sizeof(struct exercise) + config->processes * sizeof(struct ex_process);
	struct exercise *x = ex_shared_alloc(bytes);
	int err;

	if (!x)
		return NULL;
	x->config = *config;
	x->bytes = bytes;
	learn(x);
	for (unsigned i = 0; i < config->processes; i++) {
		err = process_prepare(x, i);
		if (!err)
			continue;
		ex_print("# exercise: mkdir %s: %d\n", x->process[i].root, err);
		ex_shared_free(x, bytes);
		return NULL;
	}
	return x;
}

void exercise_move(struct exercise *x, const char *base)
{
	x->config.base = base;
	x->config.no_links = 0;
	learn(x);
	for (unsigned i = 0; i < x->config.processes; i++)
		process_place(&x->process[i]);
}

static unsigned failures(const struct exercise *x)
{
	unsigned n = 0;

	for (unsigned i = 0; i < x->config.processes; i++)
		n += x->process[i].failed != 0;
	return n;
}

static void process_run(void *ctx, unsigned n)
{
	struct exercise *x = ctx;
	struct ex_process *p = &x->process[n];

	for (unsigned long i = 0; i < x->config.ops && !p->failed; i++)
		ex_step(p);
	ex_note(p, "check at the end");
	ex_check_tree(p);
	ex_close_all(p);
	if (p->pages)
		ex_munmap((unsigned long)p->pages, EX_DIRECT_MAX);
	p->pages = 0;
}

void exercise_set_ops(struct exercise *x, unsigned long ops)
{
	x->config.ops = ops;
}

unsigned exercise_run(struct exercise *x)
{
	unsigned died = ex_run_processes(x->config.processes, process_run, x);

	return failures(x) + died;
}

unsigned exercise_verify(struct exercise *x)
{
	for (unsigned i = 0; i < x->config.processes; i++) {
		struct ex_process *p = &x->process[i];

		ex_note(p, "check again");
		ex_check_tree(p);
	}
	return failures(x);
}

void exercise_destroy(struct exercise *x)
{
	ex_shared_free(x, x->bytes);
}
