# SPDX-License-Identifier: GPL-2.0-or-later
#
# The one Makefile.  It does not recurse: the fragment `Makefile` of each folder only lists what the
# folder holds, and everything is built from here into $(O).
#
#   obj-y += a.o entry.o sub/       a.c, entry.S, and the fragment sub/Makefile
#   obj-$(CONFIG_X) += b.o          only when X is set
#   obj-y += gen/t.o                $(O)/gen/t.c, written by a rule of the folder's rules.mk
#   gen-y += table.h                $(O)/gen/table.h must exist before any compilation; its rule is in
#                                   the folder's rules.mk
#   CFLAGS_a.o := -O3               flags of one object
#   KASAN_SANITIZE_a.o := n         likewise UBSAN, KCSAN, STACKPROT: leave one object alone
#   sanitize-off := y               leave the whole folder (not its subfolders) alone
#
# A folder with rules of its own keeps them in rules.mk beside the fragment.  `make help` lists the verbs.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL     := /bin/sh
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:

ARCHES  := x86_64 aarch64 riscv64
ARCH_ASKED := $(ARCH)
ARCH    ?= x86_64
PROFILE ?= release
V       ?= 0
export ARCH PROFILE V

ifeq ($(filter $(ARCH),$(ARCHES)),)
$(error ARCH=$(ARCH): not one of $(ARCHES))
endif
ifeq ($(wildcard scripts/kconfig/$(PROFILE).config),)
$(error PROFILE=$(PROFILE): not one of $(patsubst scripts/kconfig/%.config,%,$(wildcard scripts/kconfig/*.config)))
endif

O := build/$(ARCH)$(if $(filter-out release,$(PROFILE)),-$(PROFILE))
PYTHON := /usr/bin/python3

all: kernel
.PHONY: all

# Verbs that compile nothing need no configuration and no headers.
NOBUILD := help clean check setup initramfs test test-unit test-kernel test-abi test-boot test-busybox test-stress test-fuzz test-fs test-powercut oracle soak abi-report
ifneq ($(MAKECMDGOALS),)
ifeq ($(filter-out $(NOBUILD),$(MAKECMDGOALS)),)
SKIP_BUILD := y
endif
endif

ifeq ($(SKIP_BUILD),)
include scripts/build.mk
endif
include scripts/verbs.mk
