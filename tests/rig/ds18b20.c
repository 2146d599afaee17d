/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#include "ds18b20.h"

#include <math.h>
#include <string.h>

#include <avr_ioport.h>

#define BIT 2
#define RESET_LOW_US 400  /* datasheet 480 µs; a master's may be shorter by its own clock's error */
#define PRESENCE_AFTER_US 30
#define QUICK_PRESENCE_AFTER_US 15 /* datasheet: 15 … 60 µs */
#define PRESENCE_US 120
#define SAMPLE_US 30      /* a write slot's level 15 … 60 µs after its falling edge */
#define HOLD_US 30        /* a zero of a read slot */
#define CONVERT_US 750000

enum { IDLE, ROM_COMMAND, ROM_MATCH, FUNCTION, WRITE_SCRATCHPAD, REPLY };

static uint8_t crc8(const uint8_t *octets, int n)
{
    uint8_t crc = 0;

    for (int i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            uint8_t mix = (crc ^ (octets[i] >> bit)) & 1;
            crc = (uint8_t)((crc >> 1) ^ (mix ? 0x8C : 0));
        }
    return crc;
}

static void hold(ds18b20_t *sensor, int low)
{
    sensor->slave_low = low;
    board_drive(sensor->board, 'B', BIT, !(low || sensor->master_low));
}

static avr_cycle_count_t let_go(avr_t *avr, avr_cycle_count_t when, void *param)
{
    hold(param, 0);
    return 0;
}

static avr_cycle_count_t presence(avr_t *avr, avr_cycle_count_t when, void *param)
{
    ds18b20_t *sensor = param;

    sensor->presences++;
    hold(sensor, 1);
    avr_cycle_timer_register(avr, PRESENCE_US * CYCLES_PER_US, let_go, sensor);
    return 0;
}

static void reply(ds18b20_t *sensor, const uint8_t *octets, int n)
{
    memcpy(sensor->reply, octets, (size_t)n);
    sensor->bits_out = 0;
    sensor->reply_bits = 8 * n;
    sensor->state = REPLY;
}

static void convert(ds18b20_t *sensor)
{
    int raw = (int)lround(sensor->temperature_c * 16.0);

    sensor->conversions++;
    sensor->scratchpad[0] = (uint8_t)raw;
    sensor->scratchpad[1] = (uint8_t)(raw >> 8);
    sensor->converting_until = sensor->board->avr->cycle + (avr_cycle_count_t)CONVERT_US * CYCLES_PER_US;
    sensor->state = IDLE;
    sensor->convert_replies = true;
}

static void take_byte(ds18b20_t *sensor, int index)
{
    uint8_t octet = sensor->command[index];

    if (sensor->state == ROM_COMMAND) {
        sensor->state = octet == 0xCC ? FUNCTION : octet == 0x55 ? ROM_MATCH : IDLE;
        if (octet == 0x33)
            reply(sensor, sensor->rom, 8);
    } else if (sensor->state == ROM_MATCH) {
        if (index < 7)
            return;
        sensor->state = memcmp(sensor->command, sensor->rom, 8) ? IDLE : FUNCTION;
    } else if (sensor->state == FUNCTION && octet == 0xBE) {
        sensor->scratchpad[8] = crc8(sensor->scratchpad, 8);
        reply(sensor, sensor->scratchpad, 9);
        if (sensor->corrupt)
            sensor->reply[0] ^= 1;
    } else if (sensor->state == FUNCTION && octet == 0x44) {
        convert(sensor);
    } else if (sensor->state == FUNCTION && octet == 0x4E) {
        sensor->state = WRITE_SCRATCHPAD;
    } else if (sensor->state == WRITE_SCRATCHPAD) {
        sensor->scratchpad[2 + index] = octet;
        if (index < 2)
            return;
        sensor->state = IDLE;
    } else {
        sensor->state = IDLE;
    }
    sensor->bits_in = 0;
}

static avr_cycle_count_t sample(avr_t *avr, avr_cycle_count_t when, void *param)
{
    ds18b20_t *sensor = param;
    int index = sensor->bits_in / 8;

    if (sensor->bits_in % 8 == 0)
        sensor->command[index] = 0;
    sensor->command[index] |= (uint8_t)(!sensor->master_low << (sensor->bits_in % 8));
    if (++sensor->bits_in % 8 == 0)
        take_byte(sensor, index);
    return 0;
}

static void slot_begins(ds18b20_t *sensor)
{
    avr_t *avr = sensor->board->avr;
    int bit = 1;

    if (sensor->state == REPLY) {
        if (sensor->bits_out < sensor->reply_bits) {
            bit = (sensor->reply[sensor->bits_out / 8] >> (sensor->bits_out % 8)) & 1;
            sensor->bits_out++;
        }
    } else if (sensor->convert_replies) {
        bit = avr->cycle >= sensor->converting_until;
    } else if (sensor->state != IDLE) {
        avr_cycle_timer_register(avr, SAMPLE_US * CYCLES_PER_US, sample, sensor);
    }
    if (!bit) {
        sensor->slave_low = 1;
        avr_cycle_timer_register(avr, HOLD_US * CYCLES_PER_US, let_go, sensor);
    }
}

/* The master pulls the wire low with a driver and lets go by making the pin an input. */
static void master_moves(ds18b20_t *sensor, uint8_t ddr, uint8_t port)
{
    avr_t *avr = sensor->board->avr;
    int low = (ddr >> BIT & 1) && !(port >> BIT & 1);

    if (low == sensor->master_low)
        return;
    sensor->master_low = low;
    if (sensor->fitted && low) {
        sensor->fell = avr->cycle;
        slot_begins(sensor);
    } else if (sensor->fitted && avr->cycle - sensor->fell >= RESET_LOW_US * CYCLES_PER_US) {
        avr_cycle_timer_cancel(avr, sample, sensor);
        sensor->state = ROM_COMMAND;
        sensor->bits_in = 0;
        sensor->convert_replies = false;
        avr_cycle_timer_register(avr, (sensor->quick ? QUICK_PRESENCE_AFTER_US : PRESENCE_AFTER_US) * CYCLES_PER_US, presence, sensor);
    }
    board_drive(sensor->board, 'B', BIT, !(low || sensor->slave_low));
}

static void direction_changes(avr_irq_t *irq, uint32_t ddr, void *param)
{
    ds18b20_t *sensor = param;
    avr_ioport_t *port = sensor->board->port[0];

    master_moves(sensor, (uint8_t)ddr, sensor->board->avr->data[port->r_port]);
}

static void level_changes(avr_irq_t *irq, uint32_t value, void *param)
{
    ds18b20_t *sensor = param;
    avr_ioport_t *port = sensor->board->port[0];

    master_moves(sensor, sensor->board->avr->data[port->r_ddr], (uint8_t)value);
}

void ds18b20_make(ds18b20_t *sensor, board_t *board, bool wired)
{
    avr_ioport_t *port = board->port[0];

    *sensor = (ds18b20_t){
        .board = board,
        .fitted = wired,
        .temperature_c = 22.0,
        .rom = {0x28, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66},
        .scratchpad = {0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10}, /* 85 °C until the first conversion */
    };
    sensor->rom[7] = crc8(sensor->rom, 7);
    if (!wired)
        return;
    avr_irq_register_notify(port->io.irq + IOPORT_IRQ_DIRECTION_ALL, direction_changes, sensor);
    avr_irq_register_notify(port->io.irq + IOPORT_IRQ_REG_PORT, level_changes, sensor);
    board_drive(board, 'B', BIT, 1);
}
