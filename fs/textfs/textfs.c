/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trees of generated text.
 *
 * A file's text is generated whole, into a buffer of the open file, when it is read at position 0,
 * and again each time a read returns there; reads further on go on in the same text, so a program
 * with a small buffer sees one consistent state.  A text that its writer divides into records
 * (seq_record) may be without bound: the buffer holds as many as fit, the part that was read last,
 * and a read behind it generates the next.  A read before it begins anew.
 *
 * Inodes are made when a name is first looked up and hold a reference to their node.  A removed
 * node stays until its last inode goes; its name is refused at revalidation.  Negative answers are
 * never cached, as names may appear at any time.
 */
#include <fs/textfs/textfs.h>

#include <fs/vfs/dentry.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/rwsem.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>

#define TEXT_FIRST_SIZE 4096
#define TEXT_MAX_SIZE   (64u << 20)
#define TEXT_STORE_MAX  4096

static struct rwsem text_tree_lock = RWSEM_INIT(text_tree_lock, RANK_NAMESPACE_INNER);
static u64 next_ino = 2; /* [a] */

/* Nodes. */

static void node_put(struct text_node *n)
{
	if (!refcount_put(&n->refs))
		return;
	if (n->drop)
		n->drop(n->arg);
	kfree(n->link);
	kfree(n);
}

static void node_release(struct text_owner *owner)
{
	node_put(container_of(owner, struct text_node, owner));
}

static bool node_alive(struct text_owner *owner)
{
	return !READ_ONCE(container_of(owner, struct text_node, owner)->dead);
}

void text_root_init(struct text_node *root)
{
	root->owner.release = node_release;
	root->owner.alive = node_alive;
	refcount_set(&root->refs, 1);
	root->mode = S_IFDIR | 0555;
	root->ino = 1;
	list_init(&root->children);
	list_init(&root->sibling);
}

static struct text_node *find_child(struct text_node *dir, const char *name, size_t len)
{
	struct text_node *n;

	list_for_each (n, &dir->children, sibling) {
		if (!strncmp(n->name, name, len) && !n->name[len])
			return n;
	}
	return NULL;
}

static struct text_node *add_child(struct text_node *dir, const char *name, size_t len, u32 mode)
{
	struct text_node *n = kzalloc(sizeof(*n) + len + 1, GFP_KERNEL);

	if (!n)
		return NULL;
	n->owner.release = node_release;
	n->owner.alive = node_alive;
	refcount_set(&n->refs, 1);
	memcpy(n->name, name, len);
	n->mode = mode;
	n->ino = atomic_fetch_add(&next_ino, 1);
	n->parent = dir;
	list_init(&n->children);
	list_push_back(&dir->children, &n->sibling);
	return n;
}

/* The directory that the last component of `path` lies in, made as needed; *last is that component.
 */
static struct text_node *walk_to_parent(struct text_node *dir, const char *path, const char **last)
{
	const char *slash;

	while (dir && (slash = strchr(path, '/'))) {
		size_t len = (size_t)(slash - path);
		struct text_node *next = find_child(dir, path, len);

		dir = next ? next : add_child(dir, path, len, S_IFDIR | 0555);
		path = slash + 1;
	}
	*last = path;
	return dir;
}

static struct text_node *make(struct text_node *parent, const char *path, u32 mode,
			      const struct text_node *like)
{
	const char *last;
	guard_write(&text_tree_lock);
	struct text_node *dir = walk_to_parent(parent, path, &last), *n;

	if (!dir || find_child(dir, last, strlen(last)))
		return NULL;
	n = add_child(dir, last, strlen(last), mode);
	if (n && like) {
		n->show = like->show;
		n->store = like->store;
		n->arg = like->arg;
		n->fops = like->fops;
		n->drop = like->drop;
		n->link = like->link;
	}
	return n;
}

struct text_node *text_dir(struct text_node *parent, const char *path)
{
	struct text_node *old = text_find(parent, path);

	return old ? old : make(parent, path, S_IFDIR | 0555, NULL);
}

