/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path walk.  path_resolution(7), symlink(7), openat2(2).
 *
 * A walk begins under RCU and holds nothing: `path` is a pair of pointers that cannot be freed yet,
 * valid as of `seq` (the dentry's sequence count) and `mseq` (the mount tree's).  Each step reads
 * the child, then checks that the parent had not changed, so a chain of steps is as good as one
 * taken under locks:
 *	(1) the child was read from the hash while parent.seq was w->seq; checked after reading;
 *	(2) the child's inode was read while child.seq was `seq`; checked after reading;
 *	(3) mounts were read while mount_seq was w->mseq; checked after each crossing and at the
 *	    end.
 * Where that cannot go on (name not cached, work that sleeps) counts are taken on all we stand on
 * and checked against the same sequence counts; if one moved, -ECHILD sends the whole walk back to
 * start again with counts from the first step.
 *
 * Symlinks keep a frame each on a stack while their text is being walked: the text belongs to the
 * link's inode.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/dir.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "walk_internal.h"

#define SCOPED (LOOKUP_BENEATH | LOOKUP_IN_ROOT)

int sysctl_protected_symlinks = 1;

static bool in_rcu(const struct walk *w)
{
	return w->state & WALK_RCU;
}

static void path_put_partial(struct path *p)
{
	if (p->dentry)
		dentry_put(p->dentry);
	if (p->mnt)
		mount_put(p->mnt);
	*p = (struct path){};
}

static const char *skip_slashes(const char *s)
{
	while (*s == '/')
		s++;
	return s;
}

/* Frames */

static void frame_release(struct walk *w, struct link_frame *f)
{
	if (f->body.done)
		f->body.done(f->body.arg);
	f->body.done = NULL;
	if (!in_rcu(w))
		path_put_partial(&f->link);
}

static void pop_frame(struct walk *w)
{
	frame_release(w, &w->stack[--w->depth]);
}

/* Room for one more.  Under RCU the allocation does not wait. */
static int push_frame(struct walk *w)
{
	struct link_frame *big;

	if (w->links++ >= WALK_MAX_LINKS)
		return -ELOOP;
	if (w->depth < WALK_FEW_LINKS || w->stack != w->few)
		return 0;
	big = kmalloc_array(WALK_MAX_LINKS + 1, sizeof(*big), in_rcu(w) ? GFP_NOWAIT : GFP_KERNEL);
	if (!big)
		return in_rcu(w) ? -ECHILD : -ENOMEM;
	memcpy(big, w->few, sizeof(w->few));
	w->stack = big;
	return 0;
}

/* Leaving RCU */

/* Take counts on `p`.  False: something changed; what was counted stays in *p, the rest is NULL. */
static bool legitimize(struct path *p, u32 mseq, u32 seq)
{
	struct dentry *d = p->dentry;

	p->dentry = NULL;
	if (!mount_get_seq(&p->mnt, mseq))
		return false;
	switch (dentry_get_seq(d, seq)) {
	case DENTRY_VALID: p->dentry = d; return true;
	case DENTRY_CHANGED: p->dentry = d; return false;
	case DENTRY_GONE: break;
	}
	return false;
}

/* The root of a thread's context cannot be renamed or removed: its sequence need not match, only
 * life must remain. */
static bool legitimize_root(struct walk *w)
{
	if (!(w->state & WALK_ROOT_SET))
		return true;
	w->state |= WALK_ROOT_HELD;
	return legitimize(&w->root, w->mseq, w->root_seq);
}

static bool legitimize_frames(struct walk *w)
{
	for (u32 i = 0; i < w->depth; i++) {
		struct link_frame *f = &w->stack[i];

		if (!legitimize(&f->link, w->mseq, f->seq)) {
			/* Those behind hold nothing. */
			for (u32 j = i + 1; j < w->depth; j++)
				w->stack[j].link = (struct path){};
			return false;
		}
	}
	return true;
}

int walk_leave_rcu(struct walk *w)
{
	bool ok = legitimize_frames(w);

	if (!ok)
		w->path = (struct path){};
	else
		ok = legitimize(&w->path, w->mseq, w->seq);
	if (ok)
		ok = legitimize_root(w);
	w->state &= ~(u32)WALK_RCU;
	rcu_read_unlock();
	return ok ? 0 : -ECHILD;
}

