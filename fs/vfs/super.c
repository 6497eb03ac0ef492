/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Superblocks: their list, their types, their end.
 *
 * A superblock is alive while `active` counts it (mounts do).  The last put shuts it down: dentries
 * are dropped, inodes evicted, the file system's put() called.  `refs` only keeps the memory, for
 * those who walk the list.
 */
#define LOG_PREFIX "fs: "
#include <fs/vfs/dentry.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/debug/log.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/idr.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/abi/limits.h>
#include <mm/alloc.h>

#include <fs/vfs/core.h>

LINKSET_DECLARE(fs_types, struct fs_type);

static struct spinlock supers_lock = SPINLOCK_INIT(RANK_SUPER_LIST);
static struct list supers = LIST_INIT(supers); /* [supers_lock] */

/* Types */

const struct fs_type *fs_type_find(const char *name)
{
	const struct fs_type *const *t;

	for_each_linkset (t, fs_types) {
		if (!strcmp((*t)->name, name))
			return *t;
	}
	return NULL;
}

const struct fs_type *fs_type_on_device(unsigned index)
{
	const struct fs_type *const *t;

	for_each_linkset (t, fs_types) {
		if ((*t)->flags & FS_REQUIRES_DEV && !index--)
			return *t;
	}
	return NULL;
}

void fs_types_show(struct seq *out)
{
	const struct fs_type *const *t;

	for_each_linkset(t, fs_types) seq_printf(
		out, "%s\t%s\n", (*t)->flags & FS_REQUIRES_DEV ? "" : "nodev", (*t)->name);
}

bool fs_option_next(char **pos, char **key, char **value)
{
	char *p = *pos;

	while (p && *p == ',')
		p++;
	if (!p || !*p)
		return false;
	*key = p;
	*value = NULL;
	for (; *p && *p != ','; p++) {
		if (*p == '=' && !*value) {
			*p = 0;
			*value = p + 1;
		}
	}
	if (*p)
		*p++ = 0;
	*pos = p;
	return true;
}

/* Anonymous device numbers: major 0, minors from a bitmap. */

#define ANON_MINORS 16384
static u64 anon_map[ANON_MINORS / 64]; /* [supers_lock] */

int anon_dev_get(dev_t *out)
{
	guard_spin(&supers_lock);
	for (u32 i = 0; i < ANON_MINORS / 64; i++) {
		u64 used = anon_map[i] | (i == 0);

		if (~used) {
			u32 bit = ctz64(~used);

			anon_map[i] |= 1ull << bit;
			*out = MKDEV(0, i * 64 + bit);
			return 0;
		}
	}
	return -EMFILE;
}

void anon_dev_put(dev_t dev)
{
	u32 minor = MINOR(dev);

	if (MAJOR(dev) || !minor)
		return;
	guard_spin(&supers_lock);
	anon_map[minor / 64] &= ~(1ull << minor % 64);
}

/* Existence */

static void super_put_ref(struct superblock *sb)
{
	if (refcount_put(&sb->refs))
		kfree_rcu(sb, rcu);
}

int super_create(const struct fs_type *type, const struct fs_params *params,
		 const struct super_ops *ops, struct superblock **out)
{
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	int err;

	if (!sb)
		return -ENOMEM;
	err = anon_dev_get(&sb->dev);
	if (err) {
		kfree(sb);
		return err;
	}
	sb->type = type;
	sb->ops = ops;
	sb->flags = params->flags;
	sb->blocksize = 4096;
	sb->blkbits = 12;
	sb->time_gran = 1;
	sb->namelen = NAME_MAX;
	sb->max_bytes = S64_MAX;
	strscpy(sb->id, type->name, sizeof(sb->id));
	refcount_set(&sb->active, 1);
	refcount_set(&sb->refs, 1);
	rwsem_init(&sb->umount, RANK_SUPER, "super.umount");
	mutex_init(&sb->rename, RANK_RENAME, "super.rename");
	spin_init(&sb->inodes_lock, RANK_WRITEBACK, "super.inodes");
	list_init(&sb->inodes);
	writeback_init(sb);
	rwsem_write_lock(&sb->umount);
	with_spin(&supers_lock)
		list_push_back(&supers, &sb->link);
	*out = sb;
	return 0;
}

int super_mount(const struct fs_type *type, const struct fs_params *params, struct superblock **out)
{
	int err = type->mount(type, params, out);

	if (err || !(*out)->ops || !(*out)->ops->write_inode)
		return err;
	err = writeback_start(*out);
	if (err)
		super_abandon(*out);
	return err;
}

int super_share(const struct fs_type *type, bool (*match)(struct superblock *, void *), void *arg,
		struct superblock **out)
{
	struct superblock *sb, *found = NULL;

