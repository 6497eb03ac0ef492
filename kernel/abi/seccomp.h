/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seccomp, and the classic BPF and audit numbers it uses. */
#pragma once

#include <linux/seccomp.h>
#include <linux/filter.h>
#include <linux/audit.h>
