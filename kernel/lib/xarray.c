/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sparse arrays: the writers' side and the searches.
 *
 * The tree is as high as its largest index needs; a lone entry at index 0 has no node at all.
 * Interior slots hold node entries (address + 2), leaf slots (shift 0) the caller's entries.  Each
 * node has two bitmaps besides the marks: `present`, slots not empty, which lets searches step over
 * gaps; and `full`, slots below which no index is empty, which finds free indices.  Both are
 * summaries as the marks are: a bit changes in the parent only when the child's word turns all ones
 * (full), non-zero (marks) or zero (present, marks).
 *
 * Readers run without a lock.  New nodes are filled before a release store links them; a slot is
 * written once per change; an unlinked node keeps its content for a grace period.  Bitmaps and
 * slots are not changed together, so a search re-checks the slot its bitmap led to.  Raising the
 * tree puts nodes above the old top, whose own part does not change.
 *
 * A store first counts the nodes it lacks and allocates them all, so that failure changes nothing.
 */
#include <kernel/lib/xarray.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/abi/errno.h>

#define FULL    ~0ull
#define PRESENT -1 /* in the place of a mark: any entry */

static const struct xarray_ops *node_ops;

void xarray_set_ops(const struct xarray_ops *ops)
{
	node_ops = ops;
}

static __always_inline void *node_entry(struct xa_node *node)
{
	return (void *)((unsigned long)node + 2);
}

static __always_inline unsigned slot_of(const struct xa_node *node, u64 index)
{
	return (index >> node->shift) % XA_SLOTS;
}

static __always_inline bool covers(const struct xa_node *node, u64 index)
{
	return index >> node->shift < XA_SLOTS;
}

/* The leaf whose slot is `index`'s, or NULL; for readers too. */
static struct xa_node *leaf_of(const struct xarray *xa, u64 index)
{
	void *entry = READ_ONCE(xa->head);

	if (!xa_is_node_(entry) || !covers(xa_to_node_(entry), index))
		return NULL;
	for (;;) {
		struct xa_node *node = xa_to_node_(entry);

		if (!node->shift)
			return node;
		entry = READ_ONCE(node->slots[slot_of(node, index)]);
		if (!entry)
			return NULL;
	}
}

static void full_set(struct xa_node *node, unsigned slot)
{
	node->full |= BIT(slot);
	while (node->full == FULL && node->parent) {
		slot = node->offset;
		node = node->parent;
		node->full |= BIT(slot);
	}
}

static void full_clear(struct xa_node *node, unsigned slot)
{
	for (;;) {
		bool was_full = node->full == FULL;

		node->full &= ~BIT(slot);
		if (!was_full || !node->parent)
			return;
		slot = node->offset;
		node = node->parent;
	}
}

static void mark_set(struct xarray *xa, struct xa_node *node, unsigned slot, unsigned mark)
{
	for (;;) {
		u64 old = node->marks[mark];

		WRITE_ONCE(node->marks[mark], old | BIT(slot));
		if (old)
			return;
		if (!node->parent)
			break;
		slot = node->offset;
		node = node->parent;
	}
	WRITE_ONCE(xa->marks, xa->marks | 1u << mark);
}

static void mark_clear(struct xarray *xa, struct xa_node *node, unsigned slot, unsigned mark)
{
	if (!(node->marks[mark] >> slot & 1))
		return;
	for (;;) {
		WRITE_ONCE(node->marks[mark], node->marks[mark] & ~BIT(slot));
		if (node->marks[mark])
			return;
		if (!node->parent)
			break;
		slot = node->offset;
		node = node->parent;
	}
	WRITE_ONCE(xa->marks, xa->marks & ~(1u << mark));
}

/* Nodes allocated ahead, linked by their parent pointers. */
static void spares_free(struct xa_node *spares)
{
	while (spares) {
		struct xa_node *next = spares->parent;

		node_ops->free_rcu(spares);
		spares = next;
	}
}

static int spares_alloc(unsigned n, struct xa_node **out)
{
	struct xa_node *spares = NULL;

	while (n--) {
		struct xa_node *node = node_ops ? node_ops->alloc() : NULL;

		if (!node) {
			spares_free(spares);
			return -ENOMEM;
		}
		memset(node, 0, sizeof(*node));
		node->parent = spares;
		spares = node;
	}
	*out = spares;
	return 0;
}

