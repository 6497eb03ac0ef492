/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces as wholes: made, copied, entered, torn down.
 *
 * Two counts: `users` keeps the areas, `refs` the structure.  The memory of a struct mm stays of
 * that type for a grace period, so another thread's mm can be grabbed without a lock: raise `users`
 * unless it is zero, and look again whether the thread still has it.
 */
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <kernel/sched/mmu.h>
#include <kernel/sched/thread.h>
#include <kernel/trap/trap.h>
#include "swap_internal.h"

static struct slab_cache *mm_cache;
const struct mm_file_ops *file_ops;

void mm_set_file_ops(const struct mm_file_ops *ops)
{
	file_ops = ops;
}

void space_init(void)
{
	mm_cache = slab_create("mm_struct", sizeof(struct mm), CACHE_LINE,
			       SLAB_TYPESAFE_BY_RCU | SLAB_ACCOUNT, NULL);
	zero_frame = page_to_phys(page_alloc(GFP_KERNEL | __GFP_ZERO));
	VERIFY(mm_cache && zero_frame);
	page_set(phys_to_page(zero_frame), PG_reserved);
	trap_set_fault_handler(mm_fault);
}

int mm_create(struct mm **out)
{
	struct mm *mm = slab_alloc(mm_cache, GFP_KERNEL | __GFP_ZERO);
	struct page *root;

	if (!mm)
		return -ENOMEM;
	root = upt_root_alloc(mm);
	if (!root)
		goto free_mm;
	if (arch_mmu_init(&mm->arch, page_to_phys(root)))
		goto free_root;
	rwsem_init(&mm->lock, RANK_MM, "mm");
	list_init(&mm->swap_link);
	wait_queue_init(&mm->vma_wait);
	spin_init(&mm->anon_lock, RANK_AREA_PT, "mm.anon_lock");
	mm->nr_tables = 1;
	mm->stack_limit = 8ull << 20;
	mm->dumpable = 1;
	mm->layout = (struct mm_layout){.mmap_top = USER_TOP, .mmap_bottom = vm_mmap_min_addr};
	refcount_set(&mm->refs, 1);
	refcount_set(&mm->users, 1);
	*out = mm;
	return 0;

free_root:
	upt_root_free(root);
free_mm:
	slab_free(mm_cache, mm);
	return -ENOMEM;
}

void mm_get(struct mm *mm)
{
	refcount_get(&mm->users);
}

bool mm_get_unless_zero(struct mm *mm)
{
	return refcount_get_unless_zero(&mm->users);
}

void mm_ref(struct mm *mm)
{
	refcount_get(&mm->refs);
}

void mm_unref(struct mm *mm)
{
	if (!refcount_put(&mm->refs))
		return;

	struct page *root = phys_to_page(mm->arch.root);

	swap_forget_mm(mm);
	arch_mmu_destroy(&mm->arch);
	upt_root_free(root);
	slab_free(mm_cache, mm);
}

/* Only the last user's thread gets here. */
static void areas_destroy(struct mm *mm)
{
	struct vma *vma, *next;

	for_each_vma(vma, mm) rmap_unlink(vma);
	zap_everything(mm);
	for (vma = vma_find(mm, 0); vma; vma = next) {
		next = vma_next(vma);
		if (vma->ops && vma->ops->close)
			vma->ops->close(vma);
		if (vma->flags & VM_ACCOUNT)
			vm_uncommit((s64)(vma_size(vma) >> PAGE_SHIFT));
		if (vma->flags & VM_LOCKED)
			vm_gauge_add(VM_NR_MLOCK, -(s64)(vma_size(vma) >> PAGE_SHIFT));
		if (vma->file)
			file_ops->put(vma->file);
		WRITE_ONCE(vma->mm, NULL);
	}
	/* The tree is not needed any more: no rebalancing for areas that all go. */
	for (vma = vma_of(rb_first(&mm->areas)); vma; vma = next) {
		next = vma_next(vma);
		vma->gap = (vaddr_t)next;
	}
	vma = vma_of(rb_first(&mm->areas));
	rb_root_init(&mm->areas);
	for (; vma; vma = next) {
		next = (struct vma *)vma->gap;
		vma_free(vma);
	}
	mm->nr_areas = 0;
}

void mm_put(struct mm *mm)
{
	if (!refcount_put(&mm->users))
		return;
	areas_destroy(mm);
	if (mm->exe_file)
		file_ops->put(mm->exe_file);
	mm_unref(mm);
}

