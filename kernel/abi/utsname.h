/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uname. */
#pragma once

#include <linux/utsname.h>
