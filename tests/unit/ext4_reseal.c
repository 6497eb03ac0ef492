/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checksums of a changed ext4 image (ext4_reseal.h). */
#include <fs/ext4/dirent.h>
#include <fs/ext4/ext4_format.h>
#include <fs/jbd2/format_internal.h>
#include <kernel/abi/stat.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <coroutine.h>
#include <host.h>
#include <disk.h>
#include "ext4_reseal.h"

struct role {
	u8 kind;   /* enum reseal_kind */
	u32 owner; /* the inode; ITABLE: the first of the block; LOG_DATA: the block */
	/* Of LOG_DATA. */
	u32 tid, descriptor, tag;
};

struct reseal {
	const u8 *sound; /* only while learning */
	u8 *image;       /* as it was before it changed */
	struct ext4_disk_super super;
	u32 block_size, blocks, groups, desc_size;
	u32 seed, log_seed; /* of the file system, the log */
	bool csum, crc16;
	bool csum2, csum3;
	u32 *generation; /* by inode number */
	u32 *log;        /* the log's blocks */
	u32 log_blocks;
	struct role *roles;
};

static void need(bool sane)
{
	if (!sane)
		panic("reseal: not the image it was written for");
}

static const void *sound_block(const struct reseal *r, u64 block)
{
	need(block && block < r->blocks);
	return r->sound + block * r->block_size;
}

static const void *old_block(const struct reseal *r, u64 block)
{
	return r->image + block * r->block_size;
}

static void role_set(struct reseal *r, u64 block, enum reseal_kind kind, u32 owner)
{
	need(block && block < r->blocks);
	r->roles[block] = (struct role){.kind = (u8)kind, .owner = owner};
}

static u32 inode_seed(const struct reseal *r, u32 ino)
{
	return crc32c(crc32c(r->seed, &ino, sizeof(ino)), &r->generation[ino], sizeof(u32));
}

/* --- sealing one block ------------------------------------------------------------------------ */

static void inode_seal(const struct reseal *r, u32 ino, u8 *raw)
{
	const u32 size = r->super.inode_size;
	struct ext4_disk_inode *d = (struct ext4_disk_inode *)raw;
	bool wide = size > EXT4_GOOD_OLD_INODE && EXT4_EXTRA_FITS(d->extra_isize, checksum_hi);
	u32 crc;

	if (!memchr_inv(raw, 0, size))
		return;
	d->checksum_lo = 0;
	if (wide)
		d->checksum_hi = 0;
	crc = crc32c(inode_seed(r, ino), raw, size);
	d->checksum_lo = (u16)crc;
	if (wide)
		d->checksum_hi = (u16)(crc >> 16);
}

static void itable_seal(const struct reseal *r, u32 first, u8 *data)
{
	for (u32 i = 0; i < r->block_size / r->super.inode_size; i++)
		inode_seal(r, first + i, data + i * r->super.inode_size);
}

static void extent_seal(const struct reseal *r, u32 ino, u8 *data)
{
	u32 at = (r->block_size - 12) / 12 * 12 + 12, crc = crc32c(inode_seed(r, ino), data, at);

	memcpy(data + at, &crc, sizeof(crc));
}

/* A node whose counts are wrong is refused before its checksum is looked at. */
static void htree_seal(const struct reseal *r, u32 ino, bool root, u8 *data)
{
	if (!ext4_htree_node_fault(data, r->block_size, root, true))
		ext4_htree_tail_set(data, root, inode_seed(r, ino));
}

static void xattr_seal(const struct reseal *r, u64 block, u8 *data)
{
	struct ext4_xattr_header *h = (struct ext4_xattr_header *)data;

	h->checksum = 0;
	h->checksum = crc32c(crc32c(r->seed, &block, sizeof(block)), data, r->block_size);
}

static void orphans_seal(const struct reseal *r, u32 ino, u64 block, u8 *data)
{
	struct ext4_orphan_tail *t = (struct ext4_orphan_tail *)(data + r->block_size - sizeof(*t));

	t->checksum = crc32c(crc32c(inode_seed(r, ino), &block, sizeof(block)), data,
			     r->block_size - sizeof(*t));
}

static void log_super_seal(u8 *data)
{
	struct jbd_super *s = (struct jbd_super *)data;

	s->checksum = 0;
	s->checksum = cpu_to_be32(crc32c(~0u, s, sizeof(*s)));
}

static void log_tail_seal(const struct reseal *r, u8 *data)
{
	u8 *tail = data + r->block_size - JBD_TAIL_SIZE;

	put_unaligned_be32(0, tail);
	put_unaligned_be32(crc32c(r->log_seed, data, r->block_size), tail);
}

