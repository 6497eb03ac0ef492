/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <kernel/lib/list.h>

/* In thread.notify_work once no more is accepted. */
extern struct llist_node notify_closed;
