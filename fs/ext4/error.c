/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors of the file system itself: what is logged, what is remembered in the superblock, and what
 * follows.
 *
 * An error is found deep inside operations, in handles and under buffer locks, so the superblock is
 * written by a work item: in a transaction of its own while the journal lives, directly when it
 * does not.  errors=remount-ro (the default of nobody, but common) aborts the journal and makes the
 * file system read-only at once.
 */
#define LOG_PREFIX "EXT4-fs "
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>

#include "ext4_map.h"
#include "ext4_space.h"

#define NS 1000000000ull

/*
 * A hostile image makes one error after the other: the first few are told, then now and then one.
 */
static bool worth_a_line(u32 nr)
{
	return nr <= 20 || !(nr & (nr - 1));
}

/* --- the superblock --- */

void ext4_super_seal(struct ext4_super *es)
{
	if (es->csum)
		es->disk->checksum =
			ext4_csum(~0u, es->disk, offsetof(struct ext4_disk_super, checksum));
}

/*
 * The checksum after `len` bytes at `field` changed from `old`: each change counts for itself, in
 * any order.  Locks: error_lock.
 */
static void csum_follow(struct ext4_super *es, const void *field, const void *old, u32 len)
{
	u32 at = (u32)((const char *)field - (const char *)es->disk);

	if (es->csum)
		es->disk->checksum =
			crc32c_change(es->disk->checksum, old, field, len,
				      offsetof(struct ext4_disk_super, checksum) - at - len);
}

int ext4_super_dirty(struct handle *h, struct ext4_super *es, const void *field, const void *old,
		     u32 len)
{
	with_spin(&es->error_lock) csum_follow(es, field, old, len);
	return journal_dirty(h, es->super_buffer);
}

static void note_store(const struct ext4_error_note *n, u32 *time, u8 *time_hi, u32 *ino,
		       void *block, char *func, u32 *line)
{
	*time = (u32)n->time;
	*time_hi = (u8)(n->time >> 32);
	*ino = n->ino;
	put_unaligned_le64(n->block, block);
	*line = n->line;
	memcpy(func, n->func, sizeof(n->func));
}

/* Where the superblock remembers errors: two ranges besides `state`. */
#define NOTES_START offsetof(struct ext4_disk_super, error_count)
#define NOTES_END   offsetof(struct ext4_disk_super, mount_opts)

/* Errors that were noted, into the superblock in memory.  Returns whether there were any. */
static bool notes_store(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;
	char old[NOTES_END - NOTES_START];
	u8 old_hi[2] = {d->first_error_time_hi, d->last_error_time_hi};
	u16 old_state = d->state;

	guard_spin(&es->error_lock);
	if (!es->error_count)
		return false;
	memcpy(old, &d->error_count, sizeof(old));
	d->state |= EXT4_FS_ERROR;
	d->error_count += es->error_count;
	es->error_count = 0;
	note_store(&es->last_error, &d->last_error_time, &d->last_error_time_hi, &d->last_error_ino,
		   (char *)d + offsetof(struct ext4_disk_super, last_error_block),
		   d->last_error_func, &d->last_error_line);
	if (!d->first_error_time)
		note_store(&es->first_error, &d->first_error_time, &d->first_error_time_hi,
			   &d->first_error_ino,
			   (char *)d + offsetof(struct ext4_disk_super, first_error_block),
			   d->first_error_func, &d->first_error_line);
	csum_follow(es, &d->state, &old_state, sizeof(old_state));
	csum_follow(es, &d->error_count, old, sizeof(old));
	csum_follow(es, &d->first_error_time_hi, old_hi, sizeof(old_hi));
	return true;
}

int ext4_super_write(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;
	u64 free = (u64)max(atomic_load(&es->free_blocks), (s64)0), now = clock_real_ns() / NS;

	guard_mutex(&es->super_lock);
	notes_store(es);
	d->wtime = (u32)now;
	d->wtime_hi = (u8)(now >> 32);
	if (es->group) {
		d->free_blocks_count_lo = (u32)free;
		if (ext4_has_incompat(es, EXT4_INCOMPAT_64BIT))
			d->free_blocks_count_hi = (u32)(free >> 32);
		d->free_inodes_count = (u32)max(atomic_load(&es->free_inodes), (s64)0);
	}
	ext4_super_seal(es);
	buffer_mark_dirty(es->super_buffer);
	return buffer_sync(es->super_buffer,
			   BIO_SYNC | BIO_META | (ext4_opt(es, EXT4_OPT_BARRIER) ? BIO_FUA : 0));
}

/* The noted errors go to disk in a transaction. */
static int notes_journal(struct ext4_super *es)
{
	struct handle *h;
	int err = journal_start(es->journal, 1, 0, &h), err2;

	if (err)
		return err;
	err = journal_get_write(h, es->super_buffer);
	if (!err && notes_store(es))
		err = journal_dirty(h, es->super_buffer);
	err2 = journal_stop(h);
	return err ?: err2;
}

