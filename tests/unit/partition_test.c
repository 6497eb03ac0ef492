/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Partition tables: made here field by field, made by sfdisk where the machine has it, and damaged
 * in every byte and at random.
 *
 * link: fs/block/partition/partition.c fs/block/partition/mbr.c fs/block/partition/gpt.c
 * link: kernel/lib/crc32.c
 */
#include <fs/block/partition/partition.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/string.h>
#include <host.h>

#define DISK_SECTORS 8192u

static u8 disk[DISK_SECTORS * 512];
static u8 scratch[PARTITION_SCRATCH];
static struct partition_list list;
static u64 fail_at; /* a sector that cannot be read */
static unsigned reads;

static int disk_read(void *arg, u64 sector, void *buf, size_t len)
{
	reads++;
	EXPECT(len % 512 == 0 && sector < DISK_SECTORS && len / 512 <= DISK_SECTORS - sector);
	if (len % 512 || sector >= DISK_SECTORS || len / 512 > DISK_SECTORS - sector)
		return -EIO;
	if (fail_at >= sector && fail_at < sector + len / 512)
		return -EIO;
	memcpy(buf, disk + sector * 512, len);
	return 0;
}

static int parse(u32 block)
{
	struct partition_source src = {disk_read, NULL, DISK_SECTORS, block, scratch};

	reads = 0;
	return partitions_read(&src, &list);
}

static void clear(void)
{
	memset(disk, 0, sizeof(disk));
	fail_at = ~0ull;
}

static void entry(u64 sector, unsigned i, u8 type, u32 start, u32 sectors)
{
	u8 *p = disk + sector * 512 + 446 + i * 16;

	p[4] = type;
	put_unaligned_le32(start, p + 8);
	put_unaligned_le32(sectors, p + 12);
	put_unaligned_le16(0xaa55, disk + sector * 512 + 510);
}

static void expect(unsigned i, u32 number, u64 start, u64 sectors)
{
	REQUIRE(i < list.nr);
	EXPECT_EQ(list.entries[i].number, number);
	EXPECT_EQ(list.entries[i].start, start);
	EXPECT_EQ(list.entries[i].sectors, sectors);
}

TEST(no_table)
{
	clear();
	EXPECT_EQ(parse(512), 0);
	EXPECT(!list.kind && !list.nr);
	fail_at = 0;
	EXPECT_EQ(parse(512), -EIO);
}

TEST(mbr_primary)
{
	clear();
	put_unaligned_le32(0x12abcdef, disk + 440);
	entry(0, 0, 0x83, 64, 100);
	entry(0, 2, 0x82, 200, 50);
	entry(0, 3, 0x83, 8000, 1000); /* reaches beyond: cut */
	EXPECT_EQ(parse(512), 0);
	EXPECT_STR(list.kind, "dos");
	EXPECT_EQ(list.nr, 3);
	expect(0, 1, 64, 100);
	expect(1, 3, 200, 50);
	expect(2, 4, 8000, 192);
	EXPECT_STR(list.entries[0].uuid, "12abcdef-01");
	EXPECT_STR(list.entries[2].uuid, "12abcdef-04");
	entry(0, 3, 0x83, 9000, 1000); /* lies beyond: none */
	EXPECT_EQ(parse(512), 0);
	EXPECT_EQ(list.nr, 2);
	disk[446] = 0x12; /* a boot sector, no table */
	EXPECT_EQ(parse(512), 0);
	EXPECT(!list.kind);
}

TEST(mbr_large_blocks)
{
	clear();
	entry(0, 0, 0x83, 16, 20);
	EXPECT_EQ(parse(4096), 0);
	EXPECT_EQ(list.nr, 1);
	expect(0, 1, 128, 160);
}

static void extended(void)
{
	clear();
	entry(0, 0, 0x83, 64, 100);
	entry(0, 1, 0x05, 1000, 5000);
	entry(1000, 0, 0x83, 10, 90);
	entry(1000, 1, 0x05, 200, 300);
	entry(1200, 0, 0x83, 10, 100);
	entry(1200, 1, 0x05, 600, 300);
	entry(1600, 0, 0x83, 10, 50);
}

TEST(mbr_extended)
{
	extended();
	EXPECT_EQ(parse(512), 0);
	EXPECT_EQ(list.nr, 5);
	expect(0, 1, 64, 100);
	expect(1, 2, 1000, 2);
	expect(2, 5, 1010, 90);
	expect(3, 6, 1210, 100);
	expect(4, 7, 1610, 50);
	fail_at = 1200;
	EXPECT_EQ(parse(512), 0);
	EXPECT_EQ(list.nr, 3);
}

/* A chain that comes back to itself ends, and the list does not overflow. */
TEST(mbr_extended_loop)
{
	extended();
	entry(1600, 1, 0x05, 200, 300);
	EXPECT_EQ(parse(512), 0);
	EXPECT(list.nr > 5 && list.nr <= PARTITIONS_MAX && reads < 110);
	entry(1200, 1, 0x05, 0, 300);
	entry(1000, 1, 0x05, 0, 300);
	EXPECT_EQ(parse(512), 0);
	EXPECT(reads < 110);
}

/* --- GPT -------------------------------------------------------------------------------------- */

static void header(u64 self, u64 other, u64 entries, u32 nr, u32 block)
{
	u8 *p = disk + self * block;

	memset(p, 0, 512);
	memcpy(p, "EFI PART", 8);
	put_unaligned_le32(0x10000, p + 8);
	put_unaligned_le32(92, p + 12);
	put_unaligned_le64(self, p + 24);
	put_unaligned_le64(other, p + 32);
	put_unaligned_le64(34, p + 40);
	put_unaligned_le64(DISK_SECTORS / (block / 512) - 34, p + 48);
	put_unaligned_le64(entries, p + 72);
	put_unaligned_le32(nr, p + 80);
	put_unaligned_le32(128, p + 84);
	put_unaligned_le32(crc32_le(~0u, disk + entries * block, nr * 128) ^ ~0u, p + 88);
	put_unaligned_le32(crc32_le(~0u, p, 92) ^ ~0u, p + 16);
}

