/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directory entries on their way to user memory, for both formats. */
#pragma once

#include <fs/vfs/dir.h>

struct dents {
	struct dir_context ctx;
	void __user *user;
	size_t count, done; /* bytes of the user's buffer: all, copied */
	size_t used;	    /* of buf */
	int err;
	loff_t first_pos;   /* of the first record in buf */
	void *last_off;	    /* in buf: the newest record's d_off, 64 bits */
	char buf[1024] __aligned(8);
};

typedef bool (*dents_actor)(struct dir_context *ctx, const char *name, size_t len, loff_t pos,
			    u64 ino, unsigned type);

/* Room for one record, whose position is `pos`; NULL: full, or an error in d->err. */
void *dents_room(struct dents *d, size_t size, loff_t pos);
long dents_user(int fd, void __user *buf, unsigned count, dents_actor emit);
