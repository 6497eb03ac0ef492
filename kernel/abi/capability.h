/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities. */
#pragma once

#include <linux/capability.h>
#include <linux/securebits.h>
