# SPDX-License-Identifier: GPL-2.0-or-later
# The vDSO is linked on its own, as a shared object for user programs, and then put into the image.

VDSO      := $(O)/arch/aarch64/vdso
VDSO_OBJS := $(VDSO)/sigreturn.vo $(VDSO)/clock.vo

VDSO_CFLAGS := -std=gnu11 -O2 -ffreestanding -fPIC -fvisibility=hidden -fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-builtin -Wall -Wextra -Werror -Wno-unused-parameter \
	-march=armv8-a -mno-outline-atomics

$(VDSO)/%.vo: arch/aarch64/vdso/%.c $(O)/.flags | $(GENERATED)
	$(say) VDSO $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(VDSO_CFLAGS) -MMD -MP -MF $(@:.vo=.d) -c -o $@ $<

$(VDSO)/%.vo: arch/aarch64/vdso/%.S $(O)/.flags | $(GENERATED)
	$(say) VDSO $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) -D__ASSEMBLY__ -march=armv8-a -c -o $@ $<

$(VDSO)/vdso.lds: arch/aarch64/vdso/vdso.lds.S arch/aarch64/vdso/vdso.h
	@mkdir -p $(@D)
	$(Q)$(CC) -D__ASSEMBLY__ -E -P -x c -o $@ $<

$(VDSO)/vdso.so: $(VDSO_OBJS) $(VDSO)/vdso.lds
	$(say) VDSO $@
	$(Q)$(LD) -m aarch64linux -shared -soname=linux-vdso.so.1 --hash-style=both --build-id=none -Bsymbolic \
		-z noexecstack -z max-page-size=4096 --no-undefined -T $(VDSO)/vdso.lds -o $@.tmp $(VDSO_OBJS)
	$(Q)! $(READELF) -rW $@.tmp | grep -q R_AARCH64
	$(Q)$(OBJCOPY) --strip-all $@.tmp $@

$(VDSO)/image.o: CFLAGS_image.o := -DVDSO_FILE='"$(VDSO)/vdso.so"'
$(VDSO)/image.o: $(VDSO)/vdso.so

-include $(VDSO)/clock.d
