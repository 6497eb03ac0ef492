/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read-copy-update: readers pay nothing but preemption, writers wait for them.
 *
 * A read section disables preemption and must not sleep.  Whoever removed an object from where
 * readers find it frees it after a grace period: when every CPU has since switched threads, idled,
 * run user code, or taken a timer tick outside all read sections.
 *
 * call_rcu() defers a function to that moment; it runs in the deferred context of the CPU that
 * asked.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sched/preempt.h>

struct rcu_head {
	struct llist_node link;
	void (*fn)(struct rcu_head *head);
};

static __always_inline void rcu_read_lock(void)
{
	preempt_disable();
}

static __always_inline void rcu_read_unlock(void)
{
	preempt_enable();
}

/* A read section until the end of the scope. */
#define guard_rcu() guard_preempt()

/* Read a pointer that writers publish with rcu_assign_pointer. */
#define rcu_dereference(p)                                                                         \
	({                                                                                         \
		typeof(p) rcu_pointer_ = __atomic_load_n(&(p), __ATOMIC_CONSUME);                  \
		rcu_pointer_;                                                                      \
	})
/* The same where the caller holds the writers' lock. */
#define rcu_dereference_locked(p) READ_ONCE(p)

/* Publish: what `v` points to is complete before the pointer is seen. */
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

/*
 * Call fn(head) after a grace period.  `head` is embedded in the object.
 * Context: any, but not under a run queue's or the RCU ranks' locks.  `fn` runs in the deferred
 * context.
 */
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));

/* Wait for a grace period that begins now or later.  Context: may sleep. */
void synchronize_rcu(void);

/* Wait until every callback queued before has run.  Context: may sleep. */
void rcu_barrier(void);

/* kfree(ptr) after a grace period; `member` is the struct rcu_head inside *ptr. */
#define kfree_rcu(ptr, member)                                                                     \
	do {                                                                                       \
		static_assert(offsetof(typeof(*(ptr)), member) < 4096,                             \
			      "the head is too far into the object");                              \
		kfree_rcu_(&(ptr)->member, offsetof(typeof(*(ptr)), member));                      \
	} while (0)
void kfree_rcu_(struct rcu_head *head, size_t offset);

/* A number that passes when all readers of now are gone: for those who recycle lazily. */
u64 rcu_snapshot(void);
bool rcu_passed(u64 snapshot);

/* Hooks.  The scheduler at a switch; interrupts off. */
void rcu_note_switch(void);
/* The tick: `quiescent` when it interrupted user mode or a kernel section with preemption on. */
void rcu_tick(bool quiescent);
/* Around the wait in the idle loop; between them the CPU counts as quiescent.  Interrupts off. */
void rcu_idle_enter(void);
void rcu_idle_exit(void);
/* Around an interrupt (or NMI) that may have hit an idle CPU. */
void rcu_irq_enter(void);
void rcu_irq_exit(void);
/* This CPU has callbacks and should not be left asleep without kicking the machinery.  Interrupts
 * off. */
bool rcu_needs_cpu(void);

/* Boot: before the first call_rcu; each CPU as it comes up; when kernel threads can be made. */
void rcu_init(void);
void rcu_init_cpu(void);
void rcu_start(void);
