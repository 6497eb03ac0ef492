# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler and linker flags of RISC-V.

ARCH_CFLAGS := -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -msmall-data-limit=0 -mno-save-restore

# The canary is the second word of struct arch_thread, to which tp points.
ARCH_STACKPROT_FLAGS := -mstack-protector-guard=tls -mstack-protector-guard-reg=tp -mstack-protector-guard-offset=8

# Position-independent: the image carries its own relative relocations (.rela.dyn) and applies them.
ARCH_LDFLAGS := -m elf64lriscv -pie --no-dynamic-linker -Bsymbolic -z norelro -z notext
