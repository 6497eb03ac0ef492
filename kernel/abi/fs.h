/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files: RWF and FS_IOC, block-device ioctls, SEEK, fiemap. */
#pragma once

#include <linux/fs.h>
#include <linux/fiemap.h>
#include <linux/blkpg.h>
#include <linux/hdreg.h>
#include <linux/close_range.h>
