/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directory blocks of ext4 as bytes: hashes against debugfs, entries against a model, splits, index
 * nodes, and blocks full of noise.
 *
 * link: fs/ext4/dirent.c fs/ext4/hash.c kernel/lib/crc32.c kernel/lib/sort.c
 */
#include <fs/ext4/dirent.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>

#define SEED_TEXT "01234567-89ab-cdef-0123-456789abcdef"
static const u32 seed[4] = {0x67452301, 0xefcdab89, 0x67452301, 0xefcdab89};
static const u32 no_seed[4];

/* The hashes debugfs prints for `names` (one a line, in a file) must be ours. */
static void hashes_agree(const char *algorithm, unsigned version)
{
	static const char *const names[] = {
		"a",
		"ab",
		"abc",
		"abcd",
		"hello",
		"h\xc3\xa9\xc3\xa9",
		"a_name_of_just_thirty_two_bytes_",
		"a_name_longer_than_thirty_two_bytes_by_some",
		"\xc3\xbcnicode_name_longer_than_thirty_two_bytes_\xc3\xa9",
		"0123456789012345",
		"01234567890123456",
		".hidden",
	};
	char command[512], want[64];
	size_t len;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		for (int seeded = 0; seeded < 2; seeded++) {
			struct ext4_hash h;

			snprintf(command, sizeof(command),
				 "debugfs -R 'dx_hash -h %s %s %s' /dev/null 2>/dev/null; true",
				 algorithm, seeded ? "-s " SEED_TEXT : "", names[i]);
			char *out = host_run(command, &len);
			REQUIRE(out && len > 20);
			out[len - 1] = 0;
			REQUIRE(!ext4_name_hash(version, seeded ? seed : no_seed, names[i],
						strlen(names[i]), &h));
			snprintf(want, sizeof(want), "is 0x%x (minor 0x%x)", h.major, h.minor);
			if (!strstr(out, want))
				host_test_fail(__FILE__, __LINE__, "%s: %s %s", algorithm, out,
					       want);
			host_free(out);
		}
	}
}

TEST(hashes)
{
	struct ext4_hash s, u;

	hashes_agree("legacy", EXT4_HASH_LEGACY);
	hashes_agree("half_md4", EXT4_HASH_HALF_MD4);
	hashes_agree("tea", EXT4_HASH_TEA);
	EXPECT_EQ(ext4_name_hash(EXT4_HASH_SIPHASH, seed, "x", 1, &s), -EINVAL);
	/* The unsigned ones differ for bytes above 127 only. */
	for (unsigned v = 0; v < 3; v++) {
		EXPECT_EQ(ext4_name_hash(v, seed, "plain", 5, &s), 0);
		EXPECT_EQ(ext4_name_hash(v + 3, seed, "plain", 5, &u), 0);
		EXPECT_EQ(s.major, u.major);
		EXPECT_EQ(ext4_name_hash(v, seed, "\xe9t\xe9", 3, &s), 0);
		EXPECT_EQ(ext4_name_hash(v + 3, seed, "\xe9t\xe9", 3, &u), 0);
		EXPECT(s.major != u.major);
	}
}

/* A block and what should be in it. */
#define MODEL 400
struct model {
	u8 *block;
	u32 size, end, count;
	bool csum;
	struct {
		char name[256];
		u32 len, ino;
	} e[MODEL];
};

static void model_init(struct model *m, u32 size, bool csum)
{
	m->block = host_alloc(size);
	m->size = size;
	m->csum = csum;
	m->end = ext4_dirblock_end(size, csum);
	m->count = 0;
	memset(m->block, 0, size);
	ext4_dirblock_clear(m->block, 0, m->end);
	if (csum)
		ext4_dirblock_tail_set(m->block, size, 77);
}

