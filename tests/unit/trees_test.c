/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Balanced trees and sparse arrays against simple models.
 *
 * link: kernel/lib/rbtree.c kernel/lib/xarray.c kernel/lib/idr.c kernel/lib/hash.c
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/idr.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/rbtree.h>
#include <kernel/lib/xarray.h>
#include <host.h>

struct item {
	struct rb_node node;
	u64 key, max;
	bool in;
};

static bool less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, node)->key < rb_entry(b, struct item, node)->key;
}

static u64 max_of(const struct rb_node *n)
{
	return n ? rb_entry(n, struct item, node)->max : 0;
}

static void update(struct rb_node *n)
{
	struct item *i = rb_entry(n, struct item, node);

	i->max = max(i->key, max(max_of(n->left), max_of(n->right)));
}

/* The black height, checking colours, parents, order and summaries on the way. */
static int check(const struct rb_node *n, const struct rb_node *parent, bool augmented)
{
	if (!n)
		return 1;
	bool red = !(n->parent_colour & 1);

	EXPECT(rb_parent(n) == parent);
	EXPECT(!(red && parent && !(parent->parent_colour & 1)));
	EXPECT(!n->left || !less(n, n->left));
	EXPECT(!n->right || !less(n->right, n));
	if (augmented) {
		struct item *i = rb_entry(n, struct item, node);

		EXPECT(i->max == max(i->key, max(max_of(n->left), max_of(n->right))));
	}
	int left = check(n->left, n, augmented), right = check(n->right, n, augmented);

	EXPECT_EQ(left, right);
	return left + !red;
}

static void storm(bool augmented)
{
	enum { N = 200 };
	struct item *items = host_alloc(N * sizeof(*items));
	struct rb_root root = RB_ROOT_INIT;

	for (int i = 0; i < N; i++) {
		items[i].in = false;
		rb_node_init(&items[i].node);
	}
	for (int round = 0; round < 4000; round++) {
		struct item *i = &items[host_random(N)], *pos;
		int n = 0;

		if (i->in && augmented)
			rb_erase_augmented(&root, &i->node, update);
		else if (i->in)
			rb_erase(&root, &i->node);
		else {
			i->key = host_random(300);
			i->max = i->key;
			if (augmented)
				rb_insert_augmented(&root, &i->node, less, update);
			else
				rb_insert(&root, &i->node, less);
		}
		i->in = !i->in;
		EXPECT_EQ(rb_node_linked(&i->node), i->in);
		check(root.node, NULL, augmented);

		u64 last = 0;

		rb_for_each(pos, &root, node) {
			EXPECT(pos->key >= last && pos->in);
			last = pos->key;
			n++;
		}
		for (int k = 0; k < N; k++)
			n -= items[k].in;
		EXPECT_EQ(n, 0);
		if (!rb_empty(&root))
			EXPECT(rb_entry(rb_last(&root), struct item, node)->key == last);
		struct rb_node *back = rb_last(&root), *front = NULL;
		while (back) {
			front = back;
			back = rb_prev(back);
		}
		EXPECT(front == rb_first(&root));
	}
	host_free(items);
}

TEST(rbtree)
{
	storm(false);
}

TEST(rbtree_augmented)
{
	storm(true);
}

TEST(rbtree_replace)
{
	struct item a = { .key = 1 }, b = { .key = 2 }, c = { .key = 1 };
	struct rb_root root = RB_ROOT_INIT;

	rb_insert(&root, &a.node, less);
	rb_insert(&root, &b.node, less);
	rb_replace(&root, &a.node, &c.node);
	EXPECT(rb_first(&root) == &c.node && rb_next(&c.node) == &b.node);
}

static struct xa_node *node_alloc(void)
{
	return host_alloc(sizeof(struct xa_node));
}

static void node_free(struct xa_node *node)
{
	host_free(node);
}

static const struct xarray_ops ops = { node_alloc, node_free };

/* A model: a plain table of sparse indices. */
#define KEYS 300
static u64 keys[KEYS];
static void *values[KEYS];
static bool marks[KEYS][XA_MARKS];

/* Indices in ascending order, dense at the beginning, then ever sparser. */
static void make_keys(void)
{
	u64 at = host_random(3);

	for (int i = 0; i < KEYS; i++) {
		keys[i] = at;
		values[i] = NULL;
		for (int m = 0; m < XA_MARKS; m++)
			marks[i][m] = false;
		at += 1 + (i < 150 ? host_random(2) : host_random(1ull << min(i - 149, 54)));
	}
}

static int model_next(u64 from, int mark)
{
	for (int i = 0; i < KEYS; i++) {
		if (keys[i] >= from && values[i] && (mark < 0 || marks[i][mark]))
			return i;
	}
	return -1;
}

