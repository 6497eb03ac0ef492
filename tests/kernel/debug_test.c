/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log ring under all processors, names of functions, failures on demand. */
#include <kernel/debug/fault_inject.h>
#include <kernel/debug/ktest.h>
#include <kernel/debug/log.h>
#include <kernel/debug/symbols.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/smp/ipi.h>

/* The debug level stays off the consoles in these tests. */
static bool find_message(u64 from, const char *text)
{
	struct log_record r;

	for (u64 seq = from; !log_read(&seq, &r); seq++) {
		if (r.len == strlen(text) && !memcmp(r.text, text, r.len))
			return true;
	}
	return false;
}

KTEST(log_records)
{
	u64 before = log_next_seq(), seq = before;
	struct log_record r;

	log_raw(LOG_DEBUG, "one\ntwo\n");
	KREQUIRE(!log_read(&seq, &r));
	KEXPECT(r.seq == seq && r.len == 3 && !memcmp(r.text, "one", 3) && !r.more);
	KEXPECT(r.level == LOG_DEBUG && !r.facility);
	KEXPECT(find_message(before, "two"));
	seq = log_next_seq();
	KEXPECT(log_read(&seq, &r) < 0);
	log_user(LOG_DEBUG, 3, "user", 4);
	KEXPECT(find_message(before, "user"));
}

KTEST(log_long_lines)
{
	u64 seq = log_next_seq();
	struct log_record r;

	log_raw(LOG_DEBUG, "%0300d", 7);
	KREQUIRE(!log_read(&seq, &r) && r.len == LOG_RECORD_TEXT);
	seq++;
	KREQUIRE(!log_read(&seq, &r));
	KEXPECT(r.more && r.len == 300 - LOG_RECORD_TEXT && r.text[r.len - 1] == '7');
}

static void chatter(void *arg)
{
	for (int i = 0; i < 400; i++)
		log_raw(LOG_DEBUG, "chatter %d of everybody", i);
}

KTEST(log_everybody)
{
	u64 seq, last = 0;
	struct log_record r;

	smp_call_all(chatter, NULL, true);
	KEXPECT(find_message(log_first_seq(), "chatter 399 of everybody"));
	for (seq = 0; !log_read(&seq, &r); seq++) {
		KEXPECT(seq >= last);
		last = seq;
	}
	KEXPECT(seq == log_next_seq());
}

KTEST(symbols)
{
	const char *name;
	size_t offset, size;
	char text[64];

	KREQUIRE(symbol_lookup((vaddr_t)chatter + 4, &name, &offset, &size));
	KEXPECT(!strcmp(name, "chatter") && offset == 4 && size > 8);
	KEXPECT(symbol_address("chatter") == (vaddr_t)chatter);
	KEXPECT(!symbol_lookup(8, &name, &offset, &size));
	snprintf(text, sizeof(text), "%ps", (void *)chatter);
	KEXPECT(!strcmp(text, "chatter"));
}

KTEST(fault_injection)
{
	int failed = 0;

	if (!IS_ENABLED(CONFIG_DEBUG))
		return;
	fault_inject_arm(INJECT_IO, 3, 2);
	for (int i = 1; i <= 7; i++)
		failed = failed * 2 + fault_inject(INJECT_IO);
	KEXPECT(failed == 0x15); /* the third, fifth and seventh */
	KEXPECT(fault_inject_disarm(INJECT_IO));
	KEXPECT(!fault_inject(INJECT_IO));
}
