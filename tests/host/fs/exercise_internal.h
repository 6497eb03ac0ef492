/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of one process's directory.
 *
 * Inodes and entries are slots of two arrays; inode 0 is the directory itself.  An inode lives
 * while an entry or a held descriptor refers to it.  A file's bytes beyond its size are kept zero,
 * so that growing is a change of size.
 */
#pragma once

#include "exercise.h"
#include "exercise_platform.h"

#define EX_INODES    36
#define EX_ENTRIES   48
#define EX_HELD	     6
#define EX_MAX_SIZE  (128 * 1024u)
#define EX_NAME	     64
#define EX_XATTRS    3
#define EX_XATTR_MAX 300
#define EX_PATH	     1200
#define EX_LOG	     120
#define EX_PAGE	     4096u
#define EX_DIRECT_MAX (16 * EX_PAGE)

enum ex_type { EX_FREE, EX_FILE, EX_DIR, EX_LINK };

/* Features found by trying. */
enum {
	EX_LINKS = 1 << 0,
	EX_SYMLINKS = 1 << 1,
	EX_MODES = 1 << 2,
	EX_XATTR = 1 << 3,
	EX_NOREPLACE = 1 << 4,
	EX_EXCHANGE = 1 << 5,
	EX_ALLOCATE = 1 << 6,
	EX_PUNCH = 1 << 7,
	EX_ZERO = 1 << 8,
	EX_COLLAPSE = 1 << 9,
	EX_INSERT = 1 << 10,
	EX_MMAP = 1 << 11,
	EX_COPY = 1 << 12,
	EX_DIR_NLINK = 1 << 13,
	EX_LONG_LINKS = 1 << 14,
	EX_DIRECT = 1 << 15,
	EX_SEEK = 1 << 16,
};

struct ex_xattr {
	unsigned len; /* plus one; 0: none */
	unsigned char value[EX_XATTR_MAX];
};

struct ex_inode {
	enum ex_type type;
	unsigned nlink, held, mode, subdirs;
	unsigned size;
	char target[EX_XATTR_MAX];
	struct ex_xattr xattr[EX_XATTRS];
	unsigned char data[EX_MAX_SIZE];
};

struct ex_entry {
	int used, dir, inode;
	char name[EX_NAME];
};

struct ex_held {
	int fd, inode; /* fd -1: none */
	int append;
};

struct ex_process {
	struct exercise *x;
	unsigned number;
	struct prng prng;
	unsigned long op;
	int failed;
	char root[256];
	long pages; /* EX_DIRECT_MAX bytes mapped, for direct I/O; 0: not yet */
	struct ex_inode inode[EX_INODES];
	struct ex_entry entry[EX_ENTRIES];
	struct ex_held held[EX_HELD];
	unsigned char buf[EX_MAX_SIZE + 2 * EX_PAGE] __attribute__((aligned(8)));
	char log[EX_LOG][160];
	char path[2][EX_PATH];
};

struct exercise {
	struct exercise_config config;
	unsigned features;
	unsigned ran;
	size_t bytes;
	struct ex_process process[];
};

/* --- exercise_model.c ------------------------------------------------------------------------- */

static inline unsigned ex_random(struct ex_process *p, unsigned bound)
{
	return (unsigned)prng_below(&p->prng, bound);
}

static inline int ex_has(const struct ex_process *p, unsigned feature)
{
	return (p->x->features & feature) != 0;
}

/* Remember what is done; and say that it went wrong, with everything remembered. */
void ex_note(struct ex_process *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ex_mismatch(struct ex_process *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Compare an answer; true when it is the expected one.  A full disk or lack of memory is noted, and
 * false. */
int ex_expect(struct ex_process *p, long got, long want);
/* An answer that a full file system, or one short of memory, may give at any time. */
int ex_is_soft(const struct ex_process *p, long err);

/* The path of an entry, of `name` in a directory. */
const char *ex_path_in(struct ex_process *p, int slot, int dir, const char *name);
const char *ex_path(struct ex_process *p, int slot, const struct ex_entry *e);

int ex_inode_new(struct ex_process *p, enum ex_type type, unsigned mode);
void ex_inode_drop(struct ex_process *p, int inode);
struct ex_entry *ex_entry_find(struct ex_process *p, int dir, const char *name);
struct ex_entry *ex_entry_new(struct ex_process *p, int dir, const char *name, int inode);
void ex_entry_remove(struct ex_process *p, struct ex_entry *e);
int ex_dir_empty(struct ex_process *p, int dir);
/* Is `dir` below, or, `top`? */
int ex_dir_below(struct ex_process *p, int dir, int top);
int ex_pick_dir(struct ex_process *p);
/* A random entry of a type (EX_FREE: any), or NULL. */
struct ex_entry *ex_pick_entry(struct ex_process *p, enum ex_type type);
void ex_resize(struct ex_inode *i, unsigned size);

/* Compare with the file system. */
void ex_check_range(struct ex_process *p, int fd, int inode, unsigned from, unsigned n);
/* After a write that failed or stopped half-way: each byte of the range may be old or new. */
void ex_reconcile(struct ex_process *p, int fd, int inode, unsigned from, const unsigned char *new,
		  unsigned n);
void ex_check_stat(struct ex_process *p, const struct stat *st, int inode);
void ex_check_entry(struct ex_process *p, const struct ex_entry *e);
void ex_check_dir(struct ex_process *p, int dir);
void ex_check_tree(struct ex_process *p);

/* --- exercise_ops.c --------------------------------------------------------------------------- */

void ex_step(struct ex_process *p);
void ex_close_all(struct ex_process *p);
