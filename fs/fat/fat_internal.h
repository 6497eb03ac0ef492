/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FAT: the volume, its files, and what the files of fs/fat tell each other.
 *
 * On the disk, in sectors: boot sector with the parameters, one or more copies of the allocation
 * table, on FAT12 and FAT16 a root directory of fixed size, then clusters, numbered from 2.  The
 * table says for each cluster which one follows in its file.  A file is known by its directory
 * entry (32 bytes: name, attributes, times, size, first cluster) and nothing else; so an inode is
 * found by the place of that entry, its `slot`.
 *
 *	lock			guards						taken
 *	inode W of a directory	its entries					first
 *	inode W of a file	size, and the chain against change
 *	fat_sb.lock		which clusters are free, the table's entries	after inode W
 *	fat_inode.map_lock	what is remembered of the chain			innermost mutex
 *	fat_sb.slot_lock	slots: which inode owns which entry		spinlock
 *
 * A chain changes only under its inode's W, so readers under map_lock see it grow or end, never
 * turn.
 */
#pragma once

#include <fs/block/buffer.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/lib/minmax.h>
#include <kernel/sync/mutex.h>
#include <mm/until_memory.h>

/* --- on the disk ------------------------------------------------------------------------------ */

struct fat_dirent {
	u8 name[11];
	u8 attr;
	u8 lcase; /* FAT_LCASE_* */
	u8 ctime_cs;
	u8 ctime[2], cdate[2];
	u8 adate[2];
	u8 start_hi[2];
	u8 time[2], date[2];
	u8 start[2];
	u8 size[4];
};
static_assert(sizeof(struct fat_dirent) == 32, "directory entries are 32 bytes");

#define FAT_DIRENT_SIZE 32u

#define FAT_ATTR_RO     0x01
#define FAT_ATTR_HIDDEN 0x02
#define FAT_ATTR_SYS    0x04
#define FAT_ATTR_VOLUME 0x08
#define FAT_ATTR_DIR    0x10
#define FAT_ATTR_ARCH   0x20
#define FAT_ATTR_LFN    0x0f
#define FAT_ATTR_NONE   0

#define FAT_LCASE_BASE 0x08
#define FAT_LCASE_EXT  0x10

#define FAT_DELETED      0xe5
#define FAT_DELETED_KANJI 0x05 /* stands for a name that begins with 0xe5 */
#define FAT_LFN_LAST     0x40
#define FAT_LFN_CHARS    13u
#define FAT_LFN_MAX      255u
#define FAT_DIR_MAX_BYTES (65536u * FAT_DIRENT_SIZE)

static inline u16 fat_get16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static inline u32 fat_get32(const u8 *p)
{
	return (u32)fat_get16(p) | (u32)fat_get16(p + 2) << 16;
}

static inline void fat_put16(u8 *p, u16 v)
{
	p[0] = (u8)v;
	p[1] = (u8)(v >> 8);
}

static inline void fat_put32(u8 *p, u32 v)
{
	fat_put16(p, (u16)v);
	fat_put16(p + 2, (u16)(v >> 16));
}

/* --- the volume ------------------------------------------------------------------------------- */

enum fat_errors { FAT_ERRORS_RO, FAT_ERRORS_CONTINUE, FAT_ERRORS_PANIC };

/* shortname= */
#define SHORT_DISPLAY_LOWER 0x01
#define SHORT_DISPLAY_WIN95 0x02
#define SHORT_DISPLAY_WINNT 0x04
#define SHORT_CREATE_WIN95  0x08
#define SHORT_CREATE_WINNT  0x10

struct fat_charset;

struct fat_options {
	u32 uid, gid;
	u16 fmask, dmask;
	u16 allow_utime; /* ~0: not given */
	const struct fat_charset *codepage, *iocharset;
	u8 shortname;
	char check; /* 'r', 'n', 's' */
	u8 errors;  /* enum fat_errors */
	s32 time_offset; /* minutes to add to local time for UTC */
	bool tz_set, utf8, uni_xlate, quiet, showexec, sys_immutable, flush, nonumtail, discard,
		rodir, usefree, dots, nodots, tz_utc;
};

