/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the machine's memory map to a working allocator.
 *
 * The boot allocator carves from the top of a short list of free ranges and forgets nothing but
 * that list. With it are made, in order: the array of struct page, virtually contiguous at the end
 * of the vmalloc range and backed only where there is RAM (rounded to the buddy's largest block, so
 * that the buddy may look at any neighbour); the kernel's final page tables; then every range left
 * over goes to the buddy.
 *
 * The final map: the image by its sections (text may be executed, constants only read), the physmap
 * of all RAM writable and never executable (and read-only where it aliases text and constants),
 * device memory and everything else by vmalloc.  Nothing is both writable and executable.  The
 * parts of the image that only the start needs are given back by mm_free_init().
 */
#define LOG_PREFIX "mm: "
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include <mm/tlb.h>
#include <mm/vmalloc.h>
#include "mm_internal.h"

#define RANGES_MAX  320
#define ARRAY_ALIGN (1ull << MAX_ORDER)

struct range_list {
	struct frame_range range[RANGES_MAX]; /* ascending, disjoint, not touching */
	unsigned nr;
};

static struct range_list ram;   /* every frame with a struct page */
static struct range_list spare __initbss; /* of these, the ones nobody uses */
static bool boot_closed;

struct page *page_array;
pfn_t pfn_first, pfn_limit;
u64 ram_total_pages;
vaddr_t vmalloc_start, vmalloc_limit;
paddr_t kernel_pt_root;

static void ranges_drop(struct range_list *l, unsigned i)
{
	memmove(&l->range[i], &l->range[i + 1], (l->nr - i - 1) * sizeof(l->range[0]));
	l->nr--;
}

static void ranges_insert(struct range_list *l, unsigned i, struct frame_range r)
{
	if (l->nr == RANGES_MAX)
		panic("memory map too fragmented");
	memmove(&l->range[i + 1], &l->range[i], (l->nr - i) * sizeof(l->range[0]));
	l->range[i] = r;
	l->nr++;
}

static void ranges_add(struct range_list *l, pfn_t start, pfn_t end)
{
	unsigned i = 0;

	if (start >= end)
		return;
	while (i < l->nr && l->range[i].end < start)
		i++;
	while (i < l->nr && l->range[i].start <= end) {
		start = min(start, l->range[i].start);
		end = max(end, l->range[i].end);
		ranges_drop(l, i);
	}
	ranges_insert(l, i, (struct frame_range){start, end});
}

static void ranges_remove(struct range_list *l, pfn_t start, pfn_t end)
{
	for (unsigned i = 0; i < l->nr;) {
		struct frame_range r = l->range[i];

		if (r.end <= start || r.start >= end) {
			i++;
			continue;
		}
		ranges_drop(l, i);
		if (r.start < start)
			ranges_insert(l, i++, (struct frame_range){r.start, start});
		if (r.end > end)
			ranges_insert(l, i++, (struct frame_range){end, r.end});
	}
}

