/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading ELF programs.  elf(5), System V ABI chapters 4 and 5.
 *
 * A program, and its interpreter if it names one, is a header, a table of program headers, and
 * segments to map.  Everything read from the file is hostile: each number is checked before it is
 * used to compute an address.
 *
 * ET_EXEC segments go where they say.  ET_DYN ones go to a base: of a program with an interpreter
 * ARCH_ELF_DYN_BASE plus randomness, of an interpreter or a static position-independent program
 * wherever mmap finds room.  The first segment is mapped with the length of all, which reserves the
 * range and fixes the base; the others are mapped over it.
 */
#include <arch/abi.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/file.h>
#include <kernel/abi/elf.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/limits.h>
#include <kernel/abi/mman.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/space.h>
#include <security/random.h>

#include "exec_internal.h"

#define PHDR_TABLE_MAX 65536

struct image {
	struct file *file;
	const struct elf64_hdr *hdr;
	struct elf64_phdr *phdrs; /* allocated */
	vaddr_t bias;             /* added to every p_vaddr */
	vaddr_t start_code, end_code, start_data, end_data;
	vaddr_t file_end, mem_end; /* highest ends of what the file fills, and of memory */
	u32 last_flags;            /* of the segment that ends highest */
};

static bool header_ok(const struct elf64_hdr *h)
{
	return !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB &&
	       (h->e_type == ET_EXEC || h->e_type == ET_DYN) && h->e_machine == ARCH_ELF_MACHINE;
}

