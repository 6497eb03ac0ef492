/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls on memory: descriptors and limits are looked up here, the rest is mm's. */
#include <fs/vfs/fdtable.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/resource.h>
#include <kernel/sched/limits.h>
#include <mm/space.h>
#include <security/cred.h>

static struct mm *our_mm(void)
{
	return thread_current()->mm;
}

static bool can_mlock(void)
{
	return capable(CAP_IPC_LOCK);
}

long sys_mmap(unsigned long addr, size_t len, unsigned long prot, unsigned long flags, int fd,
	      unsigned long off)
{
	struct mmap_request req = {
		.addr = addr,
		.len = len,
		.prot = (int)prot,
		.flags = (u32)flags,
		.pgoff = off >> PAGE_SHIFT,
		.as_limit = rlimit_get(RLIMIT_AS),
		.data_limit = rlimit_get(RLIMIT_DATA),
		.memlock_limit = rlimit_get(RLIMIT_MEMLOCK),
		.can_mlock = can_mlock(),
	};
	struct fdref ref = {0};
	vaddr_t out;
	int err;

	if (off & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		ref = fd_get(fd);
		if (!ref.file)
			return -EBADF;
		req.file = ref.file;
	}
	err = mm_map(our_mm(), &req, &out);
	if (ref.file)
		fd_put(ref);
	return err ? err : (long)out;
}

long sys_munmap(unsigned long addr, size_t len)
{
	return mm_unmap(our_mm(), addr, len);
}

long sys_mprotect(unsigned long start, size_t len, unsigned long prot)
{
	return mm_protect(our_mm(), start, len, (int)prot);
}

long sys_mremap(unsigned long addr, size_t old_len, size_t new_len, unsigned long flags,
		unsigned long new_addr)
{
	struct mremap_request req = {
		.addr = addr,
		.old_len = old_len,
		.new_len = new_len,
		.flags = (u32)flags,
		.new_addr = new_addr,
		.as_limit = rlimit_get(RLIMIT_AS),
		.data_limit = rlimit_get(RLIMIT_DATA),
		.memlock_limit = rlimit_get(RLIMIT_MEMLOCK),
		.can_mlock = can_mlock(),
	};
	vaddr_t out;
	int err;

	if (flags & ~(unsigned long)U32_MAX)
		return -EINVAL;
	err = mm_remap(our_mm(), &req, &out);
	return err ? err : (long)out;
}

long sys_brk(unsigned long brk)
{
	return (long)mm_brk(our_mm(), brk, rlimit_get(RLIMIT_DATA), rlimit_get(RLIMIT_AS),
			    rlimit_get(RLIMIT_MEMLOCK), can_mlock());
}

long sys_madvise(unsigned long start, size_t len, int behaviour)
{
	return mm_advise(our_mm(), start, len, behaviour);
}

long sys_mincore(unsigned long start, size_t len, void __user *vec)
{
	return mm_incore(our_mm(), start, len, vec);
}

long sys_msync(unsigned long start, size_t len, int flags)
{
	return mm_sync(our_mm(), start, len, flags);
}

long sys_mlock(unsigned long start, size_t len)
{
	return mm_lock_range(our_mm(), start, len, false, rlimit_get(RLIMIT_MEMLOCK), can_mlock());
}

long sys_mlock2(unsigned long start, size_t len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return mm_lock_range(our_mm(), start, len, flags & MLOCK_ONFAULT,
			     rlimit_get(RLIMIT_MEMLOCK), can_mlock());
}

long sys_munlock(unsigned long start, size_t len)
{
	return mm_unlock_range(our_mm(), start, len);
}

long sys_mlockall(int flags)
{
	return mm_lock_all(our_mm(), flags, rlimit_get(RLIMIT_MEMLOCK), can_mlock());
}

long sys_munlockall(void)
{
	return mm_unlock_all(our_mm());
}
