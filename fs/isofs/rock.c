/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rock Ridge (IEEE P1282), carried by the System Use Sharing Protocol (P1281).
 *
 * Behind the name of a record, from the next even byte on, is a list of entries: two letters,
 * length, version, data.  CE names a continuation area, where the list goes on when it ends here;
 * at most MAX_HOPS of them are followed, so a circle of them ends.  An entry that does not fit ends
 * its list.
 *
 *	SP ER	the root's "." alone: how many bytes to skip in each area; that this is Rock Ridge
 *	PX PN	mode, links, owner; device number
 *	NM SL	name, symbolic link: in pieces
 *	TF	times
 *	CL RE	a directory deeper than the standard allows has its place taken by a file with CL,
 *	which says
 *		where it is; there it is marked RE, and hidden
 *	PL	in its "..": the parent it should have.  The VFS knows that
 *
 * Compressed content (ZF) is shown as it is.
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/limits.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "isofs_internal.h"

#define MAX_HOPS 32u
#define SIG(a, b) ((u16)((a) | (b) << 8))

enum { E_LEN = 2, E_DATA = 4, E_FLAGS = 4 };

/* Flags of NM, and of SL's components. */
#define PIECE_CONTINUES 1u
#define PIECE_DOT       2u
#define PIECE_DOTDOT    4u
#define PIECE_ROOT      8u

/* --- the list --------------------------------------------------------------------------------- */

void iso_rock_init(struct iso_rock *rock, struct iso_sb *fs)
{
	*rock = (struct iso_rock){.fs = fs};
}

void iso_rock_fini(struct iso_rock *rock)
{
	kfree(rock->area);
	rock->area = NULL;
}

static void rock_begin(struct iso_rock *rock, const struct iso_record *r)
{
	unsigned at = (ISO_RECORD_MIN + iso_record_name_len(r)) & ~1u;

	at += rock->fs->rock_skip;
	rock->at = r->raw + at;
	rock->left = r->len > at ? r->len - at : 0;
	rock->next_len = rock->hops = 0;
}

static u16 entry_sig(const u8 *e)
{
	return get_unaligned_le16(e);
}

/* Go on in the continuation area that was announced. */
static int rock_hop(struct iso_rock *rock)
{
	struct iso_sb *fs = rock->fs;
	u32 size = fs->sb->blocksize, offset = rock->next_offset, len = rock->next_len;
	struct buffer *held = NULL;
	int err;

	if (++rock->hops > MAX_HOPS || offset >= size || len > size - offset)
		return iso_error(fs, "Rock Ridge continues at block %u, byte %u, for %u bytes",
				 rock->next_block, offset, len);
	if (!rock->area)
		rock->area = kmalloc(size, GFP_KERNEL);
	if (!rock->area)
		return -ENOMEM;
	err = iso_read(fs, &held, ((u64)rock->next_block << fs->sb->blkbits) + offset, rock->area,
		       len);
	buffer_put(held);
	rock->at = rock->area;
	rock->left = err ? 0 : len;
	rock->next_len = 0;
	return err;
}

static void note_continuation(struct iso_rock *rock, const u8 *e)
{
	if (e[E_LEN] < 28)
		return;
	rock->next_block = get_unaligned_le32(e + 4);
	rock->next_offset = get_unaligned_le32(e + 12);
	rock->next_len = get_unaligned_le32(e + 20);
}

/*
 * The next entry: whole, at least four bytes, valid until the next call.  Returns 1, 0 at the end,
 * -EIO, -ENOMEM.
 */
static int rock_next(struct iso_rock *rock, const u8 **out)
{
	for (;;) {
		const u8 *e = rock->at;
		int err;

		if (rock->left < 4 || e[E_LEN] < 4 || e[E_LEN] > rock->left ||
		    entry_sig(e) == SIG('S', 'T')) {
			if (!rock->next_len)
				return 0;
			err = rock_hop(rock);
			if (err)
				return err;
			continue;
		}
		rock->at += e[E_LEN];
		rock->left -= e[E_LEN];
		if (entry_sig(e) != SIG('C', 'E')) {
			*out = e;
			return 1;
		}
		note_continuation(rock, e);
	}
}

/* --- is it there? ----------------------------------------------------------------------------- */

