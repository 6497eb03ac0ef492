/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device model: what is there, what drives it, who wants to know.
 *
 * A bus knows how to match its devices with drivers; a device has a parent, so that they form a
 * tree; a driver lists what it can drive.  Registering either side probes what fits.  A driver that
 * must wait for another returns -EPROBE_DEFER and is asked again after every successful probe.
 * Observers (sysfs, uevents, devtmpfs) are told of everything, and when they register, of
 * everything that is already there.
 */
#pragma once

#include <kernel/lib/linkset.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/mutex.h>

struct device;
struct driver;
struct seq;

struct bus {
	const char *name;
	/* Does `drv` fit `dev`? */
	bool (*match)(const struct device *dev, const struct driver *drv);
	/* Call the driver.  Return 0, -EPROBE_DEFER or a negative errno.  Context: may sleep. */
	int (*probe)(struct device *dev, const struct driver *drv);
	/* NULL, as probe: the driver's own. */
	void (*remove)(struct device *dev, const struct driver *drv);
	/* Add KEY=value lines to an event; may be NULL. */
	void (*uevent)(const struct device *dev, struct seq *env);
	struct list devices; /* [m] struct device.bus_link */
};                           /* m: device_lock */

/* What a device is for user programs: a directory of /sys/class. */
struct device_class {
	const char *name;
	/* Name below /dev and permission bits; may be NULL. */
	const char *(*devnode)(const struct device *dev, u32 *mode, char *buf, size_t size);
	void (*uevent)(const struct device *dev, struct seq *env);
};

/*
 * A file in the device's directory of sysfs.  show and store may sleep; they have a reference to
 * the device and nothing else, so they may run while it is being removed and after.  One of mode
 * S_IFDIR is an empty folder.
 */
struct device_attribute {
	const char *name;
	u32 mode;
	int (*show)(struct device *dev, struct seq *out);
	ssize_t (*store)(struct device *dev, const char *buf, size_t len);
};

/*
 * A file of bytes in the device's directory: configuration space and the like.  read and write
 * return bytes or a negative errno and are called with off + len within size.
 */
struct device_binary {
	const char *name;
	u32 mode;
	size_t (*size)(const struct device *dev);
	ssize_t (*read)(struct device *dev, void *buf, size_t off, size_t len);
	ssize_t (*write)(struct device *dev, const void *buf, size_t off, size_t len);
};

struct device {
	char name[48];                                    /* [I] unique on its bus or class */
	struct device *parent;                            /* [I] referenced, or NULL */
	struct bus *bus;                                  /* [I] or NULL */
	const struct device_class *class;                 /* [I] or NULL */
	const struct driver *driver;                      /* [m] bound */
	void *driver_data;                                /* the driver's */
	void *private;                                    /* [I] the bus's or class's */
	u32 devt;                                         /* [I] major << 20 | minor, 0 for none */
	u32 block;                                        /* [I] devt is a block device's */
	int fdt_node;                                     /* [I] or negative */
	const struct device_attribute *const *attributes; /* [I] NULL-terminated, or NULL */
	const struct device_binary *const *binaries;      /* [I] NULL-terminated, or NULL */
	struct list bus_link;                             /* [m] */
	struct list all_link;                             /* [m] in order of registration */
	u32 registered;                                   /* [m] */
	u32 deferred;                                     /* [m] a driver fits but asked to wait */
	u32 deferred_round;                               /* [m] the round that asked it last */
	refcount_t refs;
	void (*release)(struct device *dev); /* [I] frees it after the last put */
	void *observer_data[4];              /* one per observer slot */
};

struct driver {
	const char *name;
	struct bus *bus;
	const void *ids; /* what the bus's match looks at */
	int (*probe)(struct device *dev);
	void (*remove)(struct device *dev);
};

/* At file scope, beside the driver: it is registered at boot. */
#define DRIVER(drv) LINKSET_ENTRY(drivers, struct driver, drv)

enum device_event { DEVICE_ADD, DEVICE_REMOVE, DEVICE_CHANGE, DEVICE_BIND, DEVICE_UNBIND };

struct device_observer {
	const char *name;
	unsigned slot; /* index into observer_data */
	/* `env` holds extra KEY=value strings, each ended by NUL, or is NULL.  Context: may sleep,
	 * device_lock held. */
	void (*event)(struct device_observer *o, struct device *dev, enum device_event ev,
		      const char *env);
	struct list link; /* [m] */
};

#define DEVICE_OBSERVER_SYSFS    0
#define DEVICE_OBSERVER_DEVTMPFS 1
#define DEVICE_OBSERVER_UEVENT   2
#define DEVICE_OBSERVER_OTHER    3

extern struct mutex device_lock; /* RANK_DEVICE_MODEL */

void bus_register(struct bus *b);

/* Zeroed storage becomes a device; fill the fields, then register.  One reference. */
void device_init(struct device *dev, const char *fmt, ...) __printf(2, 3);
/* Returns 0 or -EEXIST (name taken on the bus or class).  Context: may sleep; not under
 * device_lock. */
int __must_check device_register(struct device *dev);
/* Unbind, tell observers, take out of the tree; drops the registration's reference.  Children go
 * first.  Context: may sleep; not under device_lock. */
void device_unregister(struct device *dev);
/* Tell observers that something about the device changed. */
void device_changed(struct device *dev, const char *env);

static inline struct device *device_get(struct device *dev)
{
	if (dev)
		refcount_get(&dev->refs);
	return dev;
}

void device_put(struct device *dev);

/* The lines of an event about the device, as its file "uevent" has them.  Context: may sleep; takes
 * device_lock. */
void device_show_uevent(struct device *dev, struct seq *out);

/* Call fn for every registered device, parents first; stops when it returns non-zero.  Takes
 * device_lock. */
int device_for_each(int (*fn)(struct device *dev, void *arg), void *arg);

/* Replays registrations to `o`.  Context: may sleep. */
void device_observer_register(struct device_observer *o);

/* Register all linked drivers, and bind what is there.  Boot. */
void device_init_drivers(void);

/* Ask deferred devices again. */
void device_probe_deferred(void);
