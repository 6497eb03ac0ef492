/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes. */
#pragma once

#include <linux/xattr.h>
