/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of local sockets: nodes in the file system, and abstract names.
 *
 * Both are found through one hash table, a node by its inode, an abstract name by its bytes.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/export.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/random.h>

#include "unix_internal.h"

#define BUCKET_BITS 8
#define NAME_AT     offsetof(struct sockaddr_un, sun_path)

static struct spinlock table_lock = SPINLOCK_INIT(RANK_SOCKET_HASH);
static struct hlist_head table[1 << BUCKET_BITS]; /* [table_lock] */
static struct list all = LIST_INIT(all);          /* [table_lock] */

void unix_addr_put(struct unix_addr *a)
{
	if (a && refcount_put(&a->refs))
		kfree(a);
}

static bool is_abstract(const struct sockaddr_un *name, int len)
{
	return len > (int)NAME_AT && !name->sun_path[0];
}

static struct hlist_head *abstract_bucket(const struct sockaddr_un *name, int len)
{
	u64 h = 0;

	for (int i = 0; i < len - (int)NAME_AT; i++)
		h = h * 31 + (u8)name->sun_path[i];
	return &table[hash64(h, BUCKET_BITS)];
}

static struct hlist_head *inode_bucket(const struct inode *inode)
{
	return &table[hash_ptr(inode, BUCKET_BITS)];
}

int unix_check_name(const struct sockaddr_storage *addr, int len)
{
	if (len <= (int)sizeof(sa_family_t) || len > (int)sizeof(struct sockaddr_un) ||
	    addr->ss_family != AF_UNIX)
		return -EINVAL;
	return 0;
}

void unix_enlist(struct unix_sock *u)
{
	guard_spin(&table_lock);
	list_push_back(&all, &u->all_link);
}

void unix_unbind(struct unix_sock *u)
{
	{
		guard_spin(&table_lock);
		hlist_remove(&u->link);
		list_remove(&u->all_link);
	}
	if (u->path.dentry)
		path_put(&u->path);
	u->path = (struct path){0};
}

/* Binding. */

static struct unix_addr *addr_create(const struct sockaddr_un *name, int len)
{
	struct unix_addr *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		return NULL;
	refcount_set(&a->refs, 1);
	a->len = len;
	memcpy(&a->name, name, (size_t)len);
	return a;
}

/* Give `u` its name, once. */
static int publish(struct unix_sock *u, struct unix_addr *a, struct hlist_head *bucket)
{
	guard_spin(&u->lock);
	if (u->addr)
		return -EINVAL;
	u->addr = a;
	hlist_push(bucket, &u->link);
	return 0;
}

static struct unix_sock *abstract_find_locked(const struct sockaddr_un *name, int len)
{
	struct unix_sock *u;

	hlist_for_each(u, abstract_bucket(name, len), link)
	{
		struct unix_addr *a = u->addr;

		if (!u->path.dentry && a->len == len && !memcmp(&a->name, name, (size_t)len))
			return u;
	}
	return NULL;
}

static int bind_abstract(struct unix_sock *u, const struct sockaddr_un *name, int len)
{
	struct unix_addr *a = addr_create(name, len);
	int err;

	if (!a)
		return -ENOMEM;
	{
		guard_spin(&table_lock);
		err = abstract_find_locked(name, len) ? -EADDRINUSE
						      : publish(u, a, abstract_bucket(name, len));
	}
	if (err)
		unix_addr_put(a);
	return err;
}

static int make_node(const char *path, struct path *out)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, path, 0, &parent, &d);

	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	err = vfs_mknod(parent.dentry->inode, d,
			S_IFSOCK | creation_mode(parent.dentry->inode, 0777), 0);
	if (!err) {
		*out = (struct path){parent.mnt, d};
		path_get(out);
	}
	path_create_done(&parent, d);
	return err;
}

