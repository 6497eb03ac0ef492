/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal and e2fsprogs, each reading what the other wrote.
 *
 * debugfs writes transactions and revoke records into the log of an ext4 image, and ours replays
 * them; ours writes, the power goes, and e2fsck replays, while debugfs lists what it finds in the
 * log.
 *
 * link: hostfs
 */
#include <fs/jbd2/journal.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/mapping.h>
#include <coroutine.h>
#include <disk.h>
#include <host.h>
#include <hostfs.h>
#include "../../fs/jbd2/journal_internal.h"

#define BYTES	   (32u << 20)
#define MAX_LOG	   4096u

struct flavour {
	const char *name;
	const char *mkfs;    /* options */
	const char *debugfs; /* of journal_open */
	u32 block;
	bool checksum, wide;
};

static const struct flavour flavours[] = {
	{ "v3, 64 bits", "-b 1024 -J size=1", "-c", 1024, true, true },
	{ "v3, 32 bits", "-b 1024 -J size=1 -O ^64bit", "-c", 1024, true, false },
	{ "v2, 64 bits", "-b 1024 -J size=1", "-c -v 2", 1024, false, true },
	{ "v2, 32 bits", "-b 1024 -J size=1 -O ^64bit", "-c -v 2", 1024, false, false },
	{ "plain, 64 bits", "-b 1024 -J size=1 -O ^metadata_csum,64bit", "", 1024, false, true },
	{ "plain, ext3", "-t ext3 -b 1024 -J size=1", "", 1024, false, false },
	{ "blocks of 4 KiB", "-b 4096 -J size=4", "-c", 4096, true, true },
};

static u64 log_map[MAX_LOG];
static u32 log_len;
static u32 spare[512]; /* free blocks of the file system */
static u32 nr_spare;

/* --- the image -------------------------------------------------------------------------------- */

static const char *directory(void)
{
	static char path[64];

	if (!path[0])
		(void)snprintf(path, sizeof(path), "/tmp/jbd2-test-%llu",
			       (unsigned long long)host_random(1ull << 60));
	return path;
}

/* The output of a shell command in our directory, terminated; its failure is a failure of the
 * test. */
static char *shell(const char *fmt, ...) __printf(1, 2);

static char *shell(const char *fmt, ...)
{
	char command[1024], *out;
	va_list args;
	size_t len, n;

	n = (size_t)snprintf(command, sizeof(command),
			     "mkdir -p %s && cd %s && PATH=$PATH:/usr/sbin:/sbin && ", directory(),
			     directory());
	va_start(args, fmt);
	(void)vsnprintf(command + n, sizeof(command) - n, fmt, args);
	va_end(args);
	out = host_run(command, &len);
	if (!out) {
		host_test_fail(__FILE__, __LINE__, "failed: %s", command);
		out = host_alloc(1);
		len = 0;
	}
	out[len] = 0;
	return out;
}

static void run(const char *fmt, ...) __printf(1, 2);

