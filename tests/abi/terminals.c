/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals, by pseudo-terminals: settings, line and byte reads, echo, signals, hangup. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave, packets;

static void opened(void)
{
	int zero = 0;
	char name[64];

	master = OPEN("open ptmx", open("/dev/ptmx", O_RDWR | O_NOCTTY));
	snprintf(name, sizeof(name), "/dev/pts/%d", (ioctl(master, TIOCGPTN, &zero), zero));
	zero = 1;
	CALL("lock", ioctl(master, TIOCSPTLCK, &zero));
	CALL("open locked", open(name, O_RDWR | O_NOCTTY));
	zero = 0;
	CALL("unlock", ioctl(master, TIOCSPTLCK, &zero));
	slave = OPEN("open slave", open(name, O_RDWR | O_NOCTTY));
}

/* What there is to read within a short time, with escapes.  At the master the bytes may come in
 * pieces. */
static void show_read(const char *name, int fd)
{
	char buf[512];
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t n = poll(&p, 1, 1000) > 0 ? read(fd, buf, sizeof(buf)) : -2, more;

	while (n > 0 && fd == master && !packets && poll(&p, 1, 150) > 0 &&
	       (more = read(fd, buf + n, sizeof(buf) - n)) > 0)
		n += more;

	printf("%s: %zd ", name, n);
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] < 32 || buf[i] > 126)
			printf("\\%03o", (unsigned char)buf[i]);
		else
			putchar(buf[i]);
	}
	printf("%s\n", n == -1 ? error_name(errno) : "");
	fflush(stdout);
}

static void type(const char *s)
{
	write(master, s, strlen(s));
}

static struct termios saved;

static void set(tcflag_t off_i, tcflag_t off_o, tcflag_t off_l, int min, int time)
{
	struct termios t = saved;

	t.c_iflag &= ~off_i;
	t.c_oflag &= ~off_o;
	t.c_lflag &= ~off_l;
	t.c_cc[VMIN] = min;
	t.c_cc[VTIME] = time;
	tcsetattr(slave, TCSANOW, &t);
}

static void settings(void)
{
	struct termios t;
	struct winsize w = { 0 };

	CALL("tcgetattr", tcgetattr(slave, &t));
	saved = t;
	VALUE("iflag", t.c_iflag);
	VALUE("oflag", t.c_oflag);
	VALUE("cflag", t.c_cflag);
	VALUE("lflag", t.c_lflag);
	for (int i = 0; i < 17; i++)
		VALUE("cc", t.c_cc[i]);
	VALUE("speed", cfgetospeed(&t));
	CALL("isatty", isatty(slave));
	CALL("isatty of a master", isatty(master));
	CALL("tcgetattr of a pipe", tcgetattr(open("/dev/null", O_RDONLY), &t));
	CALL("TIOCGWINSZ", ioctl(slave, TIOCGWINSZ, &w));
	VALUE("rows", w.ws_row);
	w.ws_row = 33;
	w.ws_col = 99;
	CALL("TIOCSWINSZ", ioctl(master, TIOCSWINSZ, &w));
	w.ws_row = 0;
	ioctl(slave, TIOCGWINSZ, &w);
	VALUE("rows by the other end", w.ws_row);
	CALL("unknown ioctl", ioctl(slave, 0x54ff, 0));
	CALL("bad pointer", ioctl(slave, TCGETS, BAD));
	CALL("TIOCGPGRP not mine", tcgetpgrp(slave));
	CALL("TIOCGSID", tcgetsid(slave));
	int n = -1;
	CALL("TIOCGETD", ioctl(slave, TIOCGETD, &n));
	VALUE("discipline", n);
	n = -1;
	CALL("TIOCOUTQ", ioctl(slave, TIOCOUTQ, &n));
	VALUE("queued", n);
	CALL("tcflow bad", tcflow(slave, 77));
	CALL("tcflush bad", tcflush(slave, 77));
	CALL("tcdrain", tcdrain(slave));
	CALL("tcsendbreak", tcsendbreak(slave, 0));
	CALL("lseek", lseek(slave, 0, SEEK_SET));
	CALL("pread", pread(slave, &n, 1, 0));
}