struct text_node *text_file(struct text_node *parent, const char *path, u32 mode, text_show_fn show,
			    text_store_fn store, void *arg)
{
	struct text_node like = {.show = show, .store = store, .arg = arg};

	return make(parent, path, S_IFREG | mode, &like);
}

struct text_node *text_special(struct text_node *parent, const char *path, u32 mode,
			       const struct file_ops *fops, void *arg)
{
	struct text_node like = {.fops = fops, .arg = arg};

	return make(parent, path, mode, &like);
}

struct text_node *text_owned(struct text_node *parent, const char *path, u32 mode,
			     text_show_fn show, text_store_fn store, const struct file_ops *fops,
			     void *arg, void (*drop)(void *arg))
{
	struct text_node like = {
		.show = show, .store = store, .fops = fops, .arg = arg, .drop = drop};

	return make(parent, path, S_IFREG | mode, &like);
}

void *text_inode_arg(const struct inode *inode)
{
	return container_of((struct text_owner *)inode->private, struct text_node, owner)->arg;
}

struct text_node *text_link(struct text_node *parent, const char *path, const char *target)
{
	struct text_node like = {.link = kstrdup(target, GFP_KERNEL)}, *n;

	if (!like.link)
		return NULL;
	n = make(parent, path, S_IFLNK | 0777, &like);
	if (!n)
		kfree(like.link);
	return n;
}

struct text_node *text_find(struct text_node *parent, const char *path)
{
	guard_read(&text_tree_lock);

	while (parent && *path) {
		const char *slash = strchr(path, '/');
		size_t len = slash ? (size_t)(slash - path) : strlen(path);

		parent = find_child(parent, path, len);
		path += len + (slash ? 1 : 0);
	}
	return parent;
}

static void remove_locked(struct text_node *n)
{
	struct text_node *child, *next;

	list_for_each_safe (child, next, &n->children, sibling)
		remove_locked(child);
	WRITE_ONCE(n->dead, true);
	list_remove(&n->sibling);
	node_put(n);
}

void text_remove(struct text_node *n)
{
	if (!n)
		return;
	guard_write(&text_tree_lock);
	remove_locked(n);
}

/* Files. */

struct text_open {
	text_show_fn show;
	text_store_fn store;
	void *arg;
	void (*done)(void *);
	struct mutex lock;
	char *text;   /* [lock] the part from position `start` on, or NULL */
	size_t len;   /* [lock] */
	loff_t start; /* [lock] */
	u64 next;     /* [lock] the record behind it */
	bool last;    /* [lock] there is none */
};

int text_file_open(struct file *file, text_show_fn show, text_store_fn store, void *arg,
		   void (*done)(void *))
{
	struct text_open *o = kzalloc(sizeof(*o), GFP_KERNEL);

	if (!o)
		return -ENOMEM;
	o->show = show;
	o->store = store;
	o->arg = arg;
	o->done = done;
	mutex_init(&o->lock, RANK_TEXT_FILE, "text file");
	file->private = o;
	file->ops = &text_file_ops;
	return 0;
}

/* Has the writer done all it could with this buffer?  Otherwise a larger one is needed. */
static bool part_taken(struct text_open *o, const struct seq *seq)
{
	if (seq_overflowed(seq) && !seq->whole)
		return false;
	o->last = !seq_overflowed(seq);
	o->len = o->last ? seq->len : seq->whole;
	o->next = seq->at;
	o->text = seq->buf;
	return true;
}

/*
 * Write the text from record `from` on, which stands at `start`, in a buffer that is large enough
 * for one record, or for all there is without records.  Locks: o->lock held.
 */
static int generate(struct text_open *o, u64 from, loff_t start)
{
	kvfree(o->text);
	o->text = NULL;
	o->len = 0;
	o->start = start;
	for (size_t size = TEXT_FIRST_SIZE; size <= TEXT_MAX_SIZE; size *= 4) {
		struct seq seq;
		char *buf = kvmalloc(size, GFP_KERNEL);
		int err;

		if (!buf)
			return -ENOMEM;
		seq_init(&seq, buf, size);
		seq.at = from;
		err = o->show(&seq, o->arg);
		if (!err && part_taken(o, &seq))
			return 0;
		kvfree(buf);
		if (err)
			return err;
	}
	return -EFBIG;
}