static void model_check(const struct model *m)
{
	struct ext4_dirslot slot;
	u32 where, used = 0, prev;

	EXPECT(!ext4_dirblock_fault(m->block, m->end, 100000, &where));
	if (m->csum)
		EXPECT(ext4_dirblock_tail_ok(m->block, m->size, 77));
	for (u32 i = 0; i < m->count; i++) {
		REQUIRE(!ext4_dirblock_find(m->block, m->end, m->e[i].name, m->e[i].len, &slot));
		EXPECT_EQ(ext4_dirent_at(m->block, slot.off)->inode, m->e[i].ino);
		EXPECT_EQ(ext4_dirblock_seek(m->block, m->end, slot.off, &prev), 0);
		EXPECT_EQ(prev, slot.prev);
	}
	for (u32 off = 0; off < m->end; off += ext4_dirent_at(m->block, off)->rec_len)
		used += !!ext4_dirent_at(m->block, off)->inode;
	EXPECT_EQ(used, m->count);
}

static void model_add(struct model *m, u32 max_len)
{
	u32 len = 1 + host_random(max_len), off, i = m->count;
	struct ext4_dirslot slot;

	for (u32 k = 0; k < len; k++)
		m->e[i].name[k] = 'a' + host_random(26);
	if (ext4_dirblock_find(m->block, m->end, m->e[i].name, len, &slot) != -ENOENT)
		return;
	if (ext4_dirblock_room(m->block, m->end, len, &off)) {
		EXPECT_EQ(slot.room, EXT4_DIR_NONE);
		return;
	}
	if (slot.room != EXT4_DIR_NONE) {
		EXPECT(ext4_dirent_has_room(ext4_dirent_at(m->block, slot.room), len));
		off = slot.room;
	}
	m->e[i].len = len;
	m->e[i].ino = 1 + host_random(100000);
	ext4_dirblock_insert(m->block, m->end, m->csum, off, m->e[i].ino, 1, m->e[i].name, len);
	m->count++;
}

static void model_remove(struct model *m)
{
	u32 i = host_random(m->count);
	struct ext4_dirslot slot;

	REQUIRE(!ext4_dirblock_find(m->block, m->end, m->e[i].name, m->e[i].len, &slot));
	ext4_dirblock_remove(m->block, m->end, m->csum, slot.off, slot.prev);
	m->e[i] = m->e[--m->count];
}

TEST(entries_come_and_go)
{
	static struct model m;
	static const u32 sizes[] = {1024, 2048, 4096};

	for (int round = 0; round < 12; round++) {
		model_init(&m, sizes[round % 3], round & 1);
		for (int step = 0; step < 600; step++) {
			if (m.count && (m.count == MODEL - 1 || host_random(5) < 2))
				model_remove(&m);
			else
				model_add(&m, step & 64 ? 255 : 20);
			if (step % 16 == 0)
				model_check(&m);
		}
		while (m.count)
			model_remove(&m);
		EXPECT_EQ(ext4_dirblock_empty(m.block, m.end), 1);
		host_free(m.block);
	}
}

TEST(leaves_split)
{
	static struct model m;
	struct ext4_dirmap map[EXT4_DIRMAP_MAX(4096)];

	for (int round = 0; round < 40; round++) {
		u8 *upper = host_alloc(4096);
		u32 where, left = 0, right = 0, cut;
		int n;

		model_init(&m, 4096, false);
		for (int i = 0; i < 300 && m.count < MODEL - 1; i++)
			model_add(&m, 1 + round * 6);
		n = ext4_dirblock_map(m.block, m.end, EXT4_HASH_HALF_MD4, seed, map);
		EXPECT_EQ(n, m.count);
		cut = ext4_dirmap_cut(map, n);
		EXPECT(cut > 0 && cut < n);
		for (int i = 1; i < n; i++)
			EXPECT(map[i - 1].hash <= map[i].hash);
		memset(upper, 0, 4096);
		u32 used = ext4_dirblock_move(m.block, upper, m.end, map + cut, n - cut);

		ext4_dirblock_tail_set_sparse(upper, 4096, 9, used);
		EXPECT(ext4_dirblock_tail_ok(upper, 4096, 9));
		EXPECT(!ext4_dirblock_fault(m.block, m.end, ~0u, &where));
		EXPECT(!ext4_dirblock_fault(upper, m.end, ~0u, &where));
		for (u32 i = 0; i < m.count; i++) {
			struct ext4_dirslot slot;
			struct ext4_hash h;

			EXPECT(!ext4_name_hash(EXT4_HASH_HALF_MD4, seed, m.e[i].name, m.e[i].len,
					       &h));
			u8 *block = h.major >= map[cut].hash ? upper : m.block;

			EXPECT(!ext4_dirblock_find(block, m.end, m.e[i].name, m.e[i].len, &slot));
			*(block == upper ? &right : &left) += EXT4_DIRENT_SIZE(m.e[i].len);
		}
		EXPECT(left <= right + 300 && right <= left + 300);
		host_free(upper);
		host_free(m.block);
	}
}

