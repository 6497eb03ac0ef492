/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loop devices. */
#pragma once

#include <linux/loop.h>
