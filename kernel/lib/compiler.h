/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the compiler can be told: hints, attributes, marked accesses.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lib/kconfig.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __must_check	__attribute__((warn_unused_result))
#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __section(s)	__attribute__((section(s)))
#define __used		__attribute__((used))
#define __maybe_unused __attribute__((unused))
#define __weak		__attribute__((weak))
#define __cold		__attribute__((cold))
#define __noinline	__attribute__((noinline))
#define __noreturn	__attribute__((noreturn))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __cleanup(fn)	__attribute__((cleanup(fn)))
#define __pure		__attribute__((pure))
#define __malloc_like	__attribute__((malloc))
#define __no_sanitize	__attribute__((no_sanitize("address", "thread", "undefined")))
#define __fallthrough	__attribute__((fallthrough))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

/* Zeroed data that nobody uses once the first process starts: its memory is given back then. */
#define __initbss __attribute__((section(".bss.init")))

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define ARRAY_SIZE(a) \
	(sizeof(a) / sizeof((a)[0]) + \
	 0 * sizeof(struct { \
		 static_assert(!__builtin_types_compatible_p(typeof(a), typeof(&(a)[0])), \
			       "not an array"); \
		 int unused; \
	 }))

#define container_of(ptr, type, member) \
	({ \
		const typeof(((type *)0)->member) *container_member_ = (ptr); \
		(type *)((char *)container_member_ - offsetof(type, member)); \
	})

#define sizeof_field(type, member) sizeof(((type *)0)->member)

/* The compiler may not move memory accesses across this; the processor still may. */
#define barrier() __asm__ __volatile__("" ::: "memory")

/* One untorn access the compiler neither repeats nor invents.  4 or 8 bytes when shared. */
#define READ_ONCE(x)	 (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* Tell the compiler nothing about where a pointer came from. */
#define HIDE_PTR(p) \
	({ \
		typeof(p) hidden_ = (p); \
		__asm__("" : "+r"(hidden_)); \
		hidden_; \
	})

#define UNREACHABLE() __builtin_unreachable()

#define STRINGIFY_(x)	 #x
#define STRINGIFY(x)	 STRINGIFY_(x)
#define CONCAT_(a, b)	 a##b
#define CONCAT(a, b)	 CONCAT_(a, b)
#define UNIQUE_ID(prefix) CONCAT(prefix, __COUNTER__)
