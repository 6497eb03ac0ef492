/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared memory: a page cache with nothing behind it (shmem.h).
 *
 * A page appears, cleared, when it is first written or touched through a mapping; a hole reads as
 * zeros without one.  Pages are always up to date, count as dirty for ever, and are on no LRU list:
 * they can leave memory only to swap.
 */
#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/iov_iter.h>
#include <mm/shmem.h>
#include <mm/usercopy.h>
#include "swap_internal.h"

static loff_t shmem_size(const struct mapping *m)
{
	return (loff_t)atomic_load(&container_of(m, struct shmem, mapping)->size);
}

static int shmem_read_folio(struct file *file, struct folio *f)
{
	memset(folio_address(f), 0, PAGE_SIZE);
	folio_set(f, PG_uptodate);
	folio_unlock(f);
	return 0;
}

static void shmem_free_folio(struct mapping *m, struct folio *f)
{
	struct shmem *s = mapping_shmem(m);

	with_spin_irq(&m->lock) s->allocated--;
	if (s->charge)
		(void)s->charge(m->host, -1);
}

const struct mapping_ops shmem_mapping_ops = {
	.read_folio = shmem_read_folio,
	.free_folio = shmem_free_folio,
};

void shmem_init(struct shmem *s, void *host, int (*charge)(void *host, s64 pages))
{
	mapping_init(&s->mapping, &shmem_mapping_ops, host, shmem_size);
	mapping_set(&s->mapping, MAPPING_SHMEM);
	s->size = 0;
	s->seals = SHMEM_SEAL_SEAL;
	s->allocated = 0;
	s->swapped = 0;
	list_init(&s->swap_link);
	s->charge = charge;
}

/* --- swapped pages ---------------------------------------------------------------------------- */

static struct mutex swapped_lock = MUTEX_INIT(swapped_lock, RANK_SWAP);
/* [swapped_lock] objects with pages in swap, perhaps */
static struct list swapped = LIST_INIT(swapped);

void shmem_note_swapped(struct shmem *s)
{
	if (!list_empty(&s->swap_link))
		return;
	guard_mutex(&swapped_lock);
	if (list_empty(&s->swap_link))
		list_push_back(&swapped, &s->swap_link);
}

/* The next entry at or after *index, or 0.  Context: RCU, or the mapping's lock. */
static u64 swapped_next(struct shmem *s, u64 *index, u64 last)
{
	void *entry;

	while (*index <= last && (entry = xa_find(&s->mapping.pages, index, last))) {
		if (xa_is_value(entry))
			return xa_to_value(entry);
		if (!++*index)
			break;
	}
	return 0;
}

/* Forget the swapped pages of [first, last].  True: there were some. */
static bool drop_swapped(struct shmem *s, u64 first, u64 last)
{
	bool any = false;

	for (;;) {
		u64 entry;

		rcu_read_lock();
		entry = swapped_next(s, &first, last);
		rcu_read_unlock();
		if (!entry)
			return any;
		with_spin_irq(&s->mapping.lock)
		{
			entry = swapped_next(s, &first, last);
			if (entry) {
				xa_erase(&s->mapping.pages, first);
				WRITE_ONCE(s->swapped, s->swapped - 1);
				s->allocated--;
			}
		}
		any = true;
		if (!entry)
			return any;
		swap_entry_release(entry);
		if (s->charge)
			(void)s->charge(s->mapping.host, -1);
		cond_resched();
	}
}

/* The first entry of an area of all objects, its object kept by holding the lock. */
static int object_bring_back(struct shmem *s, u32 type)
{
	u64 index = 0, entry;
	int err;

	while (READ_ONCE(s->swapped)) {
		rcu_read_lock();
		do
			entry = swapped_next(s, &index, U64_MAX);
		while (entry && entry_type(entry) != type && ++index);
		rcu_read_unlock();
		if (!entry)
			return 0;
		err = shmem_swap_in(s, index, entry);
		if (err && err != -EAGAIN)
			return err;
		cond_resched();
	}
	return 0;
}

int shmem_bring_back(u32 type)
{
	struct shmem *s, *next;
	int err = 0;

	guard_mutex(&swapped_lock);
	list_for_each_safe(s, next, &swapped, swap_link)
	{
		err = object_bring_back(s, type);
		if (err)
			break;
	}
	return err;
}

static void forget_swapped(struct shmem *s)
{
	if (list_empty(&s->swap_link))
		return;
	guard_mutex(&swapped_lock);
	list_remove(&s->swap_link);
}

/*
 * A part of one page is cut off: cleared wherever it is.  Under the folio's lock, since it may go
 * out again as soon as that is released.
 */
