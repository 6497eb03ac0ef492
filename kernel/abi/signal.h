/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals: numbers, siginfo, and the kernel's shape of sigaction.
 *
 * The kernel's set of signals is one 64-bit word, bit n - 1 for signal n, which is what the 64-bit
 * calls exchange whatever sigset_t the headers define.
 */
#pragma once

#include <linux/signal.h>
#include <asm/siginfo.h>
#include <kernel/lib/compiler.h>

typedef u64 ksigset_t;

#define KSIG_COUNT     64
#define KSIG_RTMIN     32
#define KSIG_BIT(sig)  (1ull << ((sig) - 1))

#ifndef _NSIG
#define _NSIG 64
#endif

/* What rt_sigaction(2) exchanges; the restorer exists where SA_RESTORER does. */
struct abi_sigaction {
	unsigned long handler;
	unsigned long flags;
#ifdef SA_RESTORER
	unsigned long restorer;
#endif
	ksigset_t mask;
};

static_assert(sizeof(struct abi_sigaction) == sizeof(struct sigaction), "struct sigaction");
static_assert(offsetof(struct abi_sigaction, mask) == offsetof(struct sigaction, sa_mask),
	      "struct sigaction");
static_assert(sizeof(siginfo_t) == 128, "siginfo_t");
static_assert(sizeof(stack_t) == 24, "stack_t");
