/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Squashfs: the image, its files, and what the files of fs/squashfs tell each other.
 *
 * An image is, in bytes: superblock, blocks of file data one behind the other, then tables.  Data
 * is compressed in blocks of the image's block size, 4 KiB to 1 MiB; the ends of files, which are
 * smaller, share blocks called fragments.  All else (inodes, directories, and the tables of
 * fragments, owners and attributes) is compressed in metadata blocks of 8 KiB, each behind two
 * bytes with its length.  A place in metadata is the byte of a metadata block on the image, and an
 * offset in what it holds.
 *
 * Nothing in an image is believed: places and lengths are checked where they are used, against the
 * bytes that the image has (metadata.c, io.c); every step through metadata goes forward, so what is
 * too long runs into its end.
 *
 *	lock			guards						rank
 *	sq_inode.lock		what is remembered of the list of blocks	RANK_INODE_MAP
 *	sq_sb.meta_lock		the metadata blocks in memory			RANK_FS_ALLOC
 *	sq_decoder.lock		scratch memory of the decompressor		RANK_SLEEP_LEAF
 *
 * Nothing changes after the mount but what is in memory of it.
 */
#pragma once

#include <fs/block/buffer.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/sync/completion.h>
#include <kernel/sync/mutex.h>

/* --- on the disk ------------------------------------------------------------------------------ */

#define SQ_MAGIC       0x73717368u
#define SQ_SUPER_BYTES 96u
#define SQ_META_SIZE   8192u
#define SQ_META_RAW    0x8000u /* in the two bytes before: not compressed */
#define SQ_BLOCK_RAW   (1u << 24)
#define SQ_NO_FRAGMENT 0xffffffffu
#define SQ_NO_XATTRS   0xffffffffu
#define SQ_NO_TABLE    (~0ull)
#define SQ_NAME_MAX    255u

/* Types of inodes; the second seven have more fields. */
enum {
	SQ_DIR = 1,
	SQ_FILE,
	SQ_SYMLINK,
	SQ_BLOCK,
	SQ_CHAR,
	SQ_FIFO,
	SQ_SOCKET,
	SQ_EXTENDED = 7, /* added */
};

/* A place in metadata. */
struct sq_cursor {
	u64 block;  /* byte of the image */
	u32 offset; /* in what is in it */
};

/* As references to inodes are written: block relative to a table, and offset. */
static inline struct sq_cursor sq_cursor_of(u64 table, u64 ref)
{
	return (struct sq_cursor){.block = table + (ref >> 16), .offset = ref & 0xffff};
}

/* --- the image -------------------------------------------------------------------------------- */

#define SQ_META_CACHED  16u
#define SQ_MAX_DECODERS 8u

struct sq_meta {
	u64 pos;  /* of the block, 0: none */
	u64 next; /* of what follows it */
	u32 len;
	u64 used; /* when, in uses */
	u8 *data; /* SQ_META_SIZE bytes */
};

struct sq_decoder {
	struct mutex lock;
	void *scratch; /* [lock] INFLATE_SCRATCH bytes */
};

struct sq_sb {
	struct superblock *sb;
	struct bdev *bdev;
	bool panic;         /* [super.umount] errors=panic */
	u32 block_size;     /* [I] */
	u32 block_log;      /* [I] */
	u64 bytes;          /* [I] of the image, within the device */
	u32 inodes;         /* [I] */
	u32 nr_fragments;   /* [I] */
	u32 nr_ids;         /* [I] */
	u32 nr_xattrs;      /* [I] sets of attributes */
	u64 inode_table, dir_table, fragment_index, id_index; /* [I] bytes of the image */
	u64 xattr_index;    /* [I] */
	u64 xattr_table;    /* [I] */
	u32 *ids;           /* [I] nr_ids owners */
	struct readahead_limits readahead; /* [I] */
	u32 errors_logged;  /* [a] */
	struct mapping fragments; /* fragment n at n * block_size, as read */
	struct mutex meta_lock;   /* m */
	u64 meta_uses;            /* [m] */
	struct sq_meta meta[SQ_META_CACHED]; /* [m] */
	u8 *meta_memory;          /* [I] their data, and SQ_META_SIZE more for what is read [m] */
	void *meta_scratch;       /* [m] INFLATE_SCRATCH bytes */
	unsigned nr_decoders;     /* [I] */
	struct sq_decoder decoders[SQ_MAX_DECODERS];
};

static inline struct sq_sb *sq_sb(const struct superblock *sb)
{
	return sb->private;
}

/* The image contradicts itself: say so, or end (errors=panic).  Returns -EIO. */
int sq_error(struct sq_sb *fs, const char *fmt, ...) __printf(2, 3);

/* --- files ------------------------------------------------------------------------------------ */

/* Where a block of a file's list of blocks is, remembered every so often. */
struct sq_point {
	u64 block;           /* of the file */
	u64 pos;             /* its data, byte of the image */
	struct sq_cursor at; /* its place in the list */
};

