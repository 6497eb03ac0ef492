/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classic BPF: the filter programs of sockets and of seccomp.
 *
 * A program is checked once when it is attached and may then run any number of times: it only jumps
 * forwards, so it ends, and every access it makes is checked.
 */
#pragma once

#include <kernel/abi/bpf.h>
#include <kernel/lib/compiler.h>

enum bpf_use {
	BPF_USE_PACKET,	 /* loads of bytes, halves and words at any offset, network order */
	BPF_USE_SECCOMP, /* loads of aligned words of struct seccomp_data, host order */
};

struct bpf_input {
	const void *data;
	u32 len;

	/*
	 * What the offset SKF_AD_OFF + `which` loads; `x` is the X register.  Returns false where
	 * there is no such thing, which ends the program with 0.  May be NULL.
	 */
	bool (*ancillary)(void *ctx, u32 which, u32 x, u32 *out);
	void *ctx;
};

/* Returns 0, or -EINVAL for a program that must not run.  `scratch` has `len` elements. */
int __must_check bpf_check(const struct sock_filter *prog, unsigned len, enum bpf_use use,
			   u16 *scratch);

/* Run a checked program.  Returns its answer; a load beyond the data ends it with 0.  Context:
 * any. */
u32 bpf_run(const struct sock_filter *prog, const struct bpf_input *in, enum bpf_use use);
