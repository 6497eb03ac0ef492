/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inotify and fanotify. */
#pragma once

#include <linux/inotify.h>
#include <linux/fanotify.h>
