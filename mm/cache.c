/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page cache: finding, filling, reading, writing (mapping.h has the rules).
 *
 * A lookup holds no lock.  (1) Nodes of the tree and struct pages stay readable under RCU.  (2) A
 * folio leaves the tree before its last reference goes.  (3) References are taken only from
 * non-zero.  So after taking one, finding the folio still in its slot proves that it is the right
 * one and stays.
 *
 * Filling holds `invalidate` for reading, so that truncation does not remove what is being read in.
 */
#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/iov_iter.h>
#include <mm/reclaim.h>
#include <mm/until_memory.h>
#include <mm/usercopy.h>
#include "reclaim_internal.h"
#include "readahead_internal.h"
#include "swap_internal.h"

static struct slab_cache *node_cache;

static struct xa_node *node_alloc(void)
{
	return slab_alloc(node_cache, GFP_ATOMIC | __GFP_NOWARN);
}

static void node_free_fn(struct rcu_head *head)
{
	slab_free(node_cache, container_of((void **)head, struct xa_node, rcu[0]));
}

static void node_free_rcu(struct xa_node *node)
{
	static_assert(sizeof(struct rcu_head) <= sizeof_field(struct xa_node, rcu),
		      "rcu_head grew");
	call_rcu((struct rcu_head *)node->rcu, node_free_fn);
}

static const struct xarray_ops node_ops = {.alloc = node_alloc, .free_rcu = node_free_rcu};

void cache_init(void)
{
	node_cache =
		slab_create("radix_tree_node", sizeof(struct xa_node), 8, SLAB_RECLAIMABLE, NULL);
	VERIFY(node_cache);
	xarray_set_ops(&node_ops);
}

void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host,
		  loff_t (*size)(const struct mapping *))
{
	xa_init(&m->pages);
	spin_init(&m->lock, RANK_MAPPING, "mapping");
	m->flags = 0;
	m->nr_pages = 0;
	rwsem_init(&m->invalidate, RANK_MAPPING_INVALIDATE, "mapping.invalidate");
	rwsem_init(&m->i_mmap_lock, RANK_I_MMAP, "mapping.i_mmap");
	rb_root_init(&m->i_mmap);
	m->writable_maps = 0;
	m->error_seq = 0;
	m->owner_error_seq = NULL;
	m->writeback_next = 0;
	m->readahead = NULL;
	m->gfp = GFP_USER;
	m->ops = ops;
	m->host = host;
	m->size = size;
	list_init(&m->dirty_link);
}

/* --- lookup ----------------------------------------------------------------------------------- */

static __always_inline struct folio *find_get_rcu(struct mapping *m, u64 index)
{
	for (;;) {
		struct folio *f = xa_load(&m->pages, index);

		if (!f || xa_is_value(f))
			return NULL;
		if (unlikely(!folio_get_unless_zero(f)))
			continue;
		if (likely(xa_load(&m->pages, index) == f))
			return f;
		folio_put(f);
	}
}

struct folio *cache_find_get(struct mapping *m, u64 index)
{
	guard_rcu();

	return find_get_rcu(m, index);
}

static unsigned gather_refs(struct mapping *m, void **found, unsigned n, struct folio **out)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++) {
		struct folio *f = found[i];

		if (xa_is_value(f) || !folio_get_unless_zero(f))
			continue;
		if (READ_ONCE(f->page.mapping) != m) {
			folio_put(f);
			continue;
		}
		out[got++] = f;
	}
	return got;
}

unsigned cache_gather(struct mapping *m, u64 *index, u64 last, struct folio **out, unsigned n)
{
	unsigned found, got;

	guard_rcu();
	do {
		found = xa_gather(&m->pages, index, last, (void **)out, n);
		got = gather_refs(m, (void **)out, found, out);
	} while (found && !got && *index && *index <= last);
	return got;
}

