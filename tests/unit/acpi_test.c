/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI table reader on made-up and damaged tables.
 *
 * link: kernel/firmware/acpi_tables.c
 */
#include <kernel/abi/errno.h>
#include <kernel/firmware/acpi.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/string.h>
#include <host.h>

/* Physical memory: addresses are offsets into this block, from BASE on. */
#define BASE 0x1000
#define SIZE 4096
static u8 *memory;

static const void *map(paddr_t pa, size_t len)
{
	if (pa < BASE || pa - BASE > SIZE || len > SIZE - (pa - BASE))
		return NULL;
	return memory + (pa - BASE);
}

static void seal(u8 *p, size_t len, size_t checksum_at)
{
	u8 sum = 0;

	p[checksum_at] = 0;
	for (size_t i = 0; i < len; i++)
		sum += p[i];
	p[checksum_at] = -sum;
}

static void table(u32 at, const char *signature, const void *body, u32 len)
{
	u8 *p = memory + at;

	memset(p, 0, 36);
	memcpy(p, signature, 4);
	put_unaligned_le32(36 + len, p + 4);
	memcpy(p + 36, body, len);
	seal(p, 36 + len, 9);
}

static const u8 dsdt[] = { 0x10, 5, '_', 'S', '5', '_', 0x08, '_', 'S', '5', '_', 0x12, 0x0a, 4,
			   0x0a, 5, 0x01, 0, 0 };

static void make_tables(void)
{
	u8 *rsdp = memory, body[300] = { 0 };
	u8 madt[] = { 0, 0, 0xe0, 0xfe, 1, 0, 0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 0, 8, 1, 1, 1, 0, 0, 0,
		      1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0,
		      2, 4, 0, 0, 99, 3, 7 };
	u8 mcfg[24] = { [8] = 0, [9] = 0, [10] = 0, [11] = 0xb0, [19] = 255 };

	memset(memory, 0, SIZE);
	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = 2;
	put_unaligned_le32(36, rsdp + 20);
	put_unaligned_le64(BASE + 64, rsdp + 24);
	seal(rsdp, 20, 8);
	seal(rsdp, 36, 32);
	put_unaligned_le64(BASE + 256, body);
	put_unaligned_le64(BASE + 512, body + 8);
	put_unaligned_le64(BASE + 768, body + 16);
	put_unaligned_le64(0xdead0000, body + 24);
	table(64, "XSDT", body, 32);
	table(256, "APIC", madt, sizeof(madt));
	memset(body, 0, sizeof(body));
	put_unaligned_le32(BASE + 1024, body + 4);
	put_unaligned_le32(0x604, body + 28);
	body[53] = 2;
	put_unaligned_le32(ACPI_FADT_RESET, body + 76);
	body[80] = ACPI_SPACE_IO;
	put_unaligned_le64(0xcf9, body + 84);
	body[92] = 6;
	table(512, "FACP", body, 200);
	table(768, "MCFG", mcfg, sizeof(mcfg));
	table(1024, "DSDT", dsdt, sizeof(dsdt));
}

TEST(tables)
{
	const struct acpi_madt_entry *e = NULL;
	struct acpi_fadt fadt;
	int seen[256] = { 0 };
	u8 a, b;

	memory = host_alloc(SIZE);
	make_tables();
	REQUIRE(!acpi_tables_init(BASE, map));
	EXPECT(acpi_present() && acpi_table("MCFG", 0) && !acpi_table("MCFG", 1));
	while ((e = acpi_madt_next(e)))
		seen[e->type]++;
	EXPECT(seen[0] == 2 && seen[1] == 1 && seen[2] == 1 && seen[99] == 1);
	EXPECT_EQ(acpi_madt_lapic_address(), 0xfee00000);
	EXPECT(!acpi_fadt(&fadt));
	EXPECT_EQ(fadt.pm1a_control.address, 0x604);
	EXPECT_EQ(fadt.pm1a_control.bits, 16);
	EXPECT(fadt.reset.address == 0xcf9 && fadt.reset_value == 6 &&
	       fadt.flags & ACPI_FADT_RESET);
	EXPECT(acpi_mcfg_nth(0)->address == 0xb0000000 && acpi_mcfg_nth(0)->bus_end == 255);
	EXPECT(!acpi_mcfg_nth(1));
	EXPECT(!acpi_s5(&a, &b) && a == 5 && b == 1);
	EXPECT_EQ(acpi_hpet_address(), 0);
	EXPECT_EQ(acpi_scan_rsdp(memory, SIZE, 0x77000), 0x77000);
	host_free(memory);
}

TEST(s5_scan)
{
	u8 a, b, *exact;

	EXPECT_EQ(acpi_s5_scan((const u8 *)"nothing", 7, &a, &b), -ENOENT);
	for (size_t len = 0; len < sizeof(dsdt); len++) {
		exact = host_alloc(len);
		memcpy(exact, dsdt, len);
		int err = acpi_s5_scan(exact, len, &a, &b);
		EXPECT(err == -ENOENT || (!err && a == 5));
		host_free(exact);
	}
}

TEST(damaged)
{
	memory = host_alloc(SIZE);
	EXPECT_EQ(acpi_tables_init(0, map), -ENOENT);
	make_tables();
	memory[3] ^= 1;
	EXPECT_EQ(acpi_tables_init(BASE, map), -EINVAL);
	make_tables();
	memory[70] ^= 1;
	EXPECT_EQ(acpi_tables_init(BASE, map), -EINVAL);
	for (int round = 0; round < 5000; round++) {
		const struct acpi_madt_entry *e = NULL;
		struct acpi_fadt fadt;
		u8 a, b;

		make_tables();
		/* Damage with right checksums: the contents themselves must not mislead. */
		for (int i = 0; i < 3; i++) {
			static const u16 starts[] = { 64, 256, 512, 768, 1024 };
			u8 *t = memory + starts[host_random(5)];
			u32 len = get_unaligned_le32(t + 4);

			if (len < 36 || len > 300)
				continue;
			t[4 + host_random(len - 4)] = (u8)prng_next(host_prng());
			len = get_unaligned_le32(t + 4);
			if (len >= 36 && t + len <= memory + SIZE)
				seal(t, len, 9);
		}
		if (acpi_tables_init(BASE, map))
			continue;
		while ((e = acpi_madt_next(e)))
			;
		acpi_madt_lapic_address();
		EXPECT(acpi_fadt(&fadt) <= 0);
		EXPECT(acpi_s5(&a, &b) <= 0);
		for (unsigned i = 0; acpi_mcfg_nth(i); i++)
			;
		acpi_hpet_address();
	}
	host_free(memory);
}
