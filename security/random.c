/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's random number generator.
 *
 *	boot seed, CPU generator, interrupt timing --> pool (BLAKE2s) --> base key --> key of each
 * CPU --> output
 *
 * Output is ChaCha20 key stream.  The first half of a request's first block becomes the CPU's next
 * key before any byte is handed out, so that a key seen later tells nothing about earlier output
 * (fast key erasure).  A CPU whose key is older than the base key's generation takes a new one,
 * derived the same way from the base key.
 *
 * Lock order: pool_lock is a leaf; the per-CPU keys are used with interrupts off.
 */
#include <security/random.h>

#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/timer.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/spinlock.h>
#include <security/crypto/blake2s.h>
#include <security/crypto/chacha.h>

#define KEY_SIZE 32
/* Unknown bits that make a new base key worth while. */
#define RESEED_BITS 256

struct cpu_key {
	u8 key[KEY_SIZE];
	u64 generation; /* of the base key it came from; 0: none yet */
};

static DEFINE_PER_CPU(struct cpu_key, cpu_key);

static struct spinlock pool_lock = SPINLOCK_INIT(RANK_RANDOM);
static struct blake2s pool;   /* [p] pool_lock */
static u8 base_key[KEY_SIZE]; /* [p] */
static u64 base_generation;   /* [p to write, a] */
static unsigned pool_bits;    /* [p] collected since the last base key */

/* out[0..32) becomes the next key, the rest is output of the same block. */
static void next_key(u8 key[KEY_SIZE], u8 block[CHACHA_BLOCK_SIZE])
{
	u32 state[16];

	chacha20_init(state, key);
	chacha20_block(state, block);
	memcpy(key, block, KEY_SIZE);
	memset(state, 0, sizeof(state));
}

static void mix_machine_locked(void)
{
	u64 v;

	for (int i = 0; i < 4; i++) {
		if (!arch_cpu_random(&v))
			v = arch_clock_read();
		blake2s_update(&pool, &v, sizeof(v));
	}
}

/* New base key from everything collected.  The pool goes on from its own digest. */
static void reseed_locked(void)
{
	u8 digest[BLAKE2S_SIZE];

	mix_machine_locked();
	blake2s_update(&pool, base_key, sizeof(base_key));
	blake2s_final(&pool, digest);
	memcpy(base_key, digest, KEY_SIZE);
	blake2s_init(&pool);
	blake2s_update(&pool, digest, sizeof(digest));
	next_key(base_key, (u8[CHACHA_BLOCK_SIZE]){0});
	pool_bits = 0;
	atomic_store_release(&base_generation, base_generation + 1);
	memset(digest, 0, sizeof(digest));
}

void random_init(const void *seed, size_t len)
{
	guard_spin_irq(&pool_lock);
	blake2s_init(&pool);
	blake2s_update(&pool, seed, len);
	reseed_locked();
}

void random_add(const void *data, size_t n, unsigned bits)
{
	u64 now = arch_clock_read();
	guard_spin_irq(&pool_lock);

	blake2s_update(&pool, &now, sizeof(now));
	blake2s_update(&pool, data, n);
	pool_bits += bits;
	if (pool_bits >= RESEED_BITS)
		reseed_locked();
}

static void cpu_key_refresh(struct cpu_key *k)
{
	u8 block[CHACHA_BLOCK_SIZE];

	if (likely(k->generation == atomic_load_acquire(&base_generation)))
		return;
	guard_spin(&pool_lock);
	next_key(base_key, block);
	memcpy(k->key, block + KEY_SIZE, KEY_SIZE);
	k->generation = base_generation;
	memset(block, 0, sizeof(block));
}

void random_bytes(void *buf, size_t n)
{
	u32 state[16];
	u8 block[CHACHA_BLOCK_SIZE];
	u8 *p = buf;

	/* Only the key is per CPU: once it is replaced, the stream is ours alone. */
	irqflags_t flags = arch_irq_save();
	struct cpu_key *k = &this_cpu(cpu_key);
	cpu_key_refresh(k);
	chacha20_init(state, k->key);
	next_key(k->key, block);
	arch_irq_restore(flags);

	size_t part = min(n, (size_t)(CHACHA_BLOCK_SIZE - KEY_SIZE));
	memcpy(p, block + KEY_SIZE, part);
	for (p += part, n -= part; n; p += part, n -= part) {
		state[12]++;
		chacha20_block(state, block);
		part = min(n, sizeof(block));
		memcpy(p, block, part);
	}
	memset(block, 0, sizeof(block));
	memset(state, 0, sizeof(state));
}

u64 random_u64(void)
{
	u64 v;

	random_bytes(&v, sizeof(v));
	return v;
}

u64 random_below(u64 bound)
{
	/* Reject the tail that would favour small results. */
	u64 limit = U64_MAX - U64_MAX % bound;
	u64 v;

	do {
		v = random_u64();
	} while (v >= limit);
	return v % bound;
}
