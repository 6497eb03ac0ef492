/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fair class: earliest eligible virtual deadline first.
 *
 * A thread's virtual time advances while it runs, slower the greater its weight.  The queue's
 * virtual time V is the weighted average of all its threads; a thread is eligible when it is not
 * ahead of V, that is, when it has had no more than its share.  Each request is for one slice: its
 * virtual deadline is the virtual time at which it began plus the slice divided by the weight.  Of
 * the eligible threads the one with the earliest deadline runs.  (Stoica and Abdel-Wahab, "Earliest
 * Eligible Virtual Deadline First", 1995.)
 *
 * V need not be computed to decide eligibility: v <= V is the same as (v - zero) * W <= sum of
 * weight * (v_i - zero), and the queue keeps both sums.  `zero` follows the smallest virtual time,
 * so that the products stay small.  The tree is ordered by deadline, and every node knows the
 * smallest virtual time below it, which lets the search skip subtrees where nobody is eligible.
 *
 * The running thread is not in the tree and not in the sums; where it counts, it is added by hand.
 *
 * A thread that leaves keeps its lag (V - v), so that it gains or loses nothing by sleeping; the
 * lag is bounded by two slices.  Joining moves V itself, and the lag is scaled to make up for that.
 */
#include <kernel/lib/minmax.h>
#include "sched_internal.h"

#define RAN_ENOUGH (700 * 1000ull) /* a thread keeps the CPU so long, ns, against fair rivals */

static struct sched_entity *entity(struct rb_node *n)
{
	return rb_entry(n, struct sched_entity, node);
}

static struct thread *thread_of(struct sched_entity *se)
{
	return container_of(se, struct thread, se);
}

/* Real to virtual time. */
static s64 weighted(u64 delta, u32 weight)
{
	if (likely(weight == NICE_WEIGHT))
		return (s64)delta;
	return (s64)(delta * NICE_WEIGHT / weight);
}

static s64 key(const struct fair_rq *q, const struct sched_entity *se)
{
	return se->vruntime - q->zero;
}

static void sums_add(struct fair_rq *q, const struct sched_entity *se)
{
	q->sum_weighted += key(q, se) * se->weight;
	q->sum_weight += se->weight;
}

static void sums_remove(struct fair_rq *q, const struct sched_entity *se)
{
	q->sum_weighted -= key(q, se) * se->weight;
	q->sum_weight -= se->weight;
}

/* The running thread's entity, if it is fair and wants to go on. */
static const struct sched_entity *running(const struct runqueue *rq)
{
	const struct sched_entity *se = &rq->curr->se;

	return se->class == CLASS_FAIR && se->on_rq ? se : NULL;
}

static void totals(const struct runqueue *rq, s64 *sum, s64 *weight)
{
	const struct fair_rq *q = &rq->fair;
	const struct sched_entity *curr = running(rq);

	*sum = q->sum_weighted;
	*weight = (s64)q->sum_weight;
	if (curr) {
		*sum += key(q, curr) * curr->weight;
		*weight += curr->weight;
	}
}

/* V */
static s64 average(const struct runqueue *rq)
{
	s64 sum, weight;

	totals(rq, &sum, &weight);
	if (!weight)
		return rq->fair.zero;
	if (sum < 0)
		sum -= weight - 1; /* round down */
	return rq->fair.zero + sum / weight;
}

static bool eligible(const struct fair_rq *q, s64 vruntime, s64 sum, s64 weight)
{
	return sum >= (vruntime - q->zero) * weight;
}

/* Let `zero` follow the smallest virtual time. */
static void advance_zero(struct runqueue *rq)
{
	struct fair_rq *q = &rq->fair;
	const struct sched_entity *curr = running(rq);
	s64 least = q->zero;
	bool any = false;

	if (q->tree.node) {
		least = entity(q->tree.node)->min_vruntime;
		any = true;
	}
	if (curr && (!any || curr->vruntime - least < 0)) {
		least = curr->vruntime;
		any = true;
	}
	if (!any || least - q->zero <= 0)
		return;
	q->sum_weighted -= (s64)q->sum_weight * (least - q->zero);
	q->zero = least;
}

void fair_update(struct rb_node *node)
{
	struct sched_entity *se = entity(node);
	s64 least = se->vruntime;

	if (node->left && entity(node->left)->min_vruntime - least < 0)
		least = entity(node->left)->min_vruntime;
	if (node->right && entity(node->right)->min_vruntime - least < 0)
		least = entity(node->right)->min_vruntime;
	se->min_vruntime = least;
}

static bool deadline_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct sched_entity, node)->vdeadline -
		       rb_entry(b, struct sched_entity, node)->vdeadline <
	       0;
}

static void tree_insert(struct fair_rq *q, struct sched_entity *se)
{
	se->min_vruntime = se->vruntime;
	rb_insert_augmented(&q->tree, &se->node, deadline_less, fair_update);
	sums_add(q, se);
}

