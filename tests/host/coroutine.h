/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several stacks in one host thread, and memory without content.
 *
 * A coroutine runs until it switches to another; nothing else ever interrupts it.  The sanitizers
 * are told of each switch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct host_coroutine;

/* A coroutine that will run fn(arg), which must not return, when first switched to.  Never
 * fails. */
struct host_coroutine *host_coroutine_create(void (*fn)(void *arg), void *arg);
/* The one that runs now; what main() runs on has one as well. */
struct host_coroutine *host_coroutine_self(void);
/* Run `to` in place of the current one.  `last`: the current one never runs again. */
void host_coroutine_switch(struct host_coroutine *to, bool last);
/* Free one that is not running and never will. */
void host_coroutine_destroy(struct host_coroutine *c);

/* Call see(pc, ctx) for each return address on the stack of a coroutine that is not running. */
void host_coroutine_walk(const struct host_coroutine *c, void (*see)(unsigned long pc, void *ctx),
			 void *ctx);
/* "function file:line" of a code address. */
void host_symbol(unsigned long pc, char *buf, size_t size);
void host_backtrace(void);

/* Zeroed address space that costs nothing until it is touched. */
void *host_reserve(size_t size);
void host_unreserve(void *p, size_t size);
/* Memory of the test's machinery: never fails, not counted among what the kernel has. */
void *host_alloc_uncounted(size_t size);
void host_free_uncounted(void *p);
/* Up to `n` bytes of a file into memory, the rest zeroed; and the other way.  0 or a negative
 * errno. */
int host_file_read(const char *path, void *buf, size_t n);
int host_file_write(const char *path, const void *buf, size_t n);
void host_remove(const char *path);
int host_pid(void);
/* The leak checker follows pointers in [p, p+n). */
void host_leak_root(const void *p, size_t n);
/* Accesses to [p, p+n) are errors, or fine again. */
void host_poison(const void *p, size_t n);
void host_unpoison(const void *p, size_t n);
/* How many bytes of [p, p+n) may be accessed, from p on. */
size_t host_accessible(const void *p, size_t n);
/* Bytes behind a pointer of host_alloc. */
size_t host_alloc_size(const void *p);

/* Called when a sanitizer or the watchdog ends the program. */
void host_set_death_callback(void (*fn)(void));

/* The program dies, telling where it was, after so many seconds of its own processor time; 0: no
 * limit any more. */
void host_watchdog(unsigned seconds);
/* Repeatable addresses: run this program again without address randomisation, once. */
void host_fix_addresses(void);
const char *host_env(const char *name);
