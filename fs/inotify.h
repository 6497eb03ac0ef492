/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inotify, for the boot order. */
#pragma once

void inotify_init(void);
