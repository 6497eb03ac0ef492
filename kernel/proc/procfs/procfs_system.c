/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of /proc about the whole system, and /proc/sys/kernel.  proc_stat(5), proc_uptime(5),
 * proc_sys_kernel(5).
 */
#include <arch/cpu.h>
#include <fs/proc/proc.h>
#include <fs/vfs/fdtable.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/symbols.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/ipc/uts.h>
#include <kernel/irq/irq.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/sched.h>
#include <kernel/smp/cpu.h>
#include <kernel/time/clock.h>
#include <security/cred.h>
#include <security/random.h>

#include "../process_internal.h"
#include "procfs_internal.h"

#define TICK (NSEC_PER_SEC / 100)

static void cpu_line(struct seq *out, const char *name, const struct cpu_times *c)
{
	seq_printf(out, "%s %llu %llu %llu %llu %llu %llu %llu %llu %llu 0\n", name, c->user / TICK,
		   c->nice / TICK, c->system / TICK, c->idle / TICK, c->iowait / TICK,
		   c->irq / TICK, c->deferred / TICK, c->steal / TICK, c->guest / TICK);
}

static void add_times(struct cpu_times *sum, const struct cpu_times *c)
{
	sum->user += c->user;
	sum->nice += c->nice;
	sum->system += c->system;
	sum->idle += c->idle;
	sum->iowait += c->iowait;
	sum->irq += c->irq;
	sum->deferred += c->deferred;
	sum->steal += c->steal;
	sum->guest += c->guest;
}

