/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Printing the log on consoles.
 *
 * Each console remembers the record it will print next.  Printing is done by whoever adds a record,
 * one processor at a time: the owner.  Who finds another owner leaves its record to that one, which
 * looks again after it has given up the ownership, so no record is left behind:
 *
 *	owner				other
 *	nothing left to print		record complete
 *	owner = 0			owner is 1: leave
 *	look again: finds the record
 *
 * The ownership is given up between records and preemption is off while it is held, so nothing
 * waits for a thread that does not run.  Before the first console registers, arch_early_putc()
 * serves.
 */
#include <arch/boot.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/preempt.h>
#include "log_internal.h"

#define CONSOLE_NAMES 4
#define CONSOLE_NAME  16

static char names[CONSOLE_NAMES][CONSOLE_NAME]; /* [I after boot] of console= */
static unsigned nr_names;
static char first_name[CONSOLE_NAME];
static u32 owner;                    /* [a] somebody prints */
static int level = CONFIG_LOG_LEVEL; /* [a] */

static void early_write(struct console *c, const char *text, size_t len)
{
	while (len--)
		arch_early_putc(*text++);
}

static struct console early = {.name = "early", .flags = CONSOLE_ENABLED, .write = early_write};
static struct console *consoles = &early; /* [R] only ever grows at the front */

int log_console_level(void)
{
	return READ_ONCE(level);
}

int log_set_console_level(int new)
{
	int old = READ_ONCE(level);

	WRITE_ONCE(level, new);
	return old;
}

static void print_record(struct console *c, const struct log_record *r)
{
	char line[LOG_RECORD_TEXT + 32];
	int len = scnprintf(line, sizeof(line), "[%5llu.%06llu] %.*s\r\n", r->time_ns / 1000000000,
			    r->time_ns / 1000 % 1000000, (int)r->len, r->text);

	c->write(c, line, (size_t)len);
}

/* Print one record on `c`.  Returns false when there is none. */
static bool console_step(struct console *c)
{
	struct log_record r;

	if (!(READ_ONCE(c->flags) & CONSOLE_ENABLED) || log_read(&c->next, &r))
		return false;
	c->next++;
	if (r.level < READ_ONCE(level))
		print_record(c, &r);
	return true;
}

static bool step_all(void)
{
	bool printed = false;

	for (struct console *c = atomic_load_acquire(&consoles); c; c = c->link)
		printed |= console_step(c);
	return printed;
}

void console_flush(void)
{
	bool printed;

	do {
		preempt_disable();
		if (atomic_xchg(&owner, 1)) {
			preempt_enable();
			return;
		}
		printed = step_all();
		atomic_xchg(&owner, 0);
		preempt_enable();
	} while (printed);
}

void console_break_owner(void)
{
	atomic_store(&owner, 0);
}

void console_print_tail(u64 n)
{
	u64 next = log_next_seq();
	struct log_record r;

	for (u64 seq = next > n ? next - n : 0; seq < next && !log_read(&seq, &r); seq++) {
		if (r.level < READ_ONCE(level))
			continue;
		for (struct console *c = atomic_load_acquire(&consoles); c; c = c->link) {
			if (READ_ONCE(c->flags) & CONSOLE_ENABLED)
				print_record(c, &r);
		}
	}
}

/* With no console= any console is wanted while it is the first. */
static bool wanted(const char *name)
{
	for (unsigned i = 0; i < nr_names; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return !nr_names && !first_name[0];
}

bool console_register(struct console *c)
{
	char name[CONSOLE_NAME];

	snprintf(name, sizeof(name), "%s%d", c->name, c->index);

	bool prints = wanted(name);

	if (!first_name[0])
		strscpy(first_name, name, sizeof(first_name));
	if (!prints)
		return false;
	c->next = c->flags & CONSOLE_REPLAY ? 0 : early.next;
	if (!(READ_ONCE(early.flags) & CONSOLE_ENABLED) && !(c->flags & CONSOLE_REPLAY))
		c->next = log_next_seq();
	WRITE_ONCE(early.flags, 0);
	WRITE_ONCE(c->flags, c->flags | CONSOLE_ENABLED);
	c->link = consoles;
	atomic_store_release(&consoles, c);
	console_flush();
	return true;
}

const char *console_preferred(void)
{
	return nr_names ? names[nr_names - 1] : first_name;
}

void console_init(const char *cmdline)
{
	char text[64];

	for (unsigned i = 0; cmdline_get_nth(cmdline, "console", i, text, sizeof(text)); i++) {
		*strchrnul(text, ',') = '\0';
		if (nr_names < CONSOLE_NAMES)
			strscpy(names[nr_names++], text, CONSOLE_NAME);
	}
}