static void log_commit_seal(const struct reseal *r, u8 *data)
{
	struct jbd_commit *c = (struct jbd_commit *)data;

	c->checksum[0] = 0;
	c->checksum[0] = cpu_to_be32(crc32c(r->log_seed, data, r->block_size));
}

/* `data`: the contents of `block`, or a copy of it in the log. */
static void block_seal(const struct reseal *r, u64 block, u8 *data)
{
	const struct role *role = &r->roles[block];

	if (role->kind < RESEAL_LOG_SUPER ? !r->csum : !r->csum2 && !r->csum3)
		return;
	switch (role->kind) {
	case RESEAL_ITABLE: return itable_seal(r, role->owner, data);
	case RESEAL_EXTENT: return extent_seal(r, role->owner, data);
	case RESEAL_LEAF:
		return ext4_dirblock_tail_set(data, r->block_size, inode_seed(r, role->owner));
	case RESEAL_HTREE_ROOT:
	case RESEAL_HTREE_NODE:
		return htree_seal(r, role->owner, role->kind == RESEAL_HTREE_ROOT, data);
	case RESEAL_ORPHANS: return orphans_seal(r, role->owner, block, data);
	case RESEAL_XATTR: return xattr_seal(r, block, data);
	case RESEAL_LOG_SUPER: return log_super_seal(data);
	case RESEAL_LOG_TAIL: return log_tail_seal(r, data);
	case RESEAL_LOG_COMMIT: return log_commit_seal(r, data);
	default: return;
	}
}

/* --- groups ----------------------------------------------------------------------------------- */

static void desc_seal(const struct reseal *r, u32 group, struct ext4_disk_group *d)
{
	u8 copy[EXT4_DESC_SIZE_64];
	u32 at = offsetof(struct ext4_disk_group, checksum);

	memcpy(copy, d, r->desc_size);
	if (r->csum) {
		memset(copy + at, 0, 2);
		d->checksum = (u16)crc32c(crc32c(r->seed, &group, 4), copy, r->desc_size);
	} else if (r->crc16) {
		d->checksum = crc16(crc16(crc16(0xffff, r->super.uuid, 16), &group, 4), copy, at);
	}
}

static u32 zero_bits(const u8 *map, u32 n)
{
	u32 zero = 0;

	for (u32 i = 0; i < n; i++)
		zero += !(map[i / 8] >> i % 8 & 1);
	return zero;
}

static void put_halves(const struct reseal *r, u16 *lo, u16 *hi, u32 v)
{
	*lo = (u16)v;
	if (r->desc_size >= EXT4_DESC_SIZE_64)
		*hi = (u16)(v >> 16);
}

static u32 group_blocks(const struct reseal *r, u32 group)
{
	u32 first = r->super.first_data_block + group * r->super.blocks_per_group;

	return min(r->super.blocks_per_group, r->blocks - first);
}

/* The group's bitmaps are what they are: count and checksum follow. */
static void bitmaps_follow(const struct reseal *r, u32 group, struct ext4_disk_group *d,
			   const u8 *blocks, const u8 *inodes)
{
	const struct ext4_disk_super *s = &r->super;

	if (blocks) {
		put_halves(r, &d->free_blocks_lo, &d->free_blocks_hi,
			   zero_bits(blocks, group_blocks(r, group)));
		put_halves(r, &d->block_bitmap_csum_lo, &d->block_bitmap_csum_hi,
			   r->csum ? crc32c(r->seed, blocks, s->blocks_per_group / 8) : 0);
	}
	if (inodes) {
		put_halves(r, &d->free_inodes_lo, &d->free_inodes_hi,
			   zero_bits(inodes, s->inodes_per_group));
		put_halves(r, &d->inode_bitmap_csum_lo, &d->inode_bitmap_csum_hi,
			   r->csum ? crc32c(r->seed, inodes, s->inodes_per_group / 8) : 0);
	}
}

static u64 desc_at(const struct reseal *r, u32 group)
{
	return (u64)(r->super.first_data_block + 1) * r->block_size + group * r->desc_size;
}

/* The block's contents if they changed. */
static const u8 *changed(const struct reseal *r, const u8 *now, u64 block)
{
	const u8 *data = now + block * r->block_size;

	return memcmp(data, old_block(r, block), r->block_size) ? data : NULL;
}

