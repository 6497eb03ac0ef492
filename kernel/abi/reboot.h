/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reboot magic and commands. */
#pragma once

#include <linux/reboot.h>
