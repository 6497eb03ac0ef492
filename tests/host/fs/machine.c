/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rest of the host machine: one processor, user memory, the log, limits, signals.
 *
 * User memory is of two kinds.  Addresses below USER_MAPPED_END belong to mmap(2): they go through
 * the toy machine's page tables and TLB, and the real fault handler serves what is not there.  All
 * others are the test program's own buffers and are copied as they are, so that a test passes its
 * own pointers to system calls; what the address sanitizer knows not to be theirs is not mapped:
 * some calls copy as much as there is.
 */
#include <arch/mmu.h>
#include <arch/usercopy.h>
#include <kernel/abi/resource.h>
#include <kernel/debug/fault_inject.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <kernel/trap/trap.h>
#include <mm/alloc.h>
#include <mm/space.h>
#include <security/random.h>
#include <host.h>
#include <coroutine.h>
#include <isa/toy.h>
#include "hostfs_internal.h"

#define LOG_TAIL 64

unsigned nr_cpus = 1;
struct cpumask cpu_possible_mask, cpu_online_mask;
struct cpu *cpu_table[CONFIG_NR_CPUS];
u32 fault_inject_armed;

static enum fault_result (*fault_handler)(vaddr_t addr, unsigned access, struct arch_trapframe *tf);
static bool panicked;

/* --- the log ---------------------------------------------------------------------------------- */

static char log_tail[LOG_TAIL][256];
static u64 log_count;
static unsigned severe;

void log_vraw(enum log_level level, const char *fmt, va_list args)
{
	char *line = log_tail[log_count++ % LOG_TAIL];

	vsnprintf(line, sizeof(log_tail[0]), fmt, args);
	if (level <= LOG_ERR)
		severe++;
	if (host_env("HOSTFS_LOG"))
		host_print("# <%d>%s%s", level, line, strchr(line, '\n') ? "" : "\n");
}

void log_raw(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vraw(level, fmt, args);
	va_end(args);
}

/* What /dev/kmsg asks: nothing to read. */
int log_read(u64 *seq, struct log_record *out)
{
	return -EAGAIN;
}

u64 log_first_seq(void)
{
	return 0;
}

u64 log_next_seq(void)
{
	return 0;
}

u64 log_clear_seq(void)
{
	return 0;
}

void log_user(unsigned level, unsigned facility, const char *text, size_t len)
{
	log_raw(level, "%.*s", (int)len, text);
}

struct wait_queue *log_wait_queue(void)
{
	static struct wait_queue none = WAIT_QUEUE_INIT(none);

	return &none;
}

unsigned hostfs_errors_logged(void)
{
	unsigned n = severe;

	severe = 0;
	return n;
}

void log_print_tail(void)
{
	u64 first = log_count > LOG_TAIL ? log_count - LOG_TAIL : 0;

	for (u64 i = first; i < log_count; i++)
		host_print("# log: %s%s", log_tail[i % LOG_TAIL],
			   strchr(log_tail[i % LOG_TAIL], '\n') ? "" : "\n");
}

u64 hostfs_number(const char *name, u64 otherwise)
{
	const char *text = host_env(name);
	u64 n;

	return text && !parse_u64(text, 0, &n) ? n : otherwise;
}

bool panicking(void)
{
	return panicked;
}

void panic(const char *fmt, ...)
{
	char text[512];
	va_list args;

	panicked = true;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	host_test_fail("panic", 0, "%s", text);
	hostfs_on_failure();
	host_backtrace();
	host_exit(3);
}

void warn_at(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	host_test_fail(file, line, "warning: %s", text);
	host_backtrace();
}

bool fault_inject_slow(enum inject_kind kind)
{
	return false;
}

/* --- processors ------------------------------------------------------------------------------- */

void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait)
{
	irqflags_t f = arch_irq_save();

	if (cpumask_test(mask, 0))
		fn(arg);
	arch_irq_restore(f);
}

void smp_call_all(void (*fn)(void *arg), void *arg, bool wait)
{
	smp_call(&cpu_online_mask, fn, arg, wait);
}

void *percpu_alloc(size_t size, size_t align)
{
	return kzalloc(size, GFP_KERNEL);
}

void percpu_free(void *area)
{
	kfree(area);
}

void *percpu_ptr(void *area, unsigned cpu)
{
	return area;
}

void machine_boot(void)
{
	cpu_table[0] = arch_cpu_self();
	cpumask_set(&cpu_possible_mask, 0);
	cpumask_set(&cpu_online_mask, 0);
	toy_init(1, 4);
}

/* --- user memory ------------------------------------------------------------------------------ */

void trap_set_fault_handler(enum fault_result (*fn)(vaddr_t addr, unsigned access,
						    struct arch_trapframe *tf))
{
	fault_handler = fn;
}