static void lines(void)
{
	int n;

	fcntl(slave, F_SETFL, O_NONBLOCK);
	type("part");
	show_read("echo", master);
	CALL("no line yet", read(slave, &n, 1));
	type(" line\n");
	show_read("echo of newline", master);
	n = -1;
	ioctl(slave, FIONREAD, &n);
	VALUE("readable", n);
	char c;
	CALL("one byte", read(slave, &c, 1));
	show_read("rest of the line", slave);
	type("one\ntwo\n");
	show_read("first line", slave);
	show_read("second line", slave);
	show_read("echoes", master);
	type("abc\177\177d\n");
	show_read("erased", slave);
	show_read("its echo", master);
	type("kill this\025kept\n");
	show_read("killed", slave);
	show_read("its echo", master);
	type("two words\027x\n");
	show_read("word erased", slave);
	show_read("its echo", master);
	type("\026\003\n");
	show_read("literal", slave);
	show_read("its echo", master);
	type("no newline\004");
	show_read("end of file pushes", slave);
	type("\004");
	show_read("end of file", slave);
	type("cr\r");
	show_read("carriage return", slave);
	show_read("echoes", master);
	type("re\022do\n");
	show_read("reprint", slave);
	show_read("its echo", master);
	write(slave, "out\n\tx\n", 7);
	show_read("output", master);
	set(0, 0, ECHO, 0, 0);
	type("silent\n");
	show_read("no echo", master);
	show_read("line", slave);
	set(0, 0, ECHO | ECHONL, 0, 0);
	set(0, OPOST, 0, 0, 0);
	write(slave, "a\nb", 3);
	show_read("without OPOST", master);
	struct termios t = saved;
	t.c_iflag |= INLCR | ISTRIP;
	t.c_iflag &= ~ICRNL;
	tcsetattr(slave, TCSANOW, &t);
	type("x\ny\r\341\004");
	show_read("INLCR ISTRIP", slave);
	tcsetattr(slave, TCSANOW, &saved);
	t = saved;
	t.c_oflag |= OLCUC | ONOCR;
	t.c_iflag |= IUCLC | IGNCR;
	t.c_lflag |= IEXTEN;
	tcsetattr(slave, TCSANOW, &t);
	type("ABC\rD\n");
	show_read("IUCLC IGNCR", slave);
	tcsetattr(slave, TCSANOW, &saved);
	tcflush(master, TCIOFLUSH);
	tcflush(slave, TCIOFLUSH);
	char *longer = malloc(6000);
	memset(longer, 'l', 6000);
	set(0, 0, ECHO, 0, 0);
	fcntl(master, F_SETFL, O_NONBLOCK);
	long total = 0;
	for (int i = 0; i < 60; i++) {
		long r = write(master, longer, 100);
		if (r > 0)
			total += r;
	}
	write(master, "\n", 1);
	sleep_ms(100);
	TRUE("an overlong line is cut", total >= 4095);
	char *got = malloc(8192);
	VALUE("to", read(slave, got, 8192));
	fcntl(master, F_SETFL, 0);
	tcsetattr(slave, TCSAFLUSH, &saved);
	fcntl(slave, F_SETFL, 0);
}

static void bytes(void)
{
	char buf[16];

	tcflush(slave, TCIOFLUSH);
	set(ICRNL | IXON, OPOST, ICANON | ECHO | ISIG, 1, 0);
	type("a\r\003\004");
	show_read("raw", slave);
	set(ICRNL | IXON, OPOST, ICANON | ECHO | ISIG, 0, 0);
	CALL("MIN 0 TIME 0", read(slave, buf, 8));
	set(ICRNL | IXON, OPOST, ICANON | ECHO | ISIG, 0, 1);
	CALL("MIN 0 TIME 1", read(slave, buf, 8));
	set(ICRNL | IXON, OPOST, ICANON | ECHO | ISIG, 3, 0);
	CHILD("MIN 3", {
		pid_t p = fork();
		if (!p) {
			type("x");
			sleep_ms(50);
			type("yz");
			_exit(0);
		}
		CALL("read", read(slave, buf, 8));
		wait(NULL);
	});
	set(ICRNL | IXON, OPOST, ICANON | ECHO | ISIG, 5, 2);
	type("pq");
	CALL("MIN 5 TIME 2", read(slave, buf, 8));
	type("123456789");
	CALL("read beyond MIN", read(slave, buf, 8));
	show_read("rest", slave);
	type("typed\n");
	tcsetattr(slave, TCSANOW, &saved);
	show_read("typed before the change", slave);
	tcsetattr(slave, TCSAFLUSH, &saved);
	tcflush(master, TCIOFLUSH);
}

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
	got = sig;
}

