/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User address spaces: areas of one kind (struct vma) in one space (struct mm).
 *
 * Areas live in a balanced tree under the mm lock.  A page fault does not take that lock: it walks
 * the tree under RCU and takes the area's own reader count; memory of areas stays of that type, so
 * a stale pointer can be tried and rejected.  Whoever changes an area holds the mm lock for writing
 * and has waited for the area's readers (vma_write_lock).
 *
 * Prototypes that programs' requests end in take checked or unchecked numbers as the man page gives
 * them and return what the call returns.
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/rbtree.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/rcu.h>
#include <kernel/sync/rwsem.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/waitqueue.h>
#include <mm/page.h>

struct anon;
struct arch_trapframe;
struct file;
struct mapping;
struct seq;
struct thread;
struct vma;

/* Area flags. */
#define VM_READ         0x00000001ul
#define VM_WRITE        0x00000002ul
#define VM_EXEC         0x00000004ul
#define VM_SHARED       0x00000008ul
#define VM_MAYREAD      0x00000010ul
#define VM_MAYWRITE     0x00000020ul
#define VM_MAYEXEC      0x00000040ul
#define VM_MAYSHARE     0x00000080ul
#define VM_GROWSDOWN    0x00000100ul
#define VM_PFNMAP       0x00000400ul /* frames without counted pages: devices */
#define VM_LOCKED       0x00002000ul
#define VM_IO           0x00004000ul
#define VM_SEQ_READ     0x00008000ul
#define VM_RAND_READ    0x00010000ul
#define VM_DONTCOPY     0x00020000ul
#define VM_DONTEXPAND   0x00040000ul
#define VM_LOCKONFAULT  0x00080000ul
#define VM_ACCOUNT      0x00100000ul /* counts towards the commit limit */
#define VM_NORESERVE    0x00200000ul
#define VM_WIPEONFORK   0x02000000ul
#define VM_DONTDUMP     0x04000000ul
#define VM_SPECIAL_AREA 0x08000000ul /* vdso, vvar */

#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)

/* What a fault handler of an area is asked. */
struct fault {
	vaddr_t addr; /* page aligned */
	u64 pgoff;    /* in the object, in pages */
	bool write;
	bool exec;
	struct folio *folio; /* out: locked and referenced, unless VM_FAULT_NOPAGE */
	paddr_t frame;       /* out, with VM_FAULT_PFN: map this frame, uncounted */
	enum memtype type;   /* out, with VM_FAULT_PFN */
};

enum fault_code {
	VM_FAULT_DONE,   /* folio is the answer */
	VM_FAULT_PFN,    /* frame is the answer */
	VM_FAULT_NOPAGE, /* the handler mapped it itself, or try again */
	VM_FAULT_SIGBUS,
	VM_FAULT_SIGSEGV,
	VM_FAULT_NOMEM,
};

/*
 *	operation	locks held			may sleep	optional
 *	open, close	mm lock, write			no		yes
 *	fault		vma reader or mm lock, read	yes		yes: faults are SIGBUS
 *	may_split	mm lock, write			no		yes
 *	access		mm lock, read			yes		yes: remote, of VM_IO
 *	name		mm lock, read			no		yes
 */
struct vma_ops {
	void (*open)(struct vma *vma);  /* a copy was made: fork, split */
	void (*close)(struct vma *vma); /* it goes */
	enum fault_code (*fault)(struct vma *vma, struct fault *f);
	int (*may_split)(struct vma *vma, vaddr_t at);
	ssize_t (*access)(struct vma *vma, vaddr_t addr, void *buf, size_t len, bool write);
	const char *(*name)(struct vma *vma); /* in /proc/PID/maps instead of a path */
	bool around; /* a read fault may map what else the cache holds near it */
};

struct vma {
	vaddr_t start, end;      /* [v] */
	u64 flags;               /* [v] VM_* */
	struct mm *mm;           /* [v] NULL while not on the tree */
	struct rb_node node;     /* [m] */
	vaddr_t gap;             /* [m] free bytes below start, down to the area before */
	vaddr_t max_gap;         /* [m] the largest gap in this subtree */
	u32 readers;             /* [a] faults in progress; VMA_WRITER while being changed */
	struct vma *locked_next; /* [m] areas to unlock with the mm lock */
	u64 pgoff;         /* [v] of start: in the object, or start >> 12 at birth if anonymous */
	struct file *file; /* [v] counted, or NULL */
	struct mapping *mapping;   /* [v] of the file, or of shared memory, or NULL */
	const struct vma_ops *ops; /* [v] */
	void *private;             /* of the operations' owner */
	struct anon *anon; /* [v, set once by a fault] its private pages' reverse map, or NULL */
	struct list anon_link;      /* [anon lock] */
	struct rb_node i_mmap_node; /* [mapping i_mmap_lock] */
	u64 i_mmap_last;            /* [mapping i_mmap_lock] largest last page in the subtree */
}; /* m: mm lock; v: mm lock for writing and no readers, to write; either to read */