void walk_end(struct walk *w)
{
	bool rcu = in_rcu(w);

	while (w->depth)
		pop_frame(w);
	if (w->stack != w->few)
		kfree(w->stack);
	if (rcu) {
		rcu_read_unlock();
		return;
	}
	path_put_partial(&w->path);
	if (w->state & WALK_ROOT_HELD)
		path_put_partial(&w->root);
}

/* The start */

static void read_fs_path(const struct fs_context *fs, const struct path *from, struct path *out,
			 u32 *dseq)
{
	u32 seq;

	do {
		seq = seq_read_begin(&fs->seq);
		out->mnt = READ_ONCE(from->mnt);
		out->dentry = READ_ONCE(from->dentry);
		*dseq = seq_read_peek(&out->dentry->seq);
	} while (seq_read_retry(&fs->seq, seq));
}

static void set_root(struct walk *w)
{
	struct fs_context *fs = fs_current();

	if (w->state & WALK_ROOT_SET)
		return;
	if (in_rcu(w)) {
		read_fs_path(fs, &fs->root, &w->root, &w->root_seq);
	} else {
		fs_get_root(fs, &w->root);
		w->state |= WALK_ROOT_HELD;
	}
	w->state |= WALK_ROOT_SET;
}

/* Stand at the root: the start of an absolute path or link. */
static int jump_root(struct walk *w)
{
	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	set_root(w);
	if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt && w->path.mnt != w->root.mnt)
		return -EXDEV;
	if (in_rcu(w)) {
		w->path = w->root;
		w->seq = w->root_seq;
		w->inode = READ_ONCE(w->path.dentry->inode);
		return seq_read_retry(&w->path.dentry->seq, w->seq) ? -ECHILD : 0;
	}
	path_put_partial(&w->path);
	w->path = w->root;
	path_get(&w->path);
	w->inode = w->path.dentry->inode;
	return 0;
}

static int start_at_fd(struct walk *w, bool need_dir)
{
	struct fdref ref = fd_get_raw(w->dfd);
	int err = 0;

	if (!ref.file)
		return -EBADF;
	w->path = ref.file->path;
	if (need_dir && !S_ISDIR(ref.file->inode->mode)) {
		w->path = (struct path){};
		err = -ENOTDIR;
	} else if (in_rcu(w)) {
		w->seq = seq_read_peek(&w->path.dentry->seq);
	} else {
		path_get(&w->path);
	}
	fd_put(ref);
	return err;
}

static int start_relative(struct walk *w, bool need_dir)
{
	struct fs_context *fs = fs_current();

	if (w->dfd != AT_FDCWD)
		return start_at_fd(w, need_dir);
	if (in_rcu(w))
		read_fs_path(fs, &fs->cwd, &w->path, &w->seq);
	else
		fs_get_cwd(fs, &w->path);
	return 0;
}

static int walk_start(struct walk *w, const char *name)
{
	int err;

	if (*name == '/' && !(w->flags & LOOKUP_IN_ROOT))
		return jump_root(w);
	err = start_relative(w, *name);
	if (err)
		return err;
	w->inode = READ_ONCE(w->path.dentry->inode);
	if (w->flags & SCOPED) {
		w->root = w->path;
		path_get(&w->root);
		w->state |= WALK_ROOT_SET | WALK_ROOT_HELD;
		w->rseq = seqlock_read_begin(&rename_lock);
	}
	return 0;
}

static void walk_init(struct walk *w, int dfd, unsigned flags)
{
	w->path = w->root = (struct path){};
	w->flags = flags & ~WALK_NO_RCU;
	w->state = 0;
	w->depth = w->links = 0;
	w->dfd = dfd;
	w->stack = w->few;
	w->mseq = seqlock_read_begin(&mount_seq);
	if (!(flags & (WALK_NO_RCU | SCOPED))) {
		rcu_read_lock();
		w->state = WALK_RCU;
	}
}

