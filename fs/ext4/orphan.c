/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orphans: inodes whose last transaction is still to come.
 *
 * A file that lost its last name while open, or whose truncation takes several transactions, is on
 * a list on disk: the superblock names the first, each inode's dtime the next.  If the system
 * stops, the next mount frees or truncates what is on it.  In memory the list is the same, newest
 * first, so that an inode's predecessor is found when it leaves.
 *
 * Images with the orphan_file feature may hold orphans in a file instead; those are taken care of
 * at mount, and the list is used from then on, which is as valid.
 *
 * Locks: orphan_lock guards both lists; it is taken inside handles and outside group locks.
 */
#define LOG_PREFIX "EXT4-fs "
#include <kernel/debug/log.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>

#include "ext4_map.h"
#include "ext4_space.h"

static struct ext4_inode *orphan_of(struct list *l)
{
	return container_of(l, struct ext4_inode, orphan);
}

/* superblock.last_orphan, in the transaction, which has the right to it. */
static int set_first(struct handle *h, struct ext4_super *es, u32 ino)
{
	u32 old = es->disk->last_orphan;

	es->disk->last_orphan = ino;
	return ext4_super_dirty(h, es, &es->disk->last_orphan, &old, sizeof(old));
}

int ext4_orphan_add(struct handle *h, struct inode *inode)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);
	struct ext4_inode_loc loc;
	int err, err2;

	if (!es->journal || !list_empty(&ei->orphan))
		return 0;
	guard_mutex(&es->orphan_lock);
	err = journal_get_write(h, es->super_buffer) ?: ext4_inode_reserve(h, inode, &loc);
	if (err)
		return err;
	ei->dtime = es->disk->last_orphan;
	err = set_first(h, es, (u32)inode->ino);
	list_push_front(&es->orphans, &ei->orphan);
	err2 = ext4_inode_store(h, inode, &loc);
	return err ?: err2;
}

static void leave_list(struct ext4_inode *ei)
{
	list_remove(&ei->orphan);
	ei->dtime = 0;
}

/* The entry before names the next from now on.  Locks: orphan_lock. */
static int orphan_unlink(struct handle *h, struct ext4_super *es, struct ext4_inode *ei)
{
	struct list *prev = ei->orphan.prev;
	struct ext4_inode_loc loc;
	u32 next = ei->dtime;
	int err;

	if (prev == &es->orphans) {
		err = journal_get_write(h, es->super_buffer);
		if (err)
			return err;
		leave_list(ei);
		return set_first(h, es, next);
	}
	err = ext4_inode_reserve(h, &orphan_of(prev)->inode, &loc);
	if (err)
		return err;
	leave_list(ei);
	orphan_of(prev)->dtime = next;
	return ext4_inode_store(h, &orphan_of(prev)->inode, &loc);
}

int ext4_orphan_del(struct handle *h, struct inode *inode)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);

	if (list_empty(&ei->orphan))
		return 0;
	guard_mutex(&es->orphan_lock);
	if (h || !es->journal)
		return orphan_unlink(h, es, ei);
	/*
	 * The list on disk stays as it is: the error that brought us here will be repaired by
	 * e2fsck.
	 */
	leave_list(ei);
	return 0;
}

/* --- at mount --- */

static void recover_one(struct inode *inode, u32 *freed, u32 *truncated)
{
	if (inode->nlink) {
		++*truncated;
		rwsem_write_lock(&inode->lock);
		if (ext4_truncate(inode))
			ext4_warn(inode->sb, "orphan inode %llu could not be truncated",
				  inode->ino);
		rwsem_write_unlock(&inode->lock);
	} else {
		++*freed;
	}
	inode_put(inode);
}

/* Is the number one an orphan may have, and in use? */
static bool orphan_plausible(struct ext4_super *es, u32 ino)
{
	u32 group = (ino - 1) / es->inodes_per_group, bit = (ino - 1) % es->inodes_per_group;
	struct buffer *b;
	bool used;

	if (ino < es->first_ino || ino > es->inodes || ext4_inode_bitmap_read(es, group, &b))
		return false;
	used = (((const u8 *)b->data)[bit / 8] >> bit % 8) & 1;
	buffer_put(b);
	return used;
}

static int orphan_get(struct superblock *sb, u32 ino, struct inode **out)
{
	int err;

	if (!orphan_plausible(ext4_super(sb), ino)) {
		ext4_error(sb, NULL, 0, "bad orphan inode %u", ino);
		return -EUCLEAN;
	}
	err = ext4_inode_get_special(sb, ino, out);
	if (!err && (*out)->nlink && !S_ISREG((*out)->mode)) {
		inode_put(*out);
		err = -EUCLEAN;
	}
	if (err)
		ext4_error(sb, NULL, 0, "couldn't read orphan inode %u (err %d)", ino, err);
	return err;
}

