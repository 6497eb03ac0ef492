/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads for power cuts (powercut.h).  Each says what it was promised just after the call that
 * promises returned, and takes it back just before the first call that changes it.
 */
#include <kernel/abi/fs.h>
#include <kernel/abi/mman.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"
#include "powercut.h"

#define FILES	 4u
#define MAX_SIZE 40000u
#define PATH	 100

const char *const powercut_work_names[NR_WORKS] = {
	[WORK_FSYNC] = "fsync",       [WORK_RENAME] = "rename",       [WORK_STORM] = "storm",
	[WORK_TRUNCATE] = "truncate", [WORK_DIRECTORY] = "directory", [WORK_MAPPED] = "mapped",
};

struct file_state {
	char path[PATH];
	unsigned id, generation;
	u32 size;
	u8 data[MAX_SIZE] __aligned(8);
};

struct work {
	struct powercut *c;
	const char *dir;
	unsigned next_id;
	struct file_state file[FILES];
};

/* Each directory has numbers of its own. */
static unsigned first_id(const char *dir)
{
	unsigned h = 7;

	for (; *dir; dir++)
		h = h * 31 + (u8)*dir;
	return h % 64 * 1000 + 1;
}

static void promise_file(struct work *w, const struct file_state *f)
{
	powercut_promise(w->c, f->path, &(struct outcome){ .data = f->data, .n = f->size }, 1);
}

static void promise_nothing(struct work *w, const char *path)
{
	powercut_promise(w->c, path, NULL, 0);
}

static int file_open(const char *path, int flags)
{
	int fd = (int)hf_open(path, O_RDWR | flags, 0644);

	EXPECT(fd >= 0);
	return fd;
}

static void dir_sync(const char *dir)
{
	int fd = (int)hf_open(dir, O_RDONLY | O_DIRECTORY, 0);

	EXPECT(fd >= 0);
	EXPECT_EQ(hf_fsync(fd), 0);
	hf_close(fd);
}

static void model_write(struct file_state *f, u32 from, u32 n)
{
	powercut_fill(f->data + from, f->id, f->generation, from, n);
	if (from + n > f->size) {
		if (from > f->size)
			memset(f->data + f->size, 0, from - f->size);
		f->size = from + n;
	}
}

static void model_truncate(struct file_state *f, u32 size)
{
	if (size > f->size)
		memset(f->data + f->size, 0, size - f->size);
	f->size = size;
}

/* --- fsync, truncate -------------------------------------------------------------------------- */

static void files_begin(struct work *w)
{
	for (unsigned i = 0; i < FILES; i++) {
		struct file_state *f = &w->file[i];

		snprintf(f->path, PATH, "%s/f%u", w->dir, i);
		f->id = w->next_id++;
		f->size = 0;
		hf_close(file_open(f->path, O_CREAT));
	}
	dir_sync(w->dir);
	for (unsigned i = 0; i < FILES; i++)
		promise_file(w, &w->file[i]);
}

static void write_some(struct file_state *f, int fd)
{
	u32 n = 8 + (u32)host_random(host_random(2) ? 600 : 9000), from = f->size;

	n &= ~7u;
	if (!host_random(3))
		from = (u32)host_random(f->size + 1);
	from &= ~7u;
	if (from + n > MAX_SIZE)
		return;
	f->generation++;
	model_write(f, from, n);
	EXPECT_EQ(hf_pwrite(fd, f->data + from, n, from), n);
}

static void truncate_some(struct file_state *f, int fd)
{
	u32 size = (u32)host_random(host_random(3) ? f->size + 1 : MAX_SIZE) & ~7u;

	model_truncate(f, size);
	EXPECT_EQ(hf_ftruncate(fd, size), 0);
}

static void work_files(struct work *w, unsigned steps, bool truncates)
{
	files_begin(w);
	while (steps--) {
		struct file_state *f = &w->file[host_random(FILES)];
		int fd = file_open(f->path, 0);

		promise_nothing(w, f->path);
		if (truncates && host_random(2))
			truncate_some(f, fd);
		else
			write_some(f, fd);
		if (host_random(3)) {
			EXPECT_EQ(host_random(2) ? hf_fsync(fd) : hf_fdatasync(fd), 0);
			promise_file(w, f);
		}
		hf_close(fd);
	}
}

