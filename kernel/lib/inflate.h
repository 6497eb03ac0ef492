/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decompression of DEFLATE streams (RFC 1951), bare or in zlib (RFC 1950) or gzip (RFC 1952)
 * wrapping.
 *
 * Input comes and output goes through two functions, so neither need be whole in memory; the caller
 * lends the 32 KiB window and the tables.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define INFLATE_WINDOW 32768

enum inflate_format { INFLATE_RAW, INFLATE_ZLIB, INFLATE_GZIP };

struct inflate_tables {
	u16 length_count[16], length_symbol[288];
	u16 distance_count[16], distance_symbol[32];
	u16 length_fast[512], distance_fast[256];
};

struct inflate_io {
	enum inflate_format format;

	/* More input: set *data and return its length; 0 at the end, negative errno to give up. */
	ssize_t (*read)(void *ctx, const u8 **data);

	/* Take output.  Returns 0, or a negative errno to give up. */
	int (*write)(void *ctx, const u8 *data, size_t len);
	void *ctx;

	u8 *window;		       /* INFLATE_WINDOW bytes */
	struct inflate_tables *tables; /* scratch */
};

/*
 * Decompress one stream (gzip: one member), checking lengths and checksums.  *rest, if not NULL,
 * receives how many bytes of the last piece of input were not used.
 * Returns 0, -EINVAL (malformed), -EIO (checksum), -ENODATA (input ends early), or what read() or
 * write() returned.
 */
int __must_check inflate(const struct inflate_io *io, size_t *rest);

/* Memory to memory.  *len: room in, length out; -ENOSPC when it does not fit. */
int __must_check inflate_buffer(enum inflate_format format, const void *src, size_t src_len,
				void *dst, size_t *len, void *scratch);
#define INFLATE_SCRATCH (INFLATE_WINDOW + sizeof(struct inflate_tables))