/* Have the part with position `pos`, if the text is so long.  Locks: o->lock held. */
static int have_part(struct text_open *o, loff_t pos)
{
	int err = 0;

	if (!pos || !o->text || pos < o->start)
		err = generate(o, 0, 0);
	while (!err && !o->last && pos - o->start >= (loff_t)o->len)
		err = generate(o, o->next, o->start + (loff_t)o->len);
	return err;
}

static ssize_t text_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct text_open *o = file->private;
	ssize_t done = 0;

	if (!o->show)
		return -EIO;
	guard_mutex(&o->lock);
	do {
		int err = have_part(o, *pos);

		if (err)
			return done ?: err;
		if (*pos - o->start >= (loff_t)o->len)
			break;
		size_t at = (size_t)(*pos - o->start);
		size_t want = min(iov_iter_count(to), o->len - at);
		size_t n = copy_to_iter(o->text + at, want, to);

		*pos += (loff_t)n;
		done += (ssize_t)n;
		if (n < want)
			return done ?: -EFAULT;
	} while (iov_iter_count(to) && !o->last);
	return done;
}

static ssize_t text_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct text_open *o = file->private;
	size_t len = min(iov_iter_count(from), (size_t)TEXT_STORE_MAX);
	ssize_t ret;
	char *buf;

	if (!o->store)
		return -EIO;
	buf = kmalloc(len + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, len, from) != len) {
		ret = -EFAULT;
	} else {
		buf[len] = 0;
		ret = o->store(buf, len, o->arg);
		if (ret > 0)
			*pos += ret;
	}
	kfree(buf);
	return ret;
}

static loff_t text_lseek(struct file *file, loff_t offset, int whence)
{
	struct text_open *o = file->private;

	return generic_lseek_size(file, offset, whence, S64_MAX, o->start + (loff_t)o->len);
}

static int text_release(struct file *file)
{
	struct text_open *o = file->private;

	if (!o)
		return 0;
	if (o->done)
		o->done(o->arg);
	kvfree(o->text);
	kfree(o);
	return 0;
}

const struct file_ops text_file_ops = {
	.read_iter = text_read,
	.write_iter = text_write,
	.lseek = text_lseek,
	.release = text_release,
};

static int node_open(struct inode *inode, struct file *file)
{
	struct text_node *n =
		container_of((struct text_owner *)inode->private, struct text_node, owner);

	return text_file_open(file, n->show, n->store, n->arg, NULL);
}

static const struct file_ops node_file_ops = {
	.open = node_open,
	.read_iter = text_read,
	.write_iter = text_write,
	.lseek = text_lseek,
	.release = text_release,
};

/* Directories. */

static struct inode *node_inode(struct superblock *sb, struct text_node *n);

static const struct text_node *root_of(struct superblock *sb)
{
	return container_of((struct text_owner *)sb->root->inode->private, struct text_node, owner);
}

static int dir_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct text_node *d = container_of((struct text_owner *)dir->private, struct text_node,
					   owner),
			 *n;
	struct inode *inode = NULL;
	{
		guard_read(&text_tree_lock);
		n = find_child(d, dentry->name, dentry->len);
		if (n)
			refcount_get(&n->refs);
	}
	if (n) {
		inode = node_inode(dir->sb, n);
		if (!inode) {
			node_put(n);
			return -ENOMEM;
		}
	} else if (d->lookup) {
		int err = d->lookup(dir->sb, dentry->name, dentry->len, &inode);
		if (err && err != -ENOENT)
			return err;
	}
	if (!inode && root_of(dir->sb)->missing_is_error)
		return -ENOENT;
	d_add(dentry, inode);
	return 0;
}

/* The child at place `index`, counted. */
static struct text_node *nth_child(struct text_node *d, u64 index)
{
	struct text_node *n;
	guard_read(&text_tree_lock);

