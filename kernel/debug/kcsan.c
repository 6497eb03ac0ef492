/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Concurrency sanitizer.
 *
 * The compiler calls these functions at every access.  A small table holds watchpoints: an address,
 * a size, and whether the access writes.  Every access first looks for a watchpoint of another
 * processor that overlaps it; if one of the two writes and one is unmarked, they race, and the
 * finder tells the setter by replacing the watchpoint with its own program counter.  Every few
 * thousandth unmarked access of a processor sets a watchpoint itself, keeps interrupts off, waits a
 * while, and then looks whether it was found, or the value changed by a hand the compiler did not
 * instrument.
 *
 *	setter				finder
 *	slot = address, size, write
 *	wait				access overlaps: slot = FOUND | pc
 *	slot is FOUND: report both
 *
 * Marked are atomics and volatile accesses (READ_ONCE, WRITE_ONCE); two of them never race.  A pair
 * of places is reported once.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/debug/kcsan.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/hash.h>
#include <kernel/smp/cpu.h>

#define SLOTS    64
#define SEEN     256
#define SKIP     3000 /* accesses of a processor between two watchpoints, about */
#define PATIENCE 1500 /* turns of the waiting loop */

/* A slot: 0, or the address in the low 48 bits, size in 5 bits, one bit for a write; or FOUND and a
 * pc. */
#define SLOT_ADDRESS ((1ull << 48) - 1)
#define SLOT_WRITE   (1ull << 62)
#define SLOT_FOUND   (1ull << 63)

enum access { READ = 0, WRITE = 1, MARKED = 2 };

/* One processor's; interrupts on top of it use it too. */
struct cpu_state {
	u32 skip; /* accesses until the next watchpoint */
	u32 busy; /* a watchpoint is set or a report being made here */
	u32 random;
} __aligned(64);

static u64 slots[SLOTS]; /* [a] */
static struct cpu_state cpu_states[CONFIG_NR_CPUS];
static u64 seen[SEEN]; /* [a] hashes of pairs already reported */
static u32 enabled;    /* [a] */

void kcsan_init(void)
{
	for (unsigned i = 0; i < CONFIG_NR_CPUS; i++)
		cpu_states[i].random = i * 2654435761u + 1;
	atomic_store_release(&enabled, 1);
	log_raw(LOG_NOTICE, "kcsan: watching");
}

static __always_inline u64 *slot_for(vaddr_t addr)
{
	return &slots[hash64(addr >> 12, 6)];
}

static __always_inline u64 encode(vaddr_t addr, size_t size, unsigned access)
{
	return (addr & SLOT_ADDRESS) | (u64)size << 56 | (access & WRITE ? SLOT_WRITE : 0);
}

static __always_inline bool overlaps(u64 slot, vaddr_t addr, size_t size)
{
	u64 theirs = slot & SLOT_ADDRESS, ours = addr & SLOT_ADDRESS, their_size = slot >> 56 & 31;

	return ours < theirs + their_size && theirs < ours + size;
}

static bool first_time(vaddr_t a, vaddr_t b)
{
	u64 pair = hash_mix64(a < b ? a * 31 + b : b * 31 + a) | 1;

	for (unsigned i = 0; i < SEEN; i++) {
		u64 empty = 0;

		if (atomic_load(&seen[i]) == pair)
			return false;
		if (atomic_cmpxchg(&seen[i], &empty, pair))
			return true;
		if (empty == pair)
			return false;
	}
	return false;
}

static const char *what(unsigned access)
{
	if (access & MARKED)
		return access & WRITE ? "marked write" : "marked read";
	return access & WRITE ? "write" : "read";
}

static __cold void report(vaddr_t addr, size_t size, unsigned access, vaddr_t pc, vaddr_t other)
{
	if (panicking() || !first_time(pc, other))
		return;
	log_raw(LOG_REPORT, "KCSAN: data race in %ps / %ps", (void *)pc, (void *)other);
	log_raw(LOG_REPORT, "KCSAN: %s of %zu bytes at %016lx by %pS, against %pS", what(access),
		size, addr, (void *)pc, (void *)other);
	backtrace(LOG_REPORT, NULL, NULL);
}