static void tree_remove(struct fair_rq *q, struct sched_entity *se)
{
	rb_erase_augmented(&q->tree, &se->node, fair_update);
	sums_remove(q, se);
}

/* Give a joining entity its virtual time and deadline. */
static void place(struct runqueue *rq, struct sched_entity *se, enum enqueue_why why)
{
	s64 sum, weight, lag = why == ENQUEUE_NEW ? 0 : se->vlag;
	s64 slice = weighted(se->slice, se->weight);

	totals(rq, &sum, &weight);
	if (lag && weight)
		lag = lag * (weight + se->weight) / weight;
	se->vruntime = average(rq) - lag;
	/* A newcomer begins halfway, so that a fork bomb does not get whole slices. */
	se->vdeadline = se->vruntime + (why == ENQUEUE_NEW ? slice / 2 : slice);
}

void fair_enqueue(struct runqueue *rq, struct thread *t, enum enqueue_why why)
{
	struct sched_entity *se = &t->se;

	update_curr(rq);
	if (t == rq->curr) {
		/* It was about to sleep, and is not part of the sums yet: placed like any other. */
		se->on_rq = 0;
		place(rq, se, why);
		se->on_rq = 1;
	} else {
		place(rq, se, why);
	}
	se->new = 0;
	rq->fair.nr++;
	if (t != rq->curr)
		tree_insert(&rq->fair, se);
}

void fair_dequeue(struct runqueue *rq, struct thread *t)
{
	struct sched_entity *se = &t->se;
	s64 limit = 2 * weighted(se->slice, se->weight);

	/* on_rq is 0 already: count it in, for V. */
	se->on_rq = 1;
	update_curr(rq);
	se->vlag = clamp(average(rq) - se->vruntime, -limit, limit);
	if (t != rq->curr)
		tree_remove(&rq->fair, se);
	se->on_rq = 0;
	rq->fair.nr--;
	advance_zero(rq);
}

void fair_set_next(struct runqueue *rq, struct thread *t)
{
	tree_remove(&rq->fair, &t->se);
	t->se.slice_start = t->se.sum_exec;
}

void fair_put_prev(struct runqueue *rq, struct thread *t)
{
	tree_insert(&rq->fair, &t->se);
}

/* The eligible entity of the tree with the earliest deadline, or NULL. */
static struct sched_entity *search(struct fair_rq *q, s64 sum, s64 weight)
{
	struct rb_node *n = rb_first(&q->tree);

	if (n && eligible(q, entity(n)->vruntime, sum, weight))
		return entity(n);
	n = q->tree.node;
	while (n) {
		if (n->left && eligible(q, entity(n->left)->min_vruntime, sum, weight)) {
			n = n->left;
			continue;
		}
		if (eligible(q, entity(n)->vruntime, sum, weight))
			return entity(n);
		n = n->right;
	}
	return NULL;
}

struct thread *fair_pick(struct runqueue *rq, struct thread *curr)
{
	struct fair_rq *q = &rq->fair;
	struct sched_entity *best;
	s64 sum, weight;

	if (!q->tree.node)
		return curr;
	totals(rq, &sum, &weight);
	best = search(q, sum, weight);
	if (curr && eligible(q, curr->se.vruntime, sum, weight) &&
	    (!best || curr->se.vdeadline - best->vdeadline < 0))
		return curr;
	/* Rounding may leave nobody eligible. */
	return thread_of(best ? best : entity(rb_first(&q->tree)));
}

void fair_charge(struct runqueue *rq, struct thread *t, u64 delta)
{
	struct sched_entity *se = &t->se;

	se->vruntime += weighted(delta, se->weight);
	if (se->vruntime - se->vdeadline >= 0) {
		/* The request is served; the next one begins. */
		se->vdeadline = se->vruntime + weighted(se->slice, se->weight);
		if (rq->fair.nr > 1)
			rq_resched(rq);
	}
	advance_zero(rq);
}

bool fair_should_preempt(struct runqueue *rq, struct thread *curr, struct thread *t)
{
	s64 sum, weight;

	if (curr->se.active_policy == SCHED_IDLE && t->se.active_policy != SCHED_IDLE)
		return true;
	if (t->se.active_policy == SCHED_BATCH || t->se.active_policy == SCHED_IDLE)
		return false;
	if (curr->se.sum_exec - curr->se.slice_start < RAN_ENOUGH)
		return false;
	totals(rq, &sum, &weight);
	return eligible(&rq->fair, t->se.vruntime, sum, weight) &&
	       t->se.vdeadline - curr->se.vdeadline < 0;
}

void fair_yield(struct runqueue *rq, struct thread *t)
{
	/* Everybody else is served first. */
	t->se.vdeadline += weighted(t->se.slice, t->se.weight);
	if (t->se.vruntime - average(rq) < 0)
		t->se.vruntime = average(rq);
}
