/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink. */
#pragma once

#include <linux/netlink.h>
