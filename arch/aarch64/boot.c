/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first C at the final address, what firmware told, and the earliest console.
 *
 * The early console is a PL011 or 16550 that /chosen names, mapped at a fixed address outside what
 * mm manages, so that it works from arch_init_early() through the change of page tables to the end.
 */
#include <arch/boot.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include "arm_internal.h"
#include "boot_internal.h"

_Noreturn void kernel_main(void);

paddr_t boot_dtb, boot_image_pa;
static char boot_emergency_stack[4096] __aligned(16);

paddr_t image_pa(const void *sym)
{
	return boot_image_pa + ((vaddr_t)sym - (vaddr_t)__image_start);
}

u64 arch_kaslr_offset(void)
{
	return (vaddr_t)__image_start - KERNEL_IMAGE_BASE;
}

_Noreturn void boot_main(void)
{
	struct arch_thread *t = &boot_thread.arch;

	t->canary = thread_new_canary();
	t->stack = (vaddr_t)boot_stack;
	t->stack_top = (vaddr_t)boot_stack + KSTACK_SIZE;
	t->fpu_cpu = ~0u;
	boot_cpu.arch.emergency_stack =
		(vaddr_t)boot_emergency_stack + sizeof(boot_emergency_stack);
	kernel_main();
}

void arch_boot_info(struct boot_info *info)
{
	static struct fdt tree;

	info->image_base = boot_image_pa;
	info->image_size = (u64)(__image_end - __image_start);
	if (boot_dtb && !fdt_open(&tree, phys_to_virt(boot_dtb), 2 << 20)) {
		fdt_set_system(&tree);
		info->dtb = boot_dtb;
		info->dtb_size = fdt_used(&tree);
		boot_info_from_fdt(info, &tree);
	}
	info->seed[3] ^= boot_map.seed * 0x9e3779b97f4a7c15ull;
}

/* --- early console ------------------------------------------------------------------------- */

static u64 console_l1[512] __aligned(4096), console_l2[512] __aligned(4096);
static u64 console_l3[512] __aligned(4096);

enum uart { UART_NONE, UART_PL011, UART_16550_BYTE, UART_16550_WORD };
static enum uart uart;
static volatile u8 *uart_regs;

#define PL011_DR      0x00
#define PL011_FR      0x18
#define PL011_FR_TXFF (1u << 5)
#define UART_LSR      5
#define UART_LSR_THRE 0x20

/* Hang the console's tables into a kernel root. */
void boot_console_keep(paddr_t root)
{
	u64 *table = phys_to_virt(root);

	if (uart != UART_NONE)
		table[511] = arch_pte_table(image_pa(console_l1), false).raw;
}

static void console_map(paddr_t regs)
{
	console_l1[0] = arch_pte_table(image_pa(console_l2), false).raw;
	console_l2[0] = arch_pte_table(image_pa(console_l3), false).raw;
	console_l3[0] =
		arch_pte_leaf(regs & PAGE_MASK, PTE_R | PTE_W | PTE_GLOBAL, MEM_DEVICE, 0).raw;
	uart_regs = (volatile u8 *)LAYOUT_EARLY_CONSOLE + (regs & ~PAGE_MASK);
}

/* The node that stdout-path names (an alias or path, options after a colon), or none. */
static int console_node(const struct fdt *fdt)
{
	const char *path = fdt_string(fdt, fdt_find_path(fdt, "/chosen"), "stdout-path");
	char name[128];
	size_t n = 0;

	if (!path)
		return FDT_NONE;
	while (n + 1 < sizeof(name) && path[n] && path[n] != ':') {
		name[n] = path[n];
		n++;
	}
	name[n] = 0;
	return fdt_find_path(fdt, name);
}

void boot_console_init(void)
{
	struct fdt tree;
	enum uart kind = UART_NONE;
	paddr_t regs;
	u64 size;

	if (!boot_dtb || fdt_open(&tree, phys_to_virt(boot_dtb), 2 << 20))
		return;

	int node = console_node(&tree);

	if (node < 0)
		node = fdt_find_compatible(&tree, FDT_NONE, "arm,pl011");
	if (node < 0 || !fdt_reg(&tree, node, 0, &regs, &size))
		return;
	if (fdt_compatible(&tree, node, "arm,pl011"))
		kind = UART_PL011;
	else if (fdt_compatible(&tree, node, "ns16550a"))
		kind = fdt_u32(&tree, node, "reg-shift", 0) == 2 ? UART_16550_WORD
								 : UART_16550_BYTE;
	if (kind == UART_NONE)
		return;
	console_map(regs);
	uart = kind;
	boot_console_keep(boot_map.root);
	arch_pte_written();
}

void arch_early_putc(char c)
{
	switch (uart) {
	case UART_NONE: break;
	case UART_PL011:
		while (mmio_read32(uart_regs + PL011_FR) & PL011_FR_TXFF)
			arch_cpu_relax();
		mmio_write32(uart_regs + PL011_DR, (u8)c);
		break;
	case UART_16550_BYTE:
		while (!(mmio_read8(uart_regs + UART_LSR) & UART_LSR_THRE))
			arch_cpu_relax();
		mmio_write8(uart_regs, c);
		break;
	case UART_16550_WORD:
		while (!(mmio_read32(uart_regs + 4 * UART_LSR) & UART_LSR_THRE))
			arch_cpu_relax();
		mmio_write32(uart_regs, (u8)c);
		break;
	}
}
