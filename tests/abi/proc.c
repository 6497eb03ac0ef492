/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc: the shape of its files; numbers are shown as N. */
#include "check.h"
#include <ctype.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static char text[65536];

static ssize_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, total = 0;

	text[0] = 0;
	if (fd < 0)
		return -1;
	while (total < (ssize_t)sizeof(text) - 1 &&
	       (n = read(fd, text + total, sizeof(text) - 1 - total)) > 0)
		total += n;
	text[total] = 0;
	close(fd);
	return total;
}

/* Numbers become N, runs of blanks one. */
static void shape(char *s)
{
	char *o = s;

	for (char *p = s; *p;) {
		if (isdigit(*p)) {
			while (isdigit(*p))
				p++;
			*o++ = 'N';
		} else if (*p == ' ' || *p == '\t') {
			while (*p == ' ' || *p == '\t')
				p++;
			*o++ = ' ';
		} else {
			*o++ = *p++;
		}
	}
	*o = 0;
}

static void file(const char *path)
{
	slurp(path);
	shape(text);
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"))
		TEXT(path, l);
}

/* The line that starts with `key`. */
static void line(const char *path, const char *key, int exact)
{
	slurp(path);
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n")) {
		if (strncmp(l, key, strlen(key)))
			continue;
		if (!exact)
			shape(l);
		TEXT(path, l);
		return;
	}
	printf("%s %s: none\n", path, key);
}

