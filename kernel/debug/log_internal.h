/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log, its consoles and panic share. */
#pragma once

#include <kernel/debug/log.h>

/* Print what is new on every console, unless another processor is at it.  Context: any. */
void console_flush(void);

/* The other processors have stopped: whoever was printing will not go on.  Context: panic. */
void console_break_owner(void);

/* Print the last `n` records that stayed off the consoles.  Context: panic. */
void console_print_tail(u64 n);

/* Names after console= in the command line. */
void console_init(const char *cmdline);
