/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The board's USB plug: a pseudo-terminal, with a symbolic link as udev makes it under /dev/serial/by-id. */
typedef struct {
    int master; /* -1 while unplugged */
    char terminal[64];
    const char *link; /* or NULL */
    bool open;        /* a host has the terminal open */
    bool dtr;         /* stays up when the host closes with HUPCL off */
    uint32_t opens, dtr_rises;
} pty_t;

int pty_plug(pty_t *pty);
void pty_unplug(pty_t *pty);
/* Looks whether a host has opened or closed the terminal. */
void pty_watch(pty_t *pty);
/* Bytes taken, 0 when there are none. */
size_t pty_read(pty_t *pty, uint8_t *octets, size_t room);
/* Bytes the terminal took; all of them, into the void, when nobody has it open. */
size_t pty_write(pty_t *pty, const uint8_t *octets, size_t n);
/* The baud rate that the host has set. */
double pty_host_baud(const pty_t *pty);