static struct xa_node *spare_take(struct xa_node **spares, unsigned shift)
{
	struct xa_node *node = *spares;

	*spares = node->parent;
	node->parent = NULL;
	node->shift = shift;
	return node;
}

/* Link a node into an empty slot of a node that readers may or may not see yet. */
static void slot_link(struct xa_node *parent, unsigned slot, struct xa_node *node)
{
	node->parent = parent;
	node->offset = slot;
	atomic_store_release(&parent->slots[slot], node_entry(node));
	WRITE_ONCE(parent->present, parent->present | BIT(slot));
}

/* A path of fresh nodes down to `index`, holding `entry`; the top one has `shift`. */
static struct xa_node *path_build(struct xa_node **spares, u64 index, unsigned shift, void *entry)
{
	struct xa_node *node = spare_take(spares, 0);
	unsigned slot = slot_of(node, index);

	node->slots[slot] = entry;
	node->present = BIT(slot);
	node->full = BIT(slot);
	while (node->shift < shift) {
		struct xa_node *parent = spare_take(spares, node->shift + XA_SHIFT);

		slot_link(parent, slot_of(parent, index), node);
		node = parent;
	}
	return node;
}

/* Put one node above the top; a lone entry at index 0 becomes slot 0 of a leaf. */
static void raise(struct xarray *xa, struct xa_node **spares)
{
	struct xa_node *old = xa_is_node_(xa->head) ? xa_to_node_(xa->head) : NULL;
	struct xa_node *top = spare_take(spares, old ? old->shift + XA_SHIFT : 0);

	for (unsigned m = 0; m < XA_MARKS; m++)
		top->marks[m] = xa->marks >> m & 1;
	top->full = !old || old->full == FULL;
	if (old) {
		slot_link(top, 0, old);
	} else {
		top->slots[0] = xa->head;
		top->present = 1;
	}
	atomic_store_release(&xa->head, node_entry(top));
}

/* The smallest shift of a top node that covers `index`. */
static unsigned shift_for(u64 index)
{
	return (fls64(index | 1) - 1) / XA_SHIFT * XA_SHIFT;
}

/* The deepest node on the way to `index`; its slot on that way is empty. */
static struct xa_node *deepest(const struct xarray *xa, u64 index)
{
	struct xa_node *node = xa_to_node_(xa->head);
	void *next;

	while ((next = node->slots[slot_of(node, index)]))
		node = xa_to_node_(next);
	return node;
}

/* Levels to add on top: the head is not NULL. */
static unsigned raises_needed(const struct xarray *xa, u64 index)
{
	unsigned want = shift_for(index) / XA_SHIFT + 1;
	unsigned have = xa_is_node_(xa->head) ? xa_to_node_(xa->head)->shift / XA_SHIFT + 1 : 0;

	return want > have ? want - have : 0;
}

/* Store where no leaf is yet. */
static int store_extending(struct xarray *xa, u64 index, void *entry)
{
	struct xa_node *spares;
	int err;

	if (!xa->head) {
		err = spares_alloc(shift_for(index) / XA_SHIFT + 1, &spares);
		if (err)
			return err;
		atomic_store_release(
			&xa->head, node_entry(path_build(&spares, index, shift_for(index), entry)));
		return 0;
	}

	unsigned raises = raises_needed(xa, index);
	unsigned above = raises ? shift_for(index) : deepest(xa, index)->shift;

	err = spares_alloc(raises + above / XA_SHIFT, &spares);
	if (err)
		return err;
	while (raises--)
		raise(xa, &spares);

	struct xa_node *node = deepest(xa, index);
	unsigned slot = slot_of(node, index);

	if (node->shift) {
		slot_link(node, slot, path_build(&spares, index, node->shift - XA_SHIFT, entry));
		return 0;
	}
	atomic_store_release(&node->slots[slot], entry);
	WRITE_ONCE(node->present, node->present | BIT(slot));
	full_set(node, slot);
	return 0;
}

