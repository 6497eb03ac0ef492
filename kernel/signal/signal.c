/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending and taking signals.
 *
 * Sending, under the process's lock:
 *
 *	1. side effects: SIGCONT removes pending stops and wakes the stopped, a stop signal removes
 * pending SIGCONT;
 *	2. drop it if it is ignored and nobody blocks or waits for it;
 *	3. queue it: a standard signal once, a real-time signal every time;
 *	4. choose a thread that does not block it and wake that one.  A signal that will surely kill
 * the process kills every thread at once, so that killable sleeps end without waiting for the
 * chosen thread to run.
 *
 * Why no wake-up is lost: the addressee's queue and THREAD_SIGPENDING change before the wake-up,
 * and an interruptible sleeper sets its state before it tests the flag.
 *
 * A standard signal whose sigqueue cannot be allocated is still pending, with siginfo SI_USER and
 * no sender, as the set alone says it is.
 */
#include <kernel/signal/signal.h>

#include <kernel/abi/errno.h>
#include <kernel/abi/resource.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/string.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>

static struct slab_cache *sigqueue_cache;
static struct slab_cache *actions_cache;

void signal_init(void)
{
	sigqueue_cache = slab_create("sigqueue", sizeof(struct sigqueue), 0, 0, NULL);
	actions_cache = slab_create("signal_actions", sizeof(struct signal_actions), 0, 0, NULL);
}

static void pending_init(struct signal_pending *p)
{
	list_init(&p->queue);
	p->set = 0;
}

void signal_shared_init(struct signal_shared *sh, struct signal_actions *actions)
{
	memset(sh, 0, sizeof(*sh));
	spin_init(&sh->lock, RANK_SIGNAL, "signal");
	pending_init(&sh->pending);
	list_init(&sh->threads);
	wait_queue_init(&sh->signalfd);
	sh->actions = actions;
}

void signal_state_init(struct signal_state *st, struct thread *t, struct signal_shared *sh)
{
	memset(st, 0, sizeof(*st));
	st->thread = t;
	st->shared = sh;
	st->altstack.ss_flags = SS_DISABLE;
	list_init(&st->link);
	pending_init(&st->pending);
}

void signal_thread_add(struct signal_state *st)
{
	struct signal_shared *sh = st->shared;
	guard_spin_irq(&sh->lock);

	list_push_back(&sh->threads, &st->link);
	sh->nr_threads++;
}

void signal_thread_remove(struct signal_state *st)
{
	struct signal_shared *sh = st->shared;
	guard_spin_irq(&sh->lock);

	list_remove(&st->link);
	sh->nr_threads--;
	if (sh->last_target == st->thread)
		sh->last_target = NULL;
	signal_pending_destroy(&st->pending);
}

struct signal_actions *signal_actions_create(const struct signal_actions *from)
{
	struct signal_actions *a = slab_alloc(actions_cache, GFP_KERNEL);

	if (!a)
		return NULL;
	refcount_set(&a->refs, 1);
	spin_init(&a->lock, RANK_SIGNAL_ACTIONS, "signal actions");
	if (from) {
		guard_spin_irq(&((struct signal_actions *)from)->lock);
		memcpy(a->action, from->action, sizeof(a->action));
	} else {
		memset(a->action, 0, sizeof(a->action));
	}
	return a;
}

void signal_actions_put(struct signal_actions *a)
{
	if (refcount_put(&a->refs))
		slab_free(actions_cache, a);
}

void signal_actions_reset(struct signal_actions *a)
{
	guard_spin_irq(&a->lock);

	for (int i = 0; i < KSIG_COUNT; i++) {
		unsigned long handler = a->action[i].handler;

		memset(&a->action[i], 0, sizeof(a->action[i]));
		if (handler == (unsigned long)SIG_IGN)
			a->action[i].handler = handler;
	}
}

/* One aligned word: senders need only this, and a torn answer cannot be. */
static unsigned long handler_of(struct signal_shared *sh, int signo)
{
	return READ_ONCE(sh->actions->action[signo - 1].handler);
}

