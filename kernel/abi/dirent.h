/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directory entries of getdents64 and getdents. */
#pragma once

#include <kernel/lib/compiler.h>

struct linux_dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};

/* getdents: the type is the last byte of the record. */
struct linux_dirent {
	unsigned long d_ino;
	unsigned long d_off;
	u16 d_reclen;
	char d_name[];
};

static_assert(offsetof(struct linux_dirent64, d_name) == 19, "struct linux_dirent64");
static_assert(offsetof(struct linux_dirent, d_name) == 18, "struct linux_dirent");

#define DT_UNKNOWN 0
#define DT_FIFO	   1
#define DT_CHR	   2
#define DT_DIR	   4
#define DT_BLK	   6
#define DT_REG	   8
#define DT_LNK	   10
#define DT_SOCK	   12
#define DT_WHT	   14

/* The type in a mode, as a directory entry has it. */
#define DT_OF_MODE(mode) (((mode) >> 12) & 15)
