/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of processors, and how each comes up.
 *
 * The boot processor is there from the first instruction.  The others are found once the heap
 * works, and get their struct cpu, per-CPU area, run queue and idle thread before they are started,
 * one after the other.  A processor that does not arrive stays possible and offline.
 */
#define LOG_PREFIX "smp: "

#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <arch/types.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include <kernel/sched/sched.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/rcu.h>
#include <kernel/time/timer.h>
#include <mm/alloc.h>

struct cpu boot_cpu;
unsigned nr_cpus = 1;
struct cpumask cpu_possible_mask = {{1}};
struct cpumask cpu_online_mask = {{1}};
struct cpu *cpu_table[CONFIG_NR_CPUS] = {&boot_cpu};

void cpu_init_boot(void)
{
	boot_cpu.online = 1;
}

struct enumeration {
	unsigned seen, max;
};

static struct cpu *cpu_create(unsigned id, u64 hwid)
{
	size_t area = (size_t)(__percpu_end - __percpu_start);
	struct cpu *c = kzalloc(sizeof(*c), GFP_KERNEL);
	void *memory = kzalloc(max(area, (size_t)PAGE_SIZE), GFP_KERNEL);

	if (!c || !memory)
		goto fail;
	c->id = id;
	c->hwid = hwid;
	c->percpu_base = (uintptr_t)memory - (uintptr_t)__percpu_start;
	cpu_table[id] = c;
	if (!sched_init_possible(c))
		return c;
	cpu_table[id] = NULL;
fail:
	kfree(memory);
	kfree(c);
	return NULL;
}

static void cpu_found(u64 hwid, void *ctx)
{
	struct enumeration *e = ctx;

	if (!e->seen++) {
		boot_cpu.hwid = hwid;
		return;
	}
	if (nr_cpus >= e->max)
		return;
	if (!cpu_create(nr_cpus, hwid)) {
		log_err("no memory for CPU %u\n", nr_cpus);
		return;
	}
	cpumask_set(&cpu_possible_mask, nr_cpus);
	nr_cpus++;
}

void cpu_init_all(unsigned max_cpus)
{
	struct enumeration e = {.max = clamp(max_cpus, 1u, (unsigned)CONFIG_NR_CPUS)};

	arch_smp_enumerate(cpu_found, &e);
}

/* Wait for `c` to come online; half a second of its silence is enough. */
static bool cpu_arrived(struct cpu *c)
{
	u64 end = clock_deadline(2 * NSEC_PER_SEC);

	while (!atomic_load_acquire(&c->online)) {
		if (clock_mono_ns() > end)
			return false;
		sleep_ns(NSEC_PER_MSEC / 4);
	}
	return true;
}

void smp_start_all(void)
{
	for (unsigned id = 1; id < nr_cpus; id++) {
		struct cpu *c = cpu_table[id];
		int err = arch_smp_start(c);

		if (err)
			log_err("CPU %u does not start: %d\n", id, err);
		else if (!cpu_arrived(c))
			log_err("CPU %u does not answer\n", id);
	}
	log_info("%u processors\n", num_online_cpus());
}

void smp_secondary_main(void)
{
	struct cpu *c = arch_cpu_self();

	sched_init_cpu();
	rcu_init_cpu();
	arch_init_cpu();
	arch_timer_init_cpu();
	timer_init_cpu();
	cpumask_set(&cpu_online_mask, c->id);
	atomic_store_release(&c->online, 1u);
	sched_idle();
}
