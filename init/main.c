/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot order, as one list.
 *
 * kernel_main() runs on the boot thread with interrupts off and brings up what everything else
 * stands on. The rest happens in a thread that may sleep, while the boot thread becomes the boot
 * processor's idle thread.  The last step starts the first process, or runs the in-kernel tests
 * when the command line asks.
 */
#define LOG_PREFIX "init: "

#include <arch/boot.h>
#include <arch/power.h>
#include <arch/timer.h>
#include <arch/types.h>
#include <fs/init.h>
#include <fs/epoll.h>
#include <fs/inotify.h>
#include <fs/proc/proc.h>
#include <fs/sysfs/sysfs.h>
#include <fs/tty/tty.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/fault_inject.h>
#include <kernel/debug/kasan.h>
#include <kernel/debug/kcsan.h>
#include <kernel/debug/ktest.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/debug/symbols.h>
#include <kernel/device/bus_scan.h>
#include <kernel/device/device.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/irq/deferred.h>
#include <kernel/proc/process.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/workqueue.h>
#include <kernel/sync/rcu.h>
#include <kernel/time/timer.h>
#include <mm/page.h>
#include <net/socket.h>
#include <security/random.h>
#include "cmdline.h"

struct boot_info boot_info;

_Noreturn void kernel_main(void);

/*
 * Who brings the root: an initramfs with its first program, whatever root= says; else the device of
 * root=; else the first tree is it.  Returns whether init is the initramfs's.
 */
static bool prepare_root(void)
{
	const struct root_request req = {
		.device = cmdline_options.root,
		.types = cmdline_options.root_type,
		.flags = cmdline_options.root_flags,
		.read_only = cmdline_options.read_only,
		.wait = cmdline_options.root_wait,
		.wait_s = cmdline_options.root_wait_s,
		.delay_s = cmdline_options.root_delay_s,
	};

	if (!req.device || root_has(cmdline_options.rdinit ? cmdline_options.rdinit : "/init"))
		return true;
	root_mount(&req);
	return false;
}

static void init_thread(void *unused)
{
	/* The machinery that needs threads. */
	rcu_start();
	deferred_start();
	workqueue_init();
	mm_init_late();
	log_init_late();

	/* Processes and files. */
	process_init();
	fs_init();
	epoll_init();
	inotify_init();
	net_init();
	tty_init();
	proc_init();
	procfs_init();
	sysfs_init();

	/* The other processors, then the devices. */
	smp_start_all();
	bus_scan_all();
	device_init_drivers();

	/* The first files. */
	initramfs_unpack(boot_info.initrd_base, boot_info.initrd_base + boot_info.initrd_size);

	ktest_run(boot_info.cmdline);

	bool initramfs = prepare_root();
	static struct init_request request;

	/* One that did not answer in time may yet come, through the first page tables. */
	if (num_online_cpus() == nr_cpus)
		mm_free_init();

	request = (struct init_request){
		.init = cmdline_options.init,
		.rdinit = cmdline_options.rdinit,
		.initramfs = initramfs,
		.argv = (const char **)cmdline_options.argv,
		.envp = (const char **)cmdline_options.envp,
	};
	init_process_start(&request);
}

void kernel_main(void)
{
	struct thread *t;

	/* What works without memory. */
	cpu_init_boot();
	arch_init_early();
	arch_boot_info(&boot_info);
	random_init(boot_info.seed, sizeof(boot_info.seed));
	cmdline_parse(boot_info.cmdline);
	panic_init(boot_info.cmdline);
	symbols_init();
	log_init(boot_info.cmdline);
	log_notice("Vireo on %s\n", ARCH_NAME);

	/* Memory. */
	rcu_init();
	sched_init();
	mm_init_boot(&boot_info);
	kasan_init();
	kcsan_init();
	mm_init();
	thread_init();

	/* Processors, interrupts, time. */
	cpu_init_all(cmdline_options.max_cpus);
	timer_init_all();
	arch_init_cpu();
	arch_init();
	arch_timer_init();
	arch_timer_init_cpu();
	clock_init();
	timer_init_cpu();
	fault_inject_init(boot_info.cmdline);

	VERIFY(!kthread_create(&t, init_thread, NULL, "init"));
	thread_start(t);
	thread_put(t);
	sched_idle();
}
