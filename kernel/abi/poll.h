/* SPDX-License-Identifier: GPL-2.0-or-later */
/* poll event bits. */
#pragma once

#include <asm/poll.h>
