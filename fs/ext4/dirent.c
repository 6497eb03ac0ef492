/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of directory entries.
 *
 * A block is a chain of entries without gaps; each says how long it is, and what it does not need
 * is room.  Removing an entry gives its length to the one before; the first becomes unused (inode
 * 0). With metadata_csum the last 12 bytes look like an unused entry and hold a checksum.
 *
 * Loops over a block check just what keeps them inside it and moving; names are checked where they
 * are used.  ext4_dirblock_fault() checks all the rest, once, when the block comes from the disk.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>

#include "dirent.h"

#define ENTRY_MIN 12u /* a name of one byte */

/* rec_len and name_len in one load */
static __always_inline u32 entry_word(const void *block, u32 off)
{
	return *(const u32 *)((const u8 *)block + off + offsetof(struct ext4_dirent, rec_len));
}

/* Too short to be an entry, or not a multiple of 4: in one comparison. */
static __always_inline bool length_is_bad(u32 rec_len)
{
	return unlikely(ror32(rec_len - ENTRY_MIN, 2) > 0x3fff);
}

static __always_inline bool same_name(const struct ext4_dirent *de, const char *name, u32 len)
{
	/* Names that differ tend to differ at the end. */
	if (len >= 4 &&
	    get_unaligned_le32(de->name + len - 4) != get_unaligned_le32(name + len - 4))
		return false;
	return !memcmp(de->name, name, len);
}

int ext4_dirblock_find(const void *block, u32 end, const char *name, u32 len,
		       struct ext4_dirslot *slot)
{
	u32 off = 0, prev = EXT4_DIR_NONE, room = EXT4_DIR_NONE;
	u32 slack = EXT4_DIRENT_SIZE(len) + 8 + 3;

	while (off <= end - ENTRY_MIN) {
		u32 word = entry_word(block, off);
		u32 rec = word & 0xffff, name_len = word >> 16 & 0xff;

		if (length_is_bad(rec))
			return -EUCLEAN;
		if (name_len == len) {
			const struct ext4_dirent *de = ext4_dirent_at(block, off);

			if (8 + len > rec || rec > end - off)
				return -EUCLEAN;
			if (same_name(de, name, len) && de->inode) {
				slot->off = off;
				slot->prev = prev;
				return 0;
			}
		}
		if (unlikely(rec - name_len >= slack) && rec >= name_len && room == EXT4_DIR_NONE)
			room = off;
		prev = off;
		off += rec;
	}
	slot->room = room;
	return off == end ? -ENOENT : -EUCLEAN;
}

int ext4_dirblock_seek(const void *block, u32 end, u32 want, u32 *prev)
{
	u32 off = 0;

	*prev = EXT4_DIR_NONE;
	if (want > end - ENTRY_MIN)
		return -ENOENT;
	while (off < want) {
		u32 rec = entry_word(block, off) & 0xffff;

		if (length_is_bad(rec))
			return -EUCLEAN;
		*prev = off;
		off += rec;
	}
	return off == want ? 0 : -ENOENT;
}

/* Bytes of the entry that nobody needs. */
static u32 entry_slack(const struct ext4_dirent *de)
{
	u32 need = de->inode ? EXT4_DIRENT_SIZE(de->name_len) : 0;

	return de->rec_len > need ? de->rec_len - need : 0;
}

bool ext4_dirent_has_room(const struct ext4_dirent *de, u32 len)
{
	return entry_slack(de) >= EXT4_DIRENT_SIZE(len);
}

int ext4_dirblock_room(const void *block, u32 end, u32 len, u32 *found)
{
	u32 need = EXT4_DIRENT_SIZE(len), off = 0;

	while (off <= end - ENTRY_MIN) {
		const struct ext4_dirent *de = ext4_dirent_at(block, off);

		if (length_is_bad(de->rec_len) || de->rec_len > end - off)
			return -EUCLEAN;
		if (entry_slack(de) >= need) {
			*found = off;
			return 0;
		}
		off += de->rec_len;
	}
	return off == end ? -ENOSPC : -EUCLEAN;
}

/* The only way to change entries of a block in use: the checksum behind them follows. */
static void put_bytes(void *block, u32 end, bool csum, u32 off, const void *bytes, u32 len)
{
	u8 *at = (u8 *)block + off;

	if (csum) {
		struct ext4_dirent_tail *t = (struct ext4_dirent_tail *)((u8 *)block + end);

		t->checksum = crc32c_change(t->checksum, at, bytes, len, end - off - len);
	}
	memcpy(at, bytes, len);
}