static int clear_edge(struct shmem *s, u64 index, size_t from, size_t to)
{
	struct folio *f;
	int err = from < to ? shmem_get_folio(s, index, false, &f) : -ENOENT;

	if (err || !f)
		return err == -ENOENT ? 0 : err;
	memset((char *)folio_address(f) + from, 0, to - from);
	folio_unlock(f);
	folio_put(f);
	return 0;
}

/*
 * Pages go first, so that reclaim, which locks them, sends no more of them out behind the back of
 * this; then the object leaves the list, on which reclaim puts it while it holds such a lock.
 */
void shmem_fini(struct shmem *s)
{
	cache_truncate(&s->mapping, 0);
	while (drop_swapped(s, 0, U64_MAX))
		cache_truncate(&s->mapping, 0);
	forget_swapped(s);
	mapping_fini(&s->mapping);
}

/* A new page at `index`.  -EEXIST: somebody was faster. */
static int shmem_add_page(struct shmem *s, u64 index, bool clear, struct folio **out)
{
	struct mapping *m = &s->mapping;
	int err = s->charge ? s->charge(m->host, 1) : 0;
	struct folio *f;

	if (err)
		return err;
	err = -ENOMEM;
	f = folio_alloc(m->gfp | (clear ? __GFP_ZERO : 0));
	if (!f)
		goto uncharge;
	f->page.flags = 1u << PG_locked | 1u << PG_swapbacked | 1u << PG_uptodate | 1u << PG_dirty;
	err = cache_add(m, f, index);
	if (err)
		goto free;
	with_spin_irq(&m->lock) s->allocated++;
	*out = f;
	return 0;

free:
	folio_unlock(f);
	folio_put(f);
uncharge:
	if (s->charge)
		(void)s->charge(m->host, -1);
	return err;
}

/*
 * If `index` is in swap: back.  -ENOENT: there is a hole.  An entry changes between page and swap
 * in one step, so one look at it tells; s->swapped, which changes beside it, does not.
 */
static int bring_in(struct shmem *s, u64 index)
{
	void *entry;

	rcu_read_lock();
	entry = xa_load(&s->mapping.pages, index);
	rcu_read_unlock();
	if (!entry)
		return -ENOENT;
	if (!xa_is_value(entry))
		return -EAGAIN;
	return shmem_swap_in(s, index, xa_to_value(entry));
}

static int get_folio(struct shmem *s, u64 index, bool create, bool clear, struct folio **out)
{
	for (;;) {
		struct folio *f = cache_find_get(&s->mapping, index);
		int err;

		if (f) {
			err = folio_lock_killable(f);
			if (err) {
				folio_put(f);
				return err;
			}
			if (folio_mapping(f) == &s->mapping) {
				*out = f;
				return 0;
			}
			folio_unlock(f);
			folio_put(f);
			continue;
		}
		*out = NULL;
		err = bring_in(s, index);
		if (!err || err == -EAGAIN)
			continue;
		if (err != -ENOENT)
			return err;
		if (!create)
			return 0;
		err = shmem_add_page(s, index, clear, out);
		if (err != -EEXIST)
			return err;
	}
}

int shmem_get_folio(struct shmem *s, u64 index, bool create, struct folio **out)
{
	return get_folio(s, index, create, true, out);
}

/* --- read, write ------------------------------------------------------------------------------ */

ssize_t shmem_read_iter(struct shmem *s, struct iov_iter *to, loff_t *pos)
{
	loff_t size = (loff_t)atomic_load(&s->size);
	ssize_t done = 0;

	while (iov_iter_count(to) && *pos < size) {
		size_t offset = (size_t)*pos & (PAGE_SIZE - 1), n, copied;
		struct folio *f = cache_find_get(&s->mapping, (u64)*pos >> PAGE_SHIFT);

		if (!f) {
			int err = shmem_get_folio(s, (u64)*pos >> PAGE_SHIFT, false, &f);

			if (err)
				return done ? done : err;
			if (f)
				folio_unlock(f);
		}
		n = min(min(PAGE_SIZE - offset, iov_iter_count(to)), (size_t)(size - *pos));
		if (f) {
			copied = copy_page_to_iter(&f->page, offset, n, to);
			folio_put(f);
		} else {
			copied = iov_iter_zero(n, to);
		}
		*pos += (loff_t)copied;
		done += (ssize_t)copied;
		if (copied < n)
			return done ? done : -EFAULT;
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			break;
	}
	return done;
}

