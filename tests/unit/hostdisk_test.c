/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block layer over the host machine's disk (tests/host/fs/disk.h): data, errors, and the
 * machinery itself.
 *
 * link: hostfs
 */
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <powercut.h>

#define BYTES (1u << 20)

static struct hostfs_usage before;

static struct host_disk *begin(void)
{
	struct host_disk *d;

	hostfs_boot();
	/* What the first one leaves for ever: the class, the kinds of attributes. */
	host_disk_destroy(host_disk_create("warm", BYTES));
	before = hostfs_usage_settled();
	d = host_disk_create("disk", BYTES);
	for (u64 i = 0; i < BYTES / 8; i++)
		((u64 *)host_disk_image(d))[i] = i;
	return d;
}

static void end(struct host_disk *d)
{
	host_disk_destroy(d);
	hostfs_expect_usage(before);
}

TEST(read_and_write)
{
	struct host_disk *d = begin();
	static u8 buf[100000], back[100000];
	int fd = (int)hf_open("/dev/disk", O_RDWR, 0);

	REQUIRE(fd >= 0);
	EXPECT_EQ(hf_pread(fd, buf, sizeof(buf), 4000), (long)sizeof(buf));
	EXPECT(!memcmp(buf, host_disk_image(d) + 4000, sizeof(buf)));
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)host_random(256);
	EXPECT_EQ(hf_pwrite(fd, buf, sizeof(buf), 5001), (long)sizeof(buf));
	EXPECT_EQ(hf_pread(fd, back, sizeof(back), 5001), (long)sizeof(back));
	EXPECT(!memcmp(buf, back, sizeof(buf)));
	EXPECT_EQ(hf_fsync(fd), 0);
	EXPECT(!memcmp(host_disk_image(d) + 5001, buf, sizeof(buf)));
	EXPECT(host_disk_counts(d).flushes > 0);
	EXPECT_EQ(hf_pread(fd, back, 10, BYTES), 0);
	EXPECT_EQ(hf_pwrite(fd, back, 10, BYTES), -ENOSPC);
	EXPECT_EQ(hf_close(fd), 0);
	end(d);
}

TEST(errors)
{
	struct host_disk *d = begin();
	static u8 buf[8192];
	int fd = (int)hf_open("/dev/disk", O_RDWR, 0);

	REQUIRE(fd >= 0);
	host_disk_fail(d, 1, 0, 0);
	EXPECT_EQ(hf_pread(fd, buf, sizeof(buf), 65536), -EIO);
	host_disk_fail(d, 0, 1, 0);
	EXPECT_EQ(hf_pread(fd, buf, sizeof(buf), 65536), (long)sizeof(buf));
	EXPECT_EQ(hf_pwrite(fd, buf, sizeof(buf), 65536), (long)sizeof(buf));
	EXPECT_EQ(hf_fsync(fd), -EIO);
	host_disk_fail(d, 0, 0, 1);
	EXPECT_EQ(hf_pwrite(fd, buf, sizeof(buf), 65536), (long)sizeof(buf));
	EXPECT_EQ(hf_fsync(fd), -EIO);
	host_disk_fail(d, 0, 0, 0);
	EXPECT_EQ(hf_pwrite(fd, buf, sizeof(buf), 65536), (long)sizeof(buf));
	EXPECT_EQ(hf_fsync(fd), 0);
	EXPECT_EQ(hf_close(fd), 0);
	end(d);
}

TEST(back_to_the_mark)
{
	struct host_disk *d = begin();
	u64 word = 77;
	int fd;

	host_disk_mark(d);
	for (int round = 0; round < 3; round++) {
		fd = (int)hf_open("/dev/disk", O_RDWR, 0);
		EXPECT_EQ(hf_pread(fd, &word, 8, 8192), 8);
		EXPECT_EQ(word, 1024);
		word = 5;
		EXPECT_EQ(hf_pwrite(fd, &word, 8, 8192), 8);
		EXPECT_EQ(hf_close(fd), 0);
		EXPECT_EQ(((u64 *)host_disk_image(d))[1024], 5);
		host_disk_restore(d);
		EXPECT_EQ(((u64 *)host_disk_image(d))[1024], 1024);
	}
	end(d);
}

/*
 * Power cuts of the bare device: word n of it counts the rounds; after fsync of a round no cut may
 * show less, and none shows more than was begun.
 */
#define WORDS 64u

struct counting {
	u32 synced_at[100]; /* event after which round n is durable */
	u32 begun_at[100];
	u32 rounds;
};

static bool counting_check(struct host_disk *d, u32 cut, void *ctx)
{
	const struct counting *k = ctx;
	u64 least = 0, most = 0;

	for (u32 r = 0; r < k->rounds; r++) {
		if (k->synced_at[r] <= cut)
			least = r + 1;
		if (k->begun_at[r] <= cut)
			most = r + 1;
	}
	for (u32 i = 0; i < WORDS; i++) {
		u64 found = *(u64 *)(host_disk_image(d) + i * 4096);

		if (found < least || found > most)
			return false;
	}
	return true;
}

static unsigned counting_run(bool lying)
{
	struct powercut_config config = { .check = counting_check, .cuts = 300, .lying = lying };
	struct counting k = { .rounds = 20 };
	struct host_disk *d = begin();
	struct powercut *c;
	unsigned bad;
	int fd = (int)hf_open("/dev/disk", O_RDWR, 0);

	for (u64 i = 0; i < BYTES / 8; i++)
		((u64 *)host_disk_image(d))[i] = 0;
	c = powercut_begin(d, "");
	for (u64 r = 0; r < k.rounds; r++) {
		u64 word = r + 1;

		k.begun_at[r] = host_disk_events(d);
		for (u32 i = 0; i < WORDS; i++)
			EXPECT_EQ(hf_pwrite(fd, &word, 8, i * 4096), 8);
		EXPECT_EQ(hf_fsync(fd), 0);
		k.synced_at[r] = host_disk_events(d);
	}
	EXPECT_EQ(hf_close(fd), 0);
	config.ctx = &k;
	bad = powercut_check(c, &config);
	powercut_end(c);
	end(d);
	return bad;
}

TEST(power_cuts)
{
	EXPECT_EQ(counting_run(false), 0);
}

TEST(power_cuts_of_a_lying_disk)
{
	EXPECT(counting_run(true) > 0);
}
