/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What uname(2) says. */
#pragma once

#include <kernel/abi/utsname.h>
#include <kernel/lib/types.h>

/* Copy of the names; the machine's is arch's.  Context: may sleep. */
void uts_get(struct new_utsname *out);
/* New host or domain name, at most __NEW_UTS_LEN bytes. */
void uts_set_nodename(const char *name, size_t len);
void uts_set_domainname(const char *name, size_t len);
