/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX access control lists: tags, permissions, and the form that extended attributes carry. */
#pragma once

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
