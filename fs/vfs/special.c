/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes that are not files of their file system: devices, FIFOs, sockets. */
#include <fs/chardev.h>
#include <fs/pipe.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>

static int socket_node_open(struct inode *inode, struct file *f)
{
	return -ENXIO;
}

static const struct file_ops socket_node_ops = { .open = socket_node_open };

static int block_node_open(struct inode *inode, struct file *f)
{
	f->ops = blkdev_open_ops();
	return f->ops->open(inode, f);
}

static const struct file_ops block_node_ops = { .open = block_node_open };

void inode_init_special(struct inode *inode, umode_t mode, dev_t rdev)
{
	inode->mode = mode;
	inode->rdev = rdev;
	switch (mode & S_IFMT) {
	case S_IFCHR: inode->fops = &chrdev_open_ops; break;
	case S_IFBLK: inode->fops = &block_node_ops; break;
	case S_IFIFO: inode->fops = &fifo_open_ops; break;
	case S_IFSOCK: inode->fops = &socket_node_ops; break;
	}
}
