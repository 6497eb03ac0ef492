/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decompression of DEFLATE.
 *
 * Input passes through a 64-bit buffer of bits, refilled by eight bytes where possible.  Codes are
 * canonical: of each length they are consecutive numbers, so counts per length and the symbols in
 * code order describe them.  Codes of up to FAST bits are also in a table indexed by the next bits,
 * whose entry is symbol << 4 | length; a zero entry sends the decoder through the lengths one by
 * one.
 *
 * Output goes to the window, a ring that is also the dictionary, and is written out, and checked,
 * each time the ring is full and at the end.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/inflate.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#define MAX_BITS      15
#define LENGTH_FAST   9
#define DISTANCE_FAST 8
#define END_OF_BLOCK  256

struct state {
	const struct inflate_io *io;
	const u8 *in;
	size_t in_left;
	u64 bits; /* next bit lowest */
	unsigned nbits;
	bool in_ended;
	int err;

	u8 *window;
	size_t pos;     /* where the next byte goes */
	size_t written; /* up to where the window has been written out */
	u64 total;      /* bytes produced */
	u32 check;
};

struct code {
	u16 *count, *symbol, *fast;
	unsigned fast_bits;
};

static int fail(struct state *s, int err)
{
	if (!s->err)
		s->err = err;
	return s->err;
}

static bool more_input(struct state *s)
{
	if (s->in_ended)
		return false;

	ssize_t n = s->io->read(s->io->ctx, &s->in);

	if (n <= 0) {
		s->in_ended = true;
		s->in_left = 0;
		if (n < 0)
			fail(s, (int)n);
		return false;
	}
	s->in_left = (size_t)n;
	return true;
}

/*
 * At least 56 bits, or all there are; called with fewer than 32.  The fast way leaves bits beyond
 * nbits set, which are the ones that the next refill would put there.
 */
static __always_inline void refill(struct state *s)
{
	if (likely(s->in_left >= 8)) {
		unsigned bytes = (63 - s->nbits) / 8;

		s->bits |= get_unaligned_le64(s->in) << s->nbits;
		s->in += bytes;
		s->in_left -= bytes;
		s->nbits += bytes * 8;
		return;
	}
	while (s->nbits <= 56 && (s->in_left || more_input(s))) {
		s->bits |= (u64)*s->in++ << s->nbits;
		s->in_left--;
		s->nbits += 8;
	}
}

static __always_inline void drop(struct state *s, unsigned n)
{
	if (unlikely(n > s->nbits)) {
		fail(s, -ENODATA);
		n = s->nbits;
	}
	s->bits >>= n;
	s->nbits -= n;
}

/* The next `n` bits, at most 32; after the end of input zeroes, and an error is noted. */
static __always_inline u32 take(struct state *s, unsigned n)
{
	if (s->nbits < n)
		refill(s);

	u32 value = (u32)(s->bits & (BIT(n) - 1));

	drop(s, n);
	return value;
}

static u32 adler32(u32 adler, const u8 *p, size_t len)
{
	u32 a = adler & 0xffff, b = adler >> 16;

	while (len) {
		/* So many additions cannot overflow 32 bits. */
		size_t n = min_t(size_t, len, 5552);

		for (len -= n; n--;) {
			a += *p++;
			b += a;
		}
		a %= 65521;
		b %= 65521;
	}
	return b << 16 | a;
}

static void write_out(struct state *s)
{
	const u8 *data = s->window + s->written;
	size_t len = s->pos - s->written;

	if (!len || s->err)
		return;
	if (s->io->format == INFLATE_GZIP)
		s->check = ~crc32_le(~s->check, data, len);
	else if (s->io->format == INFLATE_ZLIB)
		s->check = adler32(s->check, data, len);

	int err = s->io->write(s->io->ctx, data, len);

	if (err)
		fail(s, err);
	s->written = s->pos;
}

