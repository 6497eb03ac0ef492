/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fs/iomap under a file system made for it: names in the dentry cache, block maps in memory, data
 * on the host's disk. It has all that FAT lacks: holes, reservations, unwritten extents, allocation
 * at write-back, hole punching; it answers with extents of random length, and what it frees is
 * overwritten with rubbish at once.
 *
 * EXERCISE_OPS= operations of the exerciser (default 4,000 a block size).
 *
 * link: hostfs
 */
#include <fs/block/block.h>
#include <fs/iomap/iomap.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/dir.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/mman.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sync/mutex.h>
#include <mm/alloc.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <exercise.h>

#define DISK_BYTES  (4u << 20)
#define FILE_BLOCKS 2048u

enum state { HOLE, RESERVED, UNWRITTEN, WRITTEN };

struct block {
	u32 addr;
	enum state state;
};

struct fake_inode {
	struct mutex lock; /* blocks; innermost */
	struct block blocks[FILE_BLOCKS];
	struct inode inode;
};

static struct {
	struct host_disk *disk;
	u32 bits, blocks, free; /* free: neither used nor reserved */
	u8 used[DISK_BYTES / 512];
	bool convert; /* answers UNWRITTEN at write-back, not MAPPED */
	u64 begins;
} fake;

static struct fake_inode *fake_i(struct inode *inode)
{
	return container_of(inode, struct fake_inode, inode);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static u32 block_take(u32 hint)
{
	for (u32 i = 0; i < fake.blocks; i++) {
		u32 b = (hint + i) % fake.blocks;

		if (!fake.used[b]) {
			fake.used[b] = 1;
			return b;
		}
	}
	EXPECT(false);
	return 0;
}

static void block_release(struct block *b)
{
	if (b->state == HOLE)
		return;
	fake.free++;
	if (b->state != RESERVED) {
		EXPECT_EQ(fake.used[b->addr], 1);
		fake.used[b->addr] = 0;
		memset(host_disk_image(fake.disk) + ((u64)b->addr << fake.bits), 0xdd,
		       1u << fake.bits);
	}
	b->state = HOLE;
}

static bool joins(const struct block *a, const struct block *b)
{
	return a->state == b->state && (a->state < UNWRITTEN || a->addr + 1 == b->addr);
}

/* The extent at `first`, at most to `limit`. */
static void answer(struct fake_inode *fi, u32 first, u32 limit, struct iomap *out)
{
	static const enum iomap_type types[] = {IOMAP_HOLE, IOMAP_DELALLOC, IOMAP_UNWRITTEN,
						IOMAP_MAPPED};
	u32 last = first;

	while (last + 1 < limit && joins(&fi->blocks[last], &fi->blocks[last + 1]))
		last++;
	out->offset = (u64)first << fake.bits;
	out->length = (u64)(last + 1 - first) << fake.bits;
	out->addr = (u64)fi->blocks[first].addr << fake.bits;
	out->type = types[fi->blocks[first].state];
}

static int fake_begin(struct inode *inode, u64 pos, u64 len, unsigned flags, struct iomap *out)
{
	struct fake_inode *fi = fake_i(inode);
	u32 first = (u32)(pos >> fake.bits), limit = (u32)((pos + len - 1) >> fake.bits) + 1, hint;

	fake.begins++;
	if (pos >= (u64)FILE_BLOCKS << fake.bits) {
		*out = (struct iomap){.offset = pos & ~((1ull << fake.bits) - 1),
				      .length = 1ull << 30};
		return flags & IOMAP_WRITE ? -EFBIG : 0;
	}
	limit = min(limit, FILE_BLOCKS);
	if (host_random(3) == 0)
		limit = first + 1 + (u32)host_random(limit - first);
	guard_mutex(&fi->lock);
	hint = (u32)host_random(fake.blocks);
	for (u32 i = first; flags & IOMAP_WRITE && !(flags & IOMAP_ZERO) && i < limit; i++) {
		struct block *b = &fi->blocks[i];

		if (flags & IOMAP_DIRECT && b->state == RESERVED) {
			b->addr = hint = block_take(hint);
			b->state = UNWRITTEN;
		}
		if (b->state != HOLE)
			continue;
		if (!fake.free) {
			if (i == first)
				return -ENOSPC;
			break;
		}
		fake.free--;
		b->state = RESERVED;
		if (flags & IOMAP_DIRECT) {
			b->addr = hint = block_take(hint);
			b->state = UNWRITTEN;
		}
	}
	answer(fi, first, flags & (IOMAP_WRITE | IOMAP_ZERO) ? limit : FILE_BLOCKS, out);
	return 0;
}

static int fake_end(struct inode *inode, u64 pos, u64 len, u64 done, unsigned flags,
		    struct iomap *map)
{
	struct fake_inode *fi = fake_i(inode);
	u64 keep = max(pos + done, (u64)inode->size);