struct fat_sb {
	struct superblock *sb;
	struct bdev *bdev;
	struct fat_options o; /* [super.umount] */
	bool vfat;            /* [I] long names */
	u32 bits;             /* [I] 12, 16, 32 */
	u32 cluster_bits;     /* [I] log2 of its bytes */
	u32 cluster_sectors;  /* [I] in sb->blocksize */
	u32 tables;           /* [I] copies of the table */
	u32 table_start;      /* [I] sector */
	u32 table_sectors;    /* [I] of each copy */
	u32 root_start;       /* [I] sector; FAT12, FAT16 */
	u32 root_entries;     /* [I] FAT12, FAT16 */
	u32 data_start;       /* [I] sector of cluster 2 */
	u32 cluster_limit;    /* [I] clusters are 2 to this, exclusive */
	u32 root_cluster;     /* [I] FAT32 */
	u32 info_sector;      /* [I] FAT32, 0: none */
	u32 volume_id;        /* [I] */
	bool was_dirty;       /* [I] not unmounted last time */
	bool is_marked;       /* [super.umount] dirty on the disk on our account */
	struct mutex lock;    /* l */
	u32 free_clusters;    /* [l] when known */
	bool free_known;      /* [l] */
	bool info_dirty;      /* [l] */
	u32 next_free;        /* [l] where to look first */
	u32 errors_logged;    /* [a] */
	u32 mirrors_behind;   /* [a] a copy of the table is not up to date */
	struct spinlock slot_lock; /* s, RANK_INODE_SPIN, after inode.spin */
	struct list moved;         /* [s] inodes whose number is not their slot's */
	u64 next_ino;              /* [s] */
};

static inline struct fat_sb *fat_sb(const struct superblock *sb)
{
	return sb->private;
}

static inline u32 fat_cluster_sector(const struct fat_sb *fs, u32 cluster)
{
	return fs->data_start + (cluster - 2) * fs->cluster_sectors;
}

static inline bool fat_cluster_valid(const struct fat_sb *fs, u32 cluster)
{
	return cluster >= 2 && cluster < fs->cluster_limit;
}

/*
 * The volume contradicts itself: say so, and make it read-only or whatever errors= wants.
 * Returns -EIO.
 */
int fat_error(struct fat_sb *fs, const char *fmt, ...) __printf(2, 3);

/* --- files ------------------------------------------------------------------------------------ */

/* Clusters that follow each other on the disk and in the file. */
struct fat_run {
	u32 index; /* in the file */
	u32 cluster;
	u32 count;
};

struct fat_inode {
	struct mutex map_lock;  /* m */
	struct fat_run *runs;   /* [m] by index: every one up to a point, or (stride > 1) some */
	u32 nr_runs, max_runs;  /* [m] */
	u32 stride;             /* [m] clusters that must lie between two remembered runs */
	u32 start;              /* [m, inode W] first cluster, 0: none */
	u32 clusters;           /* [inode W] in the chain, when known */
	bool clusters_known;    /* [inode W] */
	u8 attrs;               /* [inode W] FAT_ATTR_* besides RO and DIR */
	u64 slot;               /* [fat_sb.slot_lock] place of the entry, 0: none */
	struct list moved;      /* [fat_sb.slot_lock] */
	struct inode inode;
};

static inline struct fat_inode *fat_i(const struct inode *inode)
{
	return container_of(inode, struct fat_inode, inode);
}

static inline bool fat_is_fixed_root(const struct inode *dir)
{
	return dir == dir->sb->root->inode && fat_sb(dir->sb)->bits != 32;
}

#define FAT_ROOT_INO 1

/* --- table.c: the table ----------------------------------------------------------------------- */

#define FAT_FREE 0u
#define FAT_EOC  0xffffffffu /* end of chain */
#define FAT_BAD  0xfffffff7u

