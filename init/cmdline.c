/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsing the command line.
 *
 * Words are separated by blanks; double quotes hold blanks together and disappear.  A word with a
 * dot before any equals sign is a parameter of some part of the kernel and not for init (Linux:
 * Documentation/admin-guide/kernel-parameters).  After "--" everything is for init.
 */
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/string.h>
#include "cmdline.h"

struct cmdline_options cmdline_options = {.max_cpus = CONFIG_NR_CPUS, .read_only = true};

static char text_copy[BOOT_CMDLINE_MAX];
static unsigned nr_argv = 1, nr_envp;

static void opt_maxcpus(char *v)
{
	u64 n;

	/* 0 means: only the boot processor, as 1 does. */
	if (!parse_u64(v, 0, &n))
		cmdline_options.max_cpus = n > CONFIG_NR_CPUS ? CONFIG_NR_CPUS
					   : n                ? (unsigned)n
							      : 1;
}

static void opt_nosmp(char *v)
{
	cmdline_options.max_cpus = 1;
}

static void opt_init(char *v)
{
	cmdline_options.init = v;
}

static void opt_rdinit(char *v)
{
	cmdline_options.rdinit = v;
}

static void opt_root(char *v)
{
	cmdline_options.root = v;
}

static void opt_rootfstype(char *v)
{
	cmdline_options.root_type = v;
}

static void opt_rootflags(char *v)
{
	cmdline_options.root_flags = v;
}

static void opt_ro(char *v)
{
	cmdline_options.read_only = true;
}

static void opt_rw(char *v)
{
	cmdline_options.read_only = false;
}

static void opt_rootwait(char *v)
{
	cmdline_options.root_wait = true;
	(void)!parse_u64(v, 10, &cmdline_options.root_wait_s);
}

static void opt_rootdelay(char *v)
{
	(void)!parse_u64(v, 10, &cmdline_options.root_delay_s);
}

/* Others read these out of the line themselves. */
static void opt_elsewhere(char *v)
{
}

static const struct {
	const char *name;
	void (*set)(char *value);
} options[] = {
	{"maxcpus", opt_maxcpus},
	{"nosmp", opt_nosmp},
	{"init", opt_init},
	{"rdinit", opt_rdinit},
	{"root", opt_root},
	{"rootfstype", opt_rootfstype},
	{"rootflags", opt_rootflags},
	{"ro", opt_ro},
	{"rw", opt_rw},
	{"console", opt_elsewhere},
	{"earlycon", opt_elsewhere},
	{"loglevel", opt_elsewhere},
	{"quiet", opt_elsewhere},
	{"debug", opt_elsewhere},
	{"panic", opt_elsewhere},
	{"nokaslr", opt_elsewhere},
	{"ktest", opt_elsewhere},
	{"ktest_seed", opt_elsewhere},
	{"fail_after", opt_elsewhere},
	{"fail_every", opt_elsewhere},
	{"fail_kind", opt_elsewhere},
	{"rootwait", opt_rootwait},
	{"rootdelay", opt_rootdelay},
	{"ramdisk_size", opt_elsewhere},
	{"max_loop", opt_elsewhere},
	{"BOOT_IMAGE", opt_elsewhere},
};

/* The next word at *at, unquoted in place and ended; NULL at the end. */
static char *next_word(char **at)
{
	char *p = *at, *word, *to;
	bool quoted = false;

	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	if (!*p)
		return NULL;
	word = to = p;
	for (; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (*p == '"')
			quoted = !quoted;
		else
			*to++ = *p;
	}
	*at = *p ? p + 1 : p;
	*to = '\0';
	return word;
}

static void give_to_init(char *word)
{
	if (strchr(word, '=')) {
		if (nr_envp < CMDLINE_ARGS_MAX - 1)
			cmdline_options.envp[nr_envp++] = word;
	} else if (nr_argv < CMDLINE_ARGS_MAX - 1) {
		cmdline_options.argv[nr_argv++] = word;
	}
}

static void take_word(char *word)
{
	char *equals = strchr(word, '='), *dot = strchr(word, '.');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == len && !strncmp(options[i].name, word, len)) {
			options[i].set(equals ? equals + 1 : word + len);
			return;
		}
	if (dot && (!equals || dot < equals))
		return;
	give_to_init(word);
}

void cmdline_parse(const char *text)
{
	char *at = text_copy, *word;

	strscpy(text_copy, text, sizeof(text_copy));
	while ((word = next_word(&at))) {
		if (!strcmp(word, "--"))
			break;
		take_word(word);
	}
	while (word && (word = next_word(&at)))
		if (nr_argv < CMDLINE_ARGS_MAX - 1)
			cmdline_options.argv[nr_argv++] = word;
}
