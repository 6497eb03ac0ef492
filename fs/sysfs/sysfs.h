/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of /sys. */
#pragma once

#include <fs/textfs/textfs.h>

/* The root.  Valid after sysfs_init(). */
struct text_node *sysfs_root(void);

struct device;
struct device_attribute;

/* More files of a registered device, for as long as something lasts; remove takes a whole folder.
 * Context: may sleep. */
void sysfs_attribute_add(struct device *dev, const struct device_attribute *attr);
void sysfs_attributes_remove(struct device *dev, const char *folder);

void sysfs_init(void);
