/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading ACPI tables (ACPI 6.5): the static ones, and the one package of the DSDT that power-off
 * needs.
 *
 * Physical memory is reached through a function the caller supplies, so the readers run on the host
 * against made-up tables.  Lengths and checksums are verified before a table is believed; entries
 * that do not fit their table end it.
 */
#pragma once

#include <kernel/lib/compiler.h>

/* [pa, pa + len) made readable for good, or NULL.  Context: boot. */
typedef const void *(*acpi_map_fn)(paddr_t pa, size_t len);

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem_id[6], oem_table_id[8];
	u32 oem_revision, creator_id, creator_revision;
} __packed;

struct acpi_address {
	u8 space, bits, offset, access;
	u64 address;
} __packed;

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO	  1

/* Find and check the root table.  Returns 0, -ENOENT (no RSDP) or -EINVAL.  Context: boot. */
int __must_check acpi_tables_init(paddr_t rsdp, acpi_map_fn map);

/* True when acpi_tables_init succeeded. */
bool acpi_present(void);

/* The nth table of that signature ("APIC", "FACP", "MCFG", "HPET", "SPCR", "GTDT", "RHCT"), or
 * NULL. */
const struct acpi_header *acpi_table(const char signature[4], unsigned nth);

/* RSDP physical address in a BIOS area of `len` bytes mapped at `area`, or 0. */
paddr_t acpi_scan_rsdp(const void *area, size_t len, paddr_t area_pa);

/* One entry of the MADT, checked to be as long as its type demands. */
enum acpi_madt_type {
	ACPI_MADT_LAPIC = 0,
	ACPI_MADT_IOAPIC = 1,
	ACPI_MADT_OVERRIDE = 2,
	ACPI_MADT_NMI_SOURCE = 3,
	ACPI_MADT_LAPIC_NMI = 4,
	ACPI_MADT_LAPIC_ADDRESS = 5,
	ACPI_MADT_X2APIC = 9,
	ACPI_MADT_X2APIC_NMI = 10,
	ACPI_MADT_GICC = 11,
	ACPI_MADT_GICD = 12,
	ACPI_MADT_GIC_MSI = 13,
	ACPI_MADT_GICR = 14,
	ACPI_MADT_ITS = 15,
	ACPI_MADT_RINTC = 24,
	ACPI_MADT_IMSIC = 25,
	ACPI_MADT_APLIC = 26,
	ACPI_MADT_PLIC = 27,
};

struct acpi_madt_entry {
	u8 type, length;
} __packed;

struct acpi_madt_lapic {
	struct acpi_madt_entry e;
	u8 processor, apic_id;
	u32 flags;
} __packed;

#define ACPI_LAPIC_ENABLED	  (1u << 0)
#define ACPI_LAPIC_ONLINE_CAPABLE (1u << 1)

struct acpi_madt_ioapic {
	struct acpi_madt_entry e;
	u8 id, reserved;
	u32 address, gsi_base;
} __packed;

struct acpi_madt_override {
	struct acpi_madt_entry e;
	u8 bus, source;
	u32 gsi;
	u16 flags;
} __packed;

/* Polarity in bits 0-1 and trigger in bits 2-3 of interrupt flags. */
#define ACPI_INTI_ACTIVE_LOW(flags) (((flags) & 3) == 3)
#define ACPI_INTI_LEVEL(flags)	    (((flags) >> 2 & 3) == 3)

struct acpi_madt_lapic_nmi {
	struct acpi_madt_entry e;
	u8 processor;
	u16 flags;
	u8 lint;
} __packed;

struct acpi_madt_lapic_address {
	struct acpi_madt_entry e;
	u16 reserved;
	u64 address;
} __packed;

struct acpi_madt_x2apic {
	struct acpi_madt_entry e;
	u16 reserved;
	u32 x2apic_id, flags, processor;
} __packed;

struct acpi_madt_gicc {
	struct acpi_madt_entry e;
	u16 reserved;
	u32 interface, processor, flags, parking_version, performance_gsi;
	u64 parked_address, address, gicv, gich;
	u32 maintenance_gsi;
	u64 gicr_address, mpidr;
} __packed;

struct acpi_madt_gicd {
	struct acpi_madt_entry e;
	u16 reserved;
	u32 id;
	u64 address;
	u32 gsi_base;
	u8 version, reserved2[3];
} __packed;

struct acpi_madt_gicr {
	struct acpi_madt_entry e;
	u16 reserved;
	u64 address;
	u32 size;
} __packed;

struct acpi_madt_its {
	struct acpi_madt_entry e;
	u16 reserved;
	u32 id;
	u64 address;
	u32 reserved2;
} __packed;

struct acpi_madt_rintc {
	struct acpi_madt_entry e;
	u8 version, reserved;
	u32 flags;
	u64 hart;
	u32 processor, external_id;
	u64 imsic_base;
	u32 imsic_size;
} __packed;

/* The local APIC address of the MADT's header, overridden if an entry says so; 0 without MADT. */
paddr_t acpi_madt_lapic_address(void);

/* Walk: NULL begins, NULL ends.  Entries too short for their type are passed over. */
const struct acpi_madt_entry *acpi_madt_next(const struct acpi_madt_entry *after);

/* What the FADT says, in host-friendly form. */
struct acpi_fadt {
	struct acpi_address pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm_timer, reset;
	struct acpi_address sleep_control; /* instead of PM1 where the hardware is reduced */
	u8 reset_value;
	u32 flags;
	u16 sci, boot_arch, arm_boot;
	u32 smi_command;
	u8 acpi_enable;
	paddr_t dsdt;
};

#define ACPI_FADT_TIMER_32BIT (1u << 8)
#define ACPI_FADT_RESET	      (1u << 10)
#define ACPI_FADT_HW_REDUCED  (1u << 20)

/* Returns 0, -ENOENT or -EINVAL. */
int __must_check acpi_fadt(struct acpi_fadt *out);

/* PCI configuration windows. */
struct acpi_mcfg_window {
	u64 address;
	u16 segment;
	u8 bus_start, bus_end;
	u32 reserved;
} __packed;

const struct acpi_mcfg_window *acpi_mcfg_nth(unsigned nth);

/* HPET register block, or 0. */
paddr_t acpi_hpet_address(void);

/* Serial console of the SPCR: interface type and registers.  Returns 0 or -ENOENT. */
struct acpi_spcr {
	u8 type;
	struct acpi_address address;
	u32 gsi;
};
int __must_check acpi_spcr(struct acpi_spcr *out);

/*
 * The SLP_TYP values of state S5, found by scanning the DSDT for the name _S5_ and its package.
 * Returns 0, -ENOENT or -EINVAL.
 */
int __must_check acpi_s5(u8 *slp_typ_a, u8 *slp_typ_b);

/* The same scan over bytes of AML. */
int __must_check acpi_s5_scan(const u8 *aml, size_t len, u8 *slp_typ_a, u8 *slp_typ_b);
