/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device-tree reader, on trees made here, on QEMU's, and on damaged ones.
 *
 * link: kernel/firmware/fdt.c kernel/firmware/fdt_address.c kernel/firmware/boot_info.c
 */
#include <kernel/abi/errno.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/string.h>
#include <host.h>

static u8 structs[4096], *sp;
static char strings[1024];
static u32 strings_len;

static void cell(u32 v)
{
	put_unaligned_be32(v, sp);
	sp += 4;
}

static void begin(const char *name)
{
	size_t n = strlen(name) + 1;

	cell(1);
	memcpy(sp, name, n);
	sp += (n + 3) & ~3ul;
}

static void end(void)
{
	cell(2);
}

static void property(const char *name, const void *value, u32 len)
{
	cell(3);
	cell(len);
	cell(strings_len);
	strscpy(strings + strings_len, name, sizeof(strings) - strings_len);
	strings_len += (u32)strlen(name) + 1;
	memcpy(sp, value, len);
	sp += (len + 3) & ~3u;
}

static void text(const char *name, const char *value)
{
	property(name, value, (u32)strlen(value) + 1);
}

#define CELLS(name, ...) \
	do { \
		u32 cells_[] = { __VA_ARGS__ }; \
		for (size_t i_ = 0; i_ < ARRAY_SIZE(cells_); i_++) \
			cells_[i_] = bswap32(cells_[i_]); \
		property(name, cells_, sizeof(cells_)); \
	} while (0)

static u8 *make_tree(size_t *len)
{
	memset(structs, 0, sizeof(structs));
	sp = structs;
	strings_len = 0;
	begin("");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	CELLS("interrupt-parent", 1);
	begin("chosen");
	text("bootargs", "console=ttyS0 quiet");
	CELLS("linux,initrd-start", 0x88000000);
	CELLS("linux,initrd-end", 0, 0x88100000);
	CELLS("rng-seed", 1, 2, 3, 4);
	end();
	begin("aliases");
	text("serial0", "/soc/uart@1000");
	end();
	begin("memory@80000000");
	text("device_type", "memory");
	CELLS("reg", 0, 0x80000000, 0, 0x10000000, 1, 0, 0, 0x1000);
	end();
	begin("reserved-memory");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	property("ranges", "", 0);
	begin("firmware@80000000");
	CELLS("reg", 0, 0x80000000, 0, 0x80000);
	end();
	end();
	begin("soc");
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	CELLS("ranges", 0x1000, 0x1, 0x40000000, 0x1000, 0x2000, 0, 0x9000, 0x1000);
	begin("uart@1000");
	property("compatible", "acme,uart\0ns16550a", 19);
	CELLS("reg", 0x1000, 0x100, 0x2010, 0x10, 0x5000, 0x10);
	text("reg-names", "regs");
	CELLS("interrupts", 7, 4, 8, 1);
	cell(4);
	end();
	begin("timer@2000");
	text("status", "disabled");
	CELLS("interrupts-extended", 2, 5, 1, 9, 9);
	end();
	end();
	begin("intc");
	CELLS("phandle", 1);
	CELLS("#interrupt-cells", 2);
	property("interrupt-controller", "", 0);
	end();
	begin("cpu-intc");
	CELLS("phandle", 2);
	CELLS("#interrupt-cells", 1);
	end();
	begin("pci@30000000");
	CELLS("#address-cells", 3);
	CELLS("#interrupt-cells", 1);
	CELLS("interrupt-map-mask", 0x1800, 0, 0, 7);
	CELLS("interrupt-map", 0, 0, 0, 1, 1, 32, 4, 0x800, 0, 0, 1, 1, 33, 4);
	end();
	end();
	cell(9);

	u32 structs_len = (u32)(sp - structs), at = 40 + 32;
	u8 *blob;

	*len = at + structs_len + strings_len;
	blob = host_alloc(*len);
	memset(blob, 0, *len);
	u32 header[] = { 0xd00dfeed, (u32)*len, at, at + structs_len, 40, 17, 16, 0, strings_len,
			 structs_len };
	for (int i = 0; i < 10; i++)
		put_unaligned_be32(header[i], blob + 4 * i);
	put_unaligned_be64(0x81000000, blob + 40);
	put_unaligned_be64(0x2000, blob + 48);
	memcpy(blob + at, structs, structs_len);
	memcpy(blob + at + structs_len, strings, strings_len);
	return blob;
}