/* A sector of the table at hand. */
struct fat_cursor {
	struct fat_sb *fs;
	struct buffer *buffer;
	u64 block;
	bool dirty;
};
void fat_cursor_init(struct fat_cursor *c, struct fat_sb *fs);
/* Copies what changed to the other tables. */
void fat_cursor_fini(struct fat_cursor *c);
/* Copies the whole table to the others if some copy failed before.  Returns 0 or -EIO. */
int fat_mirror_all(struct fat_sb *fs);
/* The entry of a valid cluster: FAT_FREE, FAT_EOC, FAT_BAD, or a number (not checked). */
int fat_table_get(struct fat_cursor *c, u32 cluster, u32 *value) __must_check;
/* What follows `cluster` in its chain: a valid cluster or FAT_EOC; -EIO for anything else. */
int fat_table_next(struct fat_cursor *c, u32 cluster, u32 *next) __must_check;
/* Set one entry.  Locks: inode W of the chain's owner. */
int fat_table_set(struct fat_sb *fs, u32 cluster, u32 value) __must_check;
/*
 * A chain of up to `want` free clusters, one after the other after `hint` if possible.  Returns 0
 * and at least one in *got, or -ENOSPC, -EIO, -EROFS.  Context: may sleep.  Locks: fat_sb.lock
 * taken.
 */
int fat_alloc(struct fat_sb *fs, u32 hint, u32 want, u32 *first, u32 *last, u32 *got) __must_check;
/* Free a chain from `first` on.  Returns 0 or the error that ended it early. */
int fat_free_chain(struct fat_sb *fs, u32 first);
/*
 * Discard runs of `least` free clusters and more in [first, end).  Returns 0, -EIO, -ERESTARTSYS,
 * with *trimmed clusters discarded.  Context: may sleep.  Locks: fat_sb.lock taken.
 */
int fat_trim(struct fat_sb *fs, u32 first, u32 end, u32 least, u64 *trimmed) __must_check;
/* Free clusters; counts them the first time.  Returns 0 or -EIO. */
int fat_count_free(struct fat_sb *fs, u32 *out) __must_check;

/* --- chain.c: the clusters of a file ---------------------------------------------------------- */

void fat_chain_init(struct fat_inode *fi);
void fat_chain_fini(struct fat_inode *fi);
/*
 * The cluster `index` of the file in *cluster and how many follow it directly in *count, looking no
 * further than `want`; *count 0: the chain ends before.  Context: may sleep.  Locks: map_lock
 * taken.
 */
int fat_chain_map(struct inode *inode, u32 index, u32 want, u32 *cluster, u32 *count) __must_check;
/* Length of the chain.  Locks: inode W, or a new inode. */
int fat_chain_count(struct inode *inode, u32 *out) __must_check;
/* `want` more clusters at the end, or some of them: *got.  Locks: inode W. */
int fat_chain_grow(struct inode *inode, u32 want, u32 *got) __must_check;
/* Keep the first `keep` clusters.  Locks: inode W. */
int fat_chain_cut(struct inode *inode, u32 keep);
/* Link a chain made by fat_alloc to the end.  On failure it is freed.  Locks: inode W. */
int fat_chain_link(struct inode *inode, u32 first, u32 last, u32 nr) __must_check;

static inline u32 fat_size_clusters(const struct fat_sb *fs, u64 size)
{
	return (u32)((size + (1ull << fs->cluster_bits) - 1) >> fs->cluster_bits);
}

/* --- inode.c ---------------------------------------------------------------------------------- */

/* The inode of an entry, made if need be.  Locks: W or R of the directory. */
int fat_iget(struct superblock *sb, const struct fat_dirent *de, u64 slot,
	     struct inode **out) __must_check;
