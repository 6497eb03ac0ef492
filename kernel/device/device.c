/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device model.
 *
 * One mutex guards the tree, the buses and all bindings; probing runs under a mark rather than the
 * mutex, so that a probe may register children.  Events go to the observers in order of
 * registration, under the mutex, so that each sees a consistent history.
 */
#define LOG_PREFIX "device: "

#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/device/device.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sched/workqueue.h>

LINKSET_DECLARE(drivers, struct driver);

struct mutex device_lock = MUTEX_INIT(device_lock, RANK_DEVICE_MODEL);
static struct list all_devices = LIST_INIT(all_devices); /* device_lock */
static struct list observers = LIST_INIT(observers);     /* device_lock */
static bool drivers_ready;                               /* device_lock */

static void retry_deferred(struct work *w)
{
	device_probe_deferred();
}

static struct work retry_work = WORK_INIT(retry_work, retry_deferred);

void bus_register(struct bus *b)
{
	list_init(&b->devices);
}

static void notify(struct device *dev, enum device_event ev, const char *env)
{
	struct device_observer *o;

	assert_held(&device_lock);
	list_for_each (o, &observers, link)
		o->event(o, dev, ev, env);
}

void device_observer_register(struct device_observer *o)
{
	struct device *dev;

	guard_mutex(&device_lock);
	list_push_back(&observers, &o->link);
	list_for_each (dev, &all_devices, all_link) {
		o->event(o, dev, DEVICE_ADD, NULL);
		if (dev->driver)
			o->event(o, dev, DEVICE_BIND, NULL);
	}
}

/* --- binding -------------------------------------------------------------------------------- */

static const struct driver *find_driver(const struct device *dev)
{
	const struct driver *const *d;

	for_each_linkset(d,
			 drivers) if ((*d)->bus == dev->bus && dev->bus->match(dev, *d)) return *d;
	return NULL;
}

/* Try to bind `dev`.  Locks: none; one prober per device at a time by `deferred`. */
static void probe(struct device *dev)
{
	const struct driver *drv;
	int err;

	with_mutex(&device_lock)
	{
		if (!drivers_ready || !dev->bus || dev->driver || !dev->registered)
			return;
		drv = find_driver(dev);
		if (!drv)
			return;
		dev->driver = drv;
		dev->deferred = 0;
	}
	err = dev->bus->probe ? dev->bus->probe(dev, drv) : drv->probe(dev);
	with_mutex(&device_lock)
	{
		if (err) {
			dev->driver = NULL;
			dev->deferred = err == -EPROBE_DEFER;
		} else {
			notify(dev, DEVICE_BIND, NULL);
		}
	}
	if (!err)
		work_queue(&retry_work);
	else if (err != -EPROBE_DEFER && err != -ENODEV)
		log_err("%s: %s fails: %d\n", dev->name, drv->name, err);
}

/* The first device that waits for another's driver, referenced. */
static struct device *next_deferred(u32 round)
{
	struct device *dev;

	guard_mutex(&device_lock);
	list_for_each (dev, &all_devices, all_link)
		if (dev->deferred && dev->deferred_round != round) {
			dev->deferred_round = round;
			return device_get(dev);
		}
	return NULL;
}

void device_probe_deferred(void)
{
	static u32 rounds;
	u32 round = atomic_add_return(&rounds, 1u);
	struct device *dev;

	while ((dev = next_deferred(round))) {
		probe(dev);
		device_put(dev);
	}
}

static struct device *next_unprobed(u32 round)
{
	struct device *dev;

	guard_mutex(&device_lock);
	list_for_each (dev, &all_devices, all_link)
		if (dev->bus && !dev->driver && dev->deferred_round != round) {
			dev->deferred_round = round;
			return device_get(dev);
		}
	return NULL;
}

void device_init_drivers(void)
{
	struct device *dev;

	with_mutex(&device_lock) drivers_ready = true;
	while ((dev = next_unprobed(U32_MAX))) {
		probe(dev);
		device_put(dev);
	}
}

/* --- registration --------------------------------------------------------------------------- */

void device_init(struct device *dev, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(dev->name, sizeof(dev->name), fmt, args);
	va_end(args);
	refcount_set(&dev->refs, 1);
	list_init(&dev->bus_link);
	list_init(&dev->all_link);
	if (!dev->fdt_node)
		dev->fdt_node = -1;
}

static bool name_taken(const struct device *dev)
{
	const struct device *other;

	list_for_each (other, &all_devices, all_link)
		if (other->bus == dev->bus && other->class == dev->class &&
		    !strcmp(other->name, dev->name))
			return true;
	return false;
}

int device_register(struct device *dev)
{
	with_mutex(&device_lock)
	{
		if (name_taken(dev))
			return -EEXIST;
		device_get(dev->parent);
		list_push_back(&all_devices, &dev->all_link);
		if (dev->bus)
			list_push_back(&dev->bus->devices, &dev->bus_link);
		dev->registered = 1;
		notify(dev, DEVICE_ADD, NULL);
	}
	probe(dev);
	return 0;
}

static void unbind(struct device *dev)
{
	const struct driver *drv;

	with_mutex(&device_lock)
	{
		drv = dev->driver;
		dev->driver = NULL;
		if (drv)
			notify(dev, DEVICE_UNBIND, NULL);
	}
	if (!drv)
		return;
	if (dev->bus->remove)
		dev->bus->remove(dev, drv);
	else if (drv->remove)
		drv->remove(dev);
}

void device_unregister(struct device *dev)
{
	unbind(dev);
	with_mutex(&device_lock)
	{
		notify(dev, DEVICE_REMOVE, NULL);
		list_remove(&dev->all_link);
		list_remove(&dev->bus_link);
		dev->registered = 0;
	}
	device_put(dev);
}

void device_changed(struct device *dev, const char *env)
{
	guard_mutex(&device_lock);
	if (dev->registered)
		notify(dev, DEVICE_CHANGE, env);
}

void device_show_uevent(struct device *dev, struct seq *out)
{
	char buf[64];
	u32 mode = 0;

	guard_mutex(&device_lock);
	if (dev->devt) {
		const char *node = dev->class && dev->class->devnode
					   ? dev->class->devnode(dev, &mode, buf, sizeof(buf))
					   : NULL;

		seq_printf(out, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", dev->devt >> 20,
			   dev->devt & 0xfffff, node ? node : dev->name);
	}
	if (dev->driver)
		seq_printf(out, "DRIVER=%s\n", dev->driver->name);
	if (dev->bus && dev->bus->uevent)
		dev->bus->uevent(dev, out);
	if (dev->class && dev->class->uevent)
		dev->class->uevent(dev, out);
}

void device_put(struct device *dev)
{
	while (dev && refcount_put(&dev->refs)) {
		struct device *parent = dev->parent;

		if (dev->release)
			dev->release(dev);
		dev = parent;
	}
}

int device_for_each(int (*fn)(struct device *dev, void *arg), void *arg)
{
	struct device *dev;
	int ret = 0;

	guard_mutex(&device_lock);
	list_for_each (dev, &all_devices, all_link) {
		ret = fn(dev, arg);
		if (ret)
			break;
	}
	return ret;
}
