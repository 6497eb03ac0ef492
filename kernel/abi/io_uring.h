/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io_uring. */
#pragma once

#include <kernel/abi/time.h>
#include <linux/io_uring.h>
