/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables.
 *
 * Requirements: (1) read, write and poll find their file without a lock or, alone in the table,
 * without an atomic instruction; (2) a table can grow while others read it; (3) a closed file's
 * memory may be reused at once. Consequences: tables are replaced whole and freed after a grace
 * period; a lookup under RCU counts the file unless its count is zero and then looks whether the
 * slot still holds it; a slot is published with release order, after the file is complete.
 */
#include <fs/vfs/fdtable.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/resource.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/thread.h>
#include <kernel/sched/workqueue.h>
#include <mm/alloc.h>

#include <fs/vfs/core.h>

u32 sysctl_nr_open = 1024 * 1024;

static struct slab_cache *files_cache;

/* Lookup */

static __always_inline struct file *table_get(const struct fdtable *t, unsigned fd)
{
	return likely(fd < t->max) ? rcu_dereference(t->files[fd]) : NULL;
}

/* A counted reference, whoever changes the table meanwhile. */
static struct file *files_lookup(struct files *files, unsigned fd)
{
	struct file *f;

	guard_rcu();
	for (;;) {
		struct fdtable *t = rcu_dereference(files->table);

		f = table_get(t, fd);
		if (!f)
			return NULL;
		if (!refcount_get_unless_zero(&f->refs))
			continue;
		smp_mb();
		if (likely(READ_ONCE(t->files[fd]) == f && READ_ONCE(files->table) == t))
			return f;
		/* Recycled under us; it may even be the last reference now. */
		file_put_deferred(f);
	}
}

static __always_inline struct fdref fd_lookup(unsigned fd, u32 refused)
{
	struct files *files = thread_current()->files;
	struct fdref ref = {};

	if (likely(refcount_read(&files->users) == 1)) {
		ref.file = table_get(READ_ONCE(files->table), fd);
		if (ref.file && unlikely(ref.file->mode & refused))
			ref.file = NULL;
		return ref;
	}
	ref.file = files_lookup(files, fd);
	if (!ref.file)
		return ref;
	ref.flags = FDREF_COUNTED;
	if (unlikely(ref.file->mode & refused)) {
		file_put(ref.file);
		return (struct fdref){};
	}
	return ref;
}

struct fdref fd_get(int fd)
{
	return fd_lookup(fd, FMODE_PATH);
}

struct fdref fd_get_raw(int fd)
{
	return fd_lookup(fd, 0);
}

struct fdref fd_get_pos(int fd)
{
	struct fdref ref = fd_lookup(fd, FMODE_PATH);

	/* Someone else may move the position only if they have the file too. */
	if (ref.file && (ref.file->mode & FMODE_ATOMIC_POS) &&
	    ((ref.flags & FDREF_COUNTED) || refcount_read(&ref.file->refs) > 1 ||
	     ref.file->ops->iterate)) {
		ref.flags |= FDREF_POS_LOCK;
		mutex_lock(&ref.file->pos_lock);
	}
	return ref;
}

void fd_put_slow(struct fdref ref)
{
	if (ref.flags & FDREF_POS_LOCK)
		mutex_unlock(&ref.file->pos_lock);
	if (ref.flags & FDREF_COUNTED)
		file_put(ref.file);
}

struct file *fd_file_raw(int fd)
{
	return files_lookup(thread_current()->files, fd);
}

struct file *fd_file(int fd)
{
	struct file *f = fd_file_raw(fd);