/* Permission to look a name up in the directory we stand on. */
static __always_inline int may_search(struct walk *w)
{
	struct inode *dir = w->inode;
	int err;

	if (unlikely(!S_ISDIR(dir->mode)))
		return -ENOTDIR;
	if (likely(!dir->ops->permission)) {
		if (likely((READ_ONCE(dir->mode) & S_IXUGO) == S_IXUGO && !READ_ONCE(dir->acl)))
			return 0;
		err = generic_permission(dir, in_rcu(w) ? MAY_EXEC | MAY_NOT_BLOCK : MAY_EXEC);
		if (likely(err != -ECHILD))
			return err;
		/* Its access list is still on disk. */
		err = walk_leave_rcu(w);
		return err ?: generic_permission(dir, MAY_EXEC);
	}
	if (in_rcu(w)) {
		err = dir->ops->permission(dir, MAY_EXEC | MAY_NOT_BLOCK);
		if (err != -ECHILD)
			return err;
		err = walk_leave_rcu(w);
		if (err)
			return err;
	}
	return dir->ops->permission(dir, MAY_EXEC);
}

/* Mounts */

/* Cross onto what is mounted on *p.  No counts. */
static int cross_mounts_rcu(struct walk *w, struct path *p, u32 *seq)
{
	bool crossed = false;

	while (unlikely(READ_ONCE(p->dentry->flags) & DENTRY_MOUNTED)) {
		struct mount *m = mount_lookup_rcu(p->mnt, p->dentry);

		if (!m)
			break;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		p->mnt = m;
		p->dentry = m->root;
		*seq = seq_read_peek(&m->root->seq);
		crossed = true;
	}
	return crossed && seqlock_read_retry(&mount_seq, w->mseq) ? -ECHILD : 0;
}

/* The same with counts; `own_mnt`: p->mnt's count is ours to drop, not w->path's. */
static int cross_mounts(struct walk *w, struct path *p, bool own_mnt)
{
	while (unlikely(READ_ONCE(p->dentry->flags) & DENTRY_MOUNTED)) {
		struct mount *m = mount_lookup(p);

		if (!m)
			break;
		dentry_put(p->dentry);
		if (own_mnt)
			mount_put(p->mnt);
		p->mnt = m;
		p->dentry = dentry_get(m->root);
		own_mnt = true;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
	}
	return 0;
}

/* ".." */

static bool at_root(const struct walk *w)
{
	return w->path.dentry == w->root.dentry && w->path.mnt == w->root.mnt;
}

static int up_rcu(struct walk *w)
{
	struct path p = w->path;
	u32 seq = w->seq;
	int err;

	while (!(p.dentry == w->root.dentry && p.mnt == w->root.mnt)) {
		struct dentry *d = p.dentry;

		if (d != p.mnt->root) {
			/* Below a bind mount the parent may lie outside: that takes a closer
			 * look. */
			if (p.mnt->root != p.mnt->sb->root)
				return -ECHILD;
			p.dentry = READ_ONCE(d->parent);
			u32 up_seq = seq_read_peek(&p.dentry->seq);

			if (seq_read_retry(&d->seq, seq))
				return -ECHILD;
			seq = up_seq;
			break;
		}
		struct mount *parent = READ_ONCE(p.mnt->parent);

		if (parent == p.mnt)
			break;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		p.dentry = READ_ONCE(p.mnt->mountpoint);
		p.mnt = parent;
		seq = seq_read_peek(&p.dentry->seq);
		if (seqlock_read_retry(&mount_seq, w->mseq))
			return -ECHILD;
	}
	err = cross_mounts_rcu(w, &p, &seq);
	if (err)
		return err;
	w->path = p;
	w->seq = seq;
	w->inode = READ_ONCE(p.dentry->inode);
	return seq_read_retry(&p.dentry->seq, seq) || !w->inode ? -ECHILD : 0;
}

/* From the root of a mount to the mount point below.  False: it has none. */
static bool up_mount(struct path *p)
{
	struct mount *m = p->mnt, *parent;
	struct dentry *at;

	rwsem_read_lock(&mounts_lock);
	parent = m->parent;
	if (parent == m) {
		rwsem_read_unlock(&mounts_lock);
		return false;
	}
	mount_get(parent);
	at = dentry_get(m->mountpoint);
	rwsem_read_unlock(&mounts_lock);
	path_put(p);
	*p = (struct path){ parent, at };
	return true;
}

