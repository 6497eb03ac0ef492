/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX access control lists: their algebra with mode bits, their attribute form, the cache.
 *
 * A list has its entries in the order owner, named users, owning group, named groups, mask, others.
 * The permission bits of the inode mirror three of them: owner, others, and for the group bits the
 * mask if there is one, else the owning group.  A list without named entries and mask is the mode.
 *
 * The cached pointers change under the inode's lock, but for one step: from POSIX_ACL_UNKNOWN to
 * what was read, by compare and exchange.  A reader that found the old list on disk thus cannot
 * overwrite what a writer has put there meanwhile.
 */
#include <fs/vfs/fs_context.h>
#include <fs/vfs/posix_acl.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/xattr.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

struct posix_acl *posix_acl_alloc(u32 count)
{
	struct posix_acl *acl = kmalloc(sizeof(*acl) + count * sizeof(acl->entries[0]), GFP_NOFS);

	if (acl) {
		refcount_set(&acl->refs, 1);
		acl->count = count;
	}
	return acl;
}

static void acl_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct posix_acl, rcu));
}

void posix_acl_put(struct posix_acl *acl)
{
	if (acl && refcount_put(&acl->refs))
		call_rcu(&acl->rcu, acl_free_rcu);
}

static struct posix_acl *acl_copy(const struct posix_acl *acl)
{
	struct posix_acl *copy = posix_acl_alloc(acl->count);

	if (copy)
		memcpy(copy->entries, acl->entries, acl->count * sizeof(acl->entries[0]));
	return copy;
}

/* Lists and modes */

/* Where each tag may stand: entries come in this order, the starred ones any number of times. */
static int tag_place(u16 tag)
{
	switch (tag) {
	case ACL_USER_OBJ: return 0;
	case ACL_USER: return 1;
	case ACL_GROUP_OBJ: return 2;
	case ACL_GROUP: return 3;
	case ACL_MASK: return 4;
	case ACL_OTHER: return 5;
	default: return -1;
	}
}

static bool tag_repeats(u16 tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

int posix_acl_valid(const struct posix_acl *acl)
{
	u32 seen = 0;
	int last = -1;

	for (u32 i = 0; i < acl->count; i++) {
		const struct posix_acl_entry *e = &acl->entries[i];
		int place = tag_place(e->tag);

		if (place < last || (place == last && !tag_repeats(e->tag)) || (e->perm & ~7))
			return -EINVAL;
		if (tag_repeats(e->tag) && e->id == ~0u)
			return -EINVAL;
		seen |= e->tag;
		last = place;
	}
	if ((seen & (ACL_USER | ACL_GROUP)) && !(seen & ACL_MASK))
		return -EINVAL;
	seen &= ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER;
	return seen == (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER) ? 0 : -EINVAL;
}

static const struct posix_acl_entry *acl_entry(const struct posix_acl *acl, u16 tag)
{
	for (u32 i = 0; i < acl->count; i++) {
		if (acl->entries[i].tag == tag)
			return &acl->entries[i];
	}
	return NULL;
}

static u32 acl_perm(const struct posix_acl *acl, u16 tag)
{
	const struct posix_acl_entry *e = acl_entry(acl, tag);

	return e ? e->perm : 0;
}

bool posix_acl_is_mode(const struct posix_acl *acl, umode_t *mode)
{
	bool mask = acl_entry(acl, ACL_MASK);
	u32 bits = acl_perm(acl, ACL_USER_OBJ) << 6 | acl_perm(acl, ACL_OTHER);

	bits |= acl_perm(acl, mask ? ACL_MASK : ACL_GROUP_OBJ) << 3;
	*mode = (*mode & ~(umode_t)S_IRWXUGO) | bits;
	return !mask && !acl_entry(acl, ACL_USER) && !acl_entry(acl, ACL_GROUP);
}

static void set_perm(struct posix_acl *acl, u16 tag, u32 perm)
{
	struct posix_acl_entry *e = (struct posix_acl_entry *)acl_entry(acl, tag);

	if (e)
		e->perm = perm & 7;
}

void posix_acl_set_mode(struct posix_acl *acl, umode_t mode)
{
	set_perm(acl, ACL_USER_OBJ, mode >> 6);
	set_perm(acl, acl_entry(acl, ACL_MASK) ? ACL_MASK : ACL_GROUP_OBJ, mode >> 3);
	set_perm(acl, ACL_OTHER, mode);
}

bool posix_acl_mask_mode(struct posix_acl *acl, umode_t *mode)
{
	umode_t allowed = *mode, all = *mode;
	bool same = posix_acl_is_mode(acl, &allowed);

	all &= allowed | ~(umode_t)S_IRWXUGO;
	posix_acl_set_mode(acl, all);
	*mode = all;
	return same;
}

/* The attribute's form */

int posix_acl_from_xattr(const void *value, size_t size, struct posix_acl **out)
{
	const struct posix_acl_xattr_header *h = value;
	const struct posix_acl_xattr_entry *x = (const void *)(h + 1);
	struct posix_acl *acl;
	u32 count;

	*out = NULL;
	if (!value)
		return 0;
	if (size < sizeof(*h))
		return -EINVAL;
	if (get_unaligned_le32(&h->a_version) != POSIX_ACL_XATTR_VERSION)
		return -EOPNOTSUPP;
	size -= sizeof(*h);
	if (size % sizeof(*x))
		return -EINVAL;
	count = size / sizeof(*x);
	if (!count)
		return 0;
	acl = posix_acl_alloc(count);
	if (!acl)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		u16 tag = get_unaligned_le16(&x[i].e_tag);

		if (tag_place(tag) < 0) {
			posix_acl_put(acl);
			return -EINVAL;
		}
		acl->entries[i].tag = tag;
		acl->entries[i].perm = get_unaligned_le16(&x[i].e_perm);
		acl->entries[i].id = tag_repeats(tag) ? get_unaligned_le32(&x[i].e_id) : ~0u;
	}
	*out = acl;
	return 0;
}