/* Sigqueues. */

static struct sigqueue *sigqueue_alloc(const struct ksiginfo *info)
{
	struct user *user = cred_current()->user;
	u32 used = atomic_add_return(&user->nr_sigqueue, 1);
	struct sigqueue *q = NULL;

	/* The limit bounds what users queue; the kernel's own signals always find room. */
	if (info->si_code > 0 || used <= rlimit_get(RLIMIT_SIGPENDING))
		q = slab_alloc(sigqueue_cache, GFP_ATOMIC);
	if (!q) {
		atomic_dec(&user->nr_sigqueue);
		return NULL;
	}
	refcount_get(&user->refs);
	q->user = user;
	q->owned = false;
	return q;
}

static void sigqueue_free(struct sigqueue *q)
{
	if (q->owned) {
		/* Its timer still has it: an entry off every list is free to be sent again. */
		list_init(&q->link);
		return;
	}
	atomic_dec(&q->user->nr_sigqueue);
	user_put(q->user);
	slab_free(sigqueue_cache, q);
}

struct sigqueue *sigqueue_create_owned(void)
{
	struct sigqueue *q = slab_alloc(sigqueue_cache, GFP_KERNEL);

	if (!q)
		return NULL;
	memset(q, 0, sizeof(*q));
	list_init(&q->link);
	q->owned = true;
	return q;
}

void sigqueue_destroy_owned(struct signal_shared *sh, struct sigqueue *q)
{
	{
		guard_spin_irq(&sh->lock);
		list_remove(&q->link);
	}
	slab_free(sigqueue_cache, q);
}

static void pending_remove(struct signal_pending *p, ksigset_t set)
{
	struct sigqueue *q, *next;

	if (!(p->set & set))
		return;
	p->set &= ~set;
	list_for_each_safe (q, next, &p->queue, link) {
		if (KSIG_BIT(q->info.si_signo) & set) {
			list_remove(&q->link);
			sigqueue_free(q);
		}
	}
}

void signal_pending_destroy(struct signal_pending *p)
{
	pending_remove(p, ~0ull);
}

void signal_flush(struct signal_shared *sh, ksigset_t set)
{
	struct signal_state *st;
	guard_spin_irq(&sh->lock);

	pending_remove(&sh->pending, set);
	list_for_each (st, &sh->threads, link)
		pending_remove(&st->pending, set);
}

/* Siginfo. */

void siginfo_kernel(struct ksiginfo *info, int signo)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = SI_KERNEL;
}

void siginfo_user(struct ksiginfo *info, int signo, int code, u32 pid, u32 uid)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
	info->si_pid = (int)pid;
	info->si_uid = uid;
}

void siginfo_fault(struct ksiginfo *info, int signo, int code, vaddr_t addr)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
	info->si_addr = (void *)addr;
}

int siginfo_to_user(siginfo_t __user *to, const struct ksiginfo *info)
{
	u8 full[sizeof(siginfo_t)] = {0};

	memcpy(full, info, sizeof(*info));
	return copy_to_user(to, full, sizeof(full));
}

int siginfo_from_user(struct ksiginfo *info, const siginfo_t __user *from)
{
	return copy_from_user(info, from, sizeof(*info));
}

/* Choosing and waking. */

static bool pending_for(const struct signal_state *st)
{
	return ((st->pending.set | st->shared->pending.set) & ~st->blocked) || st->stop_pending;
}

void signal_recalc_locked(struct signal_state *st)
{
	assert_held(&st->shared->lock);
	if (pending_for(st))
		thread_flag_set(st->thread, THREAD_SIGPENDING);
	else
		thread_flag_clear(st->thread, THREAD_SIGPENDING);
}

static void thread_signal_wake(struct signal_state *st)
{
	thread_flag_set(st->thread, THREAD_SIGPENDING);
	if (!thread_wake_state(st->thread, THREAD_INTERRUPTIBLE))
		thread_kick(st->thread);
}

