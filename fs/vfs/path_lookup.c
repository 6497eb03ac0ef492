/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks that end at what the name says, and the names that programs pass: brought in whole before
 * the walk, which so never reads user memory.
 */
#include <mm/alloc.h>
#include <mm/usercopy.h>

#include "walk_internal.h"

/* Go on from the parent of the last component (`err`: how the walk came there) to the end. */
static int walk_to_end(struct walk *w, int err, struct path *out)
{
	const char *text;

	while (!err) {
		err = walk_last(w, &text);
		if (err || !text)
			break;
		err = walk_more(w, text);
	}
	if (!err)
		err = walk_complete(w);
	if (!err) {
		*out = w->path;
		w->path = (struct path){};
	}
	walk_end(w);
	return err;
}

int path_lookup(int dfd, const char *name, unsigned flags, struct path *out)
{
	struct walk w;
	int err = walk_to_end(&w, walk_parent(&w, dfd, name, flags), out);

	if (unlikely(err == -ECHILD))
		err = walk_to_end(&w, walk_parent(&w, dfd, name, flags | WALK_NO_RCU), out);
	return err;
}

int kern_path(const char *name, unsigned flags, struct path *out)
{
	return path_lookup(AT_FDCWD, name, flags, out);
}

int vfs_path_lookup(const struct path *base, const char *name, unsigned flags, struct path *out)
{
	struct walk w;

	return walk_to_end(&w, walk_below(&w, base, name, flags), out);
}

int filename_get(struct filename *fn, const char __user *user, unsigned flags)
{
	ssize_t len = strncpy_from_user(fn->inline_name, user, FILENAME_INLINE);

	fn->heap = false;
	fn->name = fn->inline_name;
	if (unlikely(len < 0))
		return len;
	if (unlikely(len == FILENAME_INLINE)) {
		char *buf = kmalloc(PATH_MAX, GFP_KERNEL);

		if (!buf)
			return -ENOMEM;
		len = strncpy_from_user(buf, user, PATH_MAX);
		if (len < 0 || len == PATH_MAX) {
			kfree(buf);
			return len < 0 ? len : -ENAMETOOLONG;
		}
		fn->name = buf;
		fn->heap = true;
	}
	fn->len = len;
	if (unlikely(!len) && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	return 0;
}

void filename_free(struct filename *fn)
{
	kfree(fn->name);
	fn->heap = false;
}

int user_path_at(int dfd, const char __user *user, unsigned flags, struct path *out)
{
	struct filename fn;
	int err = filename_get(&fn, user, flags);

	if (!err)
		err = path_lookup(dfd, fn.name, flags, out);
	filename_put(&fn);
	return err;
}
