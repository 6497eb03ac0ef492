/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classic BPF: what is refused, what is computed, and random programs.
 *
 * link: kernel/lib/bpf.c
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/seccomp.h>
#include <kernel/lib/bpf.h>
#include <kernel/lib/string.h>
#include <host.h>

static int check(const struct sock_filter *prog, unsigned len, enum bpf_use use)
{
	u16 scratch[16];

	return bpf_check(prog, len, use, scratch);
}

#define RUN(prog, bytes)                                                                           \
	bpf_run(prog, &(struct bpf_input){.data = (bytes), .len = sizeof(bytes) - 1},              \
		BPF_USE_PACKET)

TEST(packet_filter)
{
	/* tcpdump -dd "ip and udp": 0x800 at 12, 17 at 23. */
	static const struct sock_filter prog[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	static char udp[31] = { [12] = 8, [23] = 17 }, tcp[31] = { [12] = 8, [23] = 6 };
	static char cut[21] = { [12] = 8 };

	EXPECT_EQ(check(prog, ARRAY_SIZE(prog), BPF_USE_PACKET), 0);
	EXPECT_EQ(RUN(prog, udp), 0x40000);
	EXPECT_EQ(RUN(prog, tcp), 0);
	EXPECT_EQ(RUN(prog, cut), 0);
	EXPECT_EQ(check(prog, ARRAY_SIZE(prog), BPF_USE_SECCOMP), -EINVAL);
	EXPECT_EQ(check(prog, 5, BPF_USE_PACKET), -EINVAL);
	EXPECT_EQ(check(prog, 0, BPF_USE_PACKET), -EINVAL);
}

TEST(arithmetic)
{
	static const struct sock_filter prog[] = {
		BPF_STMT(BPF_LD | BPF_IMM, 100),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_IMM, 7),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_X, 0), /* 2 */
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4), /* 32 */
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0), /* 68 */
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	static const struct sock_filter divide[] = {
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_K, 5),
	};
	static const struct sock_filter uninitialised[] = {
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	static const struct sock_filter one_path[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	EXPECT_EQ(check(prog, ARRAY_SIZE(prog), BPF_USE_PACKET), 0);
	EXPECT_EQ(RUN(prog, ""), 68);
	EXPECT_EQ(check(divide, 2, BPF_USE_PACKET), 0);
	EXPECT_EQ(RUN(divide, ""), 0);
	EXPECT_EQ(check(uninitialised, 2, BPF_USE_PACKET), -EINVAL);
	EXPECT_EQ(check(one_path, 4, BPF_USE_PACKET), -EINVAL);
}

TEST(seccomp_filter)
{
	static const struct sock_filter prog[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 39, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct seccomp_data data = { .nr = 39 };
	struct bpf_input in = { .data = &data, .len = sizeof(data) };

	EXPECT_EQ(check(prog, 4, BPF_USE_SECCOMP), 0);
	EXPECT_EQ(bpf_run(prog, &in, BPF_USE_SECCOMP), SECCOMP_RET_ALLOW);
	data.nr = 40;
	EXPECT_EQ(bpf_run(prog, &in, BPF_USE_SECCOMP), SECCOMP_RET_KILL_PROCESS);
}

TEST(random_programs)
{
	unsigned accepted = 0;

	for (int round = 0; round < 200000; round++) {
		unsigned len = 1 + (unsigned)host_random(6);
		struct sock_filter prog[6];
		u8 *data = host_alloc(20);

		for (unsigned i = 0; i < len; i++)
			prog[i] = (struct sock_filter){
				(u16)host_random(0xb8), (u8)host_random(4), (u8)host_random(4),
				host_random(8) ? (u32)host_random(24)
					       : (u32)prng_next(host_prng())};
		prog[len - 1].code = BPF_RET | BPF_A;
		if (!check(prog, len, BPF_USE_PACKET)) {
			accepted++;
			bpf_run(prog, &(struct bpf_input){.data = data, .len = 20}, BPF_USE_PACKET);
		}
		host_free(data);
	}
	EXPECT(accepted > 1000);
}