struct sq_inode {
	u32 xattrs; /* [I] which set, SQ_NO_XATTRS: none */
	union {
		struct {
			u64 start;             /* [I] data, byte of the image */
			struct sq_cursor list; /* [I] sizes of the blocks */
			u64 blocks;            /* [I] in the list */
			u32 fragment, offset;  /* [I] the rest, SQ_NO_FRAGMENT: none */
		} file;
		struct {
			struct sq_cursor at;    /* [I] listing */
			struct sq_cursor index; /* [I] */
			u32 indexes;            /* [I] entries of it */
		} dir;
	};
	char *link;              /* [I] of a symlink; allocated */
	struct mutex lock;       /* l */
	struct sq_point last;    /* [l] behind the block found last; block 0: none */
	struct sq_point *points; /* [l] of block (i + 1) * SQ_POINT_EVERY */
	u32 nr_points, max_points; /* [l] */
	struct inode inode;
};

static inline struct sq_inode *sq_i(const struct inode *inode)
{
	return container_of(inode, struct sq_inode, inode);
}

/* --- io.c: compressed data -------------------------------------------------------------------- */

/* A range of the image being read. */
struct sq_read {
	struct sq_sb *fs;
	struct page **pages;
	unsigned nr_pages;
	u32 skip, len;   /* of the first page; bytes wanted */
	u32 pending;     /* [a] transfers under way, and one for the starter */
	int error;       /* [a] of one of them */
	struct completion done;
};

/* Where a block goes: page by page, NULL: not wanted. */
struct sq_out {
	struct folio **folios;
	u32 room, done; /* bytes */
};

/* Start reading; then sq_read_finish() in any case but failure.  -EIO: not in the image.
 * -ENOMEM. */
int sq_read_start(struct sq_sb *fs, u64 pos, u32 len, struct sq_read *r) __must_check;
/*
 * Wait for it and put it out, decompressed unless `raw`; frees what sq_read_start() took.
 * out->done: how much that was. Returns 0 or -EIO.
 */
int sq_read_finish(struct sq_read *r, bool raw, struct sq_out *out) __must_check;
int sq_decoders_init(struct sq_sb *fs) __must_check;
void sq_decoders_fini(struct sq_sb *fs);

/* --- metadata.c ------------------------------------------------------------------------------- */

/* Bytes of the image as they are.  Returns 0, -EIO, -ENOMEM. */
int sq_read_bytes(struct sq_sb *fs, u64 pos, void *to, u32 len) __must_check;
/* Bytes of metadata; the cursor moves behind them.  `to` NULL: pass over.  Locks: meta_lock
 * taken. */
int sq_meta_read(struct sq_sb *fs, struct sq_cursor *at, void *to, u32 len) __must_check;
int sq_meta_init(struct sq_sb *fs) __must_check;
void sq_meta_fini(struct sq_sb *fs);

/* --- table.c: tables of fragments, owners, attributes ----------------------------------------- */

/* Entry `n` of `size` bytes (a divisor of 8192) of the table whose list of metadata blocks is at
 * `index`. */
int sq_table_read(struct sq_sb *fs, u64 index, u32 n, void *to, u32 size) __must_check;
int sq_ids_load(struct sq_sb *fs) __must_check;
/* Where fragment `n` is, and its length with SQ_BLOCK_RAW. */
int sq_fragment_find(struct sq_sb *fs, u32 n, u64 *pos, u32 *size) __must_check;

/* --- inode.c ---------------------------------------------------------------------------------- */

/* The inode with number `ino` at the reference `ref`.  Returns 0, -EIO, -ENOMEM. */
int sq_iget(struct superblock *sb, u32 ino, u64 ref, struct inode **out) __must_check;
/* The number of the inode at a reference. */
int sq_inode_number(struct sq_sb *fs, u64 ref, u32 *ino) __must_check;
struct inode *sq_alloc_inode(struct superblock *sb);
void sq_free_inode(struct inode *inode);
void sq_evict_inode(struct inode *inode);
void sq_inode_cache_init(void);

/* --- dir.c, xattr.c --------------------------------------------------------------------------- */

extern const struct file_ops sq_dir_ops;
extern const struct inode_ops sq_dir_inode_ops;
ssize_t sq_getxattr(struct inode *inode, const char *name, void *buf, size_t size);
ssize_t sq_listxattr(struct inode *inode, char *buf, size_t size);

/* --- blocks.c, file.c ------------------------------------------------------------------------- */

#define SQ_POINT_EVERY 2048u

/* Place and size (with SQ_BLOCK_RAW; 0: all zero) of a block of the list.  Locks: sq_inode.lock
 * taken. */
int sq_block_find(struct inode *inode, u64 block, u64 *pos, u32 *size) __must_check;

extern const struct file_ops sq_file_ops;
extern const struct mapping_ops sq_mapping_ops;
/* Of sq_sb.fragments. */
extern const struct mapping_ops sq_fragment_ops;
