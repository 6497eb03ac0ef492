/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits and usage. */
#pragma once

#include <kernel/abi/time.h>
#include <linux/resource.h>
