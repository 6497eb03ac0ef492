/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments and environment of a new program.
 *
 * They are gathered in one block of kernel memory while the old program's memory can still be read,
 * in the order in which they will stand on the new stack, and written there in one copy once the
 * new space is loaded:
 *
 *	top	8 zero bytes
 *		path (AT_EXECFN)		<- env_end
 *		environment strings
 *		argument strings		<- arg_start
 *		platform string, 16 random bytes
 *		auxiliary vector
 *		NULL, environment pointers
 *		NULL, argument pointers
 *	sp ->	argc				16-byte aligned
 */
#include <arch/abi.h>
#include <arch/signal.h>
#include <fs/vfs/file.h>
#include <kernel/abi/auxvec.h>
#include <kernel/abi/elf.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/proc/process.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <security/random.h>

#include "exec_internal.h"

#define FIRST_SIZE 4096

void exec_strings_init(struct exec_strings *s, size_t limit)
{
	memset(s, 0, sizeof(*s));
	s->limit = limit;
}

void exec_strings_free(struct exec_strings *s)
{
	kvfree(s->text);
	s->text = NULL;
}

static int reserve(struct exec_strings *s, size_t more)
{
	size_t need = s->len + more;

	if (more > EXEC_ARG_LEN_MAX || need > s->limit)
		return -E2BIG;
	if (need <= s->size)
		return 0;
	size_t size = max((size_t)FIRST_SIZE, roundup_pow2(need));
	char *text = kvmalloc(size, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	if (s->len)
		memcpy(text, s->text, s->len);
	kvfree(s->text);
	s->text = text;
	s->size = size;
	return 0;
}

int exec_strings_add(struct exec_strings *s, const char *text)
{
	size_t n = strlen(text) + 1;
	int err = reserve(s, n);

	if (err)
		return err;
	memcpy(s->text + s->len, text, n);
	s->len += n;
	return 0;
}

int exec_strings_add_user(struct exec_strings *s, const char __user *text)
{
	for (size_t want = 256;; want = min(want * 4, (size_t)EXEC_ARG_LEN_MAX)) {
		size_t room = s->size - s->len;

		if (room < want) {
			int err = reserve(s, min(want, s->limit - s->len));
			if (err)
				return err;
			room = s->size - s->len;
		}
		room = min(room, min((size_t)EXEC_ARG_LEN_MAX, s->limit - s->len));
		ssize_t n = strncpy_from_user(s->text + s->len, text, room);
		if (n < 0)
			return (int)n;
		if ((size_t)n < room) {
			s->len += (size_t)n + 1;
			return 0;
		}
		if (room >= EXEC_ARG_LEN_MAX || s->len + room >= s->limit)
			return -E2BIG;
	}
}

int exec_strings_replace_first(struct exec_strings *s, const char *const *with, unsigned n)
{
	size_t old = s->argc ? strlen(s->text + s->argv_at) + 1 : 0, new = 0;
	char *at;

	for (unsigned i = 0; i < n; i++)
		new += strlen(with[i]) + 1;
	if (new > old) {
		int err = reserve(s, new - old);
		if (err)
			return err;
	}
	at = s->text + s->argv_at;
	memmove(at + new, at + old, s->len - s->argv_at - old);
	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(with[i]) + 1;

		memcpy(at, with[i], len);
		at += len;
	}
	s->len += new - old;
	s->envp_at += new - old;
	s->argc += n - (s->argc ? 1 : 0);
	return 0;
}

/* The auxiliary vector: pairs of words. */

struct vector {
	unsigned long *word;
	unsigned n;
};

static void aux(struct vector *v, unsigned long type, unsigned long value)
{
	v->word[v->n++] = type;
	v->word[v->n++] = value;
}