/* A new length for the entry at `off`. */
static void put_length(void *block, u32 end, bool csum, u32 off, u32 length)
{
	struct ext4_dirent head = *ext4_dirent_at(block, off);

	head.rec_len = length;
	put_bytes(block, end, csum, off + 4, &head.rec_len, 4);
}

u32 ext4_dirblock_insert(void *block, u32 end, bool csum, u32 off, u32 ino, u8 type,
			 const char *name, u32 len)
{
	struct {
		struct ext4_dirent de;
		char name[EXT4_NAME_LEN + 1];
	} fresh;
	const struct ext4_dirent *de = ext4_dirent_at(block, off);
	u32 rec = de->rec_len, size = EXT4_DIRENT_SIZE(len);

	if (de->inode) {
		u32 used = EXT4_DIRENT_SIZE(de->name_len);

		put_length(block, end, csum, off, used);
		off += used;
		rec -= used;
	}
	fresh.de.inode = ino;
	fresh.de.rec_len = rec;
	fresh.de.name_len = len;
	fresh.de.file_type = type;
	put_unaligned_le32(0, (u8 *)&fresh + size - 4);
	memcpy(fresh.name, name, len);
	put_bytes(block, end, csum, off, &fresh, size);
	return off;
}

void ext4_dirblock_remove(void *block, u32 end, bool csum, u32 off, u32 prev)
{
	const struct ext4_dirent *de = ext4_dirent_at(block, off);
	u32 none = 0;

	if (prev == EXT4_DIR_NONE)
		put_bytes(block, end, csum, off, &none, sizeof(none));
	else
		put_length(block, end, csum, prev,
			   ext4_dirent_at(block, prev)->rec_len + de->rec_len);
}

void ext4_dirblock_set(void *block, u32 end, bool csum, u32 off, u32 ino, u8 type)
{
	struct ext4_dirent head = *ext4_dirent_at(block, off);

	head.inode = ino;
	head.file_type = type;
	put_bytes(block, end, csum, off, &head, sizeof(head));
}

void ext4_dirblock_clear(void *block, u32 from, u32 end)
{
	*ext4_dirent_at(block, from) = (struct ext4_dirent){.rec_len = end - from};
}

u32 ext4_dirblock_used(const void *block, u32 end)
{
	u32 used = 0;

	for (u32 off = 0; off < end; off += ext4_dirent_at(block, off)->rec_len) {
		if (length_is_bad(ext4_dirent_at(block, off)->rec_len))
			break;
		if (ext4_dirent_at(block, off)->inode)
			used += EXT4_DIRENT_SIZE(ext4_dirent_at(block, off)->name_len);
	}
	return used;
}

void ext4_dirblock_dots(void *block, u32 end, u32 self, u32 parent, u8 type)
{
	*ext4_dirent_at(block, 0) = (struct ext4_dirent){self, 12, 1, type};
	*ext4_dirent_at(block, 12) = (struct ext4_dirent){parent, end - 12, 2, type};
	ext4_dirent_at(block, 0)->name[0] = '.';
	memcpy(ext4_dirent_at(block, 12)->name, "..", 2);
}

static bool is_dots(const struct ext4_dirent *de)
{
	return de->name[0] == '.' &&
	       (de->name_len == 1 || (de->name_len == 2 && de->name[1] == '.'));
}

int ext4_dirblock_empty(const void *block, u32 end)
{
	u32 off = 0;

	while (off <= end - ENTRY_MIN) {
		const struct ext4_dirent *de = ext4_dirent_at(block, off);

		if (length_is_bad(de->rec_len))
			return -EUCLEAN;
		if (de->inode && !is_dots(de))
			return 0;
		off += de->rec_len;
	}
	return off == end ? 1 : -EUCLEAN;
}

/* Checking all of it */

static bool name_is_bad(const struct ext4_dirent *de)
{
	for (u32 i = 0; i < de->name_len; i++) {
		if (!de->name[i] || de->name[i] == '/')
			return true;
	}
	return false;
}

