/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power-cut engine (powercut.h).
 *
 * Cuts are taken in the order of the record.  The replayed disk's sectors are, between cuts,
 * exactly what is durable at the last one, advanced write by write; for each cut the volatile
 * writes are put on top and taken back afterwards together with everything the mounted file system
 * wrote.
 */
#include <kernel/abi/dirent.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <coroutine.h>
#include "hostfs_internal.h"
#include "powercut.h"

#define NEVER	 ~0u
#define CUT_ROOT "/cut"
#define MAX_PATH 300
#define SECTOR	 512u
#define READ_MAX (1u << 20)

struct promise {
	u32 from, until; /* events: holds for cuts in [from, until) */
	unsigned n;
	struct outcome outcomes[3];
	char path[100];
};

struct powercut {
	struct host_disk *disk;
	char root[40];
	u8 *base;
	u64 bytes;
	struct promise *promises;
	unsigned nr_promises, max_promises;
	/* While checking. */
	struct host_disk *replay;
	u32 *durable_at;    /* per event that begins a write */
	u32 *sector_writer; /* the event of what the durable sector holds, plus one */
	u32 applied;	    /* cut of the durable state */
	unsigned wrong;
	bool quiet;
	u32 cut;
	unsigned mode;
	u8 *buf;
};

struct powercut *powercut_begin(struct host_disk *d, const char *root)
{
	struct powercut *c = host_alloc_uncounted(sizeof(*c));

	memset(c, 0, sizeof(*c));
	c->disk = d;
	c->bytes = host_disk_bytes(d);
	c->base = host_alloc_uncounted(c->bytes);
	memcpy(c->base, host_disk_image(d), c->bytes);
	snprintf(c->root, sizeof(c->root), "%s", root);
	host_disk_record(d);
	return c;
}

const char *powercut_root(const struct powercut *c)
{
	return c->root;
}

static void outcomes_free(struct promise *p)
{
	for (unsigned i = 0; i < p->n; i++)
		host_free_uncounted((void *)p->outcomes[i].data);
}

void powercut_end(struct powercut *c)
{
	for (unsigned i = 0; i < c->nr_promises; i++)
		outcomes_free(&c->promises[i]);
	host_free_uncounted(c->promises);
	host_free_uncounted(c->base);
	host_free_uncounted(c);
}

/* --- promises --------------------------------------------------------------------------------- */

static struct promise *promise_add(struct powercut *c)
{
	if (c->nr_promises == c->max_promises) {
		struct promise *p;

		c->max_promises = c->max_promises ? c->max_promises * 2 : 256;
		p = host_alloc_uncounted(c->max_promises * sizeof(*p));
		if (c->promises)
			memcpy(p, c->promises, c->nr_promises * sizeof(*p));
		host_free_uncounted(c->promises);
		c->promises = p;
	}
	return &c->promises[c->nr_promises++];
}

void powercut_promise(struct powercut *c, const char *path, const struct outcome *outcomes,
		      unsigned n)
{
	u32 now = host_disk_events(c->disk);
	const char *below = path + strlen(c->root);
	struct promise *p;

	for (unsigned i = c->nr_promises; i-- > 0;) {
		p = &c->promises[i];
		if (p->until == NEVER && !strcmp(p->path, below)) {
			p->until = now;
			break;
		}
	}
	if (!n)
		return;
	p = promise_add(c);
	*p = (struct promise){ .from = now, .until = NEVER, .n = n };
	snprintf(p->path, sizeof(p->path), "%s", below);
	for (unsigned i = 0; i < n; i++) {
		void *copy = host_alloc_uncounted(outcomes[i].n);

		p->outcomes[i] = outcomes[i];
		if (outcomes[i].n)
			memcpy(copy, outcomes[i].data, outcomes[i].n);
		p->outcomes[i].data = copy;
	}
}

#define WORD_TAG 0xc7ull

void powercut_fill(void *buf, unsigned id, unsigned generation, u64 offset, size_t n)
{
	u64 *w = buf;

	for (size_t i = 0; i < n / 8; i++)
		w[i] = WORD_TAG << 56 | (u64)(id & 0xffff) << 40 | (u64)(generation & 0xff) << 32 |
		       (offset / 8 + i);
}

