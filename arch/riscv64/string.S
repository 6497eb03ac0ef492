/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memcpy, memmove, memset in words, in place of kernel/lib's portable ones. */
#include "copy_body.h"

	.text
	.globl	memmove
	.type	memmove, @function
memmove:
	/* Forward unless the destination begins inside the source. */
	sub	t0, a0, a1
	bltu	t0, a2, .Lbackward
	.globl	memcpy
	.type	memcpy, @function
memcpy:
	mv	t6, a0
	COPY
	ret

.Lbackward:
	add	t6, a0, a2
	add	a1, a1, a2
	or	t0, t6, a1
	andi	t0, t0, 7
	bnez	t0, 2f
	li	t0, 8
	bltu	a2, t0, 2f
1:	ld	a3, -8(a1)
	addi	a1, a1, -8
	sd	a3, -8(t6)
	addi	t6, t6, -8
	addi	a2, a2, -8
	bgeu	a2, t0, 1b
2:	beqz	a2, 4f
3:	lb	a3, -1(a1)
	addi	a1, a1, -1
	sb	a3, -1(t6)
	addi	t6, t6, -1
	addi	a2, a2, -1
	bnez	a2, 3b
4:	ret
	.size	memcpy, . - memcpy
	.size	memmove, . - memmove

	.globl	memset
	.type	memset, @function
memset:
	mv	t6, a0
	li	t0, 16
	bltu	a2, t0, 5f
	andi	a1, a1, 0xff
	slli	t1, a1, 8
	or	a1, a1, t1
	slli	t1, a1, 16
	or	a1, a1, t1
	slli	t1, a1, 32
	or	a1, a1, t1
1:	andi	t1, t6, 7
	beqz	t1, 2f
	sb	a1, 0(t6)
	addi	t6, t6, 1
	addi	a2, a2, -1
	j	1b
2:	li	t0, 64
	bltu	a2, t0, 4f
3:	sd	a1, 0(t6)
	sd	a1, 8(t6)
	sd	a1, 16(t6)
	sd	a1, 24(t6)
	sd	a1, 32(t6)
	sd	a1, 40(t6)
	sd	a1, 48(t6)
	sd	a1, 56(t6)
	addi	t6, t6, 64
	addi	a2, a2, -64
	bgeu	a2, t0, 3b
4:	li	t0, 8
	bltu	a2, t0, 5f
	sd	a1, 0(t6)
	addi	t6, t6, 8
	addi	a2, a2, -8
	j	4b
5:	beqz	a2, 7f
6:	sb	a1, 0(t6)
	addi	t6, t6, 1
	addi	a2, a2, -1
	bnez	a2, 6b
7:	ret
	.size	memset, . - memset
