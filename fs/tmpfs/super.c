/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tmpfs: mounting, limits, inodes.  tmpfs(5).
 *
 * The tree of names is the dentry cache itself: a positive dentry holds a count of its own.  File
 * content is a struct shmem in the inode, whose charge hook draws on the mount's page limit.
 */
#include <fs/tmpfs/tmpfs.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/dir.h>
#include <fs/vfs/export.h>
#include <fs/vfs/mount.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/stat.h>
#include <security/cred.h>
#include <security/random.h>

#include "tmpfs_internal.h"

#define DIRENT_SIZE 20 /* what an entry adds to a directory's size */

static struct slab_cache *tmpfs_inode_cache;

static struct inode *tmpfs_alloc_inode(struct superblock *sb)
{
	struct tmpfs_inode *ti = slab_alloc(tmpfs_inode_cache, GFP_KERNEL);

	return ti ? &ti->inode : NULL;
}

static void tmpfs_free_inode(struct inode *inode)
{
	slab_free(tmpfs_inode_cache, tmpfs_inode(inode));
}

/* Take or give back pages of the mount's limit. */
static int tmpfs_charge(void *host, s64 pages)
{
	struct inode *inode = host;
	struct tmpfs_sb *ts = inode->sb->private;
	u64 max = READ_ONCE(ts->max_pages);

	if (pages <= 0) {
		atomic_sub(&ts->used_pages, (u64)-pages);
		return 0;
	}
	if (atomic_add_return(&ts->used_pages, (u64)pages) > max && max) {
		atomic_sub(&ts->used_pages, (u64)pages);
		return -ENOSPC;
	}
	return 0;
}

static bool has_pages(const struct inode *inode)
{
	return S_ISREG(inode->mode);
}

static void tmpfs_evict(struct inode *inode)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	struct tmpfs_sb *ts = inode->sb->private;

	if (has_pages(inode))
		shmem_fini(&ti->shmem);
	kfree(inode->link);
	tmpfs_free_xattrs(inode);
	atomic_dec(&ts->used_inodes);
}

static const struct fs_type ramfs_type;

static bool is_ramfs(const struct superblock *sb)
{
	return sb->type == &ramfs_type;
}

static void set_kind(struct inode *inode, umode_t mode, dev_t rdev)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		shmem_init(&tmpfs_inode(inode)->shmem, inode, tmpfs_charge);
		inode->mapping = &tmpfs_inode(inode)->shmem.mapping;
		inode->ops = &tmpfs_file_inode_ops;
		inode->fops = is_ramfs(inode->sb) ? &ramfs_file_ops : &tmpfs_file_ops;
		break;
	case S_IFDIR:
		inode->ops = &tmpfs_dir_ops;
		inode->fops = &dcache_dir_ops;
		inode->nlink = 2;
		inode->size = 2 * DIRENT_SIZE;
		break;
	case S_IFLNK: inode->ops = &tmpfs_symlink_ops; break;
	default:
		inode->ops = &tmpfs_special_ops;
		inode_init_special(inode, mode, rdev);
		break;
	}
}

struct inode *tmpfs_new_inode(struct superblock *sb, struct inode *dir, umode_t mode, dev_t rdev)
{
	struct tmpfs_sb *ts = sb->private;
	struct inode *inode;

	if (ts->max_inodes && atomic_load(&ts->used_inodes) >= ts->max_inodes)
		return NULL;
	inode = inode_create(sb);
	if (!inode)
		return NULL;
	atomic_inc(&ts->used_inodes);
	list_init(&tmpfs_inode(inode)->xattrs);
	tmpfs_inode(inode)->xattr_bytes = 0;
	inode->ino = atomic_add_return(&ts->last_ino, 1);
	inode->generation = ts->generation + (u32)inode->ino;
	inode->flags |= S_NOSEC;
	inode_init_owner(inode, dir, mode);
	set_kind(inode, inode->mode, rdev);
	return inode;
}

static int tmpfs_statfs(struct superblock *sb, struct kstatfs *out)
{
	struct tmpfs_sb *ts = sb->private;

	if (ts->max_pages) {
		u64 used = atomic_load(&ts->used_pages);

		out->blocks = ts->max_pages;
		out->bavail = out->bfree = used < ts->max_pages ? ts->max_pages - used : 0;
	}
	if (ts->max_inodes) {
		u64 used = atomic_load(&ts->used_inodes);

		out->files = ts->max_inodes;
		out->ffree = used < ts->max_inodes ? ts->max_inodes - used : 0;
	}
	return 0;
}