/* RSS by kind; each counter is spread over processors. */
enum rss_kind { RSS_FILE, RSS_ANON, RSS_SHMEM, RSS_SWAP, NR_RSS };
#define RSS_SHARDS 4
struct rss_shard {
	s64 n[NR_RSS]; /* [a] */
} __aligned(32);

/* Layout for new mappings, chosen by exec. */
struct mm_layout {
	vaddr_t mmap_top;    /* mappings go downwards from here */
	vaddr_t mmap_bottom; /* not below */
};

struct mm {
	struct arch_mmu arch;
	refcount_t users;               /* threads and grabs: the areas live */
	refcount_t refs;                /* users count as one; the structure and page tables live */
	struct rwsem lock;              /* m */
	struct rb_root areas;           /* [m] struct vma.node, by address */
	u32 nr_areas;                   /* [m] */
	struct vma *locked;             /* [m] list by locked_next */
	struct wait_queue vma_wait;     /* writers waiting for an area's readers */
	struct spinlock anon_lock;      /* serialises giving an area its struct anon */
	u64 total_vm;                   /* [m] pages of all areas */
	u64 data_vm, exec_vm, stack_vm; /* [m] */
	u64 locked_vm;                  /* [m] pages of VM_LOCKED areas */
	u64 pinned_vm;                  /* [a] */
	u64 hiwater_rss, hiwater_vm;    /* [a] lazily kept */
	u64 def_flags;                  /* [m] VM_LOCKED... for new areas (mlockall) */
	u64 nr_tables;                  /* [a] page-table pages */
	struct list swap_link;          /* [swap.c] spaces that may have swap entries */
	struct rss_shard rss[RSS_SHARDS];
	struct mm_layout layout; /* [I] after exec */
	u64 stack_limit;         /* [a] RLIMIT_STACK in bytes, kept up to date by setrlimit */
	bool aslr;               /* [I] after exec */
	/* What exec and prctl(PR_SET_MM) say; written under the mm lock, read anywhere. */
	vaddr_t start_code, end_code, start_data, end_data;
	vaddr_t start_brk, brk, start_stack;
	vaddr_t arg_start, arg_end, env_start, env_end;
	vaddr_t vdso; /* where the vDSO is mapped, 0: nowhere */
	unsigned long auxv[2 * 24];
	unsigned auxv_len;     /* words in use */
	struct file *exe_file; /* [R, m] counted */
	u32 dumpable;          /* [a] 0, 1, 2 as prctl(PR_GET_DUMPABLE) */
	u32 membarrier;        /* [a] registered commands */
	s32 oom_score_adj_min;
	void *aio;           /* AIO contexts of the address space, their owner's */
	void *owner_user_ns; /* user namespace exec ran in, counted by its owner */
	struct rcu_head rcu;
}; /* m: lock */

/*
 * Life.
 */

/* An empty space with one user.  Returns 0 or -ENOMEM.  Context: may sleep. */
int mm_create(struct mm **out) __must_check;
/* users. */
void mm_get(struct mm *mm);
bool mm_get_unless_zero(struct mm *mm);
/* The last put unmaps everything.  Context: may sleep. */
void mm_put(struct mm *mm);
/*
 * A thread's space for a while, or NULL (kernel threads, exiting).  Put with mm_put.  Context: may
 * sleep.
 */
struct mm *mm_grab(struct thread *t);
/* The structure only (lazily loaded, or remembered). */
void mm_ref(struct mm *mm);
void mm_unref(struct mm *mm);

/*
 * A copy, copy-on-write: fork.  Limits: as `old`.
 * Returns 0, -ENOMEM, -EINTR.  Context: may sleep.  Locks: takes old->lock.
 */
int mm_fork(struct mm *old, struct mm **out) __must_check;

/*
 * exec and exit: the current thread runs in `mm` (NULL: none) from now; takes over a user, drops
 * the old one's.
 */
void mm_switch_to(struct mm *mm);

/*
 * Layout for exec: where mappings, stack and brk go.  `stack_gap`: bytes to leave below the top for
 * the stack (RLIMIT_STACK).  `aslr`: randomise.
 */