	if (!(flags & IOMAP_WRITE) || flags & (IOMAP_ZERO | IOMAP_FAULT))
		return 0;
	guard_mutex(&fi->lock);
	for (u64 i = (keep + (1u << fake.bits) - 1) >> fake.bits;
	     i << fake.bits < map->offset + map->length; i++)
		if (fi->blocks[i].state == RESERVED)
			block_release(&fi->blocks[i]);
	return 0;
}

static int fake_map_writeback(struct inode *inode, u64 pos, u64 len, struct iomap *out)
{
	struct fake_inode *fi = fake_i(inode);
	u32 first = (u32)(pos >> fake.bits), limit = (u32)((pos + len - 1) >> fake.bits) + 1;
	u32 hint = (u32)host_random(fake.blocks);

	guard_mutex(&fi->lock);
	limit = min(limit, FILE_BLOCKS);
	for (u32 i = first; i < limit && fi->blocks[i].state == RESERVED; i++) {
		fi->blocks[i].addr = hint = block_take(hint);
		fi->blocks[i].state = fake.convert ? UNWRITTEN : WRITTEN;
		if (host_random(8) == 0)
			break;
	}
	answer(fi, first, FILE_BLOCKS, out);
	return 0;
}

static int fake_written(struct inode *inode, u64 pos, u64 len, bool unwritten)
{
	struct fake_inode *fi = fake_i(inode);

	EXPECT(unwritten);
	guard_mutex(&fi->lock);
	for (u64 i = pos >> fake.bits; i << fake.bits < pos + len; i++)
		if (fi->blocks[i].state == UNWRITTEN)
			fi->blocks[i].state = WRITTEN;
	return 0;
}

static const struct iomap_ops fake_iomap_ops = {
	.begin = fake_begin,
	.end = fake_end,
	.map_writeback = fake_map_writeback,
	.written = fake_written,
};

/* Free whole blocks within [from, to). */
static void free_blocks(struct inode *inode, u64 from, u64 to)
{
	struct fake_inode *fi = fake_i(inode);
	u64 first = (from + (1u << fake.bits) - 1) >> fake.bits;

	mutex_lock(&fi->lock);
	for (u64 i = first; i < FILE_BLOCKS && (i + 1) << fake.bits <= to; i++)
		block_release(&fi->blocks[i]);
	mutex_unlock(&fi->lock);
	inode_map_changed(inode);
}

/* --- files ------------------------------------------------------------------------------------ */

static int fake_truncate(struct inode *inode, loff_t size)
{
	int err;

	if (size > inode->size)
		return iomap_extend(inode, (u64)size);
	err = iomap_truncate_page(inode, (u64)size);
	if (err)
		return err;
	WRITE_ONCE(inode->size, size);
	cache_truncate(&inode->data, size);
	free_blocks(inode, (u64)size, U64_MAX);
	return 0;
}

static int fake_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *asked)
{
	struct iattr attr = *asked;
	int err = setattr_prepare(inode, &attr);

	if (!err && attr.valid & ATTR_SIZE) {
		err = attr.size > (loff_t)FILE_BLOCKS << fake.bits
			      ? -EFBIG
			      : fake_truncate(inode, attr.size);
		inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	}
	if (!err)
		setattr_copy(inode, &attr);
	return err;
}

static int punch(struct inode *inode, u64 from, u64 to)
{
	u64 bs = 1u << fake.bits, first = (from + bs - 1) & ~(bs - 1), last = to & ~(bs - 1);
	int err;

	if (first > last)
		return iomap_zero_range(inode, from, to - from);
	err = iomap_zero_range(inode, from, first - from);
	if (!err)
		err = iomap_zero_range(inode, last, to - last);
	if (err)
		return err;
	if (first < last) {
		cache_punch(&inode->data, (loff_t)first, (loff_t)last - 1);
		free_blocks(inode, first, last);
	}
	return 0;
}

static int preallocate(struct inode *inode, u64 from, u64 to)
{
	struct fake_inode *fi = fake_i(inode);
	u32 hint = (u32)host_random(fake.blocks);

	guard_mutex(&fi->lock);
	for (u64 i = from >> fake.bits; i << fake.bits < to && i < FILE_BLOCKS; i++) {
		struct block *b = &fi->blocks[i];

		if (b->state != HOLE)
			continue;
		if (!fake.free)
			return -ENOSPC;
		fake.free--;
		b->addr = hint = block_take(hint);
		b->state = UNWRITTEN;
	}
	return 0;
}

