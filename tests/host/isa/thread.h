/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing is saved: host threads switch themselves. */
#pragma once

struct arch_thread {
	unsigned long unused;
};
