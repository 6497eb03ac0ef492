/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtqueues, split and packed, against a model of a device that follows the specification, and
 * against one that lies.
 *
 * link: drivers/bus/virtio/virtq.c drivers/bus/virtio/split.c drivers/bus/virtio/packed.c
 */
#include <drivers/bus/virtio/virtq.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <host.h>

#define NUM    256u
#define PIECES 5u
#define ROUNDS 20000u

void *kmalloc(size_t size, gfp_t gfp)
{
	void *p = host_alloc(size);

	if (p && gfp & __GFP_ZERO)
		memset(p, 0, size);
	return p;
}

void kfree(const void *p)
{
	host_free((void *)(uintptr_t)p);
}

/*
 * --- the device --------------------------------------------------------------------------------
 * It keeps what it found available in a list, and uses entries of that list in random order.
 */
struct model {
	struct virtq *vq;
	u8 *mem;
	u16 seen; /* split: avail entries read; packed: place */
	u16 put;  /* split: used entries written; packed: place */
	bool wrap, put_wrap;
	struct held {
		u16 id, count;
		u32 len;
		u64 first; /* address of its first piece */
	} held[NUM];
	unsigned nr_held;
	unsigned interrupts;
};

static u16 *avail_of(struct model *m)
{
	return (u16 *)(uintptr_t)m->vq->split.avail;
}

static u16 *used_of(struct model *m)
{
	return (u16 *)(uintptr_t)m->vq->split.used;
}

static struct virtq_packed_desc *ring_of(struct model *m)
{
	return (struct virtq_packed_desc *)(uintptr_t)m->vq->pack.desc;
}

/* Walk the chain of a split ring, checking its form. */
static void split_receive(struct model *m, u16 head)
{
	const struct virtq_desc *desc = (void *)(uintptr_t)m->vq->split.desc;
	struct held *h = &m->held[m->nr_held++];
	unsigned at = head;
	bool writes = false;

	*h = (struct held){.id = head, .first = desc[head].addr};
	if (desc[head].flags & VIRTQ_DESC_INDIRECT) {
		h->count = 1;
		return;
	}
	for (;;) {
		bool w = desc[at].flags & VIRTQ_DESC_WRITE;

		EXPECT(at < m->vq->num && h->count < m->vq->num);
		EXPECT(!writes || w);
		writes = w;
		h->count++;
		if (w)
			h->len += desc[at].len;
		if (!(desc[at].flags & VIRTQ_DESC_NEXT))
			return;
		at = desc[at].next;
	}
}

static void packed_receive(struct model *m)
{
	struct virtq_packed_desc *d = &ring_of(m)[m->seen];
	struct held *h = &m->held[m->nr_held++];
	bool more = true;

	*h = (struct held){.first = d->addr};
	while (more) {
		d = &ring_of(m)[m->seen];
		EXPECT_EQ(!!(d->flags & VIRTQ_PACKED_AVAIL), m->wrap);
		EXPECT_EQ(!!(d->flags & VIRTQ_PACKED_USED), !m->wrap);
		h->id = d->id;
		h->count++;
		if (d->flags & VIRTQ_DESC_WRITE)
			h->len += d->len;
		more = d->flags & VIRTQ_DESC_NEXT;
		if (++m->seen == m->vq->num) {
			m->seen = 0;
			m->wrap = !m->wrap;
		}
	}
}

/* Look for what is available; then ask to be told of the next. */
static void model_poll(struct model *m)
{
	struct virtq *vq = m->vq;

	if (!vq->packed) {
		while (m->seen != avail_of(m)[1])
			split_receive(m, avail_of(m)[2 + m->seen++ % vq->num]);
		used_of(m)[2 + 4 * vq->num] = m->seen;
		return;
	}
	for (;;) {
		u16 flags = ring_of(m)[m->seen].flags;

		if (!!(flags & VIRTQ_PACKED_AVAIL) != m->wrap ||
		    !!(flags & VIRTQ_PACKED_USED) == m->wrap)
			break;
		packed_receive(m);
	}
	vq->pack.device_event[0] = (u16)(m->seen | m->wrap << 15);
	vq->pack.device_event[1] = vq->event ? 2 : 0;
}

static bool passed(u16 event, u16 new, u16 old)
{
	return (u16)(new - event - 1) < (u16)(new - old);
}

/* Does the driver want an interrupt for the use just made? */
static bool split_wants(struct model *m, u16 old)
{
	return m->vq->event ? passed(avail_of(m)[2 + m->vq->num], m->put, old)
			    : !(avail_of(m)[0] & 1);
}

static bool packed_wants(struct model *m, u16 count)
{
	const volatile u16 *e = m->vq->pack.driver_event;
	u16 at = e[0] & 0x7fff;

	if (e[1] != 2)
		return e[1] == 0;
	if ((e[0] >> 15) != m->put_wrap)
		at = (u16)(at - m->vq->num);
	return passed(at, m->put, (u16)(m->put - count));
}