static void group_reseal(const struct reseal *r, u32 group, struct host_disk *disk)
{
	const u8 *now = host_disk_image(disk);
	const struct ext4_disk_group *old = (const void *)(r->image + desc_at(r, group));
	u8 bytes[EXT4_DESC_SIZE_64];
	struct ext4_disk_group *d = (struct ext4_disk_group *)bytes;

	memcpy(bytes, now + desc_at(r, group), r->desc_size);
	bitmaps_follow(r, group, d, changed(r, now, old->block_bitmap_lo),
		       changed(r, now, old->inode_bitmap_lo));
	if (memcmp(bytes, old, r->desc_size)) {
		desc_seal(r, group, d);
		host_disk_store(disk, desc_at(r, group), bytes, r->desc_size);
	}
}

static void super_reseal(const struct reseal *r, struct host_disk *disk)
{
	struct ext4_disk_super s;

	memcpy(&s, host_disk_image(disk) + EXT4_SUPER_OFFSET, sizeof(s));
	if (!r->csum || !memcmp(&s, r->image + EXT4_SUPER_OFFSET, sizeof(s)))
		return;
	s.checksum = crc32c(~0u, &s, offsetof(struct ext4_disk_super, checksum));
	host_disk_store(disk, EXT4_SUPER_OFFSET, &s, sizeof(s));
}

/* --- the changed image ------------------------------------------------------------------------ */

/* A block's copy in the log, and what its tag says of that. */
static void log_data_reseal(const struct reseal *r, const struct role *role, u8 *data,
			    struct host_disk *disk)
{
	u64 tag = (u64)role->descriptor * r->block_size + role->tag;
	u32 tid = cpu_to_be32(role->tid), sum;
	u8 be[4];

	block_seal(r, role->owner, data);
	sum = crc32c(crc32c(r->log_seed, &tid, sizeof(tid)), data, r->block_size);
	put_unaligned_be32(r->csum3 ? sum : sum << 16, be);
	if (r->csum3)
		host_disk_store(disk, tag + offsetof(struct jbd_tag3, checksum), be, 4);
	else if (r->csum2)
		host_disk_store(disk, tag + offsetof(struct jbd_tag, checksum), be, 2);
}

static void blocks_reseal(const struct reseal *r, struct host_disk *disk, bool log_data)
{
	u8 *data = host_alloc_uncounted(r->block_size);

	for (u64 block = 1; block < r->blocks; block++) {
		const struct role *role = &r->roles[block];

		if (!role->kind || (role->kind == RESEAL_LOG_DATA) != log_data ||
		    !changed(r, host_disk_image(disk), block))
			continue;
		memcpy(data, host_disk_image(disk) + block * r->block_size, r->block_size);
		if (log_data)
			log_data_reseal(r, role, data, disk);
		else
			block_seal(r, block, data);
		host_disk_store(disk, block * r->block_size, data, r->block_size);
	}
	host_free_uncounted(data);
}

void reseal(struct reseal *r, struct host_disk *disk)
{
	/* Copies first: their tags are in blocks of the log, which follow. */
	blocks_reseal(r, disk, true);
	blocks_reseal(r, disk, false);
	for (u32 group = 0; group < r->groups; group++)
		group_reseal(r, group, disk);
	super_reseal(r, disk);
}

/* --- learning --------------------------------------------------------------------------------- */

/* A file's blocks, in order; those of its tree get their role. */
struct map {
	struct reseal *r;
	u32 ino;
	void (*visit)(struct map *m, u32 lblock, u64 block);
};

static void node_learn(struct map *m, const struct ext4_extent_header *n)
{
	const struct ext4_extent *e = (const struct ext4_extent *)(n + 1);
	const struct ext4_extent_index *x = (const struct ext4_extent_index *)(n + 1);

	for (u32 i = 0; i < n->entries; i++) {
		if (n->depth) {
			role_set(m->r, x[i].leaf_lo, RESEAL_EXTENT, m->ino);
			node_learn(m, sound_block(m->r, x[i].leaf_lo));
			continue;
		}
		for (u32 k = 0; m->visit && k < e[i].len && e[i].len < EXT4_EXTENT_MAX_LEN; k++)
			m->visit(m, e[i].block + k, e[i].start_lo + k);
	}
}

/* `levels` indirect blocks lie between this and the file's own; *lblock goes on. */
static void pointer_learn(struct map *m, u32 block, u32 levels, u32 *lblock)
{
	u32 n = m->r->block_size / 4, below = 1;

	for (u32 i = 1; i < levels; i++)
		below *= n;
	if (!block || !levels) {
		if (block && m->visit)
			m->visit(m, *lblock, block);
		*lblock += levels ? below * n : 1;
		return;
	}
	role_set(m->r, block, RESEAL_INDIRECT, m->ino);
	for (u32 i = 0; i < n; i++)
		pointer_learn(m, ((const u32 *)sound_block(m->r, block))[i], levels - 1, lblock);
}

