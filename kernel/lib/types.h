/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer and address types.
 *
 * u64 is unsigned long long on every architecture, as __u64 is in the user-visible headers, so
 * that the two mix without casts and print with %llu.
 */
#pragma once

#include <stddef.h>
#include <stdbool.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

typedef __UINTPTR_TYPE__ uintptr_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef long ssize_t;
typedef s64 loff_t;

/* Addresses that must not be confused: physical, virtual, and page frame numbers. */
typedef u64 paddr_t;
typedef unsigned long vaddr_t;
typedef u64 pfn_t;

/* File mode (S_IF* and permissions) and device number, as the kernel keeps them. */
typedef u32 umode_t;
typedef u32 dev_t;

#define U8_MAX	0xffU
#define U16_MAX 0xffffU
#define U32_MAX 0xffffffffU
#define U64_MAX 0xffffffffffffffffULL
#define S32_MAX 0x7fffffff
#define S32_MIN (-S32_MAX - 1)
#define S64_MAX 0x7fffffffffffffffLL
#define S64_MIN (-S64_MAX - 1)

#ifndef INT_MAX
#define INT_MAX	  0x7fffffff
#define INT_MIN	  (-INT_MAX - 1)
#define UINT_MAX  0xffffffffU
#define LONG_MAX  0x7fffffffffffffffL
#define LONG_MIN  (-LONG_MAX - 1)
#define ULONG_MAX 0xffffffffffffffffUL
#endif
#ifndef SIZE_MAX
#define SIZE_MAX  ULONG_MAX
#define SSIZE_MAX LONG_MAX
#endif

/* A pointer into the user half: never dereferenced, only handed to the user-copy functions. */
#ifdef __CHECKER__
#define __user	__attribute__((noderef, address_space(1)))
#define __force __attribute__((force))
#else
#define __user
#define __force
#endif

/* Attributes come along: a header that names types usually wants them. */
#include <kernel/lib/compiler.h>
