/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of the road.
 *
 * The first processor to panic stops the others and tells everything it can: the message,
 * registers, backtrace, held locks, and what of the log did not reach the consoles.  A processor
 * that panics second parks.  A panic within the panic says so in one line and stops.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/irqflags.h>
#include <arch/power.h>
#include <arch/smp.h>
#include <arch/trapframe.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/ipi.h>
#include <kernel/sync/lockdebug.h>
#include <kernel/time/clock.h>
#include "log_internal.h"

#define NOBODY        ~0u
#define TAIL_RECORDS  40
#define BACKTRACE_MAX 32

static u32 panic_cpu = NOBODY; /* [a] */
static int reboot_after;       /* [I after boot] seconds; negative: at once; 0: never */

bool panicking(void)
{
	return atomic_load(&panic_cpu) != NOBODY;
}

void backtrace(int level, const struct thread *t, const struct arch_trapframe *tf)
{
	struct unwind u;

	arch_unwind_start(&u, t, tf);
	log_raw(level, "Call trace:");
	for (int i = 0; i < BACKTRACE_MAX; i++) {
		/* The place of a trap is exact; all others are return addresses. */
		if (tf && !i)
			log_raw(level, " [<%016lx>] %pS", u.pc, (void *)u.pc);
		else
			log_raw(level, " [<%016lx>] %pB", u.pc, (void *)u.pc);
		if (!arch_unwind_next(&u))
			return;
	}
}

static void describe_context(void)
{
	const struct thread *t = thread_current();

	log_raw(LOG_EMERG, "CPU: %u PID: %u Comm: %.*s", cpu_id(), t->tid, (int)sizeof(t->comm),
		t->comm);
}

static void __noreturn finish(void)
{
	if (reboot_after > 0)
		delay_ns((u64)reboot_after * NSEC_PER_SEC);
	if (reboot_after)
		arch_reboot();
	for (;;)
		arch_cpu_halt();
}

static void claim_panic(void)
{
	u32 nobody = NOBODY;

	if (atomic_cmpxchg(&panic_cpu, &nobody, cpu_id()))
		return;
	if (nobody != cpu_id())
		arch_smp_park();
	console_break_owner();
	log_raw(LOG_EMERG, "panic within panic");
	finish();
}

static void __noreturn panic_va(const struct arch_trapframe *tf, const char *fmt, va_list args)
{
	va_list copy;
	struct va_format message = {fmt, &copy};

	va_copy(copy, args);
	arch_irq_disable();
	claim_panic();
	smp_stop_others();
	console_break_owner();
	console_print_tail(TAIL_RECORDS);
	log_set_console_level(LOG_DEBUG + 1);
	log_raw(LOG_EMERG, "Kernel panic - not syncing: %pV", &message);
	describe_context();
	if (tf)
		arch_tf_dump(tf);
	backtrace(LOG_ERR, NULL, tf);
	lock_debug_print(thread_current());
	if (arch_kaslr_offset())
		log_raw(LOG_EMERG, "Kernel offset: 0x%llx", arch_kaslr_offset());
	log_raw(LOG_EMERG, "---[ end Kernel panic - not syncing: %pV ]---", &message);
	finish();
}

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	panic_va(NULL, fmt, args);
}

void panic_frame(const struct arch_trapframe *tf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	panic_va(tf, fmt, args);
}

void warn_at(const char *file, int line, const char *fmt, ...)
{
	va_list args;
	struct va_format message = {fmt, &args};

	va_start(args, fmt);
	log_raw(LOG_REPORT, "WARNING: CPU: %u PID: %u at %s:%d: %pV", cpu_id(),
		thread_current()->tid, file, line, &message);
	va_end(args);
	backtrace(LOG_REPORT, NULL, NULL);
}

/* Called by code compiled with the stack protector when its canary was overwritten. */
void __noreturn __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	panic("stack overwritten in %pS", __builtin_return_address(0));
}

void panic_init(const char *cmdline)
{
	char text[16];

	if (!cmdline_get(cmdline, "panic", text, sizeof(text)) ||
	    parse_int(text, 10, &reboot_after))
		reboot_after = 0;
}
