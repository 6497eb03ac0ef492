# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler and linker flags of x86_64.

ARCH_CFLAGS := -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
	-mno-avx -mno-sse -mno-mmx -mno-80387 -fno-jump-tables

# The canary sits in the per-CPU area behind gs and follows the running thread; give its offset as
# -mstack-protector-guard-offset=N to turn the protector on.
ARCH_STACKPROT_FLAGS :=

# Kept relocations are turned into the table by which the image moves itself.
ARCH_LDFLAGS := -m elf_x86_64 -static --emit-relocs -z norelro
