/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of the road: stop everything, say why, and halt or reboot as panic= orders.
 */
#pragma once

#include <kernel/lib/compiler.h>

struct arch_trapframe;
struct thread;

/* Context: any. */
void panic(const char *fmt, ...) __noreturn __cold __printf(1, 2);

/* As panic, where a trap frame tells the registers and the place. */
void panic_frame(const struct arch_trapframe *tf, const char *fmt, ...) __noreturn __cold
	__printf(2, 3);

/* A fault the kernel survives: message, place and backtrace to the log. */
void warn_at(const char *file, int line, const char *fmt, ...) __cold __printf(3, 4);

/* True once a processor has begun to panic: locks may never be released then. */
bool panicking(void);

/* Backtrace to the log: of a frame, of a sleeping thread, or (both NULL) of the caller. */
void backtrace(int level, const struct thread *t, const struct arch_trapframe *tf);

/* Take panic= from the command line. */
void panic_init(const char *cmdline);
