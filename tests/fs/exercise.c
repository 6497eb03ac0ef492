/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file-system exerciser of tests/host/fs in the guest.
 *
 *	exercise [-f] [-l LOWER COMMAND] DIRECTORY PROCESSES OPERATIONS SEED COMMAND
 *
 * OPERATIONS are of all processes together.  The last tenth of them runs while another process
 * takes memory away; after that COMMAND (of the shell) unmounts and mounts again, and everything is
 * compared once more.  -f: the file system may become full.  -l: a tenth of the operations comes
 * first, on the directory LOWER, and then COMMAND makes LOWER the lower layer of an overlay on
 * DIRECTORY, where the same models go on.
 *
 * Prints `ok STAGE' and `not ok STAGE' lines.
 */
#include <poll.h>
#include <sys/prctl.h>
#include "../host/fs/exercise_model.c"
#include "../host/fs/exercise_ops.c"
#include "../host/fs/exercise.c"

#define MIB	  (1ul << 20)
#define MANY	  5000ul /* operations that do not go by without reclaim */
#define HOG_LOW	  (1 * MIB)
#define HOG_HIGH  (3 * MIB)
#define HOG_PIECE (MIB / 2)
#define HOG_MAX	  8192

static struct exercise_config config;
static int bad;

static int stage(const char *name, int fine)
{
	printf("%s %s\n", fine ? "ok" : "not ok", name);
	fflush(stdout);
	bad |= !fine;
	return fine;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The number behind a word that begins a line of a file; 0 when there is none. */
static unsigned long number_in(const char *path, const char *word)
{
	char line[200];
	unsigned long value = 0;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, word, strlen(word)))
			value = strtoul(line + strlen(word), NULL, 10);
	if (f)
		fclose(f);
	return value;
}

static unsigned long reclaimed(void)
{
	return number_in("/proc/vmstat", "pgsteal_kswapd ") +
	       number_in("/proc/vmstat", "pgsteal_direct ");
}

/*
 * More is to be taken (1), enough is (0), too much (-1).  With swap, memory that is not available
 * can still be had, at the cost of others' pages: then half of the swap space is to be in use.
 */
static int hog_wants(void)
{
	unsigned long available = number_in("/proc/meminfo", "MemAvailable:") * 1024;
	unsigned long swap = number_in("/proc/meminfo", "SwapTotal:"),
		      free = number_in("/proc/meminfo", "SwapFree:");

	if (swap)
		return free > swap / 2 ? 1 : free < swap / 4 ? -1 : 0;
	return available > HOG_HIGH ? 1 : available < HOG_LOW ? -1 : 0;
}

/* Takes memory, gives some back, and uses a part of what it has, so that this is not the memory
 * that others get. */
static void hog(void)
{
	static char *piece[HOG_MAX];

	for (unsigned n = 0, at = 0;;) {
		int wants = hog_wants();

		if (wants > 0 && n < HOG_MAX) {
			piece[n] = mmap(NULL, HOG_PIECE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (piece[n] != MAP_FAILED)
				memset(piece[n++], 1, HOG_PIECE);
			continue;
		}
		if (wants < 0 && n)
			munmap(piece[--n], HOG_PIECE);
		else if (n)
			memset(piece[at++ % n], 2, HOG_PIECE);
		poll(NULL, 0, 5);
	}
}

/* The hog is the first that is killed for want of memory: then there is another one. */
static void keep_hogs(void)
{
	int fd;

	for (;; poll(NULL, 0, 100)) {
		pid_t pid = fork();

		if (pid) {
			waitpid(pid, NULL, 0);
			continue;
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open("/proc/self/oom_score_adj", O_WRONLY);
		if (fd >= 0 && write(fd, "1000", 4) == 4)
			hog();
		_exit(1);
	}
}

static pid_t hog_start(void)
{
	pid_t pid = fork();

	if (!pid)
		keep_hogs();
	/* Not before the memory is gone. */
	for (int i = 0; i < 1000 && hog_wants() > 0; i++)
		poll(NULL, 0, 20);
	return pid;
}

static void hog_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- stages ----------------------------------------------------------------------------------- */

static int run(struct exercise *x, const char *name, unsigned long ops)
{
	exercise_set_ops(x, ops / config.processes);
	return stage(name, !exercise_run(x));
}

static int run_short_of_memory(struct exercise *x, unsigned long ops)
{
	unsigned long before = reclaimed(), kills = number_in("/proc/vmstat", "oom_kill ");
	pid_t pid = hog_start();
	int fine = run(x, "operations short of memory", ops);

	hog_end(pid);
	before = reclaimed() - before;
	printf("# %lu pages were reclaimed, %lu processes killed for want of memory\n", before,
	       number_in("/proc/vmstat", "oom_kill ") - kills);
	return fine && (ops < MANY || stage("memory was short", before > 0));
}

static int command(const char *name, const char *text)
{
	return stage(name, !system(text));
}

static void exercise_it(const char *lower, const char *overlay, const char *again,
			unsigned long ops)
{
	const char *base = config.base;
	struct exercise *x;

	if (lower) {
		config.base = lower;
		config.no_links = 1;
	}
	x = exercise_create(&config);
	if (!stage("directories", x != NULL))
		return;
	if (lower) {
		if (!run(x, "operations on the lower layer", ops / 10) ||
		    !command("overlay", overlay))
			return;
		exercise_move(x, base);
	}
	if (!run(x, "operations", ops - ops / 10) || !run_short_of_memory(x, ops / 10))
		return;
	ex_drop_caches();
	if (!stage("compared without caches", !exercise_verify(x)) ||
	    !command("mounted again", again))
		return;
	stage("compared after mounting again", !exercise_verify(x));
	exercise_destroy(x);
}

int main(int argc, char **argv)
{
	const char *lower = NULL, *overlay = NULL;
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (argv[at][1] == 'f') {
			config.may_fill = 1;
		} else if (argv[at][1] == 'l' && at + 2 < argc) {
			lower = argv[at + 1];
			overlay = argv[at + 2];
			at += 2;
		}
	}
	if (argc - at != 5)
		return 2;
	config.base = argv[at];
	config.processes = (unsigned)atoi(argv[at + 1]);
	config.seed = strtoull(argv[at + 3], NULL, 0);
	if (!config.processes || config.processes > EX_MAX_PROCESSES)
		return 2;
	exercise_it(lower, overlay, argv[at + 4], strtoul(argv[at + 2], NULL, 0));
	return bad;
}
