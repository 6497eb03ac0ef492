/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount options of vfat and msdos.
 *
 * The defaults are those of Debian's Linux: code page 437 for short names, UTF-8 for the names that
 * users see (utf8), iocharset=ascii behind it, shortname=mixed, errors=remount-ro, umask of the
 * process that mounts.  Character sets that are not built in are refused, as Linux refuses those it
 * cannot load.
 */
#include <fs/vfs/fs_context.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <security/cred.h>

#include "fat_internal.h"

void fat_default_options(struct fat_options *o, bool vfat)
{
	*o = (struct fat_options){
		.uid = cred_current()->fsuid,
		.gid = cred_current()->fsgid,
		.fmask = (u16)current_umask(),
		.dmask = (u16)current_umask(),
		.allow_utime = 0xffff,
		.codepage = fat_charset_find("437"),
		.iocharset = fat_charset_find("ascii"),
		.shortname = vfat ? SHORT_DISPLAY_WINNT | SHORT_CREATE_WIN95 : 0,
		.check = 'n',
		.errors = FAT_ERRORS_RO,
		.utf8 = vfat,
		.rodir = false,
	};
}

/* --- kinds of options ------------------------------------------------------------------------- */

/* "name" or "name=yes" and so on: a switch.  Returns 0 or -EINVAL. */
static int parse_switch(const char *value, bool *out)
{
	static const char *const yes[] = {"1", "yes", "true"}, *const no[] = {"0", "no", "false"};

	if (!value) {
		*out = true;
		return 0;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (!strcmp(value, yes[i]) || !strcmp(value, no[i])) {
			*out = !strcmp(value, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_number(const char *value, unsigned base, u64 max, u64 *out)
{
	int err = value && *value ? parse_u64(value, base, out) : -EINVAL;

	return err ? err : *out > max ? -EINVAL : 0;
}

static int parse_mask(const char *value, u16 *out)
{
	u64 n;
	int err = parse_number(value, 8, 07777, &n);

	if (!err)
		*out = (u16)n;
	return err;
}

static int parse_id(const char *value, u32 *out)
{
	u64 n;
	int err = parse_number(value, 10, 0xfffffffe, &n);

	if (!err)
		*out = (u32)n;
	return err;
}

/* One of some words. */
struct word {
	const char *text;
	u8 value;
};

static int parse_word(const char *value, const struct word *words, u8 *out)
{
	for (; value && words->text; words++) {
		if (!strcmp(value, words->text)) {
			*out = words->value;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct word check_words[] = {
	{"relaxed", 'r'}, {"normal", 'n'}, {"strict", 's'}, {"r", 'r'}, {"n", 'n'}, {"s", 's'}, {},
};
static const struct word error_words[] = {
	{"continue", FAT_ERRORS_CONTINUE},
	{"panic", FAT_ERRORS_PANIC},
	{"remount-ro", FAT_ERRORS_RO},
	{},
};
static const struct word shortname_words[] = {
	{"lower", SHORT_DISPLAY_LOWER | SHORT_CREATE_WIN95},
	{"win95", SHORT_DISPLAY_WIN95 | SHORT_CREATE_WIN95},
	{"winnt", SHORT_DISPLAY_WINNT | SHORT_CREATE_WINNT},
	{"mixed", SHORT_DISPLAY_WINNT | SHORT_CREATE_WIN95},
	{},
};

#define OTHER_OPTION 1 /* not of this group */

/* --- the options ------------------------------------------------------------------------------ */

/* What begins or ends with a minus for numbers: time_offset. */
static int parse_offset(const char *value, struct fat_options *o)
{
	bool negative = value && *value == '-';
	u64 n;
	int err = parse_number(negative ? value + 1 : value, 10, 24 * 60, &n);

	if (err)
		return err;
	o->time_offset = negative ? -(s32)n : (s32)n;
	o->tz_set = true;
	return 0;
}

static int parse_codepage(const char *value, struct fat_options *o)
{
	const struct fat_charset *cs = value ? fat_charset_find(value) : NULL;

	if (!cs || !fat_charset_is_codepage(cs))
		return -EINVAL;
	o->codepage = cs;
	return 0;
}

static int parse_iocharset(const char *value, struct fat_options *o)
{
	o->iocharset = value ? fat_charset_find(value) : NULL;
	if (!o->iocharset)
		return -EINVAL;
	o->utf8 = fat_charset_is_utf8(o->iocharset);
	return 0;
}

static int parse_umask(const char *value, struct fat_options *o)
{
	int err = parse_mask(value, &o->fmask);

	o->dmask = o->fmask;
	return err;
}

static int parse_tz(const char *value, struct fat_options *o)
{
	if (!value || strcmp(value, "UTC"))
		return -EINVAL;
	o->tz_utc = o->tz_set = true;
	o->time_offset = 0;
	return 0;
}

static int parse_allow_utime(const char *value, struct fat_options *o)
{
	int err = parse_mask(value, &o->allow_utime);

	o->allow_utime &= 0022;
	return err;
}

/* Options that are a switch, common ones and those of one type. */
static bool *find_switch(struct fat_options *o, const char *key, bool vfat)
{
	const struct {
		const char *key;
		bool *value;
		u8 type; /* 0: both, 'v', 'm' */
	} table[] = {
		{"quiet", &o->quiet, 0},
		{"showexec", &o->showexec, 0},
		{"sys_immutable", &o->sys_immutable, 0},
		{"flush", &o->flush, 0},
		{"discard", &o->discard, 0},
		{"usefree", &o->usefree, 0},
		{"rodir", &o->rodir, 'v'},
		{"utf8", &o->utf8, 'v'},
		{"uni_xlate", &o->uni_xlate, 'v'},
		{"dots", &o->dots, 'm'},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		if (!strcmp(key, table[i].key) &&
		    (!table[i].type || (table[i].type == 'v') == vfat))
			return table[i].value;
	}
	return NULL;
}

static int parse_both(struct fat_options *o, const char *key, const char *value)
{
	if (!strcmp(key, "uid"))
		return parse_id(value, &o->uid);
	if (!strcmp(key, "gid"))
		return parse_id(value, &o->gid);
	if (!strcmp(key, "umask"))
		return parse_umask(value, o);
	if (!strcmp(key, "dmask"))
		return parse_mask(value, &o->dmask);
	if (!strcmp(key, "fmask"))
		return parse_mask(value, &o->fmask);
	if (!strcmp(key, "allow_utime"))
		return parse_allow_utime(value, o);
	if (!strcmp(key, "codepage"))
		return parse_codepage(value, o);
	if (!strcmp(key, "check"))
		return parse_word(value, check_words, (u8 *)&o->check);
	if (!strcmp(key, "errors"))
		return parse_word(value, error_words, &o->errors);
	if (!strcmp(key, "tz"))
		return parse_tz(value, o);
	if (!strcmp(key, "time_offset"))
		return parse_offset(value, o);
	return OTHER_OPTION;
}

static int parse_vfat(struct fat_options *o, const char *key, const char *value)
{
	bool off;
	int err;

	if (!strcmp(key, "iocharset"))
		return parse_iocharset(value, o);
	if (!strcmp(key, "shortname"))
		return parse_word(value, shortname_words, &o->shortname);
	if (!strcmp(key, "nonumtail")) {
		err = parse_switch(value, &off);
		o->nonumtail = off;
		return err;
	}
	return -EINVAL;
}

static int parse_one(struct fat_options *o, const char *key, const char *value, bool vfat)
{
	bool *flag = find_switch(o, key, vfat);
	int err;

	if (flag)
		return parse_switch(value, flag);
	if (!strcmp(key, "debug"))
		return value ? -EINVAL : 0;
	if (!vfat && (!strcmp(key, "nodots") || !strcmp(key, "dotsOK"))) {
		o->dots = value && !strcmp(value, "yes");
		return 0;
	}
	err = parse_both(o, key, value);
	if (err != OTHER_OPTION)
		return err;
	return vfat ? parse_vfat(o, key, value) : -EINVAL;
}

int fat_parse_options(struct fat_options *o, char *text, bool vfat, bool remount)
{
	char *key, *value;
	int err;

	while (fs_option_next(&text, &key, &value)) {
		err = parse_one(o, key, value, vfat);
		if (err)
			return err;
	}
	if (o->allow_utime == 0xffff)
		o->allow_utime = ~o->dmask & 0022;
	if (o->uni_xlate)
		o->utf8 = false;
	return 0;
}

/* --- /proc/mounts ----------------------------------------------------------------------------- */

static const char *word_of(const struct word *words, u8 value)
{
	while (words->text && words->value != value)
		words++;
	return words->text;
}

static void show_vfat(const struct fat_options *o, struct seq *out)
{
	seq_printf(out, ",iocharset=%s", fat_charset_name(o->iocharset));
	seq_printf(out, ",shortname=%s", word_of(shortname_words, o->shortname));
	if (o->utf8)
		seq_puts(out, ",utf8");
	if (o->uni_xlate)
		seq_puts(out, ",uni_xlate");
	if (o->nonumtail)
		seq_puts(out, ",nonumtail");
	if (o->rodir)
		seq_puts(out, ",rodir");
}

static void show_flags(const struct fat_options *o, struct seq *out)
{
	if (o->usefree)
		seq_puts(out, ",usefree");
	if (o->quiet)
		seq_puts(out, ",quiet");
	if (o->showexec)
		seq_puts(out, ",showexec");
	if (o->sys_immutable)
		seq_puts(out, ",sys_immutable");
	if (o->flush)
		seq_puts(out, ",flush");
	if (o->tz_set && o->time_offset)
		seq_printf(out, ",time_offset=%d", o->time_offset);
	else if (o->tz_set)
		seq_puts(out, ",tz=UTC");
	if (o->discard)
		seq_puts(out, ",discard");
}

void fat_show_options(struct superblock *sb, struct seq *out)
{
	static const char *const errors[] = {
		[FAT_ERRORS_RO] = "remount-ro",
		[FAT_ERRORS_CONTINUE] = "continue",
		[FAT_ERRORS_PANIC] = "panic",
	};
	const struct fat_options *o = &fat_sb(sb)->o;

	if (o->uid)
		seq_printf(out, ",uid=%u", o->uid);
	if (o->gid)
		seq_printf(out, ",gid=%u", o->gid);
	seq_printf(out, ",fmask=%04o,dmask=%04o", o->fmask, o->dmask);
	if (o->allow_utime)
		seq_printf(out, ",allow_utime=%04o", o->allow_utime);
	seq_printf(out, ",codepage=%s", fat_charset_name(o->codepage) + 2);
	if (fat_sb(sb)->vfat)
		show_vfat(o, out);
	if (o->check != 'n')
		seq_printf(out, ",check=%c", o->check);
	show_flags(o, out);
	if (!fat_sb(sb)->vfat && o->dots)
		seq_puts(out, ",dotsOK=yes");
	seq_printf(out, ",errors=%s", errors[o->errors]);
}
