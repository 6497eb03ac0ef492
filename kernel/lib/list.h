/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linked lists: circular doubly linked lists, hash chains, and lock-free stacks.
 *
 * The links are embedded in what they link.  A writer holds the lock of the list.  A list or chain
 * whose every insertion uses the _rcu form may be walked with the _rcu iterator under an RCU read
 * section: a removed node keeps its forward link until a grace period has passed, so a reader
 * standing on it finds its way on.
 *
 * Removal re-initialises the node, so removing twice is harmless and list_empty(&node) tells
 * whether a node is on a list.  The _rcu removals leave the forward link.
 */
#pragma once

#include <kernel/lib/atomic.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)	 { &(name), &(name) }

static __always_inline void list_init(struct list *l)
{
	WRITE_ONCE(l->next, l);
	WRITE_ONCE(l->prev, l);
}

static __always_inline bool list_empty(const struct list *head)
{
	return READ_ONCE(head->next) == head;
}

static inline bool list_is_singular(const struct list *head)
{
	return head->next != head && head->next == head->prev;
}

static __always_inline void list_link_(struct list *node, struct list *prev, struct list *next)
{
	next->prev = node;
	node->next = next;
	node->prev = prev;
	WRITE_ONCE(prev->next, node);
}

static __always_inline void list_push_front(struct list *head, struct list *node)
{
	list_link_(node, head, head->next);
}

static __always_inline void list_push_back(struct list *head, struct list *node)
{
	list_link_(node, head->prev, head);
}

static __always_inline void list_insert_before(struct list *node, struct list *new)
{
	list_link_(new, node->prev, node);
}

static __always_inline void list_insert_after(struct list *node, struct list *new)
{
	list_link_(new, node, node->next);
}

static __always_inline void list_unlink_(struct list *node)
{
	node->next->prev = node->prev;
	WRITE_ONCE(node->prev->next, node->next);
}

static __always_inline void list_remove(struct list *node)
{
	list_unlink_(node);
	list_init(node);
}

static __always_inline void list_move_back(struct list *head, struct list *node)
{
	list_unlink_(node);
	list_push_back(head, node);
}

static __always_inline void list_move_front(struct list *head, struct list *node)
{
	list_unlink_(node);
	list_push_front(head, node);
}

/* Put `new` where `old` was; `old` is re-initialised. */
static inline void list_replace(struct list *old, struct list *new)
{
	list_link_(new, old->prev, old->next);
	list_init(old);
}

/* Move everything on `from` to the end of `head`; `from` becomes empty. */
static inline void list_splice_back(struct list *head, struct list *from)
{
	struct list *first = from->next, *last = from->prev;

	if (first == from)
		return;
	first->prev = head->prev;
	last->next = head;
	WRITE_ONCE(head->prev->next, first);
	head->prev = last;
	list_init(from);
}

/* Move everything on `from` to the beginning of `head`; `from` becomes empty. */
static inline void list_splice_front(struct list *head, struct list *from)
{
	struct list *first = from->next, *last = from->prev;

	if (first == from)
		return;
	last->next = head->next;
	head->next->prev = last;
	first->prev = head;
	WRITE_ONCE(head->next, first);
	list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)

/* The first and last entries of a list known not to be empty. */
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member)  list_entry((head)->prev, type, member)

/* The same, or NULL when the list is empty. */
#define list_first_or_null(head, type, member) \
	(list_empty(head) ? (type *)NULL : list_first(head, type, member))
#define list_last_or_null(head, type, member) \
	(list_empty(head) ? (type *)NULL : list_last(head, type, member))

#define list_next_entry(pos, member) list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, typeof(*(pos)), member)

/* True when `pos` has walked off the list: it is not an entry then. */
#define list_at_end(pos, head, member) (&(pos)->member == (head))

#define list_for_each(pos, head, member) \
	for (pos = list_first(head, typeof(*pos), member); !list_at_end(pos, head, member); \
	     pos = list_next_entry(pos, member))

/* `pos` may be removed and freed within the loop. */
#define list_for_each_safe(pos, after, head, member) \
	for (pos = list_first(head, typeof(*pos), member), after = list_next_entry(pos, member); \
	     !list_at_end(pos, head, member); pos = after, after = list_next_entry(after, member))

#define list_for_each_reverse(pos, head, member) \
	for (pos = list_last(head, typeof(*pos), member); !list_at_end(pos, head, member); \
	     pos = list_prev_entry(pos, member))

#define list_for_each_reverse_safe(pos, before, head, member)                                      \
	for (pos = list_last(head, typeof(*pos), member), before = list_prev_entry(pos, member);   \
	     !list_at_end(pos, head, member);                                                      \
	     pos = before, before = list_prev_entry(before, member))

