/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading of cpio "newc" archives, piece by piece.
 *
 * An entry is a header of 110 characters, the name, padding to four bytes, the data, padding to
 * four bytes. An entry named TRAILER!!! ends an archive; zero bytes may precede any header, which
 * covers the padding between archives.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/cpio.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#define HEADER_SIZE 110
#define FIELDS      13

void cpio_init(struct cpio *c, const struct cpio_ops *ops, void *ctx)
{
	*c = (struct cpio){.ops = ops, .ctx = ctx, .state = CPIO_HEADER};
}

static void enter(struct cpio *c, enum cpio_state state)
{
	c->state = state;
	c->have = 0;
}

static bool hex_field(const char *p, u32 *out)
{
	u32 n = 0;

	for (int i = 0; i < 8; i++) {
		unsigned d = digit_value((u8)p[i]);

		if (d >= 16)
			return false;
		n = n << 4 | d;
	}
	*out = n;
	return true;
}

static int parse_header(struct cpio *c)
{
	u32 f[FIELDS];

	if (memcmp(c->header, "07070", 5) || (c->header[5] != '1' && c->header[5] != '2'))
		return -EINVAL;
	for (int i = 0; i < FIELDS; i++) {
		if (!hex_field(c->header + 6 + 8 * i, &f[i]))
			return -EINVAL;
	}
	c->entry = (struct cpio_entry){
		.ino = f[0],
		.mode = f[1],
		.uid = f[2],
		.gid = f[3],
		.nlink = f[4],
		.mtime = f[5],
		.size = f[6],
		.dev_major = f[7],
		.dev_minor = f[8],
		.rdev_major = f[9],
		.rdev_minor = f[10],
		.name = c->name,
	};
	c->namesize = f[11];
	if (!c->namesize)
		return -EINVAL;
	return c->namesize > CPIO_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Take input until `want` bytes of the state are there.  Returns how much. */
static size_t gather(struct cpio *c, char *to, u32 want, const u8 *data, size_t len)
{
	size_t n = min_t(size_t, len, want - c->have);

	memcpy(to + c->have, data, n);
	c->have += (u32)n;
	return n;
}

static int begin_entry(struct cpio *c)
{
	if (c->name[c->namesize - 1])
		return -EINVAL;
	if (!strcmp(c->name, "TRAILER!!!")) {
		enter(c, CPIO_HEADER);
		return 0;
	}
	enter(c, CPIO_DATA);
	return c->ops->begin(c->ctx, &c->entry);
}

static int end_entry(struct cpio *c)
{
	enter(c, CPIO_HEADER);
	return c->ops->end(c->ctx, &c->entry);
}

/* One step of the machine.  Returns the bytes taken, possibly 0 when only the state moves, or an
 * error. */
static ssize_t step(struct cpio *c, const u8 *data, size_t len)
{
	size_t n;
	int err = 0;

	switch (c->state) {
	case CPIO_HEADER:
		if (!c->have && !*data)
			return 1;
		n = gather(c, c->header, HEADER_SIZE, data, len);
		if (c->have == HEADER_SIZE) {
			err = parse_header(c);
			enter(c, CPIO_NAME);
		}
		return err ? err : (ssize_t)n;
	case CPIO_NAME:
		n = gather(c, c->name, c->namesize, data, len);
		if (c->have == c->namesize)
			enter(c, CPIO_NAME_PAD);
		return (ssize_t)n;
	case CPIO_NAME_PAD:
		n = min_t(size_t, len, (-(HEADER_SIZE + c->namesize) & 3) - c->have);
		c->have += (u32)n;
		if (c->have == (-(HEADER_SIZE + c->namesize) & 3))
			err = begin_entry(c);
		return err ? err : (ssize_t)n;
	case CPIO_DATA:
		n = min_t(size_t, len, c->entry.size - c->have);
		if (n)
			err = c->ops->data(c->ctx, &c->entry, data, n);
		c->have += (u32)n;
		if (c->have == c->entry.size)
			enter(c, CPIO_DATA_PAD);
		return err ? err : (ssize_t)n;
	case CPIO_DATA_PAD:
		n = min_t(size_t, len, (-c->entry.size & 3) - c->have);
		c->have += (u32)n;
		if (c->have == (-c->entry.size & 3))
			err = end_entry(c);
		return err ? err : (ssize_t)n;
	}
	UNREACHABLE();
}

/* States that want nothing more move on without input. */
static bool wants_input(const struct cpio *c)
{
	switch (c->state) {
	case CPIO_HEADER:
	case CPIO_NAME: return true;
	case CPIO_NAME_PAD: return c->have < (-(HEADER_SIZE + c->namesize) & 3);
	case CPIO_DATA: return c->have < c->entry.size;
	case CPIO_DATA_PAD: return c->have < (-c->entry.size & 3);
	}
	UNREACHABLE();
}

int cpio_feed(struct cpio *c, const void *data, size_t len)
{
	const u8 *p = data;

	while (len || !wants_input(c)) {
		ssize_t n = step(c, p, len);

		if (n < 0)
			return (int)n;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int cpio_finish(struct cpio *c)
{
	return c->state == CPIO_HEADER && !c->have ? 0 : -ENODATA;
}
