/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts, tmpfs limits, pipes and files from inside. */
#include <fs/pipe.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <fs/vfs/core.h>
#include <kernel/abi/mount.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

static int make_dir(const char *name)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, name, LOOKUP_DIRECTORY, &parent, &d);

	if (err)
		return err;
	err = vfs_mkdir(parent.dentry->inode, d, 0755);
	path_create_done(&parent, d);
	return err;
}

static int unmount(const char *name, int flags)
{
	struct path p;
	int err = kern_path(name, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = do_umount(&p, flags);
	path_put(&p);
	return err;
}

static bool exists(const char *name)
{
	struct path p;

	if (kern_path(name, LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

static int touch(const char *name)
{
	struct file *f;
	int err = filp_open(name, O_CREAT | O_WRONLY, 0600, &f);

	if (!err)
		file_put(f);
	return err;
}

KTEST(fs_mount_tree)
{
	char size[] = "size=16k,nr_inodes=3";

	KREQUIRE(!make_dir("/ktest_mnt"));
	KREQUIRE(!make_dir("/ktest_bind"));
	KREQUIRE(!kern_mount("t", "/ktest_mnt", "tmpfs", 0, size));
	KEXPECT(unmount("/ktest_bind", 0) == -EINVAL);
	KEXPECT(!touch("/ktest_mnt/one"));
	KEXPECT(!touch("/ktest_mnt/two"));
	KEXPECT(touch("/ktest_mnt/three") == -ENOSPC);
	KEXPECT(!kern_mount("/ktest_mnt", "/ktest_bind", NULL, MS_BIND, NULL));
	KEXPECT(exists("/ktest_bind/one"));

	/* Busy while open, gone afterwards. */
	struct file *f;

	KREQUIRE(!filp_open("/ktest_mnt/one", O_RDWR, 0, &f));
	KEXPECT(unmount("/ktest_mnt", 0) == -EBUSY);
	KEXPECT(!unmount("/ktest_mnt", MNT_DETACH));
	KEXPECT(!exists("/ktest_mnt/one"));
	KEXPECT(exists("/ktest_bind/one"));
	KEXPECT(!unmount("/ktest_bind", 0));

	/* The superblock lives on in the open file. */
	static char page[4096];
	loff_t pos = 0;

	memset(page, 'x', sizeof(page));
	for (int i = 0; i < 4; i++)
		KEXPECT(file_write(f, page, sizeof(page), &pos) == sizeof(page));
	KEXPECT(file_write(f, page, sizeof(page), &pos) == -ENOSPC);
	file_put(f);
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_mnt"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_bind"));
}

KTEST(fs_mount_shared)
{
	KREQUIRE(!make_dir("/ktest_sh") && !make_dir("/ktest_peer"));
	KREQUIRE(!kern_mount("t", "/ktest_sh", "tmpfs", 0, NULL));
	KEXPECT(!kern_mount(NULL, "/ktest_sh", NULL, MS_SHARED, NULL));
	KEXPECT(!kern_mount("/ktest_sh", "/ktest_peer", NULL, MS_BIND, NULL));
	KEXPECT(!make_dir("/ktest_sh/x"));
	KEXPECT(!kern_mount("u", "/ktest_sh/x", "tmpfs", 0, NULL));
	KEXPECT(!touch("/ktest_peer/x/f"));
	KEXPECT(exists("/ktest_sh/x/f"));
	KEXPECT(!kern_mount(NULL, "/ktest_peer", NULL, MS_SLAVE, NULL));
	KEXPECT(!unmount("/ktest_sh/x", 0));
	KEXPECT(!exists("/ktest_peer/x/f"));
	KEXPECT(!unmount("/ktest_sh", 0));
	KEXPECT(!unmount("/ktest_peer", 0));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_sh"));
	KEXPECT(!do_rmdir(AT_FDCWD, "/ktest_peer"));
}

KTEST(fs_pipe)
{
	struct file *r, *w;
	static char buf[8192];
	loff_t pos = 0;

	KREQUIRE(!pipe_files(O_NONBLOCK, &r, &w));
	KEXPECT(file_read(r, buf, 1, &pos) == -EAGAIN);
	memset(buf, 'p', sizeof(buf));
	KEXPECT(file_write(w, buf, 100, &pos) == 100);
	KEXPECT(file_write(w, buf, 8000, &pos) == 8000);
	KEXPECT(file_read(r, buf, sizeof(buf), &pos) == 8100);
	for (int i = 0; i < 16; i++)
		KEXPECT(file_write(w, buf, 4096, &pos) == 4096);
	KEXPECT(file_write(w, buf, 1, &pos) == -EAGAIN);
	KEXPECT(pipe_set_size(r, 1 << 18) == 1 << 18);
	KEXPECT(file_write(w, buf, 1, &pos) == 1);
	KEXPECT(pipe_set_size(r, 4096) == -EBUSY);
	file_put(w);
	for (int i = 0; i < 8; i++)
		KEXPECT(file_read(r, buf, 8192, &pos) == 8192);
	KEXPECT(file_read(r, buf, 8192, &pos) == 1);
	KEXPECT(file_read(r, buf, 8192, &pos) == 0);
	file_put(r);
}
