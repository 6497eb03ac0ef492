# SPDX-License-Identifier: GPL-2.0-or-later
#
# The verbs that are not compilation; each is a script that also works alone.

SMP    ?= 4
MEM    ?= 512M
export SMP MEM APPEND DISK NET QEMU CPU MACHINE KERNEL INITRD GDB GDBPORT SEED RING ROUNDS FS

INITRAMFS := build/$(ARCH)/initramfs.cpio.gz
ROOTFS    := $(shell find scripts/rootfs -type f)

build/parts/%.stamp: scripts/pins
	@scripts/setup $*

$(INITRAMFS): build/parts/busybox-$(ARCH).stamp scripts/mkinitramfs scripts/mkcpio $(ROOTFS)
	@printf '  %-7s %s\n' CPIO $@
	@scripts/mkinitramfs $(ARCH) $@

initramfs: $(INITRAMFS)

run: kernel initramfs
	@scripts/run

debug: kernel initramfs
	@scripts/debug
attach:
	@scripts/attach

setup:
	@scripts/setup

check:
	@scripts/check-rooms
	@scripts/check-budget

size: kernel
	@scripts/size $(O)

# ARCH narrows a test only when it was given.
test:
	@scripts/test $(ARCH_ASKED)
test-unit test-kernel test-abi test-boot test-busybox test-stress test-fuzz test-fs test-powercut:
	@scripts/test $(patsubst test-%,%,$@) $(ARCH_ASKED)

bench: kernel
	@tests/bench/run $(ARCH)

soak:
	@scripts/soak

abi-report:
	@scripts/gen-syscalls --report

oracle:
	@scripts/oracle $(ARCH)

help:
	@sed -n 's/^# \{0,1\}//p' scripts/help.txt

clean:
	rm -rf $(foreach a,$(ARCHES),build/$(a) build/$(a)-*) build/test compile_commands.json

HIST ?=
FRESH ?=
export HIST FRESH

.PHONY: bench soak test-stress test-fuzz test-fs test-powercut abi-report help clean check setup size initramfs run debug attach test test-unit test-kernel test-abi test-boot test-busybox oracle
