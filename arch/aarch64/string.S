/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory functions in wide units; they replace the portable weak ones.
 *
 * Normal memory allows unaligned accesses.  Lengths up to 64 are done by overlapping accesses, some
 * counted from the end, with all loads before all stores; so they are right for overlapping memory too.
 */
#include <isa/asm.h>

	.text
	.globl	memcpy
	.type	memcpy, %function
ENTRY(memmove)
memcpy:
	mov	x3, x0			// destination; x0 is returned
	add	x4, x1, x2		// ends
	add	x5, x0, x2
	cmp	x2, #64
	b.hi	4f

	// At most 64 bytes from x1 to x3, ends x4 and x5.
1:	cmp	x2, #16
	b.lo	6f
	ldp	x6, x7, [x1]
	ldp	x8, x9, [x4, #-16]
	cmp	x2, #32
	b.ls	2f
	ldp	x10, x11, [x1, #16]
	ldp	x12, x13, [x4, #-32]
	stp	x10, x11, [x3, #16]
	stp	x12, x13, [x5, #-32]
2:	stp	x6, x7, [x3]
	stp	x8, x9, [x5, #-16]
	ret

4:	sub	x6, x3, x1		// destination inside the source: from the end
	cmp	x6, x2
	b.lo	5f
3:	ldp	x6, x7, [x1]
	ldp	x8, x9, [x1, #16]
	ldp	x10, x11, [x1, #32]
	ldp	x12, x13, [x1, #48]
	add	x1, x1, #64
	stp	x6, x7, [x3]
	stp	x8, x9, [x3, #16]
	stp	x10, x11, [x3, #32]
	stp	x12, x13, [x3, #48]
	add	x3, x3, #64
	sub	x2, x2, #64
	cmp	x2, #64
	b.hi	3b
	b	1b

5:	cbz	x6, 9f
51:	ldp	x6, x7, [x4, #-16]
	ldp	x8, x9, [x4, #-32]
	ldp	x10, x11, [x4, #-48]
	ldp	x12, x13, [x4, #-64]
	sub	x4, x4, #64
	stp	x6, x7, [x5, #-16]
	stp	x8, x9, [x5, #-32]
	stp	x10, x11, [x5, #-48]
	stp	x12, x13, [x5, #-64]
	sub	x5, x5, #64
	sub	x2, x2, #64
	cmp	x2, #64
	b.hi	51b
	b	1b

6:	tbz	x2, #3, 7f
	ldr	x6, [x1]
	ldr	x7, [x4, #-8]
	str	x6, [x3]
	str	x7, [x5, #-8]
	ret
7:	tbz	x2, #2, 8f
	ldr	w6, [x1]
	ldr	w7, [x4, #-4]
	str	w6, [x3]
	str	w7, [x5, #-4]
	ret
8:	cbz	x2, 9f
	ldrb	w6, [x1]
	ldrb	w7, [x4, #-1]
	lsr	x8, x2, #1		// the middle byte of three, or one of two
	ldrb	w9, [x1, x8]
	strb	w6, [x3]
	strb	w9, [x3, x8]
	strb	w7, [x5, #-1]
9:	ret
END(memmove)

/* x0 = where, w1 = byte, x2 = length. */
ENTRY(memset)
	and	w1, w1, #0xff
	mov	x3, #0x0101010101010101
	mul	x1, x1, x3
	mov	x3, x0
	add	x5, x0, x2
	cmp	x2, #64
	b.hi	3f
1:	cmp	x2, #16
	b.lo	4f
	stp	x1, x1, [x3]
	stp	x1, x1, [x5, #-16]
	cmp	x2, #32
	b.ls	2f
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x5, #-32]
2:	ret
3:	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x3, #32]
	stp	x1, x1, [x3, #48]
	add	x3, x3, #64
	sub	x2, x2, #64
	cmp	x2, #64
	b.hi	3b
	b	1b
4:	tbz	x2, #3, 5f
	str	x1, [x3]
	str	x1, [x5, #-8]
	ret
5:	tbz	x2, #2, 6f
	str	w1, [x3]
	str	w1, [x5, #-4]
	ret
6:	cbz	x2, 7f
	strb	w1, [x3]
	strb	w1, [x5, #-1]
	lsr	x8, x2, #1
	strb	w1, [x3, x8]
7:	ret
END(memset)

/* x0 = page.  DC ZVA clears a block (usually 64 bytes) without reading it. */
ENTRY(clear_page)
	mrs	x1, dczid_el0
	tbnz	w1, #4, 2f		// not permitted
	and	w1, w1, #0xf
	mov	x2, #4
	lsl	x2, x2, x1
	add	x1, x0, #4096
1:	dc	zva, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	ret
2:	add	x1, x0, #4096
3:	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x1
	b.lo	3b
	ret
END(clear_page)

/* x0 = to, x1 = from. */
ENTRY(copy_page)
	add	x2, x0, #4096
1:	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	ldp	x8, x9, [x1, #32]
	ldp	x10, x11, [x1, #48]
	add	x1, x1, #64
	stp	x4, x5, [x0]
	stp	x6, x7, [x0, #16]
	stp	x8, x9, [x0, #32]
	stp	x10, x11, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x2
	b.lo	1b
	ret
END(copy_page)
