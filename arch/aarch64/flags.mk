# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler and linker flags of AArch64.

ARCH_CFLAGS := -march=armv8-a -mgeneral-regs-only -mno-outline-atomics -mstrict-align -mcmodel=small

# The canary is the first field of struct thread, which sp_el0 points at.
ARCH_STACKPROT_FLAGS := -mstack-protector-guard=sysreg -mstack-protector-guard-reg=sp_el0 \
	-mstack-protector-guard-offset=0

# Position-independent: the image carries its own relative relocations (.rela.dyn) and applies them.
ARCH_LDFLAGS := -m aarch64linux -pie --no-dynamic-linker -Bsymbolic -z norelro -z notext --no-apply-dynamic-relocs
