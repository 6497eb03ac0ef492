/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting ext2, ext3 and ext4, and the life of a mounted file system.
 *
 * The superblock is checked (super_check.c), then the descriptors, which together with it say where
 * everything else is.  A journal is replayed before any other metadata is looked at, after which
 * both are checked again, as replay may have changed them.  Free space is counted from the
 * descriptors; the counts in the superblock are only brought up to date at the end.
 *
 * Read-write, the superblock says so: without a journal the valid mark is off, with one the need of
 * recovery is on.  Unmounting, remounting read-only and freezing bring everything to its place and
 * the marks back (writing_end).
 *
 * One driver serves three types.
 */
#define LOG_PREFIX "EXT4-fs "
#include <fs/vfs/dentry.h>
#include <fs/vfs/mount.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <security/random.h>

#include "ext4_map.h"
#include "ext4_space.h"
#include "super_internal.h"

#define NS 1000000000ull

/* --- the journal --- */

static int journal_map(void *arg, u64 block, u64 *physical, u64 *run)
{
	struct inode *inode = ((struct ext4_super *)arg)->journal_inode;
	struct ext4_map m;
	int err = ext4_map_find(inode, (u32)block, EXT4_LBLOCK_END - (u32)block, &m);

	if (err)
		return err;
	if (m.type != EXT4_MAP_MAPPED)
		return -EUCLEAN;
	*physical = m.block;
	*run = m.len;
	return 0;
}

static void journal_aborted(void *arg, int error)
{
	struct superblock *sb = ((struct ext4_super *)arg)->sb;

	if (READ_ONCE(sb->flags) & SB_RDONLY)
		return;
	log_emerg("(%s): error %d in the journal: Remounting filesystem read-only\n", sb->id,
		  error);
	WRITE_ONCE(ext4_super(sb)->aborted, true);
	atomic_or(&sb->flags, SB_RDONLY);
}

static int journal_inode(struct ext4_super *es, struct inode **out)
{
	int err;

	if (!es->disk->journal_inum)
		return refuse(es, "external journals are not supported");
	err = ext4_inode_get_special(es->sb, es->disk->journal_inum, out);
	if (err || !(*out)->nlink || !S_ISREG((*out)->mode)) {
		if (!err)
			inode_put(*out);
		return refuse(es, "no journal found");
	}
	return 0;
}

/* May the log be written to at mount time? */
static int check_recovery(struct ext4_super *es)
{
	bool read_only = es->sb->flags & SB_RDONLY;

	if (!ext4_has_incompat(es, EXT4_INCOMPAT_RECOVER) || !read_only)
		return 0;
	log_info("(%s): INFO: recovery required on readonly filesystem\n", es->sb->id);
	if (bdev_read_only(es->bdev)) {
		log_err("(%s): write access unavailable, cannot proceed (try mounting with "
			"noload)\n",
			es->sb->id);
		return -EROFS;
	}
	log_info("(%s): write access will be enabled during recovery\n", es->sb->id);
	return 0;
}

static int journal_load(struct ext4_super *es, bool *replayed)
{
	struct inode *inode = es->journal_inode;
	struct journal_params p = {
		.fs_bdev = es->bdev,
		.bdev = es->bdev,
		.block_size = es->block_size,
		.blocks = (u64)inode->size >> es->block_bits,
		.fs_blocks = es->blocks,
		.map = journal_map,
		.arg = es,
		.name = es->sb->id,
		.aborted = journal_aborted,
		.barrier = es->opt.set & EXT4_OPT_BARRIER,
		.checksum = es->csum,
		.wide = ext4_has_incompat(es, EXT4_INCOMPAT_64BIT),
		.commit_interval = es->opt.commit_ms,
	};
	bool dirty;
	int err;

	err = journal_open(&p, &es->journal, &dirty);
	if (err) {
		log_err("(%s): error loading journal\n", es->sb->id);
		es->journal = NULL;
		return err;
	}
	*replayed = false;
	if (!dirty && !ext4_has_incompat(es, EXT4_INCOMPAT_RECOVER))
		return 0;
	if (dirty) {
		err = journal_replay(es->journal);
		*replayed = !err;
	}
	if (err)
		log_err("(%s): error loading journal\n", es->sb->id);
	return err;
}

/* After replay the superblock and descriptors are new, but not the blocks they are read in. */
static int take_replayed(struct ext4_super *es)
{
	u32 size = es->block_size;
	int err = ext4_super_check(es, false);

	if (!err && es->block_size != size)
		err = refuse(es, "block size is %u in the journal, not %u", es->block_size, size);
	/* Buffers are of the old one. */
	es->block_size = size;
	return err;
}

