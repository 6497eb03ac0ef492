/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names.
 *
 * Rock Ridge has names as they were.  A Joliet tree has 16-bit characters, big-endian, shown as
 * UTF-8. The plain names of the standard are of capital letters with a version behind a semicolon;
 * map=normal shows them in small ones and without ";1", map=acorn also looks at what RISC OS leaves
 * behind the name, map=off shows what is there.
 */
#include <fs/vfs/dir.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>

#include "isofs_internal.h"

/* --- the standard's --------------------------------------------------------------------------- */

static unsigned map_normal(const u8 *name, unsigned n, char *out)
{
	unsigned i;

	if (n >= 3 && !memcmp(name + n - 3, ".;1", 3))
		n -= 3;
	else if (n >= 2 && !memcmp(name + n - 2, ";1", 2))
		n -= 2;
	for (i = 0; i < n && name[i]; i++) {
		u8 c = name[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		out[i] = c == ';' || c == '/' ? '.' : (char)c;
	}
	return i;
}

static unsigned map_off(const u8 *name, unsigned n, char *out)
{
	memcpy(out, name, n);
	return n;
}

/* RISC OS: 32 bytes behind the name, with the load address (its type is in it) and attributes. */
static unsigned map_acorn(const struct iso_record *r, char *out)
{
	static const char hex[] = "0123456789abcdef";
	unsigned n = map_normal(iso_record_name(r), iso_record_name_len(r), out);
	unsigned at = (ISO_RECORD_MIN + iso_record_name_len(r)) & ~1u;
	const u8 *p = r->raw + at;

	if (!n || r->len < at || r->len - at != 32 || memcmp(p, "ARCHIMEDES", 10))
		return n;
	if (*out == '_' && p[19] & 1)
		*out = '!';
	if (!(iso_record_flags(r) & ISO_FLAG_DIR) && p[13] == 0xff && (p[12] & 0xf0) == 0xf0) {
		out[n++] = ',';
		out[n++] = hex[p[12] & 15];
		out[n++] = hex[p[11] >> 4];
		out[n++] = hex[p[11] & 15];
	}
	return n;
}

/* --- Joliet ----------------------------------------------------------------------------------- */

static unsigned put_utf8(u32 c, char *out)
{
	unsigned n = 0;

	if (c < 0x80) {
		out[n++] = (char)c;
		return n;
	}
	if (c < 0x800) {
		out[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		out[n++] = (char)(0xe0 | c >> 12);
		out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		out[n++] = (char)(0xf0 | c >> 18);
		out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	out[n++] = (char)(0x80 | (c & 0x3f));
	return n;
}

static u32 get16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

/* One character at `p` of `left` bytes; *used is 2, or 4 for a pair.  Half a pair is U+FFFD. */
static u32 get_char(const u8 *p, unsigned left, unsigned *used)
{
	u32 c = get16(p), low;

	*used = 2;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	low = left >= 4 ? get16(p + 2) : 0;
	if (c >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*used = 4;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static unsigned map_joliet(const u8 *name, unsigned left, char *out)
{
	unsigned n = 0, used;
	u32 c;

	for (; left >= 2; left -= used, name += used) {
		c = get_char(name, left, &used);
		if (!c)
			break;
		n += put_utf8(c, out + n);
	}
	if (n > 2 && out[n - 2] == ';' && out[n - 1] == '1')
		n -= 2;
	while (n >= 2 && out[n - 1] == '.')
		n--;
	return n;
}

/* --- all -------------------------------------------------------------------------------------- */

static unsigned map_plain(const struct iso_sb *fs, const struct iso_record *r, char *out)
{
	const u8 *name = iso_record_name(r);
	unsigned n = iso_record_name_len(r);

	if (fs->joliet)
		return map_joliet(name, n, out);
	switch (fs->o.map) {
	case 'a': return map_acorn(r, out);
	case 'n': return map_normal(name, n, out);
	default: return map_off(name, n, out);
	}
}

static bool is_shown(const struct iso_sb *fs, const struct iso_record *r)
{
	u8 flags = iso_record_flags(r);

	return !(fs->o.hide && flags & ISO_FLAG_HIDDEN) &&
	       (fs->o.showassoc || !(flags & ISO_FLAG_ASSOCIATED));
}

/* No path can hold it. */
static bool is_usable(const char *name, unsigned len)
{
	return len && len <= 255 && !memchr(name, '/', len) && !memchr(name, 0, len) &&
	       !name_is_dots(name, len);
}

int iso_name(struct iso_sb *fs, struct iso_rock *rock, const struct iso_record *r, char *out,
	     unsigned *len)
{
	int err = 0;

	*len = 0;
	if (!is_shown(fs, r))
		return -ENOENT;
	if (fs->rock)
		err = iso_rock_name(rock, r, out, len);
	if (err)
		return err;
	if (!*len)
		*len = map_plain(fs, r, out);
	return is_usable(out, *len) ? 0 : -ENOENT;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

bool iso_name_equal(const struct iso_sb *fs, const char *a, unsigned alen, const char *b,
		    unsigned blen)
{
	while (fs->joliet && alen && a[alen - 1] == '.')
		alen--;
	while (fs->joliet && blen && b[blen - 1] == '.')
		blen--;
	if (alen != blen)
		return false;
	if (fs->o.check != 'r')
		return !memcmp(a, b, alen);
	for (unsigned i = 0; i < alen; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}