static void compare(struct xarray *xa)
{
	u64 from = keys[host_random(KEYS)] + host_random(2), at;
	int mark = (int)host_random(4) - 1, want;
	void *entry, *batch[16];

	at = from;
	entry = mark < 0 ? xa_find(xa, &at, U64_MAX) : xa_find_marked(xa, &at, U64_MAX, mark);
	want = model_next(from, mark);
	EXPECT(entry == (want < 0 ? NULL : values[want]));
	EXPECT(want < 0 || at == keys[want]);

	at = from;
	unsigned n = mark < 0 ? xa_gather(xa, &at, U64_MAX, batch, 16)
			      : xa_gather_marked(xa, &at, U64_MAX, mark, batch, 16);
	u64 next = from;
	for (unsigned i = 0; i < n; i++) {
		want = model_next(next, mark);
		EXPECT(want >= 0 && batch[i] == values[want]);
		if (want < 0)
			return;
		next = keys[want] + 1;
	}
	EXPECT(n == 16 || model_next(next, mark) < 0);

	at = from;
	entry = xa_find_last(xa, &at, 0);
	want = -1;
	for (int i = 0; i < KEYS; i++) {
		if (keys[i] <= from && values[i])
			want = i;
	}
	EXPECT(entry == (want < 0 ? NULL : values[want]));
	EXPECT(want < 0 || at == keys[want]);

	EXPECT(xa_find_empty(xa, from, U64_MAX, &at));
	while ((want = model_next(from, -1)) >= 0 && keys[want] == from)
		from++;
	EXPECT(at == from);
	for (unsigned m = 0; m < XA_MARKS; m++)
		EXPECT(xa_marked(xa, m) == (model_next(0, (int)m) >= 0));
}

/* Marks copied over a range, here and in the model. */
static void copy_marks(struct xarray *xa)
{
	u64 first = keys[host_random(KEYS)], last = first + host_random(1ull << host_random(60));
	unsigned from = (unsigned)host_random(XA_MARKS), to = (unsigned)host_random(XA_MARKS);
	bool any = false;

	for (int i = 0; i < KEYS; i++) {
		if (keys[i] >= first && keys[i] <= last && values[i] && marks[i][from])
			any = marks[i][to] = true;
	}
	EXPECT_EQ(xa_copy_marks(xa, first, last, from, to), any);
}

TEST(xarray)
{
	struct xarray xa = XARRAY_INIT;
	long before = host_allocated();

	xarray_set_ops(&ops);
	for (int run = 0; run < 10; run++) {
		make_keys();
		for (int round = 0; round < 6000; round++) {
			int i = (int)host_random(KEYS);
			unsigned m = (unsigned)host_random(XA_MARKS);
			void *old, *new = xa_value(prng_next(host_prng()) >> 2);

			switch (host_random(round < 3000 ? 3 : 6)) {
			case 0:
			case 1:
				host_fail_after((long)host_random(12));
				if (!xa_store(&xa, keys[i], new, &old)) {
					EXPECT(old == values[i]);
					values[i] = new;
				}
				host_fail_after(-1);
				break;
			case 2:
				xa_set_mark(&xa, keys[i], m);
				if (values[i])
					marks[i][m] = true;
				break;
			case 3:
				xa_clear_mark(&xa, keys[i], m);
				marks[i][m] = false;
				break;
			case 4: copy_marks(&xa); break;
			default:
				EXPECT(xa_erase(&xa, keys[i]) == values[i]);
				values[i] = NULL;
				for (m = 0; m < XA_MARKS; m++)
					marks[i][m] = false;
			}
			i = (int)host_random(KEYS);
			EXPECT(xa_load(&xa, keys[i]) == values[i]);
			EXPECT_EQ(xa_get_mark(&xa, keys[i], m % XA_MARKS), marks[i][m % XA_MARKS]);
			compare(&xa);
		}
		if (run % 2) {
			xa_destroy(&xa);
		} else {
			for (int i = 0; i < KEYS; i++)
				xa_erase(&xa, keys[i]);
		}
		EXPECT(xa_empty(&xa));
		EXPECT_EQ(host_allocated(), before);
	}
}

