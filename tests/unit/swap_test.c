/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Swap under the host's sanitizers: files of a tmpfs several times as large as memory, on a disk
 * whose transfers take time, and on a file of a file system.  No allocation may fail while swap is
 * free, and all must come back as it was.
 *
 * link: hostfs
 */
#include <disk.h>
#include <host.h>
#include <hostfs.h>
#include <suite.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include <mm/stat.h>
#include <mm/swap.h>

#define MIB (1u << 20)

static void header(struct host_disk *d)
{
	u32 info[3] = { 1, (u32)(host_disk_bytes(d) / PAGE_SIZE) - 1, 0 };

	host_disk_store(d, 1024, info, sizeof(info));
	host_disk_store(d, PAGE_SIZE - 10, "SWAPSPACE2", 10);
}

static void page_fill(u64 *page, u64 n)
{
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		page[i] = n * 0x9e3779b97f4a7c15 + i;
}

static bool page_write(int fd, u64 n)
{
	u64 page[PAGE_SIZE / 8];

	page_fill(page, n);
	return hf_pwrite(fd, page, PAGE_SIZE, (loff_t)(n * PAGE_SIZE)) == PAGE_SIZE;
}

static bool page_right(int fd, u64 n)
{
	u64 page[PAGE_SIZE / 8], want[PAGE_SIZE / 8];

	page_fill(want, n);
	return hf_pread(fd, page, PAGE_SIZE, (loff_t)(n * PAGE_SIZE)) == PAGE_SIZE &&
	       !memcmp(page, want, PAGE_SIZE);
}

/* `pages` written and read back, in order and at random, with memory for `room`. */
static void beyond_memory(u64 pages, u64 room)
{
	int fd = (int)hf_open("/m/big", O_RDWR | O_CREAT, 0600);
	u64 out = vm_event_read(VM_PSWPOUT);

	EXPECT(fd >= 0);
	hostfs_memory(room);
	for (u64 n = 0; n < pages; n++)
		EXPECT(page_write(fd, n));
	EXPECT(vm_event_read(VM_PSWPOUT) - out > (pages - room) / 2);
	for (u64 n = 0; n < pages; n++)
		EXPECT(page_right(fd, n));
	for (u64 i = 0; i < pages; i++)
		EXPECT(page_right(fd, host_random(pages)));
	hf_close(fd);
}

struct writer {
	u64 first, pages;
	bool ok;
};

static void writer_main(void *arg)
{
	struct writer *w = arg;
	int fd = (int)hf_open("/m/shared", O_RDWR | O_CREAT, 0600);

	w->ok = fd >= 0;
	for (u64 n = w->first; n < w->first + w->pages && w->ok; n++)
		w->ok = page_write(fd, n);
	for (u64 n = w->first; n < w->first + w->pages && w->ok; n++)
		w->ok = page_right(fd, n);
	hf_close(fd);
}

static void tmpfs_mount(void)
{
	(void)hf_mkdir("/m", 0700);
	EXPECT_EQ(hf_mount("none", "/m", "tmpfs", 0, "size=64m"), 0);
}

static void begin(struct host_disk **d)
{
	hostfs_boot();
	*d = host_disk_create("swap", 32 * MIB);
	header(*d);
	tmpfs_mount();
}

static void end(struct host_disk *d)
{
	EXPECT_EQ(hf_umount("/m", 0), 0);
	hostfs_memory(0);
	EXPECT_EQ(hf_swapoff("/dev/swap"), 0);
	EXPECT_EQ(swap_total_pages(), 0);
	host_disk_destroy(d);
}

TEST(file_beyond_memory)
{
	struct host_disk *d;

	begin(&d);
	EXPECT_EQ(hf_swapon("/dev/swap", 0), 0);
	beyond_memory(3000, 1000);
	end(d);
}