void mm_set_layout(struct mm *mm, u64 stack_limit, bool aslr, bool legacy);
/* How far below USER_TOP the stack begins, in whole pages; 0 when `mm` has aslr off. */
vaddr_t mm_random_stack_shift(struct mm *mm);
/* Where the heap begins, at or above `brk`. */
vaddr_t mm_random_brk(struct mm *mm, vaddr_t brk);

/*
 * The main stack, [top - size, top), growing downwards to `limit` bytes.  Returns 0 or -ENOMEM.
 * Locks: takes mm->lock.
 */
int mm_stack_create(struct mm *mm, vaddr_t top, size_t size, bool exec) __must_check;

/*
 * Mapping.  All take mm->lock themselves.
 */

struct mmap_request {
	vaddr_t addr;
	size_t len;
	int prot;                /* PROT_* */
	u32 flags;               /* MAP_* */
	struct file *file;       /* not consumed; NULL: anonymous */
	u64 pgoff;               /* in pages */
	u64 vm_flags;            /* forced VM_* */
	struct mapping *mapping; /* shared memory without a file (shared anonymous); may be NULL */
	const struct vma_ops *ops; /* special areas */
	void *private;
	u64 as_limit, data_limit, memlock_limit; /* resource limits in bytes; ~0: none */
	bool can_mlock;                          /* CAP_IPC_LOCK */
	u64 max_prot; /* VM_MAY* the file grants; mm_file_ops.may fills it when 0 */
};

/*
 * mmap(2).  Returns 0 and the address, or what mmap returns.  Populates MAP_POPULATE and
 * MAP_LOCKED.
 */
int mm_map(struct mm *mm, const struct mmap_request *req, vaddr_t *out) __must_check;
int mm_unmap(struct mm *mm, vaddr_t addr, size_t len) __must_check;
int mm_protect(struct mm *mm, vaddr_t addr, size_t len, int prot) __must_check;

struct mremap_request {
	vaddr_t addr;
	size_t old_len, new_len;
	u32 flags;
	vaddr_t new_addr;
	u64 as_limit, data_limit, memlock_limit;
	bool can_mlock;
};
int mm_remap(struct mm *mm, const struct mremap_request *req, vaddr_t *out) __must_check;

/* brk(2): the break afterwards, changed or not. */
vaddr_t mm_brk(struct mm *mm, vaddr_t brk, u64 data_limit, u64 as_limit, u64 memlock_limit,
	       bool can_mlock);
/* exec: zero-filled pages [addr, addr+len), the part of a segment beyond the file. */
int mm_map_anon(struct mm *mm, vaddr_t addr, size_t len, u64 vm_flags) __must_check;

int mm_advise(struct mm *mm, vaddr_t addr, size_t len, int advice);
/* mincore(2): one byte for each page to `vec`. */
int mm_incore(struct mm *mm, vaddr_t addr, size_t len, u8 __user *vec);
int mm_sync(struct mm *mm, vaddr_t addr, size_t len, int flags);
int mm_lock_range(struct mm *mm, vaddr_t addr, size_t len, bool onfault, u64 limit, bool can_mlock);
int mm_unlock_range(struct mm *mm, vaddr_t addr, size_t len);
int mm_lock_all(struct mm *mm, int flags, u64 limit, bool can_mlock);
int mm_unlock_all(struct mm *mm);

/*
 * An area of the kernel's making, say vdso or vvar: `pages` (not counted, not moved) or
 * `ops->fault` supplies it. *addr is a hint or 0, then where it is.  Returns 0 or -ENOMEM.
 */
int mm_map_special(struct mm *mm, vaddr_t *addr, size_t len, u64 vm_flags,
		   const struct vma_ops *ops, void *private) __must_check;

/* For file_ops.mmap of devices: map frames [pa, pa+len) of no counted pages into a fresh area. */
int vma_map_frames(struct vma *vma, vaddr_t addr, paddr_t pa, size_t len,
		   enum memtype type) __must_check;
/* Map counted pages into a VM_DONTEXPAND area, e.g. a ring shared with the kernel. */
int vma_map_page(struct vma *vma, vaddr_t addr, struct page *page) __must_check;
/* The fault handler of ordinary files: from vma->mapping. */
enum fault_code cache_fault(struct vma *vma, struct fault *f);
extern const struct vma_ops cache_vma_ops;

static inline size_t vma_size(const struct vma *vma)
{
	return vma->end - vma->start;
}

/*
 * Faults.
 */

/*
 * Make one page present as if the program touched it.  Locks: mm->lock held for reading.  Returns
 * 0, -EFAULT, -ENOMEM, -EIO...
 */
int mm_fault_in(struct mm *mm, struct vma *vma, vaddr_t addr, bool write) __must_check;

