/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes: sets of them, shared by inodes that have the same.
 *
 * A set is a sequence of a kind (user, trusted, security), a name and a value.  A value that others
 * have too may stand once, elsewhere, with a reference in its place.
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/limits.h>
#include <kernel/abi/xattr.h>
#include <kernel/lib/string.h>

#include "squashfs_internal.h"

#define KIND_MASK  0xffu
#define KIND_ELSEWHERE 0x100u

static const char *const prefixes[] = {XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX,
				       XATTR_SECURITY_PREFIX};

struct walk {
	struct sq_sb *fs;
	struct sq_cursor at;
	u32 count;
	/* The attribute at hand; its value follows. */
	u32 kind, len;
	char name[XATTR_NAME_MAX + 1];
};

/* Returns whether there are any, or a negative errno. */
static int walk_begin(struct inode *inode, struct walk *w)
{
	u32 set = sq_i(inode)->xattrs;
	u8 raw[16];
	int err;

	w->fs = sq_sb(inode->sb);
	if (set == SQ_NO_XATTRS || !w->fs->nr_xattrs)
		return 0;
	if (set >= w->fs->nr_xattrs)
		return sq_error(w->fs, "inode %llu has attributes of a set %u, which is none",
				inode->ino, set);
	err = sq_table_read(w->fs, w->fs->xattr_index, set, raw, sizeof(raw));
	if (err)
		return err;
	w->at = sq_cursor_of(w->fs->xattr_table, get_unaligned_le64(raw));
	w->count = get_unaligned_le32(raw + 8);
	return 1;
}

/* Returns 1, 0 at the end, or a negative errno. */
static int walk_next(struct walk *w)
{
	u8 raw[4];
	int err;

	if (!w->count)
		return 0;
	w->count--;
	err = sq_meta_read(w->fs, &w->at, raw, sizeof(raw));
	if (err)
		return err;
	w->kind = get_unaligned_le16(raw);
	w->len = get_unaligned_le16(raw + 2);
	if (w->len > XATTR_NAME_MAX)
		return sq_error(w->fs, "an attribute has a name of %u bytes", w->len);
	err = sq_meta_read(w->fs, &w->at, w->name, w->len);
	w->name[w->len] = 0;
	return err ? err : 1;
}

static const char *prefix_of(const struct walk *w)
{
	u32 kind = w->kind & KIND_MASK;

	return kind < ARRAY_SIZE(prefixes) ? prefixes[kind] : NULL;
}

static int value_len(struct sq_sb *fs, struct sq_cursor *at, u32 *len)
{
	u8 raw[4];
	int err = sq_meta_read(fs, at, raw, sizeof(raw));

	*len = get_unaligned_le32(raw);
	if (!err && *len > XATTR_SIZE_MAX)
		err = sq_error(fs, "an attribute has a value of %u bytes", *len);
	return err;
}

static int value_skip(struct walk *w)
{
	u32 len;
	int err = value_len(w->fs, &w->at, &len);

	return err ? err : sq_meta_read(w->fs, &w->at, NULL, len);
}

static ssize_t value_read(struct walk *w, void *buf, size_t size)
{
	struct sq_cursor at = w->at;
	u8 ref[8];
	u32 len;
	int err = value_len(w->fs, &at, &len);

	if (!err && w->kind & KIND_ELSEWHERE) {
		err = sq_meta_read(w->fs, &at, ref, sizeof(ref));
		at = sq_cursor_of(w->fs->xattr_table, get_unaligned_le64(ref));
		if (!err)
			err = value_len(w->fs, &at, &len);
	}
	if (err)
		return err;
	if (!buf || !size)
		return len;
	if (len > size)
		return -ERANGE;
	err = sq_meta_read(w->fs, &at, buf, len);
	return err ? err : (ssize_t)len;
}

static bool name_is(const struct walk *w, const char *name)
{
	const char *prefix = prefix_of(w);
	size_t n = prefix ? strlen(prefix) : 0;

	return prefix && !strncmp(name, prefix, n) && !strcmp(name + n, w->name);
}

ssize_t sq_getxattr(struct inode *inode, const char *name, void *buf, size_t size)
{
	bool known = false;
	struct walk w;
	int err;

	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++)
		known |= !strncmp(name, prefixes[i], strlen(prefixes[i]));
	if (!known)
		return -EOPNOTSUPP;
	err = walk_begin(inode, &w);
	while (err > 0 && (err = walk_next(&w)) > 0) {
		if (name_is(&w, name))
			return value_read(&w, buf, size);
		err = value_skip(&w);
		err = err ? err : 1;
	}
	return err ? err : -ENODATA;
}

ssize_t sq_listxattr(struct inode *inode, char *buf, size_t size)
{
	size_t used = 0, n;
	const char *prefix;
	struct walk w;
	int err = walk_begin(inode, &w);

	while (err > 0 && (err = walk_next(&w)) > 0) {
		prefix = prefix_of(&w);
		n = prefix ? strlen(prefix) : 0;
		if (prefix && buf && size) {
			if (used + n + w.len + 1 > size)
				return -ERANGE;
			memcpy(buf + used, prefix, n);
			memcpy(buf + used + n, w.name, w.len + 1);
		}
		used += prefix ? n + w.len + 1 : 0;
		err = value_skip(&w);
		err = err ? err : 1;
	}
	return err ? err : (ssize_t)used;
}