	if (f && (f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

struct file *files_get_file(struct files *files, int fd)
{
	return files_lookup(files, fd);
}

struct file *files_next(struct files *files, unsigned *fd)
{
	for (;; ++*fd) {
		unsigned max;
		struct file *f;

		with_spin(&files->lock)
			max = files->table->max;
		if (*fd >= max)
			return NULL;
		f = files_lookup(files, *fd);
		if (f)
			return f;
	}
}

/* Bitmaps.  Locks: files.lock */

static bool bit_test(const u64 *map, unsigned n)
{
	return map[n / 64] >> n % 64 & 1;
}

static void bit_set(u64 *map, unsigned n)
{
	map[n / 64] |= 1ull << n % 64;
}

static void bit_clear(u64 *map, unsigned n)
{
	map[n / 64] &= ~(1ull << n % 64);
}

static unsigned first_free(const struct fdtable *t, unsigned from)
{
	for (unsigned w = from / 64; w < t->max / 64; w++) {
		u64 used = t->open[w];

		if (w == from / 64)
			used |= (1ull << from % 64) - 1;
		if (~used)
			return w * 64 + ctz64(~used);
	}
	return t->max;
}

bool files_cloexec(struct files *files, int fd)
{
	guard_spin(&files->lock);
	return (unsigned)fd < files->table->max && bit_test(files->table->cloexec, fd);
}

/* Growing */

static void table_free(struct fdtable *t)
{
	kvfree(t->files);
	kfree(t);
}

/* Tables past their grace period; large ones come from vmalloc, whose memory is given back by a
 * thread. */
static struct llist_head dead_tables;

static void reap_tables(struct work *w)
{
	struct llist_node *n = llist_take_all(&dead_tables);

	while (n) {
		struct fdtable *t = container_of(n, struct fdtable, dead);

		n = n->next;
		table_free(t);
	}
}

static struct work reap_work = WORK_INIT(reap_work, reap_tables);

static void table_free_rcu(struct rcu_head *head)
{
	struct fdtable *t = container_of(head, struct fdtable, rcu);

	if (llist_push(&dead_tables, &t->dead))
		work_queue(&reap_work);
}

/* Room for `max` slots, empty. */
static struct fdtable *table_alloc(unsigned max)
{
	struct fdtable *t = kmalloc(sizeof(*t), GFP_KERNEL);
	size_t words = max / 64;

	if (!t)
		return NULL;
	t->files = kvzalloc(max * sizeof(struct file *) + 2 * words * sizeof(u64), GFP_KERNEL);
	if (!t->files) {
		kfree(t);
		return NULL;
	}
	t->max = max;
	t->open = (u64 *)(t->files + max);
	t->cloexec = t->open + words;
	return t;
}

static void table_copy(struct fdtable *to, const struct fdtable *from)
{
	unsigned n = min(to->max, from->max);

	memcpy(to->files, from->files, n * sizeof(struct file *));
	memcpy(to->open, from->open, n / 8);
	memcpy(to->cloexec, from->cloexec, n / 8);
}

/* Make room for number `fd`.  Locks: files.lock, dropped and taken again.  Returns 0, -ENOMEM,
 * -EMFILE. */
static int files_grow(struct files *files, unsigned fd)
{
	struct fdtable *old = files->table, *new;
	unsigned max;

	if (fd >= READ_ONCE(sysctl_nr_open))
		return -EMFILE;
	max = max_t(unsigned, 256, roundup_pow2((u64)fd + 1));
	spin_unlock(&files->lock);
	new = table_alloc(max);
	spin_lock(&files->lock);
	if (!new)
		return -ENOMEM;
	old = files->table;
	if (fd < old->max) {
		table_free(new);
		return 0;
	}
	table_copy(new, old);
	rcu_assign_pointer(files->table, new);
	if (old != &files->first)
		call_rcu(&old->rcu, table_free_rcu);
	return 0;
}

/* Numbers */

static unsigned nofile_limit(void)
{
	return min_t(u64, rlimit_get(RLIMIT_NOFILE), INT_MAX);
}

static void take_number(struct files *files, unsigned fd, u32 flags)
{
	struct fdtable *t = files->table;

	bit_set(t->open, fd);
	if (flags & O_CLOEXEC)
		bit_set(t->cloexec, fd);
	else
		bit_clear(t->cloexec, fd);
}

int fd_reserve_from(unsigned min, u32 flags)
{
	struct files *files = thread_current()->files;
	unsigned limit = nofile_limit(), fd;
	int err = 0;

	spin_lock(&files->lock);
	for (;;) {
		fd = first_free(files->table, max(min, files->next));
		if (fd >= limit) {
			err = -EMFILE;
			break;
		}
		if (fd < files->table->max) {
			if (min <= files->next)
				files->next = fd + 1;
			take_number(files, fd, flags);
			break;
		}
		err = files_grow(files, fd);
		if (err)
			break;
	}
	spin_unlock(&files->lock);
	return err ?: (int)fd;
}

static void give_number(struct files *files, unsigned fd)
{
	bit_clear(files->table->open, fd);
	if (fd < files->next)
		files->next = fd;
}

void fd_release(int fd)
{
	struct files *files = thread_current()->files;

	guard_spin(&files->lock);
	give_number(files, fd);
}

void fd_install(int fd, struct file *f)
{
	struct files *files = thread_current()->files;

	guard_spin(&files->lock);
	ASSERT(!files->table->files[fd]);
	rcu_assign_pointer(files->table->files[fd], f);
}

int fd_alloc(struct file *f, u32 flags)
{
	int fd = fd_reserve(flags);

	if (fd >= 0)
		fd_install(fd, f);
	return fd;
}

/* Closing */

/* What close(2) does to a file besides dropping the reference. */
static int file_close(struct file *f, struct files *owner)
{
	int err = 0;

	if (f->ops->flush)
		err = f->ops->flush(f, owner);
	if (unlikely(READ_ONCE(f->inode->locks)) && !(f->mode & FMODE_PATH))
		locks_close_posix(f, owner);
	file_put(f);
	return err;
}

/* Empty a slot.  Locks: files.lock. */
static struct file *take_file(struct files *files, unsigned fd)
{
	struct fdtable *t = files->table;
	struct file *f;

	if (fd >= t->max)
		return NULL;
	f = t->files[fd];
	if (f) {
		WRITE_ONCE(t->files[fd], NULL);
		give_number(files, fd);
	}
	return f;
}

int fd_close(int fd)
{
	struct files *files = thread_current()->files;
	struct file *f;

	spin_lock(&files->lock);
	f = take_file(files, fd);
	spin_unlock(&files->lock);
	return f ? file_close(f, files) : -EBADF;
}

/* close_range(2) without its flags: close, or mark, all from `first` to `last`. */
void files_close_range(struct files *files, unsigned first, unsigned last, bool cloexec)
{
	spin_lock(&files->lock);
	for (unsigned fd = first; fd <= last && fd < files->table->max; fd++) {
		struct file *f;

		if (!files->table->open[fd / 64]) {
			fd |= 63;
			if (fd == UINT_MAX)
				break;
			continue;
		}
		if (cloexec) {
			if (bit_test(files->table->open, fd))
				bit_set(files->table->cloexec, fd);
			continue;
		}
		f = take_file(files, fd);
		if (!f)
			continue;
		spin_unlock(&files->lock);
		file_close(f, files);
		cond_resched();
		spin_lock(&files->lock);
	}
	spin_unlock(&files->lock);
}

int fd_replace(int fd, struct file *f, u32 flags)
{
	struct files *files = thread_current()->files;
	struct file *old;
	int err = 0;

	if ((unsigned)fd >= nofile_limit())
		return -EBADF;
	spin_lock(&files->lock);
	while ((unsigned)fd >= files->table->max && !err)
		err = files_grow(files, fd);
	if (err)
		goto unlock;
	old = files->table->files[fd];
	if (!old && bit_test(files->table->open, fd)) {
		/* Another thread is about to install its file there. */
		err = -EBUSY;
		goto unlock;
	}
	file_get(f);
	take_number(files, fd, flags);
	rcu_assign_pointer(files->table->files[fd], f);
	spin_unlock(&files->lock);
	if (old)
		file_close(old, files);
	return fd;
unlock:
	spin_unlock(&files->lock);
	return err;
}

int fd_get_cloexec(int fd, bool *cloexec)
{
	struct files *files = thread_current()->files;

	guard_spin(&files->lock);
	if ((unsigned)fd >= files->table->max || !files->table->files[fd])
		return -EBADF;
	*cloexec = bit_test(files->table->cloexec, fd);
	return 0;
}

int fd_set_cloexec(int fd, bool cloexec)
{
	struct files *files = thread_current()->files;

	guard_spin(&files->lock);
	if ((unsigned)fd >= files->table->max || !files->table->files[fd])
		return -EBADF;
	if (cloexec)
		bit_set(files->table->cloexec, fd);
	else
		bit_clear(files->table->cloexec, fd);
	return 0;
}

/* Tables of processes.  Their memory stays of this type for a grace period, for files_grab(); a
 * table has no users while it is free or being filled. */

static void files_ctor(void *object)
{
	struct files *files = object;

	refcount_set(&files->users, 0);
}

static struct files *files_alloc(void)
{
	struct files *files = slab_alloc(files_cache, GFP_KERNEL);

	if (!files)
		return NULL;
	spin_init(&files->lock, RANK_FILES, "files");
	files->next = 0;
	files->first = (struct fdtable){
		.max = FDTABLE_INLINE,
		.files = files->first_files,
		.open = &files->first_open,
		.cloexec = &files->first_cloexec,
	};
	files->table = &files->first;
	memset(files->first_files, 0, sizeof(files->first_files));
	files->first_open = files->first_cloexec = 0;
	return files;
}

static void files_publish(struct files *files)
{
	smp_wmb();
	refcount_set(&files->users, 1);
}

int files_create(struct files **out)
{
	*out = files_alloc();
	if (!*out)
		return -ENOMEM;
	files_publish(*out);
	return 0;
}

/* How many slots a copy of `t` needs. */
static unsigned slots_in_use(const struct fdtable *t)
{
	for (unsigned w = t->max / 64; w > 0; w--) {
		if (t->open[w - 1])
			return w * 64;
	}
	return 0;
}

static void files_free(struct files *files)
{
	if (files->table != &files->first)
		table_free(files->table);
	slab_free(files_cache, files);
}

/* Count every file of the copy; numbers only reserved are free in it. */
static void adopt_files(struct files *files)
{
	struct fdtable *t = files->table;

	for (unsigned w = 0; w < t->max / 64; w++) {
		for (u64 bits = t->open[w]; bits; bits &= bits - 1) {
			unsigned fd = w * 64 + ctz64(bits);

			if (t->files[fd])
				file_get(t->files[fd]);
			else
				bit_clear(t->open, fd);
		}
	}
	files->next = first_free(t, 0);
}

int files_fork(struct files *old, bool share, struct files **out)
{
	struct files *files;

	if (share) {
		*out = files_get(old);
		return 0;
	}
	files = files_alloc();
	if (!files)
		return -ENOMEM;
	spin_lock(&old->lock);
	for (;;) {
		unsigned need = slots_in_use(old->table);

		if (need <= files->table->max)
			break;
		spin_unlock(&old->lock);
		if (files->table != &files->first)
			table_free(files->table);
		files->table = table_alloc(roundup_pow2(need));
		if (!files->table) {
			slab_free(files_cache, files);
			return -ENOMEM;
		}
		spin_lock(&old->lock);
	}
	table_copy(files->table, old->table);
	adopt_files(files);
	spin_unlock(&old->lock);
	files_publish(files);
	*out = files;
	return 0;
}

void files_put(struct files *files)
{
	struct fdtable *t;

	if (!files || !refcount_put(&files->users))
		return;
	t = files->table;
	for (unsigned w = 0; w < t->max / 64; w++) {
		for (u64 bits = t->open[w]; bits; bits &= bits - 1) {
			struct file *f = t->files[w * 64 + ctz64(bits)];

			if (f) {
				file_close(f, files);
				cond_resched();
			}
		}
	}
	files_free(files);
}

struct files *files_grab(struct thread *t)
{
	struct files *files;

	for (;;) {
		rcu_read_lock();
		files = READ_ONCE(t->files);
		if (files && !refcount_get_unless_zero(&files->users))
			files = NULL;
		rcu_read_unlock();
		/* The same memory may have become another's meanwhile. */
		if (READ_ONCE(t->files) == files)
			return files;
		files_put(files);
	}
}

unsigned files_size_of(struct thread *t)
{
	struct files *files = files_grab(t);
	unsigned n = 0;

	if (files) {
		with_spin(&files->lock)
			n = files->table->max;
		files_put(files);
	}
	return n;
}

void files_exec(struct files *files)
{
	for (unsigned w = 0;; w++) {
		u64 bits;

		spin_lock(&files->lock);
		if (w >= files->table->max / 64) {
			spin_unlock(&files->lock);
			return;
		}
		bits = files->table->cloexec[w] & files->table->open[w];
		files->table->cloexec[w] = 0;
		spin_unlock(&files->lock);
		for (; bits; bits &= bits - 1) {
			struct file *f;

			with_spin(&files->lock)
				f = take_file(files, w * 64 + ctz64(bits));
			if (f)
				file_close(f, files);
		}
	}
}

int files_unshare(void)
{
	struct thread *t = thread_current();
	struct files *old = t->files, *files;
	int err;

	if (refcount_read(&old->users) == 1)
		return 0;
	err = files_fork(old, false, &files);
	if (err)
		return err;
	WRITE_ONCE(t->files, files);
	files_put(old);
	return 0;
}

void files_init(void)
{
	files_cache = slab_create("files", sizeof(struct files), 8,
				  SLAB_TYPESAFE_BY_RCU | SLAB_ACCOUNT, files_ctor);
	VERIFY(files_cache);
}