static __always_inline void advance(struct state *s, size_t n)
{
	s->pos += n;
	s->total += n;
	if (unlikely(s->pos == INFLATE_WINDOW)) {
		write_out(s);
		s->pos = 0;
		s->written = 0;
	}
}

static void copy_match(struct state *s, unsigned len, unsigned distance)
{
	if (distance > s->total || distance > INFLATE_WINDOW) {
		fail(s, -EINVAL);
		return;
	}
	while (len) {
		size_t from = (s->pos - distance) % INFLATE_WINDOW;
		size_t n = min_t(size_t, len, INFLATE_WINDOW - max(s->pos, from));
		u8 *to = s->window + s->pos;

		if (distance >= n)
			memmove(to, s->window + from, n);
		else
			for (size_t i = 0; i < n; i++)
				to[i] = s->window[from + i];
		len -= (unsigned)n;
		advance(s, n);
	}
}

static u32 reverse_bits(u32 code, unsigned len)
{
	u32 out = 0;

	while (len--) {
		out = out << 1 | (code & 1);
		code >>= 1;
	}
	return out;
}

static void fast_fill(const struct code *c, const u8 *lengths, unsigned n, const u16 *first_code)
{
	u16 next[MAX_BITS + 1];

	memcpy(next, first_code, sizeof(next));
	memset(c->fast, 0, sizeof(u16) << c->fast_bits);
	for (unsigned sym = 0; sym < n; sym++) {
		unsigned len = lengths[sym];

		if (!len || len > c->fast_bits)
			continue;
		for (u32 at = reverse_bits(next[len]++, len); at < 1u << c->fast_bits;
		     at += 1u << len)
			c->fast[at] = (u16)(sym << 4 | len);
	}
}

/*
 * Describe the code in which symbol i has lengths[i] bits.  One that promises more codes than there
 * are is malformed, and so is an incomplete one, except that of a single symbol.
 */
static int code_build(const struct code *c, const u8 *lengths, unsigned n)
{
	u16 first_code[MAX_BITS + 1], offset[MAX_BITS + 1];
	int left = 1;

	memset(c->count, 0, sizeof(u16) * (MAX_BITS + 1));
	for (unsigned i = 0; i < n; i++)
		c->count[lengths[i]]++;

	unsigned used = n - c->count[0];

	c->count[0] = 0;
	first_code[0] = 0;
	offset[0] = 0;
	for (unsigned len = 1; len <= MAX_BITS; len++) {
		left = left * 2 - c->count[len];
		if (left < 0)
			return -EINVAL;
		first_code[len] = (u16)((first_code[len - 1] + c->count[len - 1]) << 1);
		offset[len] = offset[len - 1] + c->count[len - 1];
	}
	if (left && used > 1)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		if (lengths[i])
			c->symbol[offset[lengths[i]]++] = (u16)i;
	}
	fast_fill(c, lengths, n, first_code);
	return 0;
}

static unsigned decode_slowly(struct state *s, const struct code *c)
{
	u32 code = 0, first = 0, index = 0;

	for (unsigned len = 1; len <= MAX_BITS; len++) {
		code |= s->bits >> (len - 1) & 1;

		u32 count = c->count[len];

		if (code < first + count) {
			drop(s, len);
			return c->symbol[index + code - first];
		}
		index += count;
		first = (first + count) << 1;
		code <<= 1;
	}
	fail(s, s->nbits < MAX_BITS ? -ENODATA : -EINVAL);
	return END_OF_BLOCK;
}

static __always_inline unsigned decode(struct state *s, const struct code *c)
{
	if (s->nbits < MAX_BITS)
		refill(s);

	u16 entry = c->fast[s->bits & (BIT(c->fast_bits) - 1)];

	if (unlikely(!entry))
		return decode_slowly(s, c);
	drop(s, entry & 15);
	return entry >> 4;
}

