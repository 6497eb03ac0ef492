/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: bytes of a path, characters as compared, 8.3 on the disk.
 *
 * Inside, a name is UTF-16 as long names are stored.  Names are the same when they differ only in
 * the case of ASCII letters (unless check=strict), as on Linux with utf8.
 *
 * A short name is eight and three bytes of the code page in upper case.  Windows NT keeps a bit for
 * a base and one for an extension that are wholly lower case.  What a short name cannot express
 * makes a long name necessary, and perhaps a tail of numbers.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>

#include "fat_internal.h"

/* --- bytes to characters ---------------------------------------------------------------------- */

static bool speaks_utf8(const struct fat_sb *fs)
{
	return fs->o.utf8 || fat_charset_is_utf8(fs->o.iocharset);
}

/* One character of UTF-8 at s: *out.  Returns its bytes, 0: malformed. */
static unsigned utf8_next(const u8 *s, size_t len, u32 *out)
{
	static const u32 least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned n = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;
	u32 c;

	if (!n || n > len)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (unsigned i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return n;
}

static int put_char(struct fat_name *out, u32 c)
{
	unsigned units = c < 0x10000 ? 1 : 2;

	if (out->len + units > FAT_LFN_MAX)
		return -ENAMETOOLONG;
	if (units == 2) {
		c -= 0x10000;
		out->chars[out->len++] = (u16)(0xd800 | c >> 10);
		c = 0xdc00 | (c & 0x3ff);
	}
	out->chars[out->len++] = (u16)c;
	return 0;
}

/* ":1234" of uni_xlate stands for a character that the set lacks. */
static unsigned escape_next(const struct fat_sb *fs, const char *s, size_t len, u32 *out)
{
	u32 c = 0;

	if (!fs->o.uni_xlate || *s != ':' || len < 5)
		return 0;
	for (unsigned i = 1; i < 5; i++) {
		char d = s[i];
		int v = d >= '0' && d <= '9'                     ? d - '0'
			: (d | 0x20) >= 'a' && (d | 0x20) <= 'f' ? (d | 0x20) - 'a' + 10
								 : -1;

		if (v < 0)
			return 0;
		c = c << 4 | (u32)v;
	}
	*out = c;
	return 5;
}

int fat_name_decode(const struct fat_sb *fs, const char *name, size_t len, struct fat_name *out)
{
	out->len = 0;
	while (len) {
		unsigned n = 1;
		u32 c;
		int err;

		if (speaks_utf8(fs)) {
			n = utf8_next((const u8 *)name, len, &c);
		} else if (!(n = escape_next(fs, name, len, &c))) {
			c = fat_charset_to_unicode(fs->o.iocharset, (u8)*name);
			n = c ? 1 : 0;
		}
		if (!n)
			return -EINVAL;
		err = put_char(out, c);
		if (err)
			return err;
		name += n;
		len -= n;
	}
	return 0;
}

/* --- characters to bytes ---------------------------------------------------------------------- */

static unsigned utf8_put(u32 c, char *buf)
{
	if (c < 0x80) {
		buf[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		buf[0] = (char)(0xc0 | c >> 6);
		buf[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		buf[0] = (char)(0xe0 | c >> 12);
		buf[1] = (char)(0x80 | (c >> 6 & 0x3f));
		buf[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	buf[0] = (char)(0xf0 | c >> 18);
	buf[1] = (char)(0x80 | (c >> 12 & 0x3f));
	buf[2] = (char)(0x80 | (c >> 6 & 0x3f));
	buf[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* One character of UTF-16; half a pair becomes the replacement character. */
static unsigned utf16_next(const u16 *s, unsigned len, u32 *out)
{
	if (s[0] < 0xd800 || s[0] >= 0xe000) {
		*out = s[0];
		return 1;
	}
	if (s[0] < 0xdc00 && len > 1 && s[1] >= 0xdc00 && s[1] < 0xe000) {
		*out = 0x10000 + ((u32)(s[0] & 0x3ff) << 10 | (s[1] & 0x3ff));
		return 2;
	}
	*out = 0xfffd;
	return 1;
}

static unsigned charset_put(const struct fat_sb *fs, u16 u, char *buf)
{
	static const char digits[] = "0123456789abcdef";
	u8 c = fat_charset_from_unicode(fs->o.iocharset, u);

	if (c || !fs->o.uni_xlate) {
		buf[0] = c ? (char)c : '?';
		return 1;
	}
	buf[0] = ':';
	for (unsigned i = 1; i < 5; i++, u <<= 4)
		buf[i] = digits[u >> 12];
	return 5;
}

size_t fat_name_encode(const struct fat_sb *fs, const u16 *chars, unsigned len, char *buf,
		       size_t size)
{
	size_t used = 0;

	while (len && used + 6 <= size) {
		unsigned n = 1;
		u32 c;

		if (speaks_utf8(fs)) {
			n = utf16_next(chars, len, &c);
			used += utf8_put(c, buf + used);
		} else {
			used += charset_put(fs, *chars, buf + used);
		}
		chars += n;
		len -= n;
	}
	return used;
}

/* --- comparing, checking ---------------------------------------------------------------------- */

void fat_name_strip(struct fat_name *n)
{
	while (n->len && n->chars[n->len - 1] == '.')
		n->len--;
}

static u16 fold(u16 c)
{
	return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
}

bool fat_name_equal(const struct fat_sb *fs, const u16 *a, unsigned alen, const u16 *b,
		    unsigned blen)
{
	if (alen != blen)
		return false;
	for (unsigned i = 0; i < alen; i++) {
		if (a[i] != b[i] && (fs->o.check == 's' || fold(a[i]) != fold(b[i])))
			return false;
	}
	return true;
}

static bool is_one_of(u16 c, const char *set)
{
	for (; *set; set++) {
		if (c == (u8)*set)
			return true;
	}
	return false;
}

int fat_name_check(const struct fat_sb *fs, const struct fat_name *n)
{
	for (unsigned i = 0; i < n->len; i++) {
		if (n->chars[i] < 0x20 || is_one_of(n->chars[i], "*?<>|\":/\\"))
			return -EINVAL;
	}
	return n->len && n->chars[n->len - 1] != ' ' ? 0 : -EINVAL;
}

/* --- short names of entries ------------------------------------------------------------------- */

u8 fat_short_checksum(const u8 *name)
{
	u8 sum = 0;

	for (unsigned i = 0; i < 11; i++)
		sum = (u8)((sum & 1 ? 0x80 : 0) + (sum >> 1) + name[i]);
	return sum;
}

/* One byte as the user sees it. */
static u16 short_char(const struct fat_sb *fs, u8 c, bool lower_bit)
{
	u16 u = fat_charset_to_unicode(fs->o.codepage, c);

	if (!u)
		return '?';
	if (!fs->vfat)
		return fs->o.check == 's' ? u : fat_unicode_lower(u);
	if (fs->o.shortname & SHORT_DISPLAY_LOWER)
		return fat_unicode_lower(u);
	return (fs->o.shortname & SHORT_DISPLAY_WINNT) && lower_bit ? fat_unicode_lower(u) : u;
}

unsigned fat_short_decode(const struct fat_sb *fs, const struct fat_dirent *de, u16 *out)
{
	unsigned len = 0, base = 8, ext = 11;

	while (base && de->name[base - 1] == ' ')
		base--;
	while (ext > 8 && de->name[ext - 1] == ' ')
		ext--;
	if (!fs->vfat && de->attr & FAT_ATTR_HIDDEN && fs->o.dots && base)
		out[len++] = '.';
	for (unsigned i = 0; i < base && len < 12; i++) {
		u8 c = !i && de->name[0] == FAT_DELETED_KANJI ? FAT_DELETED : de->name[i];

		out[len++] = short_char(fs, c, de->lcase & FAT_LCASE_BASE);
	}
	if (ext > 8 && len < 12)
		out[len++] = '.';
	for (unsigned i = 8; i < ext && len < 12; i++)
		out[len++] = short_char(fs, de->name[i], de->lcase & FAT_LCASE_EXT);
	return len;
}

/* --- short names for new files ---------------------------------------------------------------- */

/* A base or an extension being made. */
struct short_part {
	u8 *to;
	unsigned len, max;
	bool lossless, upper, lower; /* nothing lost; no letter of the other case */
};

static void part_add(const struct fat_sb *fs, struct short_part *p, u16 c)
{
	u16 up = fat_unicode_upper(c);
	u8 byte;

	if (c == ' ' || c == '.') {
		p->lossless = false;
		return;
	}
	if (p->len == p->max) {
		p->lossless = false;
		return;
	}
	byte = is_one_of(c, "[];,+=") ? 0 : fat_charset_from_unicode(fs->o.codepage, up);
	if (!byte && c >= 0x80)
		byte = fat_charset_from_unicode(fs->o.codepage, c);
	if (!byte) {
		byte = '_';
		p->lossless = false;
	}
	if (fat_unicode_lower(c) != c)
		p->lower = false;
	if (up != c)
		p->upper = false;
	p->to[p->len++] = byte;
}

/* Is the case of both parts something that can be kept without a long name? */
static bool case_fits(const struct fat_sb *fs, const struct short_part *base,
		      const struct short_part *ext, u8 *lcase)
{
	*lcase = 0;
	if (fs->o.shortname & SHORT_CREATE_WIN95)
		return base->upper && ext->upper;
	if (!(base->upper || base->lower) || !(ext->upper || ext->lower))
		return false;
	if (!base->upper)
		*lcase |= FAT_LCASE_BASE;
	if (!ext->upper)
		*lcase |= FAT_LCASE_EXT;
	return true;
}

static int last_dot(const struct fat_name *n)
{
	unsigned first = 0;

	while (first < n->len && n->chars[first] == '.')
		first++;
	for (unsigned i = n->len; i-- > first;) {
		if (n->chars[i] == '.')
			return (int)i;
	}
	return -1;
}

int fat_short_make(const struct fat_sb *fs, const struct fat_name *n, struct fat_short *out)
{
	struct short_part base = {out->name, 0, 8, true, true, true};
	struct short_part ext = {out->name + 8, 0, 3, true, true, true};
	int dot = last_dot(n);
	unsigned end = dot < 0 ? n->len : (unsigned)dot;

	memset(out->name, ' ', sizeof(out->name));
	for (unsigned i = 0; i < end; i++)
		part_add(fs, &base, n->chars[i]);
	for (unsigned i = end + 1; i < n->len; i++)
		part_add(fs, &ext, n->chars[i]);
	if (!base.len) {
		base.lossless = false;
		out->name[base.len++] = '_';
	}
	if (dot >= 0 && !ext.len)
		base.lossless = false;
	if (out->name[0] == FAT_DELETED)
		out->name[0] = FAT_DELETED_KANJI;
	out->base_len = (u8)base.len;
	out->lossless = base.lossless && ext.lossless && case_fits(fs, &base, &ext, &out->lcase);
	if (!out->lossless)
		out->lcase = 0;
	out->is_exact = base.lossless && ext.lossless;
	return 0;
}

/* --- msdos ------------------------------------------------------------------------------------ */

/* One byte of an msdos name in its place; 0: not allowed. */
static u8 msdos_char(const struct fat_sb *fs, char c)
{
	u16 u = fat_charset_to_unicode(fs->o.codepage, (u8)c);

	if (is_one_of((u8)c, "*?<>|\"") || (fs->o.check != 'r' && is_one_of((u8)c, "+=,; ")) ||
	    is_one_of((u8)c, ":/\\") || (u8)c < 0x20)
		return 0;
	if (fs->o.check == 's' && c >= 'A' && c <= 'Z')
		return 0;
	if (u) {
		u8 up = fat_charset_from_unicode(fs->o.codepage, fat_unicode_upper(u));

		return up ? up : (u8)c;
	}
	return (u8)c;
}

int fat_msdos_make(const struct fat_sb *fs, const char *name, size_t len, u8 *out)
{
	unsigned at = 0, limit = 8;

	memset(out, ' ', 11);
	if (len && *name == '.') {
		if (!fs->o.dots)
			return -EINVAL;
		name++;
		len--;
	}
	for (; len; name++, len--) {
		u8 c;

		if (*name == '.' && limit == 8 && at) {
			at = 8;
			limit = 11;
			continue;
		}
		c = *name == '.' ? 0 : msdos_char(fs, *name);
		if (!c || (at == 0 && c == ' '))
			return -EINVAL;
		if (at < limit)
			out[at++] = c;
		else if (fs->o.check == 's')
			return -EINVAL;
	}
	if (out[0] == ' ')
		return -EINVAL;
	if (out[0] == FAT_DELETED)
		out[0] = FAT_DELETED_KANJI;
	return 0;
}
