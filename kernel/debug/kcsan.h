/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Concurrency sanitizer: finds unmarked accesses that race.
 *
 * Now and then an access sets a watchpoint and dawdles; an access by another processor to the same
 * bytes meanwhile is a race, unless both read or both are marked.
 */
#pragma once

#include <kernel/lib/compiler.h>

#if IS_ENABLED(CONFIG_KCSAN)
void kcsan_init(void);
#else
static inline void kcsan_init(void)
{
}
#endif
