/* SPDX-License-Identifier: GPL-2.0-or-later */
/* getrandom flags and random-device ioctls. */
#pragma once

#include <linux/random.h>
