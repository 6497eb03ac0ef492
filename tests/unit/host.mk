# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the host test programs; used by tests/unit/run from the root of the tree.
#
# A program is tests/unit/NAME_test.c; lines "link: path.c ..." in its opening comment name the kernel
# sources it is linked with, besides those every program has; the word "hostfs" there stands for the library of
# tests/host/fs, which is built once for all.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.DELETE_ON_ERROR:
.SECONDARY:

O    := build/host
CC   := gcc
UAPI := build/parts/uapi/usr/include

# -fno-tree-ter: gcc 12 with -fsanitize=undefined otherwise drops the sign test in comparisons such as
# (word >> n & 1) == (f() >= 0), seen in trees_test.
CFLAGS := -std=gnu11 -O1 -fno-tree-ter -g -ffreestanding -fno-strict-aliasing -fno-common -fno-omit-frame-pointer \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-override-init -fno-tree-loop-distribute-patterns \
	-nostdinc -Itests/host -Itests/host/fs -I. -I$(O) -isystem scripts/uapi-shim \
	-isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(UAPI) -isystem $(UAPI)/$(shell $(CC) -dumpmachine) \
	-include tests/host/gen/autoconf.h
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined

BASE := kernel/lib/string.c kernel/lib/printf.c kernel/lib/random.c

TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_test.c))

all: $(addprefix $(O)/,$(TESTS))
list:
	@printf '%s\n' $(TESTS)
.PHONY: all list

include tests/host/fs/sources.mk
HOSTFS := $(filter-out $(BASE),$(HOSTFS_SOURCES))

# What the kernel's build generates and files here ask for.
$(shell mkdir -p $(O)/gen && scripts/gen-syscalls --header x86_64 $(O)/gen/syscalls.h)

$(O)/%.o: %.c tests/unit/renames tests/unit/host.mk
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<
	objcopy --redefine-syms=tests/unit/renames $@

# What sees the C library: not renamed.
$(O)/tests/host/host.o $(O)/tests/host/coroutine.o: $(O)/%.o: %.c tests/host/coroutine.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-unused-parameter \
		-fsanitize=address,undefined -c -o $@ $<

$(O)/hostfs.o: $(addprefix $(O)/,$(HOSTFS:.c=.o)) $(O)/tests/host/coroutine.o tests/host/fs/sources.mk
	ld -r -o $@ $(filter %.o,$^)

link_of = $(shell sed -n 's/^[ /]*\*.*link: *\(.*\)/\1/p' tests/unit/$(1).c)

sources_of = $(sort $(BASE) $(filter-out hostfs,$(call link_of,$(1))))
library_of = $(if $(filter hostfs,$(call link_of,$(1))),$(O)/hostfs.o)

define program
$(O)/$(1): $(addprefix $(O)/,$(patsubst %.c,%.o,$(call sources_of,$(1))) tests/unit/$(1).o tests/host/host.o) $(call library_of,$(1))
	$(CC) $(SANITIZE) -o $$@ $$^ -lpthread
endef
$(foreach t,$(TESTS),$(eval $(call program,$(t))))

-include $(shell find $(O) -name '*.d' 2>/dev/null)
