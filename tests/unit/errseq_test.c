/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors told once to each observer. */
#include <kernel/abi/errno.h>
#include <kernel/lib/errseq.h>
#include <host.h>

TEST(errseq_once_each)
{
	u32 seq = 0, a = errseq_sample(&seq), b = errseq_sample(&seq);

	EXPECT_EQ(errseq_tell(&seq, &a), 0);
	errseq_set(&seq, -EIO);
	EXPECT_EQ(errseq_peek(&seq, a), -EIO);
	EXPECT_EQ(errseq_tell(&seq, &a), -EIO);
	EXPECT_EQ(errseq_tell(&seq, &a), 0);
	EXPECT_EQ(errseq_tell(&seq, &b), -EIO);
	EXPECT_EQ(errseq_tell(&seq, &b), 0);
}

TEST(errseq_newcomer)
{
	u32 seq = 0, a = errseq_sample(&seq), late, later;

	errseq_set(&seq, -ENOSPC);
	/* Nobody was told yet: who comes now is. */
	late = errseq_sample(&seq);
	EXPECT_EQ(errseq_tell(&seq, &late), -ENOSPC);
	later = errseq_sample(&seq);
	EXPECT_EQ(errseq_tell(&seq, &later), 0);
	EXPECT_EQ(errseq_tell(&seq, &a), -ENOSPC);
}

TEST(errseq_again)
{
	u32 seq = 0, a = errseq_sample(&seq), before;

	errseq_set(&seq, -EIO);
	before = seq;
	errseq_set(&seq, -EIO);
	EXPECT_EQ(seq, before);
	errseq_set(&seq, -ENOSPC);
	EXPECT_EQ(errseq_tell(&seq, &a), -ENOSPC);
	/* The same error after it was told is a new one. */
	errseq_set(&seq, -ENOSPC);
	EXPECT_EQ(errseq_tell(&seq, &a), -ENOSPC);
	EXPECT_EQ(errseq_tell(&seq, &a), 0);
}