/* Number of the inode of a slot, for directory listings. */
u64 fat_slot_ino(struct superblock *sb, u64 slot);
int fat_root_create(struct superblock *sb, struct inode **out) __must_check;
/* The entry of `inode` is now at `slot`, 0: nowhere.  Locks: W of the directories. */
void fat_inode_move(struct inode *inode, u64 slot);
extern const struct export_ops fat_export_ops;
int fat_write_inode(struct inode *inode, bool wait);
void fat_evict_inode(struct inode *inode);
struct inode *fat_alloc_inode(struct superblock *sb);
void fat_free_inode(struct inode *inode);
void fat_inode_caches_init(void);
int fat_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *attr);
int fat_getattr(const struct path *path, struct inode *inode, struct kstat *out, u32 mask,
		unsigned flags);
int fat_update_time(struct inode *inode, s64 now, unsigned which);
u8 fat_make_attrs(const struct inode *inode);
void fat_save_attrs(struct inode *inode, u8 attrs);
umode_t fat_make_mode(const struct fat_sb *fs, u8 attrs, umode_t mode);
/* Put first cluster and what follows from it into the entry. */
void fat_dirent_set_start(struct fat_dirent *de, u32 cluster);
u32 fat_dirent_start(const struct fat_sb *fs, const struct fat_dirent *de);

/* Times: 2 s units of local time from 1980; `cs` hundredths, or NULL. */
s64 fat_time_decode(const struct fat_sb *fs, const u8 *time, const u8 *date, u8 cs);
void fat_time_encode(const struct fat_sb *fs, s64 ns, u8 *time, u8 *date, u8 *cs);
/* Rounded as the disk keeps them. */
s64 fat_time_round(s64 ns);
s64 fat_atime_round(const struct fat_sb *fs, s64 ns);

/* --- file.c ----------------------------------------------------------------------------------- */

extern const struct file_ops fat_file_ops;
extern const struct inode_ops fat_file_inode_ops;
extern const struct iomap_ops fat_iomap_ops;
long fat_ioctl(struct file *file, unsigned cmd, unsigned long arg);
int fat_fsync(struct file *file, loff_t start, loff_t end, bool data_only);
int fat_truncate(struct inode *inode, u64 size);

/* --- charset.c, name.c: names ----------------------------------------------------------------- */

const struct fat_charset *fat_charset_find(const char *name);
const char *fat_charset_name(const struct fat_charset *cs);
bool fat_charset_is_utf8(const struct fat_charset *cs);
bool fat_charset_is_codepage(const struct fat_charset *cs);
/* One character; 0: not a character of the set. */
u16 fat_charset_to_unicode(const struct fat_charset *cs, u8 c);
u8 fat_charset_from_unicode(const struct fat_charset *cs, u16 u);
u16 fat_unicode_upper(u16 u);
u16 fat_unicode_lower(u16 u);

/* A name as the file system compares it. */
struct fat_name {
	unsigned len;
	u16 chars[FAT_LFN_MAX + 1];
};

/* From the bytes of a path: -ENAMETOOLONG, -EINVAL (not in the character set). */
int fat_name_decode(const struct fat_sb *fs, const char *name, size_t len,
		    struct fat_name *out) __must_check;
/* As bytes, at most `size`.  Returns the length. */
size_t fat_name_encode(const struct fat_sb *fs, const u16 *chars, unsigned len, char *buf,
		       size_t size);
#define FAT_NAME_BYTES (FAT_LFN_MAX * 6 + 1)
/* Trailing dots do not count. */
void fat_name_strip(struct fat_name *n);
bool fat_name_equal(const struct fat_sb *fs, const u16 *a, unsigned alen, const u16 *b,
		    unsigned blen);
/* May it be created?  0 or -EINVAL. */
int fat_name_check(const struct fat_sb *fs, const struct fat_name *n) __must_check;
/* The 8.3 name of an entry as users see it, at most 12 characters.  Returns its length. */
unsigned fat_short_decode(const struct fat_sb *fs, const struct fat_dirent *de, u16 *out);
u8 fat_short_checksum(const u8 *name);

