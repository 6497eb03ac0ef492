/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of names, paths and arguments. */
#pragma once

#include <linux/limits.h>
