/* SPDX-License-Identifier: GPL-2.0-or-later */
/* membarrier commands. */
#pragma once

#include <linux/membarrier.h>
