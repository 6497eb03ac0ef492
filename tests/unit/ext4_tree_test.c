/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories of ext4 over blocks in memory: entries come and go by the hundred thousand, indices
 * grow to their full depth, listings stay right meanwhile; damaged directories and failing
 * allocations end in errors.  Buffers, journal and block maps are stand-ins of a few lines; the
 * hash is one that can be told to collide.
 *
 * link: fs/ext4/dirent.c fs/ext4/entry.c fs/ext4/htree.c fs/ext4/dir.c
 * link: kernel/lib/crc32.c kernel/lib/sort.c
 */
#include <fs/ext4/dir_internal.h>
#include <fs/vfs/dir.h>
#include <fs/vfs/file.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <host.h>

/* The stand-ins */

#define MAX_BLOCKS 40000u

static struct buffer *blocks[MAX_BLOCKS];
static u32 errors;         /* reported by the code under test */
static u32 looked_at;      /* blocks */
static long append_budget; /* blocks until the disk is full; negative: endless */
static struct superblock sb;
static struct ext4_super es;
static struct ext4_inode dir;
static struct file file;

void *kmalloc(size_t size, gfp_t gfp)
{
	void *p = host_alloc(size ?: 1);

	if (p && (gfp & __GFP_ZERO))
		memset(p, 0, size);
	return p;
}

void kfree(const void *p)
{
	host_free((void *)p);
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp);
}

void kvfree(const void *p)
{
	kfree(p);
}

void buffer_put(struct buffer *b)
{
	if (b)
		b->refs.n--;
}

static struct buffer *buffer_take(struct buffer *b)
{
	b->refs.n++;
	return b;
}

int ext4_block_read(struct inode *inode, u32 lblock, struct buffer **out)
{
	looked_at++;
	*out = lblock < MAX_BLOCKS && blocks[lblock] ? buffer_take(blocks[lblock]) : NULL;
	return 0;
}

void ext4_block_readahead(struct inode *inode, u32 lblock, u32 nr)
{
}

int ext4_block_append(struct handle *h, struct inode *inode, u32 *lblock, struct buffer **out)
{
	struct buffer *b;

	if (!append_budget)
		return -ENOSPC;
	append_budget -= append_budget > 0;
	b = host_alloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	memset(b, 0, sizeof(*b));
	b->size = sb.blocksize;
	b->data = host_alloc(b->size);
	if (!b->data) {
		host_free(b);
		return -ENOMEM;
	}
	memset(b->data, 0, b->size);
	b->refs.n = 1;
	*lblock = (u32)(inode->size >> sb.blkbits);
	b->block = *lblock;
	blocks[*lblock] = b;
	inode->size += sb.blocksize;
	*out = buffer_take(b);
	return 0;
}

static u32 hash_mask = ~0u;

int ext4_name_hash(unsigned version, const u32 seed[4], const char *name, size_t len,
		   struct ext4_hash *out)
{
	u32 crc = crc32c(seed[0], name, len);

	*out = (struct ext4_hash){crc & hash_mask & ~1u,
				  crc32c(crc, name, len) & (hash_mask | 0xff)};
	if (out->major == 0xfffffffe)
		out->major = 0xfffffffc;
	return version > EXT4_HASH_TEA_UNSIGNED ? -EINVAL : 0;
}

int journal_get_write(struct handle *h, struct buffer *b)
{
	return 0;
}

/* What is handed to the journal must be right: this is where its checksum is looked at. */
int journal_dirty(struct handle *h, struct buffer *b)
{
	bool root = !b->block && ext4_dir_is_indexed(&dir.inode);

	if (!es.csum)
		return 0;
	if (buffer_test(b, BUFFER_HTREE_VERIFIED))
		EXPECT(ext4_htree_tail_ok(b->data, root, dir.csum_seed));
	else
		EXPECT(ext4_dirblock_tail_ok(b->data, b->size, dir.csum_seed));
	return 0;
}

void ext4_error_at(struct superblock *s, const struct inode *inode, u64 block, const char *func,
		   unsigned line, const char *fmt, ...)
{
	errors++;
}

void ext4_warn(struct superblock *s, const char *fmt, ...)
{
}

s64 inode_now(const struct inode *inode)
{
	return 1;
}

loff_t generic_lseek_size(struct file *f, loff_t offset, int whence, loff_t max, loff_t eof)
{
	return f->pos = offset;
}

long ext4_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	return -ENOTTY;
}

int ext4_fsync(struct file *f, loff_t start, loff_t end, bool data_only)
{
	return 0;
}

