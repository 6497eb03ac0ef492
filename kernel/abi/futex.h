/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Futex operations. */
#pragma once

#include <linux/futex.h>
