# SPDX-License-Identifier: GPL-2.0-or-later
#
# From sources to $(O)/vireo: configuration, generated headers, objects, and a link in two passes,
# because the symbol table (and on x86_64 the relocation table) describes the very image it is part of.

CROSS_x86_64  := x86_64-linux-gnu-
CROSS_aarch64 := aarch64-linux-gnu-
CROSS_riscv64 := riscv64-linux-gnu-
CROSS_COMPILE ?= $(CROSS_$(ARCH))

CC      := $(CROSS_COMPILE)gcc
CPP     := $(CROSS_COMPILE)cpp
LD      := $(CROSS_COMPILE)ld
NM      := $(CROSS_COMPILE)nm
AR      := $(CROSS_COMPILE)ar
OBJCOPY := $(CROSS_COMPILE)objcopy
STRIP   := $(CROSS_COMPILE)strip
SIZE    := $(CROSS_COMPILE)size
READELF := $(CROSS_COMPILE)readelf

ifeq ($(V),1)
Q   :=
say := @:
else
Q   := @
say := @printf '  %-7s %s\n'
endif

# --- configuration -----------------------------------------------------------------------------

# The configuration and the headers of Linux's user interface come first: make starts over once
# these exist, and the fragments below may then test CONFIG_ variables.
CONFIG_INPUTS := arch/$(ARCH)/defconfig scripts/kconfig/$(PROFILE).config
KCONFIGS      := $(shell find . -name build -prune -o -name 'Kconfig*' -type f -print)

$(O)/auto.conf: scripts/kconfig/genconfig $(CONFIG_INPUTS) $(KCONFIGS) $(wildcard $(O)/user.config) | build/parts/packages.stamp
	$(say) CONF $(O)/.config
	$(Q)mkdir -p $(O)/gen
	$(Q)$(PYTHON) scripts/kconfig/genconfig $(O) $(CONFIG_INPUTS) $(wildcard $(O)/user.config)

build/parts/packages.stamp:
	$(Q)scripts/setup packages

build/parts/uapi.stamp: scripts/pins build/parts/packages.stamp
	$(Q)scripts/setup uapi

-include build/parts/packages.stamp
-include $(O)/auto.conf
-include build/parts/uapi.stamp

# --- flags -------------------------------------------------------------------------------------

ARCH_CFLAGS :=
ARCH_AFLAGS :=
ARCH_LDFLAGS :=
include arch/$(ARCH)/flags.mk

TRIPLET := $(patsubst %-,%,$(CROSS_$(ARCH)))
UAPI    := build/parts/uapi/usr/include

INCLUDES := -I. -Iarch/$(ARCH) -I$(O) -include $(O)/gen/autoconf.h \
	-nostdinc -isystem scripts/uapi-shim -isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(UAPI) -isystem $(UAPI)/$(TRIPLET)

CFLAGS := -std=gnu11 -Uunix -Ulinux -O2 -g -ffreestanding -fno-pic -fno-pie -fno-strict-aliasing -fno-common \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-omit-frame-pointer \
	-fno-optimize-sibling-calls -fno-delete-null-pointer-checks -fno-stack-clash-protection \
	-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	-Wvla -Wundef -Wpointer-arith -Wwrite-strings \
	-Wimplicit-fallthrough -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-override-init \
	-ffile-prefix-map=$(CURDIR)/= \
	$(ARCH_CFLAGS)

AFLAGS := -D__ASSEMBLY__ -g $(ARCH_AFLAGS)

# Groups that an object or a folder can opt out of.
STACKPROT_FLAGS :=
ifeq ($(CONFIG_STACK_PROTECTOR),y)
STACKPROT_FLAGS := $(if $(ARCH_STACKPROT_FLAGS),-fstack-protector-strong $(ARCH_STACKPROT_FLAGS))
endif
UBSAN_FLAGS :=
ifeq ($(CONFIG_UBSAN),y)
UBSAN_FLAGS := -fsanitize=shift,integer-divide-by-zero,unreachable,signed-integer-overflow,bounds,bool,enum,vla-bound
endif
KASAN_FLAGS :=
ifeq ($(CONFIG_KASAN),y)
# Checks are calls, and only they use the shadow: no fixed place for it, no instrumented stacks and
# globals, whose code would touch it before it exists.
KASAN_FLAGS := -fsanitize=kernel-address --param asan-globals=0 --param asan-stack=0 \
	--param asan-instrumentation-with-call-threshold=0
