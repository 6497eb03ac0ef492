/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What these processors can do: HWCAPs, identification registers as user mode sees them,
 * /proc/cpuinfo.
 *
 * A feature is announced only when user mode can really use it here: no SVE or SME (their state is
 * not kept and CPACR_EL1 traps them), no pointer authentication (keys stay off), no MTE.  The
 * features are those of the boot processor; the machines are taken to be uniform.
 */
#include <arch/abi.h>
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <kernel/abi/auxvec.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/seq.h>
#include <kernel/smp/cpu.h>
#include <isa/sysreg.h>
#include "arm_internal.h"
#include "boot_internal.h"

struct cpu_features cpu_features;

enum idreg { ISAR0, ISAR1, ISAR2, PFR0, PFR1, MMFR0, MMFR1, MMFR2, DFR0, NR_IDREGS };

static u64 id_real[NR_IDREGS];	/* [I] */
static u64 id_user[NR_IDREGS];	/* [I] what an emulated MRS answers */

/* Announced when the field (4 bits at `shift` of `reg`) is at least `min`. */
struct hwcap {
	const char *name;
	u8 reg, shift, min;
	u8 word;	/* 0: AT_HWCAP, 1: AT_HWCAP2 */
	u8 bit;
	bool is_signed; /* field 15 means absent */
};

/* In the order of asm/hwcap.h, which is that of /proc/cpuinfo. */
static const struct hwcap hwcaps[] = {
	{ "fp", PFR0, 16, 0, 0, 0, true },
	{ "asimd", PFR0, 20, 0, 0, 1, true },
	{ "evtstrm", NR_IDREGS, 0, 0, 0, 2, false },
	{ "aes", ISAR0, 4, 1, 0, 3, false },
	{ "pmull", ISAR0, 4, 2, 0, 4, false },
	{ "sha1", ISAR0, 8, 1, 0, 5, false },
	{ "sha2", ISAR0, 12, 1, 0, 6, false },
	{ "crc32", ISAR0, 16, 1, 0, 7, false },
	{ "atomics", ISAR0, 20, 2, 0, 8, false },
	{ "fphp", PFR0, 16, 1, 0, 9, true },
	{ "asimdhp", PFR0, 20, 1, 0, 10, true },
	{ "cpuid", NR_IDREGS + 1, 0, 0, 0, 11, false },
	{ "asimdrdm", ISAR0, 28, 1, 0, 12, false },
	{ "jscvt", ISAR1, 12, 1, 0, 13, false },
	{ "fcma", ISAR1, 16, 1, 0, 14, false },
	{ "lrcpc", ISAR1, 20, 1, 0, 15, false },
	{ "dcpop", ISAR1, 0, 1, 0, 16, false },
	{ "sha3", ISAR0, 32, 1, 0, 17, false },
	{ "sm3", ISAR0, 36, 1, 0, 18, false },
	{ "sm4", ISAR0, 40, 1, 0, 19, false },
	{ "asimddp", ISAR0, 44, 1, 0, 20, false },
	{ "sha512", ISAR0, 12, 2, 0, 21, false },
	{ "asimdfhm", ISAR0, 48, 1, 0, 23, false },
	{ "dit", PFR0, 48, 1, 0, 24, false },
	{ "uscat", MMFR2, 32, 1, 0, 25, false },
	{ "ilrcpc", ISAR1, 20, 2, 0, 26, false },
	{ "flagm", ISAR0, 52, 1, 0, 27, false },
	{ "ssbs", PFR1, 4, 2, 0, 28, false },
	{ "sb", ISAR1, 36, 1, 0, 29, false },
	{ "dcpodp", ISAR1, 0, 2, 1, 0, false },
	{ "flagm2", ISAR0, 52, 2, 1, 7, false },
	{ "frint", ISAR1, 32, 1, 1, 8, false },
	{ "i8mm", ISAR1, 52, 1, 1, 13, false },
	{ "bf16", ISAR1, 44, 1, 1, 14, false },
	{ "dgh", ISAR1, 48, 1, 1, 15, false },
	{ "rng", ISAR0, 60, 1, 1, 16, false },
	{ "rpres", ISAR2, 4, 1, 1, 21, false },
};

