/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memfd_create. */
#pragma once

#include <linux/memfd.h>