static void run(const char *fmt, ...)
{
	char command[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	host_free(shell("%s", command));
}

static u32 numbers(const char *text, u64 *out, u32 max)
{
	u32 n = 0;

	while (*text && n < max) {
		u64 v = 0;

		if (*text < '0' || *text > '9') {
			text++;
			continue;
		}
		while (*text >= '0' && *text <= '9')
			v = v * 10 + (u64)(*text++ - '0');
		out[n++] = v;
	}
	return n;
}

static void image_make(const struct flavour *f)
{
	static u64 list[512];
	char *text;

	run("rm -f img && mkfs.ext4 -q -F %s img %uk", f->mkfs, BYTES / 1024);
	text = shell("seq -f 'bmap <8> %%g' 0 1023 >map && debugfs -f map img 2>/dev/null | grep "
		     "-v debugfs");
	log_len = numbers(text, log_map, MAX_LOG);
	host_free(text);
	EXPECT_EQ(log_len, 1024);
	text = shell("debugfs -R 'ffb 300' img 2>/dev/null | sed 's/.*found://'");
	nr_spare = numbers(text, list, 300);
	host_free(text);
	EXPECT_EQ(nr_spare, 300);
	for (u32 i = 0; i < nr_spare; i++)
		spare[i] = (u32)list[i];
}

static int map_log(void *arg, u64 block, u64 *physical, u64 *run)
{
	if (block >= log_len)
		return -EIO;
	*physical = log_map[block];
	*run = 1;
	return 0;
}

static struct host_disk *disk;
static struct bdev *bdev;

static void image_open(void)
{
	char path[128];

	hostfs_boot();
	if (!disk)
		disk = host_disk_create("e2", BYTES);
	(void)snprintf(path, sizeof(path), "%s/img", directory());
	EXPECT_EQ(host_disk_load(disk, path), 0);
	EXPECT_EQ(bdev_open_path("/dev/e2", BDEV_READ | BDEV_WRITE, NULL, &bdev), 0);
}

static void image_close(void)
{
	char path[128];

	bdev_close(bdev, BDEV_READ | BDEV_WRITE, NULL);
	(void)snprintf(path, sizeof(path), "%s/img", directory());
	EXPECT_EQ(host_disk_save(disk, path), 0);
}

static struct journal *journal_of(const struct flavour *f, bool want_dirty)
{
	struct journal_params p = {
		.fs_bdev = bdev,
		.bdev = bdev,
		.block_size = f->block,
		.blocks = log_len,
		.fs_blocks = BYTES / f->block,
		.map = map_log,
		.name = "e2",
		.barrier = true,
		.checksum = f->checksum,
		.wide = f->wide,
	};
	struct journal *j = NULL;
	bool dirty;

	EXPECT_EQ(bdev_set_block_size(bdev, f->block), 0);
	EXPECT_EQ(journal_open(&p, &j, &dirty), 0);
	EXPECT_EQ(dirty, want_dirty);
	return j;
}

static void fill(u8 *out, u32 size, u32 key)
{
	for (u32 i = 0; i < size; i += 4)
		put_unaligned_le32(key * 0x9e3779b1u + i, out + i);
	if (key % 3 == 0)
		put_unaligned_be32(JBD_MAGIC, out);
}

/* --- theirs, replayed by ours ----------------------------------------------------------------- */

/* jw of blocks [first, first + n) of the list with keys from `key` on; data in a file of its
 * own. */
static size_t script_write(char *script, size_t room, const struct flavour *f, u32 first, u32 n,
			   u32 key)
{
	u8 *data = host_alloc(n * f->block);
	char path[128];
	size_t at = (size_t)snprintf(script, room, "jw -b ");

	for (u32 i = 0; i < n; i++) {
		fill(data + i * f->block, f->block, key + i);
		at += (size_t)snprintf(script + at, room - at, "%s%u", i ? "," : "",
				       spare[first + i]);
	}
	at += (size_t)snprintf(script + at, room - at, " data%u\n", key);
	(void)snprintf(path, sizeof(path), "%s/data%u", directory(), key);
	EXPECT_EQ(host_file_write(path, data, n * f->block), 0);
	host_free(data);
	return at;
}

/* Blocks 0 to 299 are logged with keys 0..; some again with keys 1000..; some revoked between. */
static void theirs_write(const struct flavour *f)
{
	static char script[16384], path[128];
	size_t n;

	n = (size_t)snprintf(script, sizeof(script), "jo %s\n", f->debugfs);
	for (u32 i = 0; i < 300; i += 50)
		n += script_write(script + n, sizeof(script) - n, f, i, 50, i);
	n += (size_t)snprintf(script + n, sizeof(script) - n, "jw -r ");
	for (u32 i = 10; i < 40; i++)
		n += (size_t)snprintf(script + n, sizeof(script) - n, "%s%u", i > 10 ? "," : "",
				      spare[i]);
	n += (size_t)snprintf(script + n, sizeof(script) - n, "\n");
	n += script_write(script + n, sizeof(script) - n, f, 30, 20, 1000);
	n += (size_t)snprintf(script + n, sizeof(script) - n, "jc\n");
	(void)snprintf(path, sizeof(path), "%s/script", directory());
	EXPECT_EQ(host_file_write(path, script, n), 0);
	run("debugfs -w -f script img >log 2>&1; ! grep -i 'error\\|invalid\\|usage' log");
}

static void theirs_check(const struct flavour *f, const u8 *before)
{
	u8 *want = host_alloc(f->block);

	for (u32 i = 0; i < 300; i++) {
		u64 at = (u64)spare[i] * f->block;

		if (i >= 10 && i < 30) {
			memcpy(want, before + at, f->block);
		} else {
			fill(want, f->block, i >= 30 && i < 50 ? 1000 + i - 30 : i);
		}
		if (memcmp(host_disk_image(disk) + at, want, f->block)) {
			host_test_fail(__FILE__, __LINE__, "%s: block %u of the list", f->name, i);
			break;
		}
	}
	host_free(want);
}

TEST(replay_what_debugfs_wrote)
{
	for (u32 k = 0; k < ARRAY_SIZE(flavours); k++) {
		const struct flavour *f = &flavours[k];
		struct journal *j;
		u8 *before;

		image_make(f);
		theirs_write(f);
		image_open();
		before = host_alloc_uncounted(BYTES);
		memcpy(before, host_disk_image(disk), BYTES);
		j = journal_of(f, true);
		REQUIRE(j);
		EXPECT_EQ(journal_replay(j), 0);
		EXPECT_EQ(journal_close(j), 0);
		image_close();
		theirs_check(f, before);
		host_free_uncounted(before);
		run("e2fsck -fy img >log 2>&1 || [ $? -eq 1 ] || { cat log >&2; false; }");
		run("e2fsck -fn img >log 2>&1");
	}
}

/* --- ours, replayed by theirs ----------------------------------------------------------------- */

static void ours_change(struct handle *h, const struct flavour *f, u32 i, u32 key)
{
	struct buffer *b;

	EXPECT_EQ(buffer_get_zeroed(bdev, spare[i], &b), 0);
	EXPECT_EQ(journal_get_create(h, b), 0);
	fill(b->data, f->block, key);
	EXPECT_EQ(journal_dirty(h, b), 0);
	buffer_put(b);
}

static void ours_write(struct journal *j, const struct flavour *f)
{
	struct handle *h;

	for (u32 i = 0; i < 300; i += 10) {
		EXPECT_EQ(journal_start(j, 10, 0, &h), 0);
		for (u32 k = i; k < i + 10; k++)
			ours_change(h, f, k, k);
		EXPECT_EQ(journal_stop(h), 0);
		if (i % 100 == 50)
			EXPECT_EQ(journal_force(j), 0);
	}
	EXPECT_EQ(journal_start(j, 1, 30, &h), 0);
	for (u32 i = 10; i < 40; i++)
		EXPECT_EQ(journal_revoke(h, spare[i], NULL), 0);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(j), 0);
	EXPECT_EQ(journal_start(j, 20, 0, &h), 0);
	for (u32 i = 30; i < 50; i++)
		ours_change(h, f, i, 1000 + i - 30);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(j), 0);
}