/*
 * Where the byte at `addr` of the current space lies, which the processor looks up in its TLB and
 * table and traps into the kernel for until it may have it.  0, or a negative errno.
 */
static int user_byte(vaddr_t addr, unsigned access, char **out)
{
	unsigned need =
		PTE_USER | PTE_ACCESSED | (access & FAULT_WRITE ? PTE_W | PTE_DIRTY : PTE_R);
	paddr_t pa;

	while (!toy_translate(&thread_current()->mm->arch, addr, need, &pa)) {
		switch (fault_handler(addr & PAGE_MASK, access, NULL)) {
		case FAULT_OK:
		case FAULT_RETRY:
			break;
		case FAULT_SIGBUS_ADRERR:
			return -EIO;
		case FAULT_OOM:
			return -ENOMEM;
		default:
			return -EFAULT;
		}
	}
	*out = phys_to_virt(pa);
	return 0;
}

/* The part of [addr, addr+n) that is in one piece, and where it lies; 0: none, *err says why. */
static size_t user_part(vaddr_t addr, size_t n, unsigned access, char **at, int *err)
{
	if (addr >= USER_MAPPED_END) {
		*at = (char *)addr;
		return host_accessible(*at, n);
	}
	*err = thread_current()->mm ? user_byte(addr, access, at) : -EFAULT;
	return *err ? 0 : min(n, PAGE_SIZE - (addr & (PAGE_SIZE - 1)));
}

/* Copy up to `n` bytes between user memory and `buf` (NULL: clear).  Returns the bytes not copied;
 * *err why. */
static size_t user_copy(vaddr_t addr, char *buf, size_t n, unsigned access, int *err)
{
	*err = -EFAULT;
	while (n) {
		char *at;
		size_t part = user_part(addr, n, access, &at, err);

		if (!part)
			return n;
		if (!(access & FAULT_WRITE))
			memcpy(buf, at, part);
		else if (buf)
			memcpy(at, buf, part);
		else
			memset(at, 0, part);
		addr += part;
		n -= part;
		buf = buf ? buf + part : NULL;
	}
	return 0;
}

int hf_load(unsigned long addr, void *buf, size_t n)
{
	int err;

	return user_copy(addr, buf, n, FAULT_READ | FAULT_USER, &err) ? err : 0;
}

int hf_store(unsigned long addr, const void *buf, size_t n)
{
	int err;

	return user_copy(addr, (char *)buf, n, FAULT_WRITE | FAULT_USER, &err) ? err : 0;
}

size_t arch_copy_from_user(void *dst, const void __user *src, size_t n)
{
	int err;

	return user_copy((vaddr_t)src, dst, n, FAULT_READ, &err);
}

size_t arch_copy_to_user(void __user *dst, const void *src, size_t n)
{
	int err;

	return user_copy((vaddr_t)dst, (char *)src, n, FAULT_WRITE, &err);
}

size_t arch_clear_user(void __user *dst, size_t n)
{
	int err;

	return user_copy((vaddr_t)dst, NULL, n, FAULT_WRITE, &err);
}

ssize_t arch_strncpy_from_user(char *dst, const char __user *src, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (arch_copy_from_user(dst + i, src + i, 1))
			return -EFAULT;
		if (!dst[i])
			return (ssize_t)i;
	}
	return (ssize_t)n;
}

int arch_get_user32(u32 *out, const u32 __user *p)
{
	*out = 0;
	return arch_copy_from_user(out, p, 4) ? -EFAULT : 0;
}

int arch_get_user64(u64 *out, const u64 __user *p)
{
	*out = 0;
	return arch_copy_from_user(out, p, 8) ? -EFAULT : 0;
}

int arch_put_user32(u32 __user *p, u32 v)
{
	return arch_copy_to_user(p, &v, 4) ? -EFAULT : 0;
}

int arch_put_user64(u64 __user *p, u64 v)
{
	return arch_copy_to_user(p, &v, 8) ? -EFAULT : 0;
}

/* --- answers of the rooms above --------------------------------------------------------------- */

u64 rlimit_get(unsigned which)
{
	return which == RLIMIT_NOFILE ? 1024 : ~0ull;
}

void siginfo_kernel(struct ksiginfo *info, int signo)
{
	*info = (struct ksiginfo){ { .si_signo = signo } };
}

int signal_send_thread(struct signal_state *st, const struct ksiginfo *info)
{
	return 0;
}

void signal_set_blocked(ksigset_t mask)
{
}

void signal_set_blocked_until_return(ksigset_t mask)
{
}

void random_bytes(void *buf, size_t n)
{
	u8 *p = buf;

	while (n--)
		*p++ = (u8)machine_random(256);
}

u64 random_u64(void)
{
	return machine_random(1ull << 32) << 32 | machine_random(1ull << 32);
}

u64 random_below(u64 bound)
{
	return machine_random(bound);
}

void random_add(const void *data, size_t n, unsigned bits)
{
}