	list_for_each (n, &d->children, sibling) {
		if (!index--) {
			refcount_get(&n->refs);
			return n;
		}
	}
	return NULL;
}

static unsigned dirent_type(u32 mode)
{
	return (mode & S_IFMT) >> 12;
}

static int dir_iterate_nodes(struct file *file, struct dir_context *ctx)
{
	struct text_node *d = container_of((struct text_owner *)file->inode->private,
					   struct text_node, owner),
			 *n;

	if (!dir_emit_dots(file, ctx))
		return 0;
	while (ctx->pos < TEXT_DYNAMIC_POS && (n = nth_child(d, (u64)ctx->pos - 2))) {
		bool more = dir_emit(ctx, n->name, strlen(n->name), n->ino, dirent_type(n->mode));

		node_put(n);
		if (!more)
			return 0;
		ctx->pos++;
	}
	if (!d->iterate)
		return 0;
	ctx->pos = max(ctx->pos, (loff_t)TEXT_DYNAMIC_POS);
	return d->iterate(file, ctx);
}

static const struct file_ops dir_file_ops = {.iterate = dir_iterate_nodes, .lseek = generic_lseek};
static const struct inode_ops dir_inode_ops = {.lookup = dir_lookup};
static const struct inode_ops file_inode_ops = {0};

/* Inodes. */

struct inode *text_inode(struct superblock *sb, u32 mode, u64 ino, struct text_owner *owner)
{
	struct inode *inode = inode_create(sb);

	if (!inode)
		return NULL;
	inode->mode = mode;
	inode->ino = ino;
	inode->flags |= S_KERNEL_FILE;
	inode->nlink = S_ISDIR(mode) ? 2 : 1;
	inode->private = owner;
	inode->ops = &file_inode_ops;
	return inode;
}

/* Takes over the reference to the node. */
static struct inode *node_inode(struct superblock *sb, struct text_node *n)
{
	struct inode *inode = text_inode(sb, n->mode, n->ino, &n->owner);

	if (!inode)
		return NULL;
	inode->uid = n->uid;
	inode->gid = n->gid;
	switch (n->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = &dir_inode_ops;
		inode->fops = &dir_file_ops;
		break;
	case S_IFLNK:
		inode->ops = &symlink_inode_ops;
		inode->link = n->link;
		break;
	default: inode->fops = n->fops ? n->fops : &node_file_ops;
	}
	return inode;
}

static void text_evict(struct inode *inode)
{
	struct text_owner *owner = inode->private;

	/* The body of a link belongs to the node. */
	inode->link = NULL;
	if (owner && owner->release)
		owner->release(owner);
	inode->private = NULL;
}

static int text_revalidate(struct dentry *dentry, bool rcu)
{
	struct inode *inode = READ_ONCE(dentry->inode);
	struct text_owner *owner = inode ? READ_ONCE(inode->private) : NULL;

	if (!owner)
		return 0;
	return !owner->alive || owner->alive(owner);
}

static const struct dentry_ops text_dentry_ops = {.revalidate = text_revalidate};
static const struct super_ops text_super_ops = {.evict = text_evict};

int text_fill_super(struct superblock *sb, struct text_node *root)
{
	struct inode *inode;

	sb->dops = &text_dentry_ops;
	sb->ops = &text_super_ops;
	refcount_get(&root->refs);
	inode = node_inode(sb, root);
	if (!inode) {
		node_put(root);
		return -ENOMEM;
	}
	sb->root = d_make_root(sb, inode);
	return sb->root ? 0 : -ENOMEM;
}

/* Exports of the rooms below. */

LINKSET_DECLARE(proc_exports, struct proc_export);

void text_add_exports(struct text_node *root, const char *prefix)
{
	const struct proc_export *const *e;
	size_t len = strlen(prefix);

	for_each_linkset(e, proc_exports)
	{
		if (!strncmp((*e)->path, prefix, len))
			text_file(root, (*e)->path + len, (*e)->mode, (*e)->show, (*e)->store,
				  (*e)->arg);
	}
}
