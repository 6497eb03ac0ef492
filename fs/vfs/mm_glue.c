/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What memory management asks of files (mm_file_ops), and what it asks of the caches here when
 * memory runs short.
 */
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/mman.h>
#include <mm/reclaim.h>
#include <mm/space.h>

#include <fs/vfs/core.h>

static void mm_get_file(struct file *f)
{
	file_get(f);
}

static struct mapping *mm_file_mapping(struct file *f)
{
	return f->mapping;
}

/* May `f` be mapped so, and what may mprotect make of it later? */
static int mm_may_map(struct file *f, bool shared, int prot, u64 *may)
{
	bool noexec = path_noexec(&f->path);

	if (!f->ops->mmap)
		return -ENODEV;
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (shared && (prot & PROT_WRITE) && !(f->mode & FMODE_WRITE))
		return -EACCES;
	if (shared && (f->mode & FMODE_WRITE) && (f->inode->flags & S_APPEND))
		return -EACCES;
	if (noexec && (prot & PROT_EXEC))
		return -EPERM;
	*may = VM_MAYREAD;
	if (!shared || (f->mode & FMODE_WRITE))
		*may |= VM_MAYWRITE;
	if (!noexec)
		*may |= VM_MAYEXEC;
	return 0;
}

static int mm_file_mmap(struct file *f, struct vma *vma)
{
	return f->ops->mmap(f, vma);
}

static int mm_file_sync(struct file *f, loff_t first, loff_t last)
{
	return f->ops->fsync ? f->ops->fsync(f, first, last, true) : 0;
}

static int mm_file_punch(struct file *f, loff_t first, loff_t len)
{
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	return f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first, len);
}

static void mm_file_readahead(struct file *f, loff_t first, size_t len)
{
	u64 index = (u64)first / PAGE_SIZE;

	readahead_force(f->mapping, f, index,
			((u64)first + len + PAGE_SIZE - 1) / PAGE_SIZE - index);
}

static struct file_ra *mm_file_readahead_state(struct file *f)
{
	return &f->ra;
}

static int mm_file_mkwrite(struct file *f)
{
	return file_update_time(f);
}

static const struct mm_file_ops mm_ops = {
	.get = mm_get_file,
	.put = file_put_deferred,
	.mapping = mm_file_mapping,
	.may_map = mm_may_map,
	.mmap = mm_file_mmap,
	.sync = mm_file_sync,
	.punch = mm_file_punch,
	.readahead = mm_file_readahead,
	.readahead_state = mm_file_readahead_state,
	.accessed = file_accessed,
	.mkwrite = mm_file_mkwrite,
};

int generic_file_mmap(struct file *f, struct vma *vma)
{
	vma->ops = &cache_vma_ops;
	file_accessed(f);
	return 0;
}

static u64 dcache_count(struct shrinker *s)
{
	return dcache_idle_count();
}

static u64 dcache_scan(struct shrinker *s, u64 nr, gfp_t gfp)
{
	return gfp & __GFP_FS ? dcache_shrink(nr) : 0;
}

static struct shrinker dcache_shrinker = {
	.name = "dcache", .count = dcache_count, .scan = dcache_scan};

void mm_glue_init(void)
{
	mm_set_file_ops(&mm_ops);
	shrinker_register(&dcache_shrinker);
	reclaim_set_writeback_ops(&writeback_ops);
	reclaim_set_cache_walker(super_drop_all_pages);
}
