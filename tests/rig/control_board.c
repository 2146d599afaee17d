/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* Control commands that concern the CPU, its inputs and time. */
#include "control_channels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <avr_eeprom.h>

#include "trace.h"

#define BAD_NUMBER "not a number in its range"

static const char *hello(rig_t *rig, char **argument, FILE *answer)
{
    fprintf(answer, "rig=1 channels=%d pty=%s link=%s seed=%" PRIu64, rig->board.chips,
            rig->pty.master < 0 ? "-" : rig->pty.terminal, rig->pty.link ? rig->pty.link : "-", rig->seed);
    return NULL;
}

static const char *state(rig_t *rig, char **argument, FILE *answer)
{
    board_t *board = &rig->board;
    avr_cycle_count_t now = board->avr->cycle;

    fprintf(answer,
            "cycle=%" PRIu64 " us=%.4f since_reset_us=%.4f resets=%u watchdog_resets=%u powered=%d hung=%d led=%d "
            "led_changes=%u presences=%u temperature_conversions=%u pc=0x%04x fatal=%s",
            (uint64_t)now, board_us(now), board_us(now - board->reset_cycle), board->resets, board->watchdog_resets,
            board->powered, board->hung, rig->inputs.led, rig->inputs.led_changes, rig->ds18b20.presences,
            rig->ds18b20.conversions, board->avr->pc, board->fatal ? board->fatal : "-");
    return NULL;
}

static const char *reset(rig_t *rig, char **argument, FILE *answer)
{
    const char *how = argument[0] ? argument[0] : "";
    bool failed = false;
    double at = argument[0] && argument[1] ? number(argument[1], 1, 250, &failed) : 0.0;
    reset_t cause = !strcmp(how, "external")    ? RESET_EXTERNAL
                    : !strcmp(how, "brown-out") ? RESET_BROWN_OUT
                    : !strcmp(how, "power-on")  ? RESET_POWER_ON
                                                : RESET_NONE;

    if (cause == RESET_NONE || failed)
        return "which reset";
    if (at > 0.0) {
        rig->uart.reset_at = (int)at;
        rig->uart.reset_cause = cause;
    } else if (cause == RESET_POWER_ON) {
        board_power(&rig->board, false);
        board_power(&rig->board, true);
    } else {
        board_reset(&rig->board, cause);
    }
    return NULL;
}

static const char *hang(rig_t *rig, char **argument, FILE *answer)
{
    if (argument[0] && strcmp(argument[0], "main"))
        return "main or nothing";
    if (argument[0])
        rig->board.hang_main = true;
    else
        rig->board.hung = true;
    return NULL;
}

static const char *freeze(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double us = number(argument[0], 0.0, 1e8, &failed);

    if (failed)
        return BAD_NUMBER;
    rig->board.frozen_until = rig->board.avr->cycle + (avr_cycle_count_t)(us * CYCLES_PER_US);
    return NULL;
}

static const char *contact(rig_t *rig, char **argument, FILE *answer)
{
    bool closed = argument[0] && argument[1] && !strcmp(argument[1], "closed");

    if (!argument[0] || !argument[1] || (!closed && strcmp(argument[1], "open")))
        return "which contact, and open or closed";
    if (!strcmp(argument[0], "door"))
        rig->inputs.door_closed = closed;
    else if (!strcmp(argument[0], "key"))
        rig->inputs.key_closed = closed;
    else
        return "door or key";
    inputs_apply(&rig->inputs);
    return NULL;
}

static const char *ntc(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false, open = argument[0] && !strcmp(argument[0], "open");
    bool shorted = argument[0] && !strcmp(argument[0], "short");
    double c = open || shorted ? 0.0 : number(argument[0], -60.0, 200.0, &failed);

    if (failed)
        return BAD_NUMBER;
    rig->inputs.ntc_c = open ? NTC_OPEN : shorted ? NTC_SHORT : c;
    inputs_apply(&rig->inputs);
    return NULL;
}

static const char *ds18b20(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false, off = argument[0] && !strcmp(argument[0], "off");
    double c = off ? 0.0 : number(argument[0], -55.0, 125.0, &failed);

    if (failed)
        return BAD_NUMBER;
    if (rig->board.chips > 6)
        return "this board has none: its pin is a converter's clock";
    rig->ds18b20.fitted = !off;
    rig->ds18b20.temperature_c = c;
    rig->ds18b20.corrupt = argument[1] && !strcmp(argument[1], "corrupt");
    rig->ds18b20.quick = argument[1] && !strcmp(argument[1], "quick");
    return NULL;
}

