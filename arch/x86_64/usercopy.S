/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to user memory, and the table of its places that may fault.
 *
 * SMAP opens for the length of one call (stac, clac; patched in by cpu.c where the processor has it).
 * An entry of .ex_table is two distances from the words themselves: to the instruction that may fault
 * and to where the trap returns instead.
 *
 * The copies keep, at each access that may fault, rdi and rsi at the beginning of the piece in work and rdx
 * at what is left; a fault falls back to single bytes, so the count returned is exact.
 */
#define EFAULT 14
#define ENOSYS 38

.macro STAC
771:	.byte	0x0f, 0x1f, 0x00
	.pushsection .stac_sites, "a"
	.long	771b - .
	.popsection
.endm

.macro CLAC
771:	.byte	0x0f, 0x1f, 0x00
	.pushsection .clac_sites, "a"
	.long	771b - .
	.popsection
.endm

/* The instruction that follows may fault and then continues at `to`. */
.macro FIXUP to
772:
	.pushsection .ex_table, "a"
	.long	772b - .
	.long	\to - .
	.popsection
.endm

	.text

	.globl	arch_copy_from_user, arch_copy_to_user
	.balign	16
arch_copy_from_user:
arch_copy_to_user:
	STAC
	cmpq	$256, %rdx
	jae	5f
	cmpq	$64, %rdx
	jb	2f
	.balign	16
1:
	FIXUP	.Lcopy_bytes
	movq	(%rsi), %rax
	FIXUP	.Lcopy_bytes
	movq	8(%rsi), %rcx
	FIXUP	.Lcopy_bytes
	movq	16(%rsi), %r8
	FIXUP	.Lcopy_bytes
	movq	24(%rsi), %r9
	FIXUP	.Lcopy_bytes
	movq	%rax, (%rdi)
	FIXUP	.Lcopy_bytes
	movq	%rcx, 8(%rdi)
	FIXUP	.Lcopy_bytes
	movq	%r8, 16(%rdi)
	FIXUP	.Lcopy_bytes
	movq	%r9, 24(%rdi)
	FIXUP	.Lcopy_bytes
	movq	32(%rsi), %rax
	FIXUP	.Lcopy_bytes
	movq	40(%rsi), %rcx
	FIXUP	.Lcopy_bytes
	movq	48(%rsi), %r8
	FIXUP	.Lcopy_bytes
	movq	56(%rsi), %r9
	FIXUP	.Lcopy_bytes
	movq	%rax, 32(%rdi)
	FIXUP	.Lcopy_bytes
	movq	%rcx, 40(%rdi)
	FIXUP	.Lcopy_bytes
	movq	%r8, 48(%rdi)
	FIXUP	.Lcopy_bytes
	movq	%r9, 56(%rdi)
	addq	$64, %rsi
	addq	$64, %rdi
	subq	$64, %rdx
	cmpq	$64, %rdx
	jae	1b
2:	cmpq	$8, %rdx
	jb	.Lcopy_bytes
3:
	FIXUP	.Lcopy_bytes
	movq	(%rsi), %rax
	FIXUP	.Lcopy_bytes
	movq	%rax, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rdx
	cmpq	$8, %rdx
	jae	3b
.Lcopy_bytes:
	testq	%rdx, %rdx
	jz	.Lcopy_done
4:
	FIXUP	.Lcopy_done
	movb	(%rsi), %al
	FIXUP	.Lcopy_done
	movb	%al, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
	jnz	4b
.Lcopy_done:
	CLAC
	movq	%rdx, %rax
	ret
	/* Long pieces: the string instruction keeps its place in the registers when it faults. */
5:	movq	%rdx, %rcx
	shrq	$3, %rcx
	andl	$7, %edx
	FIXUP	6f
	rep	movsq
	jmp	.Lcopy_bytes
6:	leaq	(%rdx,%rcx,8), %rdx
	jmp	.Lcopy_bytes

/* rdi: where, rsi: how much */
	.globl	arch_clear_user
	.balign	16
arch_clear_user:
	STAC
	xorl	%eax, %eax
	cmpq	$256, %rsi
	jae	5f
	cmpq	$64, %rsi
	jb	2f
1:
	FIXUP	.Lclear_bytes
	movq	%rax, (%rdi)
	FIXUP	.Lclear_bytes
	movq	%rax, 8(%rdi)
	FIXUP	.Lclear_bytes
	movq	%rax, 16(%rdi)
	FIXUP	.Lclear_bytes
	movq	%rax, 24(%rdi)
	FIXUP	.Lclear_bytes
	movq	%rax, 32(%rdi)
	FIXUP	.Lclear_bytes
	movq	%rax, 40(%rdi)
	FIXUP	.Lclear_bytes
	movq	%rax, 48(%rdi)
	FIXUP	.Lclear_bytes
	movq	%rax, 56(%rdi)
	addq	$64, %rdi
	subq	$64, %rsi
	cmpq	$64, %rsi
	jae	1b
2:	cmpq	$8, %rsi
	jb	.Lclear_bytes
3:
	FIXUP	.Lclear_bytes
	movq	%rax, (%rdi)
	addq	$8, %rdi
	subq	$8, %rsi
	cmpq	$8, %rsi
	jae	3b
