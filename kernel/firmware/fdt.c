/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading flattened device trees: tokens, nodes, properties.
 *
 * The structure block is a sequence of 4-byte tokens: begin-node followed by a name, end-node,
 * property followed by length, name offset and value, no-op, end.  Everything here is built on
 * token_next(), the only function that steps through the block and the one that checks bounds.  A
 * node is the offset of its begin token, so walks cost time and no memory; trees are small and are
 * read at boot.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include "fdt_internal.h"

#define MAGIC   0xd00dfeedu
#define VERSION 17

enum token {
	TOKEN_BEGIN = 1,
	TOKEN_END = 2,
	TOKEN_PROPERTY = 3,
	TOKEN_NOP = 4,
	TOKEN_FINISH = 9,
};

struct header {
	u8 magic[4], total[4], structs[4], strings[4], reserve[4], version[4], compatible[4];
	u8 boot_cpu[4], strings_size[4], structs_size[4];
};

static const struct fdt *system_tree;

const struct fdt *fdt_system(void)
{
	return system_tree;
}

void fdt_set_system(const struct fdt *fdt)
{
	system_tree = fdt;
}

u32 fdt_blob_size(const void *blob)
{
	const struct header *h = blob;

	return fdt_be32(h->magic) == MAGIC ? fdt_be32(h->total) : 0;
}

static bool block_ok(u32 offset, u32 size, u32 total)
{
	return offset <= total && size <= total - offset;
}

int fdt_open(struct fdt *fdt, const void *blob, size_t max)
{
	const struct header *h = blob;

	if (max < sizeof(*h) || fdt_be32(h->magic) != MAGIC || fdt_be32(h->compatible) > VERSION ||
	    fdt_be32(h->version) < VERSION)
		return -EINVAL;

	u32 total = fdt_be32(h->total), structs = fdt_be32(h->structs);
	u32 strings = fdt_be32(h->strings), reserve = fdt_be32(h->reserve);
	u32 structs_size = fdt_be32(h->structs_size), strings_size = fdt_be32(h->strings_size);

	if (total < sizeof(*h) || total > max || structs % 4 || structs_size > INT_MAX ||
	    !block_ok(structs, structs_size, total) || !block_ok(strings, strings_size, total) ||
	    !block_ok(reserve, 16, total))
		return -EINVAL;
	*fdt = (struct fdt){
		.blob = blob,
		.size = total,
		.structs = (const u8 *)blob + structs,
		.structs_size = structs_size,
		.strings = (const char *)blob + strings,
		.strings_size = strings_size,
		.reserve_offset = reserve,
	};
	if (structs_size < 8 || fdt_be32(fdt->structs) != TOKEN_BEGIN)
		return -EINVAL;
	return 0;
}

/* Behind the terminator of the reservation list, or the end of the blob. */
static u32 reservations_end(const struct fdt *fdt)
{
	for (u64 at = fdt->reserve_offset; at + 16 <= fdt->size; at += 16)
		if (!memchr_inv(fdt->blob + at, 0, 16))
			return (u32)at + 16;
	return fdt->size;
}

u32 fdt_used(const struct fdt *fdt)
{
	u32 structs_end = (u32)(fdt->structs - fdt->blob) + fdt->structs_size;
	u32 strings_end = (u32)((const u8 *)fdt->strings - fdt->blob) + fdt->strings_size;

	return max(max(structs_end, strings_end), reservations_end(fdt));
}

struct property {
	const char *name;
	const u8 *value;
	u32 len;
};

/* A terminated string at `offset` of the strings block, or NULL. */
static const char *string_at(const struct fdt *fdt, u32 offset)
{
	if (offset >= fdt->strings_size ||
	    !memchr(fdt->strings + offset, 0, fdt->strings_size - offset))
		return NULL;
	return fdt->strings + offset;
}

/* The token at *pos; *pos moves behind it and what belongs to it.  Malformed input is TOKEN_FINISH.
 */
static enum token token_next(const struct fdt *fdt, u32 *pos, struct property *p)
{
	u32 at = *pos, room;

	if (at > fdt->structs_size || fdt->structs_size - at < 4)
		return TOKEN_FINISH;

	u32 token = fdt_be32(fdt->structs + at);