/* What a new name becomes on the disk. */
struct fat_short {
	u8 name[11];
	u8 lcase;
	bool lossless; /* it says all there is: no long name needed */
	bool is_exact; /* but for the case of letters it does: no tail of numbers needed */
	u8 base_len;
};
int fat_short_make(const struct fat_sb *fs, const struct fat_name *n,
		   struct fat_short *out) __must_check;
/* msdos: the whole name. */
int fat_msdos_make(const struct fat_sb *fs, const char *name, size_t len, u8 *out) __must_check;

/* --- dir.c: reading directories --------------------------------------------------------------- */

struct fat_dir_cursor {
	struct inode *dir;
	u64 pos; /* of the entry that next() gives */
	struct buffer *buffer;
	u64 block;
};
void fat_dir_begin(struct fat_dir_cursor *c, struct inode *dir, u64 pos);
/* The next 32 bytes; -ENOENT at the end.  *slot: its place on the disk.  Valid until the next
 * call. */
int fat_dir_next(struct fat_dir_cursor *c, struct fat_dirent **out, u64 *slot) __must_check;
void fat_dir_end(struct fat_dir_cursor *c);

/* A file's entry with its long name. */
struct fat_entry {
	u64 pos;      /* of the first of its slots in the directory */
	unsigned nr;  /* slots: long name and entry */
	u64 slot;     /* of the entry proper */
	struct fat_dirent de;
	struct fat_name name; /* as users see it: the long one if there is one */
	bool is_long;
	u16 short_chars[12];
	unsigned short_len;
};
/* Skips labels and deleted ones.  -ENOENT at the end. */
int fat_entry_next(struct fat_dir_cursor *c, struct fat_entry *e) __must_check;
int fat_entry_find(struct inode *dir, const struct fat_name *name,
		   struct fat_entry *e) __must_check;
/* The entry at a slot of the directory, with its long name. */
int fat_entry_of(struct inode *dir, const struct inode *inode, struct fat_entry *e) __must_check;
int fat_dir_is_empty(struct inode *dir) __must_check; /* 0, -ENOTEMPTY, -EIO */
int fat_dir_count_subdirs(struct inode *dir, u32 *out) __must_check;
extern const struct file_ops fat_dir_ops;

/* --- entry.c: changing directories; locks: W of the directory --------------------------------- */

/* Is the short name taken? */
int fat_short_taken(struct inode *dir, const u8 *name) __must_check; /* 1, 0, -EIO */
/* A tail of numbers makes the short name unique. */
int fat_short_unique(struct inode *dir, struct fat_short *s) __must_check;
/* Enter `de` (its name set) with the long name `n`, or NULL.  Fills pos, nr and slot of *e. */
int fat_entry_add(struct inode *dir, const struct fat_name *n, const struct fat_dirent *de,
		  struct fat_entry *e) __must_check;
int fat_entry_remove(struct inode *dir, const struct fat_entry *e);
/* Change the entry of a slot. */
int fat_entry_update(struct superblock *sb, u64 slot, const struct fat_dirent *de) __must_check;
/* ".." of a directory leads to a new parent. */
int fat_dotdot_set(struct inode *dir, u32 cluster) __must_check;
/* A cluster with "." and "..", for a directory to be. */
int fat_dir_make(struct inode *parent, s64 now, u32 *cluster) __must_check;
/* A cluster of entries goes back: what was written to it must not reach the disk later, in
 * somebody's data. */
void fat_dir_unmake(struct fat_sb *fs, u32 cluster);
int fat_dir_sync(struct inode *dir);

/* --- namei.c, options.c ----------------------------------------------------------------------- */

extern const struct inode_ops fat_dir_inode_ops;
extern const struct dentry_ops fat_dentry_ops;
int fat_parse_options(struct fat_options *o, char *text, bool vfat, bool remount) __must_check;
void fat_default_options(struct fat_options *o, bool vfat);
void fat_show_options(struct superblock *sb, struct seq *out);