/* --- finding fault ---------------------------------------------------------------------------- */

static void wrong(struct powercut *c, const char *fmt, ...) __printf(2, 3);

static void wrong(struct powercut *c, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!c->wrong++ && !c->quiet)
		host_print("# power cut at event %u of %u, kind of loss %u: %s\n", c->cut,
			   host_disk_events(c->disk), c->mode, text);
}

static bool outcome_found(struct powercut *c, const struct outcome *o, long size)
{
	if (o->absent)
		return size == -ENOENT;
	if (size < 0 || (o->prefix ? size < (long)o->n : size != (long)o->n))
		return false;
	return !o->n || !memcmp(c->buf, o->data, o->n);
}

/* The size of the file, its bytes in c->buf; or a negative errno. */
static long read_whole(struct powercut *c, const char *path)
{
	int fd = (int)hf_open(path, O_RDONLY, 0);
	long n;

	if (fd < 0)
		return fd;
	n = hf_read(fd, c->buf, READ_MAX);
	hf_close(fd);
	return n;
}

static void describe(const struct promise *p, char *text, size_t size)
{
	size_t at = 0;

	for (unsigned i = 0; i < p->n; i++) {
		const struct outcome *o = &p->outcomes[i];

		at += (size_t)scnprintf(text + at, size - at, "%s%s%zu bytes", i ? " or " : "",
					o->absent   ? "nothing, "
					: o->prefix ? "at least "
						    : "",
					o->n);
	}
}

static void check_promise(struct powercut *c, const struct promise *p)
{
	char path[MAX_PATH], text[200];
	const struct outcome *o = &p->outcomes[0];
	size_t at = 0;
	long size;

	snprintf(path, sizeof(path), CUT_ROOT "%s", p->path);
	size = read_whole(c, path);
	for (unsigned i = 0; i < p->n; i++)
		if (outcome_found(c, &p->outcomes[i], size))
			return;
	describe(p, text, sizeof(text));
	while (size > 0 && !o->absent && at < o->n && at < (size_t)size &&
	       c->buf[at] == ((const u8 *)o->data)[at])
		at++;
	wrong(c, "%s: found %ld, promised %s since event %u until %u; first difference at %zu",
	      path, size, text, p->from, p->until, at);
}

/* Each word is zero or names one and the same file and its place. */
static void check_words(struct powercut *c, const char *path, long size)
{
	u64 id = 0;

	for (long at = 0; at + 8 <= size; at += 8) {
		u64 w = *(u64 *)(c->buf + at);

		if (!w)
			continue;
		if (w >> 56 != WORD_TAG || (u32)w != at / 8 || (id && (w >> 40) != id)) {
			wrong(c, "%s: at %ld lies %#llx, not its own", path, at, w);
			return;
		}
		id = w >> 40;
	}
}

static void check_tree(struct powercut *c, const char *dir, unsigned depth);

static void check_node(struct powercut *c, const char *path, unsigned depth)
{
	struct stat st;
	long n = hf_lstat(path, &st);

	if (n) {
		wrong(c, "stat of %s: %ld", path, n);
	} else if (S_ISDIR(st.st_mode)) {
		check_tree(c, path, depth + 1);
	} else if (S_ISREG(st.st_mode)) {
		n = read_whole(c, path);
		if (n < 0 || (n != st.st_size && n != READ_MAX))
			wrong(c, "read of %s of %ld bytes: %ld", path, (long)st.st_size, n);
		else
			check_words(c, path, n);
	}
}

static void check_tree(struct powercut *c, const char *dir, unsigned depth)
{
	int fd = (int)hf_open(dir, O_RDONLY | O_DIRECTORY, 0);
	u8 *buf = host_alloc_uncounted(4096);
	char path[MAX_PATH];
	long n;

	if (depth > 12 || fd < 0) {
		wrong(c, "directory %s: %d", dir, fd);
		goto out;
	}
	while ((n = hf_getdents(fd, buf, 4096)) > 0) {
		for (long at = 0; at < n; at += ((struct linux_dirent64 *)(buf + at))->d_reclen) {
			struct linux_dirent64 *e = (struct linux_dirent64 *)(buf + at);

			if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
				continue;
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			check_node(c, path, depth);
		}
	}
	if (n)
		wrong(c, "reading directory %s: %ld", dir, n);
	hf_close(fd);
out:
	host_free_uncounted(buf);
}

