/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The XSAVE area, standard format (Intel SDM volume 1, chapter 13). */
#pragma once

#include <kernel/lib/compiler.h>

struct xstate_legacy {
	u16 cwd, swd, twd, fop;
	u64 rip, rdp;
	u32 mxcsr, mxcsr_mask;
	u32 st_space[32], xmm_space[64];
	u8 reserved[48];
	u8 software[48]; /* ours: signal frames keep struct _fpx_sw_bytes here */
};

static_assert(sizeof(struct xstate_legacy) == 512, "FXSAVE area");

struct xstate_header {
	u64 xstate_bv, xcomp_bv;
	u64 reserved[6];
};

struct xstate {
	struct xstate_legacy legacy;
	struct xstate_header header;
	u8 extended[];
} __aligned(64);

void x86_fpu_init_late(void);
struct xstate *x86_xstate_alloc(void);
/* Write out the components that the processor left out because they are in their initial state. */
void x86_xstate_complete(struct xstate *x);
/* The thread, stopped or current, begins afresh. */
struct thread;
void x86_fpu_reset(struct thread *t);
