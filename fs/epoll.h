/* SPDX-License-Identifier: GPL-2.0-or-later */
/* epoll, for those who own wait queues that may go away before the files that named them. */
#pragma once

/*
 * Key of a last wake-up of a queue whose memory is about to be freed: wake_up_all_key(wq,
 * EPOLL_QUEUE_GONE) makes every epoll let go of it.
 */
#define EPOLL_QUEUE_GONE 0x40000000ull

void epoll_init(void);