/* Fields of the identification registers that user mode may see (Linux:
 * cpu-feature-registers.rst). */
static const u64 id_visible[NR_IDREGS] = {
	[ISAR0] = 0xf0fffffff0fffff0, /* all but TLB maintenance and TME */
	[ISAR1] = 0x0fff00ff000ff00f | 0xffull << 12 | 0xfull << 20 | 0xffffull << 32,
	[ISAR2] = 0x00000000000000f0,
	[PFR0] = 0x000f000000ff0000,
	[PFR1] = 0x00000000000000f0,
	[MMFR2] = 0x0000000f00000000,
};

static unsigned id_field(enum idreg reg, unsigned shift)
{
	return id_real[reg] >> shift & 15;
}

static bool hwcap_present(const struct hwcap *h)
{
	if (h->reg >= NR_IDREGS)
		return h->reg == NR_IDREGS + 1;

	unsigned v = id_field(h->reg, h->shift);

	return v >= h->min && !(h->is_signed && v == 15);
}

void cpu_features_init(void)
{
	id_real[ISAR0] = read_sysreg(id_aa64isar0_el1);
	id_real[ISAR1] = read_sysreg(id_aa64isar1_el1);
	id_real[ISAR2] = read_sysreg(s3_0_c0_c6_2);
	id_real[PFR0] = read_sysreg(id_aa64pfr0_el1);
	id_real[PFR1] = read_sysreg(id_aa64pfr1_el1);
	id_real[MMFR0] = read_sysreg(id_aa64mmfr0_el1);
	id_real[MMFR1] = read_sysreg(id_aa64mmfr1_el1);
	id_real[MMFR2] = read_sysreg(s3_0_c0_c7_2);
	id_real[DFR0] = read_sysreg(id_aa64dfr0_el1);
	for (unsigned i = 0; i < NR_IDREGS; i++)
		id_user[i] = id_real[i] & id_visible[i];
	/* Pointer authentication is off: its four fields. */
	id_user[ISAR1] &= ~(0xffull << 4 | 0xffull << 24);
	id_user[PFR0] |= 0x11; /* EL0 and EL1 are AArch64 only */

	for (unsigned i = 0; i < ARRAY_SIZE(hwcaps); i++)
		if (hwcap_present(&hwcaps[i]))
			*(hwcaps[i].word ? &cpu_features.hwcap2 : &cpu_features.hwcap) |=
				BIT(hwcaps[i].bit);
	cpu_features.pan = id_field(MMFR1, 20);
	crc_machine_init(id_field(ISAR0, 16));
}

struct pan_site {
	s32 insn;
	u32 close;
};

extern const struct pan_site __pan_sites_start[], __pan_sites_end[];

#define INSN_MSR_PAN(v) (0xd500409fu | (v) << 8)

/* Give user_open and user_close their instructions.  Text is written through the physmap. */
void pan_patch(void)
{
	if (!cpu_features.pan)
		return;
	for (const struct pan_site *s = __pan_sites_start; s < __pan_sites_end; s++) {
		vaddr_t va = (vaddr_t)&s->insn + s->insn;

		*(volatile u32 *)phys_to_virt(image_pa((void *)va)) = INSN_MSR_PAN(s->close);
	}
	arch_icache_sync(__text_start, (size_t)(__text_end - __text_start));
	__asm__ __volatile__("ic ialluis\n\tdsb ish\n\tisb\n\t"
			     ".arch_extension pan\n\tmsr pan, #1" : : : "memory");
}

void cpu_identify(void)
{
	struct arch_cpu *c = &arch_cpu_self()->arch;

	c->midr = read_sysreg(midr_el1);
	c->revidr = read_sysreg(revidr_el1);
	if (cpu_features.pan)
		__asm__ __volatile__(".arch_extension pan\n\tmsr pan, #1" : : : "memory");
}

