/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of the exerciser, and of mutants' use, as the host library's. */
#pragma once

#include <kernel/abi/dirent.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/statfs.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/random.h>
#include <kernel/lib/string.h>
#include <coroutine.h>
#include <host.h>
#include "hostfs.h"

#define ex_open		   hf_open
#define ex_close	   hf_close
#define ex_read		   hf_read
#define ex_pread	   hf_pread
#define ex_pwrite	   hf_pwrite
#define ex_write	   hf_write
#define ex_lseek	   hf_lseek
#define ex_advise	   hf_fadvise
#define ex_truncate	   hf_truncate
#define ex_ftruncate	   hf_ftruncate
#define ex_fallocate	   hf_fallocate
#define ex_copy_range	   hf_copy_file_range
#define ex_fsync	   hf_fsync
#define ex_fdatasync	   hf_fdatasync
#define ex_sync		   hf_sync
#define ex_ioctl	   hf_ioctl
#define ex_mkdir	   hf_mkdir
#define ex_rmdir	   hf_rmdir
#define ex_unlink	   hf_unlink
#define ex_link		   hf_link
#define ex_symlink	   hf_symlink
#define ex_readlink	   hf_readlink
#define ex_rename	   hf_rename
#define ex_getdents	   hf_getdents
#define ex_lstat	   hf_lstat
#define ex_fstat	   hf_fstat
#define ex_statfs	   hf_statfs
#define ex_chmod	   hf_chmod
#define ex_setxattr	   hf_setxattr
#define ex_getxattr	   hf_getxattr
#define ex_listxattr	   hf_listxattr
#define ex_removexattr	   hf_removexattr
#define ex_mmap		   hf_mmap
#define ex_munmap	   hf_munmap
#define ex_msync	   hf_msync
#define ex_load		   hf_load
#define ex_store	   hf_store
#define ex_drop_caches	   hostfs_drop_caches
#define ex_print	   host_print
#define ex_alloc	   host_alloc_uncounted
#define ex_free		   host_free_uncounted

static inline void *ex_shared_alloc(size_t n)
{
	void *p = host_alloc_aligned(4096, n);

	if (p)
		memset(p, 0, n);
	return p;
}

static inline void ex_shared_free(void *p, size_t n)
{
	host_free(p);
}

#define ex_failed(text) host_test_fail("exercise", 0, "%s", text)

/* Run fn(ctx, 0), ..., fn(ctx, n - 1) as processes.  Returns how many of them died of something
 * else than their end. */
struct ex_start {
	void (*fn)(void *ctx, unsigned i);
	void *ctx;
	unsigned i;
};

static inline void ex_process_main(void *arg)
{
	struct ex_start *s = arg;

	s->fn(s->ctx, s->i);
}

static inline unsigned ex_run_processes(unsigned n, void (*fn)(void *ctx, unsigned i), void *ctx)
{
	struct ex_start s[16];
	struct hf_process *p[16];

	for (unsigned i = 0; i < n; i++) {
		s[i] = (struct ex_start){ fn, ctx, i };
		p[i] = hf_spawn("exercise", ex_process_main, &s[i]);
	}
	for (unsigned i = 0; i < n; i++)
		hf_wait(p[i]);
	return 0;
}