/* Lengths 257 to 285 and distances 0 to 29: base and extra bits (RFC 1951, 3.2.5). */
static const u16 length_base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
				    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const u8 length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const u16 distance_base[30] = {
	1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
	193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const u8 distance_extra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
				      6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

static void coded_block(struct state *s, const struct code *lengths, const struct code *distances)
{
	while (!s->err) {
		unsigned sym = decode(s, lengths);

		if (sym < END_OF_BLOCK) {
			s->window[s->pos] = (u8)sym;
			advance(s, 1);
			continue;
		}
		if (sym == END_OF_BLOCK)
			return;
		sym -= END_OF_BLOCK + 1;
		if (sym >= ARRAY_SIZE(length_base)) {
			fail(s, -EINVAL);
			return;
		}

		unsigned len = length_base[sym] + take(s, length_extra[sym]);
		unsigned dist = decode(s, distances);

		if (s->err || dist >= ARRAY_SIZE(distance_base)) {
			fail(s, -EINVAL);
			return;
		}
		copy_match(s, len, distance_base[dist] + take(s, distance_extra[dist]));
	}
}

static void stored_block(struct state *s)
{
	drop(s, s->nbits % 8);

	u32 len = take(s, 16), inverse = take(s, 16);

	if (!s->err && (len ^ inverse) != 0xffff)
		fail(s, -EINVAL);
	while (len-- && !s->err) {
		s->window[s->pos] = (u8)take(s, 8);
		advance(s, 1);
	}
}

static void fixed_codes(const struct code *lengths, const struct code *distances)
{
	u8 bits[288];

	memset(bits, 8, 144);
	memset(bits + 144, 9, 112);
	memset(bits + 256, 7, 24);
	memset(bits + 280, 8, 8);
	if (code_build(lengths, bits, 288))
		UNREACHABLE();
	/* All 32, so that the code is complete; 30 and 31 are refused when they occur. */
	memset(bits, 5, 32);
	if (code_build(distances, bits, 32))
		UNREACHABLE();
}

/* Run lengths 16, 17, 18 of the code-length code: returns how often `value` repeats. */
static unsigned repeat(struct state *s, unsigned sym)
{
	switch (sym) {
	case 16: return 3 + take(s, 2);
	case 17: return 3 + take(s, 3);
	default: return 11 + take(s, 7);
	}
}

static void read_lengths(struct state *s, const struct code *c, u8 *bits, unsigned n)
{
	for (unsigned i = 0; i < n && !s->err;) {
		unsigned sym = decode(s, c);

		if (sym < 16) {
			bits[i++] = (u8)sym;
			continue;
		}
		if (sym > 18 || (sym == 16 && !i)) {
			fail(s, -EINVAL);
			return;
		}

		u8 value = sym == 16 ? bits[i - 1] : 0;
		unsigned times = repeat(s, sym);

		if (times > n - i) {
			fail(s, -EINVAL);
			return;
		}
		memset(bits + i, value, times);
		i += times;
	}
}

static void dynamic_codes(struct state *s, const struct code *lengths, const struct code *distances)
{
	static const u8 order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
				     11, 4,  12, 3, 13, 2, 14, 1, 15};
	u8 bits[288 + 32] = {0};
	unsigned nlen = take(s, 5) + 257, ndist = take(s, 5) + 1, ncode = take(s, 4) + 4;

	if (nlen > 286 || ndist > 30) {
		fail(s, -EINVAL);
		return;
	}
	for (unsigned i = 0; i < ncode; i++)
		bits[order[i]] = (u8)take(s, 3);
	if (s->err || code_build(lengths, bits, 19)) {
		fail(s, -EINVAL);
		return;
	}
	memset(bits, 0, 19);
	read_lengths(s, lengths, bits, nlen + ndist);
	if (s->err || !bits[END_OF_BLOCK] || code_build(lengths, bits, nlen) ||
	    code_build(distances, bits + nlen, ndist))
		fail(s, -EINVAL);
}

