/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Red-black trees.
 *
 * Invariants: the root is black; a red node has black children; every path from a node down to an
 * empty link passes equally many black nodes.  Insertion may make one red child of a red parent and
 * moves it up by recolouring until a rotation ends it; removal may leave one path short of a black
 * node and moves that up likewise.  `side` is 0 for left and 1 for right, so each case is written
 * once.
 *
 * Augmented trees: a rotation changes the subtrees of just the two nodes it turns, and those are
 * updated there, the lower first.  What insertion or removal itself changed is updated from that
 * point to the root before any rotation.
 */
#include <kernel/lib/rbtree.h>

#define BLACK 1ul

static __always_inline bool is_black(const struct rb_node *n)
{
	return !n || n->parent_colour & BLACK;
}

static __always_inline bool is_red(const struct rb_node *n)
{
	return !is_black(n);
}

static __always_inline void set_black(struct rb_node *n)
{
	n->parent_colour |= BLACK;
}

static __always_inline void set_red(struct rb_node *n)
{
	n->parent_colour &= ~BLACK;
}

static __always_inline void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->parent_colour = (unsigned long)parent | (n->parent_colour & BLACK);
}

static __always_inline unsigned side_of(const struct rb_node *n, const struct rb_node *parent)
{
	return parent->right == n;
}

/* Make `parent` (or the root) point to `new` where it points to `old`. */
static __always_inline void change_child(struct rb_root *root, struct rb_node *parent,
					 struct rb_node *old, struct rb_node *new)
{
	if (parent)
		parent->child[side_of(old, parent)] = new;
	else
		root->node = new;
}

/* The child of `x` on the other side takes its place, and `x` goes down on `side`. */
static __always_inline void rotate(struct rb_root *root, struct rb_node *x, unsigned side,
				   rb_update_fn update)
{
	struct rb_node *y = x->child[!side], *parent = rb_parent(x);

	x->child[!side] = y->child[side];
	if (y->child[side])
		set_parent(y->child[side], x);
	change_child(root, parent, x, y);
	set_parent(y, parent);
	y->child[side] = x;
	set_parent(x, y);
	if (update) {
		update(x);
		update(y);
	}
}

static __always_inline void insert_fixup(struct rb_root *root, struct rb_node *node, bool leftmost,
					 rb_update_fn update)
{
	struct rb_node *parent;

	if (leftmost)
		root->leftmost = node;
	while (is_red(parent = rb_parent(node))) {
		struct rb_node *grand = rb_parent(parent);
		unsigned side = side_of(parent, grand);
		struct rb_node *uncle = grand->child[!side];

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (side_of(node, parent) != side) {
			rotate(root, parent, side, update);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(root, grand, !side, update);
		break;
	}
	set_black(root->node);
}

/* The paths through `node` (possibly empty), child of `parent`, are one black node short. */
static __always_inline void erase_fixup(struct rb_root *root, struct rb_node *node,
					struct rb_node *parent, rb_update_fn update)
{
	while (parent && is_black(node)) {
		unsigned side = side_of(node, parent);
		struct rb_node *sibling = parent->child[!side];

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, side, update);
			sibling = parent->child[!side];
		}
		if (is_black(sibling->left) && is_black(sibling->right)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(sibling->child[!side])) {
			set_black(sibling->child[side]);
			set_red(sibling);
			rotate(root, sibling, !side, update);
			sibling = parent->child[!side];
		}
		sibling->parent_colour =
			(sibling->parent_colour & ~BLACK) | (parent->parent_colour & BLACK);
		set_black(parent);
		set_black(sibling->child[!side]);
		rotate(root, parent, side, update);
		return;
	}
	if (node)
		set_black(node);
}

/* Take out a node that has at most one child. */
static __always_inline void splice_out(struct rb_root *root, struct rb_node *node,
				       struct rb_node *child, struct rb_node *parent)
{
	change_child(root, parent, node, child);
	if (child)
		set_parent(child, parent);
}

static __always_inline void erase(struct rb_root *root, struct rb_node *node, rb_update_fn update)
{
	struct rb_node *child, *parent = rb_parent(node), *heir = node;

	if (root->leftmost == node)
		root->leftmost = rb_next(node);
	if (node->left && node->right) {
		for (heir = node->right; heir->left;)
			heir = heir->left;
		parent = rb_parent(heir);
	}
	child = heir->left ? heir->left : heir->right;

	bool shortened = is_black(heir);

	splice_out(root, heir, child, parent);
	if (heir != node) {
		/* The heir had no left child; it now takes the node's place and colour. */
		if (parent == node)
			parent = heir;
		rb_replace(root, node, heir);
	}
	if (update)
		rb_update_path(parent, update);
	if (shortened)
		erase_fixup(root, child, parent, update);
	rb_node_init(node);
}

void rb_insert_fixup(struct rb_root *root, struct rb_node *node, bool leftmost)
{
	insert_fixup(root, node, leftmost, NULL);
}

void rb_insert_fixup_augmented(struct rb_root *root, struct rb_node *node, bool leftmost,
			       rb_update_fn update)
{
	rb_update_path(node, update);
	insert_fixup(root, node, leftmost, update);
}

void rb_erase(struct rb_root *root, struct rb_node *node)
{
	erase(root, node, NULL);
}

void rb_erase_augmented(struct rb_root *root, struct rb_node *node, rb_update_fn update)
{
	erase(root, node, update);
}

void rb_update_path(struct rb_node *node, rb_update_fn update)
{
	for (; node; node = rb_parent(node))
		update(node);
}

void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *new)
{
	new->parent_colour = old->parent_colour;
	new->left = old->left;
	new->right = old->right;
	if (new->left)
		set_parent(new->left, new);
	if (new->right)
		set_parent(new->right, new);
	change_child(root, rb_parent(old), old, new);
	if (root->leftmost == old)
		root->leftmost = new;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

/* The neighbour of `node` towards `side`. */
static __always_inline struct rb_node *step(const struct rb_node *node, unsigned side)
{
	struct rb_node *n = node->child[side], *parent;

	if (n) {
		while (n->child[!side])
			n = n->child[!side];
		return n;
	}
	while ((parent = rb_parent(node)) && side_of(node, parent) == side)
		node = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return step(node, 1);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return step(node, 0);
}
