/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI hosts and their logical units: finding them, asking them, sense.
 *
 * Unit 0 of each target is asked who it is (INQUIRY); if something answers, REPORT LUNS names the
 * others.  All changes of a host's list of units happen under scan_lock.
 */
#define LOG_PREFIX "scsi: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sched/preempt.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>
#include "scsi.h"

#define INQUIRY_SIZE   36
#define LUNS_SIZE      4096
#define ATTENTIONS_MAX 5
#define BUSY_TRIES     2000

/* --- sense ------------------------------------------------------------------------------------ */

bool scsi_sense_decode(const u8 *s, size_t len, struct scsi_sense *out)
{
	u8 code = len ? s[0] & 0x7f : 0;

	*out = (struct scsi_sense){0};
	if ((code == 0x70 || code == 0x71) && len >= 3) {
		out->key = s[2] & 15;
		out->asc = len > 12 ? s[12] : 0;
		out->ascq = len > 13 ? s[13] : 0;
		return true;
	}
	if ((code == 0x72 || code == 0x73) && len >= 4) {
		out->key = s[1] & 15;
		out->asc = s[2];
		out->ascq = s[3];
		return true;
	}
	return false;
}

/* --- commands with a waiter ---------------------------------------------------------------------
 */

struct waiting {
	struct completion done;
	struct scsi_sense sense;
	bool has_sense;
	struct scsi_command cmd;
};

static void wake_waiter(struct scsi_command *cmd)
{
	struct waiting *w = container_of(cmd, struct waiting, cmd);

	w->has_sense = scsi_sense_decode(cmd->sense, cmd->sense_len, &w->sense);
	completion_done(&w->done);
}

static int send_and_wait(struct waiting *w)
{
	struct scsi_host *h = w->cmd.unit->host;
	int err = -EBUSY;

	completion_init(&w->done);
	for (unsigned i = 0; i < BUSY_TRIES && err == -EBUSY; i++) {
		if (i)
			sleep_ns(1000000);
		preempt_disable();
		err = h->ops->queue(h, 0, &w->cmd, true);
		preempt_enable();
	}
	if (err)
		return err == -EBUSY ? -EIO : err;
	completion_wait(&w->done);
	return w->cmd.error;
}

/* 0, an errno, or -EAGAIN: once more. */
static int judge(const struct waiting *w)
{
	u8 status = w->cmd.status;

	if (status == SCSI_GOOD)
		return 0;
	if (status == SCSI_BUSY || status == SCSI_TASK_SET_FULL)
		return -EAGAIN;
	if (status != SCSI_CHECK_CONDITION || !w->has_sense)
		return -EIO;
	switch (w->sense.key) {
	case SENSE_NONE:
	case SENSE_RECOVERED: return 0;
	case SENSE_UNIT_ATTENTION:
	case SENSE_ABORTED: return -EAGAIN;
	case SENSE_ILLEGAL_REQUEST: return -EOPNOTSUPP;
	default: return -EIO;
	}
}

int scsi_execute(struct scsi_unit *u, const u8 *cdb, unsigned cdb_len, void *buf, u32 len,
		 bool write, u32 *got)
{
	struct waiting *w = kzalloc(sizeof(*w) + u->host->command_size, GFP_KERNEL);
	int err = -EAGAIN;

	if (!w)
		return -ENOMEM;
	for (unsigned i = 0; i < ATTENTIONS_MAX && err == -EAGAIN; i++) {
		w->cmd.unit = u;
		w->cmd.buf = buf;
		w->cmd.len = len;
		w->cmd.write = write;
		w->cmd.cdb_len = (u8)cdb_len;
		w->cmd.done = wake_waiter;
		memcpy(w->cmd.cdb, cdb, cdb_len);
		err = send_and_wait(w);
		if (!err)
			err = judge(w);
	}
	if (got)
		*got = err || w->cmd.residual > len ? 0 : len - w->cmd.residual;
	kfree(w);
	return err == -EAGAIN ? -EIO : err;
}