/* Open and replay. */
static int journal_begin(struct ext4_super *es)
{
	bool replayed;
	int err;

	if (!ext4_has_compat(es, EXT4_COMPAT_HAS_JOURNAL)) {
		if (ext4_has_incompat(es, EXT4_INCOMPAT_RECOVER))
			return refuse(
				es,
				"required journal recovery suppressed and not mounted read-only");
		return 0;
	}
	if (es->opt.set & EXT4_OPT_NOLOAD) {
		if (!(es->sb->flags & SB_RDONLY) && ext4_has_incompat(es, EXT4_INCOMPAT_RECOVER))
			return refuse(
				es,
				"required journal recovery suppressed and not mounted read-only");
		return 0;
	}
	err = check_recovery(es) ?: journal_inode(es, &es->journal_inode);
	if (err)
		return err;
	err = journal_load(es, &replayed);
	if (err || !replayed)
		return err;
	log_info("(%s): recovery complete\n", es->sb->id);
	ext4_groups_free(es);
	err = take_replayed(es);
	return err ?: ext4_groups_load(es, es->sb->flags & SB_RDONLY);
}

/* --- states of the superblock --- */

static int write_state(struct ext4_super *es, bool recover, bool valid)
{
	struct ext4_disk_super *d = es->disk;

	if (recover)
		d->feature_incompat |= EXT4_INCOMPAT_RECOVER;
	else
		d->feature_incompat &= ~EXT4_INCOMPAT_RECOVER;
	es->incompat =
		(es->incompat & ~EXT4_INCOMPAT_RECOVER) | (recover ? EXT4_INCOMPAT_RECOVER : 0);
	if (valid)
		d->state |= es->valid_before;
	else
		d->state &= (u16)~EXT4_FS_VALID;
	return ext4_super_write(es);
}

/* Read-write from now on. */
static int writing_begin(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;
	u64 now = clock_real_ns() / NS;
	int err;

	if (!(d->state & EXT4_FS_VALID))
		log_warn("(%s): warning: mounting unchecked fs, running e2fsck is recommended\n",
			 es->sb->id);
	else if (d->state & EXT4_FS_ERROR)
		log_warn("(%s): warning: mounting fs with errors, running e2fsck is recommended\n",
			 es->sb->id);
	es->valid_before = d->state & EXT4_FS_VALID;
	if (d->rev_level && !(d->flags & (EXT4_SUPER_SIGNED_HASH | EXT4_SUPER_UNSIGNED_HASH)))
		d->flags |= EXT4_SUPER_UNSIGNED_HASH;
	d->mnt_count++;
	d->mtime = (u32)now;
	d->mtime_hi = (u8)(now >> 32);
	err = write_state(es, es->journal != NULL, es->journal != NULL);
	if (err || !es->journal)
		return err;
	if (!es->journal_writing)
		err = journal_start_writing(es->journal);
	es->journal_writing = !err;
	if (!err && journal_recorded_error(es->journal)) {
		ext4_warn(es->sb, "Filesystem error recorded from previous mount");
		d->state |= EXT4_FS_ERROR;
		err = journal_clear_error(es->journal);
	}
	return err;
}

/* Nothing is written any more; what was is in place. */
static int writing_end(struct ext4_super *es)
{
	int err = 0;

	if (es->journal)
		err = journal_flush(es->journal);
	if (err || es->aborted)
		return err;
	return write_state(es, false, true);
}

/* --- mounting --- */

/* Blocks that are never a file's: as statfs subtracts them. */
static u64 overhead_of(struct ext4_super *es)
{
	const struct inode *journal = es->journal_inode;
	u64 n = es->disk->overhead_clusters;

	if (n && n <= es->blocks)
		return n;
	n = es->first_data_block;
	for (u32 g = 0; g < es->groups; g++)
		n += ext4_group_base_blocks(es, g) + es->itable_blocks + 2;
	return n + (journal ? (u64)journal->size >> es->block_bits : 0);
}

static void set_reserves(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;

	es->reserved_root =
		ext4_lo_hi(d->r_blocks_count_lo,
			   ext4_has_incompat(es, EXT4_INCOMPAT_64BIT) ? d->r_blocks_count_hi : 0);
	es->reserved_root = min(es->reserved_root, es->blocks);
	es->reserved_pool =
		ext4_has_incompat(es, EXT4_INCOMPAT_EXTENTS) ? min(es->blocks / 50, (u64)4096) : 0;
}