/* It must still be possible to use it. */
static void check_use(struct powercut *c)
{
	int fd = (int)hf_open(CUT_ROOT "/after", O_CREAT | O_RDWR | O_TRUNC, 0600);
	long n;

	if (fd < 0) {
		wrong(c, "creating a file: %d", fd);
		return;
	}
	powercut_fill(c->buf, 0x7fff, 0, 0, 5000);
	n = hf_write(fd, c->buf, 5000);
	if (n != 5000 && n != -ENOSPC)
		wrong(c, "writing a file: %ld", n);
	n = hf_fsync(fd);
	if (n)
		wrong(c, "fsync: %ld", n);
	hf_close(fd);
	n = hf_unlink(CUT_ROOT "/after");
	if (n)
		wrong(c, "unlink: %ld", n);
}

static void check_fsck(struct powercut *c, const char *fsck)
{
	char command[400], image[80];
	size_t len;
	char *out;

	snprintf(image, sizeof(image), "/tmp/vireo-powercut-%d.img", host_pid());
	if (host_disk_save(c->replay, image)) {
		wrong(c, "cannot write %s", image);
		return;
	}
	snprintf(command, sizeof(command), "%s %s >%s.log 2>&1", fsck, image, image);
	out = host_run(command, &len);
	if (!out) {
		wrong(c, "%s: not clean, see %s.log", fsck, image);
		return;
	}
	host_free(out);
	host_remove(image);
	strscpy(image + strlen(image), ".log", 5);
	host_remove(image);
}

/* --- one cut ---------------------------------------------------------------------------------- */

/* When each write became durable: with its own end (FUA), or that of a flush begun after its
 * end. */
static void find_durable(struct powercut *c, bool lying)
{
	u32 n = host_disk_events(c->disk);
	u32 *done = host_alloc_uncounted(n * sizeof(u32));

	memset(done, 0xff, n * sizeof(u32));
	memset(c->durable_at, 0xff, n * sizeof(u32));
	for (u32 i = 0; i < n; i++) {
		const struct host_event *e = host_disk_event(c->disk, i);

		if (e->kind == HOST_WRITE_DONE) {
			done[e->begun] = i;
			if (host_disk_event(c->disk, e->begun)->fua && !lying)
				c->durable_at[e->begun] = i;
		}
		if (e->kind != HOST_FLUSH_DONE || lying)
			continue;
		for (u32 w = 0; w < e->begun; w++)
			if (done[w] < e->begun && c->durable_at[w] == NEVER)
				c->durable_at[w] = i;
	}
	host_free_uncounted(done);
}

static void put_sector(struct powercut *c, u32 n, u32 sector, bool durable)
{
	const struct host_event *e = host_disk_event(c->disk, n);
	u64 at = e->sector + sector;

	if (c->sector_writer[at] > n)
		return;
	if (!durable) {
		host_disk_store(c->replay, at * SECTOR, e->data + sector * SECTOR, SECTOR);
		return;
	}
	c->sector_writer[at] = n + 1;
	memcpy(host_disk_image(c->replay) + at * SECTOR, e->data + sector * SECTOR, SECTOR);
}

/* Bring the durable state from the last cut to this one. */
static void advance(struct powercut *c, u32 cut)
{
	for (u32 n = 0; n < cut; n++) {
		const struct host_event *e = host_disk_event(c->disk, n);

		if (e->kind != HOST_WRITE_BEGUN || c->durable_at[n] >= cut ||
		    (c->applied && c->durable_at[n] < c->applied))
			continue;
		for (u32 s = 0; s < e->sectors; s++)
			put_sector(c, n, s, true);
	}
	c->applied = cut;
}

