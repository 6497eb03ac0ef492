/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How ioctl numbers are composed, and those common to all files. */
#pragma once

#include <asm/ioctl.h>
#include <asm/ioctls.h>
