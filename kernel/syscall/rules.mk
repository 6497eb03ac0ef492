# SPDX-License-Identifier: GPL-2.0-or-later
# Prototypes and dispatch table come from syscalls.tbl.  The table also depends on which calls have a
# body somewhere, so both are looked at each time and written only when they change.
$(O)/gen/syscalls.h: FORCE | $(O)/gen/autoconf.h
	@mkdir -p $(@D)
	@scripts/gen-syscalls --header $(ARCH) $@

$(O)/gen/syscall_table.c: FORCE | $(O)/gen/autoconf.h
	@mkdir -p $(@D)
	@scripts/gen-syscalls --table $(ARCH) $@
