/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount options, ext4(5): defaults from the superblock, then what mount(2) was given.
 *
 * Options that name a trade-off this driver does not make (stripe, inode_readahead_blks,
 * max_batch_time, delalloc...) are checked, kept and shown as Linux does; what Linux refuses
 * without quota, DAX or encryption is refused here too.
 */
#define LOG_PREFIX "EXT4-fs "
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>

#include "ext4_map.h"

#define COMMIT_DEFAULT_MS 5000u

void ext4_options_default(struct ext4_super *es, struct ext4_options *opt)
{
	u32 defaults = es->disk->default_mount_opts;

	*opt = (struct ext4_options){
		.set = EXT4_OPT_BARRIER | EXT4_OPT_DELALLOC | EXT4_OPT_INIT_ITABLE |
		       EXT4_OPT_BLOCK_VALIDITY | EXT4_OPT_XATTR_USER | EXT4_OPT_ACL,
		.data_mode = EXT4_DATA_ORDERED,
		.errors = es->disk->errors,
		.resuid = es->disk->def_resuid,
		.resgid = es->disk->def_resgid,
		.commit_ms = COMMIT_DEFAULT_MS,
		.readahead_blocks = 32,
		.max_batch_us = 15000,
		.init_itable_mult = 10,
		.sb_block = 1,
		.stripe = es->disk->raid_stripe_width,
	};
	if (opt->errors < EXT4_ERRORS_CONTINUE || opt->errors > EXT4_ERRORS_PANIC)
		opt->errors = EXT4_ERRORS_CONTINUE;
	if (defaults & EXT4_DEFM_DEBUG)
		opt->set |= EXT4_OPT_DEBUG;
	if (defaults & EXT4_DEFM_BSDGROUPS)
		opt->set |= EXT4_OPT_GRPID;
	if (defaults & EXT4_DEFM_UID16)
		opt->set |= EXT4_OPT_NOUID32;
	if (defaults & EXT4_DEFM_NOBARRIER)
		opt->set &= ~(u32)EXT4_OPT_BARRIER;
	if (defaults & EXT4_DEFM_DISCARD)
		opt->set |= EXT4_OPT_DISCARD;
	if (defaults & EXT4_DEFM_NODELALLOC)
		opt->set &= ~(u32)EXT4_OPT_DELALLOC;
	if ((defaults & EXT4_DEFM_JMODE) == EXT4_DEFM_JMODE_DATA)
		opt->data_mode = EXT4_DATA_JOURNAL;
	else if ((defaults & EXT4_DEFM_JMODE) == EXT4_DEFM_JMODE_WBACK)
		opt->data_mode = EXT4_DATA_WRITEBACK;
}

/* Options without a value. */
static const struct flag_option {
	const char *name;
	u32 set, clear;
} flag_options[] = {
	{"user_xattr", EXT4_OPT_XATTR_USER, 0},
	{"nouser_xattr", 0, EXT4_OPT_XATTR_USER},
	{"acl", EXT4_OPT_ACL, 0},
	{"noacl", 0, EXT4_OPT_ACL},
	{"discard", EXT4_OPT_DISCARD, 0},
	{"nodiscard", 0, EXT4_OPT_DISCARD},
	{"barrier", EXT4_OPT_BARRIER, 0},
	{"nobarrier", 0, EXT4_OPT_BARRIER},
	{"noload", EXT4_OPT_NOLOAD, 0},
	{"norecovery", EXT4_OPT_NOLOAD, 0},
	{"delalloc", EXT4_OPT_DELALLOC, 0},
	{"nodelalloc", 0, EXT4_OPT_DELALLOC},
	{"grpid", EXT4_OPT_GRPID, 0},
	{"bsdgroups", EXT4_OPT_GRPID, 0},
	{"nogrpid", 0, EXT4_OPT_GRPID},
	{"sysvgroups", 0, EXT4_OPT_GRPID},
	{"debug", EXT4_OPT_DEBUG, 0},
	{"journal_checksum", EXT4_OPT_JOURNAL_CHECKSUM, 0},
	{"nojournal_checksum", 0, EXT4_OPT_JOURNAL_CHECKSUM},
	{"init_itable", EXT4_OPT_INIT_ITABLE, 0},
	{"noinit_itable", 0, EXT4_OPT_INIT_ITABLE},
	{"block_validity", EXT4_OPT_BLOCK_VALIDITY, 0},
	{"noblock_validity", 0, EXT4_OPT_BLOCK_VALIDITY},
	{"minixdf", EXT4_OPT_MINIX_DF, 0},
	{"bsddf", 0, EXT4_OPT_MINIX_DF},
	{"dioread_lock", EXT4_OPT_DIOREAD_LOCK, 0},
	{"dioread_nolock", 0, EXT4_OPT_DIOREAD_LOCK},
	{"nodioread_nolock", EXT4_OPT_DIOREAD_LOCK, 0},
	{"nouid32", EXT4_OPT_NOUID32, 0},
	{"i_version", 0, 0},
	{"oldalloc", 0, 0},
	{"orlov", 0, 0},
	{"check", 0, 0},
	{"nocheck", 0, 0},
	{"reservation", 0, 0},
	{"noreservation", 0, 0},
	{"bh", 0, 0},
	{"nobh", 0, 0},
	{"auto_da_alloc", 0, 0},
	{"noauto_da_alloc", 0, 0},
	{"lazytime", 0, 0},
	{"nolazytime", 0, 0},
	{"prefetch_block_bitmaps", 0, 0},
	{"no_prefetch_block_bitmaps", 0, 0},
	{"noquota", 0, 0},
};

