/* SPDX-License-Identifier: GPL-2.0-or-later */
/* open, fcntl, *at flags; file locks and leases. */
#pragma once

#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/falloc.h>
#include <linux/fadvise.h>

/* name_to_handle_at(2); not in the UAPI headers. */
#define MAX_HANDLE_SZ 128
struct file_handle {
	unsigned int handle_bytes;
	int handle_type;
	unsigned char f_handle[];
};
