/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading ACPI tables.
 *
 * The root table (XSDT with 64-bit, RSDT with 32-bit entries) lists the others.  Each is mapped
 * twice, its header first for the length, and believed when length and checksum are right.  At most
 * TABLES_MAX are remembered, which real machines stay far below.
 *
 * Power-off needs one thing from the AML of the DSDT, the package named _S5_, whose first two
 * elements are what the PM1 control registers take.  Instead of interpreting AML, its bytes are
 * searched for the definition: NameOp, "_S5_", PackageOp, length, count, integers.
 */
#include <kernel/abi/errno.h>
#include <kernel/firmware/acpi.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#define TABLES_MAX   64
#define TABLE_LENGTH (16u << 20) /* more is nonsense */

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 checksum2, reserved[3];
} __packed;

#define RSDP_V1_SIZE 20

static const struct acpi_header *tables[TABLES_MAX]; /* [I after boot] */
static unsigned nr_tables;
static acpi_map_fn map_memory;
static bool present;

static bool sums_to_zero(const void *p, size_t len)
{
	const u8 *b = p;
	u8 sum = 0;

	while (len--)
		sum += *b++;
	return !sum;
}

static const struct acpi_header *table_map(paddr_t pa)
{
	const struct acpi_header *h = pa ? map_memory(pa, sizeof(*h)) : NULL;

	if (!h)
		return NULL;

	u32 len = h->length;

	if (len < sizeof(*h) || len > TABLE_LENGTH)
		return NULL;
	h = map_memory(pa, len);
	return h && h->length == len && sums_to_zero(h, len) ? h : NULL;
}

static void add_listed(const struct acpi_header *root, size_t width)
{
	const u8 *entry = (const u8 *)(root + 1), *end = (const u8 *)root + root->length;

	for (; (size_t)(end - entry) >= width && nr_tables < TABLES_MAX; entry += width) {
		paddr_t pa = width == 8 ? get_unaligned_le64(entry) : get_unaligned_le32(entry);
		const struct acpi_header *h = table_map(pa);

		if (h)
			tables[nr_tables++] = h;
	}
}

static const struct acpi_header *root_of(const struct rsdp *r, size_t *width)
{
	const struct acpi_header *root;

	if (r->revision >= 2 && r->xsdt) {
		root = table_map(r->xsdt);
		if (root && !memcmp(root->signature, "XSDT", 4)) {
			*width = 8;
			return root;
		}
	}
	*width = 4;
	root = table_map(r->rsdt);
	return root && !memcmp(root->signature, "RSDT", 4) ? root : NULL;
}

int acpi_tables_init(paddr_t rsdp, acpi_map_fn map)
{
	const struct rsdp *r;
	size_t width;

	present = false;
	nr_tables = 0;
	map_memory = map;
	if (!rsdp)
		return -ENOENT;
	r = map(rsdp, RSDP_V1_SIZE);
	if (!r || memcmp(r->signature, "RSD PTR ", 8) || !sums_to_zero(r, RSDP_V1_SIZE))
		return -EINVAL;
	if (r->revision >= 2) {
		r = map(rsdp, sizeof(*r));
		if (!r || r->length < sizeof(*r) || !sums_to_zero(r, sizeof(*r)))
			return -EINVAL;
	}

	const struct acpi_header *root = root_of(r, &width);

	if (!root)
		return -EINVAL;
	add_listed(root, width);
	present = true;
	return 0;
}

bool acpi_present(void)
{
	return present;
}

const struct acpi_header *acpi_table(const char signature[4], unsigned nth)
{
	for (unsigned i = 0; i < nr_tables; i++) {
		if (!memcmp(tables[i]->signature, signature, 4) && !nth--)
			return tables[i];
	}
	return NULL;
}

paddr_t acpi_scan_rsdp(const void *area, size_t len, paddr_t area_pa)
{
	const u8 *p = area;

	for (size_t at = 0; at + RSDP_V1_SIZE <= len; at += 16) {
		if (!memcmp(p + at, "RSD PTR ", 8) && sums_to_zero(p + at, RSDP_V1_SIZE))
			return area_pa + at;
	}
	return 0;
}

/* A table's content of at least `size` bytes, header included, or NULL. */
static const void *table_of_size(const char *signature, size_t size)
{
	const struct acpi_header *h = acpi_table(signature, 0);

	return h && h->length >= size ? h : NULL;
}

struct madt {
	struct acpi_header h;
	u32 lapic, flags;
} __packed;