struct mm *mm_grab(struct thread *t)
{
	struct mm *mm;

	for (;;) {
		rcu_read_lock();
		mm = READ_ONCE(t->mm);
		if (mm && !refcount_get_unless_zero(&mm->users))
			mm = NULL;
		rcu_read_unlock();
		if (!mm || READ_ONCE(t->mm) == mm)
			return mm;
		mm_put(mm);
	}
}

void mm_switch_to(struct mm *mm)
{
	struct thread *t = thread_current();
	struct mm *old = t->mm;
	irqflags_t f = arch_irq_save();

	WRITE_ONCE(t->mm, mm);
	t->mmu = mm ? &mm->arch : NULL;
	sched_mmu_switch(t->mmu);
	arch_irq_restore(f);
	if (old)
		mm_put(old);
}

/* --- fork ------------------------------------------------------------------------------------- */

static void fields_copy(struct mm *new, const struct mm *old)
{
	new->layout = old->layout;
	new->aslr = old->aslr;
	new->stack_limit = old->stack_limit;
	new->start_code = old->start_code;
	new->end_code = old->end_code;
	new->start_data = old->start_data;
	new->end_data = old->end_data;
	new->start_brk = old->start_brk;
	new->brk = old->brk;
	new->start_stack = old->start_stack;
	new->arg_start = old->arg_start;
	new->arg_end = old->arg_end;
	new->env_start = old->env_start;
	new->env_end = old->env_end;
	new->vdso = old->vdso;
	new->auxv_len = old->auxv_len;
	memcpy(new->auxv, old->auxv, old->auxv_len * sizeof(old->auxv[0]));
	new->dumpable = old->dumpable;
	new->exe_file = old->exe_file;
	if (new->exe_file)
		file_ops->get(new->exe_file);
}

static int vma_fork(struct mm *new, struct vma *from, bool *protected)
{
	struct vma *vma;
	s64 pages = (s64)(vma_size(from) >> PAGE_SHIFT);

	if (from->flags & VM_ACCOUNT && vm_commit(pages, true))
		return -ENOMEM;
	vma = vma_alloc();
	if (!vma) {
		if (from->flags & VM_ACCOUNT)
			vm_uncommit(pages);
		return -ENOMEM;
	}
	vma->start = from->start;
	vma->end = from->end;
	vma->pgoff = from->pgoff;
	vma->flags = from->flags & ~(VM_LOCKED | VM_LOCKONFAULT);
	vma->file = from->file;
	vma->mapping = from->mapping;
	vma->ops = from->ops;
	vma->private = from->private;
	if (vma->file)
		file_ops->get(vma->file);
	if (!(from->flags & VM_WIPEONFORK))
		anon_join(vma, from);
	rmap_link(vma);
	vma_insert(new, vma);
	mm_account_vma(new, vma->flags, pages);
	if (vma->ops && vma->ops->open)
		vma->ops->open(vma);
	if (!from->anon && !(from->flags & VM_PFNMAP))
		return 0;
	vma_write_lock(from->mm, from);
	return copy_range(vma, from, protected);
}

int mm_fork(struct mm *old, struct mm **out)
{
	struct mm *new;
	struct vma *vma;
	bool protected = false;
	int err = mm_create(&new);

	if (err)
		return err;
	err = rwsem_write_lock_killable(&old->lock);
	if (err) {
		mm_put(new);
		return err;
	}
	fields_copy(new, old);
	for_each_vma(vma, old)
	{
		if (vma->flags & VM_DONTCOPY)
			continue;
		err = vma_fork(new, vma, &protected);
		if (err)
			break;
	}
	if (protected) {
		arch_pte_written();
		tlb_shootdown(old, 0, USER_TOP);
	}
	mm_write_unlock(old);
	if (err) {
		mm_put(new);
		return err;
	}
	*out = new;
	return 0;
}

/* --- counts ----------------------------------------------------------------------------------- */

s64 mm_rss(const struct mm *mm, enum rss_kind kind)
{
	s64 n = 0;

	for (unsigned i = 0; i < RSS_SHARDS; i++)
		n += READ_ONCE(mm->rss[i].n[kind]);
	return n > 0 ? n : 0;
}

u64 mm_rss_total(const struct mm *mm)
{
	return (u64)(mm_rss(mm, RSS_FILE) + mm_rss(mm, RSS_ANON) + mm_rss(mm, RSS_SHMEM));
}