static int up_counted(struct walk *w)
{
	while (!at_root(w)) {
		struct dentry *d = w->path.dentry, *parent;

		if (d != w->path.mnt->root) {
			parent = dentry_get_parent(d);
			dentry_put(d);
			w->path.dentry = parent;
			if (w->path.mnt->root != w->path.mnt->sb->root &&
			    !d_is_below(parent, w->path.mnt->root))
				return -ENOENT;
			break;
		}
		if (!up_mount(&w->path))
			break;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
	}
	int err = cross_mounts(w, &w->path, true);

	w->inode = w->path.dentry->inode;
	return err;
}

static int step_up(struct walk *w)
{
	int err;

	set_root(w);
	if ((w->flags & LOOKUP_BENEATH) && at_root(w))
		return -EXDEV;
	if (in_rcu(w)) {
		err = up_rcu(w);
		if (err != -ECHILD)
			return err;
		err = walk_leave_rcu(w);
		if (err)
			return err;
	}
	err = up_counted(w);
	/* A scope cannot be left through a rename or mount that raced with us. */
	if (!err && (w->flags & SCOPED) &&
	    (seqlock_read_retry(&rename_lock, w->rseq) || seqlock_read_retry(&mount_seq, w->mseq)))
		return -EAGAIN;
	return err;
}

/* A name */

int walk_peek_last(struct walk *w, struct dentry **out, u32 *seq)
{
	struct dentry *parent = w->path.dentry, *d;

	if (!in_rcu(w))
		return lookup_hashed(parent, &w->last, out);
	d = d_lookup_rcu(parent, &w->last, seq);
	if (d && seq_read_retry(&parent->seq, w->seq))
		return -ECHILD;
	if (d && unlikely(d->flags & DENTRY_REVALIDATE)) {
		int ret = d->ops->revalidate(d, true);

		if (ret <= 0)
			d = NULL;
	}
	*out = d;
	return 0;
}

/* Links */

