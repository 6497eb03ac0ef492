/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buffers of one folio, for those who write whole folios of a device. */
#pragma once

#include <fs/block/buffer.h>
#include <kernel/sync/rcu.h>

struct folio;

struct buffer_set {
	struct rcu_head rcu;
	u32 nr;      /* [I] a power of two */
	u32 writing; /* [a] pieces of the write-back of the folio that are under way */
	struct buffer b[];
};

void buffer_init(void);
struct buffer_set *buffers_of(struct folio *f);
/* Let go of all buffers of a locked folio, if nobody uses them. */
bool buffers_release(struct folio *f);
/* The folio's content is thrown away.  Locks: the folio's. */
void buffers_drop(struct folio *f);
/* The whole folio changed. */
void buffers_all_dirty(struct folio *f);
/* Some were marked dirty: the folio is, too.  Context: any but hard interrupt. */
void buffers_dirtied(struct folio *f, struct bdev *bdev);
/* Make all of a locked folio valid.  Returns 0 or -EIO. */
int buffers_fill(struct folio *f);
void buffer_set_uptodate(struct buffer *b);
/* The end of a write, but for unlocking. */
void buffer_write_ended(struct buffer *b, int error);
