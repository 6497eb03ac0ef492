/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls on the system as a whole: its memory and load, its log, its end, random numbers. */
#include <arch/power.h>
#include <fs/tty/serial.h>
#include <fs/vfs/super.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/random.h>
#include <kernel/abi/reboot.h>
#include <kernel/abi/sysinfo.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/proc/process.h>
#include <kernel/sched/sched.h>
#include <kernel/sync/waitqueue.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/stat.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <security/random.h>

long sys_sysinfo(struct sysinfo __user *uinfo)
{
	struct sysinfo info = {0};
	struct mem_info mem;
	u64 loads[3];

	mm_stat(&mem);
	sched_loadavg(loads);
	info.uptime = (long)DIV_ROUND_UP(clock_boot_ns(), NSEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		info.loads[i] = loads[i] << (SI_LOAD_SHIFT - SCHED_LOAD_SHIFT);
	info.procs = (u16)min(READ_ONCE(nr_threads_total), 65535u);
	info.totalram = mem.total;
	info.freeram = mem.free;
	info.sharedram = mem.shmem;
	info.bufferram = mem.buffers;
	info.totalswap = mem.swap_total;
	info.freeswap = mem.swap_free;
	/* Linux counts in bytes as long as they fit. */
	info.totalram *= PAGE_SIZE;
	info.freeram *= PAGE_SIZE;
	info.sharedram *= PAGE_SIZE;
	info.bufferram *= PAGE_SIZE;
	info.totalswap *= PAGE_SIZE;
	info.freeswap *= PAGE_SIZE;
	info.mem_unit = 1;
	return copy_to_user(uinfo, &info, sizeof(info));
}

/* reboot(2). */

static long restart_with_message(const char *how)
{
	super_sync_all(true);
	log_notice("reboot: %s", how);
	serial_drain_all();
	arch_reboot();
}

static long power_off(const char *how)
{
	log_notice("reboot: %s", how);
	serial_drain_all();
	arch_poweroff();
}

static bool ctrl_alt_del_reboots = true; /* remembered for the keyboard's driver */

long sys_reboot(int magic1, int magic2, unsigned int cmd, const void __user *arg)
{
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if ((unsigned)magic1 != LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
	     magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_RESTART: return restart_with_message("restarting system");
	case LINUX_REBOOT_CMD_RESTART2: return restart_with_message("restarting system");
	case LINUX_REBOOT_CMD_CAD_ON: ctrl_alt_del_reboots = true; return 0;
	case LINUX_REBOOT_CMD_CAD_OFF: ctrl_alt_del_reboots = false; return 0;
	case LINUX_REBOOT_CMD_HALT: return power_off("system halted");
	case LINUX_REBOOT_CMD_POWER_OFF: return power_off("power down");
	default: return -EINVAL;
	}
}

/* getrandom(2): the generator is seeded before the first process, so it never blocks. */
long sys_getrandom(void __user *buf, size_t len, unsigned int flags)
{
	u8 block[256];
	size_t done = 0;

	if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	len = min(len, (size_t)S32_MAX & PAGE_MASK);
	while (done < len) {
		size_t n = min(len - done, sizeof(block));

		random_bytes(block, n);
		if (copy_to_user((char __user *)buf + done, block, n))
			return done ? (long)done : -EFAULT;
		done += n;
		if (signal_pending(thread_current()) && done)
			break;
		cond_resched();
	}
	memset(block, 0, sizeof(block));
	return (long)done;
}

/* syslog(2). */

enum {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER,
};

#define LINE_MAX (LOG_RECORD_TEXT + 48)

/* One record as "<6>[    1.234567] text\n". */
static size_t format_record(const struct log_record *r, char *line)
{
	u64 us = r->time_ns / 1000;
	int n = scnprintf(line, LINE_MAX, "<%u>[%5llu.%06llu] ", r->facility * 8u + r->level,
			  us / USEC_PER_SEC, us % USEC_PER_SEC);

	memcpy(line + n, r->text, r->len);
	n += r->len;
	line[n++] = '\n';
	return (size_t)n;
}

static size_t record_size(u64 *seq)
{
	struct log_record r;
	char line[LINE_MAX];

	return log_read(seq, &r) ? 0 : format_record(&r, line);
}

/* The newest messages since *from that fit, oldest first. */
static long syslog_read_all(char __user *buf, size_t len, u64 from)
{
	u64 seq = max(from, log_first_seq()), end = log_next_seq();
	struct log_record r;
	char line[LINE_MAX];
	size_t total = 0, done = 0;

	for (u64 s = seq; s < end; s++)
		total += record_size(&s);
	for (; seq < end && total > len; seq++)
		total -= min(record_size(&seq), total);
	for (; seq < end && !log_read(&seq, &r); seq++) {
		size_t n = format_record(&r, line);

		if (done + n > len)
			break;
		if (copy_to_user(buf + done, line, n))
			return -EFAULT;
		done += n;
	}
	return (long)done;
}

/* The one reader of SYSLOG_READ; klogd. */
static struct mutex syslog_lock = MUTEX_INIT(syslog_lock, RANK_SLEEP_LEAF);
static u64 syslog_seq; /* [syslog_lock] */

static long syslog_read(char __user *buf, size_t len)
{
	struct log_record r;
	char line[LINE_MAX];
	size_t done = 0;
	int err =
		wait_event_interruptible(log_wait_queue(), READ_ONCE(syslog_seq) < log_next_seq());

	if (err)
		return err;
	guard_mutex(&syslog_lock);
	while (!log_read(&syslog_seq, &r)) {
		size_t n = format_record(&r, line);

		if (done + n > len)
			break;
		if (copy_to_user(buf + done, line, n))
			return done ? (long)done : -EFAULT;
		done += n;
		syslog_seq++;
	}
	return (long)done;
}

static long syslog_unread(void)
{
	u64 seq = max(READ_ONCE(syslog_seq), log_first_seq());
	size_t total = 0;

	for (u64 end = log_next_seq(); seq < end; seq++)
		total += record_size(&seq);
	return (long)total;
}

static int console_level_saved = -1;

static long syslog_console(int type, int len)
{
	switch (type) {
	case SYSLOG_CONSOLE_OFF:
		if (console_level_saved < 0)
			console_level_saved = log_set_console_level(1);
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (console_level_saved >= 0)
			log_set_console_level(console_level_saved);
		console_level_saved = -1;
		return 0;
	default:
		if (len < 1 || len > 8)
			return -EINVAL;
		log_set_console_level(len);
		console_level_saved = -1;
		return 0;
	}
}

long sys_syslog(int type, void __user *buf, int len)
{
	if (type != SYSLOG_READ_ALL && type != SYSLOG_SIZE_BUFFER && !capable(CAP_SYSLOG) &&
	    !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (type >= SYSLOG_READ && type <= SYSLOG_READ_CLEAR) {
		if (!buf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		if (!user_access_ok(buf, (size_t)len))
			return -EFAULT;
	}
	switch (type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN: return 0;
	case SYSLOG_READ: return syslog_read(buf, (size_t)len);
	case SYSLOG_READ_ALL: return syslog_read_all(buf, (size_t)len, log_clear_seq());
	case SYSLOG_READ_CLEAR: {
		long n = syslog_read_all(buf, (size_t)len, log_clear_seq());

		log_clear();
		return n;
	}
	case SYSLOG_CLEAR: log_clear(); return 0;
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL: return syslog_console(type, len);
	case SYSLOG_SIZE_UNREAD: return syslog_unread();
	case SYSLOG_SIZE_BUFFER: return (long)log_size();
	default: return -EINVAL;
	}
}
