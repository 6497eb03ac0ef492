/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the first C function to kernel_main().
 *
 * boot_entry.S runs the image where it is linked.  x86_boot_move() chooses the three random bases,
 * maps the physmap, and when the image shall move maps it at its new place too and adds the
 * distance to every word of the relocation table.  The old mapping still works meanwhile: code
 * finds its data relative to itself or through words that, relocated, name the new mapping of the
 * same memory.  boot_entry.S then goes over to the new one, and x86_boot_moved() drops the old.
 *
 * Nothing here may use the stack protector or a per-CPU variable: there is no canary yet.
 */
#include <arch/boot.h>
#include <arch/timer.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include "fpu.h"
#include "msr.h"
#include "port.h"
#include "x86_internal.h"

#define SLOT_SIZE      (1ull << 39)
#define HUGE_1G	       (1ull << 30)
#define HUGE_2M	       (1ull << 21)
#define PHYSMAP_FIRST  0xffff888000000000UL
#define VMALLOC_FIRST  0xffffc90000000000UL
#define PHYSMAP_STEPS  16384 /* of 1 GiB */
#define VMALLOC_STEPS  32    /* of 512 GiB */

vaddr_t x86_physmap_base __section(".data") = PHYSMAP_FIRST;
vaddr_t x86_vmalloc_base __section(".data") = VMALLOC_FIRST;
bool x86_has_1g_pages;

static u64 pdpt_physmap[2][512] __aligned(4096) __initbss;
static u64 image_offset;

u64 arch_kaslr_offset(void)
{
	return image_offset;
}

/* --- before and while the image moves --- */

static bool word_in(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += n) {
		if ((p == text || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
			return true;
	}
	return false;
}

u64 x86_boot_random(u64 salt)
{
	u64 r = arch_clock_read(), hw = 0;

	if ((cpuid(1, 0).ecx >> 30) & 1)
		__asm__ __volatile__("rdrand %0" : "+r"(hw)::"cc");
	return hash_mix64(hash_mix64(r ^ salt) + hw);
}

/* 4 GiB by the tables that map them one to one; what lies above only where 1 GiB leaves exist. */
static void map_physmap(u64 end)
{
	unsigned slot = (x86_physmap_base >> 39) & 511, gib = (x86_physmap_base >> 30) & 511;
	unsigned last = 4;

	if (x86_has_1g_pages)
		last = (unsigned)min((end + HUGE_1G - 1) / HUGE_1G, 512ull);
	for (unsigned i = 0; i < max(last, 4u); i++) {
		unsigned at = gib + i;
		u64 *entry = &pdpt_physmap[at / 512][at % 512];

		if (i < 4)
			*entry = x86_boot_pdpt_low[i];
		else
			*entry = i * HUGE_1G | X86_PTE_P | X86_PTE_W | X86_PTE_PS | X86_PTE_NX;
	}
	for (unsigned i = 0; i < 2; i++)
		x86_boot_root[slot + i] = x86_image_pa(pdpt_physmap[i]) | X86_PTE_P | X86_PTE_W;
}

static void map_image(u64 offset)
{
	u64 *pd = x86_boot_pd_image + offset / HUGE_2M;
	u64 n = (__image_end - __image_start + HUGE_2M - 1) / HUGE_2M;

	for (u64 i = 0; i < n; i++)
		pd[i] = X86_LOAD_PA + i * HUGE_2M + (X86_PTE_P | X86_PTE_W | X86_PTE_PS);
}

u64 x86_boot_move(void)
{
	const char *cmdline = x86_loader_cmdline();
	u64 room = HUGE_1G - ALIGN_UP((u64)(__image_end - __image_start), HUGE_2M);
	u64 offset = 0;

	x86_has_1g_pages = cpuid(0x80000000, 0).eax >= 0x80000001 &&
			   (cpuid(0x80000001, 0).edx >> 26 & 1);
	if (!cmdline || !word_in(cmdline, "nokaslr")) {
		offset = x86_boot_random(1) % (room / HUGE_2M) * HUGE_2M;
		x86_physmap_base += x86_boot_random(2) % PHYSMAP_STEPS * HUGE_1G;
		x86_vmalloc_base += x86_boot_random(3) % VMALLOC_STEPS * SLOT_SIZE;
	}
	map_physmap(x86_loader_ram_end());
	if (offset) {
		map_image(offset);
		x86_boot_relocate(offset);
	}
	/* image_offset is set last: x86_image_pa() of this mapping needs it zero. */
	return offset;
}

void x86_boot_moved(void)
{
	image_offset = (vaddr_t)__image_start - KERNEL_IMAGE_BASE;
	for (u64 i = 0; i < image_offset / HUGE_2M; i++)
		x86_boot_pd_image[i] = 0;
	write_cr4(read_cr4() & ~CR4_PGE);
	write_cr4(read_cr4() | CR4_PGE);

	boot_cpu.arch.self = &boot_cpu;
	boot_cpu.arch.current = &boot_thread;
	boot_cpu.arch.root = x86_image_pa(x86_boot_root);
	boot_cpu.arch.canary = x86_boot_random(4) & ~0xffull;
	boot_cpu.arch.kernel_sp = (vaddr_t)boot_stack + KSTACK_SIZE;
	boot_thread.arch.canary = boot_cpu.arch.canary;
	boot_thread.arch.stack_top = boot_cpu.arch.kernel_sp;
	boot_thread.arch.fpu_cpu = FPU_CPU_NONE;
	boot_thread.stack = boot_stack;
}

/* --- the first console: COM1, polled --- */

#define COM1	 0x3f8
#define UART_LSR 5
#define LSR_THRE 0x20

static void early_uart_put(char c)
{
	for (unsigned i = 0; i < 100000 && !(inb(COM1 + UART_LSR) & LSR_THRE); i++)
		arch_cpu_relax();
	outb(COM1, (u8)c);
}

void arch_early_putc(char c)
{
	if (c == '\n')
		early_uart_put('\r');
	early_uart_put(c);
}

/* --- the three calls of init/main.c --- */

void arch_init_early(void)
{
	/* 115200 8N1, no interrupts. */
	static const u8 setup[][2] = { { 1, 0 }, { 3, 0x80 }, { 0, 1 }, { 1, 0 },
				       { 3, 3 }, { 2, 7 },    { 4, 3 } };

	for (unsigned i = 0; i < ARRAY_SIZE(setup); i++)
		outb(COM1 + setup[i][0], setup[i][1]);
	x86_cpu_detect();
	x86_idt_init();
	x86_cpu_load(&boot_cpu);
	x86_fpu_init();
	x86_fpu_init_cpu();
}

void arch_init(void)
{
	x86_fpu_init_late();
	x86_acpi_init();
	x86_irq_init();
	x86_power_init();
}

void arch_init_cpu(void)
{
	/* The boot CPU had arch_init_early, the others x86_ap_main. */
}