	at += 4;
	room = fdt->structs_size - at;
	switch (token) {
	case TOKEN_BEGIN: {
		size_t len = strnlen((const char *)fdt->structs + at, room);

		if (len == room)
			return TOKEN_FINISH;
		*pos = ALIGN_UP(at + (u32)len + 1, 4);
		return TOKEN_BEGIN;
	}
	case TOKEN_PROPERTY:
		if (room < 8)
			return TOKEN_FINISH;
		p->len = fdt_be32(fdt->structs + at);
		p->name = string_at(fdt, fdt_be32(fdt->structs + at + 4));
		p->value = fdt->structs + at + 8;
		if (p->len > room - 8 || !p->name)
			return TOKEN_FINISH;
		*pos = ALIGN_UP(at + 8 + p->len, 4);
		return TOKEN_PROPERTY;
	case TOKEN_END:
	case TOKEN_NOP: *pos = at; return (enum token)token;
	default: return TOKEN_FINISH;
	}
}

/* A node number that a caller made up must not lead anywhere. */
static bool is_node(const struct fdt *fdt, int node)
{
	return node >= 0 && node % 4 == 0 && (u32)node + 4 <= fdt->structs_size &&
	       fdt_be32(fdt->structs + node) == TOKEN_BEGIN;
}

int fdt_next_node(const struct fdt *fdt, int node, int *depth)
{
	struct property p;
	u32 pos = (u32)node;
	int level = depth ? *depth : 0;

	if (!is_node(fdt, node))
		return FDT_NONE;
	token_next(fdt, &pos, &p);
	for (;;) {
		u32 at = pos;

		switch (token_next(fdt, &pos, &p)) {
		case TOKEN_BEGIN:
			if (depth)
				*depth = level + 1;
			return (int)at;
		case TOKEN_END: level--; break;
		case TOKEN_PROPERTY:
		case TOKEN_NOP: break;
		case TOKEN_FINISH: return FDT_NONE;
		}
	}
}

int fdt_first_child(const struct fdt *fdt, int node)
{
	int depth = 0, next = fdt_next_node(fdt, node, &depth);

	return depth == 1 ? next : FDT_NONE;
}

int fdt_next_sibling(const struct fdt *fdt, int node)
{
	int depth = 0;

	do {
		node = fdt_next_node(fdt, node, &depth);
	} while (node >= 0 && depth > 0);
	return depth == 0 ? node : FDT_NONE;
}

/* The last node before `node` that is one level up. */
int fdt_parent(const struct fdt *fdt, int node)
{
	int ancestors[FDT_MAX_DEPTH], depth = 0;

	for (int n = 0; n >= 0 && n <= node; n = fdt_next_node(fdt, n, &depth)) {
		if (depth < 0 || depth >= FDT_MAX_DEPTH)
			return FDT_NONE;
		if (n == node)
			return depth ? ancestors[depth - 1] : FDT_NONE;
		ancestors[depth] = n;
	}
	return FDT_NONE;
}

const char *fdt_node_name(const struct fdt *fdt, int node)
{
	struct property p;
	u32 pos = (u32)node;

	if (!is_node(fdt, node) || token_next(fdt, &pos, &p) != TOKEN_BEGIN)
		return "";
	return (const char *)fdt->structs + node + 4;
}

/* Is the node called `name` (`len` characters), its unit address left out if `name` has none? */
static bool name_matches(const char *node, const char *name, size_t len)
{
	if (strncmp(node, name, len))
		return false;
	return !node[len] || (node[len] == '@' && !memchr(name, '@', len));
}

static int find_child(const struct fdt *fdt, int node, const char *name, size_t len)
{
	int child;

	fdt_for_each_child(child, fdt, node)
	{
		if (name_matches(fdt_node_name(fdt, child), name, len))
			return child;
	}
	return FDT_NONE;
}

int fdt_find_child(const struct fdt *fdt, int node, const char *name)
{
	return find_child(fdt, node, name, strlen(name));
}

/* The node an alias stands for; its path begins with a slash, so this goes one level deep. */
static int find_alias(const struct fdt *fdt, const char *alias, size_t len)
{
	char name[32];
	int aliases = find_child(fdt, 0, "aliases", 7);

	if (aliases < 0 || len >= sizeof(name))
		return FDT_NONE;
	memcpy(name, alias, len);
	name[len] = '\0';

	const char *path = fdt_string(fdt, aliases, name);

	return path && *path == '/' ? fdt_find_path(fdt, path) : FDT_NONE;
}

/* A colon ends the path: stdout-path has options behind it. */
int fdt_find_path(const struct fdt *fdt, const char *path)
{
	int node = 0;

	if (*path != '/') {
		size_t len = strcspn(path, "/:");

		node = find_alias(fdt, path, len);
		path += len;
	}
	while (node >= 0) {
		path += strspn(path, "/");

		size_t len = strcspn(path, "/:");

		if (!len)
			return node;
		node = find_child(fdt, node, path, len);
		path += len;
	}
	return FDT_NONE;
}

