/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor: what it can do, its descriptor tables and control registers, and /proc/cpuinfo.
 *
 * Features are read once, on the boot CPU.  What is switched on: NX and write protection always,
 * SMEP, SMAP, UMIP, FSGSBASE and global pages where they exist.
 */
#include <arch/cpu.h>
#include <arch/timer.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include <mm/page.h>
#include "msr.h"
#include "x86_internal.h"

u32 x86_features[X86_FEATURE_WORDS];

/* Flags that SYSCALL clears: trap, interrupt, direction, I/O privilege, nested task, resume,
 * alignment check. */
#define SYSCALL_FLAGS_CLEARED 0x57700

/* PAT entries 0 to 3, and again 4 to 7: write-back, write-combining, UC-, uncached (isa/mmu.h). */
#define PAT_VALUE 0x0007010600070106ull

/* --- features --- */

static void read_features(void)
{
	u32 max = cpuid(0, 0).eax, max_ext = cpuid(0x80000000, 0).eax;
	struct cpuid_regs r = cpuid(1, 0);

	x86_features[X86_1_EDX] = r.edx;
	x86_features[X86_1_ECX] = r.ecx;
	if (max >= 6)
		x86_features[X86_6_EAX] = cpuid(6, 0).eax;
	if (max >= 7) {
		r = cpuid(7, 0);
		x86_features[X86_7_EBX] = r.ebx;
		x86_features[X86_7_ECX] = r.ecx;
		x86_features[X86_7_EDX] = r.edx;
		if (r.eax >= 1)
			x86_features[X86_7_1_EAX] = cpuid(7, 1).eax;
	}
	if (max >= 0xd && x86_has(X86_XSAVE))
		x86_features[X86_D_1_EAX] = cpuid(0xd, 1).eax;
	if (max_ext >= 0x80000001) {
		r = cpuid(0x80000001, 0);
		x86_features[X86_81_EDX] = r.edx;
		x86_features[X86_81_ECX] = r.ecx;
	}
	if (max_ext >= 0x80000007)
		x86_features[X86_87_EDX] = cpuid(0x80000007, 0).edx;
	if (max_ext >= 0x80000008)
		x86_features[X86_88_EBX] = cpuid(0x80000008, 0).ebx;
	if (max_ext >= 0x8000000a)
		x86_features[X86_8A_EDX] = cpuid(0x8000000a, 0).edx;
}

extern const s32 __stac_sites_start[], __stac_sites_end[];
extern const s32 __clac_sites_start[], __clac_sites_end[];

/* Each site is a three-byte nop, named by its distance from the table's word. */
static void patch_sites(const s32 *from, const s32 *to, u8 last_byte)
{
	for (const s32 *s = from; s < to; s++) {
		u8 *insn = (u8 *)s + *s;

		insn[0] = 0x0f;
		insn[1] = 0x01;
		insn[2] = last_byte;
	}
}

/* The text is still writable: mm makes the final map later. */
static void patch_smap(void)
{
	if (!x86_has(X86_SMAP))
		return;
	patch_sites(__stac_sites_start, __stac_sites_end, 0xcb);
	patch_sites(__clac_sites_start, __clac_sites_end, 0xca);
}

void x86_cpu_detect(void)
{
	read_features();
	crc_machine_init();
	patch_smap();
	x86_has_1g_pages = x86_has(X86_PAGES_1G);
}

/* --- tables --- */

struct descriptor_register {
	u16 limit;
	u64 base;
} __packed;

static u8 boot_ist[IST_COUNT][IST_SIZE] __aligned(IST_SIZE);

/* The owner stands in the last word of the stack, where trap_entry.S looks for it. */
static void set_ist(struct cpu *c, unsigned n, void *stack)
{
	struct cpu **top = (struct cpu **)((u8 *)stack + IST_SIZE);

	top[-1] = c;
	c->arch.tss.ist[n - 1] = (u64)(top - 2);
}

int x86_cpu_stacks(struct cpu *c)
{
	/* A block of the buddy is aligned to its size. */
	struct page *block = pages_alloc(GFP_KERNEL, ilog2(IST_COUNT * IST_SIZE / PAGE_SIZE));

	if (!block)
		return -ENOMEM;
	for (unsigned n = 1; n <= IST_COUNT; n++)
		set_ist(c, n, (u8 *)page_address(block) + (n - 1) * IST_SIZE);
	return 0;
}

