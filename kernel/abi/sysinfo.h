/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysinfo. */
#pragma once

#include <linux/sysinfo.h>