static void set_superblock(struct ext4_super *es)
{
	struct superblock *sb = es->sb;

	sb->magic = EXT4_SUPER_MAGIC;
	sb->blocksize = es->block_size;
	sb->blkbits = es->block_bits;
	sb->namelen = EXT4_NAME_LEN;
	sb->exports = &ext4_export_ops;
	sb->max_links = 0;
	sb->max_bytes = (loff_t)(ext4_max_blocks(es, ext4_has_incompat(es, EXT4_INCOMPAT_EXTENTS))
				 << es->block_bits);
	memcpy(sb->uuid, es->disk->uuid, sizeof(sb->uuid));
	if (es->opt.set & EXT4_OPT_ACL)
		sb->flags |= SB_POSIXACL;
	else
		sb->flags &= ~(u32)SB_POSIXACL;
}

static int root_get(struct ext4_super *es)
{
	struct inode *root;
	int err = ext4_inode_get(es->sb, EXT4_ROOT_INO, &root);

	if (err) {
		log_err("(%s): get root inode failed\n", es->sb->id);
		return err;
	}
	if (!S_ISDIR(root->mode) || !root->blocks || !root->size) {
		inode_put(root);
		log_err("(%s): corrupt root inode, run e2fsck\n", es->sb->id);
		return -EUCLEAN;
	}
	es->sb->root = d_make_root(es->sb, root);
	return es->sb->root ? 0 : -ENOMEM;
}

static const char *data_mode_text(const struct ext4_super *es)
{
	static const char *const text[] = {"ordered data mode", "journalled data mode",
					   "writeback data mode"};

	return es->journal ? text[es->opt.data_mode] : "out journal";
}

static void say_mounted(const struct ext4_super *es)
{
	const u8 *u = es->disk->uuid;

	log_info(
		"(%s): mounted filesystem "
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x %s with%s%s. "
		"Quota mode: none.\n",
		es->sb->id, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10],
		u[11], u[12], u[13], u[14], u[15], es->sb->flags & SB_RDONLY ? "ro" : "r/w",
		es->journal ? " " : "", data_mode_text(es));
}

static int options_begin(struct ext4_super *es, char *text)
{
	struct ext4_options opt;
	int err;

	ext4_options_default(es, &opt);
	opt.sb_block = es->opt.sb_block;
	err = ext4_options_parse(es, &opt, text, false);
	if (err)
		return err;
	if (!ext4_has_compat(es, EXT4_COMPAT_HAS_JOURNAL)) {
		if (opt.data_mode_given)
			return refuse(es, "can't mount with data=, fs mounted w/o journal");
		opt.data_mode = EXT4_DATA_WRITEBACK;
	}
	es->opt = opt;
	return 0;
}

static void super_locks_init(struct ext4_super *es)
{
	mutex_init(&es->super_lock, RANK_FS_ALLOC, "ext4_super.super_lock");
	mutex_init(&es->orphan_lock, RANK_FS_ALLOC, "ext4_super.orphan_lock");
	list_init(&es->orphans);
	ext4_error_init(es);
	ext4_discard_init(es);
	random_bytes(&es->next_generation, sizeof(es->next_generation));
	random_bytes(&es->goal_seed, sizeof(es->goal_seed));
}

/* All that is read, and replayed, before the file system can be used. */
static int super_open(struct ext4_super *es, const struct fs_params *params)
{
	bool silent = params->flags & SB_SILENT;
	int err = ext4_status_init_cache() ?: ext4_inode_init_cache();

	es->opt.sb_block = ext4_options_super(params->options);
	err = err ?: ext4_super_find(es, silent);
	err = err ?: options_begin(es, params->options);
	if (err)
		return err;
	set_superblock(es);
	err = ext4_groups_load(es, es->sb->flags & SB_RDONLY);
	err = err ?: journal_begin(es);
	if (!err) {
		set_reserves(es);
		es->overhead = overhead_of(es);
		err = es->journal_inode ? ext4_zone_add_inode(es, es->journal_inode) : 0;
	}
	/* The journal knows its blocks now. */
	inode_put(es->journal_inode);
	es->journal_inode = NULL;
	return err;
}

static void super_close(struct ext4_super *es)
{
	int err;

	if (!es->journal)
		return;
	err = journal_close(es->journal);
	if (err && !es->aborted)
		log_err("(%s): error %d closing the journal\n", es->sb->id, err);
	es->journal = NULL;
}