int scsi_vital_page(struct scsi_unit *u, u8 page, u8 *buf, u32 len, u32 *got)
{
	u8 cdb[6] = {SCSI_INQUIRY, 1, page, (u8)(len >> 8), (u8)len};
	int err = scsi_execute(u, cdb, sizeof(cdb), buf, len, false, got);

	if (err)
		return err;
	return *got >= 4 && buf[1] == page ? 0 : -EIO;
}

/* --- units in the device model ------------------------------------------------------------------
 */

static struct scsi_unit *to_unit(const struct device *dev)
{
	return container_of(dev, struct scsi_unit, dev);
}

#define TEXT_SHOW(name)                                                                            \
	static int name##_show(struct device *dev, struct seq *out)                                \
	{                                                                                          \
		seq_printf(out, "%s\n", to_unit(dev)->name);                                       \
		return 0;                                                                          \
	}

TEXT_SHOW(vendor)
TEXT_SHOW(model)
TEXT_SHOW(revision)

static int type_show(struct device *dev, struct seq *out)
{
	seq_printf(out, "%u\n", to_unit(dev)->type);
	return 0;
}

static const struct device_attribute vendor_attr = {"vendor", 0444, vendor_show, NULL};
static const struct device_attribute model_attr = {"model", 0444, model_show, NULL};
static const struct device_attribute rev_attr = {"rev", 0444, revision_show, NULL};
static const struct device_attribute type_attr = {"type", 0444, type_show, NULL};
static const struct device_attribute *const attributes[] = {&vendor_attr, &model_attr, &rev_attr,
							    &type_attr, NULL};

static void scsi_uevent(const struct device *dev, struct seq *env)
{
	seq_printf(env, "DEVTYPE=scsi_device\nMODALIAS=scsi:t-0x%02x\n", to_unit(dev)->type);
}

static bool scsi_match(const struct device *dev, const struct driver *drv)
{
	return false; /* disks are made by the scan */
}

static struct bus scsi_bus_type = {
	.name = "scsi",
	.match = scsi_match,
	.uevent = scsi_uevent,
	.devices = LIST_INIT(scsi_bus_type.devices),
};

static void unit_release(struct device *dev)
{
	kfree(to_unit(dev));
}

/* --- finding ---------------------------------------------------------------------------------- */

static struct scsi_unit *unit_find(struct scsi_host *h, u32 target, u32 lun)
{
	struct scsi_unit *u;

	assert_held(&h->scan_lock);
	list_for_each (u, &h->units, link)
		if (u->target == target && u->lun == lun)
			return u;
	return NULL;
}

/* Trailing blanks go, what is not text becomes a question mark. */
static void copy_text(char *to, const u8 *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '?';
	to[len] = 0;
}

/* Who is it?  0, or -ENODEV: nobody. */
static int inquire(struct scsi_unit *u)
{
	u8 cdb[6] = {SCSI_INQUIRY, 0, 0, 0, INQUIRY_SIZE};
	u8 *buf = kzalloc(INQUIRY_SIZE, GFP_KERNEL);
	u32 got;
	int err;

	if (!buf)
		return -ENOMEM;
	err = scsi_execute(u, cdb, sizeof(cdb), buf, INQUIRY_SIZE, false, &got);
	/* A qualifier other than 0: no such unit, or none connected. */
	if (!err && (got < INQUIRY_SIZE || buf[0] >> 5 || (buf[0] & 31) == SCSI_TYPE_NONE))
		err = -ENODEV;
	if (!err) {
		u->type = buf[0] & 31;
		copy_text(u->vendor, buf + 8, 8);
		copy_text(u->model, buf + 16, 16);
		copy_text(u->revision, buf + 32, 4);
	}
	kfree(buf);
	return err;
}

static struct scsi_unit *unit_alloc(struct scsi_host *h, u32 target, u32 lun)
{
	struct scsi_unit *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return NULL;
	u->host = h;
	u->target = target;
	u->lun = lun;
	return u;
}

