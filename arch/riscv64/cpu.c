/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kind of processor this is: the device tree's ISA string, read once for all harts.
 *
 * User programs may use what every hart has, so the features are the intersection.  The vector
 * extension is left out everywhere: its state is not saved at switches.
 */
#include <arch/abi.h>
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/types.h>
#include <kernel/abi/auxvec.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include "riscv_internal.h"

#define LETTER(c) BIT((c) - 'a')

struct riscv_features riscv_features;

static const char *const known[] = {
	[RISCV_SSTC] = "sstc",	 [RISCV_SVPBMT] = "svpbmt", [RISCV_SVADU] = "svadu",
	[RISCV_ZBA] = "zba",	 [RISCV_ZBB] = "zbb",	    [RISCV_ZBC] = "zbc",
	[RISCV_ZBS] = "zbs",	 [RISCV_ZIHINTPAUSE] = "zihintpause",
	[RISCV_ZBKB] = "zbkb",	 [RISCV_ZBKC] = "zbkc",	    [RISCV_ZBKX] = "zbkx",
	[RISCV_ZFH] = "zfh",	 [RISCV_ZFHMIN] = "zfhmin", [RISCV_ZFA] = "zfa",
	[RISCV_ZICOND] = "zicond", [RISCV_ZACAS] = "zacas", [RISCV_ZAWRS] = "zawrs",
	[RISCV_ZCB] = "zcb",	 [RISCV_ZKT] = "zkt",
};

static void feature_add(u64 *set, const char *name, size_t len)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i]) == len && strncmp(known[i], name, len) == 0)
			*set |= BIT(i);
}

/* "rv64imafdc_zicsr_sstc": single letters, then names after underscores. */
static void parse_isa(const char *isa, u64 *letters, u64 *set)
{
	const char *p = isa + 4;

	*letters = *set = 0;
	if (strncmp(isa, "rv64", 4) != 0)
		return;
	for (; *p && *p != '_'; p++)
		if (islower(*p))
			*letters |= LETTER(*p);
	if (*letters & LETTER('g'))
		*letters |= LETTER('i') | LETTER('m') | LETTER('a') | LETTER('f') | LETTER('d');
	while (*p == '_') {
		const char *name = ++p;

		while (*p && *p != '_')
			p++;
		feature_add(set, name, (size_t)(p - name));
	}
}

/* riscv,isa-extensions, the newer form: one string per extension. */
static void parse_isa_list(const struct fdt *fdt, int node, u64 *letters, u64 *set)
{
	const char *name;

	*letters = *set = 0;
	for (unsigned i = 0; (name = fdt_string_nth(fdt, node, "riscv,isa-extensions", i)); i++) {
		size_t len = strlen(name);

		if (len == 1 && islower(*name))
			*letters |= LETTER(*name);
		else
			feature_add(set, name, len);
	}
}

static bool cpu_node(const struct fdt *fdt, int node, u64 *hart)
{
	const char *type = fdt_string(fdt, node, "device_type");
	u64 none;

	return type && strcmp(type, "cpu") == 0 && fdt_enabled(fdt, node) &&
	       fdt_reg_raw(fdt, node, 0, hart, &none);
}

void riscv_features_init(void)
{
	const struct fdt *fdt = fdt_system();
	int node, cpus = fdt ? fdt_find_path(fdt, "/cpus") : FDT_NONE;
	u64 hart, letters, set;

	riscv_features.letters = ~0ull;
	riscv_features.set = ~0ull;
	if (cpus < 0)
		return;
	riscv_features.hz = fdt_u32(fdt, cpus, "timebase-frequency", 0);
	fdt_for_each_child (node, fdt, cpus) {
		const char *isa = fdt_string(fdt, node, "riscv,isa");

		if (!cpu_node(fdt, node, &hart))
			continue;
		if (!riscv_features.hz)
			riscv_features.hz = fdt_u32(fdt, node, "timebase-frequency", 0);
		if (isa)
			parse_isa(isa, &letters, &set);
		else
			parse_isa_list(fdt, node, &letters, &set);
		riscv_features.letters &= letters;
		riscv_features.set &= set;
	}
}

static u64 user_letters(void)
{
	u64 all = LETTER('i') | LETTER('m') | LETTER('a') | LETTER('f') | LETTER('d') | LETTER('c');

	return riscv_features.letters & all;
}

unsigned arch_auxv(struct arch_auxv *out)
{
	out[0] = (struct arch_auxv){ AT_HWCAP, user_letters() };
	return 1;
}

unsigned arch_smp_enumerate(void (*found)(u64 hwid, void *ctx), void *ctx)
{
	const struct fdt *fdt = fdt_system();
	int node, cpus = fdt ? fdt_find_path(fdt, "/cpus") : FDT_NONE;
	unsigned n = 1;
	u64 hart;

	found(riscv_boot_hart, ctx);
	if (cpus < 0)
		return n;
	fdt_for_each_child (node, fdt, cpus)
		if (cpu_node(fdt, node, &hart) && hart != riscv_boot_hart) {
			found(hart, ctx);
			n++;
		}
	return n;
}

void arch_cpu_idle(void)
{
	__asm__ __volatile__("wfi" : : : "memory");
}

_Noreturn void arch_cpu_halt(void)
{
	arch_irq_disable();
	csr_write(sie, 0);
	for (;;)
		arch_cpu_idle();
}

bool arch_cpu_random(u64 *out)
{
	return false;
}

static void describe_isa(struct seq *out)
{
	static const char order[] = "imafdqcbkjtpvnh";
	u64 letters = user_letters() | (riscv_features.letters & LETTER('h'));
	const char *comma = "_";

	seq_puts(out, "rv64");
	for (const char *c = order; *c; c++)
		if (letters & LETTER(*c))
			seq_putc(out, *c);
	seq_puts(out, "_zicntr_zicsr_zifencei");
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (riscv_features.set & BIT(i))
			seq_printf(out, "%s%s", comma, known[i]);
	seq_putc(out, '\n');
}

void arch_cpu_describe(const struct cpu *c, struct seq *out)
{
	seq_printf(out, "processor\t: %u\nhart\t\t: %llu\nisa\t\t: ", c->id, c->hwid);
	describe_isa(out);
	seq_printf(out, "mmu\t\t: sv%u\n", arch_pt_levels() * PT_INDEX_BITS + PAGE_SHIFT);
	seq_printf(out, "mvendorid\t: 0x%llx\nmarchid\t\t: 0x%llx\nmimpid\t\t: 0x%llx\n",
		   sbi_machine_id(0), sbi_machine_id(1), sbi_machine_id(2));
	seq_puts(out, "hart isa\t: ");
	describe_isa(out);
	seq_putc(out, '\n');
}
