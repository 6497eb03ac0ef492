/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Using a mutant (mutate_internal.h).  No answer is wrong here; what must not happen is a crash, a
 * hang, a leak. */
#include "mutate_internal.h"

#define MAX_PATH  600
#define MAX_NODES 400u
#define MAX_DEPTH 10u

/* --- looking ---------------------------------------------------------------------------------- */

static void look_at_file(const char *path, loff_t size)
{
	static u8 buf[16384];
	int fd = (int)ex_open(path, O_RDONLY, 0);
	long at;

	if (fd < 0)
		return;
	for (int i = 0; i < 4 && ex_read(fd, buf, sizeof(buf)) > 0; i++)
		;
	ex_pread(fd, buf, sizeof(buf), size > 10000 ? size - 10000 : 0);
	ex_lseek(fd, 0, SEEK_HOLE);
	at = ex_mmap(4096, PROT_READ, MAP_SHARED, fd, 0);
	if (at > 0 || at < -4096) {
		ex_load((unsigned long)at, buf, 100);
		ex_munmap((unsigned long)at, 4096);
	}
	ex_close(fd);
}

static void look_at(const char *path, unsigned depth, bool contents, unsigned *nodes);

static void look_at_dir(const char *path, unsigned depth, bool contents, unsigned *nodes)
{
	int fd = (int)ex_open(path, O_RDONLY | O_DIRECTORY, 0);
	u8 *buf;
	long n;

	if (fd < 0)
		return;
	buf = ex_alloc(2048);
	while (*nodes < MAX_NODES && (n = ex_getdents(fd, buf, 2048)) > 0) {
		for (long at = 0; at < n; at += ((struct linux_dirent64 *)(buf + at))->d_reclen) {
			struct linux_dirent64 *e = (struct linux_dirent64 *)(buf + at);
			char *below = ex_alloc(MAX_PATH);

			snprintf(below, MAX_PATH, "%s/%s", path, e->d_name);
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
			    (*nodes)++ < MAX_NODES)
				look_at(below, depth + 1, contents, nodes);
			ex_free(below);
		}
	}
	ex_free(buf);
	ex_close(fd);
}

static void look_at(const char *path, unsigned depth, bool contents, unsigned *nodes)
{
	static char text[4096];
	struct stat st;

	if (ex_lstat(path, &st))
		return;
	if (ex_listxattr(path, text, sizeof(text)) > 0)
		ex_getxattr(path, text, text + 2048, 2000);
	if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
		look_at_dir(path, depth, contents, nodes);
	else if (S_ISLNK(st.st_mode))
		ex_readlink(path, text, sizeof(text));
	else if (S_ISREG(st.st_mode) && contents)
		look_at_file(path, st.st_size);
}

void mutant_look(bool contents)
{
	unsigned nodes = 0;
	struct statfs sf;

	ex_statfs(MUTANT_ROOT, &sf);
	look_at(MUTANT_ROOT, 0, contents, &nodes);
}

/* --- changing --------------------------------------------------------------------------------- */

static void write_file(struct mutant *m, const char *path)
{
	static u8 buf[20000];
	int fd = (int)ex_open(path, O_CREAT | O_RDWR, 0644);

	if (fd < 0)
		return;
	ex_pwrite(fd, buf, sizeof(buf), (loff_t)mutant_chance(m, 100000));
	ex_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 9000);
	ex_ftruncate(fd, (loff_t)mutant_chance(m, 30000));
	ex_fsync(fd);
	ex_close(fd);
}

/* Its map changes in the middle. */
static void move_blocks(struct mutant *m, const char *path)
{
	static const int modes[] = {0,
				    FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_COLLAPSE_RANGE,
				    FALLOC_FL_INSERT_RANGE};
	int fd = (int)ex_open(path, O_RDWR, 0);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		ex_fallocate(fd, modes[mutant_chance(m, ARRAY_SIZE(modes))],
			     (loff_t)mutant_chance(m, 40) * 16384,
			     (loff_t)(1 + mutant_chance(m, 10)) * 16384);
	ex_pwrite(fd, "x", 1, (loff_t)mutant_chance(m, 3000000));
	ex_close(fd);
}

static void change_attributes(struct mutant *m, const char *path)
{
	static u8 value[900];

	ex_chmod(path, 0640);
	ex_removexattr(path, mutant_chance(m, 2) ? "user.a" : "user.large");
	ex_setxattr(path, "user.other", value, mutant_chance(m, sizeof(value)), 0);
	ex_link(path, MUTANT_ROOT "/newdir/link");
}

static void change(struct mutant *m, const char *path)
{
	switch (mutant_chance(m, 8)) {
	case 0:
	case 1: ex_unlink(path); break;
	case 2: ex_rename(path, MUTANT_ROOT "/newdir/x", 0); break;
	case 3: ex_truncate(path, (loff_t)mutant_chance(m, 10000)); break;
	case 4: change_attributes(m, path); break;
	case 5: write_file(m, path); break;
	default: move_blocks(m, path);
	}
}

/* The names of some entries of a directory, as chance has it; some of the first, if `dirs`, that
 * say they are directories themselves. */
static unsigned some_names(struct mutant *m, const char *dir, bool dirs, char names[4][MAX_PATH])
{
	int fd = (int)ex_open(dir, O_RDONLY | O_DIRECTORY, 0);
	unsigned found = 0;
	u8 buf[4096] __attribute__((aligned(8)));
	long n;

	if (fd < 0)
		return 0;
	n = ex_getdents(fd, buf, sizeof(buf));
	for (long at = 0; at < n; at += ((struct linux_dirent64 *)(buf + at))->d_reclen) {
		struct linux_dirent64 *e = (struct linux_dirent64 *)(buf + at);
		u64 place = found < 4 ? found : mutant_chance(m, found + 1);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    (dirs && e->d_type != DT_DIR))
			continue;
		if (place < 4)
			snprintf(names[place], MAX_PATH, "%s/%s", dir, e->d_name);
		found++;
	}
	ex_close(fd);
	return found < 4 ? found : 4;
}

static void change_some(struct mutant *m, const char *dir)
{
	static char names[4][MAX_PATH];
	unsigned n = some_names(m, dir, false, names);

	for (unsigned i = 0; i < n; i++)
		change(m, names[i]);
}

void mutant_change(struct mutant *m)
{
	static char dirs[4][MAX_PATH];
	unsigned n = some_names(m, MUTANT_ROOT, true, dirs);

	write_file(m, MUTANT_ROOT "/new");
	ex_mkdir(MUTANT_ROOT "/newdir", 0755);
	ex_symlink("new", MUTANT_ROOT "/newlink");
	ex_rename(MUTANT_ROOT "/new", MUTANT_ROOT "/newdir/moved", 0);
	ex_setxattr(MUTANT_ROOT "/newdir", "user.x", "y", 1, 0);
	change_some(m, MUTANT_ROOT);
	for (unsigned i = 0; i < n; i++)
		change_some(m, dirs[i]);
	ex_sync();
	ex_unlink(MUTANT_ROOT "/newdir/moved");
	ex_rmdir(MUTANT_ROOT "/newdir");
}