/* --- rename over ------------------------------------------------------------------------------ */

static void replace(struct work *w, struct file_state *f, struct file_state *old)
{
	char temporary[PATH + 8];
	int fd;

	*old = *f;
	snprintf(temporary, sizeof(temporary), "%s.new", f->path);
	f->id = w->next_id++;
	f->size = 0;
	model_write(f, 0, (8 + (u32)host_random(9000)) & ~7u);
	fd = file_open(temporary, O_CREAT | O_TRUNC);
	EXPECT_EQ(hf_write(fd, f->data, f->size), f->size);
	EXPECT_EQ(hf_fsync(fd), 0);
	hf_close(fd);
	powercut_promise(w->c, f->path,
			 (struct outcome[]){{.data = old->data, .n = old->size},
					    {.data = f->data, .n = f->size}},
			 2);
	EXPECT_EQ(hf_rename(temporary, f->path, 0), 0);
	if (host_random(2)) {
		dir_sync(w->dir);
		promise_file(w, f);
	}
}

static void work_rename(struct work *w, unsigned steps)
{
	struct file_state *old = host_alloc_uncounted(sizeof(*old));

	files_begin(w);
	while (steps--) {
		struct file_state *f = &w->file[host_random(FILES)];

		/* After an unsynced rename the next one has three possible pasts; settle that
		 * first. */
		dir_sync(w->dir);
		promise_file(w, f);
		replace(w, f, old);
	}
	host_free_uncounted(old);
}

/* --- creation and deletion -------------------------------------------------------------------- */

#define STORM_NAMES 24u

struct storm {
	struct work *w;
	bool present[STORM_NAMES];
};

static void storm_path(struct storm *s, unsigned i, char *path)
{
	snprintf(path, PATH, "%s/d%u/name-%u", s->w->dir, i % 3, i);
}

static void storm_step(struct storm *s)
{
	unsigned i = (unsigned)host_random(STORM_NAMES), j = (unsigned)host_random(STORM_NAMES);
	char path[PATH], other[PATH];

	storm_path(s, i, path);
	storm_path(s, j, other);
	if (s->present[i] && !s->present[j] && !host_random(4)) {
		promise_nothing(s->w, path);
		promise_nothing(s->w, other);
		EXPECT_EQ(host_random(2) ? hf_rename(path, other, 0)
					 : (hf_link(path, other) ?: hf_unlink(path)),
			  0);
		s->present[i] = false;
		s->present[j] = true;
		return;
	}
	promise_nothing(s->w, path);
	if (s->present[i])
		EXPECT_EQ(hf_unlink(path), 0);
	else if (host_random(4))
		hf_close(file_open(path, O_CREAT | O_EXCL));
	else
		EXPECT_EQ(hf_symlink("somewhere", path), 0);
	s->present[i] = !s->present[i];
}

/* Everything in one directory is as it is. */
static void storm_promise(struct storm *s, unsigned d)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s/d%u", s->w->dir, d);
	dir_sync(path);
	for (unsigned i = d; i < STORM_NAMES; i += 3) {
		storm_path(s, i, path);
		if (!s->present[i])
			powercut_promise(s->w->c, path, &(struct outcome){ .absent = true }, 1);
	}
}

static void work_storm(struct work *w, unsigned steps)
{
	struct storm s = { .w = w };
	char path[PATH];

	for (unsigned d = 0; d < 3; d++) {
		snprintf(path, sizeof(path), "%s/d%u", w->dir, d);
		EXPECT_EQ(hf_mkdir(path, 0755), 0);
	}
	dir_sync(w->dir);
	while (steps--) {
		storm_step(&s);
		if (!host_random(10))
			storm_promise(&s, (unsigned)host_random(3));
	}
}

/* --- a large directory ------------------------------------------------------------------------ */