static u64 value_at(vaddr_t addr, size_t size)
{
	switch (size) {
	case 1: return *(volatile u8 *)addr;
	case 2: return *(volatile u16 *)addr;
	case 4: return *(volatile u32 *)addr;
	case 8: return *(volatile u64 *)addr;
	default: return 0;
	}
}

/* Set a watchpoint, wait, and look.  Interrupts are off. */
static void watch(struct cpu_state *s, vaddr_t addr, size_t size, unsigned access, vaddr_t pc)
{
	u64 *slot = slot_for(addr), mine = encode(addr, size, access), empty = 0;

	if (!atomic_cmpxchg(slot, &empty, mine))
		return;

	u64 before = value_at(addr, size);

	s->random = s->random * 1664525 + 1013904223;
	for (unsigned i = 0; i < PATIENCE / 4 + (s->random >> 16) % PATIENCE; i++)
		arch_cpu_relax();

	bool changed = value_at(addr, size) != before;
	u64 now = atomic_xchg(slot, 0);

	if (now & SLOT_FOUND && now != mine)
		report(addr, size, access, pc, (vaddr_t)(now | ~SLOT_ADDRESS));
	else if (changed)
		report(addr, size, access, pc, 0);
}

static void consider_watch(vaddr_t addr, size_t size, unsigned access, vaddr_t pc)
{
	irqflags_t flags = arch_irq_save();
	struct cpu_state *s = &cpu_states[cpu_id()];

	if (s->skip) {
		s->skip--;
	} else if (!s->busy && size <= 16) {
		s->busy = 1;
		s->random = s->random * 1664525 + 1013904223;
		s->skip = SKIP / 2 + (s->random >> 16) % SKIP;
		watch(s, addr, size, access, pc);
		s->busy = 0;
	}
	arch_irq_restore(flags);
}

static __always_inline void check(vaddr_t addr, size_t size, unsigned access, vaddr_t pc)
{
	if (!READ_ONCE(enabled))
		return;

	u64 *slot = slot_for(addr), w = atomic_load(slot);

	if (unlikely(w) && !(w & SLOT_FOUND) && overlaps(w, addr, size) &&
	    (access & WRITE || w & SLOT_WRITE))
		(void)atomic_cmpxchg(slot, &w, SLOT_FOUND | (pc & SLOT_ADDRESS));
	if (!(access & MARKED))
		consider_watch(addr, size, access, pc);
}

#define CALLER ((vaddr_t)__builtin_return_address(0))

/* The compiler's names.  A watchpoint covers at most 16 bytes. */
#define ACCESS_KIND(name, size, kind)                                                              \
	void __tsan_##name(void *p);                                                               \
	void __tsan_##name(void *p)                                                                \
	{                                                                                          \
		check((vaddr_t)p, size, kind, CALLER);                                             \
	}

