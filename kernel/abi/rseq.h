/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Restartable sequences. */
#pragma once

#include <linux/rseq.h>
