# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel sources of the host's file-system library: whole folders, so that a new file is there by itself.
# A new file system adds its folder.

HOSTFS_DIRS := fs/vfs fs/tmpfs fs/syscalls fs/block fs/block/partition fs/iomap fs/jbd2 fs/ext4 fs/fat fs/isofs fs/squashfs fs/overlay tests/host/fs
HOSTFS_FILES := \
	fs/init.c fs/mem_devices.c fs/chardev.c fs/devtmpfs.c fs/inotify.c fs/locks.c fs/pipe.c fs/splice.c fs/swap.c \
	kernel/device/device.c kernel/sched/kthread.c kernel/sched/workqueue.c kernel/syscall/mman.c kernel/time/convert.c \
	kernel/trap/notify.c security/cred.c tests/host/isa/toy.c \
	$(addprefix kernel/sync/,completion.c lockdebug.c mutex.c rwsem.c spinlock.c waitqueue.c)
# Of mm all but what memory.c stands in for.
HOSTFS_FILES += $(filter-out $(addprefix mm/,boot.c frames.c oom.c slab.c vmalloc.c),$(wildcard mm/*.c))
HOSTFS_SOURCES := $(sort $(wildcard $(addsuffix /*.c,$(HOSTFS_DIRS)) $(HOSTFS_FILES) kernel/lib/*.c))
