/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Show the device model.  The root exists. */
void sysfs_devices_init(void);
