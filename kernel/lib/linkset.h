/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linker sets: tables whose entries lie beside the code they belong to.
 *
 * Each entry is a pointer in a section named after the set; the linker supplies the bounds because
 * the section's name is a C identifier.  The entries' order is the link order and means nothing.
 */
#pragma once

#include <kernel/lib/compiler.h>

/* Add `&name` (a `const type`) to `set`. */
#define LINKSET_ENTRY(set, type, name) \
	static const type *const linkset_##set##_##name __used __section("linkset_" #set) \
		__attribute__((no_reorder)) = &name

/* At file scope, before walking the set.  An empty set is empty, not a link error. */
#define LINKSET_DECLARE(set, type) \
	extern const type *const __start_linkset_##set[] __weak \
		__attribute__((visibility("hidden"))); \
	extern const type *const __stop_linkset_##set[] __weak \
		__attribute__((visibility("hidden")))

/* `pos` is a `const type *const *`: *pos is the entry. */
#define for_each_linkset(pos, set) \
	for (pos = __start_linkset_##set; pos < __stop_linkset_##set; pos++)
