/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling policies, clone flags. */
#pragma once

#include <linux/sched.h>
#include <linux/sched/types.h>
