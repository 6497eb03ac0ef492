/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of kernel addresses, out of the table linked into the image. */
#pragma once

#include <kernel/lib/compiler.h>

/*
 * The function that holds `addr`: its name, the offset into it and its size.
 * Returns false for an address outside the kernel's code.  Context: any.
 */
bool symbol_lookup(vaddr_t addr, const char **name, size_t *offset, size_t *size);

/* The address of a function by name, or 0.  Linear search.  Context: any. */
vaddr_t symbol_address(const char *name);

/* The nth function in address order, for /proc/kallsyms; false past the end. */
bool symbol_nth(size_t n, vaddr_t *addr, const char **name);

/* Make %pS work. */
void symbols_init(void);
