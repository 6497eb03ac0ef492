/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copying loop that memcpy and the user copies share.  Assembly only.
 *
 * COPY: t6 = destination cursor, a1 = source cursor, a2 = bytes left; ends with a2 = 0.  Cursors
 * move only after a whole step.  The arguments are labels to go to when an access faults: in a wide
 * step, in a shifted step (the source cursor is t0 / 8 bytes too low), in a byte step; none for
 * kernel memory. Clobbers a1 to a7, t0 to t6.
 */

	/* One access `op reg, off(base)`, with the place to go on at if it faults. */
	.macro	LISTED op, reg, off, base, fault=
	.ifb	\fault
	\op	\reg, \off(\base)
	.else
8888:	\op	\reg, \off(\base)
	.pushsection __ex_table, "a"
	.balign	4
	.long	8888b - ., \fault - .
	.popsection
	.endif
	.endm

	.macro	COPY wide=, shifted=, byte=
	or	t0, t6, a1
	andi	t0, t0, 7
	beqz	t0, .Lwide\@
	li	t0, 16
	bltu	a2, t0, .Lbytes\@
.Lhead\@:
	andi	t0, t6, 7
	beqz	t0, .Laligned\@
	LISTED	lb, t1, 0, a1, \byte
	LISTED	sb, t1, 0, t6, \byte
	addi	a1, a1, 1
	addi	t6, t6, 1
	addi	a2, a2, -1
	j	.Lhead\@
.Laligned\@:
	andi	t0, a1, 7
	bnez	t0, .Lshift\@
.Lwide\@:
	li	t0, 64
	bltu	a2, t0, .Lwords\@
.Lblock\@:
	LISTED	ld, a3, 0, a1, \wide
	LISTED	ld, a4, 8, a1, \wide
	LISTED	ld, a5, 16, a1, \wide
	LISTED	ld, a6, 24, a1, \wide
	LISTED	ld, a7, 32, a1, \wide
	LISTED	ld, t1, 40, a1, \wide
	LISTED	ld, t2, 48, a1, \wide
	LISTED	ld, t3, 56, a1, \wide
	LISTED	sd, a3, 0, t6, \wide
	LISTED	sd, a4, 8, t6, \wide
	LISTED	sd, a5, 16, t6, \wide
	LISTED	sd, a6, 24, t6, \wide
	LISTED	sd, a7, 32, t6, \wide
	LISTED	sd, t1, 40, t6, \wide
	LISTED	sd, t2, 48, t6, \wide
	LISTED	sd, t3, 56, t6, \wide
	addi	a1, a1, 64
	addi	t6, t6, 64
	addi	a2, a2, -64
	bgeu	a2, t0, .Lblock\@
.Lwords\@:
	li	t0, 8
	bltu	a2, t0, .Lhalf\@
.Lword\@:
	LISTED	ld, a3, 0, a1, \wide
	LISTED	sd, a3, 0, t6, \wide
	addi	a1, a1, 8
	addi	t6, t6, 8
	addi	a2, a2, -8
	bgeu	a2, t0, .Lword\@
.Lhalf\@:
	andi	t0, a2, 4
	beqz	t0, .Lbytes\@
	LISTED	lw, a3, 0, a1, \wide
	LISTED	sw, a3, 0, t6, \wide
	addi	a1, a1, 4
	addi	t6, t6, 4
	addi	a2, a2, -4
	j	.Lbytes\@

	/* The source is misaligned by t0 bits against the destination: merge aligned words. */
.Lshift\@:
	sub	a1, a1, t0
	slli	t0, t0, 3
	neg	t4, t0
	li	t5, 8
	bltu	a2, t5, .Lunshift\@
	LISTED	ld, a3, 0, a1, \shifted
.Lmerge\@:
	LISTED	ld, a4, 8, a1, \shifted
	srl	a5, a3, t0
	sll	a6, a4, t4
	or	a5, a5, a6
	LISTED	sd, a5, 0, t6, \shifted
	mv	a3, a4
	addi	a1, a1, 8
	addi	t6, t6, 8
	addi	a2, a2, -8
	bgeu	a2, t5, .Lmerge\@
.Lunshift\@:
	srli	t0, t0, 3
	add	a1, a1, t0
.Lbytes\@:
	beqz	a2, .Ldone\@
.Lbyte\@:
	LISTED	lb, t1, 0, a1, \byte
	LISTED	sb, t1, 0, t6, \byte
	addi	a1, a1, 1
	addi	t6, t6, 1
	addi	a2, a2, -1
	bnez	a2, .Lbyte\@
.Ldone\@:
	.endm
