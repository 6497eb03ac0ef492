/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of fs/ext4 share.
 *
 * Order of locks: inode.lock of the VFS; journal handle (ext4_start); ext4_inode.xattr;
 * ext4_inode.map; orphan list; then spinlocks: ext4_group.lock, ext4_inode.es_lock.  A handle is
 * never opened under map or xattr, and page locks are never taken under a handle.
 *
 * Every function that changes metadata takes a handle, also when there is no journal: it is then an
 * empty one.
 *
 * Malformed metadata is reported once by ext4_error() and answered -EUCLEAN; a wrong checksum by
 * -EBADMSG.
 */
#pragma once

#include <fs/block/block.h>
#include <fs/block/buffer.h>
#include <fs/ext4/ext4_format.h>
#include <fs/iomap/iomap.h>
#include <fs/jbd2/journal.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/list.h>
#include <kernel/lib/rbtree.h>
#include <kernel/sched/workqueue.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/rwsem.h>
#include <kernel/sync/spinlock.h>
#include <mm/until_memory.h>

struct dentry;
struct ext4_extent_status;
struct ext4_group;
struct ext4_itable;
struct ext4_zone;
struct file;
struct path;

#define EFSCORRUPTED EUCLEAN
#define EFSBADCRC    EBADMSG

/*
 * --- the mounted file system ---------------------------------------------------------------------
 */

enum ext4_data_mode { EXT4_DATA_ORDERED, EXT4_DATA_JOURNAL, EXT4_DATA_WRITEBACK };

/* ext4_super.options */
enum ext4_option {
	EXT4_OPT_XATTR_USER = 1 << 0,
	EXT4_OPT_ACL = 1 << 1,
	EXT4_OPT_DISCARD = 1 << 2,
	EXT4_OPT_BARRIER = 1 << 3,
	EXT4_OPT_NOLOAD = 1 << 4,
	EXT4_OPT_DELALLOC = 1 << 5,
	EXT4_OPT_GRPID = 1 << 6, /* new files take the directory's group */
	EXT4_OPT_JOURNAL_CHECKSUM = 1 << 7,
	EXT4_OPT_INIT_ITABLE = 1 << 8,
	EXT4_OPT_DEBUG = 1 << 9,
	EXT4_OPT_BLOCK_VALIDITY = 1 << 10,
	EXT4_OPT_DATA_ERR_ABORT = 1 << 11,
	EXT4_OPT_MINIX_DF = 1 << 12,
	EXT4_OPT_DIOREAD_LOCK = 1 << 13,
	EXT4_OPT_I_VERSION = 1 << 14,
	EXT4_OPT_ASYNC_COMMIT = 1 << 15,
	EXT4_OPT_OLDALLOC = 1 << 16,
	EXT4_OPT_NOUID32 = 1 << 17,
	EXT4_OPT_DISCARD_BY_MOUNT = 1 << 18,
};

/* What mount options and the superblock's defaults came to. */
struct ext4_options {
	u32 set; /* enum ext4_option */
	u8 data_mode;
	bool data_mode_given;
	u16 errors; /* EXT4_ERRORS_* */
	u32 resuid, resgid;
	u32 commit_ms;
	u32 stripe; /* blocks */
	u32 readahead_blocks;
	u32 max_batch_us, min_batch_us;
	u32 init_itable_mult;
	u64 sb_block;
};

/* What the superblock remembers of an error. */
struct ext4_error_note {
	u64 time; /* seconds */
	u64 block;
	u32 ino, line;
	char func[32];
};

struct ext4_super {
	struct superblock *sb;       /* [I] */
	struct bdev *bdev;           /* [I] */
	struct journal *journal;     /* [I] NULL: none, also for NOLOAD */
	struct inode *journal_inode; /* while it is being opened */
	u16 valid_before; /* [superblock.umount] EXT4_FS_VALID if it was, before we wrote */
	struct buffer *super_buffer;  /* [I] holds `disk` */
	struct ext4_disk_super *disk; /* [s] fields; geometry and features are [I] */
	struct mutex super_lock;      /* s: changes to the superblock outside handles' own fields */
	struct ext4_options opt;      /* [superblock.umount] */

