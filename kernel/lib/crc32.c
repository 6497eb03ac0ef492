/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cyclic redundancy checks by table, the 32-bit ones eight bytes a step ("slicing by eight").
 *
 * The eight tables of a polynomial (table k tells what a byte does k bytes further on) are computed
 * on first use: 2048 words that would otherwise sit in the image twice.  Two processors that
 * compute at once store the same values; `ready` is released last.
 *
 * A check is a polynomial over GF(2), the highest power in the lowest bit; bytes of zero multiply
 * it by powers of x.  The check of a difference therefore tells how a check changes with its
 * message: multiplied by x^8 once for each byte behind the difference, which two tables of powers
 * do in two multiplications for up to 4 KiB.
 */
#include <kernel/lib/crc32.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/bits.h>

struct crc_tables {
	u32 polynomial;
	u32 ready; /* [a] */
	u32 t[8][256];
	u32 few[64];  /* x^8 to the power 0, 1, ... */
	u32 many[65]; /* x^8 to the power 0, 64, 128, ... */
};

static struct crc_tables ieee = {.polynomial = 0xedb88320u};
static struct crc_tables castagnoli = {.polynomial = 0x82f63b78u};

static u32 times_x(u32 a, u32 polynomial)
{
	return a >> 1 ^ (a & 1 ? polynomial : 0);
}

/* a * b: four coefficients of `a` a step, from the highest. */
static u32 multiply(const struct crc_tables *c, u32 a, u32 b)
{
	u32 m[16], product = 0;

	m[0] = 0;
	m[8] = b;
	m[4] = times_x(m[8], c->polynomial);
	m[2] = times_x(m[4], c->polynomial);
	m[1] = times_x(m[2], c->polynomial);
	for (int i = 3; i < 16; i++)
		m[i] = m[i & (i - 1)] ^ m[i & -i];
	for (int i = 0; i < 8; i++, a >>= 4)
		product = product >> 4 ^ c->t[0][(product & 15) << 4] ^ m[a & 15];
	return product;
}

static __cold __no_sanitize void powers_fill(struct crc_tables *c)
{
	u32 power = 0x80000000u;

	for (int i = 0; i < 64; i++) {
		WRITE_ONCE(c->few[i], power);
		power = power >> 8 ^ c->t[0][power & 255];
	}
	WRITE_ONCE(c->many[0], c->few[0]);
	for (int i = 1; i < 65; i++)
		WRITE_ONCE(c->many[i], multiply(c, c->many[i - 1], power));
}

static __cold __no_sanitize void tables_fill(struct crc_tables *c)
{
	for (u32 i = 0; i < 256; i++) {
		u32 crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? c->polynomial : 0);
		WRITE_ONCE(c->t[0][i], crc);
	}
	for (int k = 1; k < 8; k++) {
		for (u32 i = 0; i < 256; i++) {
			u32 before = c->t[k - 1][i];

			WRITE_ONCE(c->t[k][i], before >> 8 ^ c->t[0][before & 255]);
		}
	}
	powers_fill(c);
	atomic_store_release(&c->ready, 1);
}

static u32 crc_run(struct crc_tables *c, u32 crc, const u8 *p, size_t len)
{
	if (unlikely(!atomic_load_acquire(&c->ready)))
		tables_fill(c);

	const u32(*t)[256] = c->t;

	for (; len >= 8; len -= 8, p += 8) {
		u32 a = crc ^ get_unaligned_le32(p), b = get_unaligned_le32(p + 4);

		crc = t[7][a & 255] ^ t[6][a >> 8 & 255] ^ t[5][a >> 16 & 255] ^ t[4][a >> 24] ^
		      t[3][b & 255] ^ t[2][b >> 8 & 255] ^ t[1][b >> 16 & 255] ^ t[0][b >> 24];
	}
	while (len--)
		crc = crc >> 8 ^ t[0][(crc ^ *p++) & 255];
	return crc;
}

u32 crc32_le(u32 crc, const void *data, size_t len)
{
	return crc_run(&ieee, crc, data, len);
}

static u32 (*machine_crc32c)(u32 crc, const void *data, size_t len); /* [I] or NULL */

void crc32c_set_machine(u32 (*fn)(u32 crc, const void *data, size_t len))
{
	machine_crc32c = fn;
}

u32 crc32c(u32 crc, const void *data, size_t len)
{
	if (likely(machine_crc32c))
		return machine_crc32c(crc, data, len);
	return crc_run(&castagnoli, crc, data, len);
}

u32 crc32c_zeros(u32 crc, size_t len)
{
	struct crc_tables *c = &castagnoli;

	crc = crc_run(c, crc, NULL, 0); /* the tables are there */
	for (; len >= 4096; len -= 4096)
		crc = multiply(c, crc, c->many[64]);
	if (len >= 64)
		crc = multiply(c, crc, c->many[len / 64]);
	return len % 64 ? multiply(c, crc, c->few[len % 64]) : crc;
}

u32 crc32c_change(u32 crc, const void *before, const void *after, size_t len, size_t behind)
{
	u32 change = crc32c(0, before, len) ^ crc32c(0, after, len);

	return crc ^ crc32c_zeros(change, behind);
}

/* A nibble at a time: its users check a few bytes. */
u16 crc16(u16 crc, const void *data, size_t len)
{
	static const u16 nibble[16] = {
		0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
		0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
	};
	const u8 *p = data;

	while (len--) {
		crc ^= *p++;
		crc = (u16)(crc >> 4 ^ nibble[crc & 15]);
		crc = (u16)(crc >> 4 ^ nibble[crc & 15]);
	}
	return crc;
}
