/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FAT: ioctls.  To be included before fs/block, as it brings a SECTOR_SIZE of its own. */
#pragma once

#include <linux/msdos_fs.h>

#undef SECTOR_SIZE