endif
KCSAN_FLAGS :=
ifeq ($(CONFIG_KCSAN),y)
KCSAN_FLAGS := -fsanitize=thread --param tsan-distinguish-volatile=1 --param tsan-instrument-func-entry-exit=0 -Wno-tsan
endif
ifeq ($(CONFIG_KASAN)$(CONFIG_KCSAN),)
CFLAGS += -Wframe-larger-than=2048
endif

# --- fragments ---------------------------------------------------------------------------------

TOP := init arch/$(ARCH) arch kernel mm fs net drivers security virt gui $(if $(CONFIG_KTEST),tests/kernel)

OBJS  :=
GENS  := autoconf.h offsets.h
RULES :=

# $(call off,GROUP,object): GROUP's flags, unless the object or its folder opts out.
off = $(if $(filter y,$(sanitize-off)),,$(if $(filter n,$($(1)_SANITIZE_$(2))),,$($(1)_FLAGS)))

# An object named gen/x.o is made from $(O)/gen/x.c, which a rules.mk writes.
define add_object
OBJS += $(if $(filter gen/%,$(2)),$(2),$(1)/$(2))
FLAGS_$(1)/$(2) := $(CFLAGS_$(2)) $(if $(filter n,$(STACKPROT_SANITIZE_$(2))),,$(STACKPROT_FLAGS)) \
	$(call off,UBSAN,$(2)) $(call off,KASAN,$(2)) $(call off,KCSAN,$(2))
CFLAGS_$(2) :=
$(foreach g,STACKPROT UBSAN KASAN KCSAN,$(g)_SANITIZE_$(2) :=
)
endef

define descend
obj-y :=
obj- :=
gen-y :=
sanitize-off :=
include $(1)/Makefile
$$(foreach o,$$(filter %.o,$$(obj-y)),$$(eval $$(call add_object,$(1),$$(o))))
GENS  += $$(gen-y)
RULES += $$(wildcard $(1)/rules.mk)
subs_$(1) := $$(patsubst %/,%,$$(filter %/,$$(obj-y)))
$$(foreach s,$$(subs_$(1)),$$(if $$(wildcard $(1)/$$(s)/Makefile),$$(eval $$(call descend,$(1)/$$(s)))))
endef

$(foreach d,$(TOP),$(if $(wildcard $(d)/Makefile),$(eval $(call descend,$(d)))))

OBJECTS := $(addprefix $(O)/,$(OBJS))
GENERATED := $(addprefix $(O)/gen/,$(GENS))

# --- generated headers -------------------------------------------------------------------------

$(O)/gen/autoconf.h: $(O)/auto.conf ;

# offsets.c holds lines as OFFSET(NAME, struct, field); the compiler turns each into a mark in the
# assembly text, from which the header is cut.
OFFSETS_C := $(wildcard arch/$(ARCH)/offsets.c)
$(O)/gen/offsets.h: $(OFFSETS_C) $(O)/gen/autoconf.h scripts/gen-offsets $(filter-out $(O)/gen/offsets.h,$(GENERATED))
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q)$(if $(OFFSETS_C),$(CC) $(INCLUDES) $(CFLAGS) -MMD -MP -MT $@ -MF $(O)/gen/offsets.d -S -o $(O)/gen/offsets.s $<)
	$(Q)scripts/gen-offsets $(if $(OFFSETS_C),$(O)/gen/offsets.s,/dev/null) $@
-include $(O)/gen/offsets.d

include $(sort $(RULES) $(wildcard arch/$(ARCH)/vdso/rules.mk))

# --- objects -----------------------------------------------------------------------------------

# A change of flags rebuilds what it touches.
FLAGS_TEXT := $(CC) $(CFLAGS) $(AFLAGS) $(INCLUDES) $(STACKPROT_FLAGS) $(UBSAN_FLAGS) $(KASAN_FLAGS) $(KCSAN_FLAGS)
$(O)/.flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' >$@
FORCE:
.PHONY: FORCE

$(O)/%.o: %.c $(O)/.flags | $(GENERATED)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(CFLAGS) $(FLAGS_$*.o) -DKBUILD_FILE='"$<"' -MMD -MP -c -o $@ $<

