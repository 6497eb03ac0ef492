/* SPDX-License-Identifier: GPL-2.0-or-later */
/* epoll; its event is packed where Linux packs it. */
#pragma once

#include <linux/eventpoll.h>
#include <linux/eventfd.h>
#include <linux/signalfd.h>