static u64 default_pages(void)
{
	struct mem_info mi;

	mm_stat(&mi);
	return mi.total / 2;
}

/* Options */

static int parse_size(char *value, u64 *out)
{
	char *end;

	*out = memparse(value, &end);
	if (*end == '%') {
		struct mem_info mi;

		mm_stat(&mi);
		*out = *out * mi.total / 100 * 4096;
		end++;
	}
	return end == value || *end ? -EINVAL : 0;
}

static int parse_number(const char *value, unsigned base, u64 *out)
{
	return value && *value ? parse_u64(value, base, out) : -EINVAL;
}

static bool is_ignored_option(const char *key)
{
	static const char *const ignored[] = {
		"huge",  "mpol",     "inode64",  "inode32",     "noswap",
		"quota", "usrquota", "grpquota", "rootcontext", "nosuid",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (!strcmp(key, ignored[i]))
			return i < 5;
	}
	return false;
}

static int parse_option(struct tmpfs_sb *ts, const char *key, char *value)
{
	u64 n;
	int err;

	if (!strcmp(key, "size") || !strcmp(key, "nr_blocks")) {
		err = value ? parse_size(value, &n) : -EINVAL;
		if (!err) {
			ts->max_pages = *key == 's' ? DIV_ROUND_UP(n, 4096) : n;
			ts->size_given = true;
		}
	} else if (!strcmp(key, "nr_inodes")) {
		err = value ? parse_size(value, &n) : -EINVAL;
		if (!err) {
			ts->max_inodes = n;
			ts->inodes_given = true;
		}
	} else if (!strcmp(key, "mode")) {
		err = parse_number(value, 8, &n);
		if (!err)
			ts->mode = n & 07777;
	} else if (!strcmp(key, "uid") || !strcmp(key, "gid")) {
		err = parse_number(value, 10, &n);
		if (!err)
			*(*key == 'u' ? &ts->uid : &ts->gid) = n;
	} else {
		err = is_ignored_option(key) ? 0 : -EINVAL;
	}
	return err;
}

static int parse_options(struct tmpfs_sb *ts, char *options)
{
	char *key, *value;

	while (fs_option_next(&options, &key, &value)) {
		int err = parse_option(ts, key, value);

		if (err)
			return err;
	}
	return 0;
}

static int tmpfs_remount(struct superblock *sb, u32 flags, char *options)
{
	struct tmpfs_sb *ts = sb->private, new = *ts;
	int err = parse_options(&new, options);

	if (err)
		return err;
	if (new.max_pages && new.max_pages < atomic_load(&ts->used_pages))
		return -EINVAL;
	if (new.max_inodes && new.max_inodes < atomic_load(&ts->used_inodes))
		return -EINVAL;
	WRITE_ONCE(ts->max_pages, new.max_pages);
	WRITE_ONCE(ts->max_inodes, new.max_inodes);
	ts->size_given = new.size_given;
	ts->inodes_given = new.inodes_given;
	return 0;
}

static void tmpfs_show_options(struct superblock *sb, struct seq *out)
{
	struct tmpfs_sb *ts = sb->private;

	if (ts->size_given)
		seq_printf(out, ",size=%lluk", ts->max_pages * 4);
	if (ts->inodes_given)
		seq_printf(out, ",nr_inodes=%llu", ts->max_inodes);
	if (ts->mode != 01777)
		seq_printf(out, ",mode=%03o", ts->mode);
	if (ts->uid)
		seq_printf(out, ",uid=%u", ts->uid);
	if (ts->gid)
		seq_printf(out, ",gid=%u", ts->gid);
	seq_puts(out, ",inode64");
}

static const struct super_ops tmpfs_super_ops = {
	.alloc_inode = tmpfs_alloc_inode,
	.free_inode = tmpfs_free_inode,
	.evict = tmpfs_evict,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.show_options = tmpfs_show_options,
};

