/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to user memory (contract: arch/usercopy.h).
 *
 * Every instruction that touches a user address is listed in the exception table.  The copies move 64
 * bytes at a time and bring their registers up to date only after each block, so a fault anywhere in a
 * block resumes bytewise at its beginning; the byte loop then stops exactly at the first byte that
 * cannot be reached.
 */
#include <isa/asm.h>

	.text
/* clang-format off */
/* Copy x2 bytes from x1 to x0; `from` and `to` wrap the accesses of the side that is the user's. */
.macro copy_body name, ufrom, uto
ENTRY(\name)
	user_open
	subs	x2, x2, #64
	b.lo	2f
1:	access	\ufrom, 7f, ldp x3, x4, [x1]
	access	\ufrom, 7f, ldp x5, x6, [x1, #16]
	access	\ufrom, 7f, ldp x7, x8, [x1, #32]
	access	\ufrom, 7f, ldp x9, x10, [x1, #48]
	access	\uto, 7f, stp x3, x4, [x0]
	access	\uto, 7f, stp x5, x6, [x0, #16]
	access	\uto, 7f, stp x7, x8, [x0, #32]
	access	\uto, 7f, stp x9, x10, [x0, #48]
	add	x0, x0, #64
	add	x1, x1, #64
	subs	x2, x2, #64
	b.hs	1b
2:	add	x2, x2, #64
	subs	x2, x2, #8
	b.lo	4f
3:	access	\ufrom, 8f, ldr x3, [x1]
	access	\uto, 8f, str x3, [x0]
	add	x0, x0, #8
	add	x1, x1, #8
	subs	x2, x2, #8
	b.hs	3b
4:	adds	x2, x2, #8
	b.eq	6f
5:	access	\ufrom, 9f, ldrb w3, [x1]
	access	\uto, 9f, strb w3, [x0]
	add	x0, x0, #1
	add	x1, x1, #1
	subs	x2, x2, #1
	b.ne	5b
6:	user_close
	mov	x0, #0
	ret
7:	add	x2, x2, #64
	b	5b
8:	add	x2, x2, #8
	b	5b
9:	user_close
	mov	x0, x2
	ret
END(\name)
.endm

.macro access user, fixup, insn:vararg
9997:	\insn
	.if \user
	ex_entry 9997b, \fixup
	.endif
.endm
/* clang-format on */

	copy_body arch_copy_from_user, 1, 0
	copy_body arch_copy_to_user, 0, 1

/* x0 = where, x1 = bytes. */
ENTRY(arch_clear_user)
	user_open
	subs	x1, x1, #64
	b.lo	2f
1:	access	1, 7f, stp xzr, xzr, [x0]
	access	1, 7f, stp xzr, xzr, [x0, #16]
	access	1, 7f, stp xzr, xzr, [x0, #32]
	access	1, 7f, stp xzr, xzr, [x0, #48]
	add	x0, x0, #64
	subs	x1, x1, #64
	b.hs	1b
2:	adds	x1, x1, #64
	b.eq	6f
5:	access	1, 9f, strb wzr, [x0]
	add	x0, x0, #1
	subs	x1, x1, #1
	b.ne	5b
6:	user_close
	mov	x0, #0
	ret
7:	add	x1, x1, #64
	b	5b
9:	user_close
	mov	x0, x1
	ret
END(arch_clear_user)

/*
 * x0 = to, x1 = from, x2 = at most.  Eight bytes at a time once the source is aligned: an aligned word
 * never reaches into a page the string does not.  A word holds a zero byte when
 * (w - 0x01..01) & ~w & 0x80..80 is not zero.
 */
ENTRY(arch_strncpy_from_user)
	mov	x3, x2			// what is left
	user_open
	mov	x7, #0x0101010101010101
1:	cbz	x3, 8f
	tst	x1, #7
	b.eq	2f
	access	1, 9f, ldrb w4, [x1]
	strb	w4, [x0]
	cbz	w4, 8f
	add	x0, x0, #1
	add	x1, x1, #1
	sub	x3, x3, #1
	b	1b
2:	cmp	x3, #8
	b.lo	4f
	access	1, 9f, ldr x4, [x1]
	sub	x5, x4, x7
	bic	x5, x5, x4
	ands	x5, x5, #0x8080808080808080
	b.ne	3f
	str	x4, [x0]
	add	x0, x0, #8
	add	x1, x1, #8
	sub	x3, x3, #8
	b	2b
3:	rbit	x5, x5			// the first zero byte is at (clz of the reversed) / 8
	clz	x5, x5
	lsr	x5, x5, #3
	sub	x3, x3, x5
5:	strb	w4, [x0], #1		// its bytes and the zero itself
	lsr	x4, x4, #8
	subs	x5, x5, #1
	b.pl	5b
	b	8f
4:	cbz	x3, 8f
	access	1, 9f, ldrb w4, [x1]
	strb	w4, [x0]
	cbz	w4, 8f
	add	x0, x0, #1
	add	x1, x1, #1
	sub	x3, x3, #1
	b	4b
8:	user_close
	sub	x0, x2, x3
	ret
9:	user_close
	mov	x0, #-14
	ret
END(arch_strncpy_from_user)

/* clang-format off */
/* clang-format on */

ENTRY(arch_get_user32)
	user_open
	access	1, fault, ldr w2, [x1]
	user_close
	str	w2, [x0]
	mov	w0, #0
	ret
END(arch_get_user32)

ENTRY(arch_get_user64)
	user_open
	access	1, fault, ldr x2, [x1]
	user_close
	str	x2, [x0]
	mov	w0, #0
	ret
END(arch_get_user64)

ENTRY(arch_put_user32)
	user_open
	access	1, fault, str w1, [x0]
	user_close
	mov	w0, #0
	ret
END(arch_put_user32)

ENTRY(arch_put_user64)
	user_open
	access	1, fault, str x1, [x0]
	user_close
	mov	w0, #0
	ret
END(arch_put_user64)

/* x0 = where, x1 = &expected, w2 = desired. */
ENTRY(arch_user_cmpxchg32)
	ldr	w3, [x1]
	user_open
1:	access	1, fault, ldxr w4, [x0]
	cmp	w4, w3
	b.ne	2f
	access	1, fault, stlxr w5, w2, [x0]
	cbnz	w5, 1b
	dmb	ish
2:	user_close
	str	w4, [x1]
	mov	w0, #0
	ret
END(arch_user_cmpxchg32)

/* x0 = where, w1 = operation, w2 = argument, x3 = &old. */
ENTRY(arch_user_fetch_op32)
	cmp	w1, #4
	b.hi	6f
	adr	x4, 1f
	lsl	w1, w1, #5
	add	x4, x4, x1
	user_open
	br	x4
/* clang-format off */
.macro fetch_op insn:vararg
	.balign 32
8:	access	1, fault, ldxr w5, [x0]
	\insn
	access	1, fault, stlxr w7, w6, [x0]
	cbnz	w7, 8b
	b	5f
	.balign 32
.endm
/* clang-format on */
	.balign 32
1:	fetch_op mov w6, w2
	fetch_op add w6, w5, w2
	fetch_op orr w6, w5, w2
	fetch_op bic w6, w5, w2
	fetch_op eor w6, w5, w2
5:	dmb	ish
	user_close
	str	w5, [x3]
	mov	w0, #0
	ret
6:	mov	w0, #-38
	ret
END(arch_user_fetch_op32)

/* int kernel_read_pair(u64 out[2], vaddr_t at): two words of kernel memory, if they are there. */
ENTRY(kernel_read_pair)
	access	1, 1f, ldp x2, x3, [x1]
	stp	x2, x3, [x0]
	mov	w0, #0
	ret
1:	mov	w0, #-14
	ret
END(kernel_read_pair)

LOCAL(fault)
	user_close
	mov	w0, #-14
	ret
END(fault)