static void controlling(void)
{
	char name[64];
	int n;

	ioctl(master, TIOCGPTN, &n);
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	CHILD("a session", {
		setsid();
		CALL("no terminal", open("/dev/tty", O_RDWR));
		CALL("TIOCSCTTY", ioctl(slave, TIOCSCTTY, 0));
		CALL("open tty", close(open("/dev/tty", O_RDWR)));
		TRUE("foreground", tcgetpgrp(slave) == getpid());
		TRUE("session", tcgetsid(slave) == getpid());
		CALL("foreground nobody", tcsetpgrp(slave, 99999999));
		CALL("foreground negative", tcsetpgrp(slave, -1));
		signal(SIGINT, on_signal);
		signal(SIGQUIT, on_signal);
		signal(SIGWINCH, on_signal);
		signal(SIGTSTP, on_signal);
		static const char keys[] = "\003\034\032";
		for (int i = 0; i < 3; i++) {
			got = 0;
			write(master, &keys[i], 1);
			for (int k = 0; k < 1000 && !got; k++)
				sleep_ms(5);
			VALUE("key's signal", got);
			show_read("echo of the key", master);
		}
		got = 0;
		ioctl(master, TIOCSWINSZ, &(struct winsize){ 5, 6 });
		for (int k = 0; k < 1000 && !got; k++)
			sleep_ms(5);
		VALUE("size's signal", got);
		got = 0;
		ioctl(master, TIOCSWINSZ, &(struct winsize){ 5, 6 });
		VALUE("same size, no signal", got);
		type("pending");
		sleep_ms(20);
		write(master, "\003", 1);
		type("after\n");
		show_read("interrupt flushes", slave);
		tcflush(slave, TCIOFLUSH);
		tcflush(master, TCIOFLUSH);
		CALL("TIOCSTI", ioctl(slave, TIOCSTI, "q"));
		/* The background: reading stops it, writing only with TOSTOP. */
		pid_t p = fork();
		int st;
		if (!p) {
			setpgid(0, 0);
			write(slave, "bg", 2);
			read(slave, &n, 1);
			_exit(0);
		}
		waitpid(p, &st, WUNTRACED);
		show_status("background read", st);
		kill(p, SIGKILL);
		waitpid(p, &st, 0);
		if (!(p = fork())) {
			setpgid(0, 0);
			struct termios t = saved;
			tcsetattr(slave, TCSANOW, &t);
			_exit(0);
		}
		waitpid(p, &st, WUNTRACED);
		show_status("background tcsetattr", st);
		kill(p, SIGKILL);
		waitpid(p, &st, 0);
		if (!(p = fork())) {
			setpgid(0, 0);
			signal(SIGTTIN, SIG_IGN);
			CALL("ignoring SIGTTIN", read(slave, &n, 1));
			_exit(0);
		}
		waitpid(p, &st, 0);
		struct termios t = saved;
		t.c_lflag |= TOSTOP;
		tcsetattr(slave, TCSANOW, &t);
		if (!(p = fork())) {
			setpgid(0, 0);
			write(slave, "x", 1);
			_exit(0);
		}
		waitpid(p, &st, WUNTRACED);
		show_status("background write with TOSTOP", st);
		kill(p, SIGKILL);
		waitpid(p, &st, 0);
		if (!(p = fork())) {
			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			TRUE("takes the foreground", tcsetpgrp(slave, getpid()) == 0);
			_exit(0);
		}
		waitpid(p, &st, 0);
		signal(SIGTTOU, SIG_IGN);
		CALL("take it back", tcsetpgrp(slave, getpid()));
		signal(SIGHUP, on_signal);
		tcsetattr(slave, TCSANOW, &saved);
		got = 0;
		CALL("give it up", ioctl(slave, TIOCNOTTY, 0));
		for (int k = 0; k < 1000 && !got; k++)
			sleep_ms(5);
		VALUE("signal", got);
		CALL("no terminal", open("/dev/tty", O_RDWR));
		CALL("take it again", close(open(name, O_RDWR)));
		CALL("is mine", close(open("/dev/tty", O_RDWR)));
	});
	tcsetattr(slave, TCSAFLUSH, &saved);
	tcflush(master, TCIOFLUSH);
}

static void packet(void)
{
	int on = 1;

	CALL("TIOCPKT", ioctl(master, TIOCPKT, &on));
	packets = 1;
	write(slave, "data", 4);
	show_read("data packet", master);
	tcflush(slave, TCIFLUSH);
	show_read("flush packet", master);
	tcflow(slave, TCOOFF);
	show_read("stop packet", master);
	tcflow(slave, TCOON);
	show_read("start packet", master);
	on = packets = 0;
	ioctl(master, TIOCPKT, &on);
	CALL("exclusive", ioctl(slave, TIOCEXCL));
	CALL("no longer", ioctl(slave, TIOCNXCL));
}

static void hangups(void)
{
	char buf[16];
	struct pollfd p;

	write(slave, "last", 4);
	close(slave);
	show_read("last words", master);
	CALL("then error", read(master, buf, 1));
	p = (struct pollfd){ master, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	VALUE("poll of the master", p.revents);
	int n;
	ioctl(master, TIOCGPTN, &n);
	snprintf(buf, sizeof(buf), "/dev/pts/%d", n);
	slave = OPEN("open again", open(buf, O_RDWR | O_NOCTTY));
	poll(&p, 1, 0);
	VALUE("poll of the master", p.revents);
	int peer = OPEN("TIOCGPTPEER", ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	close(peer);
}

static void gone(void)
{
	char buf[64];
	struct pollfd p;
	int n, st, up[2];

	ioctl(master, TIOCGPTN, &n);
	pipe(up);
	pid_t pid = fork();
	if (!pid) {
		setsid();
		close(master);
		ioctl(slave, TIOCSCTTY, 0);
		write(up[1], "x", 1);
		for (;;)
			pause();
	}
	read(up[0], buf, 1);
	close(master);
	waitpid(pid, &st, 0);
	show_status("session leader", st);
	CALL("read", read(slave, buf, 1));
	CALL("write", write(slave, buf, 1));
	CALL("ioctl", ioctl(slave, TCGETS, buf));
	p = (struct pollfd){ slave, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	VALUE("poll", p.revents);
	snprintf(buf, sizeof(buf), "/dev/pts/%d", n);
	CALL("name is gone", access(buf, F_OK));
}

int main(void)
{
	opened();
	settings();
	lines();
	bytes();
	controlling();
	packet();
	hangups();
	gone();
	return 0;
}
