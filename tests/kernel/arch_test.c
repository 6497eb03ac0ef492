/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The architecture contract, as far as it can be tried from inside: entries, string functions, user
 * copies, clock. */
#include <arch/debug.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <arch/usercopy.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/ktest.h>
#include <kernel/debug/symbols.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/ipi.h>
#include <mm/alloc.h>

static const unsigned user_optional[] = {PTE_W,     PTE_X,       PTE_ACCESSED,
					 PTE_DIRTY, PTE_SPECIAL, PTE_NONE};

/* Every combination of the bits above over a readable user leaf. */
static unsigned user_flags(unsigned choice)
{
	unsigned flags = PTE_R | PTE_USER;

	for (unsigned i = 0; i < ARRAY_SIZE(user_optional); i++)
		if (choice >> i & 1)
			flags |= user_optional[i];
	return flags;
}

#define NR_CHOICES (1u << ARRAY_SIZE(user_optional))

KTEST(arch_pte_leaf)
{
	for (unsigned level = 0; level < 3 && arch_pt_leaf_ok(level); level++)
		for (unsigned c = 0; c < NR_CHOICES; c++) {
			paddr_t pa = 0x80000000;
			pte_t e = arch_pte_leaf(pa, user_flags(c), MEM_NORMAL, level);

			KREQUIRE(arch_pte_present(e) && arch_pte_is_leaf(e, level));
			KREQUIRE(arch_pte_addr(e, level) == pa);
			KREQUIRE(arch_pte_flags(e) == user_flags(c));
		}
}

KTEST(arch_pte_change)
{
	for (unsigned from = 0; from < NR_CHOICES; from++)
		for (unsigned to = 0; to < NR_CHOICES; to++) {
			unsigned a = user_flags(from), b = user_flags(to);
			pte_t e = arch_pte_leaf(0x1234567000, a, MEM_NORMAL, 0);

			e = arch_pte_change(e, b & ~a, a & ~b);
			KREQUIRE(arch_pte_flags(e) == b && arch_pte_addr(e, 0) == 0x1234567000);
		}
}

KTEST(arch_pte_absent)
{
	for (unsigned bit = 0; bit <= 50; bit++) {
		u64 token = bit == 50 ? (1ull << 50) - 1 : 1ull << bit;
		pte_t e = arch_pte_absent(token);

		KREQUIRE(e.raw && !arch_pte_present(e) && arch_pte_token(e) == token);
	}
	KEXPECT(arch_pte_absent(0).raw != 0 && arch_pte_token(arch_pte_absent(0)) == 0);
	KEXPECT(!arch_pte_present((pte_t){ 0 }));

	pte_t table = arch_pte_table(0x7654321000, true);

	KEXPECT(arch_pte_present(table) && !arch_pte_is_leaf(table, 1));
	KEXPECT(arch_pte_addr(table, 1) == 0x7654321000);
}

#define ARENA 1024

static bool arenas_equal(const u8 *a, const u8 *b)
{
	for (unsigned i = 0; i < ARENA; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

KTEST(arch_memmove)
{
	u8 *real = kmalloc(3 * ARENA, GFP_KERNEL), *model = real + ARENA, *copy = model + ARENA;
	struct prng *rng = ktest_prng();

	KREQUIRE(real);
	for (unsigned round = 0; round < 3000; round++) {
		unsigned n = prng_below(rng, round & 1 ? 80 : 400),
			 from = prng_below(rng, ARENA - n),
			 to = prng_below(rng, 8) ? (from + prng_below(rng, 160)) % (ARENA - n)
						 : prng_below(rng, ARENA - n);

		for (unsigned i = 0; i < ARENA; i++)
			real[i] = model[i] = (u8)prng_next(rng);
		for (unsigned i = 0; i < n; i++)
			copy[i] = model[from + i];
		for (unsigned i = 0; i < n; i++)
			model[to + i] = copy[i];
		(memmove)(real + to, real + from, n);
		if (!arenas_equal(real, model)) {
			ktest_fail(__FILE__, __LINE__, "memmove");
			break;
		}
		(memset)(real + to, (int)round, n);
		for (unsigned i = 0; i < n; i++)
			model[to + i] = (u8)round;
		if (!arenas_equal(real, model)) {
			ktest_fail(__FILE__, __LINE__, "memset");
			break;
		}
	}
	kfree(real);
}

KTEST(arch_pages)
{
	u8 *a = vmalloc(2 * PAGE_SIZE), *b = a + PAGE_SIZE;

	KREQUIRE(a);
	memset(a, 0x5a, 2 * PAGE_SIZE);
	clear_page(a);
	KEXPECT(!memchr_inv(a, 0, PAGE_SIZE) && !memchr_inv(b, 0x5a, PAGE_SIZE));
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		a[i] = (u8)(i * 7 + i / 256);
	copy_page(b, a);
	KEXPECT(!memcmp(a, b, PAGE_SIZE));
	vfree(a);
}

/* A kernel thread has no user half: every access faults and must come back as an error. */
KTEST(arch_user_fault)
{
	u32 v32 = 0, old = 0;
	u64 v64 = 0;
	char buf[200];
	void *nowhere = (void *)0x10000;

	KEXPECT(arch_get_user32(&v32, nowhere) == -EFAULT);
	KEXPECT(arch_get_user64(&v64, nowhere) == -EFAULT);
	KEXPECT(arch_put_user32(nowhere, 1) == -EFAULT);
	KEXPECT(arch_put_user64(nowhere, 1) == -EFAULT);
	KEXPECT(arch_user_cmpxchg32(nowhere, &v32, 1) == -EFAULT);
	KEXPECT(arch_user_fetch_op32(nowhere, 1, 1, &old) == -EFAULT);
	KEXPECT(arch_user_fetch_op32(nowhere, 7, 1, &old) == -ENOSYS);
	KEXPECT(arch_strncpy_from_user(buf, nowhere, sizeof(buf)) == -EFAULT);
	for (size_t n = 0; n <= sizeof(buf); n++) {
		KREQUIRE(arch_copy_from_user(buf, nowhere, n) == n);
		KREQUIRE(arch_copy_to_user(nowhere, buf, n) == n);
		KREQUIRE(arch_clear_user(nowhere, n) == n);
	}
}

static u64 latest; /* [a] */
static u32 backward; /* [a] */

static void clock_probe(void *unused)
{
	u64 seen = atomic_load_acquire(&latest), now = arch_clock_read();

	if ((s64)(now - seen) < 0)
		atomic_inc(&backward);
	atomic_store_release(&latest, now);
}

KTEST(arch_clock)
{
	u64 begin = arch_clock_read();
	unsigned cpu;

	for (unsigned round = 0; round < 200; round++)
		for_each_online_cpu (cpu)
			smp_call_cpu(cpu, clock_probe, NULL, true);
	KEXPECT(arch_clock_hz() >= 1000000);
	KEXPECT(arch_clock_read() > begin);
	KEXPECT(atomic_load(&backward) == 0);
}

KTEST(arch_unwind)
{
	struct unwind u;
	unsigned depth = 0;
	const char *name;
	size_t offset, size;

	arch_unwind_start(&u, NULL, NULL);
	KEXPECT(symbol_lookup(u.pc, &name, &offset, &size));
	while (arch_unwind_next(&u) && depth < 100)
		depth++;
	KEXPECT(depth >= 2 && depth < 100);
}
