/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classic and extended BPF. */
#pragma once

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/bpf.h>
