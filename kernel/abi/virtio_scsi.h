/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and configuration of virtio SCSI hosts. */
#pragma once

#include <linux/virtio_scsi.h>