ssize_t posix_acl_to_xattr(const struct posix_acl *acl, void *buf, size_t size)
{
	struct posix_acl_xattr_header *h = buf;
	struct posix_acl_xattr_entry *x = (void *)(h + 1);
	size_t need = sizeof(*h) + acl->count * sizeof(*x);

	if (!size)
		return need;
	if (need > size)
		return -ERANGE;
	put_unaligned_le32(POSIX_ACL_XATTR_VERSION, &h->a_version);
	for (u32 i = 0; i < acl->count; i++) {
		put_unaligned_le16(acl->entries[i].tag, &x[i].e_tag);
		put_unaligned_le16(acl->entries[i].perm, &x[i].e_perm);
		put_unaligned_le32(acl->entries[i].id, &x[i].e_id);
	}
	return need;
}

/* Permission */

static bool entry_grants(const struct posix_acl_entry *e, u32 mask, int want)
{
	return !(want & ~(int)(e->perm & mask) & 7);
}

/* The entries of the owning group and of named groups: one that grants suffices. */
static int groups_permission(const struct inode *inode, const struct posix_acl *acl, u32 mask,
			     int want)
{
	const struct cred *cred = cred_current();
	bool member = false;

	for (u32 i = 0; i < acl->count; i++) {
		const struct posix_acl_entry *e = &acl->entries[i];

		if (e->tag != ACL_GROUP_OBJ && e->tag != ACL_GROUP)
			continue;
		if (!cred_in_group(cred, e->tag == ACL_GROUP ? e->id : inode->gid))
			continue;
		if (entry_grants(e, mask, want))
			return 0;
		member = true;
	}
	return member ? -EACCES : -EAGAIN;
}

