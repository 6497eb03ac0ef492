/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of devices.
 *
 * A domain is one controller's number space; its driver registers it with the firmware node it
 * answers for.  An interrupt in use has a number of the kernel's own (irq, from 1) and a descriptor
 * that knows its domain, the number there (hwirq), its chip and its handlers.  Controllers may be
 * stacked: the inner one requests its parent line and calls irq_dispatch() for its own.
 *
 * Numbers and descriptors live from irq_map() on; handlers come and go by irq_request() and
 * irq_free().
 */
#pragma once

#include <kernel/lib/cpumask.h>
#include <kernel/lib/list.h>
#include <kernel/sync/spinlock.h>

struct arch_trapframe;
struct irq_desc;
struct irq_domain;
struct thread;

#define NR_IRQS 1024 /* irq numbers are below this */

enum irq_trigger {
	IRQ_TRIGGER_DEFAULT = 0,
	IRQ_TRIGGER_RISING = 1, /* numbers as in device trees */
	IRQ_TRIGGER_FALLING = 2,
	IRQ_TRIGGER_HIGH = 4,
	IRQ_TRIGGER_LOW = 8,
	IRQ_TRIGGER_EDGE = 3,
	IRQ_TRIGGER_LEVEL = 12,
};

/*
 * op          locks held     may sleep  may be NULL   called
 * mask        desc.lock      no         no
 * unmask      desc.lock      no         no
 * ack         desc.lock      no         yes           at entry of an edge interrupt
 * eoi         desc.lock      no         yes           after the handlers
 * set_type    desc.lock      no         yes           before unmask; returns 0 or -EINVAL
 * set_affinity desc.lock     no         yes           returns 0 or -EINVAL
 * retrigger   desc.lock      no         yes           make it fire again by software
 * msi_message desc.lock      no         yes           address and data a device must write
 */
struct irq_chip {
	const char *name;
	void (*mask)(struct irq_desc *d);
	void (*unmask)(struct irq_desc *d);
	void (*ack)(struct irq_desc *d);
	void (*eoi)(struct irq_desc *d);
	int (*set_type)(struct irq_desc *d, unsigned trigger);
	int (*set_affinity)(struct irq_desc *d, const struct cpumask *mask);
	void (*retrigger)(struct irq_desc *d);
	int (*msi_message)(struct irq_desc *d, u64 *address, u32 *data);
};

enum irq_result {
	IRQ_NONE, /* not ours */
	IRQ_HANDLED,
	IRQ_WAKE_THREAD, /* run the thread function too */
};

typedef enum irq_result (*irq_handler_t)(unsigned irq, void *arg);

enum irq_flags {
	IRQ_SHARED = 1u << 0,        /* others may request the same line */
	IRQ_ONESHOT = 1u << 1,       /* stays masked until the thread function returned */
	IRQ_NO_AUTOENABLE = 1u << 2, /* masked until irq_enable() */
};

struct irq_action {
	irq_handler_t fn;        /* [I] NULL: only the thread */
	irq_handler_t thread_fn; /* [I] */
	void *arg;               /* [I] */
	const char *name;        /* [I] */
	unsigned flags;          /* [I] */
	struct thread *thread;   /* [I] */
	struct irq_desc *desc;   /* [I] */
	u32 wanted;              /* [a] thread runs requested */
	struct irq_action *next; /* [d] */
};                               /* d: desc.lock */

struct irq_desc {
	unsigned irq;                /* [I] */
	u64 hwirq;                   /* [I] */
	struct irq_domain *domain;   /* [I] */
	const struct irq_chip *chip; /* [I] */
	void *chip_data;             /* [I] the controller's */
	struct spinlock lock;        /* RANK_IRQ_DESC */
	u32 disabled;                /* [d] depth; masked when not 0 */
	u32 state;                   /* [d] IRQD_* in irq.c */
	unsigned trigger;            /* [d] enum irq_trigger */
	bool percpu;                 /* [I] every CPU has its own line: no lock, no masking */
	struct irq_action *actions;  /* [d] */
	struct cpumask affinity;     /* [d] */
	u32 unhandled;               /* [d] interrupts nobody wanted, in a row */
	u32 oneshot_busy;            /* [d] thread functions still to finish before unmasking */
	u64 *counts;                 /* [a] one per CPU */
};                                   /* d: lock */

/* Interrupt specifiers of the firmware: device-tree cells, or {global interrupt, trigger} from
 * ACPI. */
struct irq_spec {
	u32 cells[4];
	unsigned nr;
};

