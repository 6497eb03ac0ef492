/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Execution domains. */
#pragma once

#include <linux/personality.h>
