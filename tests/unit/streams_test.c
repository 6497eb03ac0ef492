/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums, decompression and the archive reader; the reference data come from gzip, python3 and
 * cpio.
 *
 * link: kernel/lib/crc32.c kernel/lib/inflate.c kernel/lib/cpio.c kernel/lib/hash.c
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/cpio.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/inflate.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <host.h>

TEST(checksums)
{
	EXPECT_EQ(~crc32_le(~0u, "123456789", 9), 0xcbf43926);
	EXPECT_EQ(~crc32c(~0u, "123456789", 9), 0xe3069283);
	EXPECT_EQ(crc16(0, "123456789", 9), 0xbb3d);
	/* In pieces as at once. */
	u32 a = crc32c(7, "hello, wide world", 17);
	EXPECT_EQ(crc32c(crc32c(7, "hello", 5), ", wide world", 12), a);
}

TEST(checksum_of_a_change)
{
	static u8 message[20000], before[64];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = host_random(256);
	for (int round = 0; round < 2000; round++) {
		size_t size = 64 + host_random(round & 1 ? 4096 : sizeof(message) - 64);
		size_t len = host_random(64), off = host_random(size - len);
		u32 crc = crc32c(round, message, size);

		memcpy(before, message + off, len);
		for (size_t i = 0; i < len; i++)
			message[off + i] = host_random(256);
		crc = crc32c_change(crc, before, message + off, len, size - off - len);
		EXPECT_EQ(crc, crc32c(round, message, size));
		memset(message, 0, size);
		EXPECT_EQ(crc32c_zeros(round, size), crc32c(round, message, size));
	}
}

/* Input in pieces of random size, output collected. */
struct feed {
	const u8 *src;
	size_t left, max;
	u8 *out;
	size_t len, room;
};

static ssize_t feed_read(void *ctx, const u8 **data)
{
	struct feed *f = ctx;
	size_t n = min_t(size_t, f->left, 1 + host_random(f->max));

	*data = f->src;
	f->src += n;
	f->left -= n;
	return (ssize_t)n;
}

static int feed_write(void *ctx, const u8 *data, size_t len)
{
	struct feed *f = ctx;

	if (len > f->room - f->len)
		return -ENOSPC;
	memcpy(f->out + f->len, data, len);
	f->len += len;
	return 0;
}

static int decompress(enum inflate_format format, const u8 *src, size_t len, size_t piece,
		      struct feed *f)
{
	void *scratch = host_alloc(INFLATE_SCRATCH);
	struct inflate_io io = { .format = format, .read = feed_read, .write = feed_write, .ctx = f,
				 .tables = scratch,
				 .window = (u8 *)scratch + sizeof(struct inflate_tables) };

	f->src = src;
	f->left = len;
	f->max = piece;
	f->len = 0;

	int err = inflate(&io, NULL);

	host_free(scratch);
	return err;
}

static void round_trip(const char *make, const char *squeeze, enum inflate_format format)
{
	char command[512];
	size_t plain_len, len;

	snprintf(command, sizeof(command), "%s", make);
	u8 *plain = host_run(command, &plain_len);
	snprintf(command, sizeof(command), "(%s) | %s", make, squeeze);
	u8 *packed = host_run(command, &len);
	REQUIRE(plain && packed);
	/* A copy of exactly the size, so that reading on is seen. */
	u8 *exact = host_alloc(len);
	memcpy(exact, packed, len);

	struct feed f = { .out = host_alloc(plain_len), .room = plain_len };

	EXPECT_EQ(decompress(format, exact, len, len, &f), 0);
	EXPECT(f.len == plain_len && !memcmp(f.out, plain, plain_len));
	EXPECT_EQ(decompress(format, exact, len, 13, &f), 0);
	EXPECT(f.len == plain_len && !memcmp(f.out, plain, plain_len));
	f.room = plain_len - 1;
	EXPECT_EQ(decompress(format, exact, len, len, &f), -ENOSPC);
	f.room = plain_len;
	EXPECT_EQ(decompress(format, exact, len - 1, len, &f), -ENODATA);
	EXPECT_EQ(decompress(format, exact, len / 2, len, &f), -ENODATA);
	for (int i = 0; i < 300; i++) {
		size_t at = host_random(len);
		u8 old = exact[at];

		exact[at] ^= (u8)(1 + host_random(255));
		if (!decompress(format, exact, len, len, &f) && format == INFLATE_RAW)
			EXPECT(f.len <= plain_len);
		exact[at] = old;
	}
	host_free(exact);
	host_free(f.out);
	host_free(plain);
	host_free(packed);
}

#define TEXT  "seq 1 30000"
#define NOISE                                                                                      \
	"python3 -c 'import "                                                                      \
	"random,sys;random.seed(1);sys.stdout.buffer.write(random.randbytes(99999))'"
