/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait options. */
#pragma once

#include <linux/wait.h>