	/* Geometry. [I] */
	u32 block_bits, block_size;
	u32 inode_size, first_ino;
	u32 blocks_per_group, inodes_per_group, inodes_per_block, itable_blocks;
	u32 desc_size, desc_per_block;
	u32 groups, desc_blocks;
	u32 inodes;
	u32 first_data_block;
	u64 blocks;
	u64 overhead;       /* blocks, for statfs */
	u64 reserved_root;  /* [superblock.umount] s_r_blocks_count */
	u64 reserved_pool;  /* blocks kept for metadata of what delayed allocation promised */
	u32 flex_bits;      /* log2 of groups per flexible group */
	u32 addr_per_block; /* block numbers in an indirect block */

	/* Features. [I] but for what ext4_feature_add() sets under super_lock; read without */
	u32 compat, incompat, ro_compat;
	u32 csum_seed; /* metadata_csum */
	u32 hash_seed[4];
	u8 hash_version; /* default of new hash trees, EXT4_HASH_*; signedness applied */
	bool hash_unsigned;
	bool csum; /* metadata_csum */
	u32 want_extra_isize;

	/*
	 * Space.  free: as the bitmaps on disk will say; promised: delayed, or taken and not yet in
	 * the bitmaps.
	 */
	s64 free_blocks; /* [a] */
	s64 promised;    /* [a] */
	s64 free_inodes; /* [a] */
	u32 clearing; /* [a] part of an inode table is being cleared: numbers free, not to be had */
	s64 dirs;     /* [a] */
	s64 freeing;  /* [a] freed blocks whose transaction is not on disk yet */
	struct spinlock discard_lock; /* d */
	struct list discards;         /* [d] freed ranges to be discarded before they are reused */
	struct work discard_work;
	/* t, RANK_FS_ALLOC: free blocks are taken while they are discarded */
	struct mutex trim_lock;
	u32 trim_least;         /* [a] the shortest run the last FITRIM was to discard, blocks */
	struct buffer **desc;     /* [I] group descriptor blocks */
	struct ext4_group *group; /* [I] one per group */
	struct ext4_zone *zones;  /* [I] metadata of the file system, sorted */
	u32 nr_zones;

	/* Orphans: the list on disk through superblock.last_orphan and inodes' dtime. */
	struct mutex orphan_lock; /* o, RANK_FS_ALLOC */
	struct list orphans;      /* [o] newest first */

	u32 next_generation;                /* [a] */
	u32 goal_seed;                      /* [a] spreads files of different threads */
	u32 errors_seen;                    /* [a] */
	bool journal_writing;               /* [superblock.umount] its thread runs */
	bool mounted;                       /* [I] errors have consequences */
	bool aborted;                       /* [a] errors=remount-ro came into force */
	struct work error_work;             /* brings errors to the superblock */
	struct spinlock error_lock;         /* r */
	struct ext4_error_note first_error; /* [r] not yet in the superblock; time 0: none */
	struct ext4_error_note last_error;  /* [r] likewise */
	u32 error_count;                    /* [r] likewise */
	bool replaying;                     /* [I] orphan clean-up at mount */
	s64 mount_time;                     /* [I] s */
	struct ext4_itable *itable; /* [superblock.umount] lazy clearing of inode tables, or NULL */
};

static inline struct ext4_super *ext4_super(const struct superblock *sb)
{
	return sb->private;
}

static inline bool ext4_has_compat(const struct ext4_super *es, u32 f)
{
	return es->compat & f;
}
static inline bool ext4_has_incompat(const struct ext4_super *es, u32 f)
{
	return es->incompat & f;
}
static inline bool ext4_has_ro(const struct ext4_super *es, u32 f)
{
	return READ_ONCE(es->ro_compat) & f;
}
static inline bool ext4_opt(const struct ext4_super *es, enum ext4_option o)
{
	return READ_ONCE(es->opt.set) & o;
}

/* Running crc32c, in and out as the format has it: from es->csum_seed or ext4_inode.csum_seed. */
static inline u32 ext4_csum(u32 crc, const void *data, size_t len)
{
	return crc32c(crc, data, len);
}

/*
 * --- inodes --------------------------------------------------------------------------------------
 */

