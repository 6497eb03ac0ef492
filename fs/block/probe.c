/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Superblocks, so far as they name their file system (probe.h). */
#include <fs/block/probe.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>

#define EXT_SUPER 1024u
#define EXT_MAGIC 0xef53

/* Text of fixed length, padded with blanks or NULs. */
static void label_copy(char *out, size_t size, const u8 *from, size_t len)
{
	size_t n = 0;

	len = min(len, size - 1);
	while (n < len && from[n])
		n++;
	while (n && from[n - 1] == ' ')
		n--;
	memcpy(out, from, n);
	out[n] = 0;
}

static bool probe_ext(const u8 *start, struct probe_result *out)
{
	const u8 *sb = start + EXT_SUPER, *u = sb + 104;

	if (get_unaligned_le16(sb + 56) != EXT_MAGIC)
		return false;
	snprintf(out->uuid, sizeof(out->uuid),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		 u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		 u[15]);
	label_copy(out->label, sizeof(out->label), sb + 120, 16);
	return true;
}

static bool probe_fat(const u8 *start, struct probe_result *out)
{
	const u8 *serial, *label;

	if (start[510] != 0x55 || start[511] != 0xaa)
		return false;
	if (!memcmp(start + 82, "FAT32   ", 8)) {
		serial = start + 67;
		label = start + 71;
	} else if (!memcmp(start + 54, "FAT1", 4)) {
		serial = start + 39;
		label = start + 43;
	} else {
		return false;
	}
	snprintf(out->uuid, sizeof(out->uuid), "%02X%02X-%02X%02X", serial[3], serial[2], serial[1],
		 serial[0]);
	label_copy(out->label, sizeof(out->label), label, 11);
	if (!strcmp(out->label, "NO NAME"))
		out->label[0] = 0;
	return true;
}

bool fs_probe(const u8 *start, struct probe_result *out)
{
	*out = (struct probe_result){};
	return probe_ext(start, out) || probe_fat(start, out);
}
