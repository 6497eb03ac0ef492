/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount options, as in Linux's Documentation/filesystems/isofs.rst.
 *
 * Names of Joliet are shown as UTF-8; other character sets are refused, as Linux refuses those it
 * cannot load.  `session' is for drives that tell where a session begins; `sbsector' says it
 * outright.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>

#include "isofs_internal.h"

void iso_default_options(struct iso_options *o)
{
	*o = (struct iso_options){
		.mode = ISO_MODE_UNSET,
		.dmode = ISO_MODE_UNSET,
		.rock = true,
		.joliet = true,
		.map = 'n',
		.check = 'u',
		.block_size = 1024,
		.session = ISO_NO_SESSION,
		.sbsector = ISO_NO_SECTOR,
	};
}

/* --- switches --------------------------------------------------------------------------------- */

struct iso_switch {
	const char *key;
	size_t offset; /* of a bool in struct iso_options */
	bool value;
};
#define SWITCH(key, field, value) {key, offsetof(struct iso_options, field), value}

static const struct iso_switch switches[] = {
	SWITCH("rock", rock, true),
	SWITCH("norock", rock, false),
	SWITCH("joliet", joliet, true),
	SWITCH("nojoliet", joliet, false),
	SWITCH("cruft", cruft, true),
	SWITCH("hide", hide, true),
	SWITCH("unhide", hide, false),
	SWITCH("showassoc", showassoc, true),
	SWITCH("overriderockperm", override_rock, true),
	SWITCH("nocompress", nocompress, true),
};

static bool set_switch(struct iso_options *o, const char *key)
{
	for (unsigned i = 0; i < ARRAY_SIZE(switches); i++) {
		if (strcmp(key, switches[i].key))
			continue;
		*(bool *)((char *)o + switches[i].offset) = switches[i].value;
		return true;
	}
	return false;
}

/* --- values ----------------------------------------------------------------------------------- */

#define OTHER_OPTION 1 /* not of this group */

static int parse_id(const char *value, u32 *id, bool *set)
{
	int err = parse_u32(value, 0, id);

	if (!err && *id == ~0u)
		err = -EINVAL;
	*set = !err;
	return err;
}

static int parse_mode(const char *value, umode_t *mode)
{
	u32 n;
	int err = parse_u32(value, 0, &n);

	if (!err)
		*mode = (umode_t)(n & 07777);
	return err;
}

static int parse_block(const char *value, u32 *size)
{
	int err = parse_u32(value, 0, size);

	return err ? err : *size == 512 || *size == 1024 || *size == 2048 ? 0 : -EINVAL;
}

static int parse_session(const char *value, u32 *session)
{
	int err = parse_u32(value, 0, session);

	return err ? err : *session > 99 ? -EINVAL : 0;
}

static int parse_number(struct iso_options *o, const char *key, const char *value)
{
	if (!strcmp(key, "uid"))
		return parse_id(value, &o->uid, &o->uid_set);
	if (!strcmp(key, "gid"))
		return parse_id(value, &o->gid, &o->gid_set);
	if (!strcmp(key, "mode"))
		return parse_mode(value, &o->mode);
	if (!strcmp(key, "dmode"))
		return parse_mode(value, &o->dmode);
	if (!strcmp(key, "block"))
		return parse_block(value, &o->block_size);
	if (!strcmp(key, "session"))
		return parse_session(value, &o->session);
	if (!strcmp(key, "sbsector"))
		return parse_u32(value, 0, &o->sbsector);
	return OTHER_OPTION;
}

/* A word counts for its first letter. */
static int parse_word(const char *value, const char *const *words, char *out)
{
	for (; *words; words++) {
		if (!strcmp(value, *words)) {
			*out = **words;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_text(struct iso_options *o, const char *key, const char *value)
{
	static const char *const maps[] = {"normal", "off", "acorn", NULL};
	static const char *const checks[] = {"relaxed", "strict", "r", "s", NULL};

	if (!strcmp(key, "map"))
		return parse_word(value, maps, &o->map);
	if (!strcmp(key, "check"))
		return parse_word(value, checks, &o->check);
	if (!strcmp(key, "iocharset"))
		return strcmp(value, "utf8") ? -EINVAL : 0;
	return strcmp(key, "conv") ? -EINVAL : 0;
}

static int parse_one(struct iso_options *o, const char *key, const char *value)
{
	int err;

	if (!value)
		return set_switch(o, key) || !strcmp(key, "utf8") ? 0 : -EINVAL;
	err = *value ? parse_number(o, key, value) : OTHER_OPTION;
	if (err == OTHER_OPTION)
		err = parse_text(o, key, value);
	return err ? -EINVAL : 0;
}

int iso_parse_options(struct iso_options *o, char *text)
{
	char *key, *value;
	int err = 0;

	while (!err && fs_option_next(&text, &key, &value))
		err = parse_one(o, key, value);
	return err;
}

/* --- /proc/mounts ----------------------------------------------------------------------------- */

static void show_switches(const struct iso_sb *fs, struct seq *out)
{
	const struct iso_options *o = &fs->o;

	if (!fs->rock)
		seq_puts(out, ",norock");
	else if (!fs->joliet)
		seq_puts(out, ",nojoliet");
	if (o->cruft)
		seq_puts(out, ",cruft");
	if (o->hide)
		seq_puts(out, ",hide");
	if (o->nocompress)
		seq_puts(out, ",nocompress");
	if (o->override_rock)
		seq_puts(out, ",overriderockperm");
	if (o->showassoc)
		seq_puts(out, ",showassoc");
}

void iso_show_options(struct superblock *sb, struct seq *out)
{
	const struct iso_sb *fs = iso_sb(sb);
	const struct iso_options *o = &fs->o;

	show_switches(fs, out);
	seq_printf(out, ",check=%c,map=%c", o->check, o->map);
	if (o->session != ISO_NO_SESSION)
		seq_printf(out, ",session=%u", o->session);
	if (o->sbsector != ISO_NO_SECTOR)
		seq_printf(out, ",sbsector=%u", o->sbsector);
	if (sb->blocksize != 1024)
		seq_printf(out, ",blocksize=%u", sb->blocksize);
	if (o->uid)
		seq_printf(out, ",uid=%u", o->uid);
	if (o->gid)
		seq_printf(out, ",gid=%u", o->gid);
	if (o->dmode != ISO_MODE_UNSET)
		seq_printf(out, ",dmode=%o", o->dmode);
	if (o->mode != ISO_MODE_UNSET)
		seq_printf(out, ",fmode=%o", o->mode);
	seq_puts(out, ",iocharset=utf8");
}