/* ext4_inode.state */
enum ext4_inode_state {
	EXT4_STATE_XATTR,    /* the inode's body holds attributes */
	EXT4_STATE_NEW,      /* made and not yet written for the first time */
	EXT4_STATE_MAKING,   /* made, and not complete yet: handles do not lead to it */
	EXT4_STATE_BAD,      /* could not be read: leave the disk alone */
	EXT4_STATE_STALE,    /* changed since it was stored */
	EXT4_STATE_DA_ALLOC, /* truncated and rewritten: allocate on close */
	EXT4_STATE_NO_EXPAND,
	EXT4_STATE_EOFBLOCKS, /* blocks beyond the size may exist */
	EXT4_STATE_DIR_PRIV0, /* the directory half's */
	EXT4_STATE_DIR_PRIV1,
};

struct ext4_inode {
	u32 block[EXT4_N_BLOCKS];   /* [m] extent root, block pointers, or a short symlink's body */
	u32 flags;                  /* [inode.lock] EXT4_*_FL as on disk */
	u32 state;                  /* [a] BIT(enum ext4_inode_state) */
	u32 group;                  /* [I] of the inode itself */
	u32 csum_seed;              /* [I] */
	u16 extra_isize;            /* [x] */
	u64 file_acl;               /* [x] attribute block, 0: none */
	u32 dtime;                  /* [orphan_lock] next orphan while on the list */
	u32 projid;                 /* [I] */
	s64 disk_size;              /* [m] size as the disk knows it: <= inode.size */
	u32 sync_tid, datasync_tid; /* [a] transactions that fsync, fdatasync must see on disk */
	struct rwsem map;           /* m: block map, RANK_INODE_MAP */
	struct rwsem xattr;         /* x: attributes, RANK_INODE_MAP (never with map) */
	struct spinlock es_lock;    /* e */
	struct rb_root es; /* [e] extent status: what is known of the map, what is promised */
	struct ext4_extent_status *es_last; /* [e] hit last */
	u32 es_cached;                      /* [e] entries that may be dropped */
	u32 delayed;                        /* [e; read without] blocks promised and not taken */
	u32 pending;                        /* [e] blocks taken and not in the map on disk */
	/* [e; read without] blocks promised to the map itself, for those */
	u32 spare;
	u64 last_block;  /* [m] goal: behind what was allocated last */
	u32 last_lblock; /* [m] */
	s64 direct_end;  /* [inode.lock, a] where a direct write under way will move the size */
	/* [m; read without] of what is on the disk and in the map: disk_size will follow */
	s64 written_end;
	u64 tail; /* [m] where the file was cut in a block, until the rest is zero on disk, or 0 */
	u32 cuts; /* [m] how often it was cut; never 0 with a tail */
	struct spinlock raw_lock; /* the inode's bytes in its block */
	struct list orphan;       /* [orphan_lock] */
	/* Of directories [inode.lock], all zero at first. */
	u32 dir_start;  /* block where a search begins */
	u32 dir_seq;    /* counts changes, for listings */
	u32 room_block; /* where the last lookup that found nothing saw room for an entry ... */
	u32 room_offset;
	const void *room_for; /* ... of this dentry; NULL: nowhere */
	struct inode inode;
};

static inline struct ext4_inode *ext4_inode(const struct inode *inode)
{
	return container_of(inode, struct ext4_inode, inode);
}
static inline struct ext4_super *ext4_inode_super(const struct inode *inode)
{
	return inode->sb->private;
}

static inline bool ext4_state_test(const struct inode *inode, enum ext4_inode_state s)
{
	return READ_ONCE(ext4_inode(inode)->state) >> s & 1;
}
static inline void ext4_state_set(struct inode *inode, enum ext4_inode_state s)
{
	atomic_or(&ext4_inode(inode)->state, 1u << s);
}
static inline void ext4_state_clear(struct inode *inode, enum ext4_inode_state s)
{
	atomic_and(&ext4_inode(inode)->state, ~(1u << s));
}

static inline bool ext4_is_fast_symlink(const struct inode *inode)
{
	const struct ext4_inode *ei = ext4_inode(inode);
	u64 acl_sectors = ei->file_acl ? inode->sb->blocksize >> SECTOR_SHIFT : 0;

	return S_ISLNK(inode->mode) && READ_ONCE(inode->blocks) == acl_sectors;
}

/*
 * inode.c
 */

/*
 * The inode a directory entry names: linked and of a number that files may have.  Returns 0,
 * -EUCLEAN (bad number or content), -ESTALE (not in use), -EBADMSG (checksum), -EIO, -ENOMEM.
 * Context: may sleep.
 */