static void dir_setup(u32 block_size, bool csum, u32 compat, u32 incompat)
{
	es = (struct ext4_super){.sb = &sb,
				 .block_size = block_size,
				 .csum = csum,
				 .compat = compat,
				 .incompat = incompat,
				 .inodes = 10000000,
				 .hash_seed = {1, 2, 3, 4},
				 .hash_version = EXT4_HASH_HALF_MD4};
	sb = (struct superblock){
		.private = &es, .blocksize = block_size, .blkbits = block_size == 1024 ? 10 : 12};
	memset(&dir, 0, sizeof(dir));
	dir.csum_seed = 0x1234;
	dir.inode.sb = &sb;
	dir.inode.ino = 12;
	dir.inode.mode = S_IFDIR | 0755;
	file = (struct file){.inode = &dir.inode};
	errors = 0;
	append_budget = -1;
	EXPECT_EQ(ext4_dir_init(NULL, &dir.inode, 2), 0);
}

static void dir_drop(void)
{
	for (u32 i = 0; i < MAX_BLOCKS && blocks[i]; i++) {
		EXPECT_EQ(blocks[i]->refs.n, 1);
		host_free(blocks[i]->data);
		host_free(blocks[i]);
		blocks[i] = NULL;
	}
}

/* Names */

static struct dentry dentry_of(const char *name, struct inode *inode)
{
	return (struct dentry){.name = name, .len = (u32)strlen(name), .inode = inode};
}

static int add(const char *name, u32 ino)
{
	struct dentry d = dentry_of(name, NULL);
	struct ext4_entry e;
	/* Half of them as open(O_CREAT) does it: by way of a lookup. */
	int err = ino & 1 ? ext4_entry_find(&dir.inode, name, d.len, &d, &e) : -ENOENT;

	EXPECT_EQ(err, -ENOENT);
	return ext4_entry_add(NULL, &dir.inode, &d, ino, S_IFREG);
}

static u32 find(const char *name)
{
	struct ext4_entry e;
	u32 ino;

	if (ext4_entry_find(&dir.inode, name, (u32)strlen(name), NULL, &e))
		return 0;
	ino = e.ino;
	ext4_entry_put(&e);
	return ino;
}

static int del(const char *name, u32 ino, u64 cookie)
{
	struct inode inode = {.ino = ino};
	struct dentry d = dentry_of(name, &inode);
	struct ext4_entry e;
	int err;

	d.cookie = cookie;
	err = ext4_entry_find_dentry(&dir.inode, &d, &e);
	if (err)
		return err;
	err = ext4_entry_remove(NULL, &dir.inode, ino & 1 ? &d : NULL, &e);
	ext4_entry_put(&e);
	/* Half of them are made again at once. */
	if (!err && (ino & 2)) {
		err = ext4_entry_add(NULL, &dir.inode, &d, ino, S_IFREG);
		if (!err)
			err = ext4_entry_find_dentry(&dir.inode, &d, &e)
				      ?: ext4_entry_remove(NULL, &dir.inode, NULL, &e);
		if (!err)
			ext4_entry_put(&e);
	}
	return err;
}

/* Listing: how often each inode was seen. */

struct lister {
	struct dir_context ctx;
	u8 *seen;
	u32 max, limit, total;
	loff_t last;
	bool any_order;
};

static bool list_one(struct dir_context *ctx, const char *name, size_t len, loff_t pos, u64 ino,
		     unsigned type)
{
	struct lister *l = container_of(ctx, struct lister, ctx);

	if (!l->limit--)
		return false;
	EXPECT(l->any_order || pos >= l->last);
	l->last = pos;
	l->total++;
	if (ino < l->max)
		l->seen[ino]++;
	return true;
}

/* One getdents of at most `limit` entries. */
static int list_some(struct lister *l, u32 limit)
{
	u32 before = l->total;
	int err;

	l->limit = limit;
	l->ctx.actor = list_one;
	l->ctx.pos = file.pos;
	err = ext4_dir_ops.iterate(&file, &l->ctx);
	file.pos = l->ctx.pos;
	return err ?: (int)(l->total - before);
}

static void list_begin(struct lister *l, u32 max)
{
	*l = (struct lister){.seen = host_alloc(max), .max = max};
	memset(l->seen, 0, max);
	file.pos = 0;
}

static void list_end(struct lister *l)
{
	host_free(l->seen);
	ext4_dir_ops.release(&file);
	file.private = NULL;
}

static void name_make(char *name, u32 i)
{
	snprintf(name, 64, i % 7 ? "file%u" : "a_rather_long_name_of_a_file_%08u", i);
}

