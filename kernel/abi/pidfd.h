/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flags of pidfd_open(2) and pidfd_send_signal(2). */
#pragma once

#include <linux/pidfd.h>