	with_spin(&supers_lock) {
		list_for_each (sb, &supers, link) {
			if (sb->type == type && match(sb, arg) &&
			    refcount_get_unless_zero(&sb->active)) {
				found = sb;
				break;
			}
		}
	}
	if (!found)
		return -ENOENT;
	rwsem_write_lock(&found->umount);
	if (found->root) {
		*out = found;
		return 0;
	}
	/* Whoever was filling it failed. */
	rwsem_write_unlock(&found->umount);
	super_put_active(found);
	return -ENOENT;
}

/* Every inode that is still there after all dentries went is a leak of somebody's reference: say
 * so. */
static void super_check_inodes(struct superblock *sb)
{
	with_spin(&sb->inodes_lock) {
		if (list_empty(&sb->inodes))
			return;
	}
	log_err("%s: inodes remain in use after unmounting\n", sb->id);
}

static void super_shutdown(struct superblock *sb)
{
	dev_t anon = sb->bdev ? 0 : sb->dev;
	const struct fs_type *type = sb->type;

	rwsem_write_lock(&sb->umount);
	if (sb->root) {
		struct dentry *root = sb->root;

		if (sb->notify_count)
			fsnotify_sb_gone(sb);
		d_unpin_tree(root);
		d_prune_tree(root);
		if (!(sb->flags & SB_RDONLY))
			super_sync(sb, true);
		writeback_stop(sb);
		sb->root = NULL;
		dentry_put(root);
		super_check_inodes(sb);
		if (sb->ops && sb->ops->put)
			sb->ops->put(sb);
	}
	rwsem_write_unlock(&sb->umount);
	with_spin(&supers_lock)
		list_remove(&sb->link);
	if (type->kill)
		type->kill(sb);
	anon_dev_put(anon);
	rcu_barrier(); /* inodes on their way out still ask for free_inode */
	super_put_ref(sb);
}

void super_put_active(struct superblock *sb)
{
	if (refcount_put(&sb->active))
		super_shutdown(sb);
}

void super_abandon(struct superblock *sb)
{
	rwsem_write_unlock(&sb->umount);
	super_put_active(sb);
}

/* Use */

int super_statfs(struct superblock *sb, struct kstatfs *out)
{
	memset(out, 0, sizeof(*out));
	out->type = sb->magic;
	out->bsize = out->frsize = sb->blocksize;
	out->namelen = sb->namelen;
	out->fsid = dev_encode(sb->dev);
	if (!sb->ops || !sb->ops->statfs)
		return 0;
	return sb->ops->statfs(sb, out);
}

int super_sync(struct superblock *sb, bool wait)
{
	int err = super_sync_inodes(sb, wait), serr = 0;

	if (sb->ops && sb->ops->sync)
		serr = sb->ops->sync(sb, wait);
	err = err ?: serr;
	if (sb->device) {
		serr = cache_write_range(sb->device, 0, S64_MAX, wait);
		err = err ?: serr;
	}
	return err;
}

/* Call fn on each live superblock, with `umount` held for reading. */
void supers_for_each(void (*fn)(struct superblock *sb, void *arg), void *arg)
{
	struct superblock *sb, *prev = NULL;

	spin_lock(&supers_lock);
	list_for_each (sb, &supers, link) {
		if (!refcount_get_unless_zero(&sb->active))
			continue;
		refcount_get(&sb->refs);
		spin_unlock(&supers_lock);
		rwsem_read_lock(&sb->umount);
		if (sb->root)
			fn(sb, arg);
		rwsem_read_unlock(&sb->umount);
		if (prev) {
			super_put_active(prev);
			super_put_ref(prev);
		}
		prev = sb;
		spin_lock(&supers_lock);
	}
	spin_unlock(&supers_lock);
	if (prev) {
		super_put_active(prev);
		super_put_ref(prev);
	}
}

static void sync_one(struct superblock *sb, void *arg)
{
	if (!(sb->flags & SB_RDONLY))
		super_sync(sb, *(bool *)arg);
}

void super_sync_all(bool wait)
{
	supers_for_each(sync_one, &wait);
}

static void readonly_one(struct superblock *sb, void *arg)
{
	if (sb->flags & SB_RDONLY)
		return;
	super_sync(sb, true);
	if (sb->bdev && sb->ops->remount && !sb->ops->remount(sb, sb->flags | SB_RDONLY, NULL))
		WRITE_ONCE(sb->flags, sb->flags | SB_RDONLY);
}

void super_remount_all_readonly(void)
{
	supers_for_each(readonly_one, NULL);
}

/* The live superblock of a device number, or NULL.  The caller puts `active`. */
struct superblock *super_by_dev(dev_t dev)
{
	struct superblock *sb;

	guard_spin(&supers_lock);
	list_for_each (sb, &supers, link) {
		if (sb->dev == dev && sb->root && refcount_get_unless_zero(&sb->active))
			return sb;
	}
	return NULL;
}