int xa_store(struct xarray *xa, u64 index, void *entry, void **old)
{
	struct xa_node *leaf = leaf_of(xa, index);
	void *before = NULL;
	int err = 0;

	if (leaf) {
		unsigned slot = slot_of(leaf, index);

		before = leaf->slots[slot];
		atomic_store_release(&leaf->slots[slot], entry);
		if (!before) {
			WRITE_ONCE(leaf->present, leaf->present | BIT(slot));
			full_set(leaf, slot);
		}
	} else if (!index && !xa_is_node_(xa->head)) {
		before = xa->head;
		atomic_store_release(&xa->head, entry);
	} else {
		err = store_extending(xa, index, entry);
	}
	if (old)
		*old = before;
	return err;
}

/* Drop levels above a tree whose only part is at the low end. */
static void lower(struct xarray *xa)
{
	struct xa_node *top;

	while (xa_is_node_(xa->head) && (top = xa_to_node_(xa->head))->shift && top->present == 1) {
		xa_to_node_(top->slots[0])->parent = NULL;
		WRITE_ONCE(xa->head, top->slots[0]);
		node_ops->free_rcu(top);
	}
}

/* Unlink nodes that became empty, from `node` upwards. */
static void prune(struct xarray *xa, struct xa_node *node)
{
	while (!node->present) {
		struct xa_node *parent = node->parent;

		if (!parent) {
			WRITE_ONCE(xa->head, NULL);
			node_ops->free_rcu(node);
			return;
		}
		WRITE_ONCE(parent->slots[node->offset], NULL);
		WRITE_ONCE(parent->present, parent->present & ~BIT(node->offset));
		node_ops->free_rcu(node);
		node = parent;
	}
	lower(xa);
}

void *xa_erase(struct xarray *xa, u64 index)
{
	struct xa_node *leaf = leaf_of(xa, index);
	void *before;

	if (!leaf) {
		before = index || xa_is_node_(xa->head) ? NULL : xa->head;
		if (before) {
			WRITE_ONCE(xa->head, NULL);
			WRITE_ONCE(xa->marks, 0);
		}
		return before;
	}

	unsigned slot = slot_of(leaf, index);

	before = leaf->slots[slot];
	if (!before)
		return NULL;
	for (unsigned m = 0; m < XA_MARKS; m++)
		mark_clear(xa, leaf, slot, m);
	WRITE_ONCE(leaf->slots[slot], NULL);
	WRITE_ONCE(leaf->present, leaf->present & ~BIT(slot));
	full_clear(leaf, slot);
	if (!leaf->present)
		prune(xa, leaf);
	return before;
}

static __always_inline u64 candidates(const struct xa_node *node, int mark)
{
	return mark == PRESENT ? READ_ONCE(node->present) : READ_ONCE(node->marks[mark]);
}

/* The first index past the subtree that `node`'s parent slot spans there; false at the very end. */
static bool step_past(const struct xa_node *node, u64 *index)
{
	unsigned shift = node->shift + XA_SHIFT;

	if (shift >= 64)
		return false;
	*index = ((*index >> shift) + 1) << shift;
	return *index != 0;
}

/* Move `index` to the beginning of `slot` of `node`, if it is not within it already. */
static void enter_slot(const struct xa_node *node, u64 *index, unsigned slot)
{
	if (slot != slot_of(node, *index))
		*index = ((*index >> node->shift & ~(u64)(XA_SLOTS - 1)) | slot) << node->shift;
}

/* The top node, if there is one and it covers `index`. */
static const struct xa_node *top_for(const struct xarray *xa, u64 index)
{
	void *head = READ_ONCE(xa->head);

	return xa_is_node_(head) && covers(xa_to_node_(head), index) ? xa_to_node_(head) : NULL;
}

/*
 * The leaf with the first candidate at or after *index, which is moved there.  The bit led here;
 * the slot may have been emptied since.
 */
