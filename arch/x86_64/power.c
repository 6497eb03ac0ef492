/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switching off and starting over (ACPI 6.5, 4.8.3.6 and 7.4.2): the S5 values of the DSDT into the PM1
 * control registers; the FADT's reset register, the chipset's, the keyboard controller's, a triple
 * fault.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/power.h>
#include <kernel/firmware/acpi.h>
#include <kernel/lib/string.h>
#include "msr.h"
#include "port.h"
#include "x86_internal.h"

#define PM1_SCI_ENABLE 0x0001
#define PM1_SLP_EN     0x2000
#define PM1_SLP_SHIFT  10

static void spin(unsigned n)
{
	while (n--)
		arch_cpu_relax();
}

/* The firmware may still own the power hardware. */
static void enable_acpi(const struct acpi_fadt *fadt)
{
	u16 port = (u16)fadt->pm1a_control.address;

	if ((inw(port) & PM1_SCI_ENABLE) || !fadt->smi_command || !fadt->acpi_enable)
		return;
	outb((u16)fadt->smi_command, fadt->acpi_enable);
	for (unsigned i = 0; i < 1000 && !(inw(port) & PM1_SCI_ENABLE); i++)
		spin(1000);
}

_Noreturn void arch_poweroff(void)
{
	struct acpi_fadt fadt;
	u8 a, b;

	arch_irq_disable();
	if (!acpi_fadt(&fadt) && !acpi_s5(&a, &b) && fadt.pm1a_control.address &&
	    fadt.pm1a_control.space == ACPI_SPACE_IO) {
		enable_acpi(&fadt);
		outw((u16)fadt.pm1a_control.address, (u16)(a << PM1_SLP_SHIFT | PM1_SLP_EN));
		if (fadt.pm1b_control.address)
			outw((u16)fadt.pm1b_control.address, (u16)(b << PM1_SLP_SHIFT | PM1_SLP_EN));
		spin(10000000);
	}
	arch_cpu_halt();
}

_Noreturn void arch_reboot(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = { 0, 0 };
	struct acpi_fadt fadt;

	arch_irq_disable();
	if (!acpi_fadt(&fadt) && (fadt.flags & ACPI_FADT_RESET) && fadt.reset.space == ACPI_SPACE_IO) {
		outb((u16)fadt.reset.address, fadt.reset_value);
		spin(1000000);
	}
	outb(0xcf9, 2);
	outb(0xcf9, 6);
	spin(1000000);
	outb(0x64, 0xfe);
	spin(1000000);
	__asm__ __volatile__("lidt %0; int3" ::"m"(no_idt));
	arch_cpu_halt();
}
