/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mount, fsopen, statmount. */
#pragma once

#include <linux/mount.h>
#include <linux/nsfs.h>