/* op0 op1 CRn CRm op2 as they lie in the syndrome (ISS of EC 0x18). */
#define ISS_SYSREG(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)

bool cpu_id_register(u32 sysreg, u64 *value)
{
	struct cpu *c = arch_cpu_self();

	switch (sysreg) {
	case ISS_SYSREG(3, 0, 0, 0, 0): *value = c->arch.midr; return true;
	case ISS_SYSREG(3, 0, 0, 0, 5): *value = 1u << 31; return true; /* MPIDR_EL1 */
	case ISS_SYSREG(3, 0, 0, 0, 6): *value = c->arch.revidr; return true;
	case ISS_SYSREG(3, 0, 0, 6, 0): *value = id_user[ISAR0]; return true;
	case ISS_SYSREG(3, 0, 0, 6, 1): *value = id_user[ISAR1]; return true;
	case ISS_SYSREG(3, 0, 0, 6, 2): *value = id_user[ISAR2]; return true;
	case ISS_SYSREG(3, 0, 0, 4, 0): *value = id_user[PFR0]; return true;
	case ISS_SYSREG(3, 0, 0, 4, 1): *value = id_user[PFR1]; return true;
	case ISS_SYSREG(3, 0, 0, 7, 2): *value = id_user[MMFR2]; return true;
	}
	/* The rest of the space of identification registers reads as zero. */
	*value = 0;
	return (sysreg & ISS_SYSREG(3, 7, 15, 8, 0)) == ISS_SYSREG(3, 0, 0, 0, 0) &&
	       (sysreg >> 1 & 15) >= 4;
}

unsigned arch_auxv(struct arch_auxv *out)
{
	out[0] = (struct arch_auxv){ AT_HWCAP, cpu_features.hwcap };
	out[1] = (struct arch_auxv){ AT_HWCAP2, cpu_features.hwcap2 };
	return 2;
}

void arch_cpu_idle(void)
{
	__asm__ __volatile__("dsb sy\n\twfi" : : : "memory");
}

_Noreturn void arch_cpu_halt(void)
{
	__asm__ __volatile__("msr daifset, #0xf" : : : "memory");
	for (;;)
		__asm__ __volatile__("wfi" : : : "memory");
}

bool arch_cpu_random(u64 *out)
{
	u64 ok;

	if (!(cpu_features.hwcap2 & BIT(16)))
		return false;
	/* RNDR; it fails with Z set. */
	__asm__ __volatile__("mrs %0, s3_3_c2_c4_0\n\tcset %1, ne" : "=r"(*out), "=r"(ok) : : "cc");
	return ok;
}

void arch_cpu_describe(const struct cpu *c, struct seq *out)
{
	u64 midr = c->arch.midr, hz = arch_clock_hz();

	seq_printf(out, "processor\t: %u\n", c->id);
	seq_printf(out, "BogoMIPS\t: %llu.%02llu\n", hz / 500000, hz / 5000 % 100);
	seq_puts(out, "Features\t:");
	for (unsigned i = 0; i < ARRAY_SIZE(hwcaps); i++)
		if (hwcap_present(&hwcaps[i])) {
			seq_putc(out, ' ');
			seq_puts(out, hwcaps[i].name);
		}
	seq_printf(out, "\nCPU implementer\t: 0x%02x\n", (unsigned)(midr >> 24 & 0xff));
	seq_puts(out, "CPU architecture: 8\n");
	seq_printf(out, "CPU variant\t: 0x%x\n", (unsigned)(midr >> 20 & 0xf));
	seq_printf(out, "CPU part\t: 0x%03x\n", (unsigned)(midr >> 4 & 0xfff));
	seq_printf(out, "CPU revision\t: %u\n\n", (unsigned)(midr & 0xf));
}

/* --- boot ----------------------------------------------------------------------------------- */

void arch_init_early(void)
{
	mmu_init();
	cpu_features_init();
	pan_patch();
	cpu_identify();
	boot_console_init();
	__asm__ __volatile__("msr daifclr, #4" : : : "memory");
}