static void grow_and_shrink(u32 n)
{
	struct lister l;
	char name[64];

	for (u32 i = 0; i < n; i++) {
		name_make(name, i);
		REQUIRE(!add(name, i + 100));
	}
	for (u32 i = 0; i < n; i++) {
		name_make(name, i);
		EXPECT_EQ(find(name), i + 100);
	}
	EXPECT_EQ(find("nobody"), 0);
	EXPECT_EQ(find(".."), 2);
	list_begin(&l, n + 100);
	while (list_some(&l, 1 + host_random(200)) > 0)
		;
	EXPECT_EQ(l.total, n + 2);
	for (u32 i = 0; i < n; i++)
		EXPECT_EQ(l.seen[i + 100], 1);
	list_end(&l);
	EXPECT_EQ(ext4_dir_is_empty(&dir.inode), !n);
	for (u32 i = 0; i < n; i++) {
		name_make(name, i);
		EXPECT_EQ(del(name, i + 100, host_random(2) ? host_random(1 << 30) : 0), 0);
	}
	EXPECT_EQ(ext4_dir_is_empty(&dir.inode), 1);
	EXPECT_EQ(errors, 0);
}

TEST(small_and_large)
{
	static const u32 sizes[] = {0, 1, 20, 90, 400, 20000};

	for (int csum = 0; csum < 2; csum++) {
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
			dir_setup(4096, csum, EXT4_COMPAT_DIR_INDEX, EXT4_INCOMPAT_FILETYPE);
			grow_and_shrink(sizes[i]);
			dir_drop();
		}
	}
}

TEST(without_index)
{
	dir_setup(1024, false, 0, 0);
	grow_and_shrink(3000);
	EXPECT(!(dir.flags & EXT4_INDEX_FL));
	dir_drop();
}

/* Blocks of 1 KiB: an index of two levels is full at about a hundred thousand names, one of three
 * is not. */
TEST(deep)
{
	u32 n = 0;
	char name[64];
	int err;

	dir_setup(1024, true, EXT4_COMPAT_DIR_INDEX, EXT4_INCOMPAT_FILETYPE);
	do {
		snprintf(name, sizeof(name), "a_name_to_fill_blocks_with_quickly_%u", n);
		err = add(name, ++n + 100);
	} while (!err);
	EXPECT_EQ(err, -ENOSPC);
	EXPECT(n > 60000);
	dir_drop();
	dir_setup(1024, true, EXT4_COMPAT_DIR_INDEX,
		  EXT4_INCOMPAT_FILETYPE | EXT4_INCOMPAT_LARGEDIR);
	grow_and_shrink(300000);
	dir_drop();
}

/* Blocks looked at to find one of `n` names, or one that is not there: on the average and at most,
 * beside index and leaf. */
static void count_looks(u32 n)
{
	u32 depth = ext4_htree_root_info(blocks[0]->data)->indirect_levels + 2, most = 0;
	u64 total = 0;
	char name[64];

	for (u32 i = 0; i < 20000; i++) {
		u32 k = (u32)host_random(2 * n);

		name_make(name, k);
		looked_at = 0;
		EXPECT_EQ(find(name), k < n ? k + 100 : 0);
		most = max(most, looked_at);
		total += looked_at;
	}
	EXPECT(total < 20000ull * depth + 200);
	/* Names of one hash may be in two leaves. */
	EXPECT(most <= depth + 2);
}

/* What a name costs does not grow with the directory (seen with 1,000,000 of them, too; here the
 * blocks are small, so that the index is as deep). */
TEST(looks)
{
	const u32 n = 30000;
	u32 most = 0;
	char name[64];

	dir_setup(1024, true, EXT4_COMPAT_DIR_INDEX, EXT4_INCOMPAT_FILETYPE);
	for (u32 i = 0; i < n; i++) {
		name_make(name, i);
		looked_at = 0;
		REQUIRE(!add(name, i + 100));
		most = max(most, looked_at);
		if (i == 999)
			count_looks(i + 1);
	}
	EXPECT(most < 10);
	count_looks(n);
	most = 0;
	for (u32 i = 0; i < n; i++) {
		name_make(name, i);
		looked_at = 0;
		EXPECT_EQ(del(name, i + 100, 0), 0);
		most = max(most, looked_at);
	}
	EXPECT(most < 20); /* half are made and removed again */
	EXPECT_EQ(errors, 0);
	dir_drop();
}

/* What stays in the directory all the time is listed exactly once, whatever happens to the rest. */
TEST(listing_while_changing)
{
	const u32 stay = 1000, total = 6000;
	char name[64];

	for (int round = 0; round < 6; round++) {
		static bool there[6000];
		struct lister l;

		dir_setup(round & 1 ? 1024 : 4096, round & 2, EXT4_COMPAT_DIR_INDEX, 0);
		memset(there, 0, sizeof(there));
		for (u32 i = 0; i < (round < 4 ? stay : 20); i++) {
			name_make(name, i);
			EXPECT_EQ(add(name, i + 100), 0);
		}
		list_begin(&l, total + 100);
		while (list_some(&l, 1 + host_random(50)) > 0) {
			for (int k = 0; k < 40; k++) {
				u32 i = stay + (u32)host_random(total - stay);

				name_make(name, i);
				if (there[i])
					EXPECT_EQ(del(name, i + 100, 0), 0);
				else
					EXPECT_EQ(add(name, i + 100), 0);
				there[i] = !there[i];
			}
		}
		for (u32 i = 0; i < (round < 4 ? stay : 20); i++)
			EXPECT_EQ(l.seen[i + 100], 1);
		for (u32 i = stay; i < total; i++)
			EXPECT(l.seen[i + 100] <= 1);
		EXPECT_EQ(errors, 0);
		list_end(&l);
		dir_drop();
	}
}