static void grown_path(struct work *w, unsigned i, char *path)
{
	snprintf(path, PATH, "%s/an-entry-with-a-rather-long-name-so-that-blocks-fill-%u", w->dir,
		 i);
}

static void work_directory(struct work *w, unsigned steps)
{
	unsigned first = 0, promised = 0, i;
	char path[PATH];

	for (i = 0; i < steps; i++) {
		grown_path(w, i, path);
		hf_close(file_open(path, O_CREAT | O_EXCL));
		if (host_random(20))
			continue;
		dir_sync(w->dir);
		for (; promised <= i; promised++) {
			grown_path(w, promised, path);
			if (promised >= first)
				powercut_promise(w->c, path, &(struct outcome){ .n = 0 }, 1);
		}
		for (unsigned stop = first + (unsigned)host_random(30); first < stop && first < i;
		     first++) {
			grown_path(w, first, path);
			promise_nothing(w, path);
			EXPECT_EQ(hf_unlink(path), 0);
		}
	}
}

/* --- mappings --------------------------------------------------------------------------------- */

static void mapped_step(struct work *w, struct file_state *f)
{
	u32 size = (f->size + 8192) & ~4095u, from, n;
	int fd = file_open(f->path, 0);
	long at;

	promise_nothing(w, f->path);
	if (size > MAX_SIZE)
		size = 4096;
	model_truncate(f, size);
	EXPECT_EQ(hf_ftruncate(fd, size), 0);
	at = hf_mmap(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(at > 0);
	for (int i = 0; i < 4; i++) {
		from = (u32)host_random(size) & ~7u;
		n = (u32)host_random(size - from) & ~7u;
		f->generation++;
		model_write(f, from, n);
		EXPECT_EQ(hf_store((unsigned long)at + from, f->data + from, n), 0);
	}
	EXPECT_EQ(host_random(2) ? hf_msync((unsigned long)at, size, MS_SYNC) : hf_fsync(fd), 0);
	promise_file(w, f);
	EXPECT_EQ(hf_munmap((unsigned long)at, size), 0);
	hf_close(fd);
}

static void work_mapped(struct work *w, unsigned steps)
{
	files_begin(w);
	while (steps--)
		mapped_step(w, &w->file[host_random(FILES)]);
}

/* --- all -------------------------------------------------------------------------------------- */

void powercut_work(struct powercut *c, enum powercut_work work, const char *dir, unsigned steps)
{
	struct work *w = host_alloc_uncounted(sizeof(*w));

	memset(w, 0, sizeof(*w));
	w->c = c;
	w->dir = dir;
	w->next_id = first_id(dir);
	EXPECT_EQ(hf_mkdir(dir, 0755), 0);
	switch (work) {
	case WORK_FSYNC:
	case WORK_TRUNCATE:
		work_files(w, steps, work == WORK_TRUNCATE);
		break;
	case WORK_RENAME:
		work_rename(w, steps);
		break;
	case WORK_STORM:
		work_storm(w, steps);
		break;
	case WORK_DIRECTORY:
		work_directory(w, steps);
		break;
	default:
		work_mapped(w, steps);
	}
	host_free_uncounted(w);
}

struct one_of_all {
	struct powercut *c;
	enum powercut_work work;
	char dir[PATH];
	unsigned steps;
};

static void one_main(void *arg)
{
	struct one_of_all *o = arg;

	powercut_work(o->c, o->work, o->dir, o->steps);
}

void powercut_work_all(struct powercut *c, unsigned steps)
{
	struct one_of_all one[NR_WORKS];
	struct hf_process *p[NR_WORKS];

	for (unsigned i = 0; i < NR_WORKS; i++) {
		one[i] = (struct one_of_all){ .c = c, .work = i, .steps = steps };
		snprintf(one[i].dir, PATH, "%s/%s", powercut_root(c), powercut_work_names[i]);
		p[i] = hf_spawn("work", one_main, &one[i]);
	}
	for (unsigned i = 0; i < NR_WORKS; i++)
		hf_wait(p[i]);
}