static void split_use(struct model *m, const struct held *h)
{
	u32 *entry = (u32 *)&used_of(m)[2 + 4 * (m->put % m->vq->num)];

	entry[0] = h->id;
	entry[1] = h->len;
	used_of(m)[1] = ++m->put;
	m->interrupts += split_wants(m, (u16)(m->put - 1));
}

static void packed_use(struct model *m, const struct held *h)
{
	struct virtq_packed_desc *d = &ring_of(m)[m->put];

	d->id = h->id;
	d->len = h->len;
	d->flags = m->put_wrap ? VIRTQ_PACKED_AVAIL | VIRTQ_PACKED_USED : 0;
	m->put = (u16)(m->put + h->count);
	if (m->put >= m->vq->num) {
		m->put = (u16)(m->put - m->vq->num);
		m->put_wrap = !m->put_wrap;
	}
	m->interrupts += packed_wants(m, h->count);
}

static void model_use(struct model *m, struct prng *rng)
{
	unsigned i = prng_below(rng, m->nr_held);
	struct held h = m->held[i];

	m->held[i] = m->held[--m->nr_held];
	if (m->vq->packed)
		packed_use(m, &h);
	else
		split_use(m, &h);
}

/*
 * --- the driver --------------------------------------------------------------------------------
 */
static struct token {
	bool out; /* the device has it */
	u32 len;
} tokens[NUM];

static bool start(struct virtq *vq, struct model *m, unsigned num, bool packed, bool event,
		  bool slots)
{
	struct virtq_layout l;

	virtq_layout(packed, num, &l);
	*m = (struct model){.vq = vq, .wrap = true, .put_wrap = true};
	m->mem = host_alloc_aligned(4096, l.size);
	*vq = (struct virtq){0};
	memset(tokens, 0, sizeof(tokens));
	if (!m->mem || virtq_init(vq, m->mem, num, packed, event, slots)) {
		host_test_fail(__FILE__, __LINE__, "start");
		return false;
	}
	model_poll(m);
	EXPECT(!virtq_arm(vq));
	return true;
}

static void stop(struct virtq *vq, struct model *m)
{
	virtq_fini(vq);
	host_free(m->mem);
}

static unsigned free_token(struct prng *rng)
{
	for (;;) {
		unsigned t = prng_below(rng, NUM);

		if (!tokens[t].out)
			return t;
	}
}

static bool driver_add(struct virtq *vq, struct prng *rng, unsigned in_flight)
{
	struct virtq_piece p[PIECES];
	unsigned n = 1 + prng_below(rng, PIECES), out = prng_below(rng, n + 1), t;
	int err;

	if (in_flight >= vq->num || in_flight >= NUM)
		return false;
	t = free_token(rng);
	if (vq->slots) {
		if (t >= vq->num)
			return false;
		virtq_add_slot(vq, t, 0x1000 * (u64)t, 3, &tokens[t]);
		tokens[t] = (struct token){true, 0};
		return true;
	}
	tokens[t].len = 0;
	for (unsigned i = 0; i < n; i++) {
		p[i] = (struct virtq_piece){0x100000 * (u64)t + i, 1 + prng_below(rng, 4096)};
		if (i >= out)
			tokens[t].len += p[i].len;
	}
	err = virtq_add(vq, p, out, n - out, &tokens[t]);
	EXPECT_EQ(err, n > vq->nr_free + (err ? 0 : n) ? -ENOSPC : 0);
	tokens[t].out = !err;
	return !err;
}

/* Everything used is taken, with the length that the device said. */
static unsigned driver_take(struct virtq *vq)
{
	struct token *t;
	unsigned n = 0;
	u32 len;

	do {
		while ((t = virtq_take(vq, &len))) {
			EXPECT(t >= tokens && t < tokens + NUM && t->out);
			EXPECT_EQ(len, t->len);
			t->out = false;
			n++;
		}
	} while (virtq_arm(vq));
	return n;
}

/*
 * Random steps of both sides.  No wake-up may be lost: whenever the driver's publish did not ask
 * for a notification the device must already have been due to look, and whenever the device made no
 * interrupt the driver must not be waiting for one.
 */
static void converse(bool packed, bool event, bool slots, unsigned num)
{
	struct prng *rng = host_prng();
	unsigned in_flight = 0, sent = 0, got = 0;
	bool told = false;
	struct virtq vq;
	struct model m;

	if (!start(&vq, &m, num, packed, event, slots))
		return;
	for (unsigned round = 0; round < ROUNDS; round++) {
		switch (prng_below(rng, 4)) {
		case 0:
		case 1:
			for (unsigned n = prng_below(rng, 6); n--;) {
				bool added = driver_add(&vq, rng, in_flight);

				in_flight += added;
				sent += added;
			}
			told |= virtq_publish(&vq);
			break;
		case 2:
			if (told)
				model_poll(&m);
			told = false;
			for (unsigned n = prng_below(rng, 6); n-- && m.nr_held;)
				model_use(&m, rng);
			break;
		default:
			if (m.interrupts) {
				unsigned n = driver_take(&vq);

				m.interrupts = 0;
				in_flight -= n;
				got += n;
			}
		}
		EXPECT(!virtq_is_broken(&vq));
	}
	/* Drain: nobody is told more than they asked for. */
	while (in_flight) {
		unsigned before = in_flight;

		if (told)
			model_poll(&m);
		told = false;
		while (m.nr_held)
			model_use(&m, rng);
		if (m.interrupts) {
			unsigned n = driver_take(&vq);

			m.interrupts = 0;
			in_flight -= n;
			got += n;
		}
		if (before == in_flight) {
			host_test_fail(__FILE__, __LINE__, "stuck with %u", in_flight);
			break;
		}
	}
	EXPECT_EQ(sent, got);
	EXPECT_EQ(vq.nr_free, num);
	stop(&vq, &m);
}