const char *ext4_dirent_fault(const void *block, u32 end, u32 off, u32 max_ino)
{
	const struct ext4_dirent *de = ext4_dirent_at(block, off);

	if (off > end - ENTRY_MIN)
		return "entry crosses the end of the block";
	if (de->rec_len < ENTRY_MIN)
		return "length of an entry is below the least";
	if (de->rec_len % EXT4_DIRENT_ALIGN)
		return "length of an entry is not a multiple of 4";
	if (de->rec_len > end - off)
		return "entry crosses the end of the block";
	if (!de->inode)
		return NULL;
	if (EXT4_DIRENT_SIZE(de->name_len) > de->rec_len)
		return "name is longer than its entry";
	if (!de->name_len)
		return "entry without a name";
	if (de->inode > max_ino)
		return "inode number is out of range";
	return name_is_bad(de) ? "name holds '/' or NUL" : NULL;
}

const char *ext4_dirblock_fault(const void *block, u32 end, u32 max_ino, u32 *where)
{
	u32 off = 0;

	while (off < end) {
		const char *fault = ext4_dirent_fault(block, end, off, max_ino);

		if (fault) {
			*where = off;
			return fault;
		}
		off += ext4_dirent_at(block, off)->rec_len;
	}
	return NULL;
}

/* Checksums */

static struct ext4_dirent_tail *tail_of(const void *block, u32 block_size)
{
	return (struct ext4_dirent_tail *)((u8 *)block + block_size) - 1;
}

u32 ext4_dirblock_csum(const void *block, u32 block_size, u32 seed)
{
	return crc32c(seed, block, ext4_dirblock_end(block_size, true));
}

static void tail_fill(void *block, u32 block_size, u32 csum)
{
	*tail_of(block, block_size) = (struct ext4_dirent_tail){
		.rec_len = sizeof(struct ext4_dirent_tail),
		.file_type = EXT4_FT_DIR_CSUM,
		.checksum = csum,
	};
}

void ext4_dirblock_tail_set(void *block, u32 block_size, u32 seed)
{
	tail_fill(block, block_size, ext4_dirblock_csum(block, block_size, seed));
}

void ext4_dirblock_tail_set_sparse(void *block, u32 block_size, u32 seed, u32 used)
{
	u32 csum = crc32c(seed, block, used);

	tail_fill(block, block_size,
		  crc32c_zeros(csum, ext4_dirblock_end(block_size, true) - used));
}

bool ext4_dirblock_tail_ok(const void *block, u32 block_size, u32 seed)
{
	const struct ext4_dirent_tail *t = tail_of(block, block_size);

	return !t->zero1 && t->rec_len == sizeof(*t) && !t->zero2 &&
	       t->file_type == EXT4_FT_DIR_CSUM &&
	       t->checksum == ext4_dirblock_csum(block, block_size, seed);
}

/* Splitting */

static int map_compare(const void *a, const void *b)
{
	const struct ext4_dirmap *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

int ext4_dirblock_map(const void *block, u32 end, unsigned version, const u32 seed[4],
		      struct ext4_dirmap *map)
{
	u32 count = 0, where;

	if (ext4_dirblock_fault(block, end, ~0u, &where))
		return -EUCLEAN;
	for (u32 off = 0; off < end; off += ext4_dirent_at(block, off)->rec_len) {
		const struct ext4_dirent *de = ext4_dirent_at(block, off);
		struct ext4_hash h;

		if (!de->inode)
			continue;
		if (ext4_name_hash(version, seed, de->name, de->name_len, &h))
			return -EUCLEAN;
		map[count++] = (struct ext4_dirmap){h.major, off, EXT4_DIRENT_SIZE(de->name_len)};
	}
	sort(map, count, sizeof(*map), map_compare);
	return count;
}

u32 ext4_dirmap_cut(const struct ext4_dirmap *map, u32 count)
{
	u32 total = 0, upper = 0, cut = count;

	for (u32 i = 0; i < count; i++)
		total += map[i].size;
	while (cut > 1 && upper + map[cut - 1].size / 2 < total / 2)
		upper += map[--cut].size;
	return min(cut, count - 1);
}

/* Used entries move to the front of the block, in the order they have; the last one gets the rest.
 */
void ext4_dirblock_compact(void *block, u32 end)
{
	u32 to = 0, last = EXT4_DIR_NONE;

	for (u32 off = 0; off < end;) {
		struct ext4_dirent *de = ext4_dirent_at(block, off);
		u32 rec = de->rec_len, size = min_t(u32, EXT4_DIRENT_SIZE(de->name_len), rec);

		if (length_is_bad(rec) || rec > end - off)
			return;
		if (de->inode) {
			memmove((u8 *)block + to, de, size);
			ext4_dirent_at(block, to)->rec_len = size;
			last = to;
			to += size;
		}
		off += rec;
	}
	if (last == EXT4_DIR_NONE)
		ext4_dirblock_clear(block, 0, end);
	else
		ext4_dirent_at(block, last)->rec_len = end - last;
}

u32 ext4_dirblock_move(void *from, void *to, u32 end, const struct ext4_dirmap *map, u32 count)
{
	u32 off = 0, last = EXT4_DIR_NONE;

	for (u32 i = 0; i < count; i++) {
		struct ext4_dirent *de = ext4_dirent_at(from, map[i].off);

		memcpy((u8 *)to + off, de, map[i].size);
		ext4_dirent_at(to, off)->rec_len = map[i].size;
		last = off;
		off += map[i].size;
		de->inode = 0;
	}
	if (last == EXT4_DIR_NONE)
		ext4_dirblock_clear(to, 0, end);
	else
		ext4_dirent_at(to, last)->rec_len = end - last;
	ext4_dirblock_compact(from, end);
	return last == EXT4_DIR_NONE ? sizeof(struct ext4_dirent) : off;
}

/* Index nodes */

u32 ext4_htree_search(const struct ext4_htree_entry *entries, u32 count, u32 hash)
{
	u32 low = 1, high = count;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (entries[mid].hash > hash)
			high = mid;
		else
			low = mid + 1;
	}
	return low - 1;
}