/* Go on after `pos`. */
#define list_for_each_continue(pos, head, member) \
	for (pos = list_next_entry(pos, member); !list_at_end(pos, head, member); \
	     pos = list_next_entry(pos, member))

/* RCU forms. */
static __always_inline void list_link_rcu_(struct list *node, struct list *prev, struct list *next)
{
	node->next = next;
	node->prev = prev;
	atomic_store_release(&prev->next, node);
	next->prev = node;
}

static inline void list_push_back_rcu(struct list *head, struct list *node)
{
	list_link_rcu_(node, head->prev, head);
}

static inline void list_push_front_rcu(struct list *head, struct list *node)
{
	list_link_rcu_(node, head, head->next);
}

/* Readers may still stand on `node`: it is reused or freed only after a grace period. */
static inline void list_remove_rcu(struct list *node)
{
	list_unlink_(node);
	node->prev = node;
}

#define list_entry_rcu_(ptr, type, member) container_of(READ_ONCE(ptr), type, member)
#define list_for_each_rcu(pos, head, member) \
	for (pos = list_entry_rcu_((head)->next, typeof(*pos), member); \
	     !list_at_end(pos, head, member); \
	     pos = list_entry_rcu_(pos->member.next, typeof(*pos), member))

/*
 * Hash chains: a head of one pointer.
 */
struct hlist_head {
	struct hlist_node *first;
};

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev; /* what points to us; NULL when on no chain */
};

static inline void hlist_init(struct hlist_head *h)
{
	h->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

static inline bool hlist_empty(const struct hlist_head *h)
{
	return !READ_ONCE(h->first);
}

static inline bool hlist_hashed(const struct hlist_node *n)
{
	return READ_ONCE(n->pprev) != NULL;
}

/* At the beginning of the chain; safe against concurrent RCU readers. */
static __always_inline void hlist_push_rcu(struct hlist_head *h, struct hlist_node *n)
{
	struct hlist_node *first = h->first;

	n->next = first;
	WRITE_ONCE(n->pprev, &h->first);
	atomic_store_release(&h->first, n);
	if (first)
		WRITE_ONCE(first->pprev, &n->next);
}

static __always_inline void hlist_push(struct hlist_head *h, struct hlist_node *n)
{
	hlist_push_rcu(h, n);
}

/* Readers may still stand on `n`.  Nothing happens when it is on no chain. */
static __always_inline void hlist_remove_rcu(struct hlist_node *n)
{
	struct hlist_node *next = n->next, **pprev = n->pprev;

	if (!pprev)
		return;
	WRITE_ONCE(*pprev, next);
	if (next)
		WRITE_ONCE(next->pprev, pprev);
	WRITE_ONCE(n->pprev, NULL);
}

static __always_inline void hlist_remove(struct hlist_node *n)
{
	hlist_remove_rcu(n);
	n->next = NULL;
}

#define hlist_entry_(ptr, type, member) \
	({ \
		struct hlist_node *hlist_ptr_ = READ_ONCE(ptr); \
		hlist_ptr_ ? container_of(hlist_ptr_, type, member) : (type *)NULL; \
	})
#define hlist_for_each(pos, head, member) \
	for (pos = hlist_entry_((head)->first, typeof(*pos), member); pos; \
	     pos = hlist_entry_(pos->member.next, typeof(*pos), member))
#define hlist_for_each_safe(pos, after, head, member) \
	for (pos = hlist_entry_((head)->first, typeof(*pos), member); \
	     pos && (after = hlist_entry_(pos->member.next, typeof(*pos), member), true); \
	     pos = after)
#define hlist_for_each_rcu(pos, head, member) hlist_for_each(pos, head, member)

/*
 * Lock-free stacks: any processor pushes, one taker takes all.
 */
struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first; /* [a] */
};

#define LLIST_INIT { NULL }

static inline void llist_init(struct llist_head *h)
{
	h->first = NULL;
}

static inline bool llist_empty(const struct llist_head *h)
{
	return !atomic_load(&h->first);
}

/* Returns true when the stack was empty, so exactly one pusher tells the taker.  Context: any. */
static inline bool llist_push(struct llist_head *h, struct llist_node *n)
{
	struct llist_node *first = atomic_load(&h->first);

	do {
		WRITE_ONCE(n->next, first);
	} while (!atomic_cmpxchg(&h->first, &first, n));
	return !first;
}

/* Everything pushed so far, newest first.  Context: any. */
static inline struct llist_node *llist_take_all(struct llist_head *h)
{
	if (llist_empty(h))
		return NULL;
	return atomic_xchg(&h->first, NULL);
}

/* Oldest first. */
static inline struct llist_node *llist_reverse(struct llist_node *n)
{
	struct llist_node *done = NULL;

	while (n) {
		struct llist_node *next = n->next;

		n->next = done;
		done = n;
		n = next;
	}
	return done;
}

#define llist_entry(node, type, member) container_of(node, type, member)