static void list_recover(struct superblock *sb, u32 *freed, u32 *truncated)
{
	struct ext4_super *es = ext4_super(sb);

	/* More steps than inodes: a circle. */
	for (u32 steps = 0; es->disk->last_orphan && steps <= es->inodes; steps++) {
		u32 ino = es->disk->last_orphan;
		struct inode *inode;

		if (orphan_get(sb, ino, &inode))
			break;
		with_mutex(&es->orphan_lock)
		{
			if (list_empty(&ext4_inode(inode)->orphan))
				list_push_front(&es->orphans, &ext4_inode(inode)->orphan);
		}
		recover_one(inode, freed, truncated);
		if (es->disk->last_orphan == ino)
			break;
	}
	if (es->disk->last_orphan) {
		struct handle *h;

		/* What is left cannot be believed. */
		if (ext4_start(sb, NULL, 1, &h))
			return;
		if (!journal_get_write(h, es->super_buffer) && set_first(h, es, 0))
			ext4_warn(sb, "the orphan list could not be cleared");
		(void)!ext4_stop(h);
	}
}

/* --- the orphan file --- */

static bool orphan_block_ok(const struct ext4_super *es, const struct inode *inode,
			    const struct buffer *b)
{
	const struct ext4_orphan_tail *tail =
		(const struct ext4_orphan_tail *)((const char *)b->data + es->block_size -
						  sizeof(*tail));
	u64 block = b->block;
	u32 crc;

	if (tail->magic != EXT4_ORPHAN_MAGIC)
		return false;
	if (!es->csum)
		return true;
	crc = ext4_csum(ext4_inode(inode)->csum_seed, &block, sizeof(block));
	return tail->checksum == ext4_csum(crc, b->data, es->block_size - sizeof(*tail));
}

static void orphan_block_seal(const struct ext4_super *es, const struct inode *inode,
			      struct buffer *b)
{
	struct ext4_orphan_tail *tail =
		(struct ext4_orphan_tail *)((char *)b->data + es->block_size - sizeof(*tail));
	u64 block = b->block;

	if (es->csum)
		tail->checksum =
			ext4_csum(ext4_csum(ext4_inode(inode)->csum_seed, &block, sizeof(block)),
				  b->data, es->block_size - sizeof(*tail));
}

static int orphan_block_clear(struct superblock *sb, const struct inode *inode, struct buffer *b)
{
	struct ext4_super *es = ext4_super(sb);
	struct handle *h;
	int err = ext4_start(sb, NULL, 1, &h), err2;

	if (err)
		return err;
	err = journal_get_write(h, b);
	if (!err) {
		memset(b->data, 0, es->block_size - sizeof(struct ext4_orphan_tail));
		orphan_block_seal(es, inode, b);
		err = journal_dirty(h, b);
	}
	err2 = ext4_stop(h);
	return err ?: err2;
}

static int orphan_file_block(struct superblock *sb, struct inode *file, u32 lblock, u32 *freed,
			     u32 *truncated)
{
	struct ext4_super *es = ext4_super(sb);
	struct buffer *b;
	int err = ext4_block_read(file, lblock, &b);

	if (err || !b)
		return err ?: -EUCLEAN;
	if (!orphan_block_ok(es, file, b)) {
		ext4_error(sb, file, b->block, "orphan file block %u: bad magic or checksum",
			   lblock);
		buffer_put(b);
		return -EUCLEAN;
	}
	for (u32 i = 0; i < (es->block_size - sizeof(struct ext4_orphan_tail)) / sizeof(u32); i++) {
		u32 ino = ((const u32 *)b->data)[i];
		struct inode *inode;

		if (ino && !orphan_get(sb, ino, &inode))
			recover_one(inode, freed, truncated);
	}
	if (memchr_inv(b->data, 0, es->block_size - sizeof(struct ext4_orphan_tail)))
		err = orphan_block_clear(sb, file, b);
	buffer_put(b);
	return err;
}

static void orphan_file_recover(struct superblock *sb, u32 *freed, u32 *truncated)
{
	struct ext4_super *es = ext4_super(sb);
	struct inode *file;
	int err = ext4_inode_get_special(sb, es->disk->orphan_file_inum, &file);

	if (err || !S_ISREG(file->mode)) {
		ext4_error(sb, NULL, 0, "orphan file inode %u is not readable",
			   es->disk->orphan_file_inum);
		if (!err)
			inode_put(file);
		return;
	}
	for (u32 i = 0; i < (u64)file->size >> es->block_bits && !err; i++)
		err = orphan_file_block(sb, file, i, freed, truncated);
	inode_put(file);
	if (!err)
		err = ext4_feature_clear_orphan_present(sb);
	if (err)
		ext4_warn(sb, "the orphan file could not be cleared (err %d)", err);
}

void ext4_orphan_cleanup(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);
	u32 freed = 0, truncated = 0;

	if (es->disk->last_orphan)
		list_recover(sb, &freed, &truncated);
	if (ext4_has_compat(es, EXT4_COMPAT_ORPHAN_FILE) && ext4_has_ro(es, EXT4_RO_ORPHAN_PRESENT))
		orphan_file_recover(sb, &freed, &truncated);
	if (freed)
		log_info("(%s): %u orphan inode%s deleted\n", sb->id, freed, freed == 1 ? "" : "s");
	if (truncated)
		log_info("(%s): %u truncate%s cleaned up\n", sb->id, truncated,
			 truncated == 1 ? "" : "s");
}