int may_follow_link(const struct inode *dir, const struct inode *link)
{
	if (!sysctl_protected_symlinks)
		return 0;
	if (cred_current()->fsuid == link->uid)
		return 0;
	if ((dir->mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
		return 0;
	return dir->uid == link->uid ? 0 : -EACCES;
}

/* Follow a magic link: stand where it points. */
static int follow_magic(struct walk *w, struct link_frame *f, struct inode *inode)
{
	struct path to;
	int err;

	if (w->flags & LOOKUP_NO_MAGICLINKS)
		return -ELOOP;
	if (w->flags & SCOPED)
		return -EXDEV;
	err = inode->ops->jump_link(f->link.dentry, inode, &to);
	if (err)
		return err;
	if ((w->flags & LOOKUP_NO_XDEV) && to.mnt != w->path.mnt) {
		path_put(&to);
		return -EXDEV;
	}
	path_put_partial(&w->path);
	w->path = to;
	w->inode = to.dentry->inode;
	return 0;
}

static int link_text(struct walk *w, struct link_frame *f, struct inode *inode)
{
	int err = -ECHILD;

	if (in_rcu(w) && !(inode->flags & S_MAGIC_LINK) && inode->ops->get_link) {
		err = inode->ops->get_link(NULL, inode, &f->body);
		if (err != -ECHILD)
			return err;
	}
	if (in_rcu(w)) {
		err = walk_leave_rcu(w);
		if (err)
			return err;
	}
	if (inode->flags & S_MAGIC_LINK)
		return follow_magic(w, f, inode);
	return inode->ops->get_link ? inode->ops->get_link(f->link.dentry, inode, &f->body)
				    : -EINVAL;
}

/*
 * `next` is a symlink to follow.  On success *text is what to walk next, or NULL when the walk
 * already stands at the end (magic links, links to "/").  Under counts, next->dentry's count (and
 * the mount's if it differs from w->path's) is consumed.
 */
static int follow_link(struct walk *w, const struct path *next, struct inode *inode, u32 seq,
		       bool last, const char **text)
{
	struct link_frame *f;
	int err = push_frame(w);

	if (err) {
		if (!in_rcu(w)) {
			dentry_put(next->dentry);
			if (next->mnt != w->path.mnt)
				mount_put(next->mnt);
		}
		return err;
	}
	f = &w->stack[w->depth++];
	*f = (struct link_frame){ .link = *next, .seq = seq };
	if (!in_rcu(w) && next->mnt == w->path.mnt)
		mount_get(next->mnt);
	if (unlikely(w->flags & LOOKUP_NO_SYMLINKS) ||
	    unlikely(READ_ONCE(next->mnt->flags) & MNT_NOSYMFOLLOW))
		return -ELOOP;
	if (last) {
		err = may_follow_link(w->inode, inode);
		if (err)
			return err;
	}
	if (!in_rcu(w))
		path_touch_atime(&f->link);
	if (likely(inode->link)) {
		f->body.text = inode->link;
	} else {
		err = link_text(w, f, inode);
		f = &w->stack[w->depth - 1];
		if (err)
			return err;
	}
	*text = f->body.text;
	if (*text && !**text)
		return -ENOENT;
	if (*text && **text == '/') {
		err = jump_root(w);
		if (err)
			return err;
		*text = skip_slashes(*text);
		if (!**text)
			*text = NULL;
	}
	if (!*text)
		pop_frame(w);
	return 0;
}

/* Stepping */

enum step_how {
	STEP_FOLLOW = 1 << 0, /* a symlink here is followed */
	STEP_LAST = 1 << 1,   /* the last component of the whole path */
	STEP_POP = 1 << 2,    /* the text ends here: its link's frame goes once the name was used */
};

static bool wants_follow(const struct walk *w, unsigned how)
{
	return (how & STEP_FOLLOW) || (w->flags & LOOKUP_FOLLOW);
}

static int enter_rcu(struct walk *w, struct dentry *d, u32 seq, unsigned how, const char **text)
{
	struct path next = { w->path.mnt, d };
	struct inode *inode;
	int err = 0;

	if (!((how & STEP_LAST) && (w->flags & LOOKUP_NO_MOUNT)))
		err = cross_mounts_rcu(w, &next, &seq);
	if (unlikely(err))
		return err;
	inode = READ_ONCE(next.dentry->inode);
	if (unlikely(seq_read_retry(&next.dentry->seq, seq)))
		return -ECHILD;
	if (unlikely(!inode))
		return -ENOENT;
	if (unlikely(S_ISLNK(inode->mode)) && wants_follow(w, how))
		return follow_link(w, &next, inode, seq, how & STEP_LAST, text);
	w->path = next;
	w->seq = seq;
	w->inode = inode;
	return 0;
}

/* `d`'s count is consumed. */
static int enter_counted(struct walk *w, struct dentry *d, unsigned how, const char **text)
{
	struct path next = { w->path.mnt, d };
	struct inode *inode;
	int err = 0;

	if (!((how & STEP_LAST) && (w->flags & LOOKUP_NO_MOUNT)))
		err = cross_mounts(w, &next, false);
	inode = next.dentry->inode;
	if (!err && unlikely(!inode))
		err = -ENOENT;
	if (unlikely(err)) {
		dentry_put(next.dentry);
		if (next.mnt != w->path.mnt)
			mount_put(next.mnt);
		return err;
	}
	if (unlikely(S_ISLNK(inode->mode)) && wants_follow(w, how))
		return follow_link(w, &next, inode, 0, how & STEP_LAST, text);
	dentry_put(w->path.dentry);
	if (next.mnt != w->path.mnt)
		mount_put(w->path.mnt);
	w->path = next;
	w->inode = inode;
	return 0;
}

/* Move to the component in w->last.  *text as follow_link. */
static int step(struct walk *w, unsigned how, const char **text)
{
	struct dentry *d;
	u32 seq;
	int err = 0;

	*text = NULL;
	if (unlikely(w->last_type != LAST_NAME)) {
		if (w->last_type == LAST_DOTDOT)
			err = step_up(w);
		if (how & STEP_POP)
			pop_frame(w);
		return err;
	}
	if (likely(in_rcu(w))) {
		err = walk_peek_last(w, &d, &seq);
		if (unlikely(err))
			return err;
		if (likely(d)) {
			if (how & STEP_POP)
				pop_frame(w);
			return enter_rcu(w, d, seq, how, text);
		}
		if (w->flags & LOOKUP_CACHED)
			return -EAGAIN;
		err = walk_leave_rcu(w);
		if (err)
			return err;
	}
	err = lookup_counted(w->path.dentry, &w->last, &d);
	if (err)
		return err;
	if (how & STEP_POP)
		pop_frame(w);
	return enter_counted(w, d, how, text);
}

/* Cut the next component off `s` into w->last.  Returns what follows it. */
static __always_inline const char *take_component(struct walk *w, const char *s)
{
	const char *p = s;
	u32 h = 0;
	u8 c;

	while ((c = *p) && c != '/') {
		h = qstr_hash_step(h, c);
		p++;
	}
	w->last.name = s;
	w->last.len = p - s;
	w->last.hash = qstr_hash_end(h, w->path.dentry);
	w->last_type = LAST_NAME;
	if (unlikely(*s == '.') && name_is_dots(s, p - s))
		w->last_type = p - s == 1 ? LAST_DOT : LAST_DOTDOT;
	return p;
}

int walk_more(struct walk *w, const char *s)
{
	unsigned nested = 0; /* frames whose `rest` we still have to walk */
	const char *text;
	int err;

	w->last_type = LAST_ROOT;
	s = skip_slashes(s);
	if (!*s)
		return 0;
	for (;;) {
		unsigned how = STEP_FOLLOW;
		const char *rest;

		err = may_search(w);
		if (unlikely(err))
			return err;
		s = take_component(w, s);
		rest = skip_slashes(s);
		if (!*rest) {
			if (!nested)
				return 0;
			/* The end of a link's text: its own rest goes on; keep to directories if
			 * the text ended in '/'. */
			rest = w->stack[w->depth - 1].rest;
			how |= STEP_POP;
			nested--;
		}
		err = step(w, how, &text);
		if (unlikely(err))
			return err;
		s = rest;
		if (text) {
			w->stack[w->depth - 1].rest = rest;
			nested++;
			s = text;
		}
	}
}

int walk_parent(struct walk *w, int dfd, const char *name, unsigned flags)
{
	int err;

	walk_init(w, dfd, flags);
	err = walk_start(w, name);
	return err ?: walk_more(w, name);
}

int walk_below(struct walk *w, const struct path *base, const char *name, unsigned flags)
{
	walk_init(w, AT_FDCWD, flags | WALK_NO_RCU);
	w->path = w->root = *base;
	path_get(&w->path);
	path_get(&w->root);
	w->inode = w->path.dentry->inode;
	w->rseq = seqlock_read_begin(&rename_lock);
	w->state |= WALK_ROOT_SET | WALK_ROOT_HELD;
	return walk_more(w, name);
}

int walk_last(struct walk *w, const char **text)
{
	unsigned how = STEP_LAST | (w->depth ? STEP_POP : 0);

	if (walk_trailing_slash(w))
		w->flags |= LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
	return step(w, how, text);
}

int walk_enter(struct walk *w, struct dentry *d, const char **text)
{
	*text = NULL;
	if (w->depth)
		pop_frame(w);
	return enter_counted(w, d, STEP_LAST, text);
}

int walk_enter_seq(struct walk *w, struct dentry *d, u32 seq, const char **text)
{
	*text = NULL;
	if (w->depth)
		pop_frame(w);
	return enter_rcu(w, d, seq, STEP_LAST, text);
}

int walk_complete(struct walk *w)
{
	int err;

	if (in_rcu(w)) {
		err = walk_leave_rcu(w);
		if (err)
			return err;
	}
	if ((w->flags & SCOPED) &&
	    !(d_is_below(w->path.dentry, w->root.dentry) || w->path.mnt != w->root.mnt))
		return -EXDEV;
	if ((w->flags & LOOKUP_DIRECTORY) && !S_ISDIR(w->inode->mode))
		return -ENOTDIR;
	return 0;
}
