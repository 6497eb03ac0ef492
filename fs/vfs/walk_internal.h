/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of one path walk, for walk.c and those who end it their own way (open, create,
 * remove). */
#pragma once

#include <fs/vfs/core.h>

#define WALK_MAX_LINKS 40
#define WALK_FEW_LINKS 2

enum walk_state {
	WALK_RCU = 1 << 0,	 /* no counts held, rcu_read_lock() taken */
	WALK_ROOT_SET = 1 << 1,
	WALK_ROOT_HELD = 1 << 2, /* root has counts */
};

enum last_type { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

/* A symlink being followed: its body must stay while names of it are used. */
struct link_frame {
	struct path link;
	struct link_body body;
	/* what follows the link in the text it was found in; NULL: it was the last component */
	const char *rest;
	u32 seq;
};

struct walk {
	struct path path, root;
	struct inode *inode; /* path.dentry's, as of seq */
	u32 seq, root_seq;   /* of the dentries, under RCU */
	u32 mseq, rseq;	     /* mount_seq at the start; rename_lock for scoped walks */
	u32 flags;	     /* LOOKUP_* */
	u32 state;	     /* enum walk_state */
	enum last_type last_type;
	struct qstr last;    /* the last component, not yet looked up after walk_parent() */
	u32 depth, links;
	int dfd;
	struct link_frame *stack;
	struct link_frame few[WALK_FEW_LINKS];
};

/* flags for walk_begin besides LOOKUP_* */
#define WALK_NO_RCU (1u << 31)

/*
 * Start a walk and go to the parent of the last component.  Returns 0, a negative errno, or
 * -ECHILD: to be tried again with WALK_NO_RCU. Always followed by walk_end().
 */
int walk_parent(struct walk *w, int dfd, const char *name, unsigned flags) __must_check;
/* The same from `base`, which is also the root of the walk; holds counts from the first step. */
int walk_below(struct walk *w, const struct path *base, const char *name,
	       unsigned flags) __must_check;
/* Continue with the text of a symlink met as last component, to its last component's parent. */
int walk_more(struct walk *w, const char *text) __must_check;
/* Enter the last component.  *text: NULL, or the body of a symlink to follow by walk_more(). */
int walk_last(struct walk *w, const char **text) __must_check;
/* As the second half of walk_last, with a dentry that the caller found (its count passes to the
 * walk); not under RCU. */
int walk_enter(struct walk *w, struct dentry *d, const char **text) __must_check;
/* Look the last component up in the cache only, staying as we are.  *d NULL: not cached. Under RCU
 * without count. */
int walk_peek_last(struct walk *w, struct dentry **d, u32 *seq) __must_check;
int walk_enter_seq(struct walk *w, struct dentry *d, u32 seq, const char **text) __must_check;
/* Go on with counts.  0 or -ECHILD. */
int walk_leave_rcu(struct walk *w) __must_check;
/* The walk arrived: counts on path, directory if asked for. */
int walk_complete(struct walk *w) __must_check;
void walk_end(struct walk *w);

static inline bool walk_trailing_slash(const struct walk *w)
{
	return w->last_type == LAST_NAME && w->last.name[w->last.len];
}

/* Protection of sticky directories: may a link, FIFO or file there be used by the caller? */
int may_follow_link(const struct inode *dir, const struct inode *link) __must_check;
int may_create_in_sticky(const struct inode *dir, const struct inode *inode) __must_check;

/* lookup.c: `name` in `dir`, counted, into *out.  From the cache only; *out NULL: not there. */
int lookup_hashed(struct dentry *dir, const struct qstr *name, struct dentry **out) __must_check;
/* The same, and from the file system when the cache does not know.  May sleep; takes dir's inode
 * lock. */
int lookup_counted(struct dentry *dir, const struct qstr *name, struct dentry **out) __must_check;