static const char *supply(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double mv = number(argument[0], 1800.0, 6000.0, &failed);

    if (failed)
        return BAD_NUMBER;
    rig->inputs.supply_mv = (uint32_t)mv;
    inputs_apply(&rig->inputs);
    return NULL;
}

static const char *memory(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false, flash = argument[0] && !strcmp(argument[0], "flash");
    avr_t *avr = rig->board.avr;
    avr_eeprom_desc_t eeprom = {.ee = NULL, .offset = 0};
    uint32_t size = flash ? avr->flashend + 1 : avr->e2end + 1u;
    uint8_t *octets;
    uint32_t offset, n;

    if (!argument[0] || (!flash && strcmp(argument[0], "eeprom")))
        return "flash or eeprom";
    avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &eeprom);
    octets = flash ? avr->flash : eeprom.ee;
    offset = (uint32_t)number(argument[1], 0, size - 1, &failed);
    if (failed)
        return BAD_NUMBER;
    if (argument[2] && argument[3] && !strcmp(argument[2], "write")) {
        for (const char *at = argument[3]; at[0] && at[1] && offset < size; at += 2) {
            unsigned octet;
            if (sscanf(at, "%2x", &octet) != 1)
                return "not hex";
            octets[offset++] = (uint8_t)octet;
        }
        return NULL;
    }
    n = (uint32_t)number(argument[2], 0, size - offset, &failed);
    if (failed)
        return BAD_NUMBER;
    for (uint32_t i = 0; i < n; i++)
        fprintf(answer, "%02x", octets[offset + i]);
    return NULL;
}

static const char *vcd(rig_t *rig, char **argument, FILE *answer)
{
    int sck[MAX_CHIPS], dout[MAX_CHIPS];

    if (!argument[0])
        return "a path, or off";
    if (!strcmp(argument[0], "off")) {
        trace_close();
        return NULL;
    }
    for (int i = 0; i < rig->board.chips; i++) {
        sck[i] = rig->board.chip[i].sck;
        dout[i] = rig->board.chip[i].dout;
    }
    return trace_open(rig->board.avr, argument[0], rig->board.chips, sck, dout) ? "cannot be written" : NULL;
}

static const char *speed(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double value = number(argument[0], 0.0, 1e6, &failed);

    if (failed)
        return BAD_NUMBER;
    rig->speed = value;
    rig->uart.lossy = value == 1.0;
    rig_restart_clock(rig);
    return NULL;
}

static const char *pause_rig(rig_t *rig, char **argument, FILE *answer)
{
    rig->paused = true;
    return NULL;
}

static const char *resume(rig_t *rig, char **argument, FILE *answer)
{
    rig->paused = false;
    rig_restart_clock(rig);
    return NULL;
}

static const char *advance(rig_t *rig, char **argument, FILE *answer)
{
    bool failed = false;
    double ms = number(argument[0], 0.0, 1e7, &failed);

    if (failed)
        return BAD_NUMBER;
    rig_run(rig, rig->board.avr->cycle + (avr_cycle_count_t)(ms * 1000.0 * CYCLES_PER_US));
    rig_restart_clock(rig);
    return state(rig, argument, answer);
}

static const char *quit(rig_t *rig, char **argument, FILE *answer)
{
    rig->quit = true;
    return NULL;
}

const command_t board_commands[] = {
    {"hello", "", hello},
    {"state", "", state},
    {"reset", "external|brown-out|power-on [BYTES_INTO_A_FRAME]", reset},
    {"hang", "[main]", hang},
    {"freeze", "US", freeze},
    {"contact", "door|key open|closed", contact},
    {"ntc", "C|open|short", ntc},
    {"ds18b20", "C [corrupt|quick]|off", ds18b20},
    {"supply", "MV", supply},
    {"memory", "flash|eeprom OFFSET N | OFFSET write HEX", memory},
    {"vcd", "PATH|off", vcd},
    {"speed", "FACTOR (0: as fast as it goes)", speed},
    {"pause", "", pause_rig},
    {"resume", "", resume},
    {"advance", "MS", advance},
    {"quit", "", quit},
    {NULL, NULL, NULL},
};
