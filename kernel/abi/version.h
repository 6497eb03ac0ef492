/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The release whose interface this is. */
#pragma once

#include <linux/version.h>