enum { LOSE_ALL, LOSE_NONE, LOSE_WRITES, LOSE_SECTORS, LOSE_TAIL, NR_LOSSES };

/* What the cache had and may have written. */
static void add_volatile(struct powercut *c, u32 cut)
{
	u32 stop = c->mode == LOSE_TAIL ? (u32)host_random(cut + 1) : cut;

	if (c->mode == LOSE_ALL)
		return;
	for (u32 n = 0; n < stop; n++) {
		const struct host_event *e = host_disk_event(c->disk, n);

		if (e->kind != HOST_WRITE_BEGUN || c->durable_at[n] < cut ||
		    (c->mode == LOSE_WRITES && host_random(2)))
			continue;
		for (u32 s = 0; s < e->sectors; s++)
			if (c->mode != LOSE_SECTORS || host_random(2))
				put_sector(c, n, s, false);
	}
}

static void check_cut(struct powercut *c, const struct powercut_config *config, bool fsck)
{
	long err;

	if (config->check && !config->check(c->replay, c->cut, config->ctx))
		wrong(c, "the test's own check");
	if (!config->type)
		return;
	err = hf_mount("/dev/cut", CUT_ROOT, config->type, 0, config->options);
	if (err) {
		wrong(c, "mount: %ld", err);
		return;
	}
	for (unsigned i = 0; i < c->nr_promises; i++)
		if (c->promises[i].from <= c->cut && c->cut < c->promises[i].until)
			check_promise(c, &c->promises[i]);
	check_tree(c, CUT_ROOT, 0);
	check_use(c);
	err = hf_umount(CUT_ROOT, 0);
	if (err)
		wrong(c, "umount: %ld", err);
	else if (fsck)
		check_fsck(c, config->fsck);
}

static int compare_u32(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static u32 *choose_cuts(u32 events, unsigned n)
{
	u32 *cuts = host_alloc_uncounted(n * sizeof(u32));

	for (unsigned i = 0; i < n; i++)
		cuts[i] = (u32)host_random(events + 1);
	sort(cuts, n, sizeof(u32), compare_u32);
	return cuts;
}

static void check_all(struct powercut *c, const struct powercut_config *config, unsigned *bad)
{
	u32 *cuts = choose_cuts(host_disk_events(c->disk), config->cuts);

	for (unsigned i = 0; i < config->cuts; i++) {
		c->cut = cuts[i];
		c->mode = (unsigned)host_random(NR_LOSSES);
		c->wrong = 0;
		advance(c, c->cut);
		add_volatile(c, c->cut);
		check_cut(c, config,
			  config->fsck && config->fsck_every && !host_random(config->fsck_every));
		host_disk_restore(c->replay);
		*bad += c->wrong != 0;
		if (*bad > 20)
			break;
	}
	host_free_uncounted(cuts);
	host_print("# %u cuts of %u events, %u promises: %u wrong\n", config->cuts,
		   host_disk_events(c->disk), c->nr_promises, *bad);
}

unsigned powercut_check(struct powercut *c, const struct powercut_config *config)
{
	u32 events = host_disk_events(c->disk);
	unsigned bad = 0;

	host_disk_stop(c->disk);
	c->replay = host_disk_create("cut", c->bytes);
	memcpy(host_disk_image(c->replay), c->base, c->bytes);
	host_disk_mark(c->replay);
	c->durable_at = host_alloc_uncounted(events * sizeof(u32));
	c->sector_writer = host_alloc_uncounted(c->bytes / SECTOR * sizeof(u32));
	memset(c->sector_writer, 0, c->bytes / SECTOR * sizeof(u32));
	c->buf = host_alloc_uncounted(READ_MAX);
	c->applied = 0;
	c->quiet = config->lying;
	find_durable(c, config->lying);
	hf_mkdir(CUT_ROOT, 0755);
	check_all(c, config, &bad);
	hf_rmdir(CUT_ROOT);
	host_free_uncounted(c->buf);
	host_free_uncounted(c->sector_writer);
	host_free_uncounted(c->durable_at);
	host_disk_destroy(c->replay);
	return bad;
}
