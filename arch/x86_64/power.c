/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switching off and starting over (ACPI 6.5, 4.8.3.6, 4.8.3.7 and 7.4.2): the S5 values of the DSDT
 * into the PM1 control registers or the sleep control register; the FADT's reset register, the
 * chipset's, the keyboard controller's, a triple fault.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/irqflags.h>
#include <arch/power.h>
#include <kernel/firmware/acpi.h>
#include <mm/vmalloc.h>
#include "msr.h"
#include "port.h"
#include "x86_internal.h"

#define PM1_SCI_ENABLE 0x0001
#define PM1_SLP_EN     0x2000
#define PM1_SLP_SHIFT  10
#define SLEEP_EN	       0x20
#define SLEEP_TYPE_SHIFT 2

static struct acpi_fadt fadt;	    /* [I] zero without ACPI */
static u8 s5_a, s5_b;		    /* [I] sleep types of S5 */
static bool has_s5;		    /* [I] */
static volatile u8 __iomem *reset_mmio, *sleep_mmio; /* [I] where these registers are in memory */

static volatile u8 __iomem *map_register(const struct acpi_address *r)
{
	return r->space == ACPI_SPACE_MEMORY && r->address ? mmio_map(r->address, 1) : NULL;
}

/* At the end nothing can be mapped any more, so look now. */
void x86_power_init(void)
{
	if (acpi_fadt(&fadt)) {
		fadt = (struct acpi_fadt){ 0 };
		return;
	}
	has_s5 = !acpi_s5(&s5_a, &s5_b);
	if (fadt.flags & ACPI_FADT_RESET)
		reset_mmio = map_register(&fadt.reset);
	if (fadt.flags & ACPI_FADT_HW_REDUCED)
		sleep_mmio = map_register(&fadt.sleep_control);
}

static void spin(unsigned n)
{
	while (n--)
		arch_cpu_relax();
}

/* The firmware may still own the power hardware. */
static void enable_acpi(u16 port)
{
	if ((inw(port) & PM1_SCI_ENABLE) || !fadt.smi_command || !fadt.acpi_enable)
		return;
	outb((u16)fadt.smi_command, fadt.acpi_enable);
	for (unsigned i = 0; i < 1000 && !(inw(port) & PM1_SCI_ENABLE); i++)
		spin(1000);
}

static void enter_s5(void)
{
	u16 a = (u16)fadt.pm1a_control.address, b = (u16)fadt.pm1b_control.address;

	if (sleep_mmio) {
		mmio_write8(sleep_mmio, (u8)(s5_a << SLEEP_TYPE_SHIFT | SLEEP_EN));
	} else if (a && fadt.pm1a_control.space == ACPI_SPACE_IO) {
		enable_acpi(a);
		outw(a, (u16)(s5_a << PM1_SLP_SHIFT | PM1_SLP_EN));
		if (b)
			outw(b, (u16)(s5_b << PM1_SLP_SHIFT | PM1_SLP_EN));
	}
	spin(10000000);
}

_Noreturn void arch_poweroff(void)
{
	arch_irq_disable();
	if (has_s5)
		enter_s5();
	arch_cpu_halt();
}

_Noreturn void arch_reboot(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = { 0, 0 };

	arch_irq_disable();
	if (reset_mmio)
		mmio_write8(reset_mmio, fadt.reset_value);
	else if ((fadt.flags & ACPI_FADT_RESET) && fadt.reset.space == ACPI_SPACE_IO)
		outb((u16)fadt.reset.address, fadt.reset_value);
	spin(1000000);
	outb(0xcf9, 2);
	outb(0xcf9, 6);
	spin(1000000);
	outb(0x64, 0xfe);
	spin(1000000);
	__asm__ __volatile__("lidt %0; int3" ::"m"(no_idt));
	arch_cpu_halt();
}