static void pointers_learn(struct map *m, const u32 *pointers)
{
	u32 lblock = 0;

	for (u32 i = 0; i < EXT4_N_BLOCKS; i++)
		pointer_learn(m, pointers[i], i < EXT4_IND_BLOCK ? 0 : i - EXT4_IND_BLOCK + 1,
			      &lblock);
}

static void dir_learn(struct map *m, u32 lblock, u64 block)
{
	const struct ext4_dirent *d = sound_block(m->r, block);
	bool root = !lblock && !ext4_htree_node_fault(d, m->r->block_size, true, m->r->csum);

	if (root)
		role_set(m->r, block, RESEAL_HTREE_ROOT, m->ino);
	else if (!d->inode && d->rec_len == m->r->block_size)
		role_set(m->r, block, RESEAL_HTREE_NODE, m->ino);
	else
		role_set(m->r, block, RESEAL_LEAF, m->ino);
}

static void orphans_learn(struct map *m, u32 lblock, u64 block)
{
	role_set(m->r, block, RESEAL_ORPHANS, m->ino);
}

static void log_learn(struct map *m, u32 lblock, u64 block)
{
	m->r->log[m->r->log_blocks++] = (u32)block;
}

static void inode_learn(struct reseal *r, u32 ino, const struct ext4_disk_inode *d)
{
	struct map m = {.r = r, .ino = ino};

	r->generation[ino] = d->generation;
	if (!d->links_count && ino >= EXT4_FIRST_INO_0)
		return;
	if (ino == EXT4_JOURNAL_INO)
		m.visit = log_learn;
	else if (S_ISDIR(d->mode))
		m.visit = dir_learn;
	else if (r->super.orphan_file_inum && ino == r->super.orphan_file_inum)
		m.visit = orphans_learn;
	if (d->flags & EXT4_EXTENTS_FL)
		node_learn(&m, (const struct ext4_extent_header *)d->block);
	else if (S_ISDIR(d->mode) || S_ISREG(d->mode))
		pointers_learn(&m, d->block);
	if (d->file_acl_lo)
		role_set(r, d->file_acl_lo, RESEAL_XATTR, ino);
}

static void group_learn(struct reseal *r, u32 group)
{
	const struct ext4_disk_group *d = (const void *)(r->sound + desc_at(r, group));
	u32 per_block = r->block_size / r->super.inode_size;

	for (u32 i = 0; i < r->super.inodes_per_group; i++) {
		u32 ino = group * r->super.inodes_per_group + i + 1;
		u64 block = d->inode_table_lo + i / per_block;

		if (i % per_block == 0)
			role_set(r, block, RESEAL_ITABLE, ino);
		inode_learn(r, ino,
			    (const void *)((const u8 *)sound_block(r, block) +
					   i % per_block * r->super.inode_size));
	}
}

/* The copies behind a descriptor, the log's place of it in *at. */
static void descriptor_learn(struct reseal *r, u32 *at, u32 first, u32 tid)
{
	u32 descriptor = r->log[*at], flags = 0, tag = sizeof(struct jbd_header);
	const u8 *data = old_block(r, descriptor);
	const struct jbd_super *s = old_block(r, r->log[0]);
	u32 size = r->csum3 ? 16
			    : (be32_to_cpu(s->incompat) & JBD_INCOMPAT_64BIT ? 12 : 8) +
				      (r->csum2 ? 2 : 0);

	while (!(flags & JBD_TAG_LAST)) {
		u32 target = get_unaligned_be32(data + tag);

		flags = r->csum3 ? get_unaligned_be32(data + tag + 4)
				 : get_unaligned_be16(data + tag + 6);
		*at = *at + 1 < r->log_blocks ? *at + 1 : first;
		need(target < r->blocks);
		r->roles[r->log[*at]] =
			(struct role){RESEAL_LOG_DATA, target, tid, descriptor, tag};
		tag += size + (flags & JBD_TAG_SAME_UUID ? 0 : JBD_UUID_SIZE);
	}
}