TEST(xarray_dense)
{
	struct xarray xa = XARRAY_INIT;
	u64 index, n = 0;
	void *e;

	xarray_set_ops(&ops);
	for (u64 i = 0; i < 5000; i++)
		EXPECT(!xa_store(&xa, i, xa_value(i), NULL));
	xa_for_each(&xa, index, e)
		EXPECT(xa_to_value(e) == index && index == n++);
	EXPECT_EQ(n, 5000);
	EXPECT(xa_find_empty(&xa, 0, U64_MAX, &index) && index == 5000);
	EXPECT(!xa_find_empty(&xa, 0, 4999, &index));
	xa_erase(&xa, 4095);
	EXPECT(xa_find_empty(&xa, 7, U64_MAX, &index) && index == 4095);
	EXPECT(!xa_store(&xa, U64_MAX, xa_value(1), NULL));
	EXPECT(xa_load(&xa, U64_MAX) == xa_value(1) && xa_load(&xa, 12) == xa_value(12));
	index = U64_MAX;
	EXPECT(xa_find_last(&xa, &index, 0) == xa_value(1) && index == U64_MAX);
	index = U64_MAX - 1;
	EXPECT(xa_find_last(&xa, &index, 0) == xa_value(4999) && index == 4999);
	xa_destroy(&xa);
}

/* Readers run against a writer; nodes are kept until the end, as a grace period would. */
static struct xa_node *retired;
static u32 done;

static void retire(struct xa_node *node)
{
	node->rcu[0] = retired;
	retired = node;
}

static struct xarray shared;

static void reader(void *arg)
{
	while (!atomic_load(&done)) {
		for (u64 i = 0; i < 200; i++) {
			u64 at = i * 37, found = at;
			void *e = xa_load(&shared, at);

			if (e && xa_to_value(e) != at)
				host_exit(3);
			e = xa_find(&shared, &found, U64_MAX);
			if (e && xa_to_value(e) != found)
				host_exit(4);
		}
	}
}

TEST(xarray_readers)
{
	static const struct xarray_ops keep = { node_alloc, retire };
	struct host_thread *t[2];

	xarray_set_ops(&keep);
	for (int i = 0; i < 2; i++)
		t[i] = host_thread_start(reader, NULL);
	for (int round = 0; round < 20000; round++) {
		u64 at = host_random(200) * 37;

		if (host_random(2))
			EXPECT(!xa_store(&shared, at, xa_value(at), NULL));
		else
			xa_erase(&shared, at);
	}
	atomic_store(&done, 1);
	for (int i = 0; i < 2; i++)
		host_thread_join(t[i]);
	xa_destroy(&shared);
	while (retired) {
		struct xa_node *next = retired->rcu[0];

		host_free(retired);
		retired = next;
	}
	xarray_set_ops(&ops);
}

TEST(idr)
{
	struct idr idr = IDR_INIT;
	struct ida ida = IDA_INIT;
	int a, id = 0, x, y;

	EXPECT_EQ(idr_alloc(&idr, &x, 1, 3), 1);
	EXPECT_EQ(idr_alloc(&idr, &y, 1, 3), 2);
	EXPECT_EQ(idr_alloc(&idr, NULL, 1, 3), 3);
	EXPECT_EQ(idr_alloc(&idr, &x, 1, 3), -ENOSPC);
	EXPECT(idr_find(&idr, 1) == &x && !idr_find(&idr, 3) && !idr_find(&idr, -1));
	EXPECT(idr_next(&idr, &id) == &x && id == 1);
	id = 3;
	EXPECT(!idr_next(&idr, &id));
	EXPECT(idr_replace(&idr, 3, &y) == NULL && idr_find(&idr, 3) == &y);
	EXPECT(idr_remove(&idr, 2) == &y && !idr_remove(&idr, 2));
	EXPECT_EQ(idr_alloc_cyclic(&idr, &x, 1, 10), 2);
	EXPECT_EQ(idr_alloc_cyclic(&idr, &x, 1, 10), 4);
	EXPECT(idr_remove(&idr, 4) == &x);
	EXPECT_EQ(idr_alloc_cyclic(&idr, &x, 1, 5), 5);
	EXPECT_EQ(idr_alloc_cyclic(&idr, &x, 1, 5), 4);
	idr_destroy(&idr);
	for (a = 0; a < 1000; a++)
		EXPECT_EQ(ida_alloc(&ida, 0, INT_MAX), a);
	ida_free(&ida, 77);
	EXPECT_EQ(ida_alloc(&ida, 0, INT_MAX), 77);
	ida_destroy(&ida);
	FOR_EACH_FAILURE {
		a = idr_alloc(&idr, &x, 100000, INT_MAX);
		EXPECT(a == -ENOMEM || a == 100000);
		idr_destroy(&idr);
	}
}

TEST(siphash)
{
	/* The example of the SipHash paper, appendix A. */
	struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	u8 data[15];

	for (u8 i = 0; i < 15; i++)
		data[i] = i;
	EXPECT_EQ(siphash_2_4(&key, data, 15), 0xa129ca6149be45e5);
	EXPECT(hash_string("abc", 3, 0) != hash_string("abd", 3, 0));
	EXPECT(hash_string("abc", 3, 0) != hash_string("abc", 3, 1));
}
