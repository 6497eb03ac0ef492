/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An error that each of several observers is told once.
 *
 * One word: the last errno in bits 0-11, bit 12 "somebody was told", a counter above.  A new error
 * moves the counter only when somebody was told of the last one, so that the word changes exactly
 * when an observer has something new to learn.  An observer keeps the word it saw last; who begins
 * to observe while an error is still untold begins before it and so learns of it.
 */
#pragma once

#include <kernel/lib/atomic.h>

#define ERRSEQ_ERRNO 0xfffu
#define ERRSEQ_TOLD  (1u << 12)
#define ERRSEQ_STEP  (1u << 13)

/* Note the negative errno `error`.  Context: any. */
static inline void errseq_set(u32 *seq, int error)
{
	u32 old = atomic_load(seq), now;

	do {
		now = (old & ~(ERRSEQ_ERRNO | ERRSEQ_TOLD)) | ((u32)-error & ERRSEQ_ERRNO);
		if (old & ERRSEQ_TOLD)
			now += ERRSEQ_STEP;
	} while (now != old && !atomic_cmpxchg(seq, &old, now));
}

/* What a new observer starts from. */
static inline u32 errseq_sample(const u32 *seq)
{
	u32 now = atomic_load(seq);

	return now & ERRSEQ_TOLD ? now : 0;
}

/* The error since `seen`, or 0; nobody counts as told. */
static inline int errseq_peek(const u32 *seq, u32 seen)
{
	u32 now = atomic_load(seq);

	return now == seen ? 0 : -(int)(now & ERRSEQ_ERRNO);
}

/* The error since *seen, or 0; *seen moves up.  The caller guards *seen.  Context: any. */
static inline int errseq_tell(u32 *seq, u32 *seen)
{
	u32 now = atomic_load(seq);

	if (now == *seen)
		return 0;
	while (!(now & ERRSEQ_TOLD) && !atomic_cmpxchg(seq, &now, now | ERRSEQ_TOLD))
		;
	*seen = now | ERRSEQ_TOLD;
	return -(int)(now & ERRSEQ_ERRNO);
}
