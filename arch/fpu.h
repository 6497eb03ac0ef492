/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vector code inside the kernel.  User state is saved and restored by arch/thread.h and
 * arch/signal.h. */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

/* Between the two, vector registers may be used; preemption is off.  Context: threads and the
 * deferred context. */
void arch_fpu_kernel_begin(void);
void arch_fpu_kernel_end(void);

#endif