static void auxv_fill(struct exec *x, struct vector *v, vaddr_t random, vaddr_t platform,
		      vaddr_t execfn)
{
	const struct cred *cred = x->cred;
	struct arch_auxv extra[8];
	unsigned n = arch_auxv(extra);

	if (x->mm->vdso)
		aux(v, AT_SYSINFO_EHDR, x->mm->vdso);
	aux(v, AT_MINSIGSTKSZ, arch_signal_frame_size());
	for (unsigned i = 0; i < n; i++)
		aux(v, extra[i].type, extra[i].value);
	aux(v, AT_PAGESZ, PAGE_SIZE);
	aux(v, AT_CLKTCK, 100);
	aux(v, AT_PHDR, x->phdr);
	aux(v, AT_PHENT, sizeof(struct elf64_phdr));
	aux(v, AT_PHNUM, x->phnum);
	aux(v, AT_BASE, x->interp_base);
	aux(v, AT_FLAGS, 0);
	aux(v, AT_ENTRY, x->load_bias);
	aux(v, AT_UID, cred->uid);
	aux(v, AT_EUID, cred->euid);
	aux(v, AT_GID, cred->gid);
	aux(v, AT_EGID, cred->egid);
	aux(v, AT_SECURE, x->secure);
	aux(v, AT_RANDOM, random);
	aux(v, AT_RSEQ_FEATURE_SIZE, 28);
	aux(v, AT_RSEQ_ALIGN, 32);
	aux(v, AT_EXECFN, execfn);
	if (platform)
		aux(v, AT_PLATFORM, platform);
	aux(v, AT_NULL, 0);
}

/*
 * Fill `slot` with the addresses of `n` strings that start at text[from], the text standing at user
 * address `base`.
 */
static size_t pointers(const struct exec_strings *s, size_t from, unsigned n, vaddr_t base,
		       unsigned long *slot)
{
	for (unsigned i = 0; i < n; i++) {
		slot[i] = base + from;
		from += strlen(s->text + from) + 1;
	}
	slot[n] = 0;
	return from;
}

int exec_stack_fill(struct exec *x, vaddr_t top, vaddr_t *sp)
{
	struct exec_strings *s = &x->strings;
	struct mm *mm = x->mm;
	const char *platform = ARCH_ELF_PLATFORM;
	size_t platform_len = platform ? strlen(platform) + 1 : 0;
	vaddr_t at = top - 8;
	u8 random[16];
	int err = -EFAULT;

	size_t path_len = strlen(x->path) + 1;
	vaddr_t execfn = at - path_len;
	vaddr_t text = execfn - s->len;
	vaddr_t platform_at = text - platform_len;
	vaddr_t random_at = ALIGN_DOWN(platform_at - sizeof(random), 16);
	/* Stacks of threads on one core should not share cache sets; also hides the exact place. */
	if (mm->aslr)
		random_at -= random_below(512) * 16;
	random_bytes(random, sizeof(random));

	size_t words = 1 + s->argc + 1 + s->envc + 1 + ARRAY_SIZE(mm->auxv);
	unsigned long *block = kvmalloc(words * sizeof(*block), GFP_KERNEL | __GFP_ZERO);
	if (!block)
		return -ENOMEM;
	block[0] = s->argc;
	size_t end = pointers(s, s->argv_at, s->argc, text, block + 1);
	pointers(s, end, s->envc, text, block + 1 + s->argc + 1);
	struct vector v = {.word = block + 1 + s->argc + 1 + s->envc + 1};
	auxv_fill(x, &v, random_at, platform ? platform_at : 0, execfn);
	size_t used = (1 + s->argc + 1 + s->envc + 1 + v.n) * sizeof(*block);

	*sp = ALIGN_DOWN(random_at - used, 16);
	if (copy_to_user((void __user *)execfn, x->path, path_len) ||
	    (s->len && copy_to_user((void __user *)text, s->text, s->len)) ||
	    (platform && copy_to_user((void __user *)platform_at, platform, platform_len)) ||
	    copy_to_user((void __user *)random_at, random, sizeof(random)) ||
	    copy_to_user((void __user *)*sp, block, used))
		goto free;
	memcpy(mm->auxv, v.word, v.n * sizeof(*block));
	mm->auxv_len = v.n;
	mm->start_stack = *sp;
	mm->arg_start = text + s->argv_at;
	mm->arg_end = mm->env_start = text + end;
	mm->env_end = text + s->len;
	err = 0;
free:
	kvfree(block);
	return err;
}
