/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of /proc and /sys exported by rooms that lie below the file systems.
 *
 * fs walks the set when it builds the two trees.  Paths begin with "/proc/" or "/sys/".
 */
#pragma once

#include <kernel/lib/linkset.h>

struct seq;

struct proc_export {
	const char *path; /* [I] */
	u32 mode;	  /* [I] permission bits, 0444 and the like */

	/* Write the content at `out`.  Returns 0 or a negative errno.  Context: may sleep. */
	int (*show)(struct seq *out, void *arg);

	/* Take `len` bytes, also terminated by NUL.  Returns bytes taken or a negative errno. */
	ssize_t (*store)(const char *buf, size_t len, void *arg);
	void *arg;
};

#define EXPORT_PROC_NAMED_(id, path_, mode_, show_, store_, arg_) \
	static const struct proc_export id = { .path = (path_), \
					       .mode = (mode_), \
					       .show = (show_), \
					       .store = (store_), \
					       .arg = (arg_) }; \
	LINKSET_ENTRY(proc_exports, struct proc_export, id)
#define EXPORT_PROC_UNIQUE_(n, path, mode, show, store, arg) \
	EXPORT_PROC_NAMED_(CONCAT(proc_export_, n), path, mode, show, store, arg)

/* At file scope: EXPORT_PROC("/proc/uptime", 0444, uptime_show, NULL, NULL); */
#define EXPORT_PROC(path, mode, show, store, arg) \
	EXPORT_PROC_UNIQUE_(__COUNTER__, path, mode, show, store, arg)
