/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User-visible scalar types. */
#pragma once

#include <linux/types.h>
#include <linux/posix_types.h>
