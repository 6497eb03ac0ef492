/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts from one processor to others, and calls of functions there.
 *
 * Who can send them (the local APIC, SBI, the GIC driver) registers itself; the last one registered
 * wins.  The receiver's interrupt code calls ipi_received().
 */
#pragma once

#include <kernel/lib/cpumask.h>
#include <kernel/lib/list.h>

enum ipi {
	IPI_RESCHEDULE, /* look at the run queue and the wake list */
	IPI_CALL,       /* look at the call queue */
	IPI_STOP,       /* stop for good: panic and power-off */
	IPI_BACKTRACE,  /* print where you are */
	NR_IPIS,
};

struct ipi_ops {
	const char *name;
	/* To every CPU of `mask`, this one possibly included.  Context: any, interrupts off. */
	void (*send)(const struct cpumask *mask, enum ipi ipi);
};

void ipi_register(const struct ipi_ops *ops);

/* Context: any. */
void ipi_send(const struct cpumask *mask, enum ipi ipi);
void ipi_send_cpu(unsigned cpu, enum ipi ipi);

/* Upcall of the receiver.  Context: hard interrupt, interrupts off. */
void ipi_received(enum ipi ipi);
const char *ipi_name(enum ipi ipi);
u64 ipi_count(unsigned cpu, enum ipi ipi);

/*
 * Call fn(arg) on every online CPU of `mask`, this one included, in interrupt context there.  With
 * `wait`, return when all have returned; else `arg` must outlive the calls. Context: interrupts on
 * with `wait` (else two CPUs could wait for each other); preemption may be off.
 */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait);
void smp_call_all(void (*fn)(void *arg), void *arg, bool wait);
void smp_call_cpu(unsigned cpu, void (*fn)(void *arg), void *arg, bool wait);

/* A call whose memory is the caller's: queued at most once at a time, never waits.  Context: any.
 */
struct smp_call_async {
	struct llist_node link;
	void (*fn)(void *arg);
	void *arg;
	u32 pending; /* [a] */
};
bool smp_call_queue(unsigned cpu, struct smp_call_async *call);

/* Stop all other CPUs (panic, power-off); waits a moment for them.  Context: any. */
void smp_stop_others(void);