void ext4_htree_insert(struct ext4_htree_entry *entries, u32 at, u32 hash, u32 block)
{
	struct ext4_htree_count *c = ext4_htree_counts(entries);

	memmove(&entries[at + 2], &entries[at + 1], (c->count - at - 1) * sizeof(*entries));
	entries[at + 1] = (struct ext4_htree_entry){hash, block};
	c->count++;
}

const char *ext4_htree_root_fault(const void *block, u32 block_size, bool csum, u32 max_levels)
{
	const struct ext4_htree_info *info = ext4_htree_root_info(block);
	const struct ext4_dirent *dot = block, *up = ext4_dirent_at(block, 12);

	if (dot->rec_len != 12 || up->rec_len != block_size - 12)
		return "root of the index has no \".\" and \"..\"";
	if (info->zero || info->info_length != sizeof(*info) || (info->unused_flags & 1))
		return "root of the index is malformed";
	if (info->hash_version > EXT4_HASH_TEA_UNSIGNED)
		return "hash of the index is unknown";
	if (info->indirect_levels >= max_levels)
		return "index is too deep";
	return ext4_htree_node_fault(block, block_size, true, csum);
}

const char *ext4_htree_node_fault(const void *block, u32 block_size, bool root, bool csum)
{
	const struct ext4_htree_count *c = ext4_htree_counts(ext4_htree_entries(block, root));
	const struct ext4_dirent *fake = block;

	if (!root && (fake->inode || fake->rec_len != block_size))
		return "index block does not look like one";
	if (c->limit != ext4_htree_limit(block_size, root, csum))
		return "index block has a wrong limit";
	return !c->count || c->count > c->limit ? "index block has a wrong count" : NULL;
}

static struct ext4_htree_tail *htree_tail(const void *block, bool root)
{
	struct ext4_htree_entry *e = ext4_htree_entries(block, root);

	return (struct ext4_htree_tail *)&e[ext4_htree_counts(e)->limit];
}

static u32 htree_csum(const void *block, bool root, u32 seed)
{
	struct ext4_htree_entry *e = ext4_htree_entries(block, root);
	struct ext4_htree_tail t = {.reserved = htree_tail(block, root)->reserved};
	u32 used = (u32)((u8 *)&e[ext4_htree_counts(e)->count] - (u8 *)block);

	return crc32c(crc32c(seed, block, used), &t, sizeof(t));
}

void ext4_htree_tail_set(void *block, bool root, u32 seed)
{
	htree_tail(block, root)->checksum = htree_csum(block, root, seed);
}

bool ext4_htree_tail_ok(const void *block, bool root, u32 seed)
{
	return htree_tail(block, root)->checksum == htree_csum(block, root, seed);
}