static void build_gdt(struct cpu *c)
{
	u64 *gdt = c->arch.gdt, tss = (u64)&c->arch.tss;

	memset(gdt, 0, sizeof(c->arch.gdt));
	gdt[GDT_KERNEL_CS] = GDT_CODE64;
	gdt[GDT_KERNEL_DS] = GDT_DATA;
	gdt[GDT_USER_DS] = GDT_DATA | GDT_DPL3;
	gdt[GDT_USER_CS] = GDT_CODE64 | GDT_DPL3;
	/* Available 64-bit TSS: limit 0-15, base 16-39, type 40-47, base 56-95. */
	gdt[GDT_TSS] = (sizeof(struct x86_tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
		       (tss >> 24 & 0xff) << 56;
	gdt[GDT_TSS + 1] = tss >> 32;
	/* A data segment whose limit is the CPU's number. */
	gdt[GDT_CPU] = (c->id & 0xffff) | 0x0040f50000000000;
	c->arch.tss.iomap_base = sizeof(struct x86_tss);
}

static void load_gdt(struct cpu *c)
{
	struct descriptor_register r = { sizeof(c->arch.gdt) - 1, (u64)c->arch.gdt };

	__asm__ __volatile__("lgdt %0\n\t"
			     "pushq %1\n\t"
			     "leaq 1f(%%rip), %%rax\n\t"
			     "pushq %%rax\n\t"
			     "lretq\n"
			     "1:\tmovl %2, %%ss\n\t"
			     "ltr %w3"
			     ::"m"(r), "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(TSS_SEL)
			     : "rax", "memory");
}

static void load_control(void)
{
	u64 cr4 = read_cr4() | CR4_PAE | CR4_MCE;

	if (x86_has(X86_PGE))
		cr4 |= CR4_PGE;
	if (x86_has(X86_FSGSBASE))
		cr4 |= CR4_FSGSBASE;
	if (x86_has(X86_SMEP))
		cr4 |= CR4_SMEP;
	if (x86_has(X86_SMAP))
		cr4 |= CR4_SMAP;
	if (x86_has(X86_UMIP))
		cr4 |= CR4_UMIP;
	write_cr4(cr4);
	write_cr0(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
	if (x86_has(X86_PAT))
		wrmsr(MSR_PAT, PAT_VALUE);
}

static void load_syscall(struct cpu *c)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	wrmsr(MSR_STAR, (u64)USER_CS32 << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)x86_syscall_entry);
	wrmsr(MSR_CSTAR, (u64)x86_syscall32_entry);
	wrmsr(MSR_SFMASK, SYSCALL_FLAGS_CLEARED);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	if (x86_has(X86_RDTSCP))
		wrmsr(MSR_TSC_AUX, c->id);
}

/* --- what /proc/cpuinfo wants to know --- */

static void read_names(struct arch_cpu *a)
{
	struct cpuid_regs r = cpuid(0, 0);
	u32 *brand = (u32 *)a->brand;

	a->max_leaf = r.eax;
	memcpy(a->vendor, &r.ebx, 4);
	memcpy(a->vendor + 4, &r.edx, 4);
	memcpy(a->vendor + 8, &r.ecx, 4);
	if (cpuid(0x80000000, 0).eax < 0x80000004) {
		strscpy(a->brand, "unknown", sizeof(a->brand));
		return;
	}
	for (u32 i = 0; i < 3; i++) {
		r = cpuid(0x80000002 + i, 0);
		*brand++ = r.eax;
		*brand++ = r.ebx;
		*brand++ = r.ecx;
		*brand++ = r.edx;
	}
}

/* Intel SDM volume 2, CPUID leaf 1: extended family and model count only for some base families. */
static void read_version(struct arch_cpu *a)
{
	struct cpuid_regs r = cpuid(1, 0);

	a->stepping = r.eax & 15;
	a->model = r.eax >> 4 & 15;
	a->family = r.eax >> 8 & 15;
	if (a->family == 15)
		a->family += r.eax >> 20 & 0xff;
	if (a->family >= 6)
		a->model += (r.eax >> 16 & 15) << 4;
	a->clflush_size = (r.ebx >> 8 & 0xff) * 8;
	a->apic_id = r.ebx >> 24;
	a->siblings = (r.edx & BIT(28)) ? max(r.ebx >> 16 & 0xff, 1u) : 1;
}

static void read_topology(struct arch_cpu *a)
{
	u32 thread_bits = 0, core_bits = 0;

	if (a->max_leaf >= 0xb && cpuid(0xb, 0).ebx) {
		struct cpuid_regs smt = cpuid(0xb, 0), core = cpuid(0xb, 1);

		thread_bits = smt.eax & 31;
		core_bits = core.eax & 31;
		a->siblings = core.ebx & 0xffff;
		a->cores = a->siblings / max(smt.ebx & 0xffff, 1u);
		a->apic_id = smt.edx;
	} else {
		core_bits = fls64(a->siblings - 1);
		a->cores = a->siblings;
	}
	a->package = a->apic_id >> core_bits;
	a->core = (a->apic_id & ((1u << core_bits) - 1)) >> thread_bits;
}

static void read_identity(struct arch_cpu *a)
{
	u32 max_ext = cpuid(0x80000000, 0).eax;

	read_names(a);
	read_version(a);
	read_topology(a);
	a->phys_bits = 36;
	a->virt_bits = 48;
	if (max_ext >= 0x80000008) {
		struct cpuid_regs r = cpuid(0x80000008, 0);

		a->phys_bits = r.eax & 0xff;
		a->virt_bits = r.eax >> 8 & 0xff;
	}
	if (max_ext >= 0x80000006)
		a->cache_kib = cpuid(0x80000006, 0).ecx >> 16;
}

void x86_cpu_load(struct cpu *c)
{
	if (c == &boot_cpu) {
		for (unsigned n = 1; n <= IST_COUNT; n++)
			set_ist(c, n, boot_ist[n - 1]);
		c->arch.tss.rsp[0] = c->arch.kernel_sp;
	}
	build_gdt(c);
	load_gdt(c);
	x86_idt_load();
	load_control();
	load_syscall(c);
	read_identity(&c->arch);
}

/* Names as Linux prints them, by word and bit; an empty name is not printed. */
static const char *const feature_names[X86_FEATURE_WORDS][32] =
	{
		[X86_1_EDX] = {"fpu",     "vme",        "de",   "pse",  "tsc",        "msr",
			       "pae",     "mce",        "cx8",  "apic", [11] = "sep", "mtrr",
			       "pge",     "mca",        "cmov", "pat",  "pse36",      "pn",
			       "clflush", [21] = "dts", "acpi", "mmx",  "fxsr",       "sse",
			       "sse2",    "ss",         "ht",   "tm",   "ia64",       "pbe"},
		[X86_81_EDX] = {[11] = "syscall",
				[19] = "mp",
				"nx",
				[22] = "mmxext",
				[25] = "fxsr_opt",
				"pdpe1gb",
				"rdtscp",
				[29] = "lm",
				"3dnowext",
				"3dnow"},
		[X86_1_ECX] = {"pni",         "pclmulqdq", "dtes64",     "monitor",
			       "ds_cpl",      "vmx",       "smx",        "est",
			       "tm2",         "ssse3",     "cid",        "sdbg",
			       "fma",         "cx16",      "xtpr",       "pdcm",
			       [17] = "pcid", "dca",       "sse4_1",     "sse4_2",
			       "x2apic",      "movbe",     "popcnt",     "tsc_deadline_timer",
			       "aes",         "xsave",     [28] = "avx", "f16c",
			       "rdrand",      "hypervisor"},
		[X86_81_ECX] = {"lahf_lm",    "cmp_legacy",  "svm",
				"extapic",    "cr8_legacy",  "abm",
				"sse4a",      "misalignsse", "3dnowprefetch",
				"osvw",       "ibs",         "xop",
				"skinit",     "wdt",         [15] = "lwp",
				"fma4",       "tce",         [19] = "nodeid_msr",
				[21] = "tbm", "topoext",     "perfctr_core",
				"perfctr_nb"},
		[X86_6_EAX] = {"dtherm", [2] = "arat"},
		[X86_87_EDX] = {[8] = "constant_tsc"},
		[X86_7_EBX] = {"fsgsbase", "tsc_adjust", [3] = "bmi1", "hle",
			       "avx2",     [7] = "smep", "bmi2",       "erms",
			       "invpcid",  "rtm",        "cqm",        [14] = "mpx",
			       "rdt_a",    "avx512f",    "avx512dq",   "rdseed",
			       "adx",      "smap",       "avx512ifma", [23] = "clflushopt",
			       "clwb",     "intel_pt",   "avx512pf",   "avx512er",
			       "avx512cd", "sha_ni",     "avx512bw",   "avx512vl"},
		[X86_7_1_EAX] = {[4] = "avx_vnni", "avx512_bf16"},
		[X86_D_1_EAX] = {"xsaveopt", "xsavec", "xgetbv1", "xsaves"},
		[X86_88_EBX] = {"clzero", "irperf", "xsaveerptr", [9] = "wbnoinvd"},
		[X86_8A_EDX] = {"npt", "lbrv", "svm_lock", "nrip_save", "tsc_scale", "vmcb_clean",
				"flushbyasid",
				"decodeassists", [10] = "pausefilter", [12] = "pfthreshold",
				"avic", [15] = "v_vmsave_vmload", "vgif"},
		[X86_7_ECX] = {[1] = "avx512vbmi",
			       "umip",
			       "pku",
			       "ospke",
			       "waitpkg",
			       "avx512_vbmi2",
			       [8] = "gfni",
			       "vaes",
			       "vpclmulqdq",
			       "avx512_vnni",
			       "avx512_bitalg",
			       "tme",
			       "avx512_vpopcntdq",
			       [16] = "la57",
			       [22] = "rdpid",
			       [25] = "cldemote",
			       [27] = "movdiri",
			       "movdir64b"},
		[X86_7_EDX] = {[2] = "avx512_4vnniw",
			       "avx512_4fmaps",
			       "fsrm",
			       [8] = "avx512_vp2intersect",
			       [10] = "md_clear",
			       [14] = "serialize",
			       [18] = "pconfig",
			       [28] = "flush_l1d",
			       "arch_capabilities"},
};

static void describe_flags(struct seq *out)
{
	static const u8 order[] = {X86_1_EDX,  X86_81_EDX,  X86_87_EDX,  X86_1_ECX,  X86_81_ECX,
				   X86_7_EBX,  X86_7_1_EAX, X86_D_1_EAX, X86_88_EBX, X86_6_EAX,
				   X86_8A_EDX, X86_7_ECX,   X86_7_EDX};

	seq_puts(out, "flags\t\t:");
	for (unsigned w = 0; w < ARRAY_SIZE(order); w++) {
		for (unsigned bit = 0; bit < 32; bit++) {
			const char *name = feature_names[order[w]][bit];

			if (name && x86_has(X86_FEATURE(order[w], bit)))
				seq_printf(out, " %s", name);
		}
	}
	seq_puts(out, "\nbugs\t\t:\n");
}

void arch_cpu_describe(const struct cpu *c, struct seq *out)
{
	const struct arch_cpu *a = &c->arch;
	u64 khz = arch_clock_hz() / 1000;

	seq_printf(out, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
		   c->id, a->vendor, a->family, a->model);
	seq_printf(out, "model name\t: %s\nstepping\t: %u\n", a->brand, a->stepping);
	seq_printf(out, "cpu MHz\t\t: %llu.%03llu\ncache size\t: %u KB\n", khz / 1000, khz % 1000,
		   a->cache_kib);
	seq_printf(out, "physical id\t: %u\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
		   a->package, a->siblings, a->core, a->cores);
	seq_printf(out, "apicid\t\t: %u\ninitial apicid\t: %u\n", a->apic_id, a->apic_id);
	seq_printf(out, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
		   a->max_leaf);
	describe_flags(out);
	seq_printf(out, "bogomips\t: %llu.%02llu\nclflush size\t: %u\n", khz / 500, khz / 5 % 100,
		   a->clflush_size);
	seq_printf(out,
		   "cache_alignment\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n",
		   a->clflush_size, a->phys_bits, a->virt_bits);
	seq_puts(out, "power management:\n\n");
}

/* --- idling and stopping --- */

void arch_cpu_idle(void)
{
	/* The instruction after sti still runs with interrupts held off: none is lost before
	 * hlt. */
	__asm__ __volatile__("sti; hlt; cli" ::: "memory");
}

_Noreturn void arch_cpu_halt(void)
{
	for (;;)
		__asm__ __volatile__("cli; hlt" ::: "memory");
}

bool arch_cpu_random(u64 *out)
{
	u64 v;
	bool ok = false;

	if (!x86_has(X86_RDRAND))
		return false;
	for (unsigned i = 0; i < 10 && !ok; i++)
		__asm__ __volatile__("rdrand %0" : "=r"(v), "=@ccc"(ok));
	*out = v;
	return ok;
}
