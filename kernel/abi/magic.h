/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File-system magic numbers. */
#pragma once

#include <linux/magic.h>
