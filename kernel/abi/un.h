/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local socket addresses. */
#pragma once

#include <kernel/abi/socket.h>
#include <linux/un.h>