int ext4_inode_get(struct superblock *sb, u32 ino, struct inode **out) __must_check;
/* The inode of a handle that a program has, complete, with names or without.  Returns likewise,
 * -ESTALE also for bad numbers. */
int ext4_inode_get_open(struct superblock *sb, u32 ino, struct inode **out) __must_check;
/* Any inode, reserved ones and orphans included: mount and recovery. */
int ext4_inode_get_special(struct superblock *sb, u32 ino, struct inode **out) __must_check;

/* Where an inode is on disk, the block journalled by the open handle.  Put the buffer when done. */
struct ext4_inode_loc {
	struct buffer *buffer;
	struct ext4_disk_inode *raw;
};
/* Read only.  Returns 0, -EIO, -EUCLEAN. */
int ext4_inode_locate(struct inode *inode, struct ext4_inode_loc *loc) __must_check;
/* ... and with the right to change it. */
int ext4_inode_reserve(struct handle *h, struct inode *inode,
		       struct ext4_inode_loc *loc) __must_check;
/*
 * Write the inode's fields and checksum into the place reserved, and give it back (also on
 * failure).
 */
int ext4_inode_store(struct handle *h, struct inode *inode,
		     struct ext4_inode_loc *loc) __must_check;
/*
 * A handle for changes of the block map: the inode's place is held, so that ext4_inode_dirty does
 * not want for memory when the map has changed.
 */
int ext4_start_held(struct inode *inode, unsigned credits, struct handle **h,
		    struct ext4_inode_loc *held) __must_check;
int ext4_stop_held(struct handle *h, struct ext4_inode_loc *held) __must_check;
/* All three: the inode changed.  Locks: whatever guards what changed. */
int ext4_inode_dirty(struct handle *h, struct inode *inode) __must_check;

/*
 * Bytes of the inode behind extra_isize, for attributes: from, and until where, in the raw inode.
 * 0, 0: none.
 */
void ext4_inode_xattr_space(const struct inode *inode, u32 *from, u32 *to);

/* inode->flags (S_*) from ext4_inode.flags. */
void ext4_inode_apply_flags(struct inode *inode);
/*
 * EXT4_JOURNAL_DATA_FL set or cleared: write back and change the mapping operations.  Locks: inode
 * W, no handle.
 */
int ext4_change_data_mode(struct inode *inode, bool journal) __must_check;

/* inode_ops of every kind of ext4 inode. */
int ext4_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *attr);
int ext4_getattr(const struct path *path, struct inode *inode, struct kstat *out, u32 mask,
		 unsigned flags);
/* file_ops of files and directories. */
int ext4_fsync(struct file *file, loff_t start, loff_t end, bool data_only);

/*
 * ialloc.c
 */

/*
 * A new inode near `dir`: owner and mode as inode_init_owner has it, ACLs inherited, flags
 * inherited, operations set, in the hash, nlink 1 (2 for a directory is the caller's to set),
 * written to the handle's transaction.  `rdev` for devices. The handle has EXT4_CREDITS_INODE_NEW.
 * Until ext4_inode_made() only its maker has it.
 * Returns 0, -ENOSPC, -EDQUOT, -EIO, -ENOMEM, -EUCLEAN.
 */
int ext4_inode_create(struct handle *h, struct inode *dir, umode_t mode, dev_t rdev,
		      struct inode **out) __must_check;
static inline void ext4_inode_made(struct inode *inode)
{
	ext4_state_clear(inode, EXT4_STATE_MAKING);
}
/* Does the bitmap say that the number is used?  False also when it cannot be read. */
bool ext4_inode_in_use(struct ext4_super *es, u32 ino);
/*
 * The operation failed after ext4_inode_create: nlink 0, an orphan until the caller's inode_put
 * (after ext4_stop) frees it.
 */
void ext4_inode_abandon(struct handle *h, struct inode *inode);
/* Give the number back; by evict. */
int ext4_inode_free(struct handle *h, struct inode *inode) __must_check;
/* Operations by type; file.c and the directory half define the tables below. */
void ext4_inode_set_ops(struct inode *inode);

extern const struct inode_ops ext4_file_inode_ops;
extern const struct file_ops ext4_file_ops;
/* The directory half's. */
extern const struct inode_ops ext4_dir_inode_ops, ext4_special_inode_ops;
extern const struct inode_ops ext4_symlink_inode_ops, ext4_fast_symlink_inode_ops;
extern const struct file_ops ext4_dir_ops;