const void *fdt_next_property(const struct fdt *fdt, int node, u32 *cursor, const char **name,
			      u32 *len)
{
	struct property p;
	u32 pos = *cursor;

	if (!is_node(fdt, node))
		return NULL;
	if (!pos) {
		pos = (u32)node;
		token_next(fdt, &pos, &p);
	}
	for (;;) {
		switch (token_next(fdt, &pos, &p)) {
		case TOKEN_PROPERTY:
			*cursor = pos;
			*name = p.name;
			*len = p.len;
			return p.value;
		case TOKEN_NOP: break;
		case TOKEN_BEGIN:
		case TOKEN_END:
		case TOKEN_FINISH: return NULL;
		}
	}
}

const void *fdt_property(const struct fdt *fdt, int node, const char *name, u32 *len)
{
	const char *found;
	const void *value;
	u32 cursor = 0, n;

	while ((value = fdt_next_property(fdt, node, &cursor, &found, &n))) {
		if (strcmp(found, name))
			continue;
		if (len)
			*len = n;
		return value;
	}
	return NULL;
}

bool fdt_has(const struct fdt *fdt, int node, const char *name)
{
	return fdt_property(fdt, node, name, NULL) != NULL;
}

const char *fdt_string_nth(const struct fdt *fdt, int node, const char *name, unsigned nth)
{
	u32 len;
	const char *s = fdt_property(fdt, node, name, &len);

	while (s) {
		size_t n = strnlen(s, len);

		if (n == len)
			return NULL;
		if (!nth--)
			return s;
		s += n + 1;
		len -= (u32)n + 1;
	}
	return NULL;
}

const char *fdt_string(const struct fdt *fdt, int node, const char *name)
{
	return fdt_string_nth(fdt, node, name, 0);
}

int fdt_string_index(const struct fdt *fdt, int node, const char *name, const char *value)
{
	const char *s;

	for (unsigned i = 0; (s = fdt_string_nth(fdt, node, name, i)); i++) {
		if (!strcmp(s, value))
			return (int)i;
	}
	return -1;
}

bool fdt_compatible(const struct fdt *fdt, int node, const char *compatible)
{
	return fdt_string_index(fdt, node, "compatible", compatible) >= 0;
}

int fdt_find_compatible(const struct fdt *fdt, int after, const char *compatible)
{
	int node = after < 0 ? 0 : fdt_next_node(fdt, after, NULL);

	while (node >= 0 && !fdt_compatible(fdt, node, compatible))
		node = fdt_next_node(fdt, node, NULL);
	return node;
}

bool fdt_enabled(const struct fdt *fdt, int node)
{
	const char *status = fdt_string(fdt, node, "status");

	return !status || !strcmp(status, "okay") || !strcmp(status, "ok");
}

bool fdt_cell(const struct fdt *fdt, int node, const char *name, unsigned nth, u32 *out)
{
	u32 len;
	const u8 *value = fdt_property(fdt, node, name, &len);

	if (!value || nth >= len / 4)
		return false;
	*out = fdt_be32(value + 4 * nth);
	return true;
}

u32 fdt_u32(const struct fdt *fdt, int node, const char *name, u32 otherwise)
{
	u32 n;

	return fdt_cell(fdt, node, name, 0, &n) ? n : otherwise;
}

bool fdt_u64(const struct fdt *fdt, int node, const char *name, u64 *out)
{
	u32 len;
	const u8 *value = fdt_property(fdt, node, name, &len);

	if (!value || (len != 4 && len != 8))
		return false;
	*out = fdt_number(value, len / 4);
	return true;
}

u32 fdt_phandle(const struct fdt *fdt, int node)
{
	return fdt_u32(fdt, node, "phandle", fdt_u32(fdt, node, "linux,phandle", 0));
}

int fdt_find_phandle(const struct fdt *fdt, u32 phandle)
{
	int node;

	if (!phandle || phandle == U32_MAX)
		return FDT_NONE;
	fdt_for_each_node(node, fdt)
	{
		if (fdt_phandle(fdt, node) == phandle)
			return node;
	}
	return FDT_NONE;
}

bool fdt_reservation(const struct fdt *fdt, unsigned nth, paddr_t *addr, u64 *size)
{
	for (u64 at = fdt->reserve_offset; at + 16 <= fdt->size; at += 16) {
		*addr = get_unaligned_be64(fdt->blob + at);
		*size = get_unaligned_be64(fdt->blob + at + 8);
		if (!*addr && !*size)
			return false;
		if (!nth--)
			return true;
	}
	return false;
}