static const struct xa_node *seek(const struct xarray *xa, u64 *index, u64 max, int mark)
{
	const struct xa_node *node = top_for(xa, *index);

	while (node && *index <= max) {
		u64 bits = candidates(node, mark) & FULL << slot_of(node, *index);

		if (!bits) {
			if (!step_past(node, index))
				return NULL;
			node = top_for(xa, *index);
			continue;
		}
		enter_slot(node, index, ctz64(bits));
		if (!node->shift)
			return *index <= max ? node : NULL;

		void *entry = READ_ONCE(node->slots[ctz64(bits)]);

		if (entry) {
			node = xa_to_node_(entry);
			continue;
		}
		/* Emptied under us: go on behind it. */
		*index = ((*index >> node->shift) + 1) << node->shift;
		if (!*index)
			return NULL;
		node = top_for(xa, *index);
	}
	return NULL;
}

/* The lone entry at index 0, if the search includes it. */
static void *lone(const struct xarray *xa, u64 index, int mark)
{
	void *entry = READ_ONCE(xa->head);

	if (index || xa_is_node_(entry))
		return NULL;
	return mark == PRESENT || READ_ONCE(xa->marks) >> mark & 1 ? entry : NULL;
}

static unsigned gather(const struct xarray *xa, u64 *index, u64 max, int mark, void **entries,
		       unsigned n)
{
	const struct xa_node *leaf;
	unsigned found = 0;

	if (n && (entries[0] = lone(xa, *index, mark))) {
		*index = 1;
		return 1;
	}
	while (found < n && (leaf = seek(xa, index, max, mark))) {
		u64 bits = candidates(leaf, mark) & FULL << slot_of(leaf, *index);
		u64 base = *index & ~(u64)(XA_SLOTS - 1);

		for (; bits && found < n; bits &= bits - 1) {
			unsigned slot = ctz64(bits);

			if (base + slot > max)
				return found;
			*index = base + slot + 1;
			entries[found] = READ_ONCE(leaf->slots[slot]);
			found += entries[found] != NULL;
		}
		if (!bits && !step_past(leaf, &base))
			return found;
		if (!bits)
			*index = base;
	}
	return found;
}

static void *find(const struct xarray *xa, u64 *index, u64 max, int mark)
{
	const struct xa_node *leaf;
	void *entry = lone(xa, *index, mark);

	if (entry)
		return entry;
	while ((leaf = seek(xa, index, max, mark))) {
		entry = READ_ONCE(leaf->slots[slot_of(leaf, *index)]);
		if (entry)
			return entry;
		if (!++*index)
			return NULL;
	}
	return NULL;
}

void *xa_find(const struct xarray *xa, u64 *index, u64 max)
{
	return find(xa, index, max, PRESENT);
}

void *xa_find_marked(const struct xarray *xa, u64 *index, u64 max, enum xa_mark mark)
{
	return find(xa, index, max, (int)mark);
}

unsigned xa_gather(const struct xarray *xa, u64 *index, u64 max, void **entries, unsigned n)
{
	return gather(xa, index, max, PRESENT, entries, n);
}

unsigned xa_gather_marked(const struct xarray *xa, u64 *index, u64 max, enum xa_mark mark,
			  void **entries, unsigned n)
{
	return gather(xa, index, max, (int)mark, entries, n);
}

/* The last index before the subtree `node` spans around *index; false at the very beginning. */
static bool step_before(const struct xa_node *node, u64 *index)
{
	unsigned shift = node->shift + XA_SHIFT;

	if (shift >= 64 || !(*index >> shift))
		return false;
	*index = (*index >> shift << shift) - 1;
	return true;
}

void *xa_find_last(const struct xarray *xa, u64 *index, u64 min)
{
	for (;;) {
		void *entry = READ_ONCE(xa->head);

		if (!xa_is_node_(entry)) {
			*index = 0;
			return min ? NULL : entry;
		}
		if (!covers(xa_to_node_(entry), *index))
			*index = ((u64)XA_SLOTS << xa_to_node_(entry)->shift) - 1;

		const struct xa_node *node;

		do {
			node = xa_to_node_(entry);

			u64 bits = READ_ONCE(node->present) & FULL >> (63 - slot_of(node, *index));
			unsigned slot;

			if (!bits)
				break;
			slot = 63 - clz64(bits);
			if (slot != slot_of(node, *index)) {
				enter_slot(node, index, slot);
				*index += (1ull << node->shift) - 1;
			}
			entry = READ_ONCE(node->slots[slot]);
		} while (entry && node->shift && *index >= min);

		if (*index < min)
			return NULL;
		if (entry && !xa_is_node_(entry))
			return entry;
		if (!entry && *index) /* emptied under us */
			--*index;
		else if (!step_before(node, index))
			return NULL;
	}
}

