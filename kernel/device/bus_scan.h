/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buses that firmware describes (device tree, ACPI, the PC's fixed devices): each adds its scan,
 * and the boot order runs them all once drivers may sleep, map and request interrupts.
 */
#pragma once

#include <kernel/lib/linkset.h>

struct bus_scan {
	const char *name;
	void (*scan)(void); /* find devices and hand them to their drivers.  Context: may sleep */
};

#define BUS_SCAN(id, fn)                                                                           \
	static const struct bus_scan bus_scan_##id = {#id, fn};                                    \
	LINKSET_ENTRY(bus_scans, struct bus_scan, bus_scan_##id)

LINKSET_DECLARE(bus_scans, struct bus_scan);

/* Run them all.  Context: boot, may sleep. */
static inline void bus_scan_all(void)
{
	const struct bus_scan *const *b;

	for_each_linkset(b, bus_scans)(*b)->scan();
}