TEST(split_chains)
{
	converse(false, false, false, 64);
	converse(false, true, false, 64);
	converse(false, true, false, 8);
}

TEST(split_slots)
{
	converse(false, false, true, 256);
	converse(false, true, true, 64);
}

TEST(packed_chains)
{
	converse(true, false, false, 64);
	converse(true, true, false, 64);
	converse(true, true, false, 7);
}

TEST(packed_slots)
{
	converse(true, false, true, 256);
	converse(true, true, true, 100);
}

/*
 * A device that writes anything anywhere in its areas and in the descriptors.  Memory is checked by
 * the sanitizer; every token comes back at most once; after the queue broke, nothing does.
 */
static void scribble(struct virtq *vq, struct model *m, struct prng *rng)
{
	struct virtq_layout l;
	size_t at;

	virtq_layout(vq->packed, vq->num, &l);
	at = vq->packed || prng_below(rng, 4) == 0
		     ? prng_below(rng, (u32)l.size)
		     : l.device + prng_below(rng, (u32)(l.size - l.device));
	/* Of a packed ring mostly where the driver looks. */
	if (vq->packed && prng_below(rng, 2))
		at = vq->next_take * sizeof(struct virtq_packed_desc) + 12 + prng_below(rng, 4);
	if (prng_below(rng, 3) == 0)
		m->mem[at] = (u8)prng_next(rng);
	else
		m->mem[at] ^= (u8)(1u << prng_below(rng, 8));
}

static void lied_to(bool packed, bool slots, unsigned num)
{
	struct prng *rng = host_prng();
	unsigned broke = 0;

	for (unsigned run = 0; run < 300; run++) {
		unsigned in_flight = 0, cursor = 0, abandoned = 0;
		struct virtq vq;
		struct model m;
		struct token *t;
		u32 len;

		if (!start(&vq, &m, num, packed, run & 1, slots))
			return;
		for (unsigned step = 0; step < 200; step++) {
			if (virtq_is_broken(&vq))
				break;
			in_flight += driver_add(&vq, rng, in_flight);
			(void)virtq_publish(&vq);
			scribble(&vq, &m, rng);
			while ((t = virtq_take(&vq, &len))) {
				REQUIRE(t >= tokens && t < tokens + NUM && t->out);
				t->out = false;
				in_flight--;
			}
			(void)virtq_arm(&vq);
		}
		if (virtq_is_broken(&vq)) {
			broke++;
			EXPECT(!virtq_take(&vq, &len));
			EXPECT(!virtq_arm(&vq));
		}
		while ((t = virtq_abandon(&vq, &cursor))) {
			EXPECT(t->out);
			t->out = false;
			abandoned++;
		}
		EXPECT_EQ(abandoned, in_flight);
		virtq_restart(&vq);
		EXPECT(!virtq_is_broken(&vq) && vq.nr_free == num);
		stop(&vq, &m);
	}
	EXPECT(broke > 100);
}

TEST(split_liar)
{
	lied_to(false, false, 32);
	lied_to(false, true, 32);
}

TEST(packed_liar)
{
	lied_to(true, false, 32);
	lied_to(true, true, 32);
}

TEST(arguments)
{
	static u8 mem[8192] __attribute__((aligned(4096)));
	struct virtq vq = {0};
	struct virtq_piece p = {0x1000, 16};

	EXPECT_EQ(virtq_init(&vq, mem, 0, false, false, false), -EINVAL);
	EXPECT_EQ(virtq_init(&vq, mem, 3, false, false, false), -EINVAL);
	EXPECT_EQ(virtq_init(&vq, mem, 65536, true, false, false), -EINVAL);
	EXPECT_EQ(virtq_init(&vq, mem, 4, false, false, false), 0);
	EXPECT_EQ(virtq_add(&vq, &p, 0, 0, &p), -EINVAL);
	EXPECT_EQ(virtq_add(&vq, &p, 3, 2, &p), -EINVAL);
	EXPECT_EQ(virtq_add(&vq, &p, 1, 0, NULL), -EINVAL);
	for (unsigned i = 0; i < 4; i++)
		EXPECT_EQ(virtq_add(&vq, &p, 1, 0, &p), 0);
	EXPECT_EQ(virtq_add(&vq, &p, 1, 0, &p), -ENOSPC);
	virtq_fini(&vq);
}
