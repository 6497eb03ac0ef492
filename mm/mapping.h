/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page cache: the pages of one object (a file, a block device, shared memory) by index.
 *
 * A struct mapping is embedded in the object, which outlives it.  read, write, mmap, exec, splice
 * and sendfile share its folios.  Lookup needs no lock: under RCU load the slot, take a reference
 * unless the count is zero, look again.  Each folio in the cache has one reference for the cache.
 *
 * Lock order: mm lock, invalidate, folio lock, i_mmap, pages lock, LRU shard.
 */
#pragma once

#include <kernel/lib/rbtree.h>
#include <kernel/lib/xarray.h>
#include <kernel/sync/rwsem.h>
#include <kernel/sync/spinlock.h>
#include <mm/page.h>

struct file;
struct folio;
struct iov_iter;
struct mapping;
struct readahead_limits;
struct vma;

#define MAPPING_DIRTY     XA_MARK_0 /* folios to be written */
#define MAPPING_WRITEBACK XA_MARK_1 /* folios on their way */
#define MAPPING_TOWRITE   XA_MARK_2 /* folios this sync must write */

enum mapping_flag {
	MAPPING_SHMEM,       /* memory is the only copy: not dropped by reclaim without swap */
	MAPPING_UNEVICTABLE, /* ramfs, locked shm: never reclaimed */
	MAPPING_EIO,         /* writeback failed since errors were last reported */
	MAPPING_ENOSPC,
	MAPPING_EXITING, /* the object is going: no new pages */
	MAPPING_BUFFERS, /* block device: counted as Buffers */
};

typedef int (*writepages_fn)(struct mapping *m, u64 first, u64 last, bool sync);

/*
 *	operation		locks held			may sleep	optional
 *	read_folio		folio lock (op unlocks)		yes		no
 *	readahead		invalidate R			yes		yes
 *	write_begin		object's write lock		yes		cache_write_begin
 *	write_end		object's, folio (op unlocks)	yes		no, with write
 *	writepage		folio lock (op unlocks)		yes		when nothing is below
 *	writepages		none				yes		writepage for each
 *	dirty_folio		none				no		yes
 *	invalidate_folio	folio lock			yes		yes
 *	release_folio		folio lock			by gfp		yes
 *	page_mkwrite		folio lock			yes		yes
 *	free_folio		none; the mapping forgot it	no		yes
 */
struct mapping_ops {
	/*
	 * Fill the folio and unlock it, at once or when the transfer ends; uptodate or error set by
	 * then.
	 */
	int (*read_folio)(struct file *file, struct folio *f);
	/*
	 * Start reading `nr` pages from `index`; best effort, with cache_add for the absent ones.
	 * All lie within the object.  `file` may be NULL.
	 */
	void (*readahead)(struct file *file, struct mapping *m, u64 index, unsigned nr);
	/*
	 * Prepare the part of one folio that [pos, pos+len) touches: *out locked, referenced, its
	 * rest valid.
	 */
	int (*write_begin)(struct mapping *m, loff_t pos, size_t len, struct folio **out,
			   void **fsdata);
	/*
	 * `copied` bytes arrived: mark dirty, grow the object, unlock and put.  Returns bytes
	 * accepted or -errno.
	 */
	int (*write_end)(struct mapping *m, loff_t pos, size_t len, size_t copied, struct folio *f,
			 void *fsdata);
	int (*writepage)(struct mapping *m, struct folio *f, bool sync);
	writepages_fn writepages;
	/* A clean folio became dirty: the owner may queue the object for writeback. */
	void (*dirty_folio)(struct mapping *m, struct folio *f);
	/* Bytes [from, to) of the folio are being cut off. */
	void (*invalidate_folio)(struct folio *f, size_t from, size_t to);
	/* Let go of page->private.  False: cannot now. */
	bool (*release_folio)(struct folio *f, gfp_t gfp);
	/*
	 * A shared mapping is about to write.  0, or -errno; the folio is locked before and after.
	 */
	int (*page_mkwrite)(struct mapping *m, struct folio *f);
	void (*free_folio)(struct mapping *m, struct folio *f);
};