#define ACCESS_SIZE(size)                                                                          \
	ACCESS_KIND(read##size, size, READ)                                                        \
	ACCESS_KIND(write##size, size, WRITE)                                                      \
	ACCESS_KIND(unaligned_read##size, size, READ)                                              \
	ACCESS_KIND(unaligned_write##size, size, WRITE)                                            \
	ACCESS_KIND(volatile_read##size, size, READ | MARKED)                                      \
	ACCESS_KIND(volatile_write##size, size, WRITE | MARKED)                                    \
	ACCESS_KIND(unaligned_volatile_read##size, size, READ | MARKED)                            \
	ACCESS_KIND(unaligned_volatile_write##size, size, WRITE | MARKED)                          \
	ACCESS_KIND(read_write##size, size, WRITE)                                                 \
	ACCESS_KIND(unaligned_read_write##size, size, WRITE)

ACCESS_SIZE(1)
ACCESS_SIZE(2)
ACCESS_SIZE(4)
ACCESS_SIZE(8)
ACCESS_SIZE(16)

void __tsan_read_range(void *p, size_t size);
void __tsan_write_range(void *p, size_t size);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_init(void);

void __tsan_read_range(void *p, size_t size)
{
	check((vaddr_t)p, size, READ, CALLER);
}

void __tsan_write_range(void *p, size_t size)
{
	check((vaddr_t)p, size, WRITE, CALLER);
}

void __tsan_func_entry(void *pc)
{
}

void __tsan_func_exit(void)
{
}

void __tsan_init(void)
{
}

/*
 * Atomics: the instrumented code calls these instead of doing them.  Whatever order was asked for,
 * the strongest is given, which hides no race of unmarked accesses.
 */
#define ATOMIC_FETCH(bits, op)                                                                     \
	u##bits __tsan_atomic##bits##_fetch_##op(u##bits *p, u##bits v, int order);                \
	u##bits __tsan_atomic##bits##_fetch_##op(u##bits *p, u##bits v, int order)                 \
	{                                                                                          \
		check((vaddr_t)p, bits / 8, WRITE | MARKED, CALLER);                               \
		return __atomic_fetch_##op(p, v, __ATOMIC_SEQ_CST);                                \
	}

#define ATOMIC_CAS(bits, strength)                                                                 \
	int __tsan_atomic##bits##_compare_exchange_##strength(u##bits *p, u##bits *expected,       \
							      u##bits v, int ok, int bad);         \
	int __tsan_atomic##bits##_compare_exchange_##strength(u##bits *p, u##bits *expected,       \
							      u##bits v, int ok, int bad)          \
	{                                                                                          \
		check((vaddr_t)p, bits / 8, WRITE | MARKED, CALLER);                               \
		return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST,        \
						   __ATOMIC_SEQ_CST);                              \
	}

#define ATOMIC_PLAIN(bits)                                                                         \
	u##bits __tsan_atomic##bits##_load(const u##bits *p, int order);                           \
	u##bits __tsan_atomic##bits##_load(const u##bits *p, int order)                            \
	{                                                                                          \
		check((vaddr_t)p, bits / 8, READ | MARKED, CALLER);                                \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                       \
	}                                                                                          \
	void __tsan_atomic##bits##_store(u##bits *p, u##bits v, int order);                        \
	void __tsan_atomic##bits##_store(u##bits *p, u##bits v, int order)                         \
	{                                                                                          \
		check((vaddr_t)p, bits / 8, WRITE | MARKED, CALLER);                               \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                          \
	}

#define ATOMIC(bits)                                                                               \
	ATOMIC_PLAIN(bits)                                                                         \
	u##bits __tsan_atomic##bits##_exchange(u##bits *p, u##bits v, int order);                  \
	u##bits __tsan_atomic##bits##_exchange(u##bits *p, u##bits v, int order)                   \
	{                                                                                          \
		check((vaddr_t)p, bits / 8, WRITE | MARKED, CALLER);                               \
		return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                \
	}                                                                                          \
	u##bits __tsan_atomic##bits##_compare_exchange_val(u##bits *p, u##bits expected,           \
							   u##bits v, int ok, int bad);            \
	u##bits __tsan_atomic##bits##_compare_exchange_val(u##bits *p, u##bits expected,           \
							   u##bits v, int ok, int bad)             \
	{                                                                                          \
		check((vaddr_t)p, bits / 8, WRITE | MARKED, CALLER);                               \
		__atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_SEQ_CST,              \
					    __ATOMIC_SEQ_CST);                                     \
		return expected;                                                                   \
	}                                                                                          \
	ATOMIC_CAS(bits, strong)                                                                   \
	ATOMIC_CAS(bits, weak)                                                                     \
	ATOMIC_FETCH(bits, add)                                                                    \
	ATOMIC_FETCH(bits, sub)                                                                    \
	ATOMIC_FETCH(bits, and)                                                                    \
	ATOMIC_FETCH(bits, or)                                                                     \
	ATOMIC_FETCH(bits, xor)                                                                    \
	ATOMIC_FETCH(bits, nand)

ATOMIC_PLAIN(8)
ATOMIC_PLAIN(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

void __tsan_atomic_thread_fence(int order)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order)
{
	barrier();
}