static int read_exact(struct file *f, void *buf, size_t len, loff_t pos)
{
	ssize_t n = file_read(f, buf, len, &pos);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

static int read_phdrs(struct image *im)
{
	const struct elf64_hdr *h = im->hdr;
	size_t size = (size_t)h->e_phnum * sizeof(struct elf64_phdr);

	if (h->e_phentsize != sizeof(struct elf64_phdr) || !size || size > PHDR_TABLE_MAX)
		return -ENOEXEC;
	if (h->e_phoff > (u64)S64_MAX - size)
		return -ENOEXEC;
	im->phdrs = kvmalloc(size, GFP_KERNEL);
	if (!im->phdrs)
		return -ENOMEM;
	return read_exact(im->file, im->phdrs, size, (loff_t)h->e_phoff);
}

#define for_each_phdr(p, im) for (p = (im)->phdrs; p < (im)->phdrs + (im)->hdr->e_phnum; p++)

/* From the page of the lowest segment to the end of the highest.  0: nothing to load, or nonsense.
 */
static size_t total_size(const struct image *im)
{
	const struct elf64_phdr *p;
	u64 low = U64_MAX, high = 0;

	for_each_phdr(p, im)
	{
		if (p->p_type != PT_LOAD)
			continue;
		low = min(low, ALIGN_DOWN((u64)p->p_vaddr, PAGE_SIZE));
		high = max(high, (u64)p->p_vaddr + p->p_memsz);
	}
	return high > low ? high - low : 0;
}

static u64 max_alignment(const struct image *im)
{
	const struct elf64_phdr *p;
	u64 align = PAGE_SIZE;

	for_each_phdr(p, im)
	{
		if (p->p_type == PT_LOAD && is_pow2(p->p_align))
			align = max(align, (u64)p->p_align);
	}
	return align;
}

static int prot_of(const struct elf64_phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

/*
 * Map what the file holds of one segment at bias + p_vaddr.  `total` != 0: the first one, reserving
 * that much.
 */
static int map_segment(struct mm *mm, const struct image *im, const struct elf64_phdr *p,
		       vaddr_t addr, u32 flags, size_t total, vaddr_t *out)
{
	vaddr_t skew = p->p_vaddr & (PAGE_SIZE - 1);
	struct mmap_request req = {
		.addr = ALIGN_DOWN(addr, PAGE_SIZE),
		.len = ALIGN_UP((total ? total : p->p_filesz) + skew, PAGE_SIZE),
		.prot = prot_of(p),
		.flags = MAP_PRIVATE | flags,
		.file = im->file,
		.pgoff = (p->p_offset - skew) >> PAGE_SHIFT,
		.as_limit = ~0ull,
		.data_limit = ~0ull,
		.memlock_limit = ~0ull,
	};

	if (!req.len) {
		*out = req.addr;
		return 0;
	}
	int err = mm_map(mm, &req, out);
	if (!err && total) {
		/* Only the first segment's own part stays; the rest was a reservation. */
		size_t own = ALIGN_UP(p->p_filesz + skew, PAGE_SIZE);
		if (own < req.len)
			err = mm_unmap(mm, *out + own, req.len - own);
	}
	return err;
}

static bool segment_ok(const struct elf64_phdr *p, vaddr_t addr)
{
	return p->p_filesz <= p->p_memsz && p->p_memsz <= USER_TOP && addr < USER_TOP &&
	       USER_TOP - p->p_memsz >= addr &&
	       (p->p_offset & (PAGE_SIZE - 1)) == (p->p_vaddr & (PAGE_SIZE - 1)) &&
	       p->p_offset <= (u64)S64_MAX - p->p_filesz;
}

/* Anonymous pages of one segment beyond the page that the file ends in. */
static int map_bss(struct mm *mm, const struct elf64_phdr *p, vaddr_t start)
{
	vaddr_t from = ALIGN_UP(start + p->p_filesz, PAGE_SIZE);
	vaddr_t to = ALIGN_UP(start + p->p_memsz, PAGE_SIZE);

	if (to <= from)
		return 0;
	return mm_map_anon(mm, from, to - from, p->p_flags & PF_X ? VM_EXEC : 0);
}

static void note_extent(struct image *im, const struct elf64_phdr *p)
{
	vaddr_t start = im->bias + p->p_vaddr;

	if (!im->start_code || start < im->start_code)
		im->start_code = start;
	im->start_data = max(im->start_data, start);
	if (p->p_flags & PF_X)
		im->end_code = max(im->end_code, start + p->p_filesz);
	im->end_data = max(im->end_data, start + p->p_filesz);
	im->file_end = max(im->file_end, start + p->p_filesz);
	if (start + p->p_memsz > im->mem_end) {
		im->mem_end = start + p->p_memsz;
		im->last_flags = p->p_flags;
	}
}

/* All segments.  `base`: where a position-independent image begins, 0 for wherever there is room.
 */
static int map_image(struct mm *mm, struct image *im, vaddr_t base)
{
	bool dyn = im->hdr->e_type == ET_DYN, first = true;
	const struct elf64_phdr *p;
	size_t total = total_size(im);
	int err;

	if (!total || total > USER_TOP)
		return -EINVAL;
	for_each_phdr(p, im)
	{
		vaddr_t at;
		u32 flags = MAP_FIXED;

		if (p->p_type != PT_LOAD || !p->p_memsz)
			continue;
		if (first && dyn) {
			im->bias = base ? base - ALIGN_DOWN(p->p_vaddr, PAGE_SIZE) : 0;
			flags = base ? MAP_FIXED_NOREPLACE : 0;
		} else if (first) {
			flags = MAP_FIXED_NOREPLACE;
		}
		if (!segment_ok(p, im->bias + p->p_vaddr))
			return p->p_memsz > USER_TOP || p->p_filesz > p->p_memsz ? -EINVAL
										 : -ENOEXEC;
		err = map_segment(mm, im, p, dyn && first && !base ? 0 : im->bias + p->p_vaddr,
				  flags, first ? total : 0, &at);
		if (err)
			return err;
		if (first && dyn)
			im->bias = at - ALIGN_DOWN(p->p_vaddr, PAGE_SIZE);
		first = false;
		err = map_bss(mm, p, im->bias + p->p_vaddr);
		if (err)
			return err;
		note_extent(im, p);
	}
	return first ? -ENOEXEC : 0;
}

/* The part of the last file page beyond the file's data: all of it reads as zero, also past the
 * segment's end. */
static void bss_tail(const struct image *im, vaddr_t *start, vaddr_t *end)
{
	const struct elf64_phdr *p;

	for_each_phdr(p, im)
	{
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_W) || p->p_memsz <= p->p_filesz)
			continue;
		*start = im->bias + p->p_vaddr + p->p_filesz;
		*end = ALIGN_UP(*start, PAGE_SIZE);
	}
}

/* Where the program finds its own headers. */
static vaddr_t find_phdr(const struct image *im)
{
	const struct elf64_phdr *p;

	for_each_phdr(p, im)
	{
		if (p->p_type == PT_LOAD && p->p_offset <= im->hdr->e_phoff &&
		    im->hdr->e_phoff < p->p_offset + p->p_filesz)
			return im->bias + p->p_vaddr + (im->hdr->e_phoff - p->p_offset);
	}
	return 0;
}

