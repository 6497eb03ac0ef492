/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Landlock. */
#pragma once

#include <linux/landlock.h>
