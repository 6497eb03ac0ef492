/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys an operator presses when nothing else answers (Linux: Documentation/admin-guide/sysrq). */
#pragma once

#include <kernel/lib/linkset.h>

struct sysrq {
	char key;
	const char *help;
	void (*run)(char key); /* Context: any */
};

/* SYSRQ('b', "reboot", sysrq_reboot); */
#define SYSRQ(key_, help_, fn) \
	static const struct sysrq sysrq_entry_##fn = { (key_), (help_), (fn) }; \
	LINKSET_ENTRY(sysrqs, struct sysrq, sysrq_entry_##fn)

/* Run the key's entry, or log the list of keys.  Context: any. */
void sysrq_handle(char key);
