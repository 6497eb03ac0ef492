/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ISO 9660: the volume, its records, and what the files of fs/isofs tell each other.
 *
 * From the sixteenth sector of 2048 bytes on there are volume descriptors; the primary one names
 * the root directory, a supplementary one (Joliet) the root of a second tree with names in UCS-2.
 * A directory is one extent of records; a record is a name, flags, a time and one extent.  A file
 * of several extents has several records, one behind the other, all but the last flagged.
 *
 * A file is known by the place of its record, in bytes from the start of the volume; a directory by
 * the place of its own first record ("."), however it was reached.  The inode number is that place
 * in units of 32 bytes, which no two records share.  Everything about an inode is read from there.
 *
 * Rock Ridge (rock.c) puts owners, modes, long names, links and devices into the space behind the
 * names, and from there into continuation areas elsewhere.
 *
 * Nothing changes after the mount but inodes coming into being: there are no locks here.
 */
#pragma once

#include <fs/block/buffer.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>

#define ISO_SECTOR 2048u
#define ISO_NAME_MAX 254u

/* --- the volume ------------------------------------------------------------------------------- */

struct iso_options {
	u32 uid, gid;
	bool uid_set, gid_set;
	umode_t mode, dmode; /* ISO_MODE_UNSET */
	bool rock, joliet, cruft, hide, showassoc, override_rock, nocompress;
	char map;       /* 'n', 'o', 'a' */
	char check;     /* 'u': as the volume suggests, 'r', 's' */
	u32 block_size; /* least block size of the device */
	u32 session;    /* ISO_NO_SESSION */
	u32 sbsector;   /* ISO_NO_SECTOR */
};
#define ISO_MODE_UNSET ((umode_t)~0u)
#define ISO_NO_SESSION ~0u
#define ISO_NO_SECTOR  ~0u

struct iso_sb {
	struct superblock *sb;
	struct bdev *bdev;
	struct iso_options o; /* [I] */
	bool rock;            /* [I] the volume has Rock Ridge, and it is wanted */
	u8 rock_skip;         /* [I] bytes to skip in each record's system use area */
	u8 joliet;            /* [I] level of the tree in use, 0: the primary one */
	u32 blocks;           /* [I] as the descriptor says */
	u32 errors_logged;    /* [a] */
};

static inline struct iso_sb *iso_sb(const struct superblock *sb)
{
	return sb->private;
}

/* The volume contradicts itself: say so.  Returns -EIO. */
int iso_error(struct iso_sb *fs, const char *fmt, ...) __printf(2, 3);

/*
 * Bytes of the volume.  *held is the buffer used last, to be put by the caller in the end; NULL at
 * first.  Returns 0, -EIO, -ENOMEM.  Context: may sleep.
 */
int iso_read(struct iso_sb *fs, struct buffer **held, u64 byte, void *to, unsigned n) __must_check;

/* --- record.c: records ------------------------------------------------------------------------ */

#define ISO_FLAG_HIDDEN     0x01
#define ISO_FLAG_DIR        0x02
#define ISO_FLAG_ASSOCIATED 0x04
#define ISO_FLAG_MORE       0x80 /* the file goes on in the next record */

#define ISO_RECORD_MIN 34u

struct iso_record {
	u64 place;    /* byte on the volume */
	unsigned len; /* at least ISO_RECORD_MIN; the name fits */
	u8 raw[256];
};

/* Both byte orders are there: the first is little-endian. */
static inline u32 iso_record_extent(const struct iso_record *r)
{
	return get_unaligned_le32(r->raw + 2) + r->raw[1];
}

static inline u32 iso_record_size(const struct iso_record *r)
{
	return get_unaligned_le32(r->raw + 10);
}

static inline const u8 *iso_record_date(const struct iso_record *r)
{
	return r->raw + 18;
}

static inline u8 iso_record_flags(const struct iso_record *r)
{
	return r->raw[25];
}

static inline unsigned iso_record_name_len(const struct iso_record *r)
{
	return r->raw[32];
}

static inline const u8 *iso_record_name(const struct iso_record *r)
{
	return r->raw + 33;
}

