/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers: finding, reading and writing single blocks of a device's page cache (buffer.h).
 *
 * The buffers of a folio are one array, struct buffer_set, which PG_private announces and which
 * holds a reference to the folio.  A lookup takes no lock:
 *
 *	buffers_release (folio locked)		buffer_find
 *	refs of all: 1 becomes 0		PG_private?  then load the set
 *	PG_private off				count up unless 0
 *	free the set a grace period later
 *
 * So what is counted up was not released, and what is released is not counted up; the RCU section
 * keeps the memory in between.  A lookup that meets 0 goes the slow way, under the folio lock.
 *
 * `uptodate' of a buffer is set before the folio's; the folio's is set when all are.  A folio that
 * is uptodate when its buffers are made passes that, and its dirt, on to them.
 */
#define LOG_PREFIX "buffer: "
#include <fs/vfs/inode.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/string.h>
#include <mm/mapping.h>
#include "block_internal.h"
#include "buffer_internal.h"

#define WAIT_BITS   6u
#define WAIT_QUEUES (1u << WAIT_BITS)

static struct wait_queue waits[WAIT_QUEUES];

void buffer_init(void)
{
	for (unsigned i = 0; i < WAIT_QUEUES; i++)
		wait_queue_init(&waits[i]);
}

static struct wait_queue *wait_of(const struct buffer *b)
{
	return &waits[hash_ptr(b, WAIT_BITS)];
}

/* --- the lock --------------------------------------------------------------------------------- */

bool buffer_trylock(struct buffer *b)
{
	return !buffer_test_and_set(b, BUFFER_LOCKED);
}

static bool lock_or_say(struct buffer *b)
{
	buffer_set(b, BUFFER_WAITERS);
	return buffer_trylock(b);
}

void buffer_lock(struct buffer *b)
{
	if (!buffer_trylock(b))
		wait_event(wait_of(b), lock_or_say(b));
}

void buffer_unlock(struct buffer *b)
{
	u32 old = atomic_fetch_and(&b->flags, ~(1u << BUFFER_LOCKED | 1u << BUFFER_WAITERS));

	if (unlikely(old >> BUFFER_WAITERS & 1))
		wake_up_all(wait_of(b));
}

static bool free_or_say(struct buffer *b)
{
	buffer_set(b, BUFFER_WAITERS);
	smp_mb();
	return !buffer_test(b, BUFFER_LOCKED);
}

void buffer_wait(struct buffer *b)
{
	if (buffer_test(b, BUFFER_LOCKED))
		wait_event(wait_of(b), free_or_say(b));
	smp_rmb();
}

/* --- sets ------------------------------------------------------------------------------------- */

/* The set of a locked folio, or NULL. */
struct buffer_set *buffers_of(struct folio *f)
{
	return folio_test(f, PG_private) ? f->page.private : NULL;
}

static void set_fill(struct buffer_set *set, struct bdev *bdev, struct folio *f)
{
	u32 size = bdev->block_size, flags = 0;
	u64 first = f->page.index << PAGE_SHIFT >> bdev->block_bits;

	if (folio_test(f, PG_uptodate))
		flags |= 1u << BUFFER_UPTODATE;
	if (folio_test(f, PG_dirty))
		flags |= 1u << BUFFER_DIRTY;
	for (u32 i = 0; i < set->nr; i++) {
		struct buffer *b = &set->b[i];

		b->flags = flags;
		refcount_set(&b->refs, 1);
		b->block = first + i;
		b->size = size;
		b->data = (char *)folio_address(f) + i * size;
		b->bdev = bdev;
		b->folio = f;
		b->sibling = &set->b[(i + 1) % set->nr];
	}
}

/* Give a locked folio its buffers.  Returns 0 or -ENOMEM. */
static int buffers_attach(struct bdev *bdev, struct folio *f)
{
	u32 nr = (u32)PAGE_SIZE >> bdev->block_bits;
	struct buffer_set *set =
		kzalloc(sizeof(*set) + nr * sizeof(struct buffer), GFP_NOFS | __GFP_NOWARN);

	if (!set)
		return -ENOMEM;
	set->nr = nr;
	set_fill(set, bdev, f);
	f->page.private = set;
	folio_get(f);
	smp_wmb();
	folio_set(f, PG_private);
	return 0;
}

#define BUSY_FLAGS                                                                                 \
	(1u << BUFFER_DIRTY | 1u << BUFFER_LOCKED | 1u << BUFFER_WRITING | 1u << BUFFER_JOURNALED)

static void set_thaw(struct buffer_set *set, u32 n)
{
	while (n--)
		atomic_store_release(&set->b[n].refs.n, 1u);
}

/* Nobody can count any of them up from here on.  False: some are in use or busy. */
static bool set_freeze(struct buffer_set *set)
{
	u32 i, busy = 0;

	for (i = 0; i < set->nr; i++) {
		u32 one = 1;

		if (!atomic_cmpxchg(&set->b[i].refs.n, &one, 0u))
			break;
	}
	if (i == set->nr)
		for (u32 k = 0; k < set->nr; k++)
			busy |= atomic_load(&set->b[k].flags) & BUSY_FLAGS;
	if (i == set->nr && !busy)
		return true;
	set_thaw(set, i);
	return false;
}

bool buffers_release(struct folio *f)
{
	struct buffer_set *set = buffers_of(f);

	if (!set)
		return true;
	if (!set_freeze(set))
		return false;
	folio_clear(f, PG_private);
	kfree_rcu(set, rcu);
	folio_put(f);
	return true;
}

void buffers_drop(struct folio *f)
{
	struct buffer_set *set = buffers_of(f);

	if (!set)
		return;
	for (u32 i = 0; i < set->nr; i++) {
		buffer_lock(&set->b[i]);
		buffer_clear(&set->b[i], BUFFER_DIRTY);
		buffer_unlock(&set->b[i]);
	}
	if (!buffers_release(f))
		log_warn("%s: block %llu is dropped while in use\n", set->b[0].bdev->name,
			 (unsigned long long)set->b[0].block);
}

void buffers_all_dirty(struct folio *f)
{
	struct buffer_set *set;

	guard_rcu();
	if (!folio_test(f, PG_private))
		return;
	smp_rmb();
	set = READ_ONCE(f->page.private);
	for (u32 i = 0; i < set->nr; i++)
		buffer_set(&set->b[i], BUFFER_DIRTY);
}

/* --- finding ---------------------------------------------------------------------------------- */

static u64 page_index(const struct bdev *bdev, u64 block)
{
	return block << bdev->block_bits >> PAGE_SHIFT;
}

static struct buffer *set_block(const struct buffer_set *set, u64 block)
{
	return (struct buffer *)&set->b[block & (set->nr - 1)];
}

struct buffer *buffer_find(struct bdev *bdev, u64 block)
{
	struct folio *f = cache_find_get(bdev_mapping(bdev), page_index(bdev, block));
	struct buffer *b = NULL;

	if (!f)
		return NULL;
	rcu_read_lock();
	if (folio_test(f, PG_private)) {
		smp_rmb();
		b = set_block(READ_ONCE(f->page.private), block);
		if (!refcount_get_unless_zero(&b->refs))
			b = NULL;
	}
	rcu_read_unlock();
	folio_put(f);
	return b;
}

static int buffer_make(struct bdev *bdev, u64 block, struct buffer **out)
{
	struct folio *f;
	int err = 0;

	if (block >= bdev_bytes(bdev) >> bdev->block_bits)
		return -EIO;
	err = cache_grab(bdev_mapping(bdev), page_index(bdev, block), &f);
	if (err)
		return err;
	if (!buffers_of(f))
		err = buffers_attach(bdev, f);
	if (!err) {
		*out = set_block(buffers_of(f), block);
		refcount_get(&(*out)->refs);
	}
	folio_unlock(f);
	folio_put(f);
	return err;
}

int buffer_get(struct bdev *bdev, u64 block, struct buffer **out)
{
	struct buffer *b = buffer_find(bdev, block);

	if (unlikely(!b))
		return buffer_make(bdev, block, out);
	if (!folio_test(b->folio, PG_referenced))
		folio_set(b->folio, PG_referenced);
	*out = b;
	return 0;
}

void buffer_put(struct buffer *b)
{
	if (b && unlikely(refcount_put(&b->refs)))
		log_err("%s: block %llu is put once too often\n", b->bdev->name,
			(unsigned long long)b->block);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The block's content is valid.  Locks: the buffer's. */
void buffer_set_uptodate(struct buffer *b)
{
	struct buffer *s = b;

	smp_wmb();
	buffer_set(b, BUFFER_UPTODATE);
	smp_mb();
	do {
		if (!buffer_test(s, BUFFER_UPTODATE))
			return;
		s = s->sibling;
	} while (s != b);
	folio_set(b->folio, PG_uptodate);
}

static sector_t buffer_sector(const struct buffer *b)
{
	return b->block << (b->bdev->block_bits - SECTOR_SHIFT);
}

static void buffer_bio_fill(struct bio *bio, struct buffer *b)
{
	bio->sector = buffer_sector(b);
	(void)bio_add_page(bio, folio_page(b->folio),
			   (unsigned)((uintptr_t)b->data & (PAGE_SIZE - 1)), b->size);
	bio->private = b;
}

static void read_done(struct bio *bio)
{
	struct buffer *b = bio->private;

	if (!bio->error)
		buffer_set_uptodate(b);
	buffer_unlock(b);
	buffer_put(b);
	bio_put(bio);
}

/* Start reading a locked buffer; unlocks when done. */
static void buffer_submit_read(struct buffer *b, unsigned flags)
{
	struct bio *bio;

	buffer_clear(b, BUFFER_VERIFIED);
	if (buffer_test(b, BUFFER_NEW)) {
		memset(b->data, 0, b->size);
		buffer_set_uptodate(b);
		buffer_unlock(b);
		return;
	}
	bio = bio_alloc(b->bdev, 1, BIO_READ, flags | BIO_META, GFP_NOFS);
	buffer_hold(b);
	buffer_bio_fill(bio, b);
	bio->end = read_done;
	bio_submit(bio);
}

/* Make the content valid.  Returns 0 or -EIO. */
static int buffer_fill(struct buffer *b)
{
	if (buffer_test(b, BUFFER_UPTODATE)) {
		smp_rmb();
		return 0;
	}
	buffer_lock(b);
	if (buffer_test(b, BUFFER_UPTODATE)) {
		buffer_unlock(b);
		return 0;
	}
	buffer_submit_read(b, BIO_SYNC);
	buffer_wait(b);
	return buffer_test(b, BUFFER_UPTODATE) ? 0 : -EIO;
}

int buffer_read(struct bdev *bdev, u64 block, struct buffer **out)
{
	struct buffer *b;
	int err = buffer_get(bdev, block, &b);

	if (err)
		return err;
	err = buffer_fill(b);
	if (err)
		buffer_put(b);
	else
		*out = b;
	return err;
}

int buffer_get_zeroed(struct bdev *bdev, u64 block, struct buffer **out)
{
	int err = buffer_get(bdev, block, out);

	if (err)
		return err;
	buffer_lock(*out);
	memset((*out)->data, 0, (*out)->size);
	buffer_set_uptodate(*out);
	buffer_unlock(*out);
	return 0;
}

void buffer_readahead(struct bdev *bdev, u64 block, unsigned nr)
{
	struct plug plug;

	plug_start(&plug);
	for (unsigned i = 0; i < nr; i++) {
		struct buffer *b;

		if (buffer_get(bdev, block + i, &b))
			break;
		if (!buffer_test(b, BUFFER_UPTODATE) && buffer_trylock(b)) {
			if (buffer_test(b, BUFFER_UPTODATE))
				buffer_unlock(b);
			else
				buffer_submit_read(b, BIO_RAHEAD);
		}
		buffer_put(b);
	}
	plug_finish(&plug);
}

int buffers_fill(struct folio *f)
{
	struct buffer_set *set = buffers_of(f);
	int err = 0;

	for (u32 i = 0; i < set->nr && !err; i++)
		if (set->b[i].block < bdev_bytes(set->b[i].bdev) >> set->b[i].bdev->block_bits)
			err = buffer_fill(&set->b[i]);
		else
			buffer_set_uptodate(&set->b[i]);
	return err;
}

/* --- dirt ------------------------------------------------------------------------------------- */

/*
 * Some buffers of the folio have become dirty.  Not through mapping_ops.dirty_folio: write-back may
 * have cleaned them again already, and must not take that for a change of the whole folio.
 */
void buffers_dirtied(struct folio *f, struct bdev *bdev)
{
	if (folio_test(f, PG_dirty))
		return;
	folio_redirty(f);
	inode_mark_dirty(bdev->inode, I_DIRTY_PAGES);
}

void buffer_mark_dirty(struct buffer *b)
{
	/* A full barrier: what was written before is seen by whoever clears the bit after. */
	buffer_test_and_set(b, BUFFER_DIRTY);
	buffers_dirtied(b->folio, b->bdev);
}

void buffer_forget(struct buffer *b)
{
	buffer_lock(b);
	buffer_clear(b, BUFFER_DIRTY);
	buffer_clear(b, BUFFER_NEW);
	buffer_unlock(b);
}

static void write_done(struct bio *bio)
{
	struct buffer *b = bio->private;
	void (*end)(struct buffer * b, int error) = b->end;
	int error = bio->error;

	buffer_write_ended(b, error);
	buffer_unlock(b);
	if (end)
		end(b, error);
	buffer_put(b);
	bio_put(bio);
}

void buffer_write_ended(struct buffer *b, int error)
{
	if (unlikely(error)) {
		buffer_set(b, BUFFER_ERROR);
		mapping_set_error(bdev_mapping(b->bdev), error);
	}
	buffer_clear(b, BUFFER_WRITING);
}

void buffer_submit_write(struct buffer *b, unsigned flags, void (*end)(struct buffer *b, int error))
{
	struct bio *bio = bio_alloc(b->bdev, 1, BIO_WRITE, flags | BIO_META, GFP_NOFS);

	buffer_hold(b);
	buffer_set(b, BUFFER_WRITING);
	buffer_clear(b, BUFFER_NEW);
	b->end = end;
	buffer_bio_fill(bio, b);
	bio->end = write_done;
	bio_submit(bio);
}

int buffer_sync(struct buffer *b, unsigned flags)
{
	buffer_lock(b);
	if (!buffer_test_and_clear(b, BUFFER_DIRTY)) {
		buffer_unlock(b);
		return 0;
	}
	buffer_clear(b, BUFFER_ERROR);
	buffer_submit_write(b, flags | BIO_SYNC, NULL);
	buffer_wait(b);
	return buffer_test(b, BUFFER_ERROR) ? -EIO : 0;
}

static void buffer_invalidate(struct buffer *b)
{
	buffer_lock(b);
	buffer_clear(b, BUFFER_DIRTY);
	buffer_clear(b, BUFFER_UPTODATE);
	buffer_clear(b, BUFFER_VERIFIED);
	buffer_clear(b, BUFFER_NEW);
	folio_clear(b->folio, PG_uptodate);
	buffer_unlock(b);
}

void buffers_invalidate(struct bdev *bdev, u64 block, u64 nr)
{
	while (nr--) {
		struct buffer *b = buffer_find(bdev, block++);

		if (!b)
			continue;
		buffer_invalidate(b);
		buffer_put(b);
	}
}
