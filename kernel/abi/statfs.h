/* SPDX-License-Identifier: GPL-2.0-or-later */
/* statfs. */
#pragma once

#include <asm/statfs.h>