void signal_kill_thread_locked(struct signal_state *st)
{
	assert_held(&st->shared->lock);
	st->pending.set |= KSIG_BIT(SIGKILL);
	st->stop_pending = false;
	thread_flag_set(st->thread, THREAD_KILLED | THREAD_SIGPENDING);
	if (!thread_wake_state(st->thread, THREAD_INTERRUPTIBLE | THREAD_KILLABLE | THREAD_STOPPED |
						   THREAD_TRACED))
		thread_kick(st->thread);
}

void signal_group_exit_locked(struct signal_shared *sh, struct signal_state *keep, int status)
{
	struct signal_state *st;

	assert_held(&sh->lock);
	sh->flags = (sh->flags & (SIGNAL_UNKILLABLE | SIGNAL_EXEC)) | SIGNAL_GROUP_EXIT;
	sh->exit_code = status;
	sh->stop_count = 0;
	list_for_each (st, &sh->threads, link) {
		if (st != keep)
			signal_kill_thread_locked(st);
	}
}

static bool wants(const struct signal_state *st, int signo)
{
	if (st->blocked & KSIG_BIT(signo))
		return false;
	if (st->exiting)
		return false;
	return signo == SIGKILL || !(READ_ONCE(st->thread->flags) & THREAD_SIGPENDING);
}

/*
 * The thread that shall take a process signal: the last one that did, else the first that does not
 * block it.
 */
static struct signal_state *choose_thread(struct signal_shared *sh, int signo)
{
	struct signal_state *st, *fallback = NULL;

	list_for_each (st, &sh->threads, link) {
		if (st->waited & KSIG_BIT(signo))
			return st;
		if (wants(st, signo))
			return st;
		if (!fallback && !st->exiting && !(st->blocked & KSIG_BIT(signo)))
			fallback = st;
	}
	return fallback;
}

/* Will this signal kill the process whatever it does?  Then it dies now. */
static bool surely_fatal(struct signal_shared *sh, const struct signal_state *st, int signo)
{
	ksigset_t bit = KSIG_BIT(signo);

	if (sh->flags & (SIGNAL_UNKILLABLE | SIGNAL_GROUP_EXIT))
		return false;
	if (signo == SIGKILL)
		return true;
	if (handler_of(sh, signo) != (unsigned long)SIG_DFL)
		return false;
	if ((bit & (SIGSET_IGNORED | SIGSET_STOP | SIGSET_CORE)) && signo < KSIG_RTMIN)
		return false;
	return !((st->blocked | st->waited) & bit);
}

static void signal_complete(struct signal_shared *sh, struct signal_state *target, int signo)
{
	struct signal_state *st = target;

	if (!st) {
		st = choose_thread(sh, signo);
	} else if ((st->blocked & KSIG_BIT(signo)) && !(st->waited & KSIG_BIT(signo))) {
		st = NULL;
	}
	if (wait_queue_active(&sh->signalfd))
		wake_up_all(&sh->signalfd);
	if (!st)
		return;
	if (surely_fatal(sh, st, signo)) {
		signal_group_exit_locked(sh, NULL, signo);
		return;
	}
	thread_signal_wake(st);
}

/* A stopped process goes on: its threads wake, and one of them tells the parent. */
static void continue_stopped(struct signal_shared *sh)
{
	struct signal_state *st;
	u32 why = 0;

	list_for_each (st, &sh->threads, link) {
		pending_remove(&st->pending, SIGSET_STOP);
		st->stop_pending = false;
		thread_wake_state(st->thread, THREAD_STOPPED);
	}
	pending_remove(&sh->pending, SIGSET_STOP);
	if (sh->flags & SIGNAL_STOPPED)
		why = SIGNAL_CONTINUED | SIGNAL_CLD_CONTINUED;
	else if (sh->stop_count)
		why = SIGNAL_CLD_STOPPED;
	if (!why)
		return;
	sh->flags = (sh->flags & SIGNAL_UNKILLABLE) | why;
	sh->stop_count = 0;
	if (!list_empty(&sh->threads))
		thread_signal_wake(list_first(&sh->threads, struct signal_state, link));
}

