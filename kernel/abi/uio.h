/* SPDX-License-Identifier: GPL-2.0-or-later */
/* I/O vectors. */
#pragma once

#include <linux/uio.h>