static void inflate_blocks(struct state *s)
{
	struct inflate_tables *t = s->io->tables;
	const struct code lengths = {t->length_count, t->length_symbol, t->length_fast,
				     LENGTH_FAST};
	const struct code distances = {t->distance_count, t->distance_symbol, t->distance_fast,
				       DISTANCE_FAST};
	bool last = false;

	while (!last && !s->err) {
		last = take(s, 1);
		switch (take(s, 2)) {
		case 0: stored_block(s); break;
		case 1:
			fixed_codes(&lengths, &distances);
			coded_block(s, &lengths, &distances);
			break;
		case 2:
			dynamic_codes(s, &lengths, &distances);
			coded_block(s, &lengths, &distances);
			break;
		default: fail(s, -EINVAL); break;
		}
	}
	write_out(s);
}

enum gzip_flags { GZIP_HCRC = 2, GZIP_EXTRA = 4, GZIP_NAME = 8, GZIP_COMMENT = 16 };

static void skip_string(struct state *s)
{
	while (take(s, 8) && !s->err)
		;
}

static void gzip_header(struct state *s)
{
	if (take(s, 16) != 0x8b1f || take(s, 8) != 8) {
		fail(s, -EINVAL);
		return;
	}

	u32 flags = take(s, 8);

	take(s, 32);
	take(s, 16);
	if (flags & GZIP_EXTRA) {
		for (u32 n = take(s, 16); n && !s->err; n--)
			take(s, 8);
	}
	if (flags & GZIP_NAME)
		skip_string(s);
	if (flags & GZIP_COMMENT)
		skip_string(s);
	if (flags & GZIP_HCRC)
		take(s, 16);
}

/* No preset dictionary, method 8, and the two bytes a multiple of 31. */
static void zlib_header(struct state *s)
{
	u32 method = take(s, 8), flags = take(s, 8);

	if ((method & 15) != 8 || flags & 0x20 || (method << 8 | flags) % 31)
		fail(s, -EINVAL);
}

static void check_trailer(struct state *s)
{
	drop(s, s->nbits % 8);
	if (s->io->format == INFLATE_GZIP) {
		u32 crc = take(s, 32), len = take(s, 32);

		if (!s->err && (crc != s->check || len != (u32)s->total))
			fail(s, -EIO);
	} else if (s->io->format == INFLATE_ZLIB) {
		u32 adler = bswap32(take(s, 32));

		if (!s->err && adler != s->check)
			fail(s, -EIO);
	}
}

int inflate(const struct inflate_io *io, size_t *rest)
{
	struct state s = {.io = io, .window = io->window, .check = io->format == INFLATE_ZLIB};

	if (io->format == INFLATE_GZIP)
		gzip_header(&s);
	else if (io->format == INFLATE_ZLIB)
		zlib_header(&s);
	if (!s.err)
		inflate_blocks(&s);
	if (!s.err)
		check_trailer(&s);
	if (rest)
		*rest = s.in_left + s.nbits / 8;
	return s.err;
}

struct memory {
	const u8 *src;
	size_t src_len;
	u8 *dst;
	size_t room, len;
};

static ssize_t memory_read(void *ctx, const u8 **data)
{
	struct memory *m = ctx;
	size_t len = m->src_len;

	*data = m->src;
	m->src_len = 0;
	return (ssize_t)len;
}

static int memory_write(void *ctx, const u8 *data, size_t len)
{
	struct memory *m = ctx;

	if (len > m->room - m->len)
		return -ENOSPC;
	memcpy(m->dst + m->len, data, len);
	m->len += len;
	return 0;
}

int inflate_buffer(enum inflate_format format, const void *src, size_t src_len, void *dst,
		   size_t *len, void *scratch)
{
	struct memory m = {.src = src, .src_len = src_len, .dst = dst, .room = *len};
	const struct inflate_io io = {
		.format = format,
		.read = memory_read,
		.write = memory_write,
		.ctx = &m,
		.tables = scratch,
		.window = (u8 *)scratch + sizeof(struct inflate_tables),
	};
	int err = inflate(&io, NULL);

	*len = m.len;
	return err;
}