/*
 * Remote access.
 */
#define MM_ACCESS_FORCE 1u /* ptrace: write to read-only private areas, read what is not readable */

/*
 * Copy between `buf` and [addr, addr+len) of `mm`.  Returns bytes done, perhaps 0.  Context: may
 * sleep.
 */
ssize_t mm_access(struct mm *mm, vaddr_t addr, void *buf, size_t len, bool write, unsigned flags);

/*
 * Pages of the current space, referenced; for pinning user memory.  Returns how many, or -EFAULT,
 * -ENOMEM.
 */
long mm_pin_pages(struct mm *mm, vaddr_t addr, unsigned nr, bool write, struct page **pages);
void mm_unpin_pages(struct page **pages, unsigned nr, bool dirty);

/* What a futex in user memory is: the same word has the same key in every process that maps it. */
struct futex_key {
	u64 object; /* private: the mm; shared file: mapping; shared anonymous: its mapping */
	u64 index;  /* private: address; shared: page index */
	u32 offset; /* in the page, bit 0-1: kind */
};
/*
 * Key of the aligned word at `addr` of the current space.  Shared keys hold no reference: the
 * object cannot be unmapped by a waiter, and a stale key merely never matches.  `write`: will be
 * written. Returns 0, -EFAULT.
 */
int mm_futex_key(vaddr_t addr, bool shared, bool write, struct futex_key *out) __must_check;

/*
 * Looking.
 */

/* The area at or after addr, NULL if none.  Locks: mm->lock held. */
struct vma *vma_find(const struct mm *mm, vaddr_t addr);
struct vma *vma_next(const struct vma *vma);
#define for_each_vma(vma, mm) for (vma = vma_find(mm, 0); vma; vma = vma_next(vma))

static inline void mm_read_lock(struct mm *mm)
{
	rwsem_read_lock(&mm->lock);
}

static inline void mm_read_unlock(struct mm *mm)
{
	rwsem_read_unlock(&mm->lock);
}

/* 0 or -EINTR. */
int mm_read_lock_killable(struct mm *mm) __must_check;

s64 mm_rss(const struct mm *mm, enum rss_kind kind);
u64 mm_rss_total(const struct mm *mm);

/*
 * Name shown at the end of a line of maps: "[heap]", "[stack]", "[vdso]", ... or NULL (then the
 * file's path).
 */
const char *vma_name(struct vma *vma);

/* Sizes of what is present in one area, in bytes: smaps.  Locks: mm->lock for reading. */
struct vma_usage {
	u64 rss, pss, shared_clean, shared_dirty, private_clean, private_dirty;
	u64 referenced, anonymous, swap, swap_pss, locked;
};
void vma_usage(struct vma *vma, struct vma_usage *out);
/* pagemap words (bit 63 present, 61 file-shared, 0-54 frame) of `n` pages from addr. */
void mm_pagemap(struct mm *mm, vaddr_t addr, unsigned n, u64 *out, bool frames);
/* /proc/PID/clear_refs of 1. */
void mm_clear_refs(struct mm *mm);

/*
 * Files, as mm needs them.  Filled in by fs.
 */
struct mm_file_ops {
	void (*get)(struct file *file);
	void (*put)(struct file *file);
	struct mapping *(*mapping)(struct file *file);
	/*
	 * VM_MAY* bits that the open mode and the mount grant; 0 and *error when it cannot be
	 * mapped so.
	 */
	int (*may_map)(struct file *file, bool shared, int prot, u64 *may);
	/*
	 * Let the file set vma->ops, flags, private.  Returns 0 or -errno.  Locks: mm->lock for
	 * writing.
	 */
	int (*mmap)(struct file *file, struct vma *vma);
	/* Where the file wants to be, or 0. */
	int (*sync)(struct file *file, loff_t first, loff_t last);
	int (*punch)(struct file *file, loff_t first, loff_t len); /* MADV_REMOVE */
	void (*readahead)(struct file *file, loff_t first, size_t len);
	struct file_ra *(*readahead_state)(struct file *file);
	void (*accessed)(struct file *file);
	/* A shared mapping is about to write: update times, freeze protection. */
	int (*mkwrite)(struct file *file);
};
void mm_set_file_ops(const struct mm_file_ops *ops);

/* Settings: sysctl vm. */
extern u32 vm_overcommit_memory, vm_overcommit_ratio, vm_max_map_count, vm_swappiness;
extern u64 vm_mmap_min_addr;

/* Pages promised to programs. */
int vm_commit(s64 pages, bool may_fail) __must_check;
void vm_uncommit(s64 pages);