int posix_acl_permission(const struct inode *inode, const struct posix_acl *acl, int want)
{
	const struct cred *cred = cred_current();
	const struct posix_acl_entry *m = acl_entry(acl, ACL_MASK);
	u32 mask = m ? m->perm : 7;
	int err;

	want &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (cred->fsuid == inode->uid)
		return want & ~(int)acl_perm(acl, ACL_USER_OBJ) ? -EACCES : 0;
	for (u32 i = 0; i < acl->count; i++) {
		const struct posix_acl_entry *e = &acl->entries[i];

		if (e->tag == ACL_USER && e->id == cred->fsuid)
			return entry_grants(e, mask, want) ? 0 : -EACCES;
	}
	err = groups_permission(inode, acl, mask, want);
	if (err == -EAGAIN)
		err = want & ~(int)acl_perm(acl, ACL_OTHER) ? -EACCES : 0;
	return err;
}

/* The cache */

static struct posix_acl **acl_field(struct inode *inode, enum posix_acl_type type)
{
	return type == POSIX_ACL_ACCESS ? &inode->acl : &inode->default_acl;
}

int inode_acl_permission(struct inode *inode, int mask)
{
	struct posix_acl *acl;
	int err;

	rcu_read_lock();
	acl = rcu_dereference(inode->acl);
	if (acl != POSIX_ACL_UNKNOWN) {
		err = acl ? posix_acl_permission(inode, acl, mask) : -EAGAIN;
		rcu_read_unlock();
		return err;
	}
	rcu_read_unlock();
	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	err = inode_get_acl(inode, POSIX_ACL_ACCESS, &acl);
	if (err)
		return err;
	err = acl ? posix_acl_permission(inode, acl, mask) : -EAGAIN;
	posix_acl_put(acl);
	return err;
}

/* What the cache says, counted.  False: it does not know. */
static bool acl_cached(struct posix_acl **field, struct posix_acl **out)
{
	guard_rcu();
	for (;;) {
		struct posix_acl *acl = rcu_dereference(*field);

		if (acl == POSIX_ACL_UNKNOWN)
			return false;
		if (!acl || refcount_get_unless_zero(&acl->refs)) {
			*out = acl;
			return true;
		}
	}
}

int inode_get_acl(struct inode *inode, enum posix_acl_type type, struct posix_acl **out)
{
	struct posix_acl **field = acl_field(inode, type), *unknown = POSIX_ACL_UNKNOWN;
	int err;

	if (acl_cached(field, out))
		return 0;
	*out = NULL;
	if (!inode->ops->get_acl)
		return 0;
	err = inode->ops->get_acl(inode, type, out);
	if (err)
		return err;
	posix_acl_get(*out);
	if (!atomic_cmpxchg(field, &unknown, *out))
		posix_acl_put(*out);
	return 0;
}

void inode_cache_acl(struct inode *inode, enum posix_acl_type type, struct posix_acl *acl)
{
	struct posix_acl *old = atomic_xchg(acl_field(inode, type), posix_acl_get(acl));

	if (old != POSIX_ACL_UNKNOWN)
		posix_acl_put(old);
}

void inode_acl_release(struct inode *inode)
{
	if (inode->acl != POSIX_ACL_UNKNOWN)
		posix_acl_put(inode->acl);
	if (inode->default_acl != POSIX_ACL_UNKNOWN)
		posix_acl_put(inode->default_acl);
}

/* Changes of mode and list */

void posix_acl_update_mode(const struct inode *inode, umode_t *mode, struct posix_acl **acl)
{
	*mode = inode->mode;
	if (posix_acl_is_mode(*acl, mode))
		*acl = NULL;
	if (!cred_in_group(cred_current(), inode->gid) && !inode_capable(inode, CAP_FSETID))
		*mode &= ~(umode_t)S_ISGID;
}

int posix_acl_chmod(struct inode *inode)
{
	struct posix_acl *acl, *fresh;
	int err;

	if (!READ_ONCE(inode->acl) || !inode->ops->set_acl)
		return 0;
	err = inode_get_acl(inode, POSIX_ACL_ACCESS, &acl);
	if (err || !acl)
		return err == -EOPNOTSUPP ? 0 : err;
	fresh = acl_copy(acl);
	posix_acl_put(acl);
	if (!fresh)
		return -ENOMEM;
	posix_acl_set_mode(fresh, inode->mode);
	err = inode->ops->set_acl(inode, POSIX_ACL_ACCESS, fresh);
	posix_acl_put(fresh);
	return err;
}

