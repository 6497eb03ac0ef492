/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cyclic redundancy checks.  The running value goes in and out as is: where a format wants it
 * inverted before and after, the caller inverts.
 */
#pragma once

#include <kernel/lib/compiler.h>

/* Reflected 0x04c11db7: Ethernet, gzip, GPT. */
u32 crc32_le(u32 crc, const void *data, size_t len);

/* Reflected 0x1edc6f41 (Castagnoli): ext4, iSCSI. */
u32 crc32c(u32 crc, const void *data, size_t len);

/*
 * A way of the machine's own to compute crc32c(): given by its boot code, before there is a second
 * processor.
 */
void crc32c_set_machine(u32 (*fn)(u32 crc, const void *data, size_t len));

/*
 * The check of a message of which `len` bytes, with `behind` more behind them, change from `before`
 * to `after`.  Costs what the changed bytes cost and little more, however long the message is.
 */
u32 crc32c_change(u32 crc, const void *before, const void *after, size_t len, size_t behind);

/* crc32c() of `len` bytes of zero, likewise cheap. */
u32 crc32c_zeros(u32 crc, size_t len);

/* Reflected 0x8005: ext4 group descriptors. */
u16 crc16(u16 crc, const void *data, size_t len);