/* Step 1 of sending.  Returns false when the process no longer takes signals. */
static bool side_effects(struct signal_shared *sh, int signo)
{
	struct signal_state *st;

	if (sh->flags & SIGNAL_GROUP_EXIT)
		return signo == SIGKILL;
	if (KSIG_BIT(signo) & SIGSET_STOP) {
		pending_remove(&sh->pending, KSIG_BIT(SIGCONT));
		list_for_each (st, &sh->threads, link)
			pending_remove(&st->pending, KSIG_BIT(SIGCONT));
	} else if (signo == SIGCONT) {
		continue_stopped(sh);
	}
	return true;
}

/* Step 2: nobody will ever see it. */
static bool ignored(struct signal_shared *sh, const struct signal_state *target, int signo)
{
	ksigset_t bit = KSIG_BIT(signo);
	const struct signal_state *st = target;
	unsigned long handler = handler_of(sh, signo);

	if (!st && !list_empty(&sh->threads))
		st = list_first(&sh->threads, struct signal_state, link);
	/* Blocked: the action may change before it is unblocked; waited for: sigtimedwait takes it.
	 */
	if (!st || ((st->blocked | st->waited) & bit))
		return false;
	if ((sh->flags & SIGNAL_UNKILLABLE) && handler == (unsigned long)SIG_DFL)
		return true;
	if (handler == (unsigned long)SIG_IGN)
		return !(bit & SIGSET_ALWAYS);
	return handler == (unsigned long)SIG_DFL && signo < KSIG_RTMIN && (bit & SIGSET_IGNORED);
}

static int signal_send_locked(struct signal_shared *sh, struct signal_state *st,
			      const struct ksiginfo *info, struct sigqueue *q)
{
	int signo = info->si_signo;
	struct signal_pending *p = st ? &st->pending : &sh->pending;

	assert_held(&sh->lock);
	ASSERT(signo >= 1 && signo <= KSIG_COUNT);
	if (!side_effects(sh, signo) || ignored(sh, st, signo))
		return 0;
	if (signo < KSIG_RTMIN && (p->set & KSIG_BIT(signo)) && !(q && q->owned))
		return 0;
	if (!q && signo != SIGKILL)
		q = sigqueue_alloc(info);
	if (q) {
		q->info = *info;
		list_push_back(&p->queue, &q->link);
	} else if (signo >= KSIG_RTMIN && info->si_code != SI_USER && info->si_code <= 0) {
		return -EAGAIN;
	}
	p->set |= KSIG_BIT(signo);
	signal_complete(sh, st, signo);
	return 0;
}

int signal_send_process(struct signal_shared *sh, const struct ksiginfo *info)
{
	guard_spin_irq(&sh->lock);
	return signal_send_locked(sh, NULL, info, NULL);
}

int signal_send_thread(struct signal_state *st, const struct ksiginfo *info)
{
	guard_spin_irq(&st->shared->lock);
	return signal_send_locked(st->shared, st, info, NULL);
}

bool signal_send_owned(struct signal_shared *sh, struct signal_state *st, struct sigqueue *q)
{
	guard_spin_irq(&sh->lock);

	if (list_empty(&q->link)) {
		struct ksiginfo info = q->info;
		signal_send_locked(sh, st, &info, q);
	}
	return !list_empty(&q->link);
}

void signal_force(const struct ksiginfo *info)
{
	struct signal_state *st = thread_current()->sig;
	struct signal_shared *sh = st->shared;
	struct abi_sigaction *a = &sh->actions->action[info->si_signo - 1];
	ksigset_t bit = KSIG_BIT(info->si_signo);
	guard_spin_irq(&sh->lock);

	if ((st->blocked & bit) || a->handler == (unsigned long)SIG_IGN) {
		/* It cannot be put off: the fault would only happen again. */
		spin_lock(&sh->actions->lock);
		a->handler = (unsigned long)SIG_DFL;
		spin_unlock(&sh->actions->lock);
		st->blocked &= ~bit;
	}
	if (a->handler == (unsigned long)SIG_DFL)
		sh->flags &= ~SIGNAL_UNKILLABLE;
	signal_send_locked(sh, st, info, NULL);
}