int iso_rock_detect(struct iso_sb *fs, const struct iso_record *r)
{
	bool found = false;
	struct iso_rock rock;
	const u8 *e;
	u8 skip = 0;
	int err;

	iso_rock_init(&rock, fs);
	rock_begin(&rock, r);
	while ((err = rock_next(&rock, &e)) > 0) {
		if (entry_sig(e) == SIG('S', 'P') && e[E_LEN] >= 7 && e[4] == 0xbe && e[5] == 0xef)
			skip = e[6];
		else if (entry_sig(e) == SIG('E', 'R'))
			found = true;
	}
	iso_rock_fini(&rock);
	fs->rock = found;
	fs->rock_skip = found ? skip : 0;
	return err == -ENOMEM ? err : 0;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Returns whether the name goes on. */
static bool name_piece(const u8 *e, char *out, unsigned *len)
{
	unsigned n = e[E_LEN] > 5 ? e[E_LEN] - 5u : 0;

	if (e[E_LEN] < 5 || e[E_FLAGS] & (PIECE_DOT | PIECE_DOTDOT))
		return false;
	n = min(n, ISO_NAME_MAX - *len);
	memcpy(out + *len, e + 5, n);
	*len += n;
	return e[E_FLAGS] & PIECE_CONTINUES && *len < ISO_NAME_MAX;
}

int iso_rock_name(struct iso_rock *rock, const struct iso_record *r, char *out, unsigned *len)
{
	bool more = true;
	const u8 *e;
	int err;

	*len = 0;
	rock_begin(rock, r);
	while ((err = rock_next(rock, &e)) > 0) {
		if (entry_sig(e) == SIG('R', 'E'))
			return -ENOENT;
		if (entry_sig(e) == SIG('N', 'M') && more)
			more = name_piece(e, out, len);
	}
	return err;
}

/* --- symbolic links --------------------------------------------------------------------------- */

struct link_text {
	char *text; /* PATH_MAX bytes */
	unsigned len;
	bool want_slash; /* before the next component */
	bool too_long;
};

static void link_add(struct link_text *l, const void *text, unsigned n)
{
	l->too_long |= l->len + n >= PATH_MAX;
	if (l->too_long)
		return;
	memcpy(l->text + l->len, text, n);
	l->len += n;
}

static void link_component(struct link_text *l, unsigned flags, const u8 *text, unsigned n)
{
	if (l->want_slash)
		link_add(l, "/", 1);
	switch (flags & ~PIECE_CONTINUES) {
	case 0: link_add(l, text, n); break;
	case PIECE_DOT: link_add(l, ".", 1); break;
	case PIECE_DOTDOT: link_add(l, "..", 2); break;
	case PIECE_ROOT: link_add(l, "/", 1); break;
	}
	l->want_slash = !(flags & (PIECE_CONTINUES | PIECE_ROOT));
}

/* One SL entry: a flag byte, then components of flags, length, text. */
static int link_entry(struct link_text *l, const u8 *e)
{
	unsigned at = 5;

	if (!l->text)
		l->text = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!l->text)
		return -ENOMEM;
	while (at + 2 <= e[E_LEN] && at + 2 + e[at + 1] <= e[E_LEN]) {
		link_component(l, e[at], e + at + 2, e[at + 1]);
		at += 2u + e[at + 1];
	}
	return 0;
}

/* The text becomes the inode's. */
static int link_keep(struct iso_sb *fs, struct inode *inode, struct link_text *l)
{
	if (!S_ISLNK(inode->mode))
		return 0;
	if (!l->text || !l->len || l->too_long || memchr(l->text, 0, l->len))
		return iso_error(fs, "symbolic link %llu has no text, or too much of it",
				 inode->ino);
	iso_i(inode)->link = kmalloc(l->len + 1, GFP_KERNEL);
	if (!iso_i(inode)->link)
		return -ENOMEM;
	memcpy(iso_i(inode)->link, l->text, l->len);
	iso_i(inode)->link[l->len] = 0;
	inode->link = iso_i(inode)->link;
	inode->size = l->len;
	return 0;
}

/* --- attributes ------------------------------------------------------------------------------- */

static void take_attributes(struct inode *inode, const u8 *e)
{
	if (e[E_LEN] < 36)
		return;
	inode->mode = (umode_t)get_unaligned_le32(e + 4);
	inode->nlink = get_unaligned_le32(e + 12);
	inode->uid = get_unaligned_le32(e + 20);
	inode->gid = get_unaligned_le32(e + 28);
}

/* The high half is used by some writers and not by others. */
static void take_device(struct inode *inode, const u8 *e)
{
	u32 high, low;

	if (e[E_LEN] < 20)
		return;
	high = get_unaligned_le32(e + 4);
	low = get_unaligned_le32(e + 12);
	if (!high && low & ~0xffu)
		inode->rdev = MKDEV(low >> 8 & 0xfff, low & 0xff);
	else
		inode->rdev = MKDEV(high & 0xfff, low & ((1u << MINOR_BITS) - 1));
}

/*
 * Creation, modification, access, change of attributes, in this order, those that the flags name.
 * Some writers put the change of attributes in the place of the creation.
 */
static void take_times(struct inode *inode, const u8 *e)
{
	s64 *const to[] = {&inode->ctime, &inode->mtime, &inode->atime, &inode->ctime};
	unsigned size = e[E_LEN] > 4 && e[E_FLAGS] & 0x80 ? 17 : 7, at = 5;

	for (unsigned i = 0; i < ARRAY_SIZE(to) && at + size <= e[E_LEN]; i++) {
		if (!(e[E_FLAGS] >> i & 1))
			continue;
		*to[i] = size == 7 ? iso_date_short(e + at) : iso_date_long(e + at);
		at += size;
	}
}

static int take_entry(struct inode *inode, const u8 *e, struct link_text *link, u64 *moved_to)
{
	switch (entry_sig(e)) {
	case SIG('P', 'X'): take_attributes(inode, e); return 0;
	case SIG('P', 'N'): take_device(inode, e); return 0;
	case SIG('T', 'F'): take_times(inode, e); return 0;
	case SIG('S', 'L'): return link_entry(link, e);
	case SIG('C', 'L'):
		if (e[E_LEN] >= 12)
			*moved_to = (u64)get_unaligned_le32(e + 4) << inode->sb->blkbits;
		return 0;
	default: return 0;
	}
}

int iso_rock_inode(struct iso_sb *fs, struct inode *inode, const struct iso_record *r,
		   u64 *moved_to)
{
	struct link_text link = {.text = NULL};
	struct iso_rock rock;
	const u8 *e;
	int err;

	*moved_to = 0;
	iso_rock_init(&rock, fs);
	rock_begin(&rock, r);
	while ((err = rock_next(&rock, &e)) > 0) {
		err = take_entry(inode, e, &link, moved_to);
		if (err)
			break;
	}
	if (!err && !*moved_to)
		err = link_keep(fs, inode, &link);
	kfree(link.text);
	iso_rock_fini(&rock);
	return err;
}
