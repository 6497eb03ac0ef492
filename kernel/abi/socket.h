/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets.  The exported headers leave families, types and message headers to the C library;
 * these are the values and layouts of the 64-bit interface.
 */
#pragma once

#include <asm/socket.h>
#include <asm/sockios.h>
#include <linux/socket.h>
#include <linux/sockios.h>
#include <linux/uio.h>
#include <kernel/lib/compiler.h>

typedef unsigned short sa_family_t;

struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};

#define sockaddr_storage __kernel_sockaddr_storage

struct msghdr {
	void *msg_name;
	int msg_namelen;
	struct iovec *msg_iov;
	size_t msg_iovlen;
	void *msg_control;
	size_t msg_controllen;
	unsigned int msg_flags;
}; /* of the user: pointers are the user's */

struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned int msg_len;
};

struct cmsghdr {
	size_t cmsg_len;
	int cmsg_level;
	int cmsg_type;
};

struct linger {
	int l_onoff;
	int l_linger;
};

struct ucred {
	u32 pid;
	u32 uid;
	u32 gid;
};

static_assert(sizeof(struct sockaddr) == 16, "struct sockaddr");
static_assert(sizeof(struct sockaddr_storage) == 128, "struct sockaddr_storage");
static_assert(sizeof(struct msghdr) == 56, "struct msghdr");
static_assert(sizeof(struct mmsghdr) == 64, "struct mmsghdr");
static_assert(sizeof(struct cmsghdr) == 16, "struct cmsghdr");

#define CMSG_ALIGN(len) (((len) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define CMSG_SPACE(len) (sizeof(struct cmsghdr) + CMSG_ALIGN(len))
#define CMSG_LEN(len)	(sizeof(struct cmsghdr) + (len))

#define SCM_RIGHTS	0x01
#define SCM_CREDENTIALS 0x02
#define SCM_SECURITY	0x03
#define SCM_PIDFD	0x04

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_RDM       4
#define SOCK_SEQPACKET 5
#define SOCK_DCCP      6
#define SOCK_PACKET    10
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC   02000000
#define SOCK_NONBLOCK  00004000

#define SHUT_RD	  0
#define SHUT_WR	  1
#define SHUT_RDWR 2

#define SOMAXCONN 4096

#define AF_UNSPEC   0
#define AF_UNIX	    1
#define AF_LOCAL    1
#define AF_INET	    2
#define AF_BRIDGE   7
#define AF_INET6    10
#define AF_KEY	    15
#define AF_NETLINK  16
#define AF_ROUTE    AF_NETLINK
#define AF_PACKET   17
#define AF_RDS	    21
#define AF_CAN	    29
#define AF_TIPC	    30
#define AF_BLUETOOTH 31
#define AF_ALG	    38
#define AF_VSOCK    40
#define AF_XDP	    44
#define AF_MAX	    46

#define PF_UNSPEC  AF_UNSPEC
#define PF_UNIX	   AF_UNIX
#define PF_LOCAL   AF_LOCAL
#define PF_INET	   AF_INET
#define PF_BRIDGE  AF_BRIDGE
#define PF_INET6   AF_INET6
#define PF_NETLINK AF_NETLINK
#define PF_PACKET  AF_PACKET
#define PF_VSOCK   AF_VSOCK

#define MSG_OOB		 0x1
#define MSG_PEEK	 0x2
#define MSG_DONTROUTE	 0x4
#define MSG_CTRUNC	 0x8
#define MSG_PROBE	 0x10
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_EOR		 0x80
#define MSG_WAITALL	 0x100
#define MSG_FIN		 0x200
#define MSG_SYN		 0x400
#define MSG_CONFIRM	 0x800
#define MSG_RST		 0x1000
#define MSG_ERRQUEUE	 0x2000
#define MSG_NOSIGNAL	 0x4000
#define MSG_MORE	 0x8000
#define MSG_WAITFORONE	 0x10000
#define MSG_BATCH	 0x40000
#define MSG_ZEROCOPY	 0x4000000
#define MSG_FASTOPEN	 0x20000000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SOL_IP	      0
#define SOL_TCP	      6
#define SOL_UDP	      17
#define SOL_IPV6      41
#define SOL_ICMPV6    58
#define SOL_UDPLITE   136
#define SOL_RAW	      255
#define SOL_PACKET    263
#define SOL_NETLINK   270
#define SOL_ALG	      279
#define SOL_TLS	      282
#define SOL_VSOCK     287