struct irq_domain_ops {
	/* Decode `spec`.  Returns 0 or -EINVAL. */
	int (*translate)(struct irq_domain *dom, const struct irq_spec *spec, u64 *hwirq,
			 unsigned *trigger);
	/* Fill chip, chip_data and percpu of a new descriptor; also of one whose message was freed
	 * and allocated again.  Returns 0 or a negative errno. */
	int (*map)(struct irq_domain *dom, struct irq_desc *d);
	/* Allocate `n` consecutive vectors for messages, and free them; NULL when not an MSI
	 * domain. */
	int (*msi_alloc)(struct irq_domain *dom, unsigned n, u64 *hwirq, u32 device_id);
	void (*msi_free)(struct irq_domain *dom, u64 hwirq, unsigned n);
};

struct irq_domain {
	const char *name;                 /* [I] */
	const struct irq_domain_ops *ops; /* [I] */
	int fdt_node;                     /* [I] node of the system device tree, or negative */
	u64 hwirq_base, nr_hwirqs; /* [I] what it answers for where specifiers are global (ACPI) */
	void *private;             /* [I] */
	struct list link;          /* [t] RANK_IRQ_TABLE */
};

int __must_check irq_domain_register(struct irq_domain *dom);
struct irq_domain *irq_domain_find_fdt(int node);
/* The domain, if any, that allocates messages for devices behind `node` (FDT) or for all
 * (negative). */
struct irq_domain *irq_domain_find_msi(int node);

/*
 * The irq of `hwirq`, making a descriptor at first use.  Returns 0 when that fails.
 * Context: may sleep.
 */
unsigned irq_map(struct irq_domain *dom, u64 hwirq);
unsigned irq_map_trigger(struct irq_domain *dom, u64 hwirq, unsigned trigger);
/* The irq of `hwirq` if it has one, else 0.  Context: any. */
unsigned irq_find(struct irq_domain *dom, u64 hwirq);
struct irq_desc *irq_desc_get(unsigned irq);

/*
 * The index-th interrupt of a device-tree node, from "interrupts" or "interrupts-extended".  A bus
 * that rewrites them (interrupt-map) looks its map up itself and asks for the result by _spec.
 * Returns 0, -ENOENT (no such interrupt), -EPROBE_DEFER (no such controller yet), -EINVAL, -ENOMEM.
 */
int __must_check irq_from_fdt(int node, unsigned index, unsigned *irq);
int __must_check irq_from_fdt_spec(int controller, const struct irq_spec *spec, unsigned *irq);
/* A global system interrupt of ACPI. */
int __must_check irq_from_gsi(u32 gsi, unsigned trigger, unsigned *irq);

/* `n` message interrupts of a device; irqs[] is filled.  Returns 0, -ENOSPC, -ENODEV. */
int __must_check irq_msi_alloc(struct irq_domain *dom, unsigned n, u32 device_id, unsigned *irqs);
void irq_msi_free(unsigned *irqs, unsigned n);
int __must_check irq_msi_message(unsigned irq, u64 *address, u32 *data);

/*
 * Have fn(irq, arg) called in hard interrupt context; the line is unmasked unless
 * IRQ_NO_AUTOENABLE. Returns 0, -EINVAL, -EBUSY (line not shared), -ENOMEM.  Context: may sleep.
 */
int __must_check irq_request(unsigned irq, irq_handler_t fn, void *arg, unsigned flags,
			     const char *name);
/* The same with thread_fn run in a kernel thread when fn says so (fn NULL: always, IRQ_ONESHOT
 * implied). */
int __must_check irq_request_threaded(unsigned irq, irq_handler_t fn, irq_handler_t thread_fn,
				      void *arg, unsigned flags, const char *name);
/* Returns after the last handler has.  Context: may sleep. */
void irq_free(unsigned irq, void *arg);

/* An interrupt every CPU has its own of (timers, IPIs): fn runs on the CPU concerned. */
int __must_check irq_request_percpu(unsigned irq, irq_handler_t fn, void *arg, const char *name);
void irq_enable_percpu(unsigned irq); /* this CPU's */
void irq_disable_percpu(unsigned irq);

/* Nested.  irq_disable returns when no handler runs any more; _nosync may be called from the
 * handler. */
void irq_enable(unsigned irq);
void irq_disable(unsigned irq);
void irq_disable_nosync(unsigned irq);
void irq_synchronize(unsigned irq);
int __must_check irq_set_affinity(unsigned irq, const struct cpumask *mask);

/* The root controller's answer to an interrupt of the CPU; called by trap_irq with the hwirq it was
 * given. */
void irq_set_root(void (*handle)(struct arch_trapframe *tf, unsigned hwirq));
void irq_handle_root(struct arch_trapframe *tf, unsigned hwirq);

/* Chips: run the handlers of `irq`.  Context: hard interrupt. */
void irq_dispatch(unsigned irq);

/* Entry and exit accounting of one hard interrupt; trap_irq brackets the handler with them.
 * Interrupts off. */
void irq_enter(void);
void irq_exit(void);

/* All hard interrupts handled by `cpu`. */
u64 irq_count_cpu(unsigned cpu);

/* Text of /proc/interrupts. */
struct seq;
void irq_show(struct seq *out);
