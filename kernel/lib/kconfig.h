/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration symbols, and IS_ENABLED() to test one in plain C.
 *
 * The generated header defines an enabled symbol as 1 and leaves the others undefined.
 */
#pragma once

#if __has_include(<gen/autoconf.h>)
#include <gen/autoconf.h>
#endif

#ifndef CONFIG_NR_CPUS
#define CONFIG_NR_CPUS 64
#endif

#define KCONFIG_COMMA_1			      0,
#define kconfig_second(ignored, value, ...)   value
#define kconfig_pick(comma_or_junk)	      kconfig_second(comma_or_junk 1, 0)
#define kconfig_is_one_(value)		      kconfig_pick(KCONFIG_COMMA_##value)
#define kconfig_is_one(value)		      kconfig_is_one_(value)

/* IS_ENABLED(CONFIG_X): 1 when the symbol is on, else 0; usable in #if and in if (). */
#define IS_ENABLED(option) kconfig_is_one(option)
