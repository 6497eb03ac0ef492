# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler and linker flags of x86_64.

ARCH_CFLAGS := -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
	-mpreferred-stack-boundary=3 -mno-avx -mno-sse -mno-mmx -mno-80387 -fno-jump-tables

# The canary is a word of struct arch_cpu (gs:40) and follows the running thread.
ARCH_STACKPROT_FLAGS := -mstack-protector-guard=tls -mstack-protector-guard-reg=gs \
	-mstack-protector-guard-offset=40

ARCH_KASAN_SHADOW_OFFSET := 0xdffffc0000000000

# Kept relocations are turned into the table by which the image moves itself.
ARCH_LDFLAGS := -m elf_x86_64 -static --emit-relocs -z norelro
