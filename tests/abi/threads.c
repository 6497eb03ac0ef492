/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LIMIT 120 */
/* Threads and futexes: the calls themselves, robust lists, and what the C library builds on
 * them. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>

#define N 64

static long fut(volatile uint32_t *u, int op, uint32_t val, const struct timespec *ts,
		volatile uint32_t *u2, uint32_t val3)
{
	return syscall(SYS_futex, u, op, val, ts, u2, val3);
}

static volatile uint32_t word, word2;

static void *waiter(void *arg)
{
	long r;

	do
		r = fut(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
	while (r == -1 && errno == EINTR);
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
	return (void *)r;
}

static void futexes(void)
{
	struct timespec ms = { 0, 1000000 }, bad = { 0, 1000000000 }, past = { 1, 0 };
	pthread_t t[4];
	int woken = 0;

	word = 1;
	CALL("value differs", fut(&word, FUTEX_WAIT, 0, NULL, NULL, 0));
	CALL("times out", fut(&word, FUTEX_WAIT, 1, &ms, NULL, 0));
	CALL("bad time", fut(&word, FUTEX_WAIT, 1, &bad, NULL, 0));
	CALL("bitset past", fut(&word, FUTEX_WAIT_BITSET, 1, &past, NULL, ~0u));
	CALL("bitset zero", fut(&word, FUTEX_WAIT_BITSET, 1, &ms, NULL, 0));
	CALL("wake none", fut(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	CALL("not aligned", fut((void *)((char *)&word + 1), FUTEX_WAIT, 1, NULL, NULL, 0));
	CALL("bad address", fut(BAD, FUTEX_WAIT, 1, NULL, NULL, 0));
	CALL("wake bad address private",
	     fut(BAD, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
	CALL("unknown", fut(&word, 99, 1, NULL, NULL, 0));
	CALL("wake bitset zero", fut(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	CALL("cmp requeue differs", fut(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word2, 7));
	CALL("cmp requeue negative", fut(&word, FUTEX_CMP_REQUEUE, -1, (void *)1, &word2, 1));
	word = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, waiter, &woken);
	/* Requeue two, so that all four surely sleep: what was not there yet is found in a later
	 * round. */
	int moved = 0;
	while (moved < 2) {
		moved += fut(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0,
			     (void *)(long)(2 - moved), &word2, 0);
		sched_yield();
	}
	VALUE("moved", moved);
	VALUE("wake the moved", fut(&word2, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, NULL, NULL, 0));
	int n = 0;
	while (n < 2) {
		n += fut(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, NULL, NULL, 0);
		sched_yield();
	}
	VALUE("wake the others", n);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	VALUE("woken", woken);
	/* Between processes, in shared memory. */
	volatile uint32_t *s =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t p = fork();
	if (!p)
		_exit(fut(s, FUTEX_WAIT, 0, &(struct timespec){ 20, 0 }, NULL, 0) ? 1 : 5);
	while (!fut(s, FUTEX_WAKE, 1, NULL, NULL, 0))
		sleep_ms(1);
	int st;
	waitpid(p, &st, 0);
	show_status("shared", st);
	/* Wake-op. */
	word = 0;
	word2 = 3;
	CALL("wake op", fut(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2,
			    FUTEX_OP(FUTEX_OP_ADD, 4, FUTEX_OP_CMP_EQ, 3)));
	VALUE("second word", word2);
}

static void robust(void)
{
	struct {
		struct robust_list_head head;
		struct robust_list entry;
		volatile uint32_t lock;
	} *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CALL("set_robust_list size", syscall(SYS_set_robust_list, &s->head, 5));
	CHILD("dies with the lock", {
		s->head.list.next = &s->entry;
		s->entry.next = &s->head.list;
		s->head.futex_offset = (char *)&s->lock - (char *)&s->entry;
		s->lock = syscall(SYS_gettid);
		CALL("set_robust_list", syscall(SYS_set_robust_list, &s->head, sizeof(s->head)));
	});
	TRUE("owner died", s->lock == FUTEX_OWNER_DIED);
	pthread_mutexattr_t ma;
	pthread_mutex_t *m = (void *)(s + 1);
	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &ma);
	CHILD("dies with the mutex", pthread_mutex_lock(m));
	TEXT("lock says", error_name(pthread_mutex_lock(m)));
	VALUE("consistent", pthread_mutex_consistent(m));
	VALUE("unlock", pthread_mutex_unlock(m));
	VALUE("lock", pthread_mutex_lock(m));
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static long total, serial, go, ready, rw_value;
static __thread long mine;

static void *adds(void *arg)
{
	mine = (long)arg;
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		total++;
		pthread_mutex_unlock(&mutex);
	}
	if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		__atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&mutex);
	ready++;
	while (!go)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 20; i++) {
		pthread_rwlock_wrlock(&rwlock);
		rw_value++;
		pthread_rwlock_unlock(&rwlock);
		pthread_rwlock_rdlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
	}
	sem_post(&sem);
	return (void *)(mine == (long)arg ? mine : -1);
}