/* The name in PT_INTERP, allocated; NULL in *out when there is none. */
static int read_interp_name(const struct image *im, char **out)
{
	const struct elf64_phdr *p;

	*out = NULL;
	for_each_phdr(p, im)
	{
		if (p->p_type != PT_INTERP)
			continue;
		if (p->p_filesz > PATH_MAX || p->p_filesz < 2 ||
		    p->p_offset > (u64)S64_MAX - PATH_MAX)
			return -ENOEXEC;
		char *name = kmalloc(p->p_filesz, GFP_KERNEL);
		if (!name)
			return -ENOMEM;
		int err = read_exact(im->file, name, p->p_filesz, (loff_t)p->p_offset);
		if (!err && name[p->p_filesz - 1])
			err = -ENOEXEC;
		if (err) {
			kfree(name);
			return err;
		}
		*out = name;
		return 0;
	}
	return 0;
}

static int load_interp(struct exec *x, const char *name)
{
	struct elf64_hdr hdr;
	struct image im = {.hdr = &hdr};
	int err;

	err = exec_open(AT_FDCWD, name, LOOKUP_FOLLOW, &im.file);
	if (err)
		return err;
	err = read_exact(im.file, &hdr, sizeof(hdr), 0);
	if (!err && !header_ok(&hdr))
		err = -ELIBBAD;
	if (!err)
		err = read_phdrs(&im);
	if (err == -ENOEXEC)
		err = -ELIBBAD;
	if (!err)
		err = map_image(x->mm, &im, 0);
	if (!err) {
		x->interp_base = im.bias;
		x->entry = im.bias + hdr.e_entry;
		bss_tail(&im, &x->interp_bss_start, &x->interp_bss_end);
		if (x->entry >= USER_TOP)
			err = -EINVAL;
	}
	kvfree(im.phdrs);
	file_put(im.file);
	return err;
}

/* The base of a position-independent program. */
static vaddr_t dyn_base(const struct exec *x, const struct image *im, bool has_interp)
{
	if (im->hdr->e_type != ET_DYN || !has_interp)
		return 0;
	vaddr_t base = ARCH_ELF_DYN_BASE;

	if (x->mm->aslr)
		base += random_below(1ull << 28) << PAGE_SHIFT;
	return ALIGN_DOWN(base, max_alignment(im));
}

static bool wants_exec_stack(const struct image *im)
{
	const struct elf64_phdr *p;

	for_each_phdr(p, im)
	{
		if (p->p_type == PT_GNU_STACK)
			return p->p_flags & PF_X;
	}
	return false;
}

static void publish(struct exec *x, const struct image *im)
{
	struct mm *mm = x->mm;

	mm->start_code = im->start_code;
	mm->end_code = im->end_code;
	mm->start_data = im->start_data;
	mm->end_data = im->end_data;
	mm->start_brk = mm->brk = mm_random_brk(mm, ALIGN_UP(im->mem_end, PAGE_SIZE));
	x->phdr = find_phdr(im);
	x->phnum = im->hdr->e_phnum;
	x->load_bias = im->bias + im->hdr->e_entry;
	bss_tail(im, &x->bss_start, &x->bss_end);
}

int elf_load(struct exec *x)
{
	struct elf64_hdr hdr;
	struct image im = {.file = x->file, .hdr = &hdr};
	char *interp = NULL;
	int err;

	memcpy(&hdr, x->head, sizeof(hdr));
	if (!header_ok(&hdr))
		return -ENOEXEC;
	err = read_phdrs(&im);
	if (err) {
		kvfree(im.phdrs);
		return err == -EIO ? -ENOEXEC : err;
	}
	err = read_interp_name(&im, &interp);
	if (err)
		goto out;
	x->exec_stack = wants_exec_stack(&im);
	err = map_image(x->mm, &im, dyn_base(x, &im, interp != NULL));
	if (err)
		goto out;
	x->entry = im.bias + hdr.e_entry;
	publish(x, &im);
	if (interp)
		err = load_interp(x, interp);
	else if (x->entry >= USER_TOP)
		err = -EINVAL;
out:
	kfree(interp);
	kvfree(im.phdrs);
	return err;
}
