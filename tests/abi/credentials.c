/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credentials: the set*id family, groups, capabilities, prctl, secure bits. */
#include "check.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static void ids(const char *name)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	printf("%s: uid %d %d %d gid %d %d %d\n", name, (int)r, (int)e, (int)s, (int)gr, (int)ge,
	       (int)gs);
	fflush(stdout);
}

static struct __user_cap_data_struct caps[2];

static int cap_get(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capget, &h, caps);
}

static int cap_set(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capset, &h, caps);
}

static void show_caps(const char *name)
{
	cap_get();
	printf("%s: e %s p %s i %s\n", name, caps[0].effective ? "some" : "none",
	       caps[0].permitted ? "some" : "none", caps[0].inheritable ? "some" : "none");
	fflush(stdout);
}

static void user_ids(void)
{
	ids("at start");
	CHILD("setuid of root", {
		CALL("setuid", setuid(1000));
		ids("all three");
		CALL("back", setuid(0));
		CALL("to itself", setuid(1000));
		CALL("seteuid", seteuid(0));
		show_caps("capabilities gone");
	});
	CHILD("seteuid", {
		CALL("away", seteuid(1000));
		ids("now");
		show_caps("effective gone");
		CALL("setuid while away", setuid(2000));
		CALL("and back", seteuid(0));
		show_caps("effective back");
	});
	CHILD("setreuid", {
		CALL("setreuid", setreuid(1000, 2000));
		ids("saved follows");
		CALL("swap", setreuid(2000, 1000));
		ids("swapped");
		CALL("a third", setreuid(3000, -1));
	});
	CHILD("setreuid effective only", {
		CALL("setreuid", setreuid(-1, 1000));
		ids("saved follows effective unless real");
	});
	CHILD("setresuid", {
		CALL("setresuid", setresuid(1, 2, 3));
		ids("set");
		CALL("permute", setresuid(3, 1, 2));
		ids("permuted");
		CALL("another", setresuid(-1, 9, -1));
		CALL("nothing", setresuid(-1, -1, -1));
	});
	CHILD("setgid", {
		CALL("setresgid", setresgid(1, 2, 3));
		CALL("setregid", setregid(5, 6));
		ids("set");
		setuid(1000);
		CALL("setgid unprivileged", setgid(77));
		CALL("to the real", setgid(5));
		ids("set");
		CALL("setgroups", setgroups(1, (gid_t[]){ 5 }));
	});
	CHILD("setuid -1", CALL("setuid", syscall(SYS_setuid, -1)));
	CHILD("fsuid", {
		VALUE("first", setfsuid(1000));
		VALUE("second", setfsuid(-1));
		CALL("opens as it", open("/root/none", O_CREAT | O_WRONLY, 0600) >= 0 ? 0 : -1);
		show_caps("still all");
		setresuid(1000, 1000, 1000);
		VALUE("unprivileged", setfsuid(0));
		VALUE("unchanged", setfsuid(-1));
	});
}

static void groups(void)
{
	gid_t g[8];

	CALL("setgroups", setgroups(3, (gid_t[]){ 30, 10, 20 }));
	CALL("getgroups count", getgroups(0, NULL));
	CALL("getgroups", getgroups(8, g));
	VALUE("sorted", g[0] * 10000 + g[1] * 100 + g[2]);
	CALL("getgroups short", getgroups(2, g));
	CALL("getgroups negative", syscall(SYS_getgroups, -1, g));
	CALL("setgroups too many", syscall(SYS_setgroups, 70000, g));
	CALL("setgroups bad pointer", setgroups(2, BAD));
	int fd = open("g", O_CREAT | O_WRONLY, 0600);
	fchown(fd, 1, 20);
	fchmod(fd, 0040);
	CHILD("a supplementary group opens", {
		setuid(1000);
		CALL("open", close(open("g", O_RDONLY)));
		CALL("open for writing", open("g", O_WRONLY));
	});
	setgroups(0, NULL);
	CHILD("without it", {
		setgid(1000);
		setuid(1000);
		CALL("open", open("g", O_RDONLY));
	});
}

