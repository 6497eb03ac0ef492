/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a signal frame holds. */
#pragma once

#include <kernel/abi/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