#define ZERO  "head -c 400000 /dev/zero"
#define ZLIB(how) \
	"python3 -c 'import zlib,sys;d=sys.stdin.buffer.read();c=" how \
	";sys.stdout.buffer.write(c.compress(d)+c.flush())'"

TEST(gzip_text)
{
	round_trip(TEXT, "gzip -9", INFLATE_GZIP);
	round_trip(TEXT, "gzip -1", INFLATE_GZIP);
}

TEST(gzip_noise)
{
	round_trip(NOISE, "gzip", INFLATE_GZIP);
}

TEST(gzip_zero)
{
	round_trip(ZERO, "gzip", INFLATE_GZIP);
}

TEST(zlib_and_raw)
{
	round_trip(TEXT, ZLIB("zlib.compressobj(6)"), INFLATE_ZLIB);
	round_trip(TEXT, ZLIB("zlib.compressobj(6,8,-15)"), INFLATE_RAW);
	round_trip(TEXT, ZLIB("zlib.compressobj(6,8,-15,8,zlib.Z_FIXED)"), INFLATE_RAW);
	round_trip("printf a", ZLIB("zlib.compressobj(0,8,-15)"), INFLATE_RAW);
}

TEST(inflate_garbage)
{
	struct feed f = { .out = host_alloc(100000), .room = 100000 };
	u8 junk[300];

	for (int i = 0; i < 3000; i++) {
		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (u8)prng_next(host_prng());
		EXPECT(decompress(INFLATE_RAW, junk, sizeof(junk), 50, &f) <= 0);
	}
	host_free(f.out);
}

TEST(inflate_memory)
{
	static const u8 packed[] = { 0x4b, 0x4c, 0x4a, 0x06, 0x00 }; /* "abc", fixed codes */
	void *scratch = host_alloc(INFLATE_SCRATCH);
	char out[8];
	size_t len = sizeof(out);

	EXPECT_EQ(inflate_buffer(INFLATE_RAW, packed, sizeof(packed), out, &len, scratch), 0);
	EXPECT(len == 3 && !memcmp(out, "abc", 3));
	host_free(scratch);
}

static char story[4096];
static size_t story_len;

static int on_begin(void *ctx, const struct cpio_entry *e)
{
	story_len += (size_t)scnprintf(story + story_len, sizeof(story) - story_len, "%s %o %u:",
				       e->name, e->mode, e->size);
	return 0;
}

static int on_data(void *ctx, const struct cpio_entry *e, const void *data, size_t len)
{
	story_len += (size_t)scnprintf(story + story_len, sizeof(story) - story_len, "%.*s",
				       (int)len, (const char *)data);
	return 0;
}

static int on_end(void *ctx, const struct cpio_entry *e)
{
	story_len += (size_t)scnprintf(story + story_len, sizeof(story) - story_len, ";");
	return 0;
}

static const struct cpio_ops cpio_story = { on_begin, on_data, on_end };

static int read_archive(struct cpio *c, const u8 *p, size_t len, size_t piece)
{
	int err = 0;

	story_len = 0;
	cpio_init(c, &cpio_story, NULL);
	while (len && !err) {
		size_t n = min_t(size_t, len, 1 + host_random(piece));

		err = cpio_feed(c, p, n);
		p += n;
		len -= n;
	}
	return err ? err : cpio_finish(c);
}

TEST(cpio)
{
	size_t len;
	struct cpio *c = host_alloc(sizeof(*c));
	u8 *archive = host_run(
		"set -e; d=$(mktemp -d); cd $d; umask 022; mkdir dir; printf hello >dir/f; : >e;"
		"ln -s dir/f l; for i in 1 2; do printf 'dir\\ndir/f\\ne\\nl\\n' |"
		"cpio --quiet -o -H newc; done; rm -r $d",
		&len);
	static const char one[] = "dir 40755 0:;dir/f 100644 5:hello;e 100644 0:;l 120777 5:dir/f;";

	REQUIRE(archive && len);
	for (size_t piece = 1; piece < 600; piece += 97) {
		EXPECT_EQ(read_archive(c, archive, len, piece), 0);
		EXPECT(story_len == 2 * sizeof(one) - 2 && !memcmp(story, one, sizeof(one) - 1) &&
		       !memcmp(story + sizeof(one) - 1, one, sizeof(one) - 1));
	}
	EXPECT_EQ(read_archive(c, archive, 50, 600), -ENODATA);
	EXPECT_EQ(read_archive(c, archive, 115, 600), -ENODATA);
	for (int i = 0; i < 2000; i++) {
		size_t at = host_random(len);
		u8 old = archive[at];

		archive[at] = (u8)prng_next(host_prng());
		EXPECT(read_archive(c, archive, len, 300) <= 0);
		archive[at] = old;
	}
	archive[0] = 'x';
	EXPECT_EQ(read_archive(c, archive, len, 600), -EINVAL);
	host_free(archive);
	host_free(c);
}
