# SPDX-License-Identifier: GPL-2.0-or-later
# The vDSO is linked on its own, as a shared object for user programs, and then put into the image.

VDSO := $(O)/arch/x86_64/vdso

VDSO_CFLAGS := -m64 -std=gnu11 -O2 -ffreestanding -fPIC -fvisibility=hidden -fno-stack-protector \
	-fno-strict-aliasing -fno-builtin -fcf-protection=none -fasynchronous-unwind-tables \
	-Wall -Wextra -Werror -Wno-unused-parameter

$(VDSO)/%.vo: arch/x86_64/vdso/%.c $(O)/.flags | $(GENERATED)
	$(say) VDSO $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(VDSO_CFLAGS) -MMD -MP -c -o $@ $<

$(VDSO)/vdso.so: $(VDSO)/clock.vo arch/x86_64/vdso/vdso.lds
	$(say) VDSO $@
	$(Q)$(LD) -m elf_x86_64 -shared -soname=linux-vdso.so.1 --hash-style=both --build-id=sha1 -Bsymbolic \
		--eh-frame-hdr -z noexecstack -z max-page-size=4096 --no-undefined \
		-T arch/x86_64/vdso/vdso.lds -o $@.tmp $(VDSO)/clock.vo
	$(Q)! $(READELF) -rW $@.tmp | grep -q R_X86_64
	$(Q)$(OBJCOPY) --strip-all $@.tmp $@

$(VDSO)/image.o: CFLAGS_image.o := -DVDSO_FILE='"$(VDSO)/vdso.so"'
$(VDSO)/image.o: $(VDSO)/vdso.so

-include $(VDSO)/clock.d
