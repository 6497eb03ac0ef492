/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two forms of ring, behind virtq.c. */
#pragma once

#include "virtq.h"

void split_restart(struct virtq *vq);
void split_add(struct virtq *vq, const struct virtq_piece *pieces, unsigned out, unsigned in,
	       void *token);
bool split_publish(struct virtq *vq);
void *split_take(struct virtq *vq, u32 *len);
bool split_arm(struct virtq *vq);
void split_disarm(struct virtq *vq);

void packed_restart(struct virtq *vq);
void packed_add(struct virtq *vq, const struct virtq_piece *pieces, unsigned out, unsigned in,
		void *token);
bool packed_publish(struct virtq *vq);
void *packed_take(struct virtq *vq, u32 *len);
bool packed_arm(struct virtq *vq);
void packed_disarm(struct virtq *vq);

/* The device lied. */
void *virtq_break(struct virtq *vq);

/*
 * Did the counter pass `event` while going from `old` to `new`?  (2.7.10; counters wrap.)
 */
static inline bool virtq_passed(u16 event, u16 new, u16 old)
{
	return (u16)(new - event - 1) < (u16)(new - old);
}
