/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Balanced binary search trees (red-black), links embedded in the entries.
 *
 * The root remembers the leftmost node, so rb_first costs one load: timers and run queues live on
 * that.  An augmented tree keeps in every node a summary of its subtree; update() recomputes one
 * node's summary from its own key and its two children, and the tree calls it bottom-up wherever a
 * subtree changed.  Writers are serialised by the caller, and readers too.
 */
#pragma once

#include <kernel/lib/compiler.h>

struct rb_node {
	unsigned long parent_colour; /* parent's address, bit 0: black */
	union {
		struct {
			struct rb_node *left, *right;
		};
		struct rb_node *child[2];
	};
} __aligned(8);

struct rb_root {
	struct rb_node *node;
	struct rb_node *leftmost;
};

#define RB_ROOT_INIT { NULL, NULL }

typedef void (*rb_update_fn)(struct rb_node *node);

static inline void rb_root_init(struct rb_root *root)
{
	root->node = NULL;
	root->leftmost = NULL;
}

static inline bool rb_empty(const struct rb_root *root)
{
	return !root->node;
}

/* A node on no tree points to itself; rb_erase leaves it so. */
static inline void rb_node_init(struct rb_node *node)
{
	node->parent_colour = (unsigned long)node;
}

static inline bool rb_node_linked(const struct rb_node *node)
{
	return node->parent_colour != (unsigned long)node;
}

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_colour & ~1ul);
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	return root->leftmost;
}

struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/*
 * Insertion by hand: walk down from &root->node to the empty link, then rb_link and
 * rb_insert_fixup.  `leftmost` says the walk only ever went left.
 */
static inline void rb_link(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_colour = (unsigned long)parent;
	node->left = node->right = NULL;
	*link = node;
}

void rb_insert_fixup(struct rb_root *root, struct rb_node *node, bool leftmost);

/* As rb_insert_fixup; `node`'s own summary and its ancestors' are brought up to date. */
void rb_insert_fixup_augmented(struct rb_root *root, struct rb_node *node, bool leftmost,
			       rb_update_fn update);

/* `node` is on the tree.  It is left as rb_node_init leaves it. */
void rb_erase(struct rb_root *root, struct rb_node *node);
void rb_erase_augmented(struct rb_root *root, struct rb_node *node, rb_update_fn update);

/* The key of `node` changed without changing its place: recompute it and its ancestors. */
void rb_update_path(struct rb_node *node, rb_update_fn update);

/* Put `new` in the place of `old`; their keys order alike. */
void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *new);

/* Equal keys: the newcomer goes after those present. */
static __always_inline bool rb_insert_find_(struct rb_root *root, struct rb_node *node,
					    bool (*less)(const struct rb_node *,
							 const struct rb_node *))
{
	struct rb_node **link = &root->node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rb_link(node, parent, link);
	return leftmost;
}

static __always_inline void rb_insert(struct rb_root *root, struct rb_node *node,
				      bool (*less)(const struct rb_node *, const struct rb_node *))
{
	rb_insert_fixup(root, node, rb_insert_find_(root, node, less));
}

static __always_inline void rb_insert_augmented(struct rb_root *root, struct rb_node *node,
						bool (*less)(const struct rb_node *,
							     const struct rb_node *),
						rb_update_fn update)
{
	bool leftmost = rb_insert_find_(root, node, less);

	rb_insert_fixup_augmented(root, node, leftmost, update);
}

#define rb_entry(node, type, member) container_of(node, type, member)
#define rb_entry_or_null(node, type, member) \
	({ \
		struct rb_node *rb_ptr_ = (node); \
		rb_ptr_ ? rb_entry(rb_ptr_, type, member) : (type *)NULL; \
	})

#define rb_for_each(pos, root, member) \
	for (pos = rb_entry_or_null(rb_first(root), typeof(*pos), member); pos; \
	     pos = rb_entry_or_null(rb_next(&pos->member), typeof(*pos), member))
