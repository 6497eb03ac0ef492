/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals. */
#pragma once

#include <asm/termbits.h>
#include <asm/termios.h>
#include <asm/ioctls.h>
#include <linux/tty.h>
#include <linux/kd.h>
#include <linux/vt.h>