static long fake_fallocate(struct file *f, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = f->inode;
	long err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwsem_write_lock(&inode->lock);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		err = punch(inode, (u64)offset, (u64)(offset + len));
	else
		err = preallocate(inode, (u64)offset, (u64)(offset + len));
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && offset + len > inode->size)
		err = iomap_extend(inode, (u64)(offset + len));
	rwsem_write_unlock(&inode->lock);
	return err;
}

static const struct file_ops fake_file_ops = {
	.read_iter = iomap_read_iter,
	.write_iter = iomap_write_iter,
	.splice_read = splice_read_pages,
	.lseek = iomap_lseek,
	.mmap = generic_file_mmap,
	.fsync = generic_fsync,
	.fallocate = fake_fallocate,
	.ioctl = iomap_ioctl,
};

static const struct inode_ops fake_file_inode_ops = { .setattr = fake_setattr };

/* --- names ------------------------------------------------------------------------------------ */

static const struct inode_ops fake_dir_ops;

static struct inode *fake_make(struct superblock *sb, struct inode *dir, umode_t mode)
{
	static u64 last;
	struct inode *inode = inode_create(sb);

	if (!inode)
		return NULL;
	inode->ino = ++last;
	inode_init_owner(inode, dir, mode);
	if (S_ISDIR(mode)) {
		inode->ops = &fake_dir_ops;
		inode->fops = &dcache_dir_ops;
		inode->nlink = 2;
	} else {
		inode->ops = &fake_file_inode_ops;
		inode->fops = &fake_file_ops;
		inode_set_iomap(inode, &fake_iomap_ops);
	}
	return inode;
}

static int fake_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	d_add(dentry, NULL);
	return 0;
}

static int fake_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode = fake_make(dir->sb, dir, mode);

	if (!inode)
		return -ENOMEM;
	dcache_dir_enter(dentry);
	d_instantiate(dentry, inode);
	if (S_ISDIR(mode))
		dir->nlink++;
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int fake_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return fake_create(dir, dentry, mode | S_IFDIR);
}

static int fake_unlink(struct inode *dir, struct dentry *dentry)
{
	dentry->inode->nlink--;
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int fake_rmdir(struct inode *dir, struct dentry *dentry)
{
	if (!dcache_dir_empty(dentry))
		return -ENOTEMPTY;
	dentry->inode->nlink = 0;
	dir->nlink--;
	return 0;
}

static int fake_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		       struct dentry *new, unsigned flags)
{
	struct inode *target = new->inode;
	bool is_dir = S_ISDIR(old->inode->mode);

	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL;
	if (target) {
		if (is_dir && !dcache_dir_empty(new))
			return -ENOTEMPTY;
		target->nlink = is_dir ? 0 : target->nlink - 1;
		new_dir->nlink -= is_dir;
	}
	old_dir->nlink -= is_dir;
	new_dir->nlink += is_dir;
	dcache_dir_leave(old, new->parent);
	inode_touch(old_dir, ATTR_MTIME | ATTR_CTIME);
	inode_touch(new_dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static const struct inode_ops fake_dir_ops = {
	.rename = fake_rename,
	.lookup = fake_lookup,
	.create = fake_create,
	.mkdir = fake_mkdir,
	.unlink = fake_unlink,
	.rmdir = fake_rmdir,
};

/* --- the file system -------------------------------------------------------------------------- */

static struct inode *fake_alloc_inode(struct superblock *sb)
{
	struct fake_inode *fi = kvzalloc(sizeof(*fi), GFP_KERNEL);

	if (fi)
		mutex_init(&fi->lock, RANK_INODE_MAP, "fake.map");
	return fi ? &fi->inode : NULL;
}

static void fake_free_inode(struct inode *inode)
{
	kvfree(fake_i(inode));
}

static void fake_evict(struct inode *inode)
{
	if (!S_ISREG(inode->mode))
		return;
	WRITE_ONCE(inode->size, 0);
	cache_truncate(&inode->data, 0);
	free_blocks(inode, 0, U64_MAX);
}

static int fake_write_inode(struct inode *inode, bool wait)
{
	return 0;
}

static const struct super_ops fake_super_ops = {
	.alloc_inode = fake_alloc_inode,
	.free_inode = fake_free_inode,
	.evict = fake_evict,
	.write_inode = fake_write_inode,
};

static int fake_fill(struct superblock *sb, const struct fs_params *params)
{
	struct inode *root;

	sb->blocksize = 1u << fake.bits;
	sb->blkbits = fake.bits;
	sb->max_bytes = (loff_t)FILE_BLOCKS << fake.bits;
	root = fake_make(sb, NULL, S_IFDIR | 0777);
	sb->root = root ? d_make_root(sb, root) : NULL;
	return sb->root ? 0 : -ENOMEM;
}

static int fake_mount(const struct fs_type *type, const struct fs_params *params,
		      struct superblock **out)
{
	return bdev_mount(type, params, &fake_super_ops, fake_fill, out);
}

static const struct fs_type fake_type = { "fakefs", FS_REQUIRES_DEV, fake_mount, bdev_kill_super };
FS_TYPE(fake_type);

/* --- tests ------------------------------------------------------------------------------------ */

static struct hostfs_usage before;

static void begin(unsigned bits, bool convert)
{
	hostfs_boot();
	host_disk_destroy(host_disk_create("warm", 1 << 20));
	before = hostfs_usage_settled();
	EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
	fake.disk = host_disk_create("disk", DISK_BYTES);
	memset(host_disk_image(fake.disk), 0xdd, DISK_BYTES);
	fake.bits = bits;
	fake.blocks = fake.free = DISK_BYTES >> bits;
	fake.convert = convert;
	memset(fake.used, 0, sizeof(fake.used));
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "fakefs", 0, NULL), 0);
}