struct mapping {
	struct xarray pages;      /* [p, R] folios, or values (swap slots of shmem) */
	struct spinlock lock;     /* p, taken with interrupts off */
	u32 flags;                /* [a] BIT(enum mapping_flag) */
	u64 nr_pages;             /* [p; read without] folios in `pages` */
	struct rwsem invalidate;  /* read: filling by fault or read; write: truncating */
	struct rwsem i_mmap_lock; /* i */
	struct rb_root i_mmap;    /* [i] areas that map us, an interval tree */
	u32 writable_maps;        /* [a] shared writable areas; seals ask */
	/* [a] failures of writeback (errseq.h), for fsync on each open file */
	u32 error_seq;
	u32 *owner_error_seq; /* [I] those of all mappings of the owner, or NULL */
	u64 writeback_next;   /* [a] where the next piece of background writeback begins */
	const struct readahead_limits *readahead; /* [I] of the device; NULL: the defaults */
	gfp_t gfp;            /* [I] for its folios */
	const struct mapping_ops *ops; /* [I] */
	void *host;                    /* [I] the object: an inode, opaque here */
	/* [I] Bytes of the object: faults beyond are SIGBUS. */
	loff_t (*size)(const struct mapping *m);
	struct list dirty_link; /* for the writeback of the object's owner */
};

/* `size` is required.  Context: any. */
void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host,
		  loff_t (*size)(const struct mapping *));
/*
 * Throw everything away, dirty or not; nothing maps it and no new user comes.  Context: may sleep.
 */
void mapping_fini(struct mapping *m);

static inline bool mapping_test(const struct mapping *m, enum mapping_flag flag)
{
	return atomic_load(&m->flags) >> flag & 1;
}

static inline void mapping_set(struct mapping *m, enum mapping_flag flag)
{
	atomic_or(&m->flags, 1u << flag);
}

static inline struct mapping *folio_mapping(struct folio *f)
{
	return folio_test(f, PG_anon) ? NULL : READ_ONCE(f->page.mapping);
}

/*
 * Lookup.
 */

/* The folio at `index` with a reference, or NULL; perhaps not up to date.  Context: any. */
struct folio *cache_find_get(struct mapping *m, u64 index);
/* Up to `n` folios from *index to `last`, referenced; *index moves past them. */
unsigned cache_gather(struct mapping *m, u64 *index, u64 last, struct folio **out, unsigned n);
unsigned cache_gather_marked(struct mapping *m, u64 *index, u64 last, enum xa_mark mark,
			     struct folio **out, unsigned n);

/* Put a new locked folio into the cache.  Returns 0, -EEXIST, -ENOMEM.  Context: may sleep. */
int cache_add(struct mapping *m, struct folio *f, u64 index) __must_check;
/* Take a locked folio out; the cache's reference passes to the caller. */
void cache_remove(struct mapping *m, struct folio *f);

/*
 * The folio at `index`, up to date, referenced, read in if need be.  Returns 0 or -EIO, -ENOMEM,
 * -EINTR.
 */
int cache_read(struct mapping *m, struct file *file, u64 index, struct folio **out) __must_check;
/* The folio at `index`, locked and referenced, added (perhaps not up to date) if absent. */
int cache_grab(struct mapping *m, u64 index, struct folio **out) __must_check;

/*
 * Runs of neighbouring folios.
 */
#define CACHE_BATCH 32u

/*
 * The folios from `index` on, locked and referenced, absent ones added (not up to date).  Returns
 * how many of the `n` (at most CACHE_BATCH) asked for, at least 1, or -ENOMEM.  Context: may sleep.
 * Locks: whatever makes the caller the only writer of the object.
 */
int cache_grab_batch(struct mapping *m, u64 index, unsigned n, struct folio **out) __must_check;
/*
 * New folios for the first absent run of [*index, last], at most `n` of them: locked, not up to
 * date, in the cache, which has the only reference.  *index moves past them.  Returns how many; 0:
 * none is absent, or no memory.  Context: may sleep.  Locks: invalidate R.
 */
unsigned cache_add_absent(struct mapping *m, u64 *index, u64 last, struct folio **out, unsigned n);

/*
 * File I/O by way of the cache.
 */

/*
 * read(2) of an object of `isize` bytes: moves *pos.  Returns bytes, 0 at the end, or -errno if
 * none.
 */
ssize_t cache_read_iter(struct file *file, struct mapping *m, struct iov_iter *to, loff_t *pos,
			loff_t isize);
/*
 * write(2) by write_begin and write_end; the object's write lock is held.  The caller checked
 * limits.
 */
ssize_t cache_write_iter(struct file *file, struct mapping *m, struct iov_iter *from, loff_t *pos);

/*
 * For file systems whose pages live only in memory, or that fill by read_folio before a partial
 * write.
 */
int cache_write_begin(struct mapping *m, loff_t pos, size_t len, struct folio **out, void **fsdata);

/*
 * Dirt.
 */