static int tmpfs_fill(struct superblock *sb, char *options)
{
	struct tmpfs_sb *ts = kzalloc(sizeof(*ts), GFP_KERNEL);
	struct inode *root;
	int err;

	if (!ts)
		return -ENOMEM;
	sb->private = ts;
	ts->mode = 01777;
	ts->generation = random_u32();
	ts->uid = cred_current()->fsuid;
	ts->gid = cred_current()->fsgid;
	ts->max_pages = ts->max_inodes = default_pages();
	err = parse_options(ts, options);
	if (err)
		return err;
	sb->magic = TMPFS_MAGIC;
	sb->flags |= SB_POSIXACL;
	sb->max_bytes = S64_MAX & ~4095ll;
	root = tmpfs_new_inode(sb, NULL, S_IFDIR | ts->mode, 0);
	if (!root)
		return -ENOMEM;
	root->uid = ts->uid;
	root->gid = ts->gid;
	sb->root = d_make_root(sb, root);
	return sb->root ? 0 : -ENOMEM;
}

/* Handles.  Inodes are found by number once somebody asked for a handle of them. */

static int tmpfs_export_encode(struct inode *inode, u32 *fid, u32 *words)
{
	u32 room = *words;

	*words = 3;
	if (room < 3)
		return EXPORT_TOO_SMALL;
	inode_hash_live(inode);
	fid[0] = inode->generation;
	fid[1] = (u32)inode->ino;
	fid[2] = (u32)(inode->ino >> 32);
	return EXPORT_INO32;
}

static int tmpfs_export_decode(struct superblock *sb, const u32 *fid, u32 words, int type,
			       struct inode **out)
{
	if (words < 3)
		return -ESTALE;
	*out = inode_lookup(sb, (u64)fid[2] << 32 | fid[1]);
	if (*out && (*out)->generation != fid[0]) {
		inode_put(*out);
		*out = NULL;
	}
	return *out ? 0 : -ESTALE;
}

static const struct export_ops tmpfs_export_ops = {
	.encode = tmpfs_export_encode,
	.decode = tmpfs_export_decode,
};

int tmpfs_mount(const struct fs_type *type, const struct fs_params *params, struct superblock **out)
{
	int err = super_create(type, params, &tmpfs_super_ops, out);

	if (err)
		return err;
	(*out)->exports = &tmpfs_export_ops;
	err = tmpfs_fill(*out, params->options);
	if (err)
		super_abandon(*out);
	return err;
}

void tmpfs_kill(struct superblock *sb)
{
	kfree(sb->private);
}

static const struct fs_type tmpfs_type = { "tmpfs", FS_USERNS_MOUNT, tmpfs_mount, tmpfs_kill };
FS_TYPE(tmpfs_type);

/* ramfs: the same without limits. */
static int ramfs_mount(const struct fs_type *type, const struct fs_params *params,
		       struct superblock **out)
{
	int err = super_create(type, params, &tmpfs_super_ops, out);

	if (err)
		return err;
	err = tmpfs_fill(*out, params->options);
	if (err) {
		super_abandon(*out);
		return err;
	}
	struct tmpfs_sb *ts = (*out)->private;

	ts->max_pages = ts->max_inodes = 0;
	(*out)->magic = RAMFS_MAGIC;
	(*out)->flags &= ~(u32)SB_POSIXACL;
	return 0;
}

static const struct fs_type ramfs_type = { "ramfs", FS_USERNS_MOUNT, ramfs_mount, tmpfs_kill };
FS_TYPE(ramfs_type);

/* What the boot tree stands on. */
static int rootfs_mount(const struct fs_type *type, const struct fs_params *params,
			struct superblock **out)
{
	char options[] = "mode=0755,size=0,nr_inodes=0";
	struct fs_params p = {.source = params->source, .flags = params->flags, .options = options};
	int err;

	if (!tmpfs_inode_cache) {
		tmpfs_inode_cache = slab_create("shmem_inode", sizeof(struct tmpfs_inode), 8,
						SLAB_RECLAIMABLE, NULL);
		VERIFY(tmpfs_inode_cache);
	}
	err = tmpfs_mount(type, &p, out);
	if (!err) {
		struct tmpfs_sb *ts = (*out)->private;

		ts->size_given = ts->inodes_given = false;
		ts->mode = 01777;
	}
	return err;
}

static const struct fs_type rootfs_type = { "rootfs", FS_NO_USER, rootfs_mount, tmpfs_kill };
FS_TYPE(rootfs_type);