/* Taking. */

/*
 * Faults first, so that a handler's frame shows the instruction that faulted; then the lowest
 * number.
 */
static int next_signal(ksigset_t set)
{
	if (set & SIGSET_SYNC)
		set &= SIGSET_SYNC;
	return set ? ctz64(set) + 1 : 0;
}

static bool pending_take(struct signal_pending *p, int signo, struct ksiginfo *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each (q, &p->queue, link) {
		if (q->info.si_signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		p->set &= ~KSIG_BIT(signo);
	if (!found) {
		siginfo_user(info, signo, SI_USER, 0, 0);
		return true;
	}
	*info = found->info;
	list_remove(&found->link);
	sigqueue_free(found);
	return true;
}

int signal_dequeue_locked(struct signal_state *st, ksigset_t mask, struct ksiginfo *info)
{
	struct signal_shared *sh = st->shared;
	int signo = next_signal(st->pending.set & mask);

	if (signo) {
		pending_take(&st->pending, signo, info);
	} else {
		signo = next_signal(sh->pending.set & mask);
		if (signo)
			pending_take(&sh->pending, signo, info);
	}
	if (signo)
		signal_recalc_locked(st);
	return signo;
}

int signal_dequeue(ksigset_t mask, struct ksiginfo *info)
{
	struct signal_state *st = thread_current()->sig;
	guard_spin_irq(&st->shared->lock);

	return signal_dequeue_locked(st, mask, info);
}

/* Masks and actions. */

/* Signals we now block may be pending for the process: let somebody else take them. */
static void retarget_shared(struct signal_state *st, ksigset_t newly)
{
	ksigset_t set = st->shared->pending.set & newly;

	while (set) {
		int signo = ctz64(set) + 1;
		struct signal_state *other = choose_thread(st->shared, signo);

		set &= set - 1;
		if (other && other != st)
			thread_signal_wake(other);
	}
}

void signal_set_blocked(ksigset_t mask)
{
	struct signal_state *st = thread_current()->sig;

	mask &= ~SIGSET_ALWAYS;
	if (st->blocked == mask)
		return;
	guard_spin_irq(&st->shared->lock);
	ksigset_t newly = mask & ~st->blocked;

	WRITE_ONCE(st->blocked, mask);
	if (st->shared->nr_threads > 1)
		retarget_shared(st, newly);
	signal_recalc_locked(st);
}

void signal_set_blocked_until_return(ksigset_t mask)
{
	struct thread *t = thread_current();

	t->sig->saved_mask = t->sig->blocked;
	thread_flag_set(t, THREAD_RESTORE_MASK);
	signal_set_blocked(mask);
}

int signal_set_action(int signo, const struct abi_sigaction *act, struct abi_sigaction *old)
{
	struct signal_shared *sh = thread_current()->sig->shared;
	struct signal_state *st;

	if (signo < 1 || signo > KSIG_COUNT || (act && (KSIG_BIT(signo) & SIGSET_ALWAYS)))
		return -EINVAL;
	guard_spin_irq(&sh->lock);
	spin_lock(&sh->actions->lock);
	struct abi_sigaction *a = &sh->actions->action[signo - 1];
	*old = *a;
	if (act) {
		*a = *act;
		a->mask &= ~SIGSET_ALWAYS;
	}
	spin_unlock(&sh->actions->lock);
	if (!act)
		return 0;
	/* POSIX 3.3.1.3: setting an action that ignores discards what is pending, blocked or not.
	 */
	bool by_default = act->handler == (unsigned long)SIG_DFL && signo < KSIG_RTMIN &&
			  (KSIG_BIT(signo) & SIGSET_IGNORED);
	if (act->handler == (unsigned long)SIG_IGN || by_default) {
		pending_remove(&sh->pending, KSIG_BIT(signo));
		list_for_each (st, &sh->threads, link)
			pending_remove(&st->pending, KSIG_BIT(signo));
	}
	return 0;
}
