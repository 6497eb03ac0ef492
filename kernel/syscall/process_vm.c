/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reaching into another process's memory: process_vm_readv(2), process_vm_writev(2),
 * process_madvise(2).
 *
 * Bytes pass through one page of the kernel: the other address space is locked only while that page
 * is filled or emptied, and our own side may fault freely.
 */
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/uio.h>
#include <kernel/lib/minmax.h>
#include <kernel/proc/process.h>
#include <kernel/proc/pidfd.h>
#include <mm/iov_iter.h>
#include <mm/space.h>
#include <mm/usercopy.h>
#include <security/cred.h>

/* The address space of a process we may look into.  0, -ESRCH, -EPERM. */
static int process_space(struct process *p, struct mm **out)
{
	struct thread *t;
	int err = process_look_into(p, &t);

	if (err)
		return err;
	*out = mm_grab(t);
	thread_put(t);
	return *out ? 0 : -ESRCH;
}

/*
 * One remote segment.  Returns bytes done, short when either side faults or the local one is used
 * up.
 */
static ssize_t segment_copy(struct mm *mm, vaddr_t addr, size_t len, struct iov_iter *local,
			    void *page, bool write)
{
	size_t done = 0;

	while (done < len && iov_iter_count(local)) {
		size_t n = min(min(len - done, PAGE_SIZE - ((addr + done) & ~PAGE_MASK)),
			       iov_iter_count(local)),
		       got;

		if (write) {
			n = copy_from_iter(page, n, local);
			got = n ? (size_t)mm_access(mm, addr + done, page, n, true, 0) : 0;
			iov_iter_revert(local, n - got);
		} else {
			got = (size_t)mm_access(mm, addr + done, page, n, false, 0);
			got = copy_to_iter(page, got, local);
		}
		done += got;
		if (got < n || !got)
			break;
	}
	return (ssize_t)done;
}

static ssize_t segments_copy(struct mm *mm, const struct iter_vec *remote, unsigned long nr,
			     struct iov_iter *local, bool write)
{
	void *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t done = 0;
	bool fault = false;

	if (!page)
		return -ENOMEM;
	for (unsigned long i = 0; i < nr && iov_iter_count(local) && !fault; i++) {
		size_t want = min(remote[i].len, iov_iter_count(local));
		ssize_t n = segment_copy(mm, (vaddr_t)remote[i].base, remote[i].len, local, page,
					 write);

		done += n;
		fault = (size_t)n < want;
	}
	kfree(page);
	return done || !fault ? done : -EFAULT;
}

static int remote_vec_get(const void __user *uvec, unsigned long nr, struct iter_vec **out)
{
	if (nr > ITER_MAX_VECS)
		return -EINVAL;
	*out = kmalloc_array(nr ? nr : 1, sizeof(**out), GFP_KERNEL);
	if (!*out)
		return -ENOMEM;
	if (copy_from_user(*out, uvec, nr * sizeof(**out))) {
		kfree(*out);
		return -EFAULT;
	}
	for (unsigned long i = 0; i < nr; i++)
		if ((ssize_t)(*out)[i].len < 0) {
			kfree(*out);
			return -EINVAL;
		}
	return 0;
}

static long process_vm(int pid, const void __user *lvec, unsigned long nl, const void __user *rvec,
		       unsigned long nr, unsigned long flags, bool write)
{
	struct iter_vec fast[ITER_FAST_VECS], *remote;
	struct iov_iter local;
	struct process *p;
	struct mm *mm;
	void *alloc;
	long err;

	if (flags)
		return -EINVAL;
	err = import_iovec(&local, write ? ITER_SOURCE : ITER_DEST, lvec, nl, fast, &alloc);
	if (err)
		return err;
	err = remote_vec_get(rvec, nr, &remote);
	if (err)
		goto free_local;
	err = 0;
	if (!iov_iter_count(&local))
		goto free_remote;
	p = process_find_get((u32)pid);
	err = p ? process_space(p, &mm) : -ESRCH;
	if (!err) {
		err = segments_copy(mm, remote, nr, &local, write);
		mm_put(mm);
	}
	process_put(p);
free_remote:
	kfree(remote);
free_local:
	kfree(alloc);
	return err;
}

long sys_process_vm_readv(int pid, const struct iovec __user *lvec, unsigned long liovcnt,
			  const struct iovec __user *rvec, unsigned long riovcnt,
			  unsigned long flags)
{
	return process_vm(pid, lvec, liovcnt, rvec, riovcnt, flags, false);
}

long sys_process_vm_writev(int pid, const struct iovec __user *lvec, unsigned long liovcnt,
			   const struct iovec __user *rvec, unsigned long riovcnt,
			   unsigned long flags)
{
	return process_vm(pid, lvec, liovcnt, rvec, riovcnt, flags, true);
}

static long advise_segments(struct mm *mm, const struct iter_vec *vec, unsigned long nr,
			    int behaviour)
{
	long done = 0;

	for (unsigned long i = 0; i < nr; i++) {
		int err = mm_advise(mm, (vaddr_t)vec[i].base, vec[i].len, behaviour);

		if (err)
			return done ? done : err;
		done += (long)vec[i].len;
	}
	return done;
}

long sys_process_madvise(int pidfd, const struct iovec __user *uvec, size_t vlen, int behaviour,
			 unsigned int flags)
{
	struct iter_vec *vec;
	struct process *p;
	struct pid *pid;
	struct mm *mm;
	long err;

	if (flags)
		return -EINVAL;
	err = remote_vec_get(uvec, vlen, &vec);
	if (err)
		return err;
	err = pidfd_get_pid(pidfd, &pid);
	if (err)
		goto free;
	p = pid_process_get(pid);
	err = process_space(p, &mm);
	if (!err) {
		if (behaviour != MADV_COLD && behaviour != MADV_PAGEOUT &&
		    behaviour != MADV_WILLNEED)
			err = -EINVAL;
		else if (!capable(CAP_SYS_NICE))
			err = -EPERM;
		else
			err = advise_segments(mm, vec, vlen, behaviour);
		mm_put(mm);
	}
	process_put(p);
	pid_put(pid);
free:
	kfree(vec);
	return err;
}
