/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which character device numbers belong to whom.
 *
 * A list of ranges for each major number, read under RCU at open; ranges do not overlap.
 */
#include <fs/chardev.h>
#include <fs/devtmpfs.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/list.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/rcu.h>
#include <mm/alloc.h>

#define MAJORS 512
#define MISC_MAJOR 10

struct chrdev {
	struct hlist_node link;	      /* [c, R] */
	dev_t first;		      /* [I] */
	unsigned count;		      /* [I] */
	const struct file_ops *ops;   /* [I] */
	char name[32];		      /* [I] */
	struct rcu_head rcu;
};

static struct hlist_head chrdevs[MAJORS]; /* [c, R] by major */
static struct mutex chrdevs_lock = MUTEX_INIT(chrdevs_lock, RANK_SLEEP_LEAF); /* c */
static const struct file_ops *block_open_ops;

static struct chrdev *chrdev_find(dev_t dev)
{
	struct chrdev *c;

	if (MAJOR(dev) >= MAJORS)
		return NULL;
	hlist_for_each_rcu (c, &chrdevs[MAJOR(dev)], link) {
		if (dev - c->first < c->count)
			return c;
	}
	return NULL;
}

static bool overlaps(dev_t first, unsigned count)
{
	struct chrdev *c;

	hlist_for_each (c, &chrdevs[MAJOR(first)], link) {
		if (first < c->first + c->count && c->first < first + count)
			return true;
	}
	return false;
}

int chrdev_register(dev_t first, unsigned count, const char *name, const struct file_ops *ops)
{
	struct chrdev *c;

	if (MAJOR(first) >= MAJORS || !count || MAJOR(first + count - 1) != MAJOR(first))
		return -EINVAL;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->first = first;
	c->count = count;
	c->ops = ops;
	strscpy(c->name, name, sizeof(c->name));
	guard_mutex(&chrdevs_lock);
	if (overlaps(first, count)) {
		kfree(c);
		return -EBUSY;
	}
	hlist_push_rcu(&chrdevs[MAJOR(first)], &c->link);
	return 0;
}

int chrdev_register_dynamic(unsigned count, const char *name, const struct file_ops *ops,
			    dev_t *first)
{
	for (unsigned major = 254; major >= 234; major--) {
		int err;

		if (!hlist_empty(&chrdevs[major]))
			continue;
		err = chrdev_register(MKDEV(major, 0), count, name, ops);
		if (err != -EBUSY) {
			*first = MKDEV(major, 0);
			return err;
		}
	}
	return -EBUSY;
}

void chrdev_unregister(dev_t first, unsigned count)
{
	struct chrdev *c;

	guard_mutex(&chrdevs_lock);
	hlist_for_each (c, &chrdevs[MAJOR(first)], link) {
		if (c->first == first && c->count == count) {
			hlist_remove_rcu(&c->link);
			kfree_rcu(c, rcu);
			return;
		}
	}
}

/* Opening a node */

static int chrdev_open(struct inode *inode, struct file *f)
{
	const struct file_ops *ops;

	rcu_read_lock();
	struct chrdev *c = chrdev_find(inode->rdev);

	ops = c ? c->ops : NULL;
	rcu_read_unlock();
	if (!ops)
		return -ENXIO;
	f->ops = ops;
	return ops->open ? ops->open(inode, f) : 0;
}

const struct file_ops chrdev_open_ops = { .open = chrdev_open };

static int no_blkdev_open(struct inode *inode, struct file *f)
{
	return -ENXIO;
}

static const struct file_ops no_blkdev_ops = { .open = no_blkdev_open };

void blkdev_set_open_ops(const struct file_ops *ops)
{
	block_open_ops = ops;
}

const struct file_ops *blkdev_open_ops(void)
{
	return block_open_ops ?: &no_blkdev_ops;
}

/* Miscellaneous devices */

static u64 misc_minors[4]; /* [chrdevs_lock] taken, 0 to 254 */

/* Take a minor: the given one, or the highest free one below 255. */
static int misc_take(unsigned *minor)
{
	guard_mutex(&chrdevs_lock);
	if (*minor == MISC_DYNAMIC_MINOR) {
		for (*minor = 127; misc_minors[*minor / 64] >> *minor % 64 & 1; --*minor) {
			if (!*minor)
				return -EBUSY;
		}
	} else if (*minor < 256 && (misc_minors[*minor / 64] >> *minor % 64 & 1)) {
		return -EBUSY;
	}
	if (*minor < 256)
		misc_minors[*minor / 64] |= 1ull << *minor % 64;
	return 0;
}

int misc_register(unsigned minor, const char *name, umode_t mode, const struct file_ops *ops,
		  dev_t *out)
{
	dev_t dev;
	int err = misc_take(&minor);

	if (err)
		return err;
	dev = MKDEV(MISC_MAJOR, minor);
	err = chrdev_register(dev, 1, name, ops);
	if (err)
		return err;
	if (out)
		*out = dev;
	return devtmpfs_create(name, S_IFCHR | mode, dev);
}

void chrdev_show(struct seq *out)
{
	guard_mutex(&chrdevs_lock);
	for (unsigned major = 0; major < MAJORS; major++) {
		struct chrdev *c;
		const char *last = NULL;

		if (major == MISC_MAJOR) {
			seq_printf(out, "%3u misc\n", major);
			continue;
		}
		hlist_for_each (c, &chrdevs[major], link) {
			if (!last || strcmp(last, c->name))
				seq_printf(out, "%3u %s\n", major, c->name);
			last = c->name;
		}
	}
}
