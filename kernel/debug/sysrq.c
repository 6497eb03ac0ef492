/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys for an operator when nothing else answers.  Each room registers its own; here are the basic
 * ones. */
#define LOG_PREFIX "sysrq: "
#include <arch/power.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/debug/sysrq.h>
#include <kernel/lib/ctype.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/ipi.h>

LINKSET_DECLARE(sysrqs, struct sysrq);

void sysrq_handle(char key)
{
	const struct sysrq *const *s;

	if (isdigit((u8)key)) {
		log_set_console_level(key - '0');
		return;
	}
	for_each_linkset(s, sysrqs)
	{
		if ((*s)->key != key)
			continue;
		log_notice("%s", (*s)->help);
		(*s)->run(key);
		return;
	}
	for_each_linkset(s, sysrqs) log_notice("%c: %s", (*s)->key, (*s)->help);
}

static void reboot_now(char key)
{
	arch_reboot();
}
SYSRQ('b', "reboot at once", reboot_now);

static void power_off_now(char key)
{
	arch_poweroff();
}
SYSRQ('o', "power off at once", power_off_now);

static void crash_now(char key)
{
	panic("sysrq triggered crash");
}
SYSRQ('c', "panic", crash_now);

static void backtrace_all(char key)
{
	ipi_send(&cpu_online_mask, IPI_BACKTRACE);
}
SYSRQ('l', "backtrace of every processor", backtrace_all);
