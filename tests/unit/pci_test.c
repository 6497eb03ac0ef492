/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI: finding functions and giving them addresses, against a model of configuration space.
 *
 * link: drivers/bus/pci/config.c drivers/bus/pci/scan.c drivers/bus/pci/assign.c
 */
#include <drivers/bus/pci/pci_internal.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>
#include <host.h>

/* --- what the code needs of the kernel ----------------------------------------------------------
 */

void *kmalloc(size_t size, gfp_t gfp)
{
	void *p = host_alloc(size);

	if (p && gfp & __GFP_ZERO)
		memset(p, 0, size);
	return p;
}

void kfree(const void *p)
{
	host_free((void *)(uintptr_t)p);
}

void device_init(struct device *dev, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(dev->name, sizeof(dev->name), fmt, args);
	va_end(args);
}

void log_raw(enum log_level level, const char *fmt, ...)
{
}

void *mmio_map(paddr_t pa, size_t len)
{
	return NULL;
}

/*
 * --- the machine -------------------------------------------------------------------------------
 * Functions with BARs of given sizes; bridges route by the numbers and windows written to them.
 */
#define MODELS 64

struct model {
	bool used;
	struct model *bridge; /* above, NULL on the root bus */
	unsigned devfn;
	u8 cfg[256];
	u64 size[6]; /* 0: none; at the low half of a wide one */
	bool io[6], wide[6], prefetch[6];
};

static struct model models[MODELS];

static u32 cfg32(const struct model *m, unsigned reg)
{
	return get_unaligned_le32(m->cfg + reg);
}

static bool is_bridge(const struct model *m)
{
	return (m->cfg[PCI_HEADER_TYPE] & 0x7f) == 1;
}

/* The number of the bus a function is on, as the bridge above has been told. */
static unsigned bus_of(const struct model *m)
{
	return m->bridge ? m->bridge->cfg[PCI_SECONDARY_BUS] : 0;
}

/* A bus is reached when each bridge on the way forwards its number. */
static bool reached(const struct model *m, unsigned bus)
{
	for (const struct model *b = m->bridge; b; b = b->bridge)
		if (bus < b->cfg[PCI_SECONDARY_BUS] || bus > b->cfg[PCI_SUBORDINATE_BUS])
			return false;
	return true;
}

static struct model *model_at(unsigned bus, unsigned devfn)
{
	for (unsigned i = 0; i < MODELS; i++) {
		struct model *m = &models[i];

		if (m->used && m->devfn == devfn && bus_of(m) == bus && reached(m, bus))
			return m;
	}
	return NULL;
}

static u32 model_read(struct pci_host *h, unsigned bus, unsigned devfn, unsigned reg,
		      unsigned width)
{
	const struct model *m = model_at(bus, devfn);
	u32 v = m && reg < 256 ? cfg32(m, reg & ~3u) >> 8 * (reg & 3) : U32_MAX;

	return width == 4 ? v : v & ((1u << 8 * width) - 1);
}

static void write_bar(struct model *m, unsigned bar, u32 value)
{
	unsigned low = bar && m->wide[bar - 1] ? bar - 1 : bar;
	u64 mask = ~(m->size[low] - 1);
	u32 flags = m->io[low] ? 1 : (m->wide[low] ? 4 : 0) | (m->prefetch[low] ? 8 : 0);

	if (!m->size[low])
		value = 0;
	else if (low != bar)
		value &= (u32)(mask >> 32);
	else
		value = (value & (u32)mask) | flags;
	put_unaligned_le32(value, m->cfg + PCI_BASE_ADDRESS_0 + 4 * bar);
}

