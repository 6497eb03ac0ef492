/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that only RISC-V has: riscv_flush_icache and riscv_hwprobe. */
#include <arch/mmu.h>
#include <arch/timer.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/hwprobe.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/cpumask.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include <mm/usercopy.h>
#include <gen/syscalls.h>
#include "riscv_internal.h"

#define SYS_RISCV_FLUSH_ICACHE_LOCAL 1ul

/*
 * The range does not matter: fence.i knows none.  All threads of the program may be anywhere, so
 * all harts.
 */
long sys_riscv_flush_icache(unsigned long start, unsigned long end, unsigned long flags)
{
	if (flags & ~SYS_RISCV_FLUSH_ICACHE_LOCAL)
		return -EINVAL;
	arch_icache_sync((const void *)start, end - start);
	return 0;
}

static u64 hwprobe_extensions(void)
{
	static const struct {
		enum riscv_extension extension;
		u64 bit;
	} map[] = {
		{RISCV_ZBA, RISCV_HWPROBE_EXT_ZBA},
		{RISCV_ZBB, RISCV_HWPROBE_EXT_ZBB},
		{RISCV_ZBC, RISCV_HWPROBE_EXT_ZBC},
		{RISCV_ZBS, RISCV_HWPROBE_EXT_ZBS},
		{RISCV_ZBKB, RISCV_HWPROBE_EXT_ZBKB},
		{RISCV_ZBKC, RISCV_HWPROBE_EXT_ZBKC},
		{RISCV_ZBKX, RISCV_HWPROBE_EXT_ZBKX},
		{RISCV_ZFH, RISCV_HWPROBE_EXT_ZFH},
		{RISCV_ZFHMIN, RISCV_HWPROBE_EXT_ZFHMIN},
		{RISCV_ZFA, RISCV_HWPROBE_EXT_ZFA},
		{RISCV_ZICOND, RISCV_HWPROBE_EXT_ZICOND},
		{RISCV_ZACAS, RISCV_HWPROBE_EXT_ZACAS},
		{RISCV_ZAWRS, RISCV_HWPROBE_EXT_ZAWRS},
		{RISCV_ZCB, RISCV_HWPROBE_EXT_ZCB},
		{RISCV_ZKT, RISCV_HWPROBE_EXT_ZKT},
		{RISCV_ZIHINTPAUSE, RISCV_HWPROBE_EXT_ZIHINTPAUSE},
	};
	u64 v = 0;

	if (riscv_features.letters & BIT('f' - 'a') && riscv_features.letters & BIT('d' - 'a'))
		v |= RISCV_HWPROBE_IMA_FD;
	if (riscv_features.letters & BIT('c' - 'a'))
		v |= RISCV_HWPROBE_IMA_C;
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (riscv_has(map[i].extension))
			v |= map[i].bit;
	return v;
}

static void hwprobe_one(struct riscv_hwprobe *pair)
{
	switch (pair->key) {
	case RISCV_HWPROBE_KEY_MVENDORID: pair->value = sbi_machine_id(0); break;
	case RISCV_HWPROBE_KEY_MARCHID: pair->value = sbi_machine_id(1); break;
	case RISCV_HWPROBE_KEY_MIMPID: pair->value = sbi_machine_id(2); break;
	case RISCV_HWPROBE_KEY_BASE_BEHAVIOR:
		pair->value = RISCV_HWPROBE_BASE_BEHAVIOR_IMA;
		break;
	case RISCV_HWPROBE_KEY_IMA_EXT_0: pair->value = hwprobe_extensions(); break;
	case RISCV_HWPROBE_KEY_CPUPERF_0: pair->value = RISCV_HWPROBE_MISALIGNED_UNKNOWN; break;
	case RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE: pair->value = 0; break;
	case RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS: pair->value = USER_TOP - 1; break;
	case RISCV_HWPROBE_KEY_TIME_CSR_FREQ: pair->value = arch_clock_hz(); break;
	case RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF:
		pair->value = RISCV_HWPROBE_MISALIGNED_SCALAR_UNKNOWN;
		break;
	default:
		pair->key = -1;
		pair->value = 0;
	}
}

/* Does the machine have what `pair` asks for?  Bit masks must be contained, other values equal. */
static bool hwprobe_matches(const struct riscv_hwprobe *pair)
{
	struct riscv_hwprobe have = { .key = pair->key };

	hwprobe_one(&have);
	if (have.key < 0)
		return false;
	if (have.key == RISCV_HWPROBE_KEY_BASE_BEHAVIOR || have.key == RISCV_HWPROBE_KEY_IMA_EXT_0)
		return (have.value & pair->value) == pair->value;
	return have.value == pair->value;
}

static int hwprobe_cpus_get(struct cpumask *cpus, size_t size, const void __user *from)
{
	cpumask_zero(cpus);
	if (!size && !from) {
		cpumask_copy(cpus, &cpu_online_mask);
		return 0;
	}
	return copy_from_user(cpus, from, min(size, sizeof(*cpus)));
}

/*
 * All harts are described alike, so the set of those that match is all of the set asked about, or
 * none.
 */
static long hwprobe_which(struct riscv_hwprobe __user *pairs, size_t count, size_t size,
			  void __user *ucpus)
{
	struct cpumask cpus;
	bool all = true;

	if (!size || !ucpus)
		return -EINVAL;
	if (hwprobe_cpus_get(&cpus, size, ucpus))
		return -EFAULT;
	if (cpumask_empty(&cpus))
		cpumask_copy(&cpus, &cpu_online_mask);
	else
		cpumask_and(&cpus, &cpus, &cpu_online_mask);
	for (size_t i = 0; i < count; i++) {
		struct riscv_hwprobe pair;

		if (copy_from_user(&pair, &pairs[i], sizeof(pair)))
			return -EFAULT;
		if (!hwprobe_matches(&pair))
			all = false;
		hwprobe_one(&pair);
		if (pair.key < 0 && copy_to_user(&pairs[i], &pair, sizeof(pair)))
			return -EFAULT;
	}
	if (!all)
		cpumask_zero(&cpus);
	return copy_to_user(ucpus, &cpus, min(size, sizeof(cpus)));
}

/* Documentation/arch/riscv/hwprobe.rst */
long sys_riscv_hwprobe(struct riscv_hwprobe __user *pairs, size_t pair_count, size_t cpusetsize,
		       ulong_t __user *cpus, unsigned int flags)
{
	struct cpumask asked;

	if (flags & RISCV_HWPROBE_WHICH_CPUS)
		return flags != RISCV_HWPROBE_WHICH_CPUS ?
			       -EINVAL :
			       hwprobe_which(pairs, pair_count, cpusetsize, cpus);
	if (flags)
		return -EINVAL;
	if (hwprobe_cpus_get(&asked, cpusetsize, cpus))
		return -EFAULT;
	cpumask_and(&asked, &asked, &cpu_online_mask);
	if (cpumask_empty(&asked))
		return -EINVAL;
	for (size_t i = 0; i < pair_count; i++) {
		struct riscv_hwprobe pair;

		if (copy_from_user(&pair, &pairs[i], sizeof(pair)))
			return -EFAULT;
		hwprobe_one(&pair);
		if (copy_to_user(&pairs[i], &pair, sizeof(pair)))
			return -EFAULT;
	}
	return 0;
}
