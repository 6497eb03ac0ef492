# SPDX-License-Identifier: GPL-2.0-or-later
# The vDSO is linked on its own, as a shared object for user programs, and then put into the image.

VDSO      := $(O)/arch/riscv64/vdso
VDSO_OBJS := $(VDSO)/calls.vo $(VDSO)/clock.vo

VDSO_CFLAGS := -std=gnu11 -O2 -ffreestanding -fPIC -fvisibility=hidden -fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-builtin -Wall -Wextra -Werror -Wno-unused-parameter \
	-march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -msmall-data-limit=0 -mno-relax

$(VDSO)/%.vo: arch/riscv64/vdso/%.c $(O)/.flags | $(GENERATED)
	$(say) VDSO $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(VDSO_CFLAGS) -MMD -MP -c -o $@ $<

$(VDSO)/%.vo: arch/riscv64/vdso/%.S $(O)/.flags | $(GENERATED)
	$(say) VDSO $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) -D__ASSEMBLY__ -march=rv64imac_zicsr -mabi=lp64 -c -o $@ $<

$(VDSO)/vdso.lds: arch/riscv64/vdso/vdso.lds.S arch/riscv64/vdso/vdso.h
	@mkdir -p $(@D)
	$(Q)$(CC) -D__ASSEMBLY__ -E -P -x c -o $@ $<

$(VDSO)/vdso.so: $(VDSO_OBJS) $(VDSO)/vdso.lds
	$(say) VDSO $@
	$(Q)$(LD) -m elf64lriscv -shared -soname=linux-vdso.so.1 --hash-style=both --build-id=none -Bsymbolic \
		-z noexecstack -z max-page-size=4096 --no-undefined -T $(VDSO)/vdso.lds -o $@.tmp $(VDSO_OBJS)
	$(Q)! $(READELF) -rW $@.tmp | grep -q R_RISCV
	$(Q)$(OBJCOPY) --strip-all $@.tmp $@

$(VDSO)/image.o: CFLAGS_image.o := -DVDSO_FILE='"$(VDSO)/vdso.so"'
$(VDSO)/image.o: $(VDSO)/vdso.so

-include $(VDSO)/clock.d