/* What is in the log of `image`. */
static void journal_learn(struct reseal *r)
{
	const struct jbd_super *s;
	u32 at, tid, first;

	if (!r->log_blocks)
		return;
	s = old_block(r, r->log[0]);
	r->csum2 = be32_to_cpu(s->incompat) & JBD_INCOMPAT_CSUM_V2;
	r->csum3 = be32_to_cpu(s->incompat) & JBD_INCOMPAT_CSUM_V3;
	r->log_seed = crc32c(~0u, s->uuid, sizeof(s->uuid));
	role_set(r, r->log[0], RESEAL_LOG_SUPER, 0);
	at = be32_to_cpu(s->start);
	first = be32_to_cpu(s->first);
	for (tid = be32_to_cpu(s->sequence); at;) {
		const struct jbd_header *h = old_block(r, r->log[at]);
		u32 type = be32_to_cpu(h->type);

		if (h->magic != cpu_to_be32(JBD_MAGIC) || be32_to_cpu(h->sequence) != tid)
			break;
		role_set(r, r->log[at], type == JBD_COMMIT ? RESEAL_LOG_COMMIT : RESEAL_LOG_TAIL,
			 0);
		if (type == JBD_DESCRIPTOR)
			descriptor_learn(r, &at, first, tid);
		tid += type == JBD_COMMIT;
		at = at + 1 < r->log_blocks ? at + 1 : first;
	}
}

/* A sound image is sealed already; a copy in the log, if its block was of another kind then, is
 * not to be sealed. */
static void learned_check(struct reseal *r)
{
	u8 *data = host_alloc_uncounted(r->block_size);

	for (u64 block = 1; block < r->blocks; block++) {
		struct role *role = &r->roles[block];
		const u8 *was = (role->kind >= RESEAL_LOG_SUPER ? r->image : r->sound) +
				block * r->block_size;

		memcpy(data, was, r->block_size);
		block_seal(r, role->kind == RESEAL_LOG_DATA ? role->owner : block, data);
		if (!memcmp(data, was, r->block_size))
			continue;
		if (role->kind != RESEAL_LOG_DATA)
			host_test_fail("reseal", 0, "block %llu, kind %u of %u", block, role->kind,
				       role->owner);
		role->owner = 0;
	}
	host_free_uncounted(data);
}

struct reseal *reseal_learn(const u8 *sound, const u8 *image, u64 bytes)
{
	struct reseal *r = host_alloc_uncounted(sizeof(*r));
	struct ext4_disk_super *s = &r->super;

	memset(r, 0, sizeof(*r));
	memcpy(s, sound + EXT4_SUPER_OFFSET, sizeof(*s));
	r->sound = sound;
	r->image = host_alloc_uncounted(bytes);
	memcpy(r->image, image, bytes);
	r->block_size = 1024u << s->log_block_size;
	r->blocks = s->blocks_count_lo;
	r->groups =
		(r->blocks - s->first_data_block + s->blocks_per_group - 1) / s->blocks_per_group;
	r->desc_size = s->feature_incompat & EXT4_INCOMPAT_64BIT ? s->desc_size : EXT4_DESC_SIZE_32;
	r->csum = s->feature_ro_compat & EXT4_RO_METADATA_CSUM;
	r->crc16 = s->feature_ro_compat & EXT4_RO_GDT_CSUM;
	r->seed = s->feature_incompat & EXT4_INCOMPAT_CSUM_SEED ? s->checksum_seed
								: crc32c(~0u, s->uuid, 16);
	r->generation = host_alloc_uncounted((s->inodes_count + 1) * sizeof(u32));
	r->log = host_alloc_uncounted(r->blocks * sizeof(u32));
	r->roles = host_alloc_uncounted(r->blocks * sizeof(struct role));
	memset(r->roles, 0, r->blocks * sizeof(struct role));
	for (u32 group = 0; group < r->groups; group++)
		group_learn(r, group);
	journal_learn(r);
	learned_check(r);
	r->sound = NULL;
	return r;
}

void reseal_forget(struct reseal *r)
{
	host_free_uncounted(r->image);
	host_free_uncounted(r->generation);
	host_free_uncounted(r->log);
	host_free_uncounted(r->roles);
	host_free_uncounted(r);
}

enum reseal_kind reseal_kind(const struct reseal *r, u64 block, u64 *of)
{
	const struct role *role = &r->roles[block];

	*of = role->kind == RESEAL_LOG_DATA ? role->owner : block;
	return role->kind;
}

u32 reseal_block_size(const struct reseal *r)
{
	return r->block_size;
}

void reseal_bitmap_clear(const struct reseal *r, struct host_disk *d, u64 block)
{
	u64 bit = block - r->super.first_data_block, group = bit / r->super.blocks_per_group;
	const struct ext4_disk_group *desc = (const void *)(r->image + desc_at(r, (u32)group));
	u64 at;
	u8 byte;

	bit %= r->super.blocks_per_group;
	at = desc->block_bitmap_lo * (u64)r->block_size + bit / 8;
	byte = host_disk_image(d)[at] & (u8)~(1u << bit % 8);
	host_disk_store(d, at, &byte, 1);
}
