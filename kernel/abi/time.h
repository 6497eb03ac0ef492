/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks and time structures. */
#pragma once

#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/timex.h>
#include <linux/timerfd.h>
