/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Squashfs 4.0: the file system type squashfs. */
#pragma once

void squashfs_init(void); /* boot: before anything is mounted */
