/* SPDX-License-Identifier: GPL-2.0-or-later */
/* select(2), pselect6(2). */
#include <fs/vfs/fdtable.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>

#include "poll_internal.h"
#include "syscalls_internal.h"

#define SELECT_IN  (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT (POLLWRNORM | POLLWRBAND | POLLOUT | POLLERR)
#define SELECT_EX  POLLPRI

/* Three sets asked for, three to answer, `words` each. */
struct fd_sets {
	unsigned n, words;
	u64 *in, *out, *ex, *res_in, *res_out, *res_ex;
};

static u64 wanted_word(const struct fd_sets *s, unsigned w)
{
	u64 bits = s->in[w] | s->out[w] | s->ex[w];

	if (w == s->words - 1 && s->n % 64)
		bits &= (1ull << s->n % 64) - 1;
	return bits;
}

/* Ask about the descriptors of one word.  Returns how many of the answer's bits it set, or
 * -EBADF. */
static long select_word(struct fd_sets *s, unsigned w, u64 bits, struct poll_table *pt)
{
	u64 in = s->in[w], out = s->out[w], ex = s->ex[w], got_in = 0, got_out = 0, got_ex = 0;

	for (unsigned bit = 0, events; bits; bits >>= 1, bit++) {
		struct fdref ref;
		u64 m;

		/* Most descriptors have their neighbour in the set: no count of zeroes, which not
		 * every processor has. */
		if (!(bits & 1)) {
			unsigned skip = ctz64(bits);

			bits >>= skip;
			bit += skip;
		}
		m = 1ull << bit;
		ref = fd_get(w * 64 + bit);
		if (unlikely(!ref.file))
			return -EBADF;
		pt->key = POLLERR | POLLHUP | (in & m ? SELECT_IN : 0) |
			  (out & m ? SELECT_OUT : 0) | (ex & m ? SELECT_EX : 0);
		events = file_poll(ref.file, pt) & pt->key;
		fd_put(ref);
		if (!events)
			continue;
		if (events & SELECT_IN)
			got_in |= in & m;
		if (events & SELECT_OUT)
			got_out |= out & m;
		if (events & SELECT_EX)
			got_ex |= ex & m;
		if ((got_in | got_out | got_ex) & m)
			pt->queue = NULL;
	}
	s->res_in[w] = got_in;
	s->res_out[w] = got_out;
	s->res_ex[w] = got_ex;
	return popcount64(got_in) + popcount64(got_out) + popcount64(got_ex);
}

static long select_round(struct fd_sets *s, struct poller *p)
{
	long ready = 0;

	for (unsigned w = 0; w < s->words; w++) {
		u64 bits = wanted_word(s, w);
		long n = bits ? select_word(s, w, bits, &p->table) : 0;

		if (n < 0)
			return n;
		ready += n;
	}
	return ready;
}

static long select_loop(struct fd_sets *s, struct poller *p, u64 deadline)
{
	bool late = !deadline;

	if (late)
		p->table.queue = NULL;
	for (;;) {
		long ready = select_round(s, p);

		p->table.queue = NULL;
		if (ready)
			return ready;
		if (p->error)
			return p->error;
		if (signal_pending(p->thread))
			return -EINTR;
		if (late)
			return 0;
		late = poller_sleep(p, deadline) == -ETIMEDOUT;
	}
}

static int get_set(u64 *to, const fd_set_t __user *from, size_t bytes)
{
	return from ? copy_from_user(to, from, bytes) : 0;
}

static int put_set(fd_set_t __user *to, const u64 *from, size_t bytes)
{
	return to ? copy_to_user(to, from, bytes) : 0;
}

#define SELECT_STACK_WORDS 4 /* 256 descriptors */

long select_user(int n, fd_set_t __user *in, fd_set_t __user *out, fd_set_t __user *ex,
		 u64 deadline)
{
	u64 few[6 * SELECT_STACK_WORDS], *bits = few;
	struct files *files = thread_current()->files;
	struct fd_sets s;
	struct poller p;
	size_t bytes;
	long ret = -EFAULT;

	if (n < 0)
		return -EINVAL;
	s.n = min_t(unsigned, n, READ_ONCE(files->table)->max);
	s.words = DIV_ROUND_UP(s.n, 64);
	if (s.words > SELECT_STACK_WORDS) {
		bits = kvmalloc(6 * s.words * sizeof(u64), GFP_KERNEL);
		if (!bits)
			return -ENOMEM;
	}
	memset(bits, 0, 6 * s.words * sizeof(u64));
	s.in = bits;
	s.out = s.in + s.words;
	s.ex = s.out + s.words;
	s.res_in = s.ex + s.words;
	s.res_out = s.res_in + s.words;
	s.res_ex = s.res_out + s.words;
	bytes = DIV_ROUND_UP(s.n, 64) * 8;
	if (get_set(s.in, in, bytes) || get_set(s.out, out, bytes) || get_set(s.ex, ex, bytes))
		goto free;
	poller_init(&p);
	ret = select_loop(&s, &p, deadline);
	poller_fini(&p);
	if (ret >= 0 && (put_set(in, s.res_in, bytes) || put_set(out, s.res_out, bytes) ||
			 put_set(ex, s.res_ex, bytes)))
		ret = -EFAULT;
free:
	if (bits != few)
		kvfree(bits);
	return ret;
}

long sys_pselect6(int n, fd_set_t __user *inp, fd_set_t __user *outp, fd_set_t __user *exp,
		  struct __kernel_timespec __user *tsp, const void __user *sig)
{
	struct { const u64 __user *mask; size_t size; } arg = {};
	u64 deadline;
	long ret = deadline_from_timespec(tsp, &deadline);

	if (ret)
		return ret;
	if (sig && copy_from_user(&arg, sig, sizeof(arg)))
		return -EFAULT;
	ret = sigmask_from_user(arg.mask, arg.size);
	if (ret)
		return ret;
	ret = select_user(n, inp, outp, exp, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	remaining_to_timespec(tsp, deadline);
	return ret;
}