static int bind_path(struct unix_sock *u, const struct sockaddr_un *name, int len)
{
	char path[sizeof(name->sun_path) + 1] = {0};
	struct unix_addr *a;
	int err;

	memcpy(path, name->sun_path, (size_t)len - NAME_AT);
	/* The name ends at its NUL, and that NUL is part of it. */
	len = (int)(NAME_AT + strlen(path) + 1);
	a = addr_create(name, min(len, (int)sizeof(*name)));
	if (!a)
		return -ENOMEM;
	a->len = len;
	struct path node;
	err = make_node(path, &node);
	if (err) {
		unix_addr_put(a);
		return err;
	}
	u->path = node;
	{
		guard_spin(&table_lock);
		err = publish(u, a, inode_bucket(node.dentry->inode));
	}
	if (err) {
		unix_addr_put(a);
		u->path = (struct path){0};
		path_put(&node);
	}
	return err;
}

int unix_autobind(struct unix_sock *u)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int err = -EADDRINUSE;

	for (int tries = 0; err == -EADDRINUSE && tries < 1000; tries++) {
		snprintf(name.sun_path + 1, 6, "%05x", random_u32() & 0xfffff);
		err = bind_abstract(u, &name, (int)NAME_AT + 6);
	}
	/* Somebody else named it meanwhile: good enough. */
	return err == -EINVAL ? 0 : err;
}

int unix_bind(struct unix_sock *u, const struct sockaddr_un *name, int len)
{
	if (READ_ONCE(u->addr))
		return -EINVAL;
	if (len == (int)sizeof(sa_family_t))
		return unix_autobind(u);
	return is_abstract(name, len) ? bind_abstract(u, name, len) : bind_path(u, name, len);
}

/* Finding. */

static int find_by_inode(struct inode *inode, struct unix_sock **out)
{
	struct unix_sock *u;
	guard_spin(&table_lock);

	hlist_for_each(u, inode_bucket(inode), link)
	{
		if (u->path.dentry && u->path.dentry->inode == inode) {
			*out = unix_sock_get(u);
			return 0;
		}
	}
	return -ECONNREFUSED;
}

static int find_by_path(const struct sockaddr_un *name, int len, struct unix_sock **out)
{
	char buf[sizeof(name->sun_path) + 1] = {0};
	struct path path;
	int err;

	memcpy(buf, name->sun_path, (size_t)len - NAME_AT);
	err = kern_path(buf, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = inode_permission(path.dentry->inode, MAY_WRITE);
	if (!err)
		err = S_ISSOCK(path.dentry->inode->mode) ? find_by_inode(path.dentry->inode, out)
							 : -ECONNREFUSED;
	path_put(&path);
	return err;
}

int unix_find(const struct sockaddr_un *name, int len, int type, struct unix_sock **out)
{
	int err;

	if (is_abstract(name, len)) {
		guard_spin(&table_lock);
		*out = abstract_find_locked(name, len);
		if (*out)
			unix_sock_get(*out);
		err = *out ? 0 : -ECONNREFUSED;
	} else {
		err = find_by_path(name, len, out);
	}
	if (!err && (*out)->type != type) {
		unix_sock_put(*out);
		err = -EPROTOTYPE;
	}
	return err;
}

/* /proc/net/unix */

static int unix_show(struct seq *out, void *arg)
{
	struct unix_sock *u;

	seq_puts(out, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	guard_spin(&table_lock);
	list_for_each (u, &all, all_link) {
		struct unix_addr *a = READ_ONCE(u->addr);
		int st = u->state == UNIX_CONNECTED ? 3 : 1;

		seq_printf(out, "%p: %08x %08x %08x %04x %02x %5llu", NULL, refcount_read(&u->refs),
			   0, u->state == UNIX_LISTENING ? 0x10000 : 0, u->type, st, u->ino);
		if (a) {
			seq_putc(out, ' ');
			for (int i = 0; i < a->len - (int)NAME_AT; i++) {
				char c = a->name.sun_path[i];

				if (c || i + 1 < a->len - (int)NAME_AT ||
				    is_abstract(&a->name, a->len))
					seq_putc(out, c ? c : '@');
			}
		}
		seq_putc(out, '\n');
	}
	return 0;
}
EXPORT_PROC("/proc/net/unix", 0444, unix_show, NULL, NULL);