int posix_acl_inherit(struct inode *dir, umode_t *mode, struct posix_acl **def,
		      struct posix_acl **acc)
{
	struct posix_acl *acl, *own;
	int err;

	*def = *acc = NULL;
	if (S_ISLNK(*mode) || !(dir->sb->flags & SB_POSIXACL))
		return 0;
	err = inode_get_acl(dir, POSIX_ACL_DEFAULT, &acl);
	if (err && err != -EOPNOTSUPP)
		return err;
	if (!acl) {
		*mode &= ~(umode_t)current_umask();
		return 0;
	}
	own = acl_copy(acl);
	if (!own) {
		posix_acl_put(acl);
		return -ENOMEM;
	}
	if (posix_acl_mask_mode(own, mode)) {
		posix_acl_put(own);
		own = NULL;
	}
	*acc = own;
	if (S_ISDIR(*mode))
		*def = acl;
	else
		posix_acl_put(acl);
	return 0;
}

/* As attributes */

const char *posix_acl_name(enum posix_acl_type type)
{
	return type == POSIX_ACL_ACCESS ? XATTR_NAME_POSIX_ACL_ACCESS
					: XATTR_NAME_POSIX_ACL_DEFAULT;
}

bool posix_acl_xattr_name(const char *name, enum posix_acl_type *type)
{
	for (*type = POSIX_ACL_ACCESS; *type <= POSIX_ACL_DEFAULT; (*type)++) {
		if (!strcmp(name, posix_acl_name(*type)))
			return true;
	}
	return false;
}

ssize_t inode_get_acl_xattr(struct inode *inode, enum posix_acl_type type, void *buf, size_t size)
{
	struct posix_acl *acl;
	ssize_t n;

	if (!(inode->sb->flags & SB_POSIXACL) || S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	n = inode_get_acl(inode, type, &acl);
	if (n)
		return n;
	if (!acl)
		return -ENODATA;
	n = posix_acl_to_xattr(acl, buf, size);
	posix_acl_put(acl);
	return n;
}

int inode_set_acl_xattr(struct inode *inode, enum posix_acl_type type, const void *value,
			size_t size)
{
	struct posix_acl *acl;
	int err = posix_acl_from_xattr(size ? value : NULL, size, &acl);

	if (err)
		return err;
	assert_held(&inode->lock);
	if (inode->flags & (S_IMMUTABLE | S_APPEND))
		err = -EPERM;
	else if (!(inode->sb->flags & SB_POSIXACL) || !inode->ops->set_acl || S_ISLNK(inode->mode))
		err = -EOPNOTSUPP;
	else if (type == POSIX_ACL_DEFAULT && !S_ISDIR(inode->mode))
		err = acl ? -EACCES : 0;
	else if (!inode_owner_or_capable(inode))
		err = -EPERM;
	else if (acl && posix_acl_valid(acl))
		err = -EINVAL;
	else
		err = inode->ops->set_acl(inode, type, acl);
	posix_acl_put(acl);
	return err;
}

/* Lists in the inode alone */

int posix_acl_set_cached(struct inode *inode, int type, struct posix_acl *acl)
{
	if (type == POSIX_ACL_ACCESS && acl) {
		umode_t mode;

		posix_acl_update_mode(inode, &mode, &acl);
		WRITE_ONCE(inode->mode, mode);
	}
	inode_cache_acl(inode, type, acl);
	inode_touch(inode, ATTR_CTIME);
	return 0;
}

ssize_t posix_acl_list_cached(const struct inode *inode, char *buf, size_t size)
{
	size_t used = 0;

	for (enum posix_acl_type t = POSIX_ACL_ACCESS; t <= POSIX_ACL_DEFAULT; t++) {
		size_t len = strlen(posix_acl_name(t)) + 1;

		if (!(t == POSIX_ACL_ACCESS ? inode->acl : inode->default_acl))
			continue;
		if (size && used + len > size)
			return -ERANGE;
		if (size)
			memcpy(buf + used, posix_acl_name(t), len);
		used += len;
	}
	return used;
}
