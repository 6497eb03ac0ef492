/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of kernel code compiled as part of a host program. */
#define CONFIG_NR_CPUS	 64
#define CONFIG_DEBUG	 1
#define CONFIG_LOG_LEVEL 5
