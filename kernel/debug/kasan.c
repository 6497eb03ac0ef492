/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address sanitizer.
 *
 * The compiler puts a call before every access of instrumented code; the checks here look at the
 * shadow. Nothing but these functions uses the shadow, so it is an ordinary array indexed by the
 * place in the linear map, and exists from kasan_init() on: what was allocated before is "may be
 * touched".
 *
 * A bad access is a bug in the kernel whose consequences are unknown: it panics.
 */
#include <arch/types.h>
#include <kernel/debug/kasan.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/minmax.h>
#include <mm/alloc.h>

static u8 *shadow;         /* [I after boot] */
static vaddr_t tracked;    /* [I after boot] first address with shadow */
static size_t tracked_len; /* [I after boot] */
static u32 disabled;       /* [a] nesting */

void kasan_init(void)
{
	paddr_t low = ~0ull, high = 0;

	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		const struct boot_mem *m = &boot_info.mem[i];

		if (m->type != BOOT_MEM_RAM)
			continue;
		low = min(low, m->base);
		high = max(high, m->base + m->size);
	}
	if (low >= high)
		return;
	low = ALIGN_DOWN(low, PAGE_SIZE);

	u8 *memory = vzalloc((high - low) / KASAN_GRANULE);

	if (!memory) {
		log_raw(LOG_WARN, "kasan: no memory for the shadow");
		return;
	}
	shadow = memory;
	tracked = (vaddr_t)phys_to_virt(low);
	atomic_store_release(&tracked_len, high - low);
}

void kasan_disable(void)
{
	atomic_inc(&disabled);
}

void kasan_enable(void)
{
	atomic_dec(&disabled);
}

/* The shadow of [addr, addr + len), or NULL when it is not all tracked. */
static __always_inline u8 *shadow_of(vaddr_t addr, size_t len)
{
	size_t offset = addr - tracked, size = atomic_load_acquire(&tracked_len);

	if (offset >= size || len > size - offset)
		return NULL;
	return shadow + offset / KASAN_GRANULE;
}

void kasan_poison(const void *addr, size_t len, enum kasan_poison why)
{
	u8 *s = shadow_of((vaddr_t)addr, len);

	for (size_t i = 0; s && i < DIV_ROUND_UP(len, KASAN_GRANULE); i++)
		s[i] = (u8)why;
}

void kasan_unpoison(const void *addr, size_t len)
{
	u8 *s = shadow_of((vaddr_t)addr, len);

	if (!s)
		return;
	for (size_t i = 0; i < len / KASAN_GRANULE; i++)
		s[i] = 0;
	if (len % KASAN_GRANULE)
		s[len / KASAN_GRANULE] = len % KASAN_GRANULE;
}

static const char *reason(u8 value)
{
	switch (value) {
	case KASAN_PAGE_FREE: return "use of a free page";
	case KASAN_SLAB_FREE: return "use after free";
	default: return "out of bounds";
	}
}

static __cold void report(vaddr_t addr, size_t size, bool write, vaddr_t pc, u8 value)
{
	if (atomic_load(&disabled) || panicking())
		return;
	atomic_inc(&disabled);
	panic("KASAN: %s in %pS: %s of %zu bytes at %016lx, shadow %#x", reason(value), (void *)pc,
	      write ? "write" : "read", size, addr, value);
}

/* The first bad shadow byte of a range, or 0. */
static u8 bad_byte(vaddr_t addr, size_t size)
{
	const u8 *s = shadow_of(addr, size);

	while (s && size) {
		size_t within = addr % KASAN_GRANULE, n = min(size, KASAN_GRANULE - within);

		if (*s && (*s >= KASAN_GRANULE || within + n > *s))
			return *s;
		addr += n;
		size -= n;
		s++;
	}
	return 0;
}

static __always_inline void check(vaddr_t addr, size_t size, bool write, vaddr_t pc)
{
	const u8 *s = shadow_of(addr, size);

	if (likely(!s || (addr % KASAN_GRANULE + size <= KASAN_GRANULE && !*s)))
		return;

	u8 bad = bad_byte(addr, size);

	if (unlikely(bad))
		report(addr, size, write, pc, bad);
}

#define CALLER ((vaddr_t)__builtin_return_address(0))

void kasan_check(const void *addr, size_t len, bool write)
{
	check((vaddr_t)addr, len, write, CALLER);
}

/* The compiler's names. */
#define ACCESS(size)                                                                               \
	void __asan_load##size##_noabort(vaddr_t addr);                                            \
	void __asan_load##size##_noabort(vaddr_t addr)                                             \
	{                                                                                          \
		check(addr, size, false, CALLER);                                                  \
	}                                                                                          \
	void __asan_store##size##_noabort(vaddr_t addr);                                           \
	void __asan_store##size##_noabort(vaddr_t addr)                                            \
	{                                                                                          \
		check(addr, size, true, CALLER);                                                   \
	}

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(vaddr_t addr, size_t size);
void __asan_storeN_noabort(vaddr_t addr, size_t size);
void __asan_handle_no_return(void);

void __asan_loadN_noabort(vaddr_t addr, size_t size)
{
	check(addr, size, false, CALLER);
}

void __asan_storeN_noabort(vaddr_t addr, size_t size)
{
	check(addr, size, true, CALLER);
}

void __asan_handle_no_return(void)
{
}