static void error_run(struct work *w)
{
	struct ext4_super *es = container_of(w, struct ext4_super, error_work);

	if (es->journal && !journal_error(es->journal) && !notes_journal(es))
		return;
	if (bdev_read_only(es->bdev))
		return;
	if (ext4_super_write(es))
		log_err("(%s): I/O error while writing superblock\n", es->sb->id);
}

void ext4_error_init(struct ext4_super *es)
{
	spin_init(&es->error_lock, RANK_FS_GROUP, "ext4_super.error_lock");
	work_init(&es->error_work, error_run);
}

/* --- what follows --- */

static void note_error(struct ext4_super *es, const struct inode *inode, u64 block,
		       const char *func, unsigned line)
{
	struct ext4_error_note n = {.time = clock_real_ns() / NS,
				    .block = block,
				    .ino = inode ? (u32)inode->ino : 0,
				    .line = line};

	strscpy(n.func, func, sizeof(n.func));
	guard_spin(&es->error_lock);
	if (!es->error_count++)
		es->first_error = n;
	es->last_error = n;
}

static void make_read_only(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);

	WRITE_ONCE(es->aborted, true);
	if (es->journal)
		journal_abort(es->journal, -EIO);
	if (READ_ONCE(sb->flags) & SB_RDONLY)
		return;
	log_emerg("(%s): Remounting filesystem read-only\n", sb->id);
	atomic_or(&sb->flags, SB_RDONLY);
}

static void error_follow(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);

	if (READ_ONCE(sb->flags) & SB_RDONLY)
		return;
	if (es->opt.errors == EXT4_ERRORS_PANIC)
		panic("EXT4-fs (device %s): panic forced after error", sb->id);
	if (es->opt.errors == EXT4_ERRORS_RO)
		make_read_only(sb);
	work_queue(&es->error_work);
}

void ext4_error_at(struct superblock *sb, const struct inode *inode, u64 block, const char *func,
		   unsigned line, const char *fmt, ...)
{
	struct ext4_super *es = ext4_super(sb);
	char text[160], place[64] = "";
	va_list args;
	size_t n = 0;

	if (worth_a_line(atomic_inc_return(&es->errors_seen))) {
		va_start(args, fmt);
		vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
		if (inode)
			n = (size_t)snprintf(place, sizeof(place), " inode #%llu:", inode->ino);
		if (block)
			snprintf(place + n, sizeof(place) - n, " block %llu:", block);
		log_err("error (device %s): %s:%u:%s comm %s: %s\n", sb->id, func, line, place,
			thread_current()->comm, text);
	}
	note_error(es, inode, block, func, line);
	if (es->mounted)
		error_follow(sb);
}

void ext4_warn(struct superblock *sb, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_warn("(%s): %s\n", sb->id, text);
}

int ext4_failed(struct superblock *sb, const struct inode *inode, int err, const char *what)
{
	const struct ext4_super *es = ext4_super(sb);

	/*
	 * What was malformed is reported already; a read-only file system is no news; memory comes
	 * back.
	 */
	if (err == -EUCLEAN || err == -EBADMSG || err == -EROFS ||
	    (es->journal && journal_error(es->journal)))
		return err;
	if (err == -ENOMEM)
		ext4_warn(sb, "%s of inode %llu: out of memory", what, inode ? inode->ino : 0);
	else
		ext4_error(sb, inode, 0, "error %d in %s", err, what);
	return err;
}

/* --- features --- */

int ext4_feature_add(struct handle *h, struct ext4_super *es, u32 compat, u32 ro_compat)
{
	struct ext4_disk_super *d = es->disk;
	int err;

	/* Features are never lost again. */
	if (!(compat & ~READ_ONCE(es->compat)) && !(ro_compat & ~READ_ONCE(es->ro_compat)))
		return 0;
	err = h ? journal_extend(h, 1, 0) : 0;
	if (err < 0)
		return err;
	err = journal_get_write(h, es->super_buffer);
	if (err)
		return err;
	guard_mutex(&es->super_lock);

	u32 old[3] = {d->feature_compat, d->feature_incompat, d->feature_ro_compat};

	d->feature_compat |= compat;
	d->feature_ro_compat |= ro_compat;
	WRITE_ONCE(es->compat, es->compat | compat);
	WRITE_ONCE(es->ro_compat, es->ro_compat | ro_compat);
	return ext4_super_dirty(h, es, &d->feature_compat, old, sizeof(old));
}

int ext4_feature_clear_orphan_present(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);
	struct handle *h;
	u32 old;
	int err = ext4_start(sb, NULL, 1, &h), err2;

	if (err)
		return err;
	err = journal_get_write(h, es->super_buffer);
	if (!err) {
		guard_mutex(&es->super_lock);
		old = es->disk->feature_ro_compat;
		es->disk->feature_ro_compat &= ~EXT4_RO_ORPHAN_PRESENT;
		WRITE_ONCE(es->ro_compat, es->ro_compat & ~EXT4_RO_ORPHAN_PRESENT);
		err = ext4_super_dirty(h, es, &es->disk->feature_ro_compat, &old, sizeof(old));
	}
	err2 = ext4_stop(h);
	return err ?: err2;
}
