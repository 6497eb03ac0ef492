/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Name-space files and pidfd. */
#pragma once

#include <linux/nsfs.h>
#include <linux/pidfd.h>
