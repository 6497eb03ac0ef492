/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Swap onto a device that keeps one word of each page: the pages of these tests hold one word all
 * over, so more can be swapped than there is memory.
 */
#include <kernel/abi/mman.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sched/workqueue.h>
#include <kernel/time/clock.h>
#include <mm/iov_iter.h>
#include <mm/page.h>
#include <mm/shmem.h>
#include <mm/space.h>
#include <mm/stat.h>
#include <mm/swap.h>
#include <mm/usercopy.h>

#include "../../mm/swap_internal.h"

#define LATE_MAX 256

static struct {
	u64 *words; /* of each slot */
	u64 pages;
	u32 reads, writes, wrong; /* [a] */
	bool late;                /* transfers end in a worker */
	int error;
	bool released;
	struct spinlock lock;
	struct folio *queue[LATE_MAX]; /* [lock] writes to be ended */
	unsigned nr;                   /* [lock] */
} device = {.lock = SPINLOCK_INIT(RANK_NONE)};

static void late_work(struct work *w)
{
	for (;;) {
		struct folio *f = NULL;

		with_spin_irq(&device.lock) if (device.nr) f = device.queue[--device.nr];
		if (!f)
			return;
		swap_write_done(f, 0);
	}
}

static struct work late = WORK_INIT(late, late_work);

static void header_fill(void *page)
{
	u32 *info = (u32 *)((char *)page + 1024);

	memset(page, 0, PAGE_SIZE);
	info[0] = 1;
	info[1] = (u32)device.pages - 1;
	info[2] = 1;
	info[128] = 77; /* a bad page */
	memcpy((char *)page + PAGE_SIZE - 10, "SWAPSPACE2", 10);
}

static void device_read(void *backing, u64 slot, struct folio *f)
{
	u64 *to = folio_address(f);

	atomic_inc(&device.reads);
	if (!slot)
		header_fill(to);
	else
		for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
			to[i] = device.words[slot];
	swap_read_done(f, slot ? device.error : 0);
}

static bool write_later(struct folio *f)
{
	guard_spin_irq(&device.lock);
	if (!device.late || device.nr == LATE_MAX)
		return false;
	device.queue[device.nr++] = f;
	return true;
}

static void device_write(void *backing, u64 slot, struct folio *f)
{
	const u64 *from = folio_address(f);

	atomic_inc(&device.writes);
	if (!slot || slot >= device.pages || slot == 77 || from[0] != from[PAGE_SIZE / 8 - 1])
		atomic_inc(&device.wrong);
	else
		device.words[slot] = from[0];
	if (write_later(f))
		work_queue(&late);
	else
		swap_write_done(f, 0);
}

