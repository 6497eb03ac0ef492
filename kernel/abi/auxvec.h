/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The auxiliary vector. */
#pragma once

#include <linux/auxvec.h>
#include <asm/auxvec.h>
