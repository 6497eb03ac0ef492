/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of all locks of the kernel, outermost first.
 *
 * While a lock is held, only locks of a later rank may be taken.  Two locks of one rank nest only
 * through a _nested() call whose subclass grows inwards.  RANK_NONE is not checked: it is what a
 * zeroed lock has, and what locks of tests use.  A room adds its ranks here, in order; locks that
 * never meet may share one.
 *
 * Locks up to RANK_LAST_SLEEPING are mutexes and rwsems, those after it spinlocks: a sleeping lock
 * is never taken under a spinlock, so the table needs no other rule for that.
 */
#pragma once

enum lock_rank {
	RANK_NONE,

	/* Sleeping locks. */
	/* file position: taken by read and its like before they know what the file is */
	RANK_FILE_POS,
	RANK_SPLICE_PIPE,  /* the pipe inside sendfile */
	RANK_PIPE, /* one pipe's buffers: splice fills and empties them under it, from and to any
		      file */
	RANK_TEXT_FILE,       /* the generated text of one open file of /proc or /sys */
	RANK_BUS_TREE,     /* devices of a bus come and go */
	RANK_BUS_INNER,    /* the same of a bus behind a bus */
	RANK_LOOP_TABLE,   /* which loop devices there are */
	RANK_LOOP,         /* one loop device bound and unbound */
	RANK_DISK_SCAN,    /* partitions of a disk come and go */
	RANK_DEVICE_MODEL, /* bus lists, driver binding */
	RANK_CGROUP,       /* the tree of groups, migration */
	RANK_EXEC_UPDATE,  /* credentials and address space of one process while exec replaces them
			    */
	RANK_PROCESS,      /* one process's slow fields: rlimits, timers */
	RANK_NAMESPACE,    /* list and tables of one namespace */
	RANK_EPOLL_TREE,      /* loops between epoll files */
	RANK_EPOLL,           /* one epoll's interest tree */
	RANK_FS_CONFIG,       /* a mount being configured by steps */
	RANK_DISK_MOUNT,      /* finding or making the superblock of a device */
	RANK_SUPER_FREEZE,    /* write access to a superblock */
	RANK_SUPER,           /* superblock mount state */
	RANK_SUPER_SYNC,      /* one sync of a superblock's inodes at a time */
	/* an overlay over another: before the lower one, and that before real trees */
	RANK_STACKED2_RENAME,
	RANK_STACKED2_INODE,
	RANK_STACKED2_COPY,
	RANK_STACKED_RENAME,
	RANK_STACKED_INODE,
	RANK_STACKED_COPY,    /* copy-up of one file of an overlay */
	RANK_RENAME,          /* renames that cross directories, per superblock */
	RANK_DEVPTS,		/* one instance of devpts: numbers, and that it is mounted */
	RANK_INODE_DIR,       /* inode lock of a directory; parent before child by subclass */
	RANK_INODE,           /* inode lock of anything else */
	RANK_NAMESPACE_INNER, /* tree of generated files, inside directory locks */
	RANK_MOUNT,           /* mount tree, per namespace */
	RANK_TTY_LIST,        /* tables of ttys */
	RANK_TTY,             /* one tty: open, close, hang-up */
	RANK_TTY_TERMIOS,
	RANK_TTY_READ, /* line discipline reader */
	RANK_TTY_WRITE,
	RANK_NET_CONFIG,   /* interfaces, addresses, routes (rtnl) */
	RANK_SOCKET,       /* one socket, owner side */
	RANK_SOCKET_INNER, /* a socket under another (peer, listener's child) */
	RANK_IPC,          /* SysV and POSIX IPC tables */
	RANK_GPU,          /* DRM device state */
	RANK_INPUT,
	RANK_SOUND,
	RANK_VM, /* KVM: one VM */
	RANK_VCPU,
	RANK_MM,                 /* mm lock: the tree of areas */
	RANK_VMA,                /* one area, while it is faulted or changed */
	RANK_MAPPING_INVALIDATE, /* page cache against truncation */
	RANK_JOURNAL,            /* space in a file system's log */
	RANK_JOURNAL_SUPER,      /* a log's superblock */
	RANK_INODE_MAP,          /* block map of one inode */
	RANK_FS_ALLOC,           /* what all inodes of a file system share: orphans, superblock */
	RANK_I_MMAP,             /* areas that map a file */
	RANK_ANON_VMA,           /* areas that share anonymous pages */
	RANK_SWAP,
	RANK_BLOCK,  /* block devices: open, partitions, queues */
	RANK_DRIVER, /* a driver's own slow lock */
	RANK_DRIVER_INNER,
	RANK_FUTEX_PI,    /* owner of a priority-inheriting futex */
	RANK_VMALLOC_MAP, /* kernel page tables */
	RANK_SLAB_LIST,   /* the list of caches */
	RANK_WORKQUEUE,   /* list of work queues */
	RANK_IRQ_TABLE,   /* request and free of interrupts */
	RANK_SLEEP_LEAF,  /* sleeping locks that take no other */
	RANK_LAST_SLEEPING = RANK_SLEEP_LEAF,