unsigned cache_gather_marked(struct mapping *m, u64 *index, u64 last, enum xa_mark mark,
			     struct folio **out, unsigned n)
{
	unsigned found, got;

	guard_rcu();
	do {
		found = xa_gather_marked(&m->pages, index, last, mark, (void **)out, n);
		got = gather_refs(m, (void **)out, found, out);
	} while (found && !got && *index && *index <= last);
	return got;
}

/* --- in and out ------------------------------------------------------------------------------- */

void cache_count(struct mapping *m, s64 n)
{
	vm_gauge_add(VM_NR_FILE, n);
	if (mapping_test(m, MAPPING_SHMEM))
		vm_gauge_add(VM_NR_SHMEM, n);
	else if (mapping_test(m, MAPPING_BUFFERS))
		vm_gauge_add(VM_NR_BUFFERS, n);
}

static int cache_insert(struct mapping *m, struct folio *f, u64 index)
{
	void *old;
	int err;

	guard_spin_irq(&m->lock);
	/* A page, or one that is in swap. */
	old = xa_load(&m->pages, index);
	if (old)
		return -EEXIST;
	f->page.mapping = m;
	f->page.index = index;
	f->page.private = NULL;
	folio_get(f);
	err = xa_store(&m->pages, index, f, NULL);
	if (err) {
		f->page.mapping = NULL;
		atomic_sub(&f->page.counts, PAGE_COUNT_REF);
		return err;
	}
	WRITE_ONCE(m->nr_pages, m->nr_pages + 1);
	return 0;
}

void cache_swapped_locked(struct mapping *m, struct folio *f)
{
	assert_held(&m->lock);
	WRITE_ONCE(m->nr_pages, m->nr_pages - 1);
	WRITE_ONCE(f->page.mapping, NULL);
	cache_count(m, -1);
}

void cache_swapped_back_locked(struct mapping *m, struct folio *f, u64 index)
{
	assert_held(&m->lock);
	f->page.index = index;
	folio_get(f);
	WRITE_ONCE(f->page.mapping, m);
	WRITE_ONCE(m->nr_pages, m->nr_pages + 1);
	cache_count(m, 1);
}

int cache_add(struct mapping *m, struct folio *f, u64 index)
{
	int err = cache_insert(m, f, index);

	if (err == -ENOMEM) {
		/* Under the lock a node cannot be waited for; have one ready and try again. */
		struct xa_node *node = slab_alloc(node_cache, m->gfp & ~__GFP_MOVABLE);

		slab_free(node_cache, node);
		err = cache_insert(m, f, index);
	}
	if (err)
		return err;
	cache_count(m, 1);
	if (!mapping_test(m, MAPPING_SHMEM) && !mapping_test(m, MAPPING_UNEVICTABLE))
		lru_add(f);
	return 0;
}

void cache_forget_locked(struct mapping *m, struct folio *f)
{
	assert_held(&m->lock);
	xa_erase(&m->pages, f->page.index);
	WRITE_ONCE(m->nr_pages, m->nr_pages - 1);
	folio_forget_dirty_locked(m, f);
	WRITE_ONCE(f->page.mapping, NULL);
	cache_count(m, -1);
}

void cache_remove(struct mapping *m, struct folio *f)
{
	with_spin_irq(&m->lock) cache_forget_locked(m, f);
}

int cache_grab(struct mapping *m, u64 index, struct folio **out)
{
	for (;;) {
		struct folio *f = cache_find_get(m, index);
		int err;

		if (f) {
			folio_lock(f);
			if (folio_mapping(f) == m) {
				*out = f;
				return 0;
			}
			folio_unlock(f);
			folio_put(f);
			continue;
		}
		f = folio_alloc(m->gfp);
		if (!f)
			return -ENOMEM;
		folio_set(f, PG_locked);
		err = cache_add(m, f, index);
		if (!err) {
			*out = f;
			return 0;
		}
		folio_clear(f, PG_locked);
		folio_put(f);
		if (err != -EEXIST)
			return err;
	}
}

