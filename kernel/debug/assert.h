/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims about the program, checked.
 *
 * ASSERT and ASSERT_CMP are checked in debug builds, VERIFY always.  An error of a user or of a
 * device is not a claim about the program and is handled instead.
 */
#pragma once

#include <kernel/debug/panic.h>
#include <kernel/lib/kconfig.h>

#define VERIFY(cond) \
	do { \
		if (unlikely(!(cond))) \
			panic("%s:%d: not true: %s", __FILE__, __LINE__, #cond); \
	} while (0)

#define VERIFY_CMP(a, op, b)                                                                       \
	do {                                                                                       \
		typeof(a) verify_a_ = (a);                                                         \
		typeof(b) verify_b_ = (b);                                                         \
		if (unlikely(!(verify_a_ op verify_b_)))                                           \
			panic("%s:%d: not true: %s %s %s (%#llx, %#llx)", __FILE__, __LINE__, #a,  \
			      #op, #b, (unsigned long long)verify_a_,                              \
			      (unsigned long long)verify_b_);                                      \
	} while (0)

#define ASSERT(cond) \
	do { \
		if (IS_ENABLED(CONFIG_DEBUG)) \
			VERIFY(cond); \
	} while (0)

#define ASSERT_CMP(a, op, b) \
	do { \
		if (IS_ENABLED(CONFIG_DEBUG)) \
			VERIFY_CMP(a, op, b); \
	} while (0)

/* Log once where a claim fails, and go on.  The value is whether it failed. */
#define WARN_ON_ONCE(cond) \
	({ \
		static u32 warned_; \
		bool warn_ = (cond); \
		if (unlikely(warn_) && !READ_ONCE(warned_)) { \
			WRITE_ONCE(warned_, 1); \
			warn_at(__FILE__, __LINE__, "%s", #cond); \
		} \
		unlikely(warn_); \
	})