static const size_t madt_sizes[] = {
	[ACPI_MADT_LAPIC] = sizeof(struct acpi_madt_lapic),
	[ACPI_MADT_IOAPIC] = sizeof(struct acpi_madt_ioapic),
	[ACPI_MADT_OVERRIDE] = sizeof(struct acpi_madt_override),
	[ACPI_MADT_LAPIC_NMI] = sizeof(struct acpi_madt_lapic_nmi),
	[ACPI_MADT_LAPIC_ADDRESS] = sizeof(struct acpi_madt_lapic_address),
	[ACPI_MADT_X2APIC] = sizeof(struct acpi_madt_x2apic),
	[ACPI_MADT_GICC] = sizeof(struct acpi_madt_gicc),
	[ACPI_MADT_GICD] = sizeof(struct acpi_madt_gicd),
	[ACPI_MADT_GICR] = sizeof(struct acpi_madt_gicr),
	[ACPI_MADT_ITS] = sizeof(struct acpi_madt_its),
	[ACPI_MADT_RINTC] = sizeof(struct acpi_madt_rintc),
};

static bool madt_entry_ok(const struct acpi_madt_entry *e)
{
	return e->type >= ARRAY_SIZE(madt_sizes) || e->length >= madt_sizes[e->type];
}

const struct acpi_madt_entry *acpi_madt_next(const struct acpi_madt_entry *after)
{
	const struct madt *madt = table_of_size("APIC", sizeof(*madt));

	if (!madt)
		return NULL;

	const u8 *end = (const u8 *)madt + madt->h.length;
	const u8 *p = after ? (const u8 *)after + after->length : (const u8 *)(madt + 1);

	while ((size_t)(end - p) >= sizeof(struct acpi_madt_entry)) {
		const struct acpi_madt_entry *e = (const void *)p;

		if (e->length < sizeof(*e) || e->length > (size_t)(end - p))
			return NULL;
		if (madt_entry_ok(e))
			return e;
		p += e->length;
	}
	return NULL;
}

paddr_t acpi_madt_lapic_address(void)
{
	const struct madt *madt = table_of_size("APIC", sizeof(*madt));

	if (!madt)
		return 0;
	for (const struct acpi_madt_entry *e = NULL; (e = acpi_madt_next(e));) {
		if (e->type == ACPI_MADT_LAPIC_ADDRESS)
			return ((const struct acpi_madt_lapic_address *)e)->address;
	}
	return madt->lapic;
}

struct fadt {
	struct acpi_header h;
	u32 facs, dsdt;
	u8 model, profile;
	u16 sci;
	u32 smi_command;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
	u8 pm1_event_len, pm1_control_len, pm2_control_len, pm_timer_len, gpe0_len, gpe1_len;
	u8 gpe1_base, cst;
	u16 c2_latency, c3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_arch;
	u8 reserved;
	u32 flags;
	/* From here on a table of revision 1 may end. */
	struct acpi_address reset;
	u8 reset_value;
	u16 arm_boot;
	u8 minor;
	u64 x_facs, x_dsdt;
	struct acpi_address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control;
	struct acpi_address x_pm2_control, x_pm_timer, x_gpe0, x_gpe1, sleep_control, sleep_status;
} __packed;

static_assert(offsetof(struct fadt, reset) == 116, "FADT");
static_assert(offsetof(struct fadt, x_pm_timer) == 208, "FADT");

/* The extended form of a register when there is one, else the old port number. */
static struct acpi_address either(const struct acpi_address *extended, u32 port, u8 len)
{
	if (extended->address)
		return *extended;
	return (struct acpi_address){
		.space = ACPI_SPACE_IO, .bits = (u8)(len * 8), .address = port};
}

int acpi_fadt(struct acpi_fadt *out)
{
	const struct acpi_header *h = acpi_table("FACP", 0);
	struct fadt f = {0};

	if (!h)
		return -ENOENT;
	if (h->length < offsetof(struct fadt, reset))
		return -EINVAL;
	memcpy(&f, h, min_t(size_t, h->length, sizeof(f)));
	*out = (struct acpi_fadt){
		.pm1a_event = either(&f.x_pm1a_event, f.pm1a_event, f.pm1_event_len),
		.pm1b_event = either(&f.x_pm1b_event, f.pm1b_event, f.pm1_event_len),
		.pm1a_control = either(&f.x_pm1a_control, f.pm1a_control, f.pm1_control_len),
		.pm1b_control = either(&f.x_pm1b_control, f.pm1b_control, f.pm1_control_len),
		.pm_timer = either(&f.x_pm_timer, f.pm_timer, f.pm_timer_len),
		.reset = f.reset,
		.sleep_control = f.sleep_control,
		.reset_value = f.reset_value,
		.flags = f.flags,
		.sci = f.sci,
		.boot_arch = f.boot_arch,
		.arm_boot = f.arm_boot,
		.smi_command = f.smi_command,
		.acpi_enable = f.acpi_enable,
		.dsdt = f.x_dsdt ? f.x_dsdt : f.dsdt,
	};
	return 0;
}