static int unit_register(struct scsi_unit *u)
{
	int err;

	u->dev.bus = &scsi_bus_type;
	u->dev.parent = u->host->parent;
	u->dev.attributes = attributes;
	u->dev.release = unit_release;
	device_init(&u->dev, "%u:0:%u:%u", u->host->number, u->target, u->lun);
	err = device_register(&u->dev);
	if (err)
		return err;
	list_push_back(&u->host->units, &u->link);
	log_info("%s: %s %s %s\n", u->dev.name, u->vendor, u->model, u->revision);
	if (u->type != SCSI_TYPE_DISK && u->type != SCSI_TYPE_CD)
		return 0;
	err = scsi_disk_create(u);
	if (err)
		log_err("%s: no disk: error %d\n", u->dev.name, err);
	return 0;
}

/* Returns whether a unit answers there.  Locks: scan_lock. */
static bool unit_probe(struct scsi_host *h, u32 target, u32 lun)
{
	struct scsi_unit *u = unit_find(h, target, lun);

	if (u)
		return true;
	u = unit_alloc(h, target, lun);
	if (!u)
		return false;
	if (inquire(u) || unit_register(u)) {
		kfree(u);
		return false;
	}
	return true;
}

static void unit_remove(struct scsi_unit *u)
{
	list_remove(&u->link);
	if (u->disk)
		scsi_disk_remove(u->disk);
	if (u->disk)
		scsi_disk_destroy(u->disk);
	device_unregister(&u->dev);
}

/* Units other than 0, by the list that unit 0 gives (SPC-4, 6.33): flat or simple numbers. */
static void probe_listed(struct scsi_host *h, u32 target, const u8 *list, u32 got)
{
	u32 len = got >= 8 ? min(get_unaligned_be32(list), got - 8) : 0;

	for (u32 at = 8; at + 8 <= 8 + len; at += 8) {
		u32 lun = ((u32)list[at] << 8 | list[at + 1]) & 0x3fff;

		if (list[at] >> 6 < 2 && lun && lun <= h->max_lun)
			unit_probe(h, target, lun);
	}
}

static void scan_target(struct scsi_host *h, u32 target)
{
	u8 cdb[12] = {SCSI_REPORT_LUNS, [6] = 0, 0, LUNS_SIZE >> 8, LUNS_SIZE & 0xff};
	struct scsi_unit *u;
	u8 *list;
	u32 got;

	if (!unit_probe(h, target, 0))
		return;
	u = unit_find(h, target, 0);
	list = kzalloc(LUNS_SIZE, GFP_KERNEL);
	if (list && !scsi_execute(u, cdb, sizeof(cdb), list, LUNS_SIZE, false, &got))
		probe_listed(h, target, list, got);
	kfree(list);
}

void scsi_host_init(struct scsi_host *h)
{
	static u32 next_number;

	mutex_init(&h->scan_lock, RANK_BUS_INNER, "scsi_host.scan");
	list_init(&h->units);
	h->number = atomic_fetch_add(&next_number, 1u);
}

void scsi_host_scan(struct scsi_host *h)
{
	guard_mutex(&h->scan_lock);
	for (u32 target = 0; target <= h->max_target; target++)
		scan_target(h, target);
}

void scsi_unit_check(struct scsi_host *h, u32 target, u32 lun)
{
	struct scsi_unit *u;

	guard_mutex(&h->scan_lock);
	u = unit_find(h, target, lun);
	if (u && inquire(u) == -ENODEV)
		unit_remove(u);
	else if (!u)
		unit_probe(h, target, lun);
}

void scsi_unit_changed(struct scsi_host *h, u32 target, u32 lun)
{
	struct scsi_unit *u;

	guard_mutex(&h->scan_lock);
	u = unit_find(h, target, lun);
	if (u && u->disk)
		scsi_disk_revalidate(u->disk);
}

void scsi_host_remove(struct scsi_host *h)
{
	struct scsi_unit *u, *next;

	guard_mutex(&h->scan_lock);
	list_for_each_safe (u, next, &h->units, link)
		unit_remove(u);
}
