/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of the hard interrupt being handled on this CPU, for handlers that ask what was
 * interrupted. */
#pragma once

struct arch_trapframe;

/* NULL outside of hard interrupts.  Context: interrupts off. */
const struct arch_trapframe *trap_irq_frame(void);