static void model_write(struct pci_host *h, unsigned bus, unsigned devfn, unsigned reg,
			unsigned width, u32 value)
{
	struct model *m = model_at(bus, devfn);
	unsigned bars = m && is_bridge(m) ? 2 : 6;

	if (!m || reg < 4)
		return;
	if (reg >= PCI_BASE_ADDRESS_0 && reg < PCI_BASE_ADDRESS_0 + 4 * bars) {
		EXPECT(width == 4 && !(m->cfg[PCI_COMMAND] & 3));
		write_bar(m, (reg - PCI_BASE_ADDRESS_0) / 4, value);
		return;
	}
	if (reg == (is_bridge(m) ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS))
		return;
	for (unsigned i = 0; i < width; i++)
		m->cfg[reg + i] = (u8)(value >> 8 * i);
	if (is_bridge(m) && reg <= PCI_PREF_MEMORY_BASE && reg + width > PCI_PREF_MEMORY_BASE) {
		m->cfg[PCI_PREF_MEMORY_BASE] |= 1;
		m->cfg[PCI_PREF_MEMORY_LIMIT] |= 1;
	}
}

static struct model *add(struct model *bridge, unsigned slot, unsigned fn, bool makes_bus)
{
	for (unsigned i = 0; i < MODELS; i++) {
		struct model *m = &models[i];

		if (m->used)
			continue;
		*m = (struct model){.used = true, .bridge = bridge, .devfn = slot << 3 | fn};
		put_unaligned_le32(0x12340000 | 0x1af4, m->cfg);
		put_unaligned_le32(makes_bus ? 0x06040000 : 0x01000001,
				   m->cfg + PCI_CLASS_REVISION);
		m->cfg[PCI_HEADER_TYPE] = makes_bus;
		if (makes_bus)
			m->cfg[PCI_PREF_MEMORY_BASE] = m->cfg[PCI_PREF_MEMORY_LIMIT] = 1;
		return m;
	}
	return NULL;
}

static void bar(struct model *m, unsigned i, u64 size, bool io, bool wide, bool prefetch)
{
	m->size[i] = size;
	m->io[i] = io;
	m->wide[i] = wide;
	m->prefetch[i] = prefetch;
	write_bar(m, i, 0);
}

static struct pci_host host;

static void machine_reset(void)
{
	memset(models, 0, sizeof(models));
	host = (struct pci_host){
		.last = 255,
		.fdt_node = -1,
		.read = model_read,
		.write = model_write,
		.next_bus = 1,
		.nr_windows = 3,
		.windows = {{0x3eff0000, 0x10000, 0, PCI_RANGE_IO},
			    {0x10000000, 0x2eff0000, 0x10000000, PCI_RANGE_MEM},
			    {0x8000000000, 0x8000000000, 0x8000000000,
			     PCI_RANGE_MEM | PCI_RANGE_MEM64}},
	};
}

static int scan(void)
{
	host.root = pci_bus_create(&host, NULL, 0);
	return host.root ? pci_bus_scan(host.root) : -ENOMEM;
}

static void free_bus(struct pci_bus *b)
{
	struct pci_device *d, *next;

	list_for_each_safe (d, next, &b->devices, link) {
		if (d->child)
			free_bus(d->child);
		kfree(d);
	}
	kfree(b);
}

/* --- checks ----------------------------------------------------------------------------------- */

static unsigned count(const struct pci_bus *b)
{
	const struct pci_device *d;
	unsigned n = 0;

	list_for_each (d, &b->devices, link)
		n += 1 + (d->child ? count(d->child) : 0);
	return n;
}

static bool inside(const struct pci_range *in, const struct pci_range *out)
{
	return in->start >= out->start && in->start + in->size <= out->start + out->size;
}

