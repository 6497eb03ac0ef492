/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of file-system images (tests/host/fs/mutate_internal.h) in the guest, through loop
 * devices.
 *
 *	mutants TYPE SEEDS OFFSET BYTES MUTANTS FIRST
 *
 * The sound image is at OFFSET of the file SEEDS, BYTES long.  Each mutant is a file on tmpfs
 * behind a loop device of its own: mounted read-only and walked, then, if the type can write,
 * mounted, walked and changed.  FIRST is the number of the first mutant.  Sectors that begin with
 * MARK are contents of files; the others that are not zero are where most mutations go.
 *
 * Prints the number of each mutant before it is used, then `mounted N of MUTANTS', and `not ok ...'
 * lines.
 */
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include "../host/fs/mutate_make.c"
#include "../host/fs/mutate_use.c"

#define MARK	"VireoContents"
#define FILE	"/tmp/mutant.img"
#define BLOCK	4096u
#define PATIENT 300u /* seconds a mutant may take on a machine that others use too */

enum { SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static struct mutant m;
static u8 *sound, *image;
/* a byte for each block: not zero in the sound image, or once in a mutant; not as in the sound
 * one */
static u8 *used, *changed;
static int file, bad;

static void complain(const char *what, long n)
{
	printf("not ok mutant %llu %s (%ld)\n", m.number, what, n);
	for (unsigned i = 0; i < m.nr_what; i++)
		printf("#   %s\n", m.what[i]);
	fflush(stdout);
	bad = 1;
}

/* --- images ----------------------------------------------------------------------------------- */

static void store(u64 at, const void *data, size_t n)
{
	memcpy(image + at, data, n);
	for (u64 block = at / BLOCK; block <= (at + n - 1) / BLOCK; block++)
		used[block] = changed[block] = 1;
}

static void restore(void)
{
	for (u64 block = 0; block < m.bytes / BLOCK; block++)
		if (changed[block])
			memcpy(image + block * BLOCK, sound + block * BLOCK, BLOCK);
	memset(changed, 0, m.bytes / BLOCK);
}

static int is_zero(const u8 *sector)
{
	u64 words[MUTANT_SECTOR / sizeof(u64)], any = 0;

	memcpy(words, sector, sizeof(words));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		any |= words[i];
	return !any;
}

static int seed_read(const char *path, off_t offset, size_t bytes)
{
	u32 *metadata = malloc(bytes / MUTANT_SECTOR * sizeof(u32));
	int fd = open(path, O_RDONLY);
	size_t done = 0;
	ssize_t n;

	sound = malloc(bytes);
	image = malloc(bytes);
	used = calloc(1, bytes / BLOCK);
	changed = calloc(1, bytes / BLOCK);
	if (fd < 0 || !sound || !image || !metadata || !used || !changed || bytes % BLOCK)
		return -1;
	while (done < bytes &&
	       (n = pread(fd, sound + done, bytes - done, offset + (off_t)done)) > 0)
		done += (size_t)n;
	close(fd);
	if (done < bytes)
		return -1;
	m = (struct mutant){ .image = image, .bytes = bytes, .store = store, .metadata = metadata };
	memcpy(image, sound, bytes);
	for (size_t at = 0; at < bytes; at += MUTANT_SECTOR) {
		if (is_zero(sound + at))
			continue;
		used[at / BLOCK] = 1;
		if (memcmp(sound + at, MARK, sizeof(MARK) - 1))
			metadata[m.nr_metadata++] = (u32)(at / MUTANT_SECTOR);
	}
	return 0;
}

/* A file as the image is, with holes where it is zero. */
static int file_make(void)
{
	file = open(FILE, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0 || ftruncate(file, (off_t)m.bytes))
		return -1;
	for (size_t at = 0; at < m.bytes; at += BLOCK)
		if (used[at / BLOCK] && pwrite(file, image + at, BLOCK, (off_t)at) != BLOCK)
			return -1;
	return 0;
}

static int loop_attach(char *device, size_t room)
{
	struct loop_config config = { .fd = (u32)file };
	int control = open("/dev/loop-control", O_RDWR), n, fd;

	n = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(device, room, "/dev/loop%d", n);
	fd = n < 0 ? -1 : open(device, O_RDWR);
	if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* --- one after the other ---------------------------------------------------------------------- */

/* In a process of its own, which tells by its status whether the mutant was mounted. */
static int use_in_child(const char *device, const char *type, unsigned long flags)
{
	alarm(PATIENT);
	if (mount(device, MUTANT_ROOT, type, flags | SAFE, NULL))
		return 0;
	mutant_look(true);
	if (!(flags & MS_RDONLY))
		mutant_change(&m);
	return 1;
}

static int use(const char *device, const char *type, unsigned long flags)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(use_in_child(device, type, flags));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		complain("its user died", status);
		umount2(MUTANT_ROOT, MNT_DETACH);
		return 0;
	}
	if (WEXITSTATUS(status) && umount2(MUTANT_ROOT, 0))
		complain("umount", errno);
	return WEXITSTATUS(status);
}

static int mutant_run(const char *type, u64 number, int read_only)
{
	char device[32];
	int mounted = 0, fd;

	printf("mutant %llu\n", number);
	fflush(stdout);
	restore();
	mutant_make(&m, number);
	fd = file_make() ? -1 : loop_attach(device, sizeof(device));
	if (fd < 0) {
		complain("no loop device", errno);
	} else {
		mounted = use(device, type, MS_RDONLY);
		if (!read_only)
			mounted |= use(device, type, 0);
		if (ioctl(fd, LOOP_CLR_FD))
			complain("detaching", errno);
		close(fd);
	}
	close(file);
	return mounted;
}

static int can_write(const char *type)
{
	return strcmp(type, "iso9660") && strcmp(type, "squashfs");
}

int main(int argc, char **argv)
{
	unsigned mounted = 0, count;

	if (argc != 7 || seed_read(argv[2], atol(argv[3]), (size_t)atol(argv[4])))
		return 2;
	count = (unsigned)atoi(argv[5]);
	mkdir(MUTANT_ROOT, 0755);
	for (unsigned i = 0; i < count; i++)
		mounted += (unsigned)mutant_run(argv[1], strtoull(argv[6], NULL, 0) + i,
						!can_write(argv[1]));
	printf("mounted %u of %u\n", mounted, count);
	return bad;
}