/* The power goes when nothing has been written in place. */
static void ours_lose_power(const struct flavour *f, u8 *image)
{
	struct journal *j = journal_of(f, false);

	REQUIRE(j);
	EXPECT_EQ(journal_start_writing(j), 0);
	ours_write(j, f);
	memcpy(image, host_disk_image(disk), BYTES);
	EXPECT_EQ(journal_close(j), 0);
	memcpy(host_disk_image(disk), image, BYTES);
}

TEST(e2fsck_replays_what_we_wrote)
{
	for (u32 k = 0; k < ARRAY_SIZE(flavours); k++) {
		const struct flavour *f = &flavours[k];
		u8 *image = host_alloc_uncounted(BYTES);
		char path[128];

		image_make(f);
		image_open();
		ours_lose_power(f, image);
		image_close();
		run("debugfs -w -R 'feature needs_recovery' img >log 2>&1");
		run("debugfs -R 'logdump -a' img >log 2>&1 && grep -q 'Revoke FS block %u' log && "
		    "grep -q 'FS block %u logged at' log && ! grep -i 'corrupt\\|checksum' log",
		    spare[10], spare[299]);
		run("e2fsck -fy img >log 2>&1 || [ $? -eq 1 ] || { cat log >&2; false; }");
		run("! grep -i 'corrupt\\|checksum' log");
		run("e2fsck -fn img >log 2>&1");
		(void)snprintf(path, sizeof(path), "%s/img", directory());
		EXPECT_EQ(host_disk_load(disk, path), 0);
		theirs_check(f, image);
		host_free_uncounted(image);
	}
	run("rm -rf %s", directory());
}
