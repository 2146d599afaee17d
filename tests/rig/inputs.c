/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#include "inputs.h"

#include <math.h>

#include <avr_adc.h>

/* 10 kΩ to the supply from each analogue pin; thermistor 10 kΩ at 25 °C, B = 3950 K. */
#define PULL_UP_OHM 10000.0
#define NTC_OHM 10000.0
#define NTC_BETA_K 3950.0
#define DOOR_OHM 10000.0
#define KEY_OHM 4700.0
#define KELVIN 273.15

static void adc_input(inputs_t *inputs, int pin, double ohm_to_ground)
{
    double share = isinf(ohm_to_ground) ? 1.0 : ohm_to_ground / (ohm_to_ground + PULL_UP_OHM);
    avr_irq_t *irq = avr_io_getirq(inputs->board->avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + pin);

    avr_raise_irq(irq, (uint32_t)lround(share * inputs->supply_mv));
}

static void contact(inputs_t *inputs, int bit, bool closed)
{
    if (closed)
        board_drive(inputs->board, 'B', bit, 0);
    else
        board_release(inputs->board, 'B', bit);
}

static double ntc_ohm(double temperature_c)
{
    if (temperature_c >= NTC_OPEN)
        return INFINITY;
    if (temperature_c <= NTC_SHORT)
        return 0.0;
    return NTC_OHM * exp(NTC_BETA_K * (1.0 / (temperature_c + KELVIN) - 1.0 / (25.0 + KELVIN)));
}

void inputs_apply(inputs_t *inputs)
{
    avr_t *avr = inputs->board->avr;
    double siemens = (inputs->door_closed ? 1.0 / DOOR_OHM : 0.0) + (inputs->key_closed ? 1.0 / KEY_OHM : 0.0);

    avr->vcc = avr->avcc = avr->aref = inputs->supply_mv;
    adc_input(inputs, 6, ntc_ohm(inputs->ntc_c));
    if (inputs->ladder) {
        adc_input(inputs, 7, siemens > 0.0 ? 1.0 / siemens : INFINITY);
    } else {
        contact(inputs, 0, inputs->door_closed);
        contact(inputs, 1, inputs->key_closed);
    }
}

static void led_changes(avr_irq_t *irq, uint32_t level, void *param)
{
    inputs_t *inputs = param;

    if (inputs->led != (int)(level & 1)) {
        inputs->led = level & 1;
        inputs->led_changes++;
    }
}

void inputs_make(inputs_t *inputs, board_t *board)
{
    *inputs = (inputs_t){.board = board, .ladder = board->chips > 6, .ntc_c = 22.0, .supply_mv = 5000};
    avr_irq_register_notify(board_pin(board, 'B', 5), led_changes, inputs);
    inputs_apply(inputs);
}
