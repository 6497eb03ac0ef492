/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classic BPF (McCanne and Jacobson 1993, as Linux extends it).
 *
 * Two registers, A and X, and sixteen words of memory.  The checker knows every instruction there
 * is and refuses the others, so the interpreter's switches need no default.  It also refuses memory
 * words that are read before any path wrote them: they would show what lay on the stack.
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/seccomp.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/bpf.h>
#include <kernel/lib/string.h>

static bool alu_ok(const struct sock_filter *f)
{
	switch (BPF_OP(f->code)) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR: return true;
	case BPF_NEG: return BPF_SRC(f->code) == BPF_K;
	case BPF_LSH:
	case BPF_RSH: return BPF_SRC(f->code) == BPF_X || f->k < 32;
	case BPF_DIV:
	case BPF_MOD: return BPF_SRC(f->code) == BPF_X || f->k != 0;
	default: return false;
	}
}

static bool load_ok(const struct sock_filter *f, enum bpf_use use)
{
	switch (f->code) {
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN: return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM: return f->k < BPF_MEMWORDS;
	case BPF_LD | BPF_W | BPF_ABS:
		return use == BPF_USE_PACKET ||
		       (f->k % 4 == 0 && f->k < sizeof(struct seccomp_data));
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LDX | BPF_B | BPF_MSH: return use == BPF_USE_PACKET;
	default: return false;
	}
}

static bool jump_ok(const struct sock_filter *f, unsigned left)
{
	switch (BPF_OP(f->code)) {
	case BPF_JA: return f->code == (BPF_JMP | BPF_JA) && f->k < left;
	case BPF_JEQ:
	case BPF_JGT:
	case BPF_JGE:
	case BPF_JSET: return f->jt < left && f->jf < left;
	default: return false;
	}
}

/* `left`: instructions behind this one. */
static bool instruction_ok(const struct sock_filter *f, unsigned left, enum bpf_use use)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_LD:
	case BPF_LDX: return load_ok(f, use);
	case BPF_ST:
	case BPF_STX: return f->code == BPF_CLASS(f->code) && f->k < BPF_MEMWORDS;
	case BPF_ALU: return f->code <= 0xff && alu_ok(f);
	case BPF_JMP: return f->code <= 0xff && jump_ok(f, left);
	case BPF_RET: return f->code == (BPF_RET | BPF_K) || f->code == (BPF_RET | BPF_A);
	default: return f->code == (BPF_MISC | BPF_TAX) || f->code == (BPF_MISC | BPF_TXA);
	}
}

/*
 * Which memory words every path to each instruction has written; jumps meet by intersection, and as
 * they only go forwards one pass is enough.
 */
static bool memory_ok(const struct sock_filter *prog, unsigned len, u16 *written)
{
	u16 now = 0;

	memset(written, 0xff, len * sizeof(*written));
	for (unsigned i = 0; i < len; i++) {
		const struct sock_filter *f = &prog[i];

		now &= written[i];
		switch (BPF_CLASS(f->code)) {
		case BPF_ST:
		case BPF_STX: now |= (u16)(1u << f->k); break;
		case BPF_LD:
		case BPF_LDX:
			if (BPF_MODE(f->code) == BPF_MEM && !(now >> f->k & 1))
				return false;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA) {
				written[i + 1 + f->k] &= now;
			} else {
				written[i + 1 + f->jt] &= now;
				written[i + 1 + f->jf] &= now;
			}
			now = 0xffff;
			break;
		case BPF_RET: now = 0xffff; break;
		default: break;
		}
	}
	return true;
}

int bpf_check(const struct sock_filter *prog, unsigned len, enum bpf_use use, u16 *scratch)
{
	if (!len || len > BPF_MAXINSNS)
		return -EINVAL;
	for (unsigned i = 0; i < len; i++) {
		if (!instruction_ok(&prog[i], len - i - 1, use))
			return -EINVAL;
	}
	if (BPF_CLASS(prog[len - 1].code) != BPF_RET)
		return -EINVAL;
	return memory_ok(prog, len, scratch) ? 0 : -EINVAL;
}

static bool load(const struct bpf_input *in, enum bpf_use use, unsigned size, u32 at, u32 x, u32 *a)
{
	const u8 *p = (const u8 *)in->data + at;
	u32 bytes = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;

	if (use == BPF_USE_PACKET && at >= (u32)SKF_AD_OFF && in->ancillary)
		return in->ancillary(in->ctx, at - (u32)SKF_AD_OFF, x, a);
	if (at > in->len || in->len - at < bytes)
		return false;
	if (use == BPF_USE_SECCOMP)
		*a = get_unaligned_le32(p);
	else
		*a = bytes == 4 ? get_unaligned_be32(p) : bytes == 2 ? get_unaligned_be16(p) : *p;
	return true;
}

/* Division by X = 0 ends the program, which the caller has seen to. */
static u32 alu(unsigned op, u32 a, u32 b)
{
	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return a / b;
	case BPF_MOD: return a % b;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return a << (b & 31);
	case BPF_RSH: return a >> (b & 31);
	default: return -a;
	}
}

static bool jump_taken(unsigned op, u32 a, u32 b)
{
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	default: return a & b;
	}
}

struct machine {
	u32 a, x, m[BPF_MEMWORDS];
};

/* LD and LDX.  Returns false when the program ends here. */
static bool run_load(struct machine *r, const struct sock_filter *f, const struct bpf_input *in,
		     enum bpf_use use)
{
	u32 *to = BPF_CLASS(f->code) == BPF_LD ? &r->a : &r->x;

	switch (BPF_MODE(f->code)) {
	case BPF_IMM: *to = f->k; return true;
	case BPF_LEN: *to = in->len; return true;
	case BPF_MEM: *to = r->m[f->k]; return true;
	case BPF_ABS: return load(in, use, BPF_SIZE(f->code), f->k, r->x, to);
	case BPF_IND: return load(in, use, BPF_SIZE(f->code), r->x + f->k, r->x, to);
	default: /* MSH: the length of an IP header */
		if (!load(in, use, BPF_B, f->k, r->x, to))
			return false;
		*to = (*to & 15) * 4;
		return true;
	}
}

u32 bpf_run(const struct sock_filter *prog, const struct bpf_input *in, enum bpf_use use)
{
	struct machine r;

	r.a = r.x = 0;
	for (const struct sock_filter *f = prog;; f++) {
		u32 operand = BPF_SRC(f->code) == BPF_X ? r.x : f->k;
		unsigned op = BPF_OP(f->code);

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
		case BPF_LDX:
			if (!run_load(&r, f, in, use))
				return 0;
			break;
		case BPF_ST: r.m[f->k] = r.a; break;
		case BPF_STX: r.m[f->k] = r.x; break;
		case BPF_ALU:
			if ((op == BPF_DIV || op == BPF_MOD) && !operand)
				return 0;
			r.a = alu(op, r.a, operand);
			break;
		case BPF_JMP:
			if (op == BPF_JA)
				f += f->k;
			else
				f += jump_taken(op, r.a, operand) ? f->jt : f->jf;
			break;
		case BPF_RET: return BPF_RVAL(f->code) == BPF_A ? r.a : f->k;
		default: /* MISC */
			if (BPF_MISCOP(f->code) == BPF_TAX)
				r.x = r.a;
			else
				r.a = r.x;
			break;
		}
	}
}
