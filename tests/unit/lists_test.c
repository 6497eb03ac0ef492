/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists, hash chains, lock-free stacks, bit sets, reference counts.
 *
 * link: kernel/lib/bitmap.c
 */
#include <kernel/lib/bitmap.h>
#include <kernel/lib/cpumask.h>
#include <kernel/lib/list.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/refcount.h>
#include <host.h>

struct item {
	int n;
	struct list link;
	struct hlist_node hash;
	struct llist_node stack;
};

static int sum_digits(struct list *head)
{
	struct item *i;
	int n = 0;

	list_for_each(i, head, link)
		n = n * 10 + i->n;
	return n;
}

TEST(list_order)
{
	struct item a = { 1 }, b = { 2 }, c = { 3 }, *pos, *next;
	struct list head = LIST_INIT(head), other = LIST_INIT(other);

	list_push_back(&head, &b.link);
	list_push_front(&head, &a.link);
	list_push_back(&head, &c.link);
	EXPECT_EQ(sum_digits(&head), 123);
	list_move_back(&head, &a.link);
	EXPECT_EQ(sum_digits(&head), 231);
	list_push_back(&other, &(struct item){ 9 }.link);
	list_splice_back(&head, &other);
	EXPECT_EQ(sum_digits(&head), 2319);
	EXPECT(list_empty(&other));
	list_for_each_safe(pos, next, &head, link)
		list_remove(&pos->link);
	EXPECT(list_empty(&head));
	list_remove(&a.link);
	EXPECT(list_empty(&a.link));
	EXPECT(!list_first_or_null(&head, struct item, link));
}

TEST(hlist)
{
	struct item a = { 1 }, b = { 2 }, *pos, *next;
	struct hlist_head h = { NULL };
	int n = 0;

	hlist_push(&h, &a.hash);
	hlist_push(&h, &b.hash);
	hlist_for_each(pos, &h, hash)
		n = n * 10 + pos->n;
	EXPECT_EQ(n, 21);
	hlist_for_each_safe(pos, next, &h, hash)
		hlist_remove(&pos->hash);
	EXPECT(hlist_empty(&h) && !hlist_hashed(&a.hash));
	hlist_remove(&a.hash);
}

static struct llist_head stack;

static void pusher(void *arg)
{
	struct item *items = arg;

	for (int i = 0; i < 1000; i++)
		llist_push(&stack, &items[i].stack);
}

TEST(llist_concurrent)
{
	struct item *items = host_alloc(4000 * sizeof(*items));
	struct host_thread *t[4];
	int n = 0;

	for (int i = 0; i < 4; i++)
		t[i] = host_thread_start(pusher, items + i * 1000);
	while (n < 4000) {
		for (struct llist_node *l = llist_take_all(&stack); l; l = l->next)
			n++;
	}
	for (int i = 0; i < 4; i++)
		host_thread_join(t[i]);
	EXPECT_EQ(n, 4000);
	EXPECT(llist_push(&stack, &items[0].stack));
	EXPECT(!llist_push(&stack, &items[1].stack));
	EXPECT(llist_reverse(llist_take_all(&stack)) == &items[0].stack);
	host_free(items);
}

TEST(bitmap)
{
	BITMAP_DECLARE(map, 200);
	bool model[200] = { 0 };

	bitmap_zero(map, 200);
	for (int round = 0; round < 2000; round++) {
		size_t bit = host_random(200), n = host_random(201 - bit), from = host_random(200), i;

		if (host_random(2))
			bitmap_set_range(map, bit, n);
		else
			bitmap_clear_range(map, bit, n);
		for (i = 0; i < n; i++)
			model[bit + i] = bitmap_test(map, bit + i);
		size_t weight = 0;
		for (i = 0; i < 200; i++) {
			EXPECT_EQ(bitmap_test(map, i), model[i]);
			weight += model[i];
		}
		EXPECT_EQ(bitmap_weight(map, 200), weight);
		for (i = from; i < 200 && model[i]; i++)
			;
		EXPECT_EQ(bitmap_find_next_zero(map, 200, from), i);
		for (i = from; i < 200 && !model[i]; i++)
			;
		EXPECT_EQ(bitmap_find_next_bit(map, 200, from), i);
	}
	bitmap_fill(map, 200);
	EXPECT_EQ(bitmap_find_first_zero(map, 200), 200);
	bitmap_clear_range(map, 70, 20);
	EXPECT_EQ(bitmap_find_zero_range(map, 200, 0, 16, 8), 72);
	EXPECT_EQ(bitmap_find_zero_range(map, 200, 0, 21, 1), 200);
}

TEST(cpumask)
{
	struct cpumask m = { { 0 } }, o;
	unsigned cpu, n = 0;

	cpumask_set(&m, 3);
	cpumask_set(&m, 63);
	EXPECT(cpumask_test_and_set(&m, 3));
	for_each_cpu(cpu, &m)
		n += cpu;
	EXPECT_EQ(n, 66);
	cpumask_set_all(&o);
	EXPECT_EQ(cpumask_weight(&o), CONFIG_NR_CPUS);
	EXPECT(cpumask_and(&o, &o, &m) && cpumask_equal(&o, &m));
}

TEST(refcount)
{
	refcount_t r = REFCOUNT_INIT(1);

	refcount_get(&r);
	EXPECT(!refcount_put(&r));
	EXPECT(refcount_put(&r));
	EXPECT(!refcount_get_unless_zero(&r));
	refcount_set(&r, 0x7fffffff);
	refcount_get(&r);
	refcount_get(&r);
	EXPECT_EQ(refcount_read(&r), REFCOUNT_SATURATED);
	EXPECT(!refcount_put(&r));
	EXPECT(refcount_get_unless_zero(&r));
	refcount_set(&r, 0);
	EXPECT(!refcount_put(&r));
	EXPECT_EQ(refcount_read(&r), REFCOUNT_SATURATED);
}

TEST(minmax_bits)
{
	EXPECT_EQ(roundup_pow2(1), 1);
	EXPECT_EQ(roundup_pow2(4097), 8192);
	EXPECT_EQ(ilog2(4096), 12);
	EXPECT_EQ(ALIGN_UP(5u, 4), 8);
	EXPECT_EQ(clamp(7, 1, 5), 5);
	EXPECT_EQ(fls64(0) + ffs64(8), 4);
	EXPECT_EQ(popcount64(~0ull), 64);
	EXPECT_EQ(GENMASK(7, 4), 0xf0);
	u8 b[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	EXPECT_EQ(get_unaligned_be32(b + 1), 0x01020304);
	EXPECT_EQ(get_unaligned_le64(b + 1), 0x0807060504030201);
}
