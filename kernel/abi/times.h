/* SPDX-License-Identifier: GPL-2.0-or-later */
/* times. */
#pragma once

#include <linux/times.h>