/*
 * Orphans are seen to even on a read-only mount, if the device can be written: remounting must find
 * none.
 */
static int read_only_cleanup(struct ext4_super *es)
{
	struct superblock *sb = es->sb;
	int err;

	if (!es->disk->last_orphan && !ext4_has_ro(es, EXT4_RO_ORPHAN_PRESENT))
		return 0;
	if (bdev_read_only(es->bdev) || es->opt.set & EXT4_OPT_NOLOAD ||
	    ext4_check_features(es, false)) {
		log_err("(%s): write access unavailable, skipping orphan cleanup\n", sb->id);
		return 0;
	}
	log_info("(%s): orphan cleanup on readonly fs\n", sb->id);
	sb->flags &= ~(u32)SB_RDONLY;
	err = writing_begin(es);
	if (!err)
		ext4_orphan_cleanup(sb);
	err = err ?: writing_end(es);
	sb->flags |= SB_RDONLY;
	return err;
}

static int ext4_fill(struct superblock *sb, const struct fs_params *params)
{
	struct ext4_super *es = kzalloc(sizeof(*es), GFP_KERNEL);
	int err;

	if (!es)
		return -ENOMEM;
	es->sb = sb;
	es->bdev = sb->bdev;
	sb->private = es;
	super_locks_init(es);
	err = super_open(es, params);
	err = err ?: root_get(es);
	if (err)
		goto fail;
	es->mounted = true;
	err = sb->flags & SB_RDONLY ? read_only_cleanup(es) : writing_begin(es);
	if (err)
		goto fail;
	if (!(sb->flags & SB_RDONLY)) {
		ext4_orphan_cleanup(sb);
		ext4_itable_start(sb);
	}
	say_mounted(es);
	return 0;
fail:
	es->mounted = false;
	if (sb->root) {
		dentry_put(sb->root);
		sb->root = NULL;
	}
	super_close(es);
	ext4_groups_free(es);
	buffer_put(es->super_buffer);
	return err;
}

static void ext4_put(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);
	bool writing = !(sb->flags & SB_RDONLY);

	ext4_itable_stop(sb);
	work_flush(&es->error_work);
	if (writing && writing_end(es))
		log_err("(%s): the file system could not be closed cleanly\n", sb->id);
	super_close(es);
	work_flush(&es->discard_work);
	ext4_groups_free(es);
	buffer_put(es->super_buffer);
	log_info("(%s): unmounting filesystem.\n", sb->id);
}

static void ext4_kill(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);

	bdev_kill_super(sb);
	kfree(es);
}

/* --- remount --- */

static int to_read_only(struct ext4_super *es)
{
	int err;

	ext4_itable_stop(es->sb);
	err = super_sync(es->sb, true);
	return err ?: writing_end(es);
}

static int to_read_write(struct ext4_super *es)
{
	int err;

	if (es->aborted || bdev_read_only(es->bdev) || ext4_has_ro(es, EXT4_RO_READONLY))
		return -EROFS;
	err = ext4_check_features(es, false);
	if (err)
		return err;
	if (ext4_has_compat(es, EXT4_COMPAT_HAS_JOURNAL) && !es->journal)
		return refuse(es, "couldn't remount RDWR: the journal was not loaded");
	if (es->disk->last_orphan || ext4_has_ro(es, EXT4_RO_ORPHAN_PRESENT))
		return refuse(es, "Couldn't remount RDWR because of unprocessed orphan inode list. "
				  " Please umount/remount instead");
	return writing_begin(es);
}

static int ext4_remount(struct superblock *sb, u32 flags, char *text)
{
	struct ext4_super *es = ext4_super(sb);
	struct ext4_options opt = es->opt;
	bool was_read_only = sb->flags & SB_RDONLY, read_only = flags & SB_RDONLY;
	int err = ext4_options_parse(es, &opt, text, true);

	if (err)
		return err;
	if ((opt.set ^ es->opt.set) & EXT4_OPT_NOLOAD)
		opt.set = (opt.set & ~(u32)EXT4_OPT_NOLOAD) | (es->opt.set & EXT4_OPT_NOLOAD);
	if (was_read_only != read_only)
		err = read_only ? to_read_only(es) : to_read_write(es);
	if (err)
		return err;
	es->opt = opt;
	set_superblock(es);
	if (es->journal) {
		journal_set_commit_interval(es->journal, opt.commit_ms);
		journal_set_barrier(es->journal, opt.set & EXT4_OPT_BARRIER);
	}
	if (was_read_only && !read_only) {
		atomic_and(&sb->flags, ~SB_RDONLY);
		ext4_itable_start(sb);
	}
	return 0;
}