static int stat_show(struct seq *out, void *arg)
{
	struct cpu_times sum = {0}, c;
	u64 interrupts = 0;
	char name[12];

	for (unsigned cpu = 0; cpu < num_online_cpus(); cpu++) {
		sched_cpu_times(cpu, &c);
		add_times(&sum, &c);
		interrupts += irq_count_cpu(cpu);
	}
	cpu_line(out, "cpu ", &sum);
	for (unsigned cpu = 0; cpu < num_online_cpus(); cpu++) {
		sched_cpu_times(cpu, &c);
		snprintf(name, sizeof(name), "cpu%u", cpu);
		cpu_line(out, name, &c);
	}
	u64 boot = (clock_real_ns() - clock_boot_ns()) / NSEC_PER_SEC;
	seq_printf(out,
		   "intr %llu\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running "
		   "%u\nprocs_blocked %u\n",
		   interrupts, nr_context_switches(), boot, READ_ONCE(total_forks), nr_running(),
		   nr_iowait());
	seq_puts(out, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
	return 0;
}

static int uptime_show(struct seq *out, void *arg)
{
	u64 up = clock_boot_ns() / (NSEC_PER_SEC / 100), idle = 0;
	struct cpu_times c;

	for (unsigned cpu = 0; cpu < num_online_cpus(); cpu++) {
		sched_cpu_times(cpu, &c);
		idle += (c.idle + c.iowait) / (NSEC_PER_SEC / 100);
	}
	seq_printf(out, "%llu.%02llu %llu.%02llu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}

static int loadavg_show(struct seq *out, void *arg)
{
	u64 avg[3];

	sched_loadavg(avg);
	for (int i = 0; i < 3; i++) {
		u64 hundredths =
			(avg[i] * 100 + (1u << (SCHED_LOAD_SHIFT - 1))) >> SCHED_LOAD_SHIFT;

		seq_printf(out, "%llu.%02llu ", hundredths / 100, hundredths % 100);
	}
	seq_printf(out, "%u/%u %u\n", nr_running(), READ_ONCE(nr_threads_total), pid_last());
	return 0;
}

static int version_show(struct seq *out, void *arg)
{
	struct new_utsname n;

	uts_get(&n);
	seq_printf(out, "%s version %s (gcc %s) %s\n", n.sysname, n.release, __VERSION__,
		   n.version);
	return 0;
}

static int cmdline_show(struct seq *out, void *arg)
{
	seq_printf(out, "%s\n", boot_info.cmdline);
	return 0;
}

static int cpuinfo_show(struct seq *out, void *arg)
{
	for (unsigned cpu = 0; cpu < num_online_cpus(); cpu++)
		arch_cpu_describe(cpu_get(cpu), out);
	return 0;
}

/* Addresses are the kernel's secret. */
static int kallsyms_show(struct seq *out, void *arg)
{
	bool secret = !capable(CAP_SYSLOG);
	const char *name;
	vaddr_t addr;

	for (size_t i = 0; symbol_nth(i, &addr, &name); i++)
		seq_printf(out, "%016lx T %s\n", secret ? 0ul : addr, name);
	return 0;
}

static int swaps_show(struct seq *out, void *arg)
{
	seq_puts(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

/* No block devices, no locks' table, no modules: the headers that Linux prints when there are none.
 */
static int partitions_show(struct seq *out, void *arg)
{
	seq_puts(out, "major minor  #blocks  name\n\n");
	return 0;
}

static int empty_show(struct seq *out, void *arg)
{
	return 0;
}

/* /proc/sys/kernel */

static int uts_show(struct seq *out, void *arg)
{
	struct new_utsname n;

	uts_get(&n);
	seq_printf(out, "%s\n", (const char *)&n + (size_t)arg);
	return 0;
}

static ssize_t set_name(const char *buf, size_t len, void (*set)(const char *, size_t))
{
	size_t n = 0;

	while (n < len && buf[n] && buf[n] != '\n' && n < __NEW_UTS_LEN)
		n++;
	set(buf, n);
	return (ssize_t)len;
}

static ssize_t hostname_store(const char *buf, size_t len, void *arg)
{
	return set_name(buf, len, uts_set_nodename);
}

static ssize_t domainname_store(const char *buf, size_t len, void *arg)
{
	return set_name(buf, len, uts_set_domainname);
}

static int constant_show(struct seq *out, void *arg)
{
	seq_printf(out, "%ld\n", (long)arg);
	return 0;
}

/* A u32 that can be set within bounds. */
struct setting {
	u32 *value;
	u32 low, high;
};

static int setting_show(struct seq *out, void *arg)
{
	const struct setting *s = arg;

	seq_printf(out, "%u\n", READ_ONCE(*s->value));
	return 0;
}

static ssize_t setting_store(const char *buf, size_t len, void *arg)
{
	const struct setting *s = arg;
	char text[16];
	size_t n = 0;
	u64 v;

	while (n < len && n < sizeof(text) - 1 && buf[n] >= '0' && buf[n] <= '9') {
		text[n] = buf[n];
		n++;
	}
	text[n] = 0;
	if (!n || parse_u64(text, 10, &v) || v < s->low || v > s->high)
		return -EINVAL;
	WRITE_ONCE(*s->value, (u32)v);
	return (ssize_t)len;
}

static const struct setting set_pid_max = {&pid_max, 301, PID_MAX_LIMIT};
static const struct setting set_threads_max = {&threads_max, 20, 4194303};
static const struct setting set_nr_open = {&sysctl_nr_open, 64, 1u << 30};

static int file_nr_show(struct seq *out, void *arg)
{
	seq_printf(out, "%llu\t0\t9223372036854775807\n", files_open_count());
	return 0;
}

static void uuid_print(struct seq *out, const u8 u[16])
{
	for (int i = 0; i < 16; i++)
		seq_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	seq_putc(out, '\n');
}

static void uuid_make(u8 u[16])
{
	/* RFC 9562: version 4, variant 10. */
	random_bytes(u, 16);
	u[6] = (u8)((u[6] & 0x0f) | 0x40);
	u[8] = (u8)((u[8] & 0x3f) | 0x80);
}

static int uuid_show(struct seq *out, void *arg)
{
	u8 u[16];

	uuid_make(u);
	uuid_print(out, u);
	return 0;
}

static u8 boot_id[16];

static int boot_id_show(struct seq *out, void *arg)
{
	uuid_print(out, boot_id);
	return 0;
}

#define SETTING(root, path, s)                                                                     \
	text_file(root, path, 0644, setting_show, setting_store, (void *)&(s))
#define CONSTANT(root, path, n) text_file(root, path, 0444, constant_show, NULL, (void *)(long)(n))
#define UTS(root, path, field)                                                                     \
	text_file(root, path, 0444, uts_show, NULL, (void *)offsetof(struct new_utsname, field))

static void sysctl_init(struct text_node *root)
{
	uuid_make(boot_id);
	UTS(root, "sys/kernel/ostype", sysname);
	UTS(root, "sys/kernel/osrelease", release);
	UTS(root, "sys/kernel/version", version);
	text_file(root, "sys/kernel/hostname", 0644, uts_show, hostname_store,
		  (void *)offsetof(struct new_utsname, nodename));
	text_file(root, "sys/kernel/domainname", 0644, uts_show, domainname_store,
		  (void *)offsetof(struct new_utsname, domainname));
	SETTING(root, "sys/kernel/pid_max", set_pid_max);
	SETTING(root, "sys/kernel/threads-max", set_threads_max);
	CONSTANT(root, "sys/kernel/cap_last_cap", CAP_LAST);
	CONSTANT(root, "sys/kernel/ngroups_max", NGROUPS_LIMIT);
	CONSTANT(root, "sys/kernel/overflowuid", 65534);
	CONSTANT(root, "sys/kernel/overflowgid", 65534);
	CONSTANT(root, "sys/kernel/randomize_va_space", 2);
	text_file(root, "sys/kernel/random/uuid", 0444, uuid_show, NULL, NULL);
	text_file(root, "sys/kernel/random/boot_id", 0444, boot_id_show, NULL, NULL);
	CONSTANT(root, "sys/kernel/random/poolsize", 256);
	CONSTANT(root, "sys/kernel/random/entropy_avail", 256);
	SETTING(root, "sys/fs/nr_open", set_nr_open);
	text_file(root, "sys/fs/file-nr", 0444, file_nr_show, NULL, NULL);
	CONSTANT(root, "sys/fs/file-max", S64_MAX);
	CONSTANT(root, "sys/fs/overflowuid", 65534);
	CONSTANT(root, "sys/fs/overflowgid", 65534);
	CONSTANT(root, "sys/dev/tty/legacy_tiocsti", 0);
}

void procfs_system_init(void)
{
	struct text_node *root = proc_root();

	text_file(root, "stat", 0444, stat_show, NULL, NULL);
	text_file(root, "uptime", 0444, uptime_show, NULL, NULL);
	text_file(root, "loadavg", 0444, loadavg_show, NULL, NULL);
	text_file(root, "version", 0444, version_show, NULL, NULL);
	text_file(root, "cmdline", 0444, cmdline_show, NULL, NULL);
	text_file(root, "cpuinfo", 0444, cpuinfo_show, NULL, NULL);
	text_file(root, "kallsyms", 0444, kallsyms_show, NULL, NULL);
	text_file(root, "swaps", 0444, swaps_show, NULL, NULL);
	text_file(root, "partitions", 0444, partitions_show, NULL, NULL);
	text_file(root, "diskstats", 0444, empty_show, NULL, NULL);
	sysctl_init(root);
}