/* --- filling ---------------------------------------------------------------------------------- */

/*
 * `f` was found but is not up to date: wait, or read it.  0, or an error; -EAGAIN: it left the
 * cache.
 */
static int folio_fill(struct mapping *m, struct file *file, struct folio *f)
{
	int err = folio_lock_killable(f);

	if (err)
		return err;
	if (folio_mapping(f) != m) {
		folio_unlock(f);
		return -EAGAIN;
	}
	if (folio_test(f, PG_uptodate)) {
		folio_unlock(f);
		return 0;
	}
	folio_clear(f, PG_error);
	err = m->ops->read_folio(file, f);
	if (err)
		return err;
	folio_wait_locked(f);
	return folio_test(f, PG_uptodate) ? 0 : -EIO;
}

/* Find it or make it, and fill it. */
static int cache_fill(struct mapping *m, struct file *file, u64 index, struct folio **out)
{
	int err;

	do {
		struct folio *f;

		guard_read(&m->invalidate);
		f = cache_find_get(m, index);
		if (!f) {
			err = cache_grab(m, index, &f);
			if (err)
				return err;
			folio_unlock(f);
		}
		err = folio_test(f, PG_uptodate) ? 0 : folio_fill(m, file, f);
		if (!err) {
			*out = f;
			return 0;
		}
		folio_put(f);
	} while (err == -EAGAIN);
	return err;
}

/* As cache_read, by one who wants `want` pages from `index` on. */
static int cache_read_want(struct mapping *m, struct file *file, u64 index, u64 want,
			   struct folio **out)
{
	struct folio *f = cache_find_get(m, index);

	if (likely(f)) {
		if (unlikely(folio_test(f, PG_readahead)))
			readahead_reached(m, file, f, want);
		if (likely(folio_test(f, PG_uptodate))) {
			*out = f;
			return 0;
		}
		folio_put(f);
	} else if (m->ops->readahead) {
		readahead_miss(m, file, index, want);
	}
	return cache_fill(m, file, index, out);
}

int cache_read(struct mapping *m, struct file *file, u64 index, struct folio **out)
{
	return cache_read_want(m, file, index, 1, out);
}

/* --- file I/O --------------------------------------------------------------------------------- */

ssize_t cache_read_iter(struct file *file, struct mapping *m, struct iov_iter *to, loff_t *pos,
			loff_t isize)
{
	u64 last = (min((u64)*pos + iov_iter_count(to), (u64)isize) - 1) >> PAGE_SHIFT;
	ssize_t done = 0;
	int err = 0;

	while (iov_iter_count(to) && *pos < isize) {
		size_t offset = (size_t)*pos & (PAGE_SIZE - 1), n, copied;
		struct folio *f;

		n = min(min(PAGE_SIZE - offset, iov_iter_count(to)), (size_t)(isize - *pos));
		err = cache_read_want(m, file, (u64)*pos >> PAGE_SHIFT,
				      last - ((u64)*pos >> PAGE_SHIFT) + 1, &f);
		/* What was read so far would be taken for all there is: memory is waited for. */
		if (done && !thread_flag_test(thread_current(), THREAD_KILLED) &&
		    no_memory_yet(err))
			continue;
		if (err)
			break;
		copied = copy_page_to_iter(&f->page, offset, n, to);
		folio_mark_accessed(f);
		folio_put(f);
		*pos += (loff_t)copied;
		done += (ssize_t)copied;
		if (copied < n) {
			err = -EFAULT;
			break;
		}
		if (thread_flag_test(thread_current(), THREAD_KILLED)) {
			err = -EINTR;
			break;
		}
	}
	return done ? done : err;
}

size_t folio_copy_in(struct folio *f, size_t offset, size_t n, struct iov_iter *from)
{
	size_t copied;

	pagefault_disable();
	copied = copy_page_from_iter(&f->page, offset, n, from);
	pagefault_enable();
	/* The instruction cache has not seen it. */
	if (folio_test(f, PG_owner_priv))
		folio_clear(f, PG_owner_priv);
	return copied;
}

