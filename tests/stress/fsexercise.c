/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file-system exerciser of tests/host/fs as a user program.
 *
 *	fsexercise [DIRECTORY [PROCESSES [OPERATIONS [SEED]]]]
 *
 * OPERATIONS are of all processes together.  With a trailing + on DIRECTORY the file system may
 * become full.  Without arguments: the current directory, 8 processes, 20,000 operations.  Prints
 * one line "exercise: ok", or what went wrong.
 */
/* LIMIT 300 */
#include "../host/fs/exercise_model.c"
#include "../host/fs/exercise_ops.c"
#include "../host/fs/exercise.c"

int main(int argc, char **argv)
{
	static char base[200] = ".";
	struct exercise_config config = {
		.base = base, .processes = 8, .ops = 20000, .seed = (unsigned)getpid()};
	struct exercise *x;
	size_t n;

	if (argc > 1)
		snprintf(base, sizeof(base), "%s", argv[1]);
	if (argc > 2)
		config.processes = (unsigned)atoi(argv[2]);
	if (argc > 3)
		config.ops = strtoul(argv[3], NULL, 0);
	if (argc > 4)
		config.seed = strtoull(argv[4], NULL, 0);
	n = strlen(base);
	if (base[n - 1] == '+') {
		base[n - 1] = 0;
		config.may_fill = 1;
	}
	if (!config.processes || config.processes > EX_MAX_PROCESSES)
		return 2;
	config.ops /= config.processes;
	x = exercise_create(&config);
	if (!x || exercise_run(x) || exercise_verify(x)) {
		printf("exercise: failed\n");
		return 1;
	}
	exercise_destroy(x);
	printf("exercise: ok\n");
	return 0;
}
