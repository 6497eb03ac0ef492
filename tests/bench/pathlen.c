/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pathlen - QEMU TCG plugin: instructions per benchmark round, split into
 * user / kernel / firmware, and (hist=1) a per-block histogram for profiling.
 *
 * Build:  gcc -O2 -shared -fPIC -o pathlen.so pathlen.c
 * Use:    qemu-system-... -plugin ./pathlen.so,out=FILE[,hist=1][,fast=1][,boot=1]
 *
 * Plugin API version 1 (tested with QEMU 7.2). The few declarations needed are
 * written out here, so no QEMU header is required to build it.
 *
 * Between a begin mark and an end mark executed by the guest (see ubench.c)
 * it counts executed instructions. Per end mark one line is written:
 *     M <index> <user> <kernel> <firmware> <cpu ns> <wall ns> <string>
 * where <cpu ns> is host CPU time used by the vCPU thread in between.
 * <string> counts iterations of x86 REP string instructions in kernel code:
 * the emulator executes each iteration as one instruction, so they are kept out
 * of <kernel>, or a byte-wise copy would look 8 times dearer than a word-wise one.
 * And with hist=1, for every block executed in between:
 *     B <index> <address> <instructions in block> <times executed>
 * boot=1 writes one line when the first user-space instruction runs:
 *     FIRSTUSER <user> <kernel> <firmware> cpu <ns> va <address> string <string>
 * and the end of the run is marked by
 *     TOTAL <user> <kernel> <firmware> string <string>
 * Kernel = address with the top bit set, or (AArch64, RISC-V "virt" machines) in
 * the low 2 GiB of RAM, where a kernel runs before it turns on paging: link the
 * benchmark below that. Firmware = RISC-V M-mode code below
 * 0x80200000. An instruction is counted when it is started, so one that
 * faults is counted again on retry. fast=1 counts whole blocks (quicker, over-
 * counts a block that faults in the middle); string iterations stay apart.
 * count=0 adds no counting at all, so that the CPU time is that of unmodified
 * emulation. Use one CPU (-smp 1): the inline counters are not atomic.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct {
	const char *target_name;
	struct { int min, cur; } version;
	bool system_emulation;
	union { struct { int smp_vcpus, max_vcpus; } system; };
} qemu_info_t;
enum { CB_NO_REGS };
enum { INLINE_ADD_U64 };
typedef void (*tb_trans_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*vcpu_udata_cb)(unsigned, void *);
typedef void (*udata_cb)(qemu_plugin_id_t, void *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, tb_trans_cb);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, vcpu_udata_cb, int,
						 void *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *,
						     uint64_t);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, vcpu_udata_cb, int,
						   void *);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *,
						       uint64_t);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, udata_cb, void *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t cnt[4], base[4];	/* user, kernel, firmware, kernel string iterations */
static int riscv, aarch64, hist, fast, boot, seen_user, count = 1;
static uint64_t cpu0, wall0;
static unsigned marks;
static FILE *out;

struct blk { uint64_t va, n, hits; struct blk *next; };
#define HB 65536
static struct blk *tabl[HB];

static struct blk *blk_get(uint64_t va, uint64_t n)
{
	unsigned h = (unsigned)((va * 0x9e3779b97f4a7c15u) >> 48) % HB;
	struct blk *b;
	for (b = tabl[h]; b; b = b->next)
		if (b->va == va && b->n == n)
			return b;
	b = calloc(1, sizeof *b);
	b->va = va;
	b->n = n;
	b->next = tabl[h];
	return tabl[h] = b;
}