ssize_t cache_write_iter(struct file *file, struct mapping *m, struct iov_iter *from, loff_t *pos)
{
	ssize_t done = 0;
	int err = 0;

	while (iov_iter_count(from)) {
		size_t offset = (size_t)*pos & (PAGE_SIZE - 1), copied;
		size_t n = min(PAGE_SIZE - offset, iov_iter_count(from));
		struct folio *f;
		void *fsdata = NULL;
		int accepted;

		err = m->ops->write_begin(m, *pos, n, &f, &fsdata);
		if (err)
			break;
		copied = folio_copy_in(f, offset, n, from);
		accepted = m->ops->write_end(m, *pos, n, copied, f, fsdata);
		if (accepted < 0) {
			iov_iter_revert(from, copied);
			err = accepted;
			break;
		}
		if ((size_t)accepted < copied)
			iov_iter_revert(from, copied - (size_t)accepted);
		*pos += accepted;
		done += accepted;
		if (!accepted) {
			err = iov_iter_fault_in(from, n);
			if (err)
				break;
		}
		reclaim_balance_dirty();
		if (thread_flag_test(thread_current(), THREAD_KILLED)) {
			err = -EINTR;
			break;
		}
	}
	return done ? done : err;
}

int cache_write_begin(struct mapping *m, loff_t pos, size_t len, struct folio **out, void **fsdata)
{
	u64 index = (u64)pos >> PAGE_SHIFT;
	struct folio *f;
	int err;

	for (;;) {
		err = cache_grab(m, index, &f);
		if (err)
			return err;
		if (folio_test(f, PG_uptodate) || len == PAGE_SIZE)
			break;
		if ((loff_t)(index << PAGE_SHIFT) >= m->size(m)) {
			memset(folio_address(f), 0, PAGE_SIZE);
			folio_set(f, PG_uptodate);
			break;
		}
		folio_unlock(f);
		err = folio_fill(m, NULL, f);
		folio_put(f);
		if (err && err != -EAGAIN)
			return err;
	}
	*out = f;
	return 0;
}

/* --- mmap ------------------------------------------------------------------------------------- */

/* Have the page on its way, and its neighbours. */
static void fault_readahead(struct mapping *m, struct vma *vma, u64 index)
{
	struct folio *f = cache_find_get(m, index);

	if (f) {
		if (!(vma->flags & VM_RAND_READ))
			readahead_fault_hit(m, vma->file, f);
		folio_put(f);
		return;
	}
	thread_count_major_fault();
	vm_event_add(VM_PGMAJFAULT, 1);
	if (!(vma->flags & VM_RAND_READ))
		readahead_fault(m, vma->file, index, vma->flags & VM_SEQ_READ);
}

enum fault_code cache_fault(struct vma *vma, struct fault *fault)
{
	struct mapping *m = vma->mapping;
	struct folio *f;

	if (fault->pgoff >= ((u64)m->size(m) + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	fault_readahead(m, vma, fault->pgoff);
	switch (cache_fill(m, vma->file, fault->pgoff, &f)) {
	case 0: break;
	case -ENOMEM: return VM_FAULT_NOMEM;
	case -EINTR: return VM_FAULT_NOPAGE;
	default: return VM_FAULT_SIGBUS;
	}
	folio_lock(f);
	if (folio_mapping(f) != m ||
	    fault->pgoff >= ((u64)m->size(m) + PAGE_SIZE - 1) >> PAGE_SHIFT) {
		folio_unlock(f);
		folio_put(f);
		return VM_FAULT_NOPAGE;
	}
	folio_mark_accessed(f);
	fault->folio = f;
	return VM_FAULT_DONE;
}

const struct vma_ops cache_vma_ops = {.fault = cache_fault, .around = true};
