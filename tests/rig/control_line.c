/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* Control commands that concern the serial line and the plug. */
#include "control_channels.h"

#include <inttypes.h>
#include <string.h>

#define BAD_NUMBER "not a number in its range"
#define BAD_DIRECTION "to-board, to-host or both"

static bool directions(rig_t *rig, const char *word, line_t *line[2])
{
    line[0] = word && strcmp(word, "to-host") ? &rig->uart.to_board : NULL;
    line[1] = word && strcmp(word, "to-board") ? &rig->uart.to_host : NULL;
    return word && (!strcmp(word, "both") || !line[0] || !line[1]);
}

static const char *corrupt(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    line_t *line[2];
    double p;

    if (!directions(rig, argument[0], line))
        return BAD_DIRECTION;
    p = number(argument[1], 0.0, 1.0, &failed);
    for (int i = 0; i < 2 && !failed; i++)
        if (line[i])
            line[i]->corrupt = p;
    return failed ? BAD_NUMBER : NULL;
}

static const char *lose(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    line_t *line[2];
    double p;

    if (!directions(rig, argument[0], line))
        return BAD_DIRECTION;
    p = number(argument[1], 0.0, 1.0, &failed);
    for (int i = 0; i < 2 && !failed; i++)
        if (line[i])
            line[i]->lose = p;
    return failed ? BAD_NUMBER : NULL;
}

static const char *baud(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false, off = argument[0] && !strcmp(argument[0], "off");
    double ratio = off ? 0.0 : number(argument[0], 0.05, 20.0, &failed);

    if (failed)
        return BAD_NUMBER;
    rig->uart.wrong_baud = ratio;
    return NULL;
}

static const char *inject(rig_t *rig, char **argument, FILE *answer)
{
    line_t *line[2];

    if (!directions(rig, argument[0], line) || !argument[1])
        return "a direction and bytes in hex";
    for (const char *at = argument[1]; at[0] && at[1]; at += 2) {
        unsigned octet;
        if (sscanf(at, "%2x", &octet) != 1)
            return "not hex";
        if (line[0])
            uart_to_board(&rig->uart, (uint8_t)octet);
        if (line[1])
            uart_to_host(&rig->uart, (uint8_t)octet);
    }
    return NULL;
}

static const char *rush(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double n = number(argument[0], 0, 1e9, &failed);
    double factor = argument[0] ? number(argument[1], 1.0, 100.0, &failed) : 0.0;

    if (failed || !argument[0])
        return BAD_NUMBER;
    rig->uart.rushed = (unsigned)n;
    rig->uart.rush_factor = factor;
    return NULL;
}

static const char *unplug(rig_t *rig, char **argument, FILE *answer)
{
    bool keep = argument[0] && !strcmp(argument[0], "powered");

    if (argument[0] && !keep)
        return "powered or nothing";
    pty_unplug(&rig->pty);
    rig->uart.out_used = 0;
    rig->uart.queue_tail = rig->uart.queue_head;
    if (!keep)
        board_power(&rig->board, false);
    return NULL;
}

static const char *plug(rig_t *rig, char **argument, FILE *answer)
{
    if (rig->pty.master < 0 && pty_plug(&rig->pty))
        return "no terminal to be had";
    board_power(&rig->board, true);
    fprintf(answer, "pty=%s", rig->pty.terminal);
    return NULL;
}

static const char *line(rig_t *rig, char **argument, FILE *answer)
{
    const uart_t *uart = &rig->uart;

    fprintf(answer,
            "tx_bytes=%u rx_bytes=%u overruns=%u deaf=%u dropped=%u corrupted_to_board=%u corrupted_to_host=%u "
            "lost_to_board=%u lost_to_host=%u garbled_to_board=%u garbled_to_host=%u board_baud=%.0f host_baud=%.0f "
            "open=%d opens=%u",
            uart->tx_bytes, uart->rx_bytes, uart->overruns, uart->deaf, uart->dropped, uart->to_board.corrupted,
            uart->to_host.corrupted, uart->to_board.lost, uart->to_host.lost, uart->to_board.garbled,
            uart->to_host.garbled, uart_board_baud(uart), pty_host_baud(&rig->pty), rig->pty.open, rig->pty.opens);
    return NULL;
}

const command_t line_commands[] = {
    {"corrupt", "to-board|to-host|both PROBABILITY", corrupt},
    {"lose", "to-board|to-host|both PROBABILITY", lose},
    {"baud", "HOST_TO_BOARD_RATIO|off", baud},
    {"inject", "to-board|to-host|both HEX", inject},
    {"rush", "BYTES FACTOR", rush},
    {"unplug", "[powered]", unplug},
    {"plug", "", plug},
    {"line", "", line},
    {NULL, NULL, NULL},
};
