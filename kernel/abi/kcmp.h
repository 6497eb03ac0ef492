/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kcmp. */
#pragma once

#include <linux/kcmp.h>
