/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt controllers that the MADT describes: a driver names the type of entry it knows, and
 * arch_init() has it probed for each such entry, before any other driver.
 */
#pragma once

#include <kernel/firmware/acpi.h>
#include <kernel/lib/linkset.h>

struct acpi_irqchip {
	const char *name;	/* [I] for the log */
	u8 madt_type;		/* [I] enum acpi_madt_type */

	/* Returns 0 or an errno, which is logged.  The entry stays valid for ever.  Context: early
	 * boot. */
	int (*probe)(const struct acpi_madt_entry *e);
};

#define ACPI_IRQCHIP(id)       static const struct acpi_irqchip acpi_irqchip_##id
#define ACPI_IRQCHIP_ENTRY(id) LINKSET_ENTRY(acpi_irqchips, struct acpi_irqchip, acpi_irqchip_##id)