TEST(nodes_and_properties)
{
	size_t len;
	u8 *blob = make_tree(&len);
	struct fdt fdt;
	int uart, n = 0, node, depth = 0;

	EXPECT_EQ(fdt_blob_size(blob), len);
	REQUIRE(!fdt_open(&fdt, blob, len));
	uart = fdt_find_path(&fdt, "/soc/uart@1000");
	EXPECT(uart > 0 && fdt_find_path(&fdt, "/soc/uart") == uart);
	EXPECT(fdt_find_path(&fdt, "serial0:115200") == uart);
	EXPECT(fdt_find_path(&fdt, "/soc/uar") < 0 && fdt_find_path(&fdt, "/nothing") < 0);
	EXPECT(fdt_find_path(&fdt, "/") == 0);
	EXPECT_STR(fdt_node_name(&fdt, uart), "uart@1000");
	EXPECT(fdt_parent(&fdt, uart) == fdt_find_path(&fdt, "/soc"));
	EXPECT(fdt_parent(&fdt, 0) < 0 && fdt_parent(&fdt, fdt_parent(&fdt, uart)) == 0);
	fdt_for_each_child(node, &fdt, 0)
		n++;
	EXPECT_EQ(n, 8);
	n = 0;
	for (node = 0; node >= 0; node = fdt_next_node(&fdt, node, &depth))
		n += depth;
	EXPECT_EQ(n, 8 + 3 * 2);
	EXPECT(fdt_compatible(&fdt, uart, "ns16550a") && !fdt_compatible(&fdt, uart, "ns16550"));
	EXPECT(fdt_find_compatible(&fdt, FDT_NONE, "acme,uart") == uart);
	EXPECT(fdt_find_compatible(&fdt, uart, "acme,uart") < 0);
	EXPECT(fdt_enabled(&fdt, uart) && !fdt_enabled(&fdt, fdt_find_path(&fdt, "/soc/timer")));
	EXPECT_STR(fdt_string_nth(&fdt, uart, "compatible", 1), "ns16550a");
	EXPECT(!fdt_string_nth(&fdt, uart, "compatible", 2));
	EXPECT(fdt_find_phandle(&fdt, 2) == fdt_find_path(&fdt, "/cpu-intc"));
	host_free(blob);
}

/* Room that the header counts behind the last block is not in use. */
TEST(room_behind)
{
	size_t len;
	u8 *blob = make_tree(&len), *larger = host_alloc(len + 4096);
	struct fdt fdt;

	memset(larger, 0xaa, len + 4096);
	memcpy(larger, blob, len);
	REQUIRE(!fdt_open(&fdt, larger, len));
	EXPECT_EQ(fdt_used(&fdt), len);
	put_unaligned_be32((u32)len + 4096, larger + 4);
	REQUIRE(!fdt_open(&fdt, larger, len + 4096));
	EXPECT_EQ(fdt_used(&fdt), len);
	/* A list without end may be anywhere. */
	memset(larger + 40, 0xff, len - 40);
	EXPECT_EQ(fdt_used(&fdt), len + 4096);
	host_free(larger);
	host_free(blob);
}

TEST(addresses)
{
	size_t len;
	u8 *blob = make_tree(&len);
	struct fdt fdt;
	paddr_t addr;
	u64 size;

	REQUIRE(!fdt_open(&fdt, blob, len));
	int uart = fdt_find_path(&fdt, "/soc/uart");

	EXPECT(fdt_reg(&fdt, uart, 0, &addr, &size));
	EXPECT(addr == 0x140000000 && size == 0x100);
	EXPECT(fdt_reg(&fdt, uart, 1, &addr, &size) && addr == 0x9010);
	EXPECT(!fdt_reg(&fdt, uart, 2, &addr, &size) && !fdt_reg(&fdt, uart, 3, &addr, &size));
	EXPECT(fdt_reg_named(&fdt, uart, "regs", &addr, &size) && addr == 0x140000000);
	EXPECT(fdt_reg_raw(&fdt, uart, 2, &addr, &size) && addr == 0x5000);
	EXPECT(fdt_reg(&fdt, fdt_find_path(&fdt, "/memory"), 1, &addr, &size));
	EXPECT(addr == 1ull << 32 && size == 0x1000);
	host_free(blob);
}

TEST(interrupts)
{
	size_t len;
	u8 *blob = make_tree(&len);
	struct fdt fdt;
	struct fdt_ref ref;

	REQUIRE(!fdt_open(&fdt, blob, len));
	int uart = fdt_find_path(&fdt, "/soc/uart"), timer = fdt_find_path(&fdt, "/soc/timer");
	int pci = fdt_find_path(&fdt, "/pci"), intc = fdt_find_path(&fdt, "/intc");

	EXPECT(fdt_interrupt(&fdt, uart, 1, &ref));
	EXPECT(ref.node == intc && ref.nr_args == 2 && ref.args[0] == 8 && ref.args[1] == 1);
	EXPECT(!fdt_interrupt(&fdt, uart, 2, &ref));
	EXPECT(fdt_interrupt(&fdt, timer, 0, &ref) && ref.args[0] == 5 && ref.nr_args == 1);
	EXPECT(fdt_interrupt(&fdt, timer, 1, &ref) && ref.node == intc && ref.args[0] == 9);
	EXPECT(!fdt_interrupt(&fdt, timer, 2, &ref));
	EXPECT(fdt_interrupt_map(&fdt, pci, (u32[]){0x800 | 0x20000, 0, 0}, 3, (u32[]){1}, 1,
				 &ref));
	EXPECT(ref.node == intc && ref.args[0] == 33 && ref.args[1] == 4);
	EXPECT(!fdt_interrupt_map(&fdt, pci, (u32[]){ 0x1000, 0, 0 }, 3, (u32[]){ 1 }, 1, &ref));
	host_free(blob);
}

