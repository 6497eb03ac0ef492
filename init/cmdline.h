/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, as Linux takes it: options of the kernel, and what it does not know is for
 * init.
 */
#pragma once

#include <kernel/lib/types.h>

#define CMDLINE_ARGS_MAX 64

struct cmdline_options {
	unsigned max_cpus;      /* maxcpus=, nosmp */
	const char *init;       /* init=, or NULL */
	const char *rdinit;     /* rdinit=, or NULL */
	const char *root;       /* root=, or NULL: stay in the initramfs */
	const char *root_type;  /* rootfstype=, or NULL */
	const char *root_flags; /* rootflags=, or NULL */
	bool read_only;         /* ro (the default), rw */
	bool root_wait;         /* rootwait */
	u64 root_wait_s;        /* rootwait=SECONDS, 0: for ever */
	u64 root_delay_s;       /* rootdelay= */
	/* For init, each ended by NULL: the unknown words, and the unknown KEY=VALUEs. */
	char *argv[CMDLINE_ARGS_MAX];
	char *envp[CMDLINE_ARGS_MAX];
};

extern struct cmdline_options cmdline_options; /* [I after cmdline_parse] */

/* Context: boot.  Keeps a copy of the text. */
void cmdline_parse(const char *text);