	/* Spinlocks. */
	RANK_SYNC_WAIT, /* waiters of mutexes and rwsems; interrupts are on, so it comes before what
			   they take */
	RANK_FUTEX,     /* one futex hash bucket, interrupts on as well; two by address, subclass */
	RANK_TASKLIST,  /* parent, children, groups, sessions */
	RANK_FILES,     /* descriptor table */
	RANK_FS_CONTEXT,    /* current and root directory */
	RANK_FILE_FASYNC,   /* lists of files that want SIGIO, sleepers on record locks */
	RANK_FILE,          /* one file's flags and owner */
	RANK_FLOCK,         /* locks on one inode */
	RANK_JOURNAL_BUFFER,    /* one buffer's part in transactions; marks it dirty */
	RANK_JOURNAL_STATE,     /* lists of one journal */
	RANK_JOURNAL_REVOKE,    /* revoked blocks of one transaction */
	RANK_MOUNT_HASH,    /* mount hash and counts */
	RANK_INODE_SPIN,    /* inode state bits, list membership */
	RANK_DENTRY_RENAME, /* names and parents of all dentries */
	RANK_DENTRY,        /* one dentry; parent before child by subclass */
	RANK_DENTRY_HASH,
	RANK_DENTRY_LRU,
	RANK_INODE_HASH,
	RANK_INODE_LRU,
	RANK_FS_EXTENTS, /* what is known of the extents of one inode */
	RANK_FS_GROUP,  /* one allocation group */
	RANK_WRITEBACK, /* dirty inodes of one device */
	RANK_SUPER_LIST,
	RANK_TTY_CTRL,       /* foreground group, packet state */
	RANK_TTY_PORT,       /* flip buffers, circular output */
	RANK_TTY_PORT_INNER, /* registers and ring of a serial port */
	RANK_SIGNAL,         /* one process's signal state */
	RANK_SIGNAL_ACTIONS, /* one table of actions; limits of a process */
	RANK_PID,            /* pid table */
	RANK_CRED,           /* users, namespaces' counts */
	RANK_SOCKET_HASH,    /* port and connection tables */
	RANK_SOCKET_SPIN,    /* a socket from the deferred context */
	RANK_SOCKET_QUEUE,   /* packet queues of one socket */
	RANK_NEIGHBOUR,      /* address resolution */
	RANK_ROUTE,
	RANK_NETDEV,        /* transmit queue of one interface */
	RANK_NETDEV_DRIVER, /* its rings */
	RANK_EPOLL_READY,   /* ready list; taken from a wake-up, so after the queue's owner locks */
	RANK_AREA_PT,       /* one page table page: entries */
	RANK_MAPPING,       /* xarray of one mapping */
	RANK_SHMEM,         /* accounting of shmem */
	RANK_SWAP_SPIN,     /* swap slots */
	RANK_LRU,           /* page lists of one node */
	RANK_REQUEST,       /* block request queue */
	RANK_BLOCK_DRIVER,  /* its rings */
	RANK_BUS,           /* configuration space, interrupt controllers of a bus */
	RANK_DEVICE,        /* other drivers' interrupt-side lock */
	RANK_IRQ_DESC,      /* one interrupt's state */
	RANK_IRQ_CHIP,      /* registers of an interrupt controller */
	RANK_CLOCK_SET,     /* who sets the clock */
	RANK_WORK_POOL,     /* queue of one pool of workers */
	RANK_ITIMER,        /* POSIX timers, before the timer base */
	RANK_WAITQ,         /* one wait queue; a queue woken from a wake-up by subclass */
	RANK_EPOLL_READY_LEAF, /* ready list of an epoll, from a wake-up */
	RANK_IDLE_WAIT,
	RANK_RCU,     /* grace-period state */
	RANK_RANDOM,  /* entropy pool */
	RANK_VMALLOC, /* tree of kernel areas */
	RANK_SLAB,    /* partial slabs of one cache */
	RANK_STACK_CACHE,
	RANK_ZONE, /* free lists of the buddy */
	RANK_PAGE_LEAF,
	RANK_SCHED_DL,    /* bandwidth admitted */
	RANK_RUNQUEUE,    /* run queue; two in CPU order, subclass */
	RANK_SCHED_PARAM, /* one thread's scheduling parameters */
	RANK_TIMER,       /* one CPU's timers; two in CPU order, subclass */
	RANK_THREAD_LIST, /* the list of all threads */
	RANK_IPI,         /* tables of interrupt senders */
	RANK_TLB,
	RANK_CLOCK,   /* timekeeping, taken to write only */
	RANK_LOG,     /* the log's ring */
	RANK_CONSOLE, /* a console's registers */
	NR_LOCK_RANKS,
};
