/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ISO 9660: the file system type iso9660. */
#pragma once

void isofs_init(void); /* boot: before anything is mounted */
