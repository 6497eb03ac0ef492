/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI between a host adapter and the disks behind it: as much of SAM-5, SPC-4 and SBC-3 as disks
 * need.
 *
 *	host	an adapter: takes commands for any logical unit
 *	unit	a logical unit that answered, named host:channel:target:lun
 *	command	a descriptor block with data to or from memory, and how it ended
 *
 * The adapter's driver makes a host and calls scsi_host_scan(); scsi.c finds units, scsi_disk.c
 * makes block devices of them.
 */
#pragma once

#include <fs/block/block.h>
#include <kernel/device/device.h>
#include <kernel/sched/workqueue.h>
#include <kernel/sync/completion.h>

struct scsi_host;
struct scsi_unit;
struct scsi_disk;

/* Operation codes. */
#define SCSI_TEST_UNIT_READY  0x00
#define SCSI_INQUIRY          0x12
#define SCSI_MODE_SENSE_6     0x1a
#define SCSI_READ_CAPACITY_10 0x25
#define SCSI_READ_10          0x28
#define SCSI_WRITE_10         0x2a
#define SCSI_SYNC_CACHE_10    0x35
#define SCSI_UNMAP            0x42
#define SCSI_READ_16          0x88
#define SCSI_WRITE_16         0x8a
#define SCSI_WRITE_SAME_16    0x93
#define SCSI_SERVICE_IN_16    0x9e /* with action 0x10: READ CAPACITY (16) */
#define SCSI_REPORT_LUNS      0xa0

#define SCSI_ACTION_READ_CAPACITY_16 0x10

/* Peripheral device types. */
#define SCSI_TYPE_DISK 0x00
#define SCSI_TYPE_CD   0x05
#define SCSI_TYPE_NONE 0x1f

/* Status (SAM-5, 5.3). */
#define SCSI_GOOD            0x00
#define SCSI_CHECK_CONDITION 0x02
#define SCSI_BUSY            0x08
#define SCSI_TASK_SET_FULL   0x28

/* Sense keys (SPC-4, 4.5.6). */
enum scsi_sense_key {
	SENSE_NONE = 0x0,
	SENSE_RECOVERED = 0x1,
	SENSE_NOT_READY = 0x2,
	SENSE_MEDIUM_ERROR = 0x3,
	SENSE_HARDWARE_ERROR = 0x4,
	SENSE_ILLEGAL_REQUEST = 0x5,
	SENSE_UNIT_ATTENTION = 0x6,
	SENSE_DATA_PROTECT = 0x7,
	SENSE_ABORTED = 0xb,
};

struct scsi_sense {
	u8 key, asc, ascq;
};

/* Fixed or descriptor format.  false: neither. */
bool scsi_sense_decode(const u8 *sense, size_t len, struct scsi_sense *out);

#define SCSI_SENSE_SIZE 96
#define SCSI_CDB_SIZE   16

struct scsi_command {
	struct scsi_unit *unit; /* [I] */
	struct request *rq;     /* whose data it is; NULL: `buf` */
	void *buf;              /* in the linear map */
	u32 len;                /* bytes of buf, 0: none */
	bool write;             /* data goes to the unit */
	u8 cdb_len;
	u8 retries;
	u8 cdb[SCSI_CDB_SIZE];
	/* The result, valid in done(). */
	int error; /* 0: the unit answered with `status`; or -EIO, -ENODEV (no such unit) */
	u8 status;
	u8 sense_len;                           /* of what follows */
	const u8 *sense;                        /* the adapter's, until done() returns */
	u32 residual;                           /* bytes not transferred */
	void (*done)(struct scsi_command *cmd); /* context: interrupt */
	struct scsi_command *next;              /* of whoever has it */
	u64 adapter[];                          /* host.command_size bytes, the adapter's */
}; /* the caller's until queue(), the adapter's until done() */

struct scsi_host_ops {
	/* Returns 0 (done() follows), -EBUSY (no room: scsi_host_kick() follows), -EIO (gone).
	 * Context: any, preemption off. */
	int (*queue)(struct scsi_host *h, unsigned queue, struct scsi_command *cmd, bool last);
	void (*commit)(struct scsi_host *h, unsigned queue);
	/* A command is overdue.  Context: may sleep. */
	void (*timeout)(struct scsi_host *h);
};

struct scsi_host {
	const struct scsi_host_ops *ops; /* [I] */
	struct device *parent;           /* [I] */
	unsigned number;                 /* [I] */
	unsigned nr_queues, depth;       /* [I] */
	size_t command_size;             /* [I] */
	u32 max_segments, max_sectors;   /* [I] */
	u32 max_target;                  /* [I] highest */
	u32 max_lun;                     /* [I] highest */
	struct mutex scan_lock;          /* RANK_BUS_INNER */
	struct list units;               /* [scan_lock] */
};

struct scsi_unit {
	struct device dev;
	struct scsi_host *host;                 /* [I] valid while registered */
	struct list link;                       /* [scan_lock] */
	u32 target, lun;                        /* [I] */
	u8 type;                                /* [I] */
	char vendor[9], model[17], revision[5]; /* [I] */
	struct scsi_disk *disk;                 /* [scan_lock] */
};

/* scsi.c */
void scsi_host_init(struct scsi_host *h);
/* Find units that are new.  Context: may sleep. */
void scsi_host_scan(struct scsi_host *h);
/* One target and unit: new, or gone. */
void scsi_unit_check(struct scsi_host *h, u32 target, u32 lun);
/* The unit's size may have changed. */
void scsi_unit_changed(struct scsi_host *h, u32 target, u32 lun);
void scsi_host_remove(struct scsi_host *h);

/*
 * Run a command and wait; `got` (may be NULL) is how much data came.  Attention conditions are
 * passed over.  Returns 0, -EIO, -ENODEV, -ENOMEM, -EOPNOTSUPP (illegal request).  Context: may
 * sleep.
 */
int __must_check scsi_execute(struct scsi_unit *u, const u8 *cdb, unsigned cdb_len, void *buf,
			      u32 len, bool write, u32 *got);
/* A page of vital product data: 0 when it is there; *got bytes of it. */
int __must_check scsi_vital_page(struct scsi_unit *u, u8 page, u8 *buf, u32 len, u32 *got);

/* scsi_disk.c */
int __must_check scsi_disk_create(struct scsi_unit *u);
/* The unit is gone or its adapter is: ends everything. */
void scsi_disk_remove(struct scsi_disk *d);
void scsi_disk_destroy(struct scsi_disk *d);
void scsi_disk_revalidate(struct scsi_disk *d);
/* The adapter has room again on `queue`. */
void scsi_disk_kick(struct scsi_disk *d, unsigned queue);
