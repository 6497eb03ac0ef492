/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel log.
 *
 * Every message is one or more fixed-size records in a ring, numbered from 0.  Writing works in any
 * context, non-maskable interrupts included, and never waits for another writer; the oldest records
 * are overwritten.  Readers find records by number and learn when some were lost.
 *
 * A file that logs defines LOG_PREFIX before it includes this header:
 *	#define LOG_PREFIX "virtio: "
 */
#pragma once

#include <stdarg.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/kconfig.h>
#include <kernel/lib/list.h>

#ifndef LOG_PREFIX
#define LOG_PREFIX ""
#endif

/* Levels as in syslog(2) and /dev/kmsg. */
enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARN,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG,
};

/*
 * Add a message; a newline at its end is optional, one within begins another record.  512 bytes
 * count. Context: any.
 */
void log_raw(enum log_level level, const char *fmt, ...) __printf(2, 3);
void log_vraw(enum log_level level, const char *fmt, va_list args) __printf(2, 0);

#define log_emerg(fmt, ...)  log_raw(LOG_EMERG, LOG_PREFIX fmt, ##__VA_ARGS__)
#define log_err(fmt, ...)    log_raw(LOG_ERR, LOG_PREFIX fmt, ##__VA_ARGS__)
#define log_warn(fmt, ...)   log_raw(LOG_WARN, LOG_PREFIX fmt, ##__VA_ARGS__)
#define log_notice(fmt, ...) log_raw(LOG_NOTICE, LOG_PREFIX fmt, ##__VA_ARGS__)
#define log_info(fmt, ...)   log_raw(LOG_INFO, LOG_PREFIX fmt, ##__VA_ARGS__)

/* Compiled away outside debug builds. */
#define log_debug(fmt, ...) \
	do { \
		if (IS_ENABLED(CONFIG_DEBUG)) \
			log_raw(LOG_DEBUG, LOG_PREFIX fmt, ##__VA_ARGS__); \
	} while (0)

/* Once per place in the source. */
#define log_once(level, fmt, ...) \
	do { \
		static u32 log_done_; \
		if (!READ_ONCE(log_done_)) { \
			WRITE_ONCE(log_done_, 1); \
			log_raw(level, LOG_PREFIX fmt, ##__VA_ARGS__); \
		} \
	} while (0)

/*
 * The level of what tells of a fault the kernel survives.  Kernels built to find faults show it
 * whatever the consoles' level, so that no test run passes over it.
 */
#define LOG_REPORT (IS_ENABLED(CONFIG_DEBUG) ? LOG_EMERG : LOG_WARN)

#define LOG_RECORD_TEXT 232

/* A record as a reader gets it. */
struct log_record {
	u64 seq;
	u64 time_ns; /* since boot */
	u8 level;
	u8 facility; /* 0: the kernel; others as written to /dev/kmsg */
	u8 more;     /* continues the record before */
	u8 len;
	char text[LOG_RECORD_TEXT]; /* not terminated */
};

/*
 * Copy record *seq.  When it has been overwritten, the oldest there is is copied instead and *seq
 * set to its number: the reader sees the gap.
 * Returns 0, or -EAGAIN when no record with that number exists yet.  Context: any.
 */
int __must_check log_read(u64 *seq, struct log_record *out);

/* The oldest record kept; one past the newest. */
u64 log_first_seq(void);
u64 log_next_seq(void);

/* syslog(2): what the "read all" action begins with after "clear". */
void log_clear(void);
u64 log_clear_seq(void);

/* Bytes the ring can hold, for syslog(2)'s size query. */
size_t log_size(void);

/* A message from user mode (/dev/kmsg).  Context: any. */
void log_user(unsigned level, unsigned facility, const char *text, size_t len);

/* Sleep on this until log_next_seq() moves.  New records wake it soon, not at once. */
struct wait_queue;
struct wait_queue *log_wait_queue(void);

/* Messages less severe than this stay off the consoles.  Returns the former value. */
int log_set_console_level(int level);
int log_console_level(void);

/* Take loglevel=, quiet, debug and console= from the command line.  Context: boot. */
void log_init(const char *cmdline);

/* Where readers can sleep and consoles print from threads: called when scheduling works. */
void log_init_late(void);

/*
 * Consoles.  write() is called by one processor at a time, in any context; it busy-waits for its
 * device and takes no lock that could be held by the code it interrupted.
 */
struct console {
	const char *name;  /* [I] "ttyS", "hvc", "tty" */
	int index;	   /* [I] appended to the name */
	u32 flags;	   /* [a] CONSOLE_* */
	void (*write)(struct console *c, const char *text, size_t len);
	void *private;	   /* [I] the driver's */
	u64 next;	   /* [o] record to print next */
	struct console *link; /* [R] */
};			   /* o: owner of the consoles, see log.c */

#define CONSOLE_ENABLED (1u << 0) /* prints */
#define CONSOLE_REPLAY	(1u << 1) /* given at registration: begin with the oldest record */

/*
 * Add a console.  It prints when the command line names it, or when the command line names none and
 * it is the first.  The first that prints ends the use of arch_early_putc().
 * Returns true when it prints.  Context: thread.
 */
bool console_register(struct console *c);

/* Name and index of the last console= of the command line ("ttyS0"), or of the first console. */
const char *console_preferred(void);