static void capabilities(void)
{
	struct __user_cap_header_struct h = { 0x12345, 0 };

	CALL("capget version", syscall(SYS_capget, &h, caps));
	TRUE("told the version", h.version == _LINUX_CAPABILITY_VERSION_3);
	h.pid = 99999999;
	CALL("capget nobody", syscall(SYS_capget, &h, caps));
	h.pid = -1;
	CALL("capget negative", syscall(SYS_capget, &h, caps));
	show_caps("root");
	CHILD("drop one", {
		cap_get();
		caps[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
		CALL("drop effective", cap_set());
		int fd = open("priv", O_CREAT | O_WRONLY, 0600);
		fchown(fd, 5, 5);
		CALL("open another's", open("priv", O_RDONLY));
		cap_get();
		caps[0].effective = caps[0].permitted;
		CALL("raise", cap_set());
		CALL("open another's", close(open("priv", O_RDONLY)));
		caps[0].permitted &= ~(1u << CAP_KILL);
		CALL("effective beyond permitted", cap_set());
		caps[0].effective = caps[0].permitted;
		CALL("drop permitted", cap_set());
		caps[0].permitted |= 1u << CAP_KILL;
		CALL("regain", cap_set());
	});
	CHILD("of another", {
		h.version = _LINUX_CAPABILITY_VERSION_3;
		h.pid = getppid();
		cap_get();
		CALL("capset", syscall(SYS_capset, &h, caps));
	});
	CHILD("keepcaps", {
		CALL("get", prctl(PR_GET_KEEPCAPS));
		CALL("set", prctl(PR_SET_KEEPCAPS, 1));
		CALL("bad", prctl(PR_SET_KEEPCAPS, 2));
		setuid(1000);
		show_caps("kept");
		caps[0].effective = caps[0].permitted;
		CALL("raise", cap_set());
		CALL("setuid with it", setuid(2000));
	});
	CHILD("bounding set", {
		CALL("read", prctl(PR_CAPBSET_READ, CAP_CHOWN));
		CALL("drop", prctl(PR_CAPBSET_DROP, CAP_CHOWN));
		CALL("read", prctl(PR_CAPBSET_READ, CAP_CHOWN));
		CALL("read bad", prctl(PR_CAPBSET_READ, 99));
		CALL("drop bad", prctl(PR_CAPBSET_DROP, 99));
		cap_get();
		caps[0].permitted = caps[0].effective = 0;
		cap_set();
		CALL("drop without", prctl(PR_CAPBSET_DROP, CAP_KILL));
	});
	CHILD("ambient", {
		CALL("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		CALL("raise not inheritable",
		     prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		cap_get();
		caps[0].inheritable = 1u << CAP_KILL;
		cap_set();
		CALL("raise", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		CALL("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		CALL("bad", prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0));
		CALL("clear", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
		CALL("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	});
	CHILD("secure bits", {
		CALL("get", prctl(PR_GET_SECUREBITS));
		CALL("set", prctl(PR_SET_SECUREBITS,
				  SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
		CALL("get", prctl(PR_GET_SECUREBITS));
		CALL("unlock", prctl(PR_SET_SECUREBITS, 0));
		CALL("bad", prctl(PR_SET_SECUREBITS, 1 << 20));
		seteuid(1000);
		show_caps("no fixup");
	});
}

static void prctls(void)
{
	char name[32] = { 0 };
	int v = 0;

	CALL("unknown", prctl(99999));
	CALL("set name", prctl(PR_SET_NAME, "a name longer than fifteen"));
	CALL("get name", prctl(PR_GET_NAME, name));
	TEXT("name", name);
	CALL("name bad pointer", prctl(PR_SET_NAME, BAD));
	CALL("dumpable", prctl(PR_GET_DUMPABLE));
	CALL("dumpable 2", prctl(PR_SET_DUMPABLE, 2));
	CALL("dumpable 0", prctl(PR_SET_DUMPABLE, 0));
	CALL("dumpable", prctl(PR_GET_DUMPABLE));
	prctl(PR_SET_DUMPABLE, 1);
	CHILD("dumpable after setuid", {
		setuid(1000);
		CALL("dumpable", prctl(PR_GET_DUMPABLE));
	});
	CALL("pdeathsig", prctl(PR_SET_PDEATHSIG, SIGHUP));
	prctl(PR_GET_PDEATHSIG, &v);
	VALUE("is", v);
	CHILD("pdeathsig of a child", {
		prctl(PR_GET_PDEATHSIG, &v);
		VALUE("is", v);
	});
	CALL("pdeathsig bad", prctl(PR_SET_PDEATHSIG, 99));
	CALL("no new privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CALL("no new privileges off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CHILD("no new privileges on", {
		CALL("set", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		CHILD("inherited", CALL("get", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
	});
	CALL("timer slack", prctl(PR_GET_TIMERSLACK));
}

static void set_id(void)
{
	int in = open("/bin/busybox", O_RDONLY),
	    out = open("suid", O_CREAT | O_WRONLY | O_TRUNC, 0700), n;
	char buf[65536];

	while ((n = read(in, buf, sizeof(buf))) > 0)
		write(out, buf, n);
	fchown(out, 3000, 4000);
	fchmod(out, 06755);
	close(out);
	chmod(".", 0755);
	CHILD("set-id program", {
		setgid(1000);
		setuid(1000);
		execl("./suid", "id", "-u", NULL);
	});
	CHILD("set-group-id", execl("./suid", "id", "-g", NULL));
	CHILD("set-id without new privileges", {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		setgid(1000);
		setuid(1000);
		execl("./suid", "id", "-u", NULL);
	});
	int w = open("suid", O_WRONLY);
	struct stat st;
	CHILD("write clears set-id", {
		chmod("suid", 06777);
		setgid(1000);
		setuid(1000);
		write(w, "x", 1);
		fstat(w, &st);
		VALUE("mode", st.st_mode & 07777);
	});
}

int main(void)
{
	umask(022);
	user_ids();
	groups();
	capabilities();
	prctls();
	set_id();
	return 0;
}
