/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making things fail on purpose.
 *
 * Each kind counts down; the question that brings the count to zero is answered "fail", and the
 * count begins again with the period, if there is one.
 */
#include <kernel/debug/fault_inject.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/string.h>

struct injection {
	u64 left;   /* [a] questions until the next failure; 0: none is due */
	u64 period; /* [a] */
	u64 done;   /* [a] failures caused */
};

u32 fault_inject_armed;
static struct injection injections[INJECT_KINDS];

bool fault_inject_slow(enum inject_kind kind)
{
	struct injection *in = &injections[kind];
	u64 left = atomic_load(&in->left), then;

	do {
		if (!left)
			return false;
		then = left == 1 ? atomic_load(&in->period) : left - 1;
	} while (!atomic_cmpxchg(&in->left, &left, then));
	if (left != 1)
		return false;
	atomic_inc(&in->done);
	return true;
}

void fault_inject_arm(enum inject_kind kind, u64 after, u64 every)
{
	struct injection *in = &injections[kind];

	atomic_store(&in->done, 0);
	atomic_store(&in->period, every);
	atomic_store(&in->left, after);
	atomic_or(&fault_inject_armed, 1u << kind);
}

bool fault_inject_disarm(enum inject_kind kind)
{
	atomic_and(&fault_inject_armed, ~(1u << kind));
	atomic_store(&injections[kind].left, 0);
	return atomic_load(&injections[kind].done) != 0;
}

void fault_inject_init(const char *cmdline)
{
	static const char *const kinds[INJECT_KINDS] = {"alloc", "usercopy", "io"};
	u64 after = cmdline_u64(cmdline, "fail_after", 0);
	u64 every = cmdline_u64(cmdline, "fail_every", 0);
	char which[64] = "alloc";

	cmdline_get(cmdline, "fail_kind", which, sizeof(which));
	for (unsigned k = 0; after && k < INJECT_KINDS; k++) {
		if (strstr(which, kinds[k]))
			fault_inject_arm(k, after, every);
	}
}