static uint64_t clk(clockid_t c)
{
	struct timespec ts;
	clock_gettime(c, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int class_of(uint64_t va)
{
	if (va >> 63)
		return 1;
	if (aarch64 && va >= 0x40000000u && va < 0xc0000000u)
		return 1;
	if (riscv && va >= 0x80200000u && va < 0x100000000u)
		return 1;
	if (riscv && va < 0x80200000u && (va >= 0x80000000u || va < 0x2000))
		return 2;
	return 0;
}

static void on_begin(unsigned cpu, void *u)
{
	(void)cpu;
	(void)u;
	memcpy(base, cnt, sizeof base);
	if (hist)
		for (unsigned i = 0; i < HB; i++)
			for (struct blk *b = tabl[i]; b; b = b->next)
				b->hits = 0;
	wall0 = clk(CLOCK_MONOTONIC);
	cpu0 = clk(CLOCK_THREAD_CPUTIME_ID);
}

static void on_end(unsigned cpu, void *u)
{
	uint64_t c = clk(CLOCK_THREAD_CPUTIME_ID) - cpu0, w = clk(CLOCK_MONOTONIC) - wall0;
	(void)cpu;
	(void)u;
	fprintf(out,
		"M %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		marks, cnt[0] - base[0], cnt[1] - base[1], cnt[2] - base[2], c, w,
		cnt[3] - base[3]);
	if (hist)
		for (unsigned i = 0; i < HB; i++)
			for (struct blk *b = tabl[i]; b; b = b->next)
				if (b->hits)
					fprintf(out, "B %u %" PRIx64 " %" PRIu64 " %" PRIu64 "\n",
						marks, b->va, b->n, b->hits);
	marks++;
	fflush(out);
}

static void on_user(unsigned cpu, void *u)
{
	(void)cpu;
	if (seen_user || (count && !cnt[1]))
		return;
	seen_user = 1;
	fprintf(out, "FIRSTUSER %" PRIu64 " %" PRIu64 " %" PRIu64 " cpu %" PRIu64
		" va %" PRIx64 " string %" PRIu64 "\n", cnt[0], cnt[1], cnt[2],
		clk(CLOCK_THREAD_CPUTIME_ID), (uint64_t)(uintptr_t)u, cnt[3]);
	fflush(out);
}

static int is_rep(const struct qemu_plugin_insn *in)
{
	const unsigned char *p = qemu_plugin_insn_data(in);
	size_t n = qemu_plugin_insn_size(in), i = 0;
	int rep = 0;
	if (riscv || aarch64)
		return 0;
	for (; i < n && (p[i] == 0xf2 || p[i] == 0xf3 || p[i] == 0x66); i++)
		rep |= p[i] != 0x66;
	if (i < n && (p[i] & 0xf0) == 0x40)
		i++;
	return rep && i < n && ((p[i] >= 0xa4 && p[i] <= 0xa7) || p[i] == 0xaa || p[i] == 0xab);
}

static int mark_of(const struct qemu_plugin_insn *in)
{
	const unsigned char *p = qemu_plugin_insn_data(in);
	size_t n = qemu_plugin_insn_size(in);
	uint32_t w;
	if (n == 7 && !riscv && !aarch64) {
		static const unsigned char m[] = {0x0f, 0x1f, 0x80};
		if (!memcmp(p, m, 3) && !memcmp(p + 4, "RIV", 3) && (p[3] == 1 || p[3] == 2))
			return p[3];
		return 0;
	}
	if (n != 4)
		return 0;
	memcpy(&w, p, 4);
	if (aarch64 && (w == 0xd280001fu + (0x5601u << 5) || w == 0xd280001fu + (0x5602u << 5)))
		return w == 0xd280001fu + (0x5601u << 5) ? 1 : 2;
	if (riscv && (w == 0x56491037u || w == 0x56492037u))
		return w == 0x56491037u ? 1 : 2;
	return 0;
}

static void on_tb(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint64_t va = qemu_plugin_tb_vaddr(tb);
	size_t plain = n;	/* of n, those not counted as string iterations */
	int k = class_of(va);
	(void)id;
	if (hist)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &blk_get(va, n)->hits,
							 1);
	/* a user block translated after the first kernel block: low address, not identity-mapped
	 * boot code */
	if (boot && !seen_user && k == 0)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_user, CB_NO_REGS,
						     (void *)(uintptr_t)va);
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
		int m = k == 0 ? mark_of(in) : 0, str = k == 1 && is_rep(in);
		plain -= (size_t)str;
		if (count && (str || !fast))
			qemu_plugin_register_vcpu_insn_exec_inline(in, INLINE_ADD_U64,
								   &cnt[str ? 3 : k], 1);
		if (m)
			qemu_plugin_register_vcpu_insn_exec_cb(in, m == 1 ? on_begin : on_end,
							       CB_NO_REGS, NULL);
	}
	if (fast && count && plain)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &cnt[k], plain);
}

static void on_exit_(qemu_plugin_id_t id, void *u)
{
	(void)id;
	(void)u;
	fprintf(out, "TOTAL %" PRIu64 " %" PRIu64 " %" PRIu64 " string %" PRIu64 "\n", cnt[0],
		cnt[1], cnt[2], cnt[3]);
	fclose(out);
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	riscv = !strncmp(info->target_name, "riscv", 5);
	aarch64 = !strcmp(info->target_name, "aarch64");
	out = stderr;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4)) {
			out = fopen(argv[i] + 4, "w");
			if (!out)
				return -1;
		}
		if (!strncmp(argv[i], "hist=", 5)) hist = argv[i][5] != '0';
		if (!strncmp(argv[i], "fast=", 5)) fast = argv[i][5] != '0';
		if (!strncmp(argv[i], "count=", 6)) count = argv[i][6] != '0';
		if (!strncmp(argv[i], "boot=", 5)) boot = argv[i][5] != '0';
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_tb);
	qemu_plugin_register_atexit_cb(id, on_exit_, NULL);
	return 0;
}