TEST(index_nodes)
{
	u8 *block = host_alloc(1024);
	struct ext4_htree_entry *e = ext4_htree_entries(block, false);
	u32 limit = ext4_htree_limit(1024, false, true);

	memset(block, 0, 1024);
	ext4_dirblock_clear(block, 0, 1024);
	*ext4_htree_counts(e) = (struct ext4_htree_count){limit, 1};
	e[0].block = 5;
	EXPECT_EQ(ext4_htree_search(e, 1, 0), 0);
	EXPECT_EQ(ext4_htree_search(e, 1, ~0u), 0);
	while (ext4_htree_counts(e)->count < limit) {
		u32 hash = host_random(1 << 30) * 2 + 2, count = ext4_htree_counts(e)->count;
		u32 at = ext4_htree_search(e, count, hash);

		ext4_htree_insert(e, at, hash, count);
	}
	for (u32 i = 2; i < limit; i++)
		EXPECT(e[i - 1].hash <= e[i].hash);
	for (u32 i = 1; i + 1 < limit; i++) {
		if (e[i].hash == e[i + 1].hash)
			continue;
		EXPECT_EQ(ext4_htree_search(e, limit, e[i].hash), i);
		EXPECT_EQ(ext4_htree_search(e, limit, e[i + 1].hash - 1), i);
	}
	EXPECT(!ext4_htree_node_fault(block, 1024, false, true));
	ext4_htree_tail_set(block, false, 3);
	EXPECT(ext4_htree_tail_ok(block, false, 3));
	EXPECT(!ext4_htree_tail_ok(block, false, 4));
	ext4_htree_counts(e)->count = limit + 1;
	EXPECT(ext4_htree_node_fault(block, 1024, false, true));
	ext4_htree_counts(e)->count = 0;
	EXPECT(ext4_htree_node_fault(block, 1024, false, true));
	host_free(block);
}

/* Whatever is in a block, nothing reads outside it, and everything ends. */
TEST(noise)
{
	struct ext4_dirmap map[EXT4_DIRMAP_MAX(1024)];

	for (int round = 0; round < 20000; round++) {
		static struct model m;
		struct ext4_dirslot slot;
		u32 off, flips = 1 + host_random(round & 3 ? 4 : 200);

		model_init(&m, 1024, round & 1);
		for (int i = 0; i < 20; i++)
			model_add(&m, 40);
		for (u32 i = 0; i < flips; i++)
			m.block[host_random(1024)] =
				round & 4 ? host_random(256) : host_random(2) * 255;
		if (!ext4_dirblock_find(m.block, m.end, "name", 4, &slot))
			ext4_dirblock_remove(m.block, m.end, m.csum, slot.off, slot.prev);
		else if (!ext4_dirblock_room(m.block, m.end, 4, &off))
			ext4_dirblock_insert(m.block, m.end, m.csum, off, 1, 1, "name", 4);
		(void)ext4_dirblock_empty(m.block, m.end);
		EXPECT(ext4_dirblock_seek(m.block, m.end, 4 * host_random(300), &off) <= 0);
		if (ext4_dirblock_map(m.block, m.end, EXT4_HASH_TEA, seed, map) > 1) {
			u8 *upper = host_alloc(1024);

			ext4_dirblock_move(m.block, upper, m.end, map + 1, 1);
			host_free(upper);
		}
		(void)ext4_htree_root_fault(m.block, 1024, m.csum, 2);
		host_free(m.block);
	}
}