/* --- use --- */

static int ext4_sync(struct superblock *sb, bool wait)
{
	struct ext4_super *es = ext4_super(sb);
	u32 tid;
	int err = 0;

	if (sb->flags & SB_RDONLY)
		return 0;
	if (!es->journal) {
		/* Metadata is written with the device's pages, by the caller. */
		return wait && es->mounted ? ext4_super_write(es) : 0;
	}
	if (wait)
		err = journal_force(es->journal);
	else
		journal_commit_start(es->journal, &tid);
	if (!err && wait && ext4_opt(es, EXT4_OPT_BARRIER))
		err = bdev_flush(es->bdev);
	return err;
}

static int ext4_statfs(struct superblock *sb, struct kstatfs *out)
{
	struct ext4_super *es = ext4_super(sb);
	s64 free = atomic_load(&es->free_blocks) - atomic_load(&es->promised);
	u64 kept = es->reserved_root + es->reserved_pool, uuid[2];

	memcpy(uuid, es->disk->uuid, sizeof(uuid));
	out->blocks = es->blocks - (ext4_opt(es, EXT4_OPT_MINIX_DF) ? 0 : es->overhead);
	out->bfree = (u64)max(free, (s64)0);
	out->bavail = out->bfree > kept ? out->bfree - kept : 0;
	out->files = es->inodes;
	out->ffree = (u64)max(atomic_load(&es->free_inodes), (s64)0);
	out->fsid = uuid[0] ^ uuid[1];
	return 0;
}

static int ext4_freeze(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);

	return sb->flags & SB_RDONLY ? 0 : writing_end(es);
}

static int ext4_unfreeze(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);

	return sb->flags & SB_RDONLY || es->aborted
		       ? 0
		       : write_state(es, es->journal != NULL, es->journal != NULL);
}

/* --- handles --- */

int ext4_start(struct superblock *sb, const struct inode *dir, unsigned credits,
	       struct handle **out)
{
	struct ext4_super *es = ext4_super(sb);
	int err;

	if (unlikely(READ_ONCE(sb->flags) & SB_RDONLY || READ_ONCE(es->aborted)))
		return -EROFS;
	err = journal_start(es->journal, credits, EXT4_REVOKES, out);
	if (err)
		return err;
	if (unlikely(READ_ONCE(sb->flags) & (SB_SYNCHRONOUS | SB_DIRSYNC) ||
		     (dir && READ_ONCE(dir->flags) & (S_SYNC_ | S_DIRSYNC)))) {
		if (*out && (dir || READ_ONCE(sb->flags) & SB_SYNCHRONOUS))
			handle_set_sync(*out);
	}
	return 0;
}

int ext4_start_written(struct superblock *sb, unsigned credits, struct handle **out)
{
	struct ext4_super *es = ext4_super(sb);

	if (unlikely(READ_ONCE(sb->flags) & SB_RDONLY || READ_ONCE(es->aborted)))
		return -EROFS;
	return journal_start(es->journal, credits, EXT4_REVOKES, out);
}

int ext4_stop(struct handle *h)
{
	return journal_stop(h);
}

static const struct super_ops ext4_super_ops = {
	.alloc_inode = ext4_alloc_inode,
	.free_inode = ext4_free_inode,
	.evict = ext4_evict,
	.write_inode = ext4_write_inode,
	.dirty_inode = ext4_dirty_inode,
	.sync = ext4_sync,
	.statfs = ext4_statfs,
	.remount = ext4_remount,
	.put = ext4_put,
	.show_options = ext4_show_options,
	.freeze = ext4_freeze,
	.unfreeze = ext4_unfreeze,
};

static int ext4_mount(const struct fs_type *type, const struct fs_params *params,
		      struct superblock **out)
{
	return bdev_mount(type, params, &ext4_super_ops, ext4_fill, out);
}

const struct fs_type ext3_type = {"ext3", FS_REQUIRES_DEV, ext4_mount, ext4_kill};
FS_TYPE(ext3_type);
const struct fs_type ext2_type = {"ext2", FS_REQUIRES_DEV, ext4_mount, ext4_kill};
FS_TYPE(ext2_type);
const struct fs_type ext4_type = {"ext4", FS_REQUIRES_DEV, ext4_mount, ext4_kill};
FS_TYPE(ext4_type);