/* Aligned, in a window of the bus, apart from all others of the bus; registers agree. */
static void check_range(const struct pci_bus *b, const struct pci_device *d, unsigned i)
{
	const struct pci_range *r = &d->ranges[i];
	const struct pci_device *o;

	if (!r->size || !r->placed)
		return;
	if (i < 6) {
		u64 reg = pci_read32(d, PCI_BASE_ADDRESS_0 + 4 * i) & ~(r->flags & 1 ? 3u : 15u);

		if (r->flags & PCI_RANGE_MEM64)
			reg |= (u64)pci_read32(d, PCI_BASE_ADDRESS_0 + 4 * i + 4) << 32;
		EXPECT_EQ(reg, pci_range_bus_address(d, r));
		EXPECT_EQ(r->start & (r->size - 1), 0);
	}
	if (b->bridge) {
		unsigned w = r->flags & PCI_RANGE_IO ? PCI_RANGE_BRIDGE_IO
			     : r->flags & PCI_RANGE_PREFETCH && r->flags & PCI_RANGE_MEM64
				     ? PCI_RANGE_BRIDGE_PREF
				     : PCI_RANGE_BRIDGE_MEM;

		EXPECT(b->bridge->ranges[w].placed && inside(r, &b->bridge->ranges[w]));
	}
	list_for_each (o, &b->devices, link)
		for (unsigned j = 0; j < PCI_NR_RANGES; j++) {
			const struct pci_range *other = &o->ranges[j];

			if (other == r || !other->placed || !other->size ||
			    (other->flags ^ r->flags) & PCI_RANGE_IO)
				continue;
			EXPECT(r->start + r->size <= other->start ||
			       other->start + other->size <= r->start);
		}
}

static unsigned check_bus(const struct pci_bus *b)
{
	const struct pci_device *d;
	unsigned unplaced = 0;

	list_for_each (d, &b->devices, link) {
		for (unsigned i = 0; i < PCI_NR_RANGES; i++) {
			check_range(b, d, i);
			unplaced += i < 6 && d->ranges[i].size && !d->ranges[i].placed;
		}
		if (d->child)
			unplaced += check_bus(d->child);
	}
	return unplaced;
}

TEST(flat)
{
	struct model *m;

	machine_reset();
	m = add(NULL, 1, 0, false);
	bar(m, 0, 0x80, true, false, false);
	bar(m, 1, 0x1000, false, false, false);
	bar(m, 4, 0x4000, false, true, true);
	m = add(NULL, 2, 0, false);
	m->cfg[PCI_HEADER_TYPE] = 0x80;
	add(NULL, 2, 3, false);
	add(NULL, 3, 1, false); /* without function 0 it is not there */
	EXPECT_EQ(scan(), 0);
	EXPECT_EQ(count(host.root), 3);
	pci_bus_assign(host.root);
	EXPECT_EQ(check_bus(host.root), 0);

	struct pci_device *d = list_first(&host.root->devices, struct pci_device, link);

	EXPECT(d->ranges[4].start >= 0x8000000000 && d->ranges[4].flags & PCI_RANGE_MEM64);
	EXPECT_EQ(d->ranges[0].flags, 0x40101);
	EXPECT_EQ(d->ranges[4].flags, 0x14220c);
	EXPECT(d->ranges[0].start >= 0x1000);
	free_bus(host.root);
}

/* Each bus with I/O ports takes 4 KiB of the 64 KiB there are: beyond this many bridges no more are
 * asked for. */
#define IO_BRIDGES 12

static unsigned nr_bridges(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODELS; i++)
		n += models[i].used && models[i].cfg[PCI_HEADER_TYPE] == 1;
	return n;
}

/* A random tree of bridges and functions. */
static void random_tree(struct prng *rng, struct model *bridge, unsigned depth)
{
	unsigned slots = 1 + prng_below(rng, 5);

	for (unsigned slot = 0; slot < slots; slot++) {
		bool down = depth && !prng_below(rng, 3);
		struct model *m = add(bridge, slot, 0, down);

		if (!m)
			return;
		for (unsigned i = 0; i < (down ? 2u : 6u); i++) {
			bool io = !prng_below(rng, 4) && nr_bridges() < IO_BRIDGES,
			     wide = !io && i % 2 == 0 && prng_below(rng, 2);

			if (prng_below(rng, 2))
				bar(m, i,
				    io ? 4ull << prng_below(rng, 6) : 16ull << prng_below(rng, 14),
				    io, wide, !io && prng_below(rng, 2));
			i += wide;
		}
		if (down)
			random_tree(rng, m, depth - 1);
	}
}

