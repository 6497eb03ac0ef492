/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FAT12, FAT16 and FAT32: the file system types vfat and msdos. */
#pragma once

void fat_init(void); /* boot: before anything is mounted */