/* "." and ".." have names of one byte, 0 and 1. */
static inline bool iso_record_is_dots(const struct iso_record *r)
{
	return iso_record_name_len(r) == 1 && iso_record_name(r)[0] <= 1;
}

static inline bool iso_record_is_interleaved(const struct iso_record *r)
{
	return r->raw[27] != 0;
}

/*
 * The record at a byte of the volume, or, if there is none in the rest of that sector, at the start
 * of one of the following, looking no further than `end`.  Returns 0, -ENOENT, -EIO, -ENOMEM.
 */
int iso_record_at(struct iso_sb *fs, struct buffer **held, u64 byte, u64 end,
		  struct iso_record *out) __must_check;

/* Where the inode of a record is read. */
u64 iso_record_home(const struct iso_sb *fs, const struct iso_record *r);

/* ns since 1970.  Seven bytes, or sixteen digits and a time zone. */
s64 iso_date_short(const u8 *p);
s64 iso_date_long(const u8 *p);

/* --- inode.c ---------------------------------------------------------------------------------- */

struct iso_extent {
	u32 block;
	u32 bytes;
};
#define ISO_MAX_EXTENTS 100u

struct iso_inode {
	struct iso_extent first;     /* [I] */
	struct iso_extent *extents;  /* [I] &first, or allocated */
	unsigned nr_extents;         /* [I] */
	char *link;                  /* [I] of a symlink; allocated */
	struct inode inode;
};

static inline struct iso_inode *iso_i(const struct inode *inode)
{
	return container_of(inode, struct iso_inode, inode);
}

/* The inode whose record is at `place`.  Returns 0, -EIO, -ENOMEM.  Context: may sleep. */
int iso_iget(struct superblock *sb, u64 place, struct inode **out) __must_check;
struct inode *iso_alloc_inode(struct superblock *sb);
void iso_free_inode(struct inode *inode);
void iso_evict_inode(struct inode *inode);
void iso_inode_cache_init(void);

/* --- rock.c: Rock Ridge ----------------------------------------------------------------------- */

/* Walks the entries of one record's system use area and its continuations. */
struct iso_rock {
	struct iso_sb *fs;
	const u8 *at;
	unsigned left;
	u32 next_block, next_offset, next_len; /* continuation to come, next_len 0: none */
	unsigned hops;
	u8 *area; /* what was read of it; kept from record to record */
};
void iso_rock_init(struct iso_rock *rock, struct iso_sb *fs);
void iso_rock_fini(struct iso_rock *rock);
/* Does the record of a root directory announce Rock Ridge?  Sets fs->rock and rock_skip. */
int iso_rock_detect(struct iso_sb *fs, const struct iso_record *r) __must_check;
/*
 * The long name: *len bytes (0: there is none) in `out` of ISO_NAME_MAX + 1.  -ENOENT: the record
 * stands for a directory that is to be seen elsewhere.
 */
int iso_rock_name(struct iso_rock *rock, const struct iso_record *r, char *out,
		  unsigned *len) __must_check;
/*
 * Mode, owner, times, device, symlink of a new inode; *moved_to: the byte of the record that the
 * directory really begins with, 0: not moved.
 */
int iso_rock_inode(struct iso_sb *fs, struct inode *inode, const struct iso_record *r,
		   u64 *moved_to) __must_check;

/* --- name.c, dir.c ---------------------------------------------------------------------------- */

#define ISO_NAME_BYTES 400u /* room for any name: 127 UCS-2 characters in UTF-8, 254 bytes */

/* The name as users see it.  -ENOENT: not to be seen. */
int iso_name(struct iso_sb *fs, struct iso_rock *rock, const struct iso_record *r, char *out,
	     unsigned *len) __must_check;
bool iso_name_equal(const struct iso_sb *fs, const char *a, unsigned alen, const char *b,
		    unsigned blen);

extern const struct file_ops iso_dir_ops;
extern const struct inode_ops iso_dir_inode_ops;

/* --- options.c -------------------------------------------------------------------------------- */

void iso_default_options(struct iso_options *o);
int iso_parse_options(struct iso_options *o, char *text) __must_check;
void iso_show_options(struct superblock *sb, struct seq *out);