.Lclear_bytes:
	testq	%rsi, %rsi
	jz	.Lclear_done
4:
	FIXUP	.Lclear_done
	movb	%al, (%rdi)
	incq	%rdi
	decq	%rsi
	jnz	4b
.Lclear_done:
	CLAC
	movq	%rsi, %rax
	ret
5:	movq	%rsi, %rcx
	shrq	$3, %rcx
	andl	$7, %esi
	FIXUP	6f
	rep	stosq
	jmp	.Lclear_bytes
6:	leaq	(%rsi,%rcx,8), %rsi
	jmp	.Lclear_bytes

/*
 * rdi: to, rsi: from, rdx: at most.  Bytes until the source is aligned, then words, which cannot cross
 * into a page the string does not reach, then bytes.  rax: the length so far.
 */
	.globl	arch_strncpy_from_user
	.balign	16
arch_strncpy_from_user:
	STAC
	xorl	%eax, %eax
	movabsq	$0x0101010101010101, %r9
	movabsq	$0x8080808080808080, %r10
	jmp	2f
1:
	FIXUP	.Lstring_fault
	movb	(%rsi, %rax), %cl
	movb	%cl, (%rdi, %rax)
	testb	%cl, %cl
	jz	.Lstring_done
	incq	%rax
2:	cmpq	%rdx, %rax
	jae	.Lstring_done
	leaq	(%rsi, %rax), %rcx
	testb	$7, %cl
	jnz	1b
3:	leaq	8(%rax), %rcx
	cmpq	%rdx, %rcx
	ja	5f
	FIXUP	.Lstring_fault
	movq	(%rsi, %rax), %r8
	movq	%r8, (%rdi, %rax)
	/* (w - 0x01..) & ~w & 0x80..: the lowest bit set is in the first zero byte. */
	movq	%r8, %r11
	subq	%r9, %r11
	notq	%r8
	andq	%r8, %r11
	andq	%r10, %r11
	jnz	4f
	movq	%rcx, %rax
	jmp	3b
4:	bsfq	%r11, %r11
	shrl	$3, %r11d
	addq	%r11, %rax
	jmp	.Lstring_done
5:	cmpq	%rdx, %rax
	jae	.Lstring_done
	FIXUP	.Lstring_fault
	movb	(%rsi, %rax), %cl
	movb	%cl, (%rdi, %rax)
	testb	%cl, %cl
	jz	.Lstring_done
	incq	%rax
	jmp	5b
.Lstring_fault:
	movq	$-EFAULT, %rax
.Lstring_done:
	CLAC
	ret

/* Single accesses.  rdi, rsi as the C prototypes say. */
	.globl	arch_get_user32, arch_get_user64, arch_put_user32, arch_put_user64
arch_get_user32:
	STAC
	FIXUP	.Laccess_fault
	movl	(%rsi), %eax
	CLAC
	movl	%eax, (%rdi)
	xorl	%eax, %eax
	ret

arch_get_user64:
	STAC
	FIXUP	.Laccess_fault
	movq	(%rsi), %rax
	CLAC
	movq	%rax, (%rdi)
	xorl	%eax, %eax
	ret

arch_put_user32:
	STAC
	FIXUP	.Laccess_fault
	movl	%esi, (%rdi)
	CLAC
	xorl	%eax, %eax
	ret

arch_put_user64:
	STAC
	FIXUP	.Laccess_fault
	movq	%rsi, (%rdi)
	CLAC
	xorl	%eax, %eax
	ret

.Laccess_fault:
	CLAC
	movl	$-EFAULT, %eax
	ret

/* rdi: word, rsi: &expected, edx: desired */
	.globl	arch_user_cmpxchg32
arch_user_cmpxchg32:
	movl	(%rsi), %eax
	STAC
	FIXUP	.Laccess_fault
	lock cmpxchgl %edx, (%rdi)
	CLAC
	movl	%eax, (%rsi)
	xorl	%eax, %eax
	ret

/* rdi: word, esi: op (set, add, or, andn, xor), edx: arg, rcx: &old */
	.globl	arch_user_fetch_op32
arch_user_fetch_op32:
	cmpl	$4, %esi
	ja	.Lop_unknown
	STAC
	testl	%esi, %esi
	jz	.Lop_set
	cmpl	$1, %esi
	je	.Lop_add
	FIXUP	.Laccess_fault
	movl	(%rdi), %eax
1:	movl	%eax, %r8d
	cmpl	$3, %esi
	ja	3f
	je	2f
	orl	%edx, %r8d
	jmp	4f
2:	movl	%edx, %r9d
	notl	%r9d
	andl	%r9d, %r8d
	jmp	4f
3:	xorl	%edx, %r8d
4:
	FIXUP	.Laccess_fault
	lock cmpxchgl %r8d, (%rdi)
	jnz	1b
	movl	%eax, %edx
	jmp	.Lop_done
.Lop_set:
	FIXUP	.Laccess_fault
	xchgl	%edx, (%rdi)
	jmp	.Lop_done
.Lop_add:
	FIXUP	.Laccess_fault
	lock xaddl %edx, (%rdi)
.Lop_done:
	CLAC
	movl	%edx, (%rcx)
	xorl	%eax, %eax
	ret
.Lop_unknown:
	movl	$-ENOSYS, %eax
	ret