/*
 * map.c: blocks of directories and long symlinks, which are metadata
 */

/*
 * Block `lblock` of the file, referenced, content read.  *out NULL: a hole.  Not checked:
 * BUFFER_VERIFIED is the caller's to set and test.  Returns 0, -EIO, -EUCLEAN, -ENOMEM.
 */
int ext4_block_read(struct inode *inode, u32 lblock, struct buffer **out) __must_check;
/* Start reading, best effort. */
void ext4_block_readahead(struct inode *inode, u32 lblock, u32 nr);
/*
 * A new zeroed block at the end of the file (inode.size grows by it), with the right to change it;
 * *lblock its number.  The caller fills it and calls journal_dirty.  The handle has
 * EXT4_CREDITS_DATA.  Locks: inode W.  Returns 0, -ENOSPC, -EFBIG, -EIO, ...
 */
int ext4_block_append(struct handle *h, struct inode *inode, u32 *lblock,
		      struct buffer **out) __must_check;
/* Allocate for a hole likewise, without a change of size. */
int ext4_block_fill(struct handle *h, struct inode *inode, u32 lblock,
		    struct buffer **out) __must_check;

/*
 * mballoc.c
 */

/* One metadata block that belongs to no map (an attribute block).  Returns 0, -ENOSPC, -EIO. */
int ext4_meta_alloc(struct handle *h, struct inode *inode, u64 *block) __must_check;
/* The preferred place of such blocks. */
u64 ext4_inode_goal(const struct inode *inode);
/*
 * After -ENOSPC, with the handle stopped: blocks wait for a commit; it is done, try again.  *tries
 * begins at 0.  Locks: none that a commit needs.
 */
bool ext4_retry_alloc(struct superblock *sb, unsigned *tries);

/* flags of ext4_blocks_free */
#define EXT4_FREE_METADATA (1u << 0) /* journalled: forget, revoke */
#define EXT4_FREE_UNMAPPED (1u << 1) /* do not reduce inode.blocks: the caller does */
/*
 * Blocks of the inode are free when the handle's transaction is on disk.  Returns 0, -EUCLEAN (they
 * are the file system's own, or already free), -EIO.
 */
int ext4_blocks_free(struct handle *h, struct inode *inode, u64 block, u64 count,
		     unsigned flags) __must_check;
/*
 * May [block, block+count) be something's data: on the device and not the file system's own
 * metadata?
 */
bool ext4_blocks_valid(const struct ext4_super *es, u64 block, u64 count);

/* i_blocks, in units of the block. */
void ext4_inode_add_blocks(struct inode *inode, s64 blocks);

/*
 * orphan.c
 */

/*
 * Should the system stop before the inode is freed or truncated, the next mount will do it.  Locks:
 * takes orphan_lock.
 */
int ext4_orphan_add(struct handle *h, struct inode *inode) __must_check;
/* h NULL: only in memory (error paths). */
int ext4_orphan_del(struct handle *h, struct inode *inode);
/* At mount: truncate or free what the list names. */
void ext4_orphan_cleanup(struct superblock *sb);

/*
 * truncate.c
 */

/*
 * Free the blocks beyond inode.size, in as many transactions as it takes.  Locks: inode W, or
 * unreachable.
 */
int ext4_truncate(struct inode *inode) __must_check;

/*
 * super.c
 */

/*
 * The file system is not what it should be: one line naming device, inode (NULL: none) and block
 * (0: none), a mark in the superblock, and what errors= says.
 */