static int put(const char *path, const char *s)
{
	int fd = open(path, O_WRONLY), r, e;

	if (fd < 0)
		return -1;
	r = write(fd, s, strlen(s));
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static void link_text(const char *path)
{
	char buf[256] = { 0 };

	if (readlink(path, buf, sizeof(buf) - 1) < 0)
		strcpy(buf, error_name(errno));
	shape(buf);
	TEXT(path, buf);
}

static void mine(void)
{
	static const char *const keys[] = {
		"Name:",      "Umask:",  "State:",  "Tgid:",      "Pid:",    "PPid:",
		"TracerPid:", "Uid:",    "Gid:",    "FDSize:",    "Groups:", "VmPeak:",
		"VmSize:",    "VmRSS:",  "VmData:", "VmStk:",     "VmExe:",  "Threads:",
		"SigQ:",      "SigPnd:", "CapInh:", "NoNewPrivs:"};
	static const char *const exact[] = {
		"SigBlk:", "SigIgn:", "SigCgt:", "CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};

	prctl(PR_SET_NAME, "sp ace)");
	umask(022);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		line("/proc/self/status", keys[i], 0);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, (void (*)(int))abort);
	for (unsigned i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		line("/proc/self/status", exact[i], 1);
	slurp("/proc/self/stat");
	char *p = strrchr(text, ')');
	int fields = 1;
	for (char *q = p; *q; q++)
		fields += *q == ' ';
	VALUE("fields of stat", fields + 1);
	TRUE("name in parentheses", strstr(text, " (sp ace)) R ") != NULL);
	file("/proc/self/statm");
	file("/proc/self/comm");
	CALL("write comm", put("/proc/self/comm", "other name that is long"));
	file("/proc/self/comm");
	VALUE("cmdline", slurp("/proc/self/cmdline"));
	TEXT("cmdline", text);
	link_text("/proc/self/exe");
	link_text("/proc/self/cwd");
	link_text("/proc/self/root");
	link_text("/proc/self");
	link_text("/proc/thread-self");
	link_text("/proc/mounts");
	file("/proc/self/limits");
	file("/proc/self/oom_score_adj");
	CALL("write oom_score_adj", put("/proc/self/oom_score_adj", "500"));
	line("/proc/self/oom_score_adj", "5", 1);
	CALL("too large", put("/proc/self/oom_score_adj", "2000"));
	CALL("not a number", put("/proc/self/oom_score_adj", "x"));
	put("/proc/self/oom_score_adj", "0");
}

static void descriptors(void)
{
	int p[2], fd = open("f", O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	char name[64];

	pipe(p);
	dup2(p[0], 50);
	dup2(fd, 51);
	dup2(open("/dev/null", O_RDONLY), 52);
	write(fd, "12345", 5);
	link_text("/proc/self/fd/50");
	link_text("/proc/self/fd/51");
	link_text("/proc/self/fd/52");
	link_text("/proc/self/fd/53");
	unlink("f");
	link_text("/proc/self/fd/51");
	line("/proc/self/fdinfo/51", "pos:", 1);
	line("/proc/self/fdinfo/52", "flags:", 0);
	line("/proc/self/fdinfo/52", "mnt_id:", 0);
	CALL("fdinfo of nothing", open("/proc/self/fdinfo/999", O_RDONLY));
	struct stat st;
	lstat("/proc/self/fd/52", &st);
	VALUE("mode of a reader's link", st.st_mode & 07777);
	CALL("open anew", close(open("/proc/self/fd/51", O_RDONLY)));
	snprintf(name, sizeof(name), "/proc/%d/fd/52", getpid());
	CALL("by number", close(open(name, O_RDONLY)));
	CALL("nobody", open("/proc/99999999/stat", O_RDONLY));
	CALL("unlink", unlink("/proc/uptime"));
	CALL("write uptime", open("/proc/uptime", O_RDONLY | O_TRUNC) >= 0 ? 0 : -1);
	CHILD("another's", {
		setgid(1000);
		setuid(1000);
		CALL("fd", open("/proc/1/fd", O_RDONLY));
		CALL("stat", close(open("/proc/1/stat", O_RDONLY)));
		CALL("exe", readlink("/proc/1/exe", name, 10));
		CALL("environ", open("/proc/1/environ", O_RDONLY));
		CALL("maps", open("/proc/1/maps", O_RDONLY));
	});
}

static void maps(void)
{
	int fd = open("m", O_CREAT | O_RDWR, 0600);
	char *a = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0), key[32];

	snprintf(key, sizeof(key), "%lx-", (long)a);
	slurp("/proc/self/maps");
	char *l = strstr(text, key);
	TRUE("there", l != NULL);
	*strchr(l, '\n') = 0;
	char *f = strchr(l, ' ');
	shape(f);
	TRUE("shape", !strncmp(f, " r--s N N:N N /tmp/proc/m", 24));
	slurp("/proc/self/maps");
	TRUE("stack", strstr(text, "[stack]") != NULL);
	TRUE("vdso", strstr(text, "[vdso]") != NULL);
	slurp("/proc/self/smaps");
	TRUE("smaps",
	     strstr(text, "Rss:") && strstr(text, "Private_Dirty:") && strstr(text, "VmFlags:"));
	volatile char *w =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	w[0] = 1;
	fd = open("/proc/self/mem", O_RDWR);
	CALL("mem", pread(fd, key, 4, (long)w));
	VALUE("byte", key[0]);
	CALL("mem of nothing", pread(fd, key, 4, 8));
}

#define MANY 601 /* both ends unlike their neighbours */

/* The areas of [from, to) that `fd` tells of, read `step` bytes at a time; -1: there is a gap. */
static int areas(int fd, char *from, char *to, size_t step)
{
	static char all[1 << 20];
	unsigned long start, end, at = (long)from;
	size_t len = 0;
	ssize_t n;
	int found = 0;

	while (len + step < sizeof(all) && (n = read(fd, all + len, step)) > 0)
		len += n;
	all[len] = 0;
	for (char *save, *l = strtok_r(all, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (sscanf(l, "%lx-%lx ", &start, &end) != 2 || start < (unsigned long)from ||
		    end > (unsigned long)to)
			continue;
		if (start != at)
			return -1;
		at = end;
		found++;
	}
	return at == (unsigned long)to ? found : -1;
}

/* More than a reader's or the kernel's buffer holds. */
static void many_areas(void)
{
	char *a = mmap(NULL, MANY * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = a + MANY * 4096, first[3000], again[1000];
	int fd = open("/proc/self/maps", O_RDONLY);

	for (char *p = a; p < end; p += 8192)
		mprotect(p, 4096, PROT_READ);
	VALUE("many, by 100 bytes", areas(fd, a, end, 100));
	lseek(fd, 0, SEEK_SET);
	VALUE("many, by 4096", areas(fd, a, end, 4096));
	lseek(fd, 0, SEEK_SET);
	VALUE("many, by 100000", areas(fd, a, end, 100000));
	VALUE("first bytes", pread(fd, first, sizeof(first), 0));
	pread(fd, again, 10, 30000);
	VALUE("before the place", pread(fd, again, sizeof(again), 2000));
	TRUE("the same", !memcmp(first + 2000, again, sizeof(again)));
	VALUE("far behind the end", pread(fd, again, sizeof(again), 1 << 28));
	lseek(fd, 0, SEEK_SET);
	read(fd, first, 1000);
	munmap(a, MANY / 2 * 4096);
	VALUE("half of them gone", areas(fd, a + MANY / 2 * 4096, end, 1000));
	close(fd);
	fd = open("/proc/self/smaps", O_RDONLY);
	VALUE("in smaps", areas(fd, a + MANY / 2 * 4096, end, 5000));
	close(fd);
	munmap(a, MANY * 4096);
}

static void system_wide(void)
{
	char *save;

	file("/proc/uptime");
	file("/proc/loadavg");
	static const char *const keys[] = {
		"MemTotal:", "MemFree:", "MemAvailable:", "Buffers:",     "Cached:", "Active:",
		"Inactive:", "Shmem:",   "SwapTotal:",    "SwapFree:",    "Dirty:",  "AnonPages:",
		"Mapped:",   "Slab:",    "PageTables:",   "Committed_AS:"};
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		line("/proc/meminfo", keys[i], 0);
	static const char *const stats[] = {"cpu ",      "cpu0",          "ctxt",         "btime",
					    "processes", "procs_running", "procs_blocked"};
	for (unsigned i = 0; i < sizeof(stats) / sizeof(stats[0]); i++)
		line("/proc/stat", stats[i], 0);
	slurp("/proc/filesystems");
	TRUE("tmpfs is nodev", strstr(text, "nodev\ttmpfs\n") != NULL);
	TRUE("proc is nodev", strstr(text, "nodev\tproc\n") != NULL);
	slurp("/proc/self/mountinfo");
	char *l = strtok_r(text, "\n", &save);
	int words = 0;
	for (char *w = l; w && *w; w++)
		words += *w == ' ';
	TRUE("mountinfo has its words", words >= 9 && strstr(l, " - "));
	slurp("/proc/self/mounts");
	TRUE("proc is mounted", strstr(text, " /proc proc rw") != NULL);
	file("/proc/sys/kernel/ostype");
	CALL("hostname", put("/proc/sys/kernel/hostname", "renamed\n"));
	gethostname(text, 64);
	TEXT("name", text);
	sethostname("vireo", 5);
	file("/proc/sys/kernel/pid_max");
	CALL("pid_max too small", put("/proc/sys/kernel/pid_max", "1"));
	CALL("pid_max no number", put("/proc/sys/kernel/pid_max", "many"));
	slurp("/proc/sys/kernel/random/uuid");
	VALUE("uuid length", strlen(text));
	slurp("/proc/version");
	TRUE("version", !strncmp(text, "Linux version ", 14));
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	VALUE("tasks", n);
	CALL("lseek and read again", ({
		int fd = open("/proc/uptime", O_RDONLY);
		char b[64];
		long a = read(fd, b, 64) > 0;
		lseek(fd, 0, SEEK_SET);
		a + (read(fd, b, 64) > 0);
	}));
	struct stat st;
	stat("/proc/uptime", &st);
	VALUE("size", st.st_size);
	VALUE("mode", st.st_mode);
	stat("/proc/self", &st);
	VALUE("mode of a process", st.st_mode);
}

int main(void)
{
	mine();
	descriptors();
	maps();
	many_areas();
	system_wide();
	return 0;
}
