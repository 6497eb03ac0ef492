/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Executable and Linkable Format, and its note types. */
#pragma once

#include <linux/elf.h>
#include <linux/elf-em.h>