static void many(void)
{
	pthread_t t[N];
	long sum = 0;
	void *r;

	pthread_barrier_init(&barrier, NULL, N);
	sem_init(&sem, 0, 0);
	int failed = 0;
	for (long i = 0; i < N; i++)
		failed += pthread_create(&t[i], NULL, adds, (void *)i) != 0;
	VALUE("creations failed", failed);
	for (;;) {
		pthread_mutex_lock(&mutex);
		if (ready == N)
			break;
		pthread_mutex_unlock(&mutex);
		sleep_ms(2);
	}
	go = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < N; i++)
		sem_wait(&sem);
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	VALUE("under the mutex", total);
	VALUE("serial threads of the barrier", serial);
	VALUE("under the rwlock", rw_value);
	VALUE("sum of thread-local", sum);
	VALUE("mine", mine);
	struct timespec past = { 1, 0 };
	pthread_mutex_lock(&mutex);
	TEXT("timed wait", error_name(pthread_cond_timedwait(&cond, &mutex, &past)));
	pthread_mutex_unlock(&mutex);
	CALL("sem_trywait", sem_trywait(&sem));
	CALL("sem_timedwait", sem_timedwait(&sem, &past));
}

static volatile int cleaned, started;

static void cleanup(void *arg)
{
	cleaned = 1;
}

static void *forever(void *arg)
{
	pthread_cleanup_push(cleanup, NULL);
	started = 1;
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *spins(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;)
		;
	return NULL;
}

static void *sleeps(void *arg)
{
	sleep_ms(100000);
	return NULL;
}

static void *exits(void *arg)
{
	exit(33);
}

static void *execs(void *arg)
{
	execl("/bin/busybox", "echo", "one thread is left", NULL);
	return NULL;
}

static volatile pid_t handler_tid;

static void on_usr1(int sig)
{
	handler_tid = syscall(SYS_gettid);
}

static void *gets_signal(void *arg)
{
	*(volatile pid_t *)arg = syscall(SYS_gettid);
	while (!handler_tid)
		sleep_ms(1);
	return NULL;
}

static void ends(void)
{
	pthread_t t;
	void *r;

	pthread_create(&t, NULL, forever, NULL);
	while (!started)
		sleep_ms(1);
	VALUE("cancel", pthread_cancel(t));
	pthread_join(t, &r);
	TRUE("canceled", r == PTHREAD_CANCELED);
	VALUE("cleaned up", cleaned);
	pthread_create(&t, NULL, spins, NULL);
	sleep_ms(20);
	pthread_cancel(t);
	pthread_join(t, &r);
	TRUE("asynchronously", r == PTHREAD_CANCELED);
	CHILD("exit of a thread ends the process", {
		for (int i = 0; i < 8; i++)
			pthread_create(&t, NULL, sleeps, NULL);
		pthread_create(&t, NULL, exits, NULL);
		sleep_ms(100000);
	});
	CHILD("exec by a thread", {
		for (int i = 0; i < 8; i++)
			pthread_create(&t, NULL, sleeps, NULL);
		pthread_create(&t, NULL, execs, NULL);
		sleep_ms(100000);
	});
	CHILD("fault in a thread ends the process", {
		pthread_create(&t, NULL, (void *(*)(void *))BAD, NULL);
		sleep_ms(100000);
	});
	CHILD("first thread ends first", {
		pthread_create(&t, NULL, (void *(*)(void *))exits, NULL);
		syscall(SYS_exit, 9);
	});
	volatile pid_t tid = 0;
	signal(SIGUSR1, on_usr1);
	pthread_create(&t, NULL, gets_signal, (void *)&tid);
	while (!tid)
		sleep_ms(1);
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	TRUE("signal to a thread", handler_tid == tid);
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	handler_tid = tid = 0;
	pthread_create(&t, NULL, gets_signal, (void *)&tid);
	while (!tid)
		sleep_ms(1);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	kill(getpid(), SIGUSR1);
	pthread_join(t, NULL);
	TRUE("signal to who takes it", handler_tid == tid);
	CALL("membarrier query", syscall(SYS_membarrier, 0, 0, 0) > 0);
	CALL("membarrier unregistered", syscall(SYS_membarrier, 8, 0, 0));
	CALL("membarrier register", syscall(SYS_membarrier, 16, 0, 0));
	CALL("membarrier", syscall(SYS_membarrier, 8, 0, 0));
	CALL("membarrier bad", syscall(SYS_membarrier, 1 << 30, 0, 0));
}

int main(void)
{
	futexes();
	robust();
	many();
	ends();
	return 0;
}
