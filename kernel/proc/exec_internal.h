/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What exec hands from step to step. */
#pragma once

#include <kernel/lib/types.h>
#include <mm/space.h>

struct cred;
struct file;

#define EXEC_HEAD_SIZE    256 /* bytes of the file that decide its format */
#define EXEC_ARG_LEN_MAX  (32 * 4096)
#define EXEC_SCRIPT_DEPTH 5

/* Strings as they will stand at the top of the new stack: path, then arguments, then environment.
 */
struct exec_strings {
	char *text;
	size_t len, size; /* used, allocated */
	size_t limit;     /* E2BIG beyond */
	size_t argv_at;   /* offset of the first argument */
	size_t envp_at;
	unsigned argc, envc;
};

struct exec {
	const char *path;        /* as given, for AT_EXECFN and messages */
	char *interp_path;       /* of a script, in place of path; allocated */
	struct file *file;       /* open for execution, writers denied */
	u8 head[EXEC_HEAD_SIZE]; /* zero-filled beyond the end */
	struct exec_strings strings;
	struct mm *mm;     /* being built */
	struct cred *cred; /* being built */
	bool secure;       /* AT_SECURE */
	bool exec_stack;
	int depth; /* of scripts */
	/* The loader's results. */
	vaddr_t entry, interp_base, phdr, load_bias;
	unsigned phnum;
	vaddr_t bss_start, bss_end; /* tail of a page to clear */
	vaddr_t interp_bss_start, interp_bss_end;
};

/* exec_args.c */
void exec_strings_init(struct exec_strings *s, size_t limit);
void exec_strings_free(struct exec_strings *s);
/* Append, NUL included.  0, -E2BIG, -ENOMEM; user: also -EFAULT. */
int __must_check exec_strings_add(struct exec_strings *s, const char *text);
int __must_check exec_strings_add_user(struct exec_strings *s, const char __user *text);
/* Replace the first argument by `prefix` strings: what a script does. */
int __must_check exec_strings_replace_first(struct exec_strings *s, const char *const *with,
					    unsigned n);
/*
 * Write strings, pointers and the auxiliary vector to the new stack; current runs in it.  Returns 0
 * or -EFAULT.
 */
int __must_check exec_stack_fill(struct exec *x, vaddr_t top, vaddr_t *sp);

/* elf.c: map x->file into x->mm.  0, -ENOEXEC (not ELF), or what Linux says. */
int __must_check elf_load(struct exec *x);

/* exec.c */
int __must_check exec_open(int dfd, const char *path, unsigned lookup, struct file **out);
