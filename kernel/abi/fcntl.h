/* SPDX-License-Identifier: GPL-2.0-or-later */
/* open, fcntl, *at flags; file locks and leases. */
#pragma once

#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/falloc.h>
#include <linux/fadvise.h>