bool xa_find_empty(const struct xarray *xa, u64 min, u64 max, u64 *index)
{
	u64 at = min;

	if (!at && xa->head && !xa_is_node_(xa->head))
		at = 1;

	const struct xa_node *node = top_for(xa, at);

	while (node && at <= max) {
		u64 bits = ~node->full & FULL << slot_of(node, at);

		if (!bits) {
			if (!step_past(node, &at))
				return false;
			node = top_for(xa, at);
			continue;
		}
		enter_slot(node, &at, ctz64(bits));

		void *entry = node->slots[ctz64(bits)];

		node = node->shift && entry ? xa_to_node_(entry) : NULL;
	}
	*index = at;
	return at <= max;
}

void xa_set_mark(struct xarray *xa, u64 index, enum xa_mark mark)
{
	struct xa_node *leaf = leaf_of(xa, index);

	if (leaf) {
		if (leaf->slots[slot_of(leaf, index)])
			mark_set(xa, leaf, slot_of(leaf, index), mark);
	} else if (!index && xa->head && !xa_is_node_(xa->head)) {
		WRITE_ONCE(xa->marks, xa->marks | 1u << mark);
	}
}

void xa_clear_mark(struct xarray *xa, u64 index, enum xa_mark mark)
{
	struct xa_node *leaf = leaf_of(xa, index);

	if (leaf)
		mark_clear(xa, leaf, slot_of(leaf, index), mark);
	else if (!index && !xa_is_node_(xa->head))
		WRITE_ONCE(xa->marks, xa->marks & ~(1u << mark));
}

/* Set mark `mark` on the slots of `bits`, of which there is at least one. */
static void marks_set(struct xarray *xa, struct xa_node *leaf, u64 bits, unsigned mark)
{
	u64 old = leaf->marks[mark];

	WRITE_ONCE(leaf->marks[mark], old | bits);
	if (old)
		return;
	if (leaf->parent)
		mark_set(xa, leaf->parent, leaf->offset, mark);
	else
		WRITE_ONCE(xa->marks, xa->marks | 1u << mark);
}

bool xa_copy_marks(struct xarray *xa, u64 first, u64 last, enum xa_mark from, enum xa_mark to)
{
	const struct xa_node *leaf;
	bool any = false;

	if (lone(xa, first, (int)from)) {
		WRITE_ONCE(xa->marks, xa->marks | 1u << to);
		return true;
	}
	while (first <= last && (leaf = seek(xa, &first, last, (int)from))) {
		u64 base = first & ~(u64)(XA_SLOTS - 1);
		u64 bits = leaf->marks[from] & FULL << slot_of(leaf, first);

		if (last - base < XA_SLOTS - 1)
			bits &= FULL >> (XA_SLOTS - 1 - (last - base));
		if (bits) {
			marks_set(xa, (struct xa_node *)leaf, bits, to);
			any = true;
		}
		if (!step_past(leaf, &first))
			break;
	}
	return any;
}

bool xa_get_mark(const struct xarray *xa, u64 index, enum xa_mark mark)
{
	const struct xa_node *leaf = leaf_of(xa, index);

	if (leaf)
		return READ_ONCE(leaf->marks[mark]) >> slot_of(leaf, index) & 1;
	return lone(xa, index, (int)mark) != NULL;
}

/* Depth is at most eleven levels. */
static void destroy_below(struct xa_node *node)
{
	for (u64 bits = node->shift ? node->present : 0; bits; bits &= bits - 1)
		destroy_below(xa_to_node_(node->slots[ctz64(bits)]));
	node_ops->free_rcu(node);
}

void xa_destroy(struct xarray *xa)
{
	void *head = xa->head;

	WRITE_ONCE(xa->head, NULL);
	WRITE_ONCE(xa->marks, 0);
	if (xa_is_node_(head))
		destroy_below(xa_to_node_(head));
}