/*
 * Content changed.  Returns true when the folio was clean.  The folio is locked, or something else
 * keeps its mapping alive (an open file, an area).  Context: any but hard interrupt.
 */
bool folio_mark_dirty(struct folio *f);
/*
 * Under the folio lock, before writing: write-protects all mappings.  Returns true when it was
 * dirty.  Then either folio_start_writeback() or folio_redirty() follows before the unlock, unless
 * there is nothing to write (beyond the end).  Context: may sleep.
 */
bool folio_clear_dirty_for_io(struct folio *f);
/* It could not be written now, after all: as if never cleared.  Locks: folio lock. */
void folio_redirty(struct folio *f);

/*
 * The dirty folios of a range of pages in order, for mapping_ops.writepages:
 *
 *	writeback_walk_init(&w, m, WRITEPAGES, first, last, sync);
 *	while ((f = writeback_next(&w)))
 *		start its transfer, or collect it (with a reference of one's own)
 *	writeback_walk_end(&w);
 *
 * Each folio comes locked, with PG_dirty cleared for the transfer and not under writeback; the
 * caller unlocks it, after folio_start_writeback() if it is to be written.  The walk's reference
 * lasts until the next call.  With `sync` what was dirty at the beginning is visited, whoever
 * dirties more meanwhile, and folios already under writeback are waited for.  `writepages` is the
 * caller himself: once the object has other operations (given when it has no page) it gets no
 * more, and what is dirty stays so for them.  Context: may sleep.
 */
struct writeback_walk {
	struct mapping *mapping;
	writepages_fn writepages;
	u64 index, last;
	bool sync;
	enum xa_mark mark;
	/*
	 * Or NULL: called before waiting for a folio that somebody else has, who may himself be
	 * waiting for what the caller collected: it goes to the device now.
	 */
	void (*before_wait)(struct writeback_walk *w);
	struct folio *folio; /* handed out */
	unsigned nr, next;   /* of batch */
	struct folio *batch[16];
};
void writeback_walk_init(struct writeback_walk *w, struct mapping *m, writepages_fn writepages,
			 u64 first, u64 last, bool sync);
struct folio *writeback_next(struct writeback_walk *w);
/* Also when leaving early. */
void writeback_walk_end(struct writeback_walk *w);

/*
 * Write the dirty folios of a range of bytes [first, last]; `sync`: and wait for them and for those
 * already on their way.  Returns 0 or the first error, with `sync` also those of transfers since
 * the last such wait.  Context: may sleep.
 */
int cache_write_range(struct mapping *m, loff_t first, loff_t last, bool sync);
/* Wait for what is on its way.  Returns 0 or -EIO, -ENOSPC as cache_write_range. */
int cache_wait_range(struct mapping *m, loff_t first, loff_t last);
/* As cache_wait_range, leaving errors for others to find. */
void cache_wait_writeback(struct mapping *m, loff_t first, loff_t last);
/*
 * Start writing a piece of `pages` pages, beginning where the last call ended.  *more: some are
 * still dirty.  Returns 0 or the first error.  Context: may sleep.
 */
int cache_write_some(struct mapping *m, u64 pages, bool *more);
/* A transfer failed.  Context: any. */
void mapping_set_error(struct mapping *m, int error);
/*
 * For fsync: the error since *seen (0, -EIO, -ENOSPC...), which moves up to now.  Start from
 * errseq_sample(&m->error_seq); the caller guards *seen.
 */
int mapping_check_error(struct mapping *m, u32 *seen);

/*
 * Removal.
 */

/*
 * The object shrinks to `size` (already stored): unmap and drop what lies beyond, clear the tail of
 * the last page.
 */
void cache_truncate(struct mapping *m, loff_t size);
/* Drop bytes [first, last], clearing the parts of pages at the edges (hole punching, REMOVE). */
void cache_punch(struct mapping *m, loff_t first, loff_t last);
/* Drop clean, unmapped folios only.  Returns how many. */
u64 cache_drop_clean(struct mapping *m, u64 first, u64 last);
/* For direct I/O: write back, unmap and drop.  Returns 0 or -EBUSY when some remain. */
int cache_invalidate_range(struct mapping *m, loff_t first, loff_t last);
/* Remove the entries of all areas for pages [first, last]; `even_cow`: private copies too. */
void mapping_unmap(struct mapping *m, u64 first, u64 last, bool even_cow);

/* Used just now. */
static __always_inline void folio_mark_accessed(struct folio *f)
{
	if (!folio_test(f, PG_referenced))
		folio_set(f, PG_referenced);
}