/* Cookies: right, stale, of other names. */
TEST(cookies)
{
	char name[64];

	dir_setup(4096, true, EXT4_COMPAT_DIR_INDEX, EXT4_INCOMPAT_FILETYPE);
	for (u32 i = 0; i < 2000; i++) {
		struct dentry d;

		name_make(name, i);
		d = dentry_of(name, NULL);
		EXPECT_EQ(ext4_entry_add(NULL, &dir.inode, &d, i + 100, S_IFREG), 0);
		EXPECT(d.cookie);
		if (i % 3 == 0)
			EXPECT_EQ(del(name, i + 100, d.cookie), 0);
		else if (i % 3 == 1)
			EXPECT_EQ(del(name, i + 100, d.cookie ^ host_random(1 << 22)), 0);
	}
	for (u32 i = 0; i < 2000; i++) {
		name_make(name, i);
		EXPECT_EQ(find(name), i % 3 == 2 ? i + 100 : 0);
	}
	EXPECT_EQ(errors, 0);
	dir_drop();
}

/* Many names of few hashes: chains over several leaves. */
TEST(collisions)
{
	static const u32 masks[] = {0, 0x80000000, 0x00c00000, 0x0001e000, 0x1fffffe};

	for (unsigned i = 0; i < ARRAY_SIZE(masks); i++) {
		hash_mask = masks[i];
		dir_setup(1024, i & 1, EXT4_COMPAT_DIR_INDEX, EXT4_INCOMPAT_FILETYPE);
		grow_and_shrink(i ? 4000 : 800);
		dir_drop();
	}
	hash_mask = ~0u;
}

/* The disk is full, or memory is, at any moment: what was there stays. */
TEST(failures)
{
	char name[64];

	for (int round = 0; round < 300; round++) {
		u32 n = 0;

		dir_setup(1024, true, EXT4_COMPAT_DIR_INDEX, EXT4_INCOMPAT_FILETYPE);
		append_budget = round & 1 ? (long)host_random(40) : -1;
		for (u32 i = 0; i < 800; i++) {
			int err;

			name_make(name, i);
			host_fail_after(round & 1 ? -1 : (long)host_random(20));
			err = add(name, i + 100);
			host_fail_after(-1);
			EXPECT(err == 0 || err == -ENOSPC || err == -ENOMEM);
			n += !err;
			EXPECT_EQ(find(name), err ? 0 : i + 100);
		}
		EXPECT_EQ(errors, 0);
		dir_drop();
	}
}

static void damage(u32 flips)
{
	u32 count = (u32)(dir.inode.size >> sb.blkbits);

	for (u32 i = 0; i < flips; i++) {
		struct buffer *b = blocks[host_random(4) ? host_random(count) : 0];
		u8 *data = b->data;
		u32 at = (u32)host_random(host_random(2) ? 64 : b->size);

		data[at] = host_random(3) ? (u8)host_random(256)
					  : (u8)(data[at] ^ 1u << host_random(8));
		b->flags = 0;
	}
}

/* Nothing crashes, nothing goes on for ever. */
TEST(damaged)
{
	char name[64];

	for (int round = 0; round < 1500; round++) {
		struct lister l;
		u32 lists = 0;

		dir_setup(1024, false, EXT4_COMPAT_DIR_INDEX, EXT4_INCOMPAT_FILETYPE);
		for (u32 i = 0; i < (round & 3 ? 3000 : 30); i++) {
			name_make(name, i);
			EXPECT_EQ(add(name, i + 100), 0);
		}
		damage(1 + (u32)host_random(12));
		for (u32 i = 0; i < 40; i++) {
			u32 k = (u32)host_random(4000);

			name_make(name, k);
			(void)find(name);
			if (i & 1)
				EXPECT(del(name, k + 100, host_random(1 << 24)) <= 0);
			else
				EXPECT(ext4_entry_add(NULL, &dir.inode,
						      &(struct dentry){.name = name,
								       .len = (u32)strlen(name)},
						      k + 100, S_IFREG) <= 0);
		}
		list_begin(&l, 5000);
		l.any_order = true;
		while (lists < 100000 && list_some(&l, 40) > 0)
			lists++;
		EXPECT(lists < 100000);
		list_end(&l);
		EXPECT(ext4_dir_is_empty(&dir.inode) <= 1);
		dir_drop();
	}
}
