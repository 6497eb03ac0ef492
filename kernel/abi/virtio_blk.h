/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and configuration of virtio block devices. */
#pragma once

#include <linux/virtio_blk.h>