static void gpt_entry(u64 table, u32 block, unsigned i, u64 first, u64 last, const char *label)
{
	u8 *p = disk + table * block + i * 128;

	memset(p, 0xab, 16);
	for (unsigned k = 0; k < 16; k++)
		p[16 + k] = (u8)(k + 16 * i);
	put_unaligned_le64(first, p + 32);
	put_unaligned_le64(last, p + 40);
	for (unsigned k = 0; label[k]; k++)
		put_unaligned_le16((u16)(u8)label[k], p + 56 + 2 * k);
}

static void gpt(u32 block)
{
	u64 last = DISK_SECTORS / (block / 512) - 1;
	u64 tables[2] = {2, last - 32};

	clear();
	entry(0, 0, 0xee, 1, 0xffffffff);
	for (unsigned t = 0; t < 2; t++) {
		gpt_entry(tables[t], block, 0, 40, 99, "root");
		gpt_entry(tables[t], block, 3, 100, 199,
			  "a\x01"
			  "b");
		gpt_entry(tables[t], block, 5, 300, 200, "backwards");
		gpt_entry(tables[t], block, 6, 300, last + 1, "beyond");
		gpt_entry(tables[t], block, 127, 400, 400, "");
	}
	header(1, last, 2, 128, block);
	header(last, 1, last - 32, 128, block);
}

static void expect_gpt(u32 block)
{
	u32 scale = block / 512;

	EXPECT_STR(list.kind, "gpt");
	REQUIRE(list.nr == 3);
	expect(0, 1, 40 * scale, 60 * scale);
	expect(1, 4, 100 * scale, 100 * scale);
	expect(2, 128, 400 * scale, scale);
	EXPECT_STR(list.entries[0].uuid, "03020100-0504-0706-0809-0a0b0c0d0e0f");
	EXPECT_STR(list.entries[0].label, "root");
	EXPECT_STR(list.entries[1].label, "a!b");
}

TEST(gpt_primary)
{
	static const u32 blocks[] = {512, 1024, 2048};

	for (unsigned i = 0; i < 3; i++) {
		gpt(blocks[i]);
		EXPECT_EQ(parse(blocks[i]), 0);
		expect_gpt(blocks[i]);
		EXPECT(!list.backup);
	}
}

/* Every byte of the first header and of the first table's used entries matters. */
TEST(gpt_backup)
{
	for (unsigned i = 0; i < 92; i++) {
		gpt(512);
		disk[512 + i] ^= 0x40;
		EXPECT_EQ(parse(512), 0);
		EXPECT(list.backup);
		expect_gpt(512);
	}
	for (unsigned i = 0; i < 512; i += 7) {
		gpt(512);
		disk[1024 + i] ^= 1;
		EXPECT_EQ(parse(512), 0);
		EXPECT(list.backup);
		expect_gpt(512);
	}
	gpt(512);
	fail_at = 1;
	EXPECT_EQ(parse(512), 0);
	EXPECT(list.backup);
	expect_gpt(512);
}

TEST(gpt_refused)
{
	/* Both damaged: the protective record is no table either. */
	gpt(512);
	disk[512] = 0;
	disk[(DISK_SECTORS - 1) * 512] = 0;
	EXPECT_EQ(parse(512), 0);
	EXPECT(!list.kind && !list.nr);
	/* No protective record: a leftover. */
	gpt(512);
	memset(disk, 0, 512);
	EXPECT_EQ(parse(512), 0);
	EXPECT(!list.kind);
	/* Rewritten by a tool that knows only the old kind. */
	gpt(512);
	entry(0, 0, 0x83, 64, 100);
	EXPECT_EQ(parse(512), 0);
	EXPECT_STR(list.kind, "dos");
}

/* Headers with good sums and bad contents. */
TEST(gpt_hostile)
{
	static const u32 numbers[] = {0, 1, 129, 4096, 4097, 0x10000, 0xffffffff};

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		for (unsigned field = 24; field < 92; field += 4) {
			u8 *p = disk + 512;

			gpt(512);
			memset(disk + (DISK_SECTORS - 1) * 512, 0, 512);
			put_unaligned_le32(numbers[i], p + field);
			memset(p + 16, 0, 4);
			put_unaligned_le32(crc32_le(~0u, p, 92) ^ ~0u, p + 16);
			EXPECT_EQ(parse(512), 0);
			EXPECT(reads < 200);
		}
	}
}

/* Random damage: no error but -EIO, nothing outside the disk. */
TEST(random_damage)
{
	struct prng *rng = host_prng();

	for (unsigned round = 0; round < 20000; round++) {
		if (round & 1)
			gpt(512);
		else
			extended();
		for (unsigned i = 0; i < 1 + round % 8; i++) {
			static const u32 places[] = {
				0, 440, 512, 1024, 1000 * 512 + 440, 1200 * 512 + 440};

			disk[places[prng_below(rng, 6)] + prng_below(rng, 128)] =
				(u8)prng_next(rng);
		}
		EXPECT_EQ(parse(512), 0);
		for (unsigned i = 0; i < list.nr; i++) {
			struct partition_entry *e = &list.entries[i];

			EXPECT(e->number && e->number <= PARTITIONS_MAX && e->sectors &&
			       e->start < DISK_SECTORS && e->sectors <= DISK_SECTORS - e->start);
		}
	}
}
