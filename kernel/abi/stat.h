/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File attributes as programs see them: struct stat (the one of the 64-bit calls), struct statx.
 */
#pragma once

#include <linux/stat.h>
#include <asm/stat.h>
#include <kernel/lib/compiler.h>

#define S_IRWXUGO 0777
#define S_IALLUGO 07777
#define S_IRUGO	  0444
#define S_IWUGO	  0222
#define S_IXUGO	  0111

/* The name of struct stat where the word alone would mislead. */
#define kernel_stat stat

static_assert(sizeof(struct stat) == 144 || sizeof(struct stat) == 128, "struct stat");
static_assert(sizeof(struct statx) == 256, "struct statx");