/* Swapoff with contents, which then have to fit. */
TEST(off_with_contents)
{
	struct host_disk *d;
	int fd;

	begin(&d);
	EXPECT_EQ(hf_swapon("/dev/swap", 0), 0);
	beyond_memory(3000, 1000);
	hostfs_memory(0);
	EXPECT_EQ(hf_swapoff("/dev/swap"), 0);
	fd = (int)hf_open("/m/big", O_RDONLY, 0);
	for (u64 n = 0; n < 3000; n++)
		EXPECT(page_right(fd, n));
	hf_close(fd);
	EXPECT_EQ(hf_swapon("/dev/swap", 0), 0);
	end(d);
}

/* Several at once, each switched away at any moment. */
TEST(writers_at_once)
{
	static struct writer w[4];
	struct hf_process *p[4];
	struct host_disk *d;

	begin(&d);
	EXPECT_EQ(hf_swapon("/dev/swap", 0), 0);
	hostfs_memory(1000);
	hostfs_preempt(50);
	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct writer){ .first = 1000 * i, .pages = 1000 };
		p[i] = hf_spawn("writer", writer_main, &w[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		hf_wait(p[i]);
		EXPECT(w[i].ok);
	}
	hostfs_preempt(0);
	end(d);
}

/* Full: writers hear of it, and nothing is lost that was there. */
TEST(swap_full)
{
	struct host_disk *d;
	u64 n = 0;
	int fd;

	begin(&d);
	EXPECT_EQ(hf_swapon("/dev/swap", 0), 0);
	fd = (int)hf_open("/m/big", O_RDWR | O_CREAT, 0600);
	hostfs_memory(500);
	while (n < 12000 && page_write(fd, n))
		n++;
	EXPECT(n > 32 * MIB / PAGE_SIZE);
	EXPECT(n < 12000);
	/* Nobody was killed to make room to read in: so here. */
	hostfs_memory(0);
	for (u64 i = 0; i < n; i++)
		EXPECT(page_right(fd, i));
	hf_close(fd);
	end(d);
}

#define FILE_PAGES 2048u

/* A file for swap, without holes. */
static void file_make(void)
{
	static const u32 info[3] = { 1, FILE_PAGES - 1, 0 };
	int fd = (int)hf_open("/d/swap", O_RDWR | O_CREAT, 0600);

	for (u64 n = 0; n < FILE_PAGES; n++)
		EXPECT(page_write(fd, n));
	EXPECT(hf_pwrite(fd, info, sizeof(info), 1024) == sizeof(info));
	EXPECT(hf_pwrite(fd, "SWAPSPACE2", 10, PAGE_SIZE - 10) == 10);
	hf_close(fd);
}

static void on_file(const char *type, const char *mkfs)
{
	struct host_disk *d;
	int fd;

	hostfs_boot();
	d = suite_disk("disk", 24 * MIB, mkfs);
	(void)hf_mkdir("/d", 0700);
	EXPECT_EQ(hf_mount("/dev/disk", "/d", type, 0, NULL), 0);
	tmpfs_mount();
	file_make();
	EXPECT_EQ(hf_swapon("/d/swap", 0), 0);
	EXPECT_EQ(hf_swapon("/d/swap", 0), -EBUSY);
	EXPECT_EQ(hf_unlink("/d/swap"), -EPERM);
	EXPECT_EQ(hf_rename("/d/swap", "/d/other", 0), -EPERM);
	EXPECT_EQ(hf_truncate("/d/swap", 0), -ETXTBSY);
	EXPECT_EQ(hf_umount("/d", 0), -EBUSY);
	fd = (int)hf_open("/d/swap", O_RDWR, 0);
	EXPECT_EQ(hf_pwrite(fd, "x", 1, 0), -ETXTBSY);
	hf_close(fd);
	beyond_memory(2500, 1000);
	hostfs_memory(0);
	EXPECT_EQ(hf_swapoff("/d/swap"), 0);
	EXPECT_EQ(hf_unlink("/d/swap"), 0);
	EXPECT_EQ(hf_umount("/d", 0), 0);
	EXPECT_EQ(hf_umount("/m", 0), 0);
	host_disk_destroy(d);
}

TEST(file_on_ext4)
{
	on_file("ext4", "mke2fs -q -F -t ext4 %s");
}

TEST(file_on_vfat)
{
	on_file("vfat", "mkfs.vfat -F 16 %s");
}