static void end(void)
{
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	hostfs_settle();
	EXPECT_EQ(fake.free, fake.blocks);
	for (u32 i = 0; i < fake.blocks; i++)
		EXPECT(!fake.used[i]);
	host_disk_destroy(fake.disk);
	EXPECT_EQ(hf_rmdir("/mnt"), 0);
	hostfs_expect_usage(before);
}

static void exercise(unsigned bits, bool convert, unsigned preempt)
{
	struct exercise_config config = {
		.base = "/mnt",
		.seed = host_random(1ull << 32),
		.processes = 8,
		.ops = hostfs_number("EXERCISE_OPS", 4000) / 8,
		.may_fill = 1,
	};
	struct exercise *x;

	begin(bits, convert);
	hostfs_preempt(preempt);
	x = exercise_create(&config);
	REQUIRE(x);
	EXPECT_EQ(exercise_run(x), 0);
	hf_sync();
	hostfs_drop_caches();
	EXPECT_EQ(exercise_verify(x), 0);
	exercise_destroy(x);
	hostfs_preempt(50);
	end();
}

TEST(blocks_of_512)
{
	exercise(9, false, 50);
	exercise(9, true, 5);
}

TEST(blocks_of_1024)
{
	exercise(10, true, 50);
}

TEST(blocks_of_a_page)
{
	exercise(12, false, 5);
	exercise(12, true, 50);
}

/* A MiB in order: how often the file system is asked, and how many transfers there are. */
TEST(sequential)
{
	struct host_disk_counts c, d;
	static u8 buf[1 << 20], back[1 << 20];
	int fd;

	begin(12, false);
	for (u32 i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)host_random(256);
	fd = (int)hf_open("/mnt/f", O_RDWR | O_CREAT, 0644);
	fake.begins = 0;
	EXPECT_EQ(hf_write(fd, buf, sizeof(buf)), (long)sizeof(buf));
	EXPECT(fake.begins <= 16);
	c = host_disk_counts(fake.disk);
	EXPECT_EQ(hf_fsync(fd), 0);
	d = host_disk_counts(fake.disk);
	EXPECT_EQ(d.written_sectors - c.written_sectors, sizeof(buf) / 512);
	hostfs_drop_caches();
	EXPECT_EQ(hf_pread(fd, back, sizeof(back), 0), (long)sizeof(back));
	EXPECT(!memcmp(buf, back, sizeof(buf)));
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_unlink("/mnt/f"), 0);
	end();
}

static long make_file(const void *buf, size_t n)
{
	long fd = hf_open("/mnt/f", O_RDWR | O_CREAT | O_TRUNC, 0644);

	EXPECT_EQ(hf_pwrite((int)fd, buf, n, 0), (long)n);
	return fd;
}

