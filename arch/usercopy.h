/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to user memory.  Bounds are already checked (mm/usercopy.h does it); faults are fixed up
 * through the exception table.  May sleep, as the page fault may; with page faults disabled (mm) an
 * absent page is an error at once.
 */
#ifndef ARCH_USERCOPY_H
#define ARCH_USERCOPY_H

#include <kernel/lib/types.h>

struct arch_trapframe;

/* Return the number of bytes NOT copied or cleared: 0 is success. */
size_t arch_copy_from_user(void *dst, const void __user *src, size_t n);
size_t arch_copy_to_user(void __user *dst, const void *src, size_t n);
size_t arch_clear_user(void __user *dst, size_t n);

/* Copy a string of at most `n` bytes.  Returns its length without the NUL, `n` if there was none,
 * or -EFAULT. */
ssize_t arch_strncpy_from_user(char *dst, const char __user *src, size_t n);

/* Single naturally aligned accesses.  Return 0 or -EFAULT. */
int arch_get_user32(u32 *out, const u32 __user *p) __must_check;
int arch_get_user64(u64 *out, const u64 __user *p) __must_check;
int arch_put_user32(u32 __user *p, u32 v) __must_check;
int arch_put_user64(u64 __user *p, u64 v) __must_check;

/* Atomic: if *p == *expected store `desired`; *expected becomes the old value.  Returns 0 or
 * -EFAULT. */
int arch_user_cmpxchg32(u32 __user *p, u32 *expected, u32 desired) __must_check;

/* futex(2) FUTEX_OP_*: old = *p; *p = old op arg.  Returns 0, -EFAULT, -ENOSYS. */
int arch_user_fetch_op32(u32 __user *p, unsigned op, u32 arg, u32 *old) __must_check;

/* A kernel fault at a listed pc: redirect the frame and return true. */
bool arch_fixup(struct arch_trapframe *tf);

#endif