/* One page's share of a write.  Returns bytes or a negative errno. */
static ssize_t write_part(struct shmem *s, loff_t pos, struct iov_iter *from)
{
	size_t offset = (size_t)pos & (PAGE_SIZE - 1), copied;
	size_t n = min(PAGE_SIZE - offset, iov_iter_count(from));
	struct folio *f;
	int err;

	for (;;) {
		/*
		 * A whole page in one go need not be cleared, unless the source may turn out to be
		 * absent.
		 */
		err = get_folio(s, (u64)pos >> PAGE_SHIFT, true, true, &f);
		if (err)
			return err;
		copied = folio_copy_in(f, offset, n, from);
		if (copied && pos + (loff_t)copied > (loff_t)s->size)
			atomic_store(&s->size, (u64)pos + copied);
		folio_unlock(f);
		folio_put(f);
		if (copied)
			return (ssize_t)copied;
		err = iov_iter_fault_in(from, n);
		if (err)
			return err;
	}
}

ssize_t shmem_write_iter(struct shmem *s, struct iov_iter *from, loff_t *pos)
{
	u32 seals = READ_ONCE(s->seals);
	ssize_t done = 0;

	if (seals & (SHMEM_SEAL_WRITE | SHMEM_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (seals & SHMEM_SEAL_GROW && *pos + (loff_t)iov_iter_count(from) > (loff_t)s->size)
		return -EPERM;
	while (iov_iter_count(from)) {
		ssize_t n = write_part(s, *pos, from);

		if (n < 0)
			return done ? done : n;
		*pos += n;
		done += n;
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			break;
		cond_resched();
	}
	return done;
}

/* --- size and holes --------------------------------------------------------------------------- */

int shmem_truncate(struct shmem *s, loff_t size)
{
	loff_t old = (loff_t)s->size;
	u32 seals = READ_ONCE(s->seals);

	if ((size < old && seals & SHMEM_SEAL_SHRINK) || (size > old && seals & SHMEM_SEAL_GROW))
		return -EPERM;
	if (size < old && (u64)size & (PAGE_SIZE - 1) &&
	    clear_edge(s, (u64)size >> PAGE_SHIFT, (u64)size & (PAGE_SIZE - 1), PAGE_SIZE))
		return -EIO;
	atomic_store(&s->size, (u64)size);
	if (size >= old)
		return 0;
	cache_truncate(&s->mapping, size);
	/* What was out, and what came in meanwhile. */
	while (drop_swapped(s, ((u64)size + PAGE_SIZE - 1) >> PAGE_SHIFT, U64_MAX))
		cache_truncate(&s->mapping, size);
	return 0;
}

static int punch(struct shmem *s, loff_t pos, loff_t end)
{
	u64 first = (u64)pos >> PAGE_SHIFT, last = (u64)end >> PAGE_SHIFT;
	size_t from = (u64)pos & (PAGE_SIZE - 1), to = (u64)end & (PAGE_SIZE - 1);
	int err;

	if (first == last) {
		err = clear_edge(s, first, from, to);
		if (!err)
			cache_punch(&s->mapping, pos, end - 1);
		return err;
	}
	err = from ? clear_edge(s, first, from, PAGE_SIZE) : 0;
	if (!err)
		err = clear_edge(s, last, 0, to);
	if (err)
		return err;
	/* Whole pages: [first, last). */
	first += from != 0;
	do
		cache_punch(&s->mapping, pos, end - 1);
	while (first < last && drop_swapped(s, first, last - 1));
	return 0;
}

#define FALLOC_KEEP_SIZE  0x01
#define FALLOC_PUNCH_HOLE 0x02
#define FALLOC_ZERO_RANGE 0x10

static int allocate_range(struct shmem *s, u64 first, u64 last)
{
	for (u64 index = first; index <= last; index++) {
		struct folio *f;
		int err = shmem_get_folio(s, index, true, &f);

		if (err)
			return err;
		folio_unlock(f);
		folio_put(f);
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

int shmem_fallocate(struct shmem *s, int mode, loff_t pos, loff_t len)
{
	u32 seals = READ_ONCE(s->seals);
	loff_t end = pos + len;
	int err;

	if (mode == (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE)) {
		if (seals & (SHMEM_SEAL_WRITE | SHMEM_SEAL_FUTURE_WRITE))
			return -EPERM;
		return punch(s, pos, end);
	}
	if (mode & ~(FALLOC_KEEP_SIZE | FALLOC_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (end > (loff_t)s->size && seals & SHMEM_SEAL_GROW && !(mode & FALLOC_KEEP_SIZE))
		return -EPERM;
	if (mode & FALLOC_ZERO_RANGE) {
		if (seals & (SHMEM_SEAL_WRITE | SHMEM_SEAL_FUTURE_WRITE))
			return -EPERM;
		err = punch(s, pos, end);
		if (err)
			return err;
	}
	err = allocate_range(s, (u64)pos >> PAGE_SHIFT, (u64)(end - 1) >> PAGE_SHIFT);
	if (!err && !(mode & FALLOC_KEEP_SIZE) && end > (loff_t)s->size)
		atomic_store(&s->size, (u64)end);
	return err;
}

loff_t shmem_seek(struct shmem *s, loff_t pos, bool data)
{
	loff_t size = (loff_t)s->size;
	u64 index = (u64)pos >> PAGE_SHIFT, first = index;

	if (pos < 0 || pos >= size)
		return -ENXIO;
	guard_rcu();
	if (data) {
		if (!xa_find(&s->mapping.pages, &index, (u64)(size - 1) >> PAGE_SHIFT))
			return -ENXIO;
		return index == first ? pos : (loff_t)(index << PAGE_SHIFT);
	}
	while ((loff_t)(index << PAGE_SHIFT) < size && xa_load(&s->mapping.pages, index))
		index++;
	return index == first ? pos : min((loff_t)(index << PAGE_SHIFT), size);
}

/* --- seals, mapping --------------------------------------------------------------------------- */

int shmem_add_seals(struct shmem *s, u32 seals)
{
	guard_read(&s->mapping.i_mmap_lock);
	guard_spin_irq(&s->mapping.lock);

	if (s->seals & SHMEM_SEAL_SEAL)
		return -EPERM;
	if (seals & SHMEM_SEAL_WRITE && !(s->seals & SHMEM_SEAL_WRITE) &&
	    atomic_load(&s->mapping.writable_maps))
		return -EBUSY;
	WRITE_ONCE(s->seals, s->seals | seals);
	return 0;
}

static enum fault_code shmem_fault(struct vma *vma, struct fault *fault)
{
	struct shmem *s = mapping_shmem(vma->mapping);
	struct folio *f;

	if (fault->pgoff >= (atomic_load(&s->size) + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	switch (shmem_get_folio(s, fault->pgoff, true, &f)) {
	case 0: break;
	case -ENOMEM: return VM_FAULT_NOMEM;
	case -EINTR: return VM_FAULT_NOPAGE;
	default: return VM_FAULT_SIGBUS;
	}
	fault->folio = f;
	return VM_FAULT_DONE;
}

static const struct vma_ops shmem_vma_ops = {.fault = shmem_fault, .around = true};

int shmem_mmap(struct shmem *s, struct vma *vma)
{
	u32 seals = READ_ONCE(s->seals);

	if (seals & (SHMEM_SEAL_WRITE | SHMEM_SEAL_FUTURE_WRITE) && vma->flags & VM_SHARED) {
		if (vma->flags & VM_WRITE)
			return -EPERM;
		vma->flags &= ~VM_MAYWRITE;
	}
	vma->mapping = &s->mapping;
	vma->ops = &shmem_vma_ops;
	return 0;
}

/* --- shared anonymous ------------------------------------------------------------------------- */

struct shmem_anon {
	struct shmem shmem;
	refcount_t refs; /* areas */
	s64 committed;   /* [I] pages */
};

static struct shmem_anon *anon_of(struct vma *vma)
{
	return container_of(mapping_shmem(vma->mapping), struct shmem_anon, shmem);
}

static void shared_anon_open(struct vma *vma)
{
	refcount_get(&anon_of(vma)->refs);
}

static void shared_anon_close(struct vma *vma)
{
	struct shmem_anon *a = anon_of(vma);

	if (!refcount_put(&a->refs))
		return;
	shmem_fini(&a->shmem);
	vm_uncommit(a->committed);
	kfree(a);
}

static const char *shared_anon_name(struct vma *vma)
{
	return "/dev/zero (deleted)";
}

static const struct vma_ops shared_anon_ops = {
	.open = shared_anon_open,
	.close = shared_anon_close,
	.fault = shmem_fault,
	.name = shared_anon_name,
	.around = true,
};

int shmem_map_anonymous(struct vma *vma)
{
	s64 pages = (s64)(vma_size(vma) >> PAGE_SHIFT);
	struct shmem_anon *a;

	if (vma->flags & VM_NORESERVE)
		pages = 0;
	if (vm_commit(pages, true))
		return -ENOMEM;
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a) {
		vm_uncommit(pages);
		return -ENOMEM;
	}
	shmem_init(&a->shmem, NULL, NULL);
	a->shmem.size = vma_size(vma);
	refcount_set(&a->refs, 1);
	a->committed = pages;
	vma->pgoff = 0;
	vma->mapping = &a->shmem.mapping;
	vma->ops = &shared_anon_ops;
	return 0;
}