struct mcfg {
	struct acpi_header h;
	u64 reserved;
	struct acpi_mcfg_window windows[];
} __packed;

const struct acpi_mcfg_window *acpi_mcfg_nth(unsigned nth)
{
	const struct mcfg *m = table_of_size("MCFG", sizeof(*m));

	if (!m || nth >= (m->h.length - sizeof(*m)) / sizeof(m->windows[0]))
		return NULL;
	return &m->windows[nth];
}

struct hpet {
	struct acpi_header h;
	u32 id;
	struct acpi_address base;
} __packed;

paddr_t acpi_hpet_address(void)
{
	const struct hpet *t = table_of_size("HPET", sizeof(*t));

	return t && t->base.space == ACPI_SPACE_MEMORY ? t->base.address : 0;
}

struct spcr {
	struct acpi_header h;
	u8 type, reserved[3];
	struct acpi_address base;
	u8 interrupt_type, irq;
	u32 gsi;
} __packed;

int acpi_spcr(struct acpi_spcr *out)
{
	const struct spcr *t = table_of_size("SPCR", sizeof(*t));

	if (!t || !t->base.address)
		return -ENOENT;
	*out = (struct acpi_spcr){.type = t->type, .address = t->base, .gsi = t->gsi};
	return 0;
}

enum aml {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_PACKAGE = 0x12,
	AML_ONES = 0xff,
};

/* An AML integer at p[*at], its low byte. */
static bool aml_integer(const u8 *p, size_t len, size_t *at, u8 *out)
{
	size_t bytes;

	if (*at >= len)
		return false;
	switch (p[(*at)++]) {
	case AML_ZERO: *out = 0; return true;
	case AML_ONE: *out = 1; return true;
	case AML_ONES: *out = 0xff; return true;
	case AML_BYTE: bytes = 1; break;
	case AML_WORD: bytes = 2; break;
	case AML_DWORD: bytes = 4; break;
	default: return false;
	}
	if (bytes > len - *at)
		return false;
	*out = p[*at];
	*at += bytes;
	return true;
}

/* The package behind the name; `at` is where PackageOp should be. */
static bool s5_package(const u8 *p, size_t len, size_t at, u8 *a, u8 *b)
{
	if (at + 2 > len || p[at] != AML_PACKAGE)
		return false;
	at += 2 + (p[at + 1] >> 6); /* the length field tells its own size in the top bits */
	if (at >= len || p[at++] < 1)
		return false;
	if (!aml_integer(p, len, &at, a))
		return false;
	if (!aml_integer(p, len, &at, b))
		*b = *a;
	return true;
}

int acpi_s5_scan(const u8 *aml, size_t len, u8 *slp_typ_a, u8 *slp_typ_b)
{
	for (size_t at = 1; at + 4 <= len; at++) {
		bool named = aml[at - 1] == AML_NAME ||
			     (at >= 2 && aml[at - 1] == '\\' && aml[at - 2] == AML_NAME);

		if (named && !memcmp(aml + at, "_S5_", 4) &&
		    s5_package(aml, len, at + 4, slp_typ_a, slp_typ_b))
			return 0;
	}
	return -ENOENT;
}

int acpi_s5(u8 *slp_typ_a, u8 *slp_typ_b)
{
	struct acpi_fadt fadt;
	int err = acpi_fadt(&fadt);

	if (err)
		return err;

	const struct acpi_header *dsdt = table_map(fadt.dsdt);

	if (!dsdt)
		return -EINVAL;
	err = acpi_s5_scan((const u8 *)(dsdt + 1), dsdt->length - sizeof(*dsdt), slp_typ_a,
			   slp_typ_b);
	for (unsigned i = 0; err == -ENOENT; i++) {
		const struct acpi_header *ssdt = acpi_table("SSDT", i);

		if (!ssdt)
			break;
		err = acpi_s5_scan((const u8 *)(ssdt + 1), ssdt->length - sizeof(*ssdt), slp_typ_a,
				   slp_typ_b);
	}
	return err;
}