TEST(boot_info)
{
	size_t len;
	u8 *blob = make_tree(&len);
	struct boot_info *info = host_alloc(sizeof(*info));
	struct fdt fdt;

	REQUIRE(!fdt_open(&fdt, blob, len));
	memset(info, 0, sizeof(*info));
	boot_info_from_fdt(info, &fdt);
	EXPECT_STR(info->cmdline, "console=ttyS0 quiet");
	EXPECT(info->initrd_base == 0x88000000 && info->initrd_size == 0x100000);
	EXPECT(info->nr_mem == 4 && info->mem[1].base == 1ull << 32);
	EXPECT(info->mem[2].base == 0x81000000 && info->mem[2].type == BOOT_MEM_RESERVED);
	EXPECT(info->mem[3].base == 0x80000000 && info->mem[3].size == 0x80000);
	EXPECT_EQ(info->seed[0] & 0xff000000, 0x01000000);
	EXPECT(boot_info_add_mem(info, 0x80080000, 0x1000, BOOT_MEM_RESERVED));
	EXPECT(info->nr_mem == 4 && info->mem[3].size == 0x81000);
	host_free(info);
	host_free(blob);
}

/* Everything that can be asked, for its memory accesses. */
static void ask_all(const struct fdt *fdt)
{
	struct boot_info *info = host_alloc(sizeof(*info));
	struct fdt_ref ref;
	paddr_t addr;
	u64 size;
	int node, steps = 0;

	memset(info, 0, sizeof(*info));
	boot_info_from_fdt(info, fdt);
	host_free(info);
	fdt_for_each_node(node, fdt) {
		if (++steps > 60)
			return;
		fdt_reg(fdt, node, 0, &addr, &size);
		fdt_interrupt(fdt, node, 1, &ref);
		fdt_interrupt_map(fdt, node, (u32[]){ 0, 0, 0 }, 3, (u32[]){ 1 }, 1, &ref);
		fdt_compatible(fdt, node, "x");
		fdt_ref(fdt, node, "clocks", "#clock-cells", 1, &ref);
		fdt_enabled(fdt, node);
	}
	fdt_find_path(fdt, "serial0");
	EXPECT(fdt_used(fdt) <= fdt->size);
}

TEST(damaged)
{
	size_t len;
	u8 *blob = make_tree(&len);
	struct fdt fdt;

	for (size_t cut = 0; cut < len; cut++) {
		u8 *shorter = host_alloc(cut);

		memcpy(shorter, blob, cut);
		EXPECT_EQ(fdt_open(&fdt, shorter, cut), -EINVAL);
		host_free(shorter);
	}
	for (int round = 0; round < 4000; round++) {
		u8 old[4];
		size_t at[4];

		for (int i = 0; i < 4; i++) {
			at[i] = host_random(len);
			old[i] = blob[at[i]];
			blob[at[i]] =
				(u8)(host_random(2) ? prng_next(host_prng()) : host_random(12));
		}
		if (!fdt_open(&fdt, blob, len))
			ask_all(&fdt);
		for (int i = 3; i >= 0; i--)
			blob[at[i]] = old[i];
	}
	host_free(blob);
}

TEST(qemu_virt)
{
	size_t len;
	u8 *blob = host_run(
		"f=$(mktemp) && timeout 60 qemu-system-riscv64 -M virt,dumpdtb=$f -smp 2 -m 256 "
		">/dev/null 2>&1 && cat $f && rm $f",
		&len);
	struct fdt fdt;
	struct fdt_ref ref;
	paddr_t addr;
	u64 size;

	if (!blob || !len)
		return; /* no emulator here */
	REQUIRE(!fdt_open(&fdt, blob, len));
	int uart = fdt_find_compatible(&fdt, FDT_NONE, "ns16550a");
	EXPECT(fdt_reg(&fdt, uart, 0, &addr, &size) && addr == 0x10000000);
	EXPECT(fdt_interrupt(&fdt, uart, 0, &ref) && ref.args[0] == 10);
	EXPECT(fdt_compatible(&fdt, ref.node, "riscv,plic0"));
	EXPECT(fdt_reg(&fdt, fdt_find_path(&fdt, "/memory"), 0, &addr, &size));
	EXPECT(addr == 0x80000000 && size == 256 << 20);
	int pci = fdt_find_compatible(&fdt, FDT_NONE, "pci-host-ecam-generic");
	EXPECT(fdt_interrupt_map(&fdt, pci, (u32[]){ 1 << 11, 0, 0 }, 3, (u32[]){ 1 }, 1, &ref));
	EXPECT_EQ(ref.args[0], 33);
	host_free(blob);
}