static const struct flag_option *flag_find(const char *key)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flag_options); i++) {
		if (!strcmp(flag_options[i].name, key))
			return &flag_options[i];
	}
	return NULL;
}

struct word {
	const char *name;
	u32 value;
};

static int word_find(const struct word *w, const char *value, u32 *out)
{
	for (; w->name; w++) {
		if (value && !strcmp(w->name, value)) {
			*out = w->value;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct word data_words[] = {{"ordered", EXT4_DATA_ORDERED},
					 {"journal", EXT4_DATA_JOURNAL},
					 {"writeback", EXT4_DATA_WRITEBACK},
					 {NULL, 0}};
static const struct word error_words[] = {{"continue", EXT4_ERRORS_CONTINUE},
					  {"remount-ro", EXT4_ERRORS_RO},
					  {"panic", EXT4_ERRORS_PANIC},
					  {NULL, 0}};
static const struct word data_err_words[] = {
	{"abort", EXT4_OPT_DATA_ERR_ABORT}, {"ignore", 0}, {NULL, 0}};

static int parse_data(struct ext4_super *es, struct ext4_options *opt, const char *value,
		      bool remount)
{
	u32 mode;
	int err = word_find(data_words, value, &mode);

	if (err)
		return err;
	if (remount && es->opt.data_mode != mode) {
		log_err("(%s): Cannot change data mode on remount\n", es->sb->id);
		return -EINVAL;
	}
	opt->data_mode = (u8)mode;
	opt->data_mode_given = true;
	return 0;
}

static int parse_number(const char *value, u64 max, u32 *out)
{
	u64 n;
	int err = value ? parse_u64(value, 0, &n) : -EINVAL;

	if (err || n > max)
		return -EINVAL;
	*out = (u32)n;
	return 0;
}

static int parse_commit(struct ext4_options *opt, const char *value)
{
	u32 seconds;
	int err = parse_number(value, S32_MAX / 1000, &seconds);

	if (!err)
		opt->commit_ms = seconds ? seconds * 1000 : COMMIT_DEFAULT_MS;
	return err;
}

/* Options with a value; -ENOENT: not one of them. */
static int parse_value(struct ext4_super *es, struct ext4_options *opt, const char *key,
		       const char *value, bool remount)
{
	u32 n = 0;
	int err;

	if (!strcmp(key, "data"))
		return parse_data(es, opt, value, remount);
	if (!strcmp(key, "errors")) {
		err = word_find(error_words, value, &n);
		opt->errors = err ? opt->errors : (u16)n;
		return err;
	}
	if (!strcmp(key, "data_err")) {
		err = word_find(data_err_words, value, &n);
		opt->set = err ? opt->set : (opt->set & ~(u32)EXT4_OPT_DATA_ERR_ABORT) | n;
		return err;
	}
	if (!strcmp(key, "commit"))
		return parse_commit(opt, value);
	if (!strcmp(key, "barrier") && value) {
		err = parse_number(value, U32_MAX, &n);
		opt->set = n ? opt->set | EXT4_OPT_BARRIER : opt->set & ~(u32)EXT4_OPT_BARRIER;
		return err;
	}
	if (!strcmp(key, "resuid"))
		return parse_number(value, U32_MAX, &opt->resuid);
	if (!strcmp(key, "resgid"))
		return parse_number(value, U32_MAX, &opt->resgid);
	if (!strcmp(key, "stripe"))
		return parse_number(value, U32_MAX, &opt->stripe);
	if (!strcmp(key, "sb"))
		return parse_number(value, U32_MAX, &n);
	if (!strcmp(key, "max_batch_time"))
		return parse_number(value, U32_MAX, &opt->max_batch_us);
	if (!strcmp(key, "min_batch_time"))
		return parse_number(value, U32_MAX, &opt->min_batch_us);
	if (!strcmp(key, "inode_readahead_blks")) {
		err = parse_number(value, 1u << 30, &n);
		if (err || n & (n - 1))
			return -EINVAL;
		opt->readahead_blocks = n;
		return 0;
	}
	if (!strcmp(key, "init_itable") && value) {
		opt->set |= EXT4_OPT_INIT_ITABLE;
		return parse_number(value, S32_MAX, &opt->init_itable_mult);
	}
	if (!strcmp(key, "journal_ioprio"))
		return parse_number(value, 7, &n);
	if (!strcmp(key, "auto_da_alloc") && value)
		return parse_number(value, 1, &n);
	return -ENOENT;
}

static int parse_one(struct ext4_super *es, struct ext4_options *opt, const char *key,
		     const char *value, bool remount)
{
	const struct flag_option *f;
	int err = parse_value(es, opt, key, value, remount);

	if (err != -ENOENT)
		return err;
	f = value ? NULL : flag_find(key);
	if (!f)
		return -EINVAL;
	opt->set = (opt->set | f->set) & ~f->clear;
	return 0;
}

int ext4_options_parse(struct ext4_super *es, struct ext4_options *opt, char *options, bool remount)
{
	char *key, *value;

	while (fs_option_next(&options, &key, &value)) {
		int err = parse_one(es, opt, key, value, remount);

		if (err) {
			log_err("(%s): Unrecognized mount option \"%s%s%s\" or missing value\n",
				es->sb->id, key, value ? "=" : "", value ?: "");
			return -EINVAL;
		}
	}
	return 0;
}

u64 ext4_options_super(const char *options)
{
	for (const char *p = options; p && *p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strstarts(p, "sb="))
			return max(parse_digits(p + 3, NULL, 0), (u64)1);
	}
	return 1;
}

/* --- /proc/mounts --- */

static void show_flag(const struct ext4_options *opt, const struct ext4_options *def,
		      struct seq *out, u32 flag, const char *on, const char *off)
{
	if ((opt->set ^ def->set) & flag)
		seq_printf(out, ",%s", opt->set & flag ? on : off);
}

void ext4_show_options(struct superblock *sb, struct seq *out)
{
	struct ext4_super *es = ext4_super(sb);
	const struct ext4_options *opt = &es->opt;
	struct ext4_options def;

	ext4_options_default(es, &def);
	show_flag(opt, &def, out, EXT4_OPT_MINIX_DF, "minixdf", "bsddf");
	show_flag(opt, &def, out, EXT4_OPT_GRPID, "grpid", "nogrpid");
	show_flag(opt, &def, out, EXT4_OPT_DEBUG, "debug", "nodebug");
	show_flag(opt, &def, out, EXT4_OPT_NOUID32, "nouid32", "uid32");
	show_flag(opt, &def, out, EXT4_OPT_XATTR_USER, "user_xattr", "nouser_xattr");
	show_flag(opt, &def, out, EXT4_OPT_ACL, "acl", "noacl");
	show_flag(opt, &def, out, EXT4_OPT_BARRIER, "barrier", "nobarrier");
	show_flag(opt, &def, out, EXT4_OPT_JOURNAL_CHECKSUM, "journal_checksum",
		  "nojournal_checksum");
	show_flag(opt, &def, out, EXT4_OPT_NOLOAD, "norecovery", "load");
	show_flag(opt, &def, out, EXT4_OPT_DELALLOC, "delalloc", "nodelalloc");
	show_flag(opt, &def, out, EXT4_OPT_DISCARD, "discard", "nodiscard");
	show_flag(opt, &def, out, EXT4_OPT_DIOREAD_LOCK, "dioread_lock", "dioread_nolock");
	show_flag(opt, &def, out, EXT4_OPT_INIT_ITABLE, "init_itable", "noinit_itable");
	show_flag(opt, &def, out, EXT4_OPT_DATA_ERR_ABORT, "data_err=abort", "data_err=ignore");
	if (opt->resuid != def.resuid)
		seq_printf(out, ",resuid=%u", opt->resuid);
	if (opt->resgid != def.resgid)
		seq_printf(out, ",resgid=%u", opt->resgid);
	if (opt->errors != def.errors)
		seq_printf(out, ",errors=%s", error_words[opt->errors - 1].name);
	if (opt->commit_ms != def.commit_ms)
		seq_printf(out, ",commit=%u", opt->commit_ms / 1000);
	if (opt->max_batch_us != def.max_batch_us)
		seq_printf(out, ",max_batch_time=%u", opt->max_batch_us);
	if (opt->min_batch_us)
		seq_printf(out, ",min_batch_time=%u", opt->min_batch_us);
	if (opt->stripe)
		seq_printf(out, ",stripe=%u", opt->stripe);
	if (es->journal && opt->data_mode != def.data_mode)
		seq_printf(out, ",data=%s", data_words[opt->data_mode].name);
	if (opt->readahead_blocks != def.readahead_blocks)
		seq_printf(out, ",inode_readahead_blks=%u", opt->readahead_blocks);
}
