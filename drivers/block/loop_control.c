/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which loop devices there are: those made at boot (max_loop=, else eight), and those that
 * /dev/loop-control makes and removes.  loop(4)
 */
#define LOG_PREFIX "loop: "
#include "loop_internal.h"
#include <fs/chardev.h>
#include <fs/vfs/file.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/device/bus_scan.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>

#define LOOP_MAJOR    7
#define CONTROL_MINOR 237
#define DEPTH         128
#define DEFAULT_NR    8
#define NUMBER_MOST   ((1 << MINOR_BITS) - 1)

static struct mutex loops_lock = MUTEX_INIT(loops_lock, RANK_LOOP_TABLE);
static struct list loops = LIST_INIT(loops); /* [loops_lock] */

static struct loop *find_locked(int number)
{
	struct loop *l;

	list_for_each (l, &loops, link)
		if (l->number == number)
			return l;
	return NULL;
}

/* Locks: loops_lock. */
static void link_in_order(struct loop *l)
{
	struct loop *other;

	list_for_each (other, &loops, link)
		if (other->number > l->number)
			break;
	list_insert_before(&other->link, &l->link);
}

static int disk_make(struct loop *l)
{
	char name[16];
	struct disk_params params = {
		.name = name,
		.major = LOOP_MAJOR,
		.first_minor = (u32)l->number,
		.minors = 1,
		.ops = &loop_ops,
		.nr_queues = 1,
		.depth = DEPTH,
		.request_size = loop_request_size,
		.no_partitions = true,
	};
	int err;

	snprintf(name, sizeof(name), "loop%d", l->number);
	err = disk_create(&params, l, &l->disk);
	if (err) {
		kfree(l);
		return err;
	}
	disk_limits(l->disk)->max_segments = 128;
	err = disk_add(l->disk);
	if (err)
		disk_put(l->disk);
	return err;
}

/* Locks: loops_lock.  Returns the number, -EEXIST, -ENOMEM. */
static int loop_add(int number)
{
	struct loop *l;
	int err;

	if (find_locked(number))
		return -EEXIST;
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return -ENOMEM;
	l->number = number;
	mutex_init(&l->config, RANK_LOOP, "loop.config");
	spin_init(&l->lock, RANK_DEVICE, "loop.file");
	wait_queue_init(&l->idle);
	list_init(&l->link);
	err = disk_make(l);
	if (err)
		return err;
	link_in_order(l);
	return number;
}

/* The lowest number that no device has. */
static int free_number(void)
{
	struct loop *l;
	int n = 0;

	list_for_each (l, &loops, link) {
		if (l->number != n)
			break;
		n++;
	}
	return n;
}

static long control_add(long number)
{
	guard_mutex(&loops_lock);
	if (number > NUMBER_MOST)
		return -EINVAL;
	return loop_add(number < 0 ? free_number() : (int)number);
}

/* Its memory goes with the last that has it open, in loop_free. */
static long control_remove(long number)
{
	struct loop *l;

	if (number < 0)
		return -EINVAL;
	guard_mutex(&loops_lock);
	l = find_locked((int)min(number, (long)S32_MAX));
	if (!l)
		return -ENODEV;
	if (READ_ONCE(l->state) != LOOP_UNBOUND || disk_openers(l->disk))
		return -EBUSY;
	list_remove(&l->link);
	disk_remove(l->disk);
	disk_put(l->disk);
	return 0;
}

static long control_get_free(void)
{
	struct loop *l;

	guard_mutex(&loops_lock);
	list_for_each (l, &loops, link)
		if (READ_ONCE(l->state) == LOOP_UNBOUND)
			return l->number;
	return loop_add(free_number());
}

static long control_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	switch (cmd) {
	case LOOP_CTL_ADD: return control_add((long)(int)arg);
	case LOOP_CTL_REMOVE: return control_remove((long)(int)arg);
	case LOOP_CTL_GET_FREE: return control_get_free();
	default: return -ENOSYS;
	}
}

static const struct file_ops control_ops = {
	.open = nonseekable_open,
	.ioctl = control_ioctl,
	.lseek = noop_lseek,
};

static void loop_scan(void)
{
	u64 nr = cmdline_u64(boot_info.cmdline, "max_loop", DEFAULT_NR);
	u32 major = LOOP_MAJOR;
	dev_t dev;
	int err;

	nr = min(cmdline_u64(boot_info.cmdline, "loop.max_loop", nr), (u64)256);
	err = loop_workers_create() ?: blkdev_register(&major, "loop");
	for (unsigned i = 0; !err && i < nr; i++) {
		long n = control_add((long)i);

		err = n < 0 ? (int)n : 0;
	}
	if (!err)
		err = misc_register(CONTROL_MINOR, "loop-control", 0660, &control_ops, &dev);
	if (err)
		log_err("error %d\n", -err);
}

BUS_SCAN(loop, loop_scan);
