/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stretches of a thread's way in which its allocations are restricted, whoever makes them.
 *
 * A thread inside a file-system transaction must not enter a file system again to free memory: it
 * could wait for the very transaction it holds open.  Rather than handing that down through every
 * call, the thread says so once:
 *
 *	u32 before = alloc_nofs_begin();
 *	...
 *	alloc_scope_end(before);
 */
#pragma once

#include <kernel/sched/thread.h>

/* Bits of thread.alloc_flags. */
#define ALLOC_RECLAIMING (1u << 0) /* inside reclaim: no recursion, reserves allowed */
#define ALLOC_NOFS       (1u << 1) /* as if no allocation had __GFP_FS */
#define ALLOC_NOTHROTTLE (1u << 2) /* not made to wait for less dirty memory */
#define ALLOC_SCOPES     (ALLOC_NOFS | ALLOC_NOTHROTTLE)

/* Context: thread.  Returns what alloc_scope_end() restores. */
static inline u32 alloc_nofs_begin(void)
{
	struct thread *self = thread_current();
	u32 before = self->alloc_flags;

	self->alloc_flags = before | ALLOC_NOFS;
	return before;
}

/* For a thread that writes files on behalf of write-back: it must not wait for itself. */
static inline u32 alloc_writer_begin(void)
{
	struct thread *self = thread_current();
	u32 before = self->alloc_flags;

	self->alloc_flags = before | ALLOC_NOFS | ALLOC_NOTHROTTLE;
	return before;
}

/* Scopes nest: the bits become what they were. */
static inline void alloc_scope_end(u32 before)
{
	struct thread *self = thread_current();

	self->alloc_flags = (self->alloc_flags & ~ALLOC_SCOPES) | (before & ALLOC_SCOPES);
}