TEST(seek)
{
	static u8 buf[4096] = { 1 };
	int fd;

	begin(12, false);
	fd = (int)make_file(buf, 4096);
	EXPECT_EQ(hf_pwrite(fd, buf, 10, 40960), 10);
	EXPECT_EQ(hf_lseek(fd, 0, SEEK_DATA), 0);
	EXPECT_EQ(hf_lseek(fd, 0, SEEK_HOLE), 4096);
	EXPECT_EQ(hf_lseek(fd, 4096, SEEK_DATA), 40960);
	EXPECT_EQ(hf_lseek(fd, 40965, SEEK_DATA), 40965);
	EXPECT_EQ(hf_lseek(fd, 40965, SEEK_HOLE), 40970);
	EXPECT_EQ(hf_lseek(fd, 40970, SEEK_DATA), -ENXIO);
	EXPECT_EQ(hf_fallocate(fd, 0, 4096, 8192), 0);
	EXPECT_EQ(hf_lseek(fd, 4096, SEEK_DATA), 40960);
	EXPECT_EQ(hf_pwrite(fd, buf, 1, 8192), 1);
	EXPECT_EQ(hf_lseek(fd, 4096, SEEK_DATA), 8192);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_unlink("/mnt/f"), 0);
	end();
}

/* Memory of the program, which direct I/O can reach. */
static u8 *program_memory(size_t n)
{
	long at = hf_mmap(n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(at > 0);
	return (u8 *)at;
}

static bool program_has(const u8 *at, const void *what, size_t n)
{
	static u8 buf[65536];

	EXPECT_EQ(hf_load((unsigned long)at, buf, n), 0);
	return !memcmp(buf, what, n);
}

TEST(direct)
{
	static u8 buf[65536], zero[65536];
	int fd, direct;
	u8 *mem, *back;

	begin(12, false);
	mem = program_memory(sizeof(buf));
	back = program_memory(sizeof(buf));
	for (u32 i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)(i / 512 + 1);
	EXPECT_EQ(hf_store((unsigned long)mem, buf, sizeof(buf)), 0);
	fd = (int)make_file(buf, 100);
	direct = (int)hf_open("/mnt/f", O_RDWR | O_DIRECT, 0);
	EXPECT(direct >= 0);
	EXPECT_EQ(hf_pread(direct, back, 4096, 0), 100);
	EXPECT(program_has(back, buf, 100));
	EXPECT_EQ(hf_pread(direct, back + 1, 4096, 0), -EINVAL);
	EXPECT_EQ(hf_pwrite(direct, mem, 100, 0), -EINVAL);
	EXPECT_EQ(hf_pwrite(direct, mem, 8192, 4096), 8192);
	EXPECT_EQ(hf_pread(fd, back, 65536, 0), 12288);
	EXPECT(program_has(back, buf, 100) && program_has(back + 100, zero, 3996) &&
	       program_has(back + 4096, buf, 8192));
	EXPECT_EQ(hf_pwrite(direct, mem, 512, 20480), 512);
	EXPECT_EQ(hf_pread(direct, back, 65536, 0), 20992);
	EXPECT(program_has(back + 12288, zero, 8192) && program_has(back + 20480, buf, 512));
	EXPECT_EQ(hf_pread(direct, back, 512, 20992), 0);
	for (unsigned i = 0; i < 100; i++) {
		u64 pos = host_random(120) * 512, at = host_random(64) * 512,
		    n = (host_random(64) + 1) * 512;

		EXPECT_EQ(hf_pwrite(host_random(2) ? direct : fd, mem + at, n, (loff_t)pos),
			  (long)n);
		EXPECT_EQ(hf_pread(host_random(2) ? direct : fd, back, n, (loff_t)pos), (long)n);
		EXPECT(program_has(back, buf + at, n));
	}
	EXPECT_EQ(hf_munmap((unsigned long)mem, sizeof(buf)), 0);
	EXPECT_EQ(hf_munmap((unsigned long)back, sizeof(buf)), 0);
	EXPECT_EQ(hf_close(direct), 0);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_unlink("/mnt/f"), 0);
	end();
}

/* What cannot be written is told once by fsync; what cannot be reserved, by write. */
TEST(errors)
{
	static u8 buf[1 << 20];
	int fd;

	begin(12, true);
	fd = (int)make_file(buf, 8192);
	host_disk_fail(fake.disk, 0, 1, 0);
	EXPECT_EQ(hf_fsync(fd), -EIO);
	host_disk_fail(fake.disk, 0, 0, 0);
	EXPECT_EQ(hf_fsync(fd), 0);
	EXPECT_EQ(hf_ftruncate(fd, 0), 0);
	fake.free -= fake.blocks - 64;
	EXPECT_EQ(hf_pwrite(fd, buf, sizeof(buf), 0), 64 * 4096);
	EXPECT_EQ(hf_pwrite(fd, buf, 100, 64 * 4096), -ENOSPC);
	EXPECT_EQ(hf_pwrite(fd, buf, 100, 100), 100);
	EXPECT_EQ(hf_fsync(fd), 0);
	fake.free += fake.blocks - 64;
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_unlink("/mnt/f"), 0);
	end();
}
