/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#include "pty.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A terminal keeps its speed from one host to the next, and most were last used at this one. */
#define FIRST_BAUD 115200

static int make_raw(int fd)
{
    struct termios2 setting;

    if (ioctl(fd, TCGETS2, &setting))
        return -1;
    setting.c_iflag = setting.c_oflag = setting.c_lflag = 0;
    setting.c_cflag = (setting.c_cflag & ~(tcflag_t)(CSIZE | PARENB | CBAUD)) | CS8 | HUPCL | BOTHER;
    setting.c_ispeed = setting.c_ospeed = FIRST_BAUD;
    return ioctl(fd, TCSETS2, &setting);
}

static int make_link(const pty_t *pty)
{
    char beside[4096];

    if (!pty->link)
        return 0;
    snprintf(beside, sizeof beside, "%s.new", pty->link);
    unlink(beside);
    return symlink(pty->terminal, beside) || rename(beside, pty->link) ? -1 : 0;
}

int pty_plug(pty_t *pty)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave;

    if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, pty->terminal, sizeof pty->terminal))
        return -1;
    slave = open(pty->terminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || make_raw(slave))
        return -1;
    /* Closed again: from now on the master reports a hang-up while no host has the terminal open. */
    close(slave);
    pty->master = master;
    pty->open = pty->dtr = false;
    return make_link(pty);
}

void pty_unplug(pty_t *pty)
{
    char target[64];
    ssize_t n;

    if (pty->master < 0)
        return;
    if (pty->link) {
        /* Only our own link: another board may have been plugged in under the same name. */
        n = readlink(pty->link, target, sizeof target - 1);
        if (n > 0 && (size_t)n == strlen(pty->terminal) && !memcmp(target, pty->terminal, (size_t)n))
            unlink(pty->link);
    }
    close(pty->master);
    pty->master = -1;
    pty->open = pty->dtr = false;
}

/* The kernel makes a terminal that was closed cooked again: until the host has set it raw it would send the board's own
   bytes back to it, for as long as a busy machine keeps the host waiting. */
static void stop_echo(const pty_t *pty)
{
    struct termios2 setting;

    if (ioctl(pty->master, TCGETS2, &setting) || !(setting.c_lflag & ECHO))
        return;
    setting.c_iflag = setting.c_oflag = setting.c_lflag = 0;
    ioctl(pty->master, TCSETS2, &setting);
}

/* A serial port forgets what its last user left unread; a pseudo-terminal would hand it to the next. */
static void forget_unread(const pty_t *pty)
{
    int slave = open(pty->terminal, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

    if (slave < 0)
        return;
    ioctl(slave, TCFLSH, TCIFLUSH);
    close(slave);
}

void pty_watch(pty_t *pty)
{
    struct pollfd look = {.fd = pty->master};
    struct termios2 setting;
    bool open;

    if (pty->master < 0)
        return;
    open = poll(&look, 1, 0) == 0 || !(look.revents & POLLHUP);
    if (open == pty->open)
        return;
    pty->open = open;
    if (open) {
        stop_echo(pty);
        pty->opens++;
        pty->dtr_rises += !pty->dtr;
        pty->dtr = true;
    } else {
        if (!ioctl(pty->master, TCGETS2, &setting))
            pty->dtr = !(setting.c_cflag & HUPCL);
        forget_unread(pty);
    }
}

size_t pty_read(pty_t *pty, uint8_t *octets, size_t room)
{
    ssize_t n = pty->master < 0 ? 0 : read(pty->master, octets, room);

    return n > 0 ? (size_t)n : 0; /* EIO: nobody has it open */
}

size_t pty_write(pty_t *pty, const uint8_t *octets, size_t n)
{
    ssize_t written;

    if (pty->master < 0 || !pty->open)
        return n;
    written = write(pty->master, octets, n);
    if (written < 0)
        return errno == EAGAIN ? 0 : n;
    return (size_t)written;
}

double pty_host_baud(const pty_t *pty)
{
    struct termios2 setting;

    if (pty->master < 0 || ioctl(pty->master, TCGETS2, &setting))
        return 0.0;
    return setting.c_ospeed;
}