#define ext4_error(sb, inode, block, fmt, ...)                                                     \
	ext4_error_at(sb, inode, block, __func__, __LINE__, fmt, ##__VA_ARGS__)
void ext4_error_at(struct superblock *sb, const struct inode *inode, u64 block, const char *func,
		   unsigned line, const char *fmt, ...) __printf(6, 7);
/* The same without consequences. */
void ext4_warn(struct superblock *sb, const char *fmt, ...) __printf(2, 3);
/*
 * A journal or device failure `err` in `inode`: reported by ext4_error unless the journal was
 * aborted already.  Returns err.
 */
int ext4_failed(struct superblock *sb, const struct inode *inode, int err, const char *what);
/*
 * Set a feature on first need (large_file, dir_nlink, ext_attr): updates the superblock in the
 * handle.  Nothing to do if it is set.  Returns 0 or -errno.
 */
int ext4_feature_add(struct handle *h, struct ext4_super *es, u32 compat,
		     u32 ro_compat) __must_check;
/*
 * A field of the superblock, `len` bytes, changed from what `old` holds: its checksum follows, and
 * it is part of the handle.  The caller asked journal_get_write before the change, and holds the
 * field's lock.
 */
int ext4_super_dirty(struct handle *h, struct ext4_super *es, const void *field, const void *old,
		     u32 len) __must_check;

/*
 * Handles.
 */

/* Blocks dirtied at most by one ... */
#define EXT4_CREDITS_INODE     1u /* ext4_inode_dirty */
#define EXT4_CREDITS_INODE_NEW 8u /* two bitmaps, descriptors, table, superblock, attribute block  \
				   */
#define EXT4_CREDITS_DATA                                                                          \
	27u /* block added to a map: tree path doubled, bitmap and descriptor each */
#define EXT4_CREDITS_XATTR  12u /* attribute block allocated or shared, the old one freed */
#define EXT4_CREDITS_ORPHAN 3u  /* superblock and two inodes */
#define EXT4_CREDITS_HTREE  8u  /* leaf split, index blocks; the new blocks are DATA each */

#define EXT4_REVOKES 4u /* blocks a handle may free besides, of trees and attributes */

/*
 * Begin a change: -EROFS when the file system is read-only or aborted.  Made synchronous (the
 * commit is waited for at ext4_stop) for SB_SYNCHRONOUS; `dir` with the sync or dirsync flag
 * likewise (NULL: none).  Context: may sleep.
 */
int ext4_start(struct superblock *sb, const struct inode *dir, unsigned credits,
	       struct handle **out) __must_check;
/*
 * The same to record data that was written, before its write-back ends.  Never synchronous: who
 * waits for the data asks for the commit afterwards, once for all of it.
 */
int ext4_start_written(struct superblock *sb, unsigned credits, struct handle **out) __must_check;
int ext4_stop(struct handle *h);

/*
 * --- provided by the directory half --------------------------------------------------------------
 */

/* xattr.c */
ssize_t ext4_getxattr(struct inode *inode, const char *name, void *buf, size_t size);
int ext4_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t ext4_listxattr(struct inode *inode, char *buf, size_t size);
/* The inode is being freed: release its attribute block.  The handle has EXT4_CREDITS_XATTR. */
int ext4_xattr_delete(struct handle *h, struct inode *inode) __must_check;
/*
 * The raw inode was read: check what its body holds and set EXT4_STATE_XATTR.  Returns 0 or
 * -EUCLEAN.
 */
int ext4_xattr_check_body(struct inode *inode, const struct ext4_disk_inode *raw) __must_check;

/*
 * acl.c.  Lists are cached in the VFS's inode (fs/vfs/posix_acl.h): a superblock mounted with the
 * acl option has SB_POSIXACL; an inode read from disk begins with inode_acl_unknown(), or with NULL
 * in both fields if it has no attributes at all.
 */
/* A new inode in `dir`, mode set: inherit lists, apply the umask.  May change inode->mode. */
int ext4_acl_init(struct handle *h, struct inode *inode, struct inode *dir) __must_check;
/*
 * setattr changed the mode: posix_acl_chmod(inode), after its handle is stopped.  Eviction drops
 * what is cached by itself.
 */

/* ioctl.c */
extern const struct export_ops ext4_export_ops;
long ext4_ioctl(struct file *file, unsigned cmd, unsigned long arg);
int ext4_fileattr_get(struct inode *inode, struct fileattr *out);
int ext4_fileattr_set(struct inode *inode, const struct fileattr *attr);
int ext4_get_acl(struct inode *inode, int type, struct posix_acl **out);
int ext4_set_acl(struct inode *inode, int type, struct posix_acl *acl);
/* Flags a new inode of `mode` inherits from its directory's. */
u32 ext4_inherit_flags(u32 dir_flags, umode_t mode);

/*
 * namei.c, rename.c: room for entries and the file attributes of inode_ops are there;
 * ext4_inode_create() is called with the handle of the operation.  dirent.cookie of the VFS's
 * dentries holds where the entry was last seen.
 */
