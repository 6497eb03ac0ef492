/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only door to user memory.
 *
 * Every address is checked against the user half, then copied with faults fixed up.  A fault that
 * the program's areas can serve is served: the copies may sleep.  Between pagefault_disable() and
 * _enable() (and wherever preemption is off) an absent page is -EFAULT at once.
 */
#pragma once

#include <arch/types.h>
#include <arch/usercopy.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/compiler.h>
#include <kernel/sched/thread.h>

/* Does [p, p+n) lie in the user half? */
static __always_inline bool user_access_ok(const void __user *p, size_t n)
{
	return n <= USER_TOP && (vaddr_t)p <= USER_TOP - n;
}

/* Return 0 or -EFAULT; part may have been copied. */
static __always_inline __must_check int copy_from_user(void *dst, const void __user *src, size_t n)
{
	if (unlikely(!user_access_ok(src, n)))
		return -EFAULT;
	return unlikely(arch_copy_from_user(dst, src, n)) ? -EFAULT : 0;
}

static __always_inline __must_check int copy_to_user(void __user *dst, const void *src, size_t n)
{
	if (unlikely(!user_access_ok(dst, n)))
		return -EFAULT;
	return unlikely(arch_copy_to_user(dst, src, n)) ? -EFAULT : 0;
}

static __always_inline __must_check int clear_user(void __user *dst, size_t n)
{
	if (unlikely(!user_access_ok(dst, n)))
		return -EFAULT;
	return unlikely(arch_clear_user(dst, n)) ? -EFAULT : 0;
}

/* Return the number of bytes not copied. */
static __always_inline size_t copy_from_user_partial(void *dst, const void __user *src, size_t n)
{
	return unlikely(!user_access_ok(src, n)) ? n : arch_copy_from_user(dst, src, n);
}

static __always_inline size_t copy_to_user_partial(void __user *dst, const void *src, size_t n)
{
	return unlikely(!user_access_ok(dst, n)) ? n : arch_copy_to_user(dst, src, n);
}

/*
 * A string into a buffer of `n` bytes.  Returns its length, or `n` when no NUL was among them, or
 * -EFAULT.
 */
ssize_t strncpy_from_user(char *dst, const char __user *src, size_t n) __must_check;
/* Length with the NUL, or a number above `n`, or 0 on a fault. */
size_t strnlen_user(const char __user *s, size_t n) __must_check;

/*
 * A structure that grew over time: `usize` bytes of the user's into `ksize` of ours, missing ones
 * zero. Returns 0, -EFAULT, or -E2BIG when bytes beyond ours are not zero.
 */
int copy_struct_from_user(void *dst, size_t ksize, const void __user *src,
			  size_t usize) __must_check;

/* x = *ptr, *ptr = x for integers and pointers.  Return 0 or -EFAULT; x is 0 after a fault. */
#define get_user(x, ptr)                                                                           \
	({                                                                                         \
		const typeof(*(ptr)) __user *gu_p_ = (ptr);                                        \
		__auto_type gu_v_ = (typeof(*(ptr)))0;                                             \
		int gu_err_ = usercopy_get_(&gu_v_, gu_p_, sizeof(*(ptr)));                        \
		(x) = (typeof(x))gu_v_;                                                            \
		gu_err_;                                                                           \
	})

#define put_user(x, ptr)                                                                           \
	({                                                                                         \
		typeof(*(ptr)) __user *pu_p_ = (ptr);                                              \
		typeof(*(ptr)) pu_v_ = (typeof(*(ptr)))(x);                                        \
		usercopy_put_(pu_p_, &pu_v_, sizeof(*(ptr)));                                      \
	})

static __always_inline __must_check int usercopy_get_(void *v, const void __user *p, size_t n)
{
	if (unlikely(!user_access_ok(p, n)))
		return -EFAULT;
	if (n == 4 && !((vaddr_t)p & 3))
		return arch_get_user32(v, p);
	if (n == 8 && !((vaddr_t)p & 7))
		return arch_get_user64(v, p);
	return arch_copy_from_user(v, p, n) ? -EFAULT : 0;
}

static __always_inline __must_check int usercopy_put_(void __user *p, const void *v, size_t n)
{
	if (unlikely(!user_access_ok(p, n)))
		return -EFAULT;
	if (n == 4 && !((vaddr_t)p & 3))
		return arch_put_user32(p, *(const u32 *)v);
	if (n == 8 && !((vaddr_t)p & 7))
		return arch_put_user64(p, *(const u64 *)v);
	return arch_copy_to_user(p, v, n) ? -EFAULT : 0;
}

/* Until pagefault_enable, an access to an absent user page fails instead of sleeping. */
static inline void pagefault_disable(void)
{
	thread_current()->pagefault_disabled++;
	barrier();
}

static inline void pagefault_enable(void)
{
	barrier();
	thread_current()->pagefault_disabled--;
}

/* Make [p, p+n) present (and writable).  Returns 0 or -EFAULT.  Context: may sleep. */
int fault_in_user(const void __user *p, size_t n, bool write) __must_check;