static void spare_remove_bytes(paddr_t base, u64 size)
{
	if (size)
		ranges_remove(&spare, base >> PAGE_SHIFT,
			      (base + size + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

static void ranges_collect(const struct boot_info *info)
{
	for (unsigned i = 0; i < info->nr_mem; i++) {
		const struct boot_mem *m = &info->mem[i];
		pfn_t in = (m->base + PAGE_SIZE - 1) >> PAGE_SHIFT;
		pfn_t in_end = (m->base + m->size) >> PAGE_SHIFT;

		if (m->type == BOOT_MEM_RAM) {
			ranges_add(&ram, in, in_end);
			ranges_add(&spare, in, in_end);
		} else if (m->type == BOOT_MEM_ACPI) {
			ranges_add(&ram, m->base >> PAGE_SHIFT,
				   (m->base + m->size + PAGE_SIZE - 1) >> PAGE_SHIFT);
		}
	}
	/* Firmware's memory map may claim the end of what the loader put there after it (SeaBIOS
	 * takes memory at the top of RAM for each disk it finds). */
	if (info->initrd_size)
		ranges_add(&ram, info->initrd_base >> PAGE_SHIFT,
			   (info->initrd_base + info->initrd_size + PAGE_SIZE - 1) >> PAGE_SHIFT);
	for (unsigned i = 0; i < info->nr_mem; i++)
		if (info->mem[i].type != BOOT_MEM_RAM)
			spare_remove_bytes(info->mem[i].base, info->mem[i].size);
	spare_remove_bytes(0, PAGE_SIZE);
	spare_remove_bytes(info->image_base, info->image_size);
	spare_remove_bytes(info->initrd_base, info->initrd_size);
	spare_remove_bytes(info->dtb, info->dtb_size);
	if (!spare.nr)
		panic("no memory");
}

/* The boot code mapped at least the RAM below 4 GiB. */
static pfn_t boot_reach(void)
{
	return spare.range[0].start < ZONE_DMA32_LIMIT ? ZONE_DMA32_LIMIT : ~0ull;
}

static paddr_t boot_alloc_frames(u64 pages, u64 align)
{
	if (boot_closed)
		panic("boot_alloc after boot");
	for (unsigned i = spare.nr; i-- > 0;) {
		struct frame_range r = spare.range[i];
		pfn_t end = min(r.end, boot_reach());

		if (end < r.start + pages)
			continue;

		pfn_t at = ALIGN_DOWN(end - pages, align);

		if (at < r.start)
			continue;
		ranges_remove(&spare, at, at + pages);
		return at << PAGE_SHIFT;
	}
	panic("out of memory at boot: %llu pages", pages);
}

void *boot_alloc(size_t size, size_t align)
{
	static vaddr_t chunk, chunk_end;
	size_t whole = ALIGN_UP(size, PAGE_SIZE);

	if (size < PAGE_SIZE / 2) {
		chunk = ALIGN_UP(chunk, align);
		if (!chunk || chunk + size > chunk_end) {
			chunk = (vaddr_t)boot_alloc(PAGE_SIZE, PAGE_SIZE);
			chunk_end = chunk + PAGE_SIZE;
		}
		chunk += size;
		return (void *)(chunk - size);
	}

	u64 align_pages = max(align, (size_t)PAGE_SIZE) >> PAGE_SHIFT;
	void *p = phys_to_virt(boot_alloc_frames(whole >> PAGE_SHIFT, align_pages));

	memset(p, 0, whole);
	return p;
}

static int boot_table_alloc(struct pt_source *src, unsigned level, vaddr_t base, paddr_t *out)
{
	*out = virt_to_phys(boot_alloc(PAGE_SIZE, PAGE_SIZE));
	return 0;
}

static struct pt_source boot_source = {.alloc = boot_table_alloc};

#define KERNEL_RO (PTE_R | PTE_GLOBAL | PTE_ACCESSED)
#define KERNEL_RW (KERNEL_RO | PTE_W | PTE_DIRTY)
#define KERNEL_RX (KERNEL_RO | PTE_X)

static unsigned largest_leaf(void)
{
	unsigned level = arch_pt_levels() - 2;

	while (level && !arch_pt_leaf_ok(level))
		level--;
	return level;
}

static void boot_map(vaddr_t va, paddr_t pa, u64 len, unsigned flags)
{
	if (len &&
	    pt_map(kernel_pt_root, va, pa, len, flags, MEM_NORMAL, largest_leaf(), &boot_source))
		panic("cannot map kernel memory at %#lx", va);
}

/* Back the array for frames [start, end); [.., done) is backed already.  Returns the new `done`. */
static vaddr_t array_back(pfn_t start, pfn_t end, vaddr_t done)
{
	vaddr_t va = max(ALIGN_DOWN((vaddr_t)(page_array + start), PAGE_SIZE), done);
	vaddr_t va_end = ALIGN_UP((vaddr_t)(page_array + end), PAGE_SIZE);

	if (va >= va_end)
		return done;

	size_t len = va_end - va;
	size_t align = len >= PT_SIZE(1) && IS_ALIGNED(va, PT_SIZE(1)) ? PT_SIZE(1) : PAGE_SIZE;

	boot_map(va, virt_to_phys(boot_alloc(len, align)), len, KERNEL_RW);
	return va_end;
}

static void array_place(void)
{
	pfn_first = ALIGN_DOWN(ram.range[0].start, ARRAY_ALIGN);
	pfn_limit = ALIGN_UP(ram.range[ram.nr - 1].end, ARRAY_ALIGN);

	u64 bytes = (pfn_limit - pfn_first) * sizeof(struct page);
	vaddr_t base = ALIGN_DOWN(VMALLOC_END - bytes, PT_SIZE(1));

	page_array = (struct page *)base - pfn_first;
	vmalloc_start = VMALLOC_BASE;
	vmalloc_limit = base - PT_SIZE(1);

	for (unsigned i = 0; i < ram.nr; i++)
		ram_total_pages += ram.range[i].end - ram.range[i].start;

	u64 wanted = max(ram_total_pages * PAGE_SIZE * 8, 4ull << 30);

	if (vmalloc_limit - vmalloc_start > wanted)
		vmalloc_limit = vmalloc_start + wanted;
}

static void array_build(void)
{
	vaddr_t done = 0;

	for (unsigned i = 0; i < ram.nr; i++)
		done = array_back(ALIGN_DOWN(ram.range[i].start, ARRAY_ALIGN),
				  ALIGN_UP(ram.range[i].end, ARRAY_ALIGN), done);
}

static paddr_t image_phys(const struct boot_info *info, const char *symbol)
{
	return info->image_base + (paddr_t)(symbol - __image_start);
}

/* The linear map of what RAM there is between two places. */
static void map_physmap_part(paddr_t from, paddr_t to, unsigned flags)
{
	for (unsigned i = 0; i < ram.nr; i++) {
		paddr_t start = clamp(ram.range[i].start << PAGE_SHIFT, from, to);
		paddr_t end = clamp(ram.range[i].end << PAGE_SHIFT, from, to);

		boot_map(PHYSMAP_BASE + start, start, end - start, flags);
	}
}

static void map_physmap(const struct boot_info *info)
{
	paddr_t ro = image_phys(info, __text_start), ro_end = image_phys(info, __rodata_end);

	map_physmap_part(0, ro, KERNEL_RW);
	map_physmap_part(ro, ro_end, KERNEL_RO);
	map_physmap_part(ro_end, ~0ull, KERNEL_RW);
}

static void map_section(const struct boot_info *info, const char *start, const char *end,
			unsigned flags)
{
	boot_map((vaddr_t)start, image_phys(info, start), (u64)(end - start), flags);
}

/* Each part by itself, so that no leaf covers what will change and what will not. */
static void map_image(const struct boot_info *info)
{
	map_section(info, __image_start, __text_start, KERNEL_RO);
	map_section(info, __text_start, __text_end, KERNEL_RX);
	map_section(info, __text_end, __rodata_end, KERNEL_RO);
	map_section(info, __rodata_end, __init_data_start, KERNEL_RW);
	map_section(info, __init_data_start, __init_data_end, KERNEL_RW);
	map_section(info, __init_data_end, __image_end, KERNEL_RW);
}

/* Frames that are not free are held by somebody unknown. */
static void mark_reserved(void)
{
	static struct range_list held __initbss;

	held = ram;
	for (unsigned i = 0; i < spare.nr; i++)
		ranges_remove(&held, spare.range[i].start, spare.range[i].end);
	for (unsigned i = 0; i < held.nr; i++)
		for (pfn_t pfn = held.range[i].start; pfn < held.range[i].end; pfn++) {
			pfn_to_page(pfn)->flags = 1u << PG_reserved;
			pfn_to_page(pfn)->counts = PAGE_COUNT_REF;
		}
}

void mm_init_boot(const struct boot_info *info)
{
	ranges_collect(info);
	array_place();

	kernel_pt_root = virt_to_phys(boot_alloc(PAGE_SIZE, PAGE_SIZE));
	array_build();
	map_physmap(info);
	map_image(info);

	unsigned top = arch_pt_levels() - 1;

	if (pt_populate(kernel_pt_root, vmalloc_start, vmalloc_limit - vmalloc_start, top - 1,
			&boot_source))
		panic("cannot populate the vmalloc range");
	arch_mmu_set_kernel_root(kernel_pt_root);
	arch_mmu_switch(&arch_kernel_mmu);

	frames_init();
	mark_reserved();
	boot_closed = true;
	for (unsigned i = 0; i < spare.nr; i++)
		frames_add(spare.range[i].start, spare.range[i].end);
	frames_set_watermarks(0);
	slab_init();
	log_info("%llu KiB of RAM, %llu KiB free\n", ram_total_pages << (PAGE_SHIFT - 10),
		 frames_free() << (PAGE_SHIFT - 10));
}

bool pfn_is_ram(pfn_t pfn)
{
	unsigned lo = 0, hi = ram.nr;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (pfn < ram.range[mid].start)
			hi = mid;
		else if (pfn >= ram.range[mid].end)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

/* Claimed by firmware, though the loader put something there. */
static bool frame_is_firmwares(pfn_t pfn)
{
	paddr_t pa = pfn << PAGE_SHIFT;

	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		const struct boot_mem *m = &boot_info.mem[i];

		if (m->type != BOOT_MEM_RAM && pa + PAGE_SIZE > m->base && pa < m->base + m->size)
			return true;
	}
	return false;
}

void memory_free_boot(paddr_t start, paddr_t end)
{
	pfn_t first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	while (first < last && !pfn_is_ram(first))
		first++;
	for (pfn_t pfn = first; pfn < last; pfn++) {
		struct page *p = pfn_to_page(pfn);

		if (!pfn_is_ram(pfn) || !page_test(p, PG_reserved) || frame_is_firmwares(pfn))
			continue;
		p->flags = 0;
		p->counts = 0;
		frames_add(pfn, pfn + 1);
	}
	frames_set_watermarks(0);
}

/* Table pages of the kernel's tree: from boot memory first, then from the allocator. */
static int kernel_table_alloc(struct pt_source *src, unsigned level, vaddr_t base, paddr_t *out)
{
	if (!boot_closed)
		return boot_table_alloc(src, level, base, out);

	struct page *p = page_alloc(GFP_KERNEL | __GFP_ZERO);

	if (!p)
		return -ENOMEM;
	page_set(p, PG_table);
	p->table_mm = NULL;
	p->table_base = base;
	p->table_level = level;
	vm_gauge_add(VM_NR_PAGETABLE, 1);
	*out = page_to_phys(p);
	return 0;
}

static struct pt_source kernel_source = {.alloc = kernel_table_alloc};
static struct mutex kernel_pt_lock = MUTEX_INIT(kernel_pt_lock, RANK_VMALLOC_MAP);

int kernel_map(vaddr_t va, paddr_t pa, size_t len, unsigned flags, enum memtype type)
{
	guard_mutex(&kernel_pt_lock);

	return pt_map(kernel_pt_root, va, pa, len, flags | PTE_GLOBAL | PTE_ACCESSED, type, 1,
		      &kernel_source);
}

void kernel_unmap(vaddr_t va, size_t len,
		  void (*gone)(pte_t e, unsigned level, vaddr_t va, void *ctx), void *ctx)
{
	guard_mutex(&kernel_pt_lock);

	pt_unmap(kernel_pt_root, va, len, gone, ctx);
}

void kernel_protect(vaddr_t va, size_t len, unsigned set, unsigned clear)
{
	guard_mutex(&kernel_pt_lock);

	pt_protect(kernel_pt_root, va, len, set, clear);
}

/* A part of the image becomes free memory, known only by its address in the linear map. */
void mm_free_init(void)
{
	vaddr_t start = (vaddr_t)__init_data_start, end = (vaddr_t)__init_data_end;
	paddr_t pa = image_phys(&boot_info, __init_data_start);

	kernel_unmap(start, end - start, NULL, NULL);
	tlb_shootdown_kernel(start, end);
	memory_free_boot(pa, pa + (end - start));
	log_info("%llu KiB of the image given back\n", (u64)(end - start) >> 10);
}

bool kernel_va_to_phys(const void *va, paddr_t *out)
{
	pte_t e;
	unsigned level;

	if (!pt_lookup(kernel_pt_root, (vaddr_t)va, &e, &level))
		return false;
	*out = arch_pte_addr(e, level) | ((vaddr_t)va & (PT_SIZE(level) - 1));
	return true;
}