static void device_batch(void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

static void device_release(void *backing)
{
	device.released = true;
}

static const struct swap_ops device_ops = {
	.read = device_read,
	.write = device_write,
	.batch = device_batch,
	.release = device_release,
};

static int device_on(u64 pages, unsigned flags)
{
	struct swap_source src = {
		.ops = &device_ops, .identity = &device, .pages = pages, .name = "/dev/ktest"};

	device.words = vzalloc(pages * 8);
	device.pages = pages;
	device.reads = device.writes = device.wrong = 0;
	device.late = device.released = false;
	device.error = 0;
	return device.words ? swap_enable(&src, flags) : -ENOMEM;
}

static void device_off(void)
{
	KEXPECT(!swap_disable(&device) && device.released && !device.wrong);
	KEXPECT(!swap_total_pages() && !swap_free_pages() && !vm_gauge_read(VM_NR_SWAPCACHED));
	work_flush(&late);
	vfree(device.words);
}

static int map_anon(struct mm *mm, u64 pages, vaddr_t *out)
{
	struct mmap_request r = {
		.len = pages << PAGE_SHIFT,
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		.as_limit = ~0ull,
		.data_limit = ~0ull,
		.memlock_limit = ~0ull,
	};

	return mm_map(mm, &r, out);
}

static bool poke(vaddr_t page, u64 word)
{
	static u64 buf[PAGE_SIZE / 8];

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		buf[i] = word;
	return !copy_to_user((void __user *)page, buf, PAGE_SIZE);
}

static u64 peek(vaddr_t a)
{
	u64 first, last;

	if (get_user(first, (u64 __user *)a) || get_user(last, (u64 __user *)(a + PAGE_SIZE - 8)))
		return ~0ull;
	return first == last ? first : ~0ull;
}

static struct mm *space(void)
{
	struct mm *mm;

	if (mm_create(&mm))
		return NULL;
	mm_switch_to(mm);
	return mm;
}

KTEST(swap_private)
{
	struct mm *mm = space(), *child;
	u64 wrong = 0, w;
	vaddr_t a;

	KREQUIRE(mm && !device_on(1000, 0));
	KEXPECT(swap_total_pages() == 998 && swap_free_pages() == 998);
	KREQUIRE(!map_anon(mm, 400, &a));
	for (u64 i = 0; i < 400; i++)
		wrong += !poke(a + i * PAGE_SIZE, i + 1);
	KEXPECT(!mm_advise(mm, a, 400 * PAGE_SIZE, MADV_PAGEOUT));
	KEXPECT(mm_rss(mm, RSS_SWAP) == 400 && !mm_rss(mm, RSS_ANON) && device.writes == 400);
	KEXPECT(swap_free_pages() == 598);
	/* A child has the same pages, wherever they are. */
	for (u64 i = 0; i < 100; i++)
		wrong += peek(a + i * PAGE_SIZE) != i + 1;
	KEXPECT(mm_rss(mm, RSS_SWAP) == 300 && mm_rss(mm, RSS_ANON) == 100);
	KREQUIRE(!mm_fork(mm, &child));
	KEXPECT(mm_rss(child, RSS_SWAP) == 300);
	for (u64 i = 0; i < 400; i += 2)
		wrong += !poke(a + i * PAGE_SIZE, i + 1000);
	for (u64 i = 0; i < 400; i++) {
		wrong += mm_access(child, a + i * PAGE_SIZE + 16, &w, 8, false, 0) != 8 ||
			 w != i + 1;
		wrong += peek(a + i * PAGE_SIZE) != (i % 2 ? i + 1 : i + 1000);
	}
	KEXPECT(!wrong);
	mm_put(child);
	/* Out again; those not written to since they came need no transfer. */
	KEXPECT(!mm_advise(mm, a, 400 * PAGE_SIZE, MADV_PAGEOUT) && mm_rss(mm, RSS_SWAP) == 400);
	KEXPECT(!mm_advise(mm, a, 50 * PAGE_SIZE, MADV_DONTNEED) && mm_rss(mm, RSS_SWAP) == 350);
	KEXPECT(!peek(a));
	/* swapoff brings them back. */
	device_off();
	KEXPECT(!mm_rss(mm, RSS_SWAP));
	for (u64 i = 50; i < 400; i++)
		wrong += peek(a + i * PAGE_SIZE) != (i % 2 ? i + 1 : i + 1000);
	KEXPECT(!wrong);
	mm_switch_to(NULL);
}

KTEST(swap_exit_frees)
{
	struct mm *mm = space();
	u64 wrong = 0;
	vaddr_t a;

	KREQUIRE(mm && !device_on(1000, SWAP_ON_PREFER | 5));
	KREQUIRE(!map_anon(mm, 300, &a));
	device.late = true;
	for (u64 i = 0; i < 300; i++)
		wrong += !poke(a + i * PAGE_SIZE, i);
	KEXPECT(!mm_advise(mm, a, 300 * PAGE_SIZE, MADV_PAGEOUT));
	/* While they are still being written. */
	for (u64 i = 0; i < 300; i += 3)
		wrong += peek(a + i * PAGE_SIZE) != i;
	for (u64 i = 1; i < 300; i += 3)
		wrong += !poke(a + i * PAGE_SIZE, i + 7);
	for (u64 i = 1; i < 300; i += 3)
		wrong += peek(a + i * PAGE_SIZE) != i + 7;
	KEXPECT(!wrong);
	mm_switch_to(NULL);
	work_flush(&late);
	for (unsigned i = 0; i < 1000 && swap_free_pages() != 998; i++)
		sleep_ns(NSEC_PER_MSEC);
	device_off();
}

KTEST(swap_read_error)
{
	struct mm *mm = space();
	vaddr_t a;

	KREQUIRE(mm && !device_on(200, 0));
	KREQUIRE(!map_anon(mm, 1, &a));
	KEXPECT(poke(a, 5) && !mm_advise(mm, a, PAGE_SIZE, MADV_PAGEOUT));
	device.error = -EIO;
	KEXPECT(peek(a) == ~0ull);
	KEXPECT(swap_disable(&device) == -EIO && swap_total_pages() == 198);
	mm_switch_to(NULL);
	device_off();
}

KTEST(swap_shared)
{
	static struct shmem s;
	static u64 page[PAGE_SIZE / 8];
	struct iov_iter it;
	u64 seen = 0, wrong = 0;
	loff_t pos = 0;

	KREQUIRE(!device_on(2000, 0));
	shmem_init(&s, NULL, NULL);
	for (u64 i = 0; i < 200; i++) {
		for (unsigned k = 0; k < PAGE_SIZE / 8; k++)
			page[k] = i + 1;
		iov_iter_kernel(&it, ITER_SOURCE, page, sizeof(page));
		wrong += shmem_write_iter(&s, &it, &pos) != sizeof(page);
	}
	for (unsigned i = 0; i < 10000 && READ_ONCE(s.swapped) < 150; i++)
		swap_out_some(32, &seen);
	KEXPECT(s.swapped >= 150 && s.allocated == 200 && s.mapping.nr_pages == 200 - s.swapped);
	pos = 0;
	for (u64 i = 0; i < 100; i++) {
		iov_iter_kernel(&it, ITER_DEST, page, sizeof(page));
		wrong += shmem_read_iter(&s, &it, &pos) != sizeof(page) || page[9] != i + 1;
	}
	KEXPECT(!wrong && s.swapped <= 100);
	KEXPECT(shmem_seek(&s, 150 * PAGE_SIZE, true) == 150 * (loff_t)PAGE_SIZE);
	/* A few bytes of the first page go, which the device could not keep; no other page goes
	 * with them. */
	KEXPECT(!shmem_fallocate(&s, 3, 16, 8) && s.allocated == 200);
	KEXPECT(!shmem_fallocate(&s, 3, 0, PAGE_SIZE) && s.allocated == 199);
	/* Cut in the middle of a page that may be out: cleared behind the cut. */
	KEXPECT(!shmem_truncate(&s, 120 * PAGE_SIZE + 8) && s.allocated == 120);
	KEXPECT(!shmem_truncate(&s, 200 * PAGE_SIZE));
	pos = 120 * PAGE_SIZE;
	iov_iter_kernel(&it, ITER_DEST, page, sizeof(page));
	KEXPECT(shmem_read_iter(&s, &it, &pos) == sizeof(page) && page[0] == 121 && !page[1]);
	/* That page is not of one word: keep it from the device. */
	KEXPECT(!shmem_fallocate(&s, 3, 120 * PAGE_SIZE, PAGE_SIZE) && s.allocated == 119);
	device_off();
	KEXPECT(!s.swapped && s.mapping.nr_pages == 119);
	shmem_fini(&s);
}

/* More private memory than there is, used over and over. */
KTEST(swap_pressure)
{
	struct mm *mm = space();
	struct mem_info m;
	u64 pages, wrong = 0;
	vaddr_t a;

	mm_stat(&m);
	pages = m.free * 3 / 2;
	if (pages > 120000)
		pages = 0;
	KREQUIRE(mm);
	if (!pages) {
		mm_switch_to(NULL);
		return;
	}
	KREQUIRE(!device_on(pages * 2, 0));
	device.late = true;
	KREQUIRE(!map_anon(mm, pages, &a));
	for (u64 i = 0; i < pages; i++)
		wrong += !poke(a + i * PAGE_SIZE, i + 3);
	KEXPECT(!wrong && mm_rss(mm, RSS_SWAP) > (s64)(pages / 4));
	for (u64 i = 0; i < pages; i++) {
		wrong += peek(a + i * PAGE_SIZE) != i + 3;
		if (i % 5 == 0)
			wrong += !poke(a + i * PAGE_SIZE, i + 9);
	}
	for (u64 i = 0; i < pages; i += 3)
		wrong += peek(a + i * PAGE_SIZE) != (i % 5 ? i + 3 : i + 9);
	KEXPECT(!wrong);
	mm_switch_to(NULL);
	device_off();
}
