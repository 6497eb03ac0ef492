/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flushes reach the processor that asks, no other. */
#pragma once

#define ARCH_TLB_BROADCAST 0
