/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of this room. */
#pragma once

#include <fs/tty/tty.h>
#include <fs/vfs/file.h>

/* What a file on a terminal remembers. */
struct tty_file {
	struct tty *tty; /* counted */
	u32 generation;  /* of the tty at open: older means hung up */
};

#define I_FLAG(tty, f) ((tty)->termios.c_iflag & (f))
#define O_FLAG(tty, f) ((tty)->termios.c_oflag & (f))
#define C_FLAG(tty, f) ((tty)->termios.c_cflag & (f))
#define L_FLAG(tty, f) ((tty)->termios.c_lflag & (f))
#define CC(tty, c)     ((tty)->termios.c_cc[c])

/* tty.c */
int __must_check tty_create(const struct tty_driver *driver, unsigned index, void *port,
			    struct tty **out);
int __must_check tty_file_attach(struct tty *tty, struct file *file); /* consumes a reference */
struct tty *file_tty(struct file *file);
bool tty_hung_up(const struct file *file);
int __must_check tty_open_file(struct tty *tty, struct file *file);

/* n_tty_input.c.  Locks: termios_lock R, input held. */
void n_tty_receive(struct tty *tty, const u8 *buf, const u8 *flags, size_t n);
size_t n_tty_room(const struct tty *tty);
size_t n_tty_available(const struct tty *tty); /* what FIONREAD says */
bool n_tty_readable(const struct tty *tty, bool poll);
void n_tty_flush_input(struct tty *tty);
void n_tty_termios_changed(struct tty *tty, const struct ktermios *old);
ssize_t n_tty_read(struct file *file, struct tty *tty, struct iov_iter *to);
unsigned n_tty_poll_in(const struct tty *tty);

/* n_tty_output.c.  Locks: termios_lock R; tty->output is taken. */
void n_tty_echo(struct tty *tty, u8 c);     /* as it is, through output processing */
void n_tty_echo_ctl(struct tty *tty, u8 c); /* control characters as ^X when ECHOCTL */
size_t n_tty_output(struct tty *tty, const u8 *buf, size_t n);
ssize_t n_tty_write(struct file *file, struct tty *tty, struct iov_iter *from);

/* jobs.c */
int __must_check tty_check_change(struct tty *tty); /* background changes get SIGTTOU */
int __must_check tty_check_read(struct tty *tty);
void tty_signal_foreground(struct tty *tty, int signo);
void tty_open_controlling(struct tty *tty, struct file *file);
void tty_drop_session(struct tty *tty);
long tty_job_ioctl(struct tty *tty, struct tty *real, struct file *file, unsigned cmd,
		   unsigned long arg);

/* ioctl.c */
long tty_ioctl(struct file *file, unsigned cmd, unsigned long arg);
void tty_stop_output(struct tty *tty);
void tty_start_output(struct tty *tty);
int tty_set_winsize(struct tty *tty, const struct winsize *ws);
void tty_flush_output(struct tty *tty);

/* pty.c */
void pty_init(void);
void pty_packet_event(struct tty *slave, u8 set, u8 clear);
long pty_ioctl(struct tty *tty, struct file *file, unsigned cmd, unsigned long arg);

extern const struct file_ops tty_file_ops;
extern struct mutex tty_list_lock;
extern struct list tty_list; /* [tty_list_lock] */
