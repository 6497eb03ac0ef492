/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLBI ...IS instructions reach every processor of the inner-shareable domain. */
#pragma once

#define ARCH_TLB_BROADCAST 1
