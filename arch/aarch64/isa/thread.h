/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine half of a thread.  The canary comes first: compiled code reads it through sp_el0.
 */
#pragma once

#include <isa/fpu.h>

/* Registers a function call preserves; switch.S knows the order. */
struct arch_context {
	u64 x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
	u64 fp, sp, pc;
};

struct arch_thread {
	u64 canary;		/* [I] */
	vaddr_t stack;		/* [I] lowest address of the kernel stack */
	vaddr_t stack_top;	/* [I] the user frame ends here */
	struct arch_context ctx; /* [rq] while not running */
	u64 tls;		/* [P] tpidr_el0 while not running */
	u64 fault_address;	/* [P] of the last user fault, for the signal frame */
	u64 fault_code;		/* [P] ESR_EL1 of that fault, 0 if none */
	bool user;		/* [P] has vector state */
	bool step;		/* [P] single-stepped by a tracer */
	unsigned fpu_cpu;	/* [P] processor that last held the vector state, ~0 = none */
	struct arch_fpu fpu;	/* [P] vector state while not in registers */
};
