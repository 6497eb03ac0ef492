/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a mutant (mutate_internal.h): a field set to an interesting value, a bit, a block, or the
 * end of the image. */
#include "mutate_internal.h"

static u64 pick_sector(struct mutant *m)
{
	if (m->nr_metadata && mutant_chance(m, 10))
		return m->metadata[mutant_chance(m, m->nr_metadata)];
	return mutant_chance(m, m->bytes / MUTANT_SECTOR);
}

static u64 interesting(struct mutant *m, u64 old)
{
	static const u64 values[] = {0,
				     1,
				     2,
				     0x7f,
				     0x80,
				     0xff,
				     0x7fff,
				     0x8000,
				     0xffff,
				     0x7fffffff,
				     0x80000000,
				     0xffffffff,
				     0x7fffffffffffffff,
				     0x8000000000000000,
				     ~0ull};

	switch (mutant_chance(m, 4)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return prng_next(&m->prng) >> mutant_chance(m, 64);
	default:
		return values[mutant_chance(m, ARRAY_SIZE(values))];
	}
}

static void set_field(struct mutant *m, u64 at, char *what, size_t room)
{
	unsigned size = 1u << mutant_chance(m, 4);
	u64 old = 0, new;

	at &= ~(u64)(size - 1);
	memcpy(&old, m->image + at, size);
	new = interesting(m, old);
	snprintf(what, room, "%u bytes at %#llx: %#llx instead of %#llx", size, at, new, old);
	m->store(at, &new, size);
}

static void flip_bit(struct mutant *m, u64 at, char *what, size_t room)
{
	u8 byte = m->image[at] ^ (u8)(1u << mutant_chance(m, 8));

	snprintf(what, room, "byte at %#llx: %#x instead of %#x", at, byte, m->image[at]);
	m->store(at, &byte, 1);
}

/* One sector, or eight, becomes a copy of another, or zero, or noise. */
static void replace_block(struct mutant *m, u64 at, char *what, size_t room)
{
	u64 size = mutant_chance(m, 2) ? MUTANT_SECTOR : 4096,
	    from = pick_sector(m) * MUTANT_SECTOR & ~(size - 1);
	u8 noise[4096];

	at &= ~(size - 1);
	switch (mutant_chance(m, 3)) {
	case 0:
		snprintf(what, room, "%llu bytes at %#llx: those of %#llx", size, at, from);
		memcpy(noise, m->image + from, size);
		break;
	case 1:
		snprintf(what, room, "%llu bytes at %#llx: zero", size, at);
		memset(noise, 0, size);
		break;
	default:
		snprintf(what, room, "%llu bytes at %#llx: noise", size, at);
		for (unsigned i = 0; i < size; i++)
			noise[i] = (u8)prng_next(&m->prng);
	}
	m->store(at, noise, size);
}

static void cut_off(struct mutant *m, char *what, size_t room)
{
	static const u8 zero[4096];
	u64 from = mutant_chance(m, m->bytes) & ~4095ull;

	snprintf(what, room, "nothing from %#llx on", from);
	for (u64 at = from; at + sizeof(zero) <= m->bytes; at += sizeof(zero))
		if (memcmp(m->image + at, zero, sizeof(zero)))
			m->store(at, zero, sizeof(zero));
}

/* Rather where something is than in what is zero. */
static u64 pick_byte(struct mutant *m)
{
	u64 at = 0;

	if (m->aim && mutant_chance(m, 2))
		return m->aim(prng_next(&m->prng));
	for (int i = 0; i < 4; i++) {
		at = pick_sector(m) * MUTANT_SECTOR + mutant_chance(m, MUTANT_SECTOR);
		if (m->image[at])
			break;
	}
	return at;
}

static void mutate_once(struct mutant *m, char *what, size_t room)
{
	u64 at = pick_byte(m);

	switch (mutant_chance(m, 16)) {
	case 0:
		cut_off(m, what, room);
		break;
	case 1:
	case 2:
		replace_block(m, at, what, room);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		flip_bit(m, at, what, room);
		break;
	default:
		set_field(m, at, what, room);
	}
}

void mutant_make(struct mutant *m, u64 number)
{
	unsigned n = 1;

	m->number = number;
	prng_seed(&m->prng, number);
	while (n < MUTANT_CHANGES && !mutant_chance(m, 3))
		n++;
	for (m->nr_what = 0; m->nr_what < n; m->nr_what++)
		mutate_once(m, m->what[m->nr_what], sizeof(m->what[0]));
}