static unsigned nr_models(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODELS; i++)
		n += models[i].used;
	return n;
}

TEST(trees)
{
	for (unsigned round = 0; round < 500; round++) {
		machine_reset();
		random_tree(host_prng(), NULL, 3);
		EXPECT_EQ(scan(), 0);
		EXPECT_EQ(count(host.root), nr_models());
		pci_bus_assign(host.root);
		EXPECT_EQ(check_bus(host.root), 0);

		/* A function plugged in later finds a gap, and nothing else moves. */
		struct model *m = add(NULL, 31, 0, false);

		if (m) {
			bar(m, 0, 0x1000, false, false, false);
			EXPECT_EQ(pci_bus_scan(host.root), 0);
			pci_bus_assign(host.root);
			EXPECT_EQ(check_bus(host.root), 0);
		}
		free_bus(host.root);
	}
}

/* What firmware set up is believed. */
TEST(kept)
{
	struct model *bridge, *m;

	machine_reset();
	host.set_up = true;
	host.nr_windows = 0;
	bridge = add(NULL, 1, 0, true);
	put_unaligned_le32(0x00050500, bridge->cfg + PCI_PRIMARY_BUS);
	put_unaligned_le32(0xfea0fe90, bridge->cfg + PCI_MEMORY_BASE);
	m = add(bridge, 0, 0, false);
	bar(m, 1, 0x1000, false, false, false);
	write_bar(m, 1, 0xfe900000);
	EXPECT_EQ(scan(), 0);
	pci_bus_assign(host.root);
	EXPECT_EQ(count(host.root), 2);

	struct pci_device *d = list_first(&host.root->devices, struct pci_device, link);

	REQUIRE(d->child);
	EXPECT_EQ(d->child->number, 5);
	EXPECT_EQ(d->ranges[PCI_RANGE_BRIDGE_MEM].start, 0xfe900000);
	EXPECT_EQ(d->ranges[PCI_RANGE_BRIDGE_MEM].size, 0x200000);
	d = list_first(&d->child->devices, struct pci_device, link);
	EXPECT(d->ranges[1].placed && d->ranges[1].start == 0xfe900000);
	EXPECT_STR(d->dev.name, "0000:05:00.0");
	free_bus(host.root);
}

/* Bridges that lead nowhere good, and capability lists that loop. */
TEST(hostile)
{
	struct model *m = NULL;
	struct pci_device *d;

	machine_reset();
	for (unsigned i = 0; i < 40; i++)
		m = add(m, 0, 0, true);
	EXPECT_EQ(scan(), 0);
	EXPECT(count(host.root) <= 18);
	free_bus(host.root);

	machine_reset();
	m = add(NULL, 0, 0, false);
	m->cfg[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	m->cfg[PCI_CAPABILITY_LIST] = 0x40;
	m->cfg[0x40] = PCI_CAP_ID_VNDR;
	m->cfg[0x41] = 0x48;
	m->cfg[0x48] = PCI_CAP_ID_VNDR;
	m->cfg[0x49] = 0x40;
	EXPECT_EQ(scan(), 0);
	d = list_first(&host.root->devices, struct pci_device, link);
	EXPECT_EQ(pci_find_capability(d, PCI_CAP_ID_VNDR, 0), 0x40);
	EXPECT_EQ(pci_find_capability(d, PCI_CAP_ID_VNDR, 0x40), 0x48);
	EXPECT_EQ(pci_find_capability(d, PCI_CAP_ID_MSIX, 0), 0);
	free_bus(host.root);
}

TEST(memory)
{
	long before = host_allocated();

	FOR_EACH_FAILURE
	{
		machine_reset();
		random_tree(host_prng(), NULL, 2);
		if (scan() != -ENOMEM || host.root) {
			pci_bus_assign(host.root);
			free_bus(host.root);
		}
	}
	EXPECT_EQ(host_allocated(), before);
}