$(O)/gen/%.o: $(O)/gen/%.c $(O)/.flags | $(GENERATED)
	$(say) CC $<
	$(Q)$(CC) $(INCLUDES) $(CFLAGS) $(STACKPROT_FLAGS) -MMD -MP -c -o $@ $<

$(O)/%.o: %.S $(O)/.flags | $(GENERATED)
	$(say) AS $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(filter-out -std=% -W%,$(CFLAGS)) $(AFLAGS) $(CFLAGS_$(@F)) -MMD -MP -c -o $@ $<

$(O)/%.i: %.c $(O)/.flags | $(GENERATED)
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(CFLAGS) $(FLAGS_$*.o) -E -o $@ $<

-include $(OBJECTS:.o=.d)

# make path/to/file.o
ONE := $(filter-out build/%,$(filter %.o %.i,$(MAKECMDGOALS)))
ifneq ($(ONE),)
$(ONE): %: $(O)/% ;
.PHONY: $(ONE)
endif

# --- link --------------------------------------------------------------------------------------

LDFLAGS := --build-id=none -z noexecstack -z max-page-size=4096 --no-undefined --no-warn-rwx-segments $(ARCH_LDFLAGS)
LDSCRIPT := $(O)/arch/$(ARCH)/linker.lds

$(LDSCRIPT): arch/$(ARCH)/linker.lds.S $(O)/.flags | $(GENERATED)
	$(say) LDS $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(filter-out -W%,$(CFLAGS)) -D__ASSEMBLY__ -D__LINKER__ -E -P -x c -MMD -MP -MT $@ -MF $@.d -o $@ $<
-include $(LDSCRIPT).d

# All objects but the tables in one archive-less list; a response file keeps the command line short.
$(O)/objects.list: $(OBJECTS) FORCE
	@printf '%s\n' $(OBJECTS) | cmp -s - $@ || printf '%s\n' $(OBJECTS) >$@

$(O)/tables0.S: scripts/gen-tables
	@mkdir -p $(@D)
	$(Q)scripts/gen-tables --empty $@
$(O)/tables0.o $(O)/tables.o: %.o: %.S
	$(Q)$(CC) -fno-pic $(ARCH_CFLAGS) -c -o $@ $<

LINK = $(LD) $(LDFLAGS) -T $(LDSCRIPT) -Map=$(O)/vireo.map -o $(1) @$(O)/objects.list $(2) $(ARCH_LIBS)

$(O)/vireo.pass1: $(O)/objects.list $(OBJECTS) $(LDSCRIPT) $(O)/tables0.o
	$(say) LD $@
	$(Q)$(call LINK,$@,$(O)/tables0.o)

$(O)/tables.S: $(O)/vireo.pass1 scripts/gen-tables
	$(say) GEN $@
	$(Q)NM=$(NM) scripts/gen-tables $< $@

# The tables come after everything they describe, so the second pass must not move it; gen-tables
# --check says so if a linker script breaks that.
$(O)/vireo.elf: $(O)/tables.o
	$(say) LD $@
	$(Q)$(call LINK,$@.tmp,$(O)/tables.o)
	$(Q)NM=$(NM) scripts/gen-tables --check $(O)/tables.S $@.tmp
	$(Q)mv $@.tmp $@

ifeq ($(ARCH),x86_64)
$(O)/vireo: $(O)/vireo.elf
	$(say) STRIP $@
	$(Q)$(OBJCOPY) --strip-all --remove-section='.rel*.text*' $< $@
else
$(O)/vireo: $(O)/vireo.elf
	$(say) IMAGE $@
	$(Q)$(OBJCOPY) -O binary $< $@
endif

kernel: $(O)/vireo
objects: $(OBJECTS)
.PHONY: kernel objects

# --- tools -------------------------------------------------------------------------------------

compile_commands.json: FORCE
	@$(PYTHON) scripts/gen-compdb $@ '$(CC)' '$(subst ','\'',$(INCLUDES) $(CFLAGS))' $(OBJS)

menuconfig: $(O)/auto.conf
	$(Q)KCONFIG_CONFIG=$(O)/.config srctree=. $(PYTHON) -m menuconfig Kconfig
	$(Q)cp $(O)/.config $(O)/user.config
.PHONY: menuconfig
