/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ptrace requests and the register structures. */
#pragma once

#include <asm/ptrace.h>
#include <linux/ptrace.h>
