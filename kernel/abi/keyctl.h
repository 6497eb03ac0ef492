/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Key management. */
#pragma once

#include <linux/keyctl.h>
