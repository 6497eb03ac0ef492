/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System-call numbers. */
#pragma once

#include <asm/unistd.h>
