/* The firmware's portable part on modelled hardware: converters with their own oscillators, a serial line of a given
   speed, a 1-Wire sensor. Time passes only here, so that a test of minutes takes none. */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "converters.h"
#include "ds18b20.h"
#include "hardware.h"
#include "ladder.h"
#include "ntc.h"
#include "reset_cause.h"
#include "ticks.h"

enum fault { NONE, STUCK_LOW, STUCK_HIGH, SWALLOWS_PULSES };

struct chip {
    uint64_t period_ticks;
    uint64_t next_ticks; /* of its next conversion */
    int32_t counts;
    int32_t step;    /* added at each conversion */
    uint32_t output; /* the 24 bits being shifted out */
    int pulses;      /* since the conversion */
    int gain_pulses; /* 25, 26 or 27 at the last reading */
    bool high;       /* DOUT as the chip drives it */
    enum fault fault;
    int swallow;     /* pulses that do not reach it */
    uint32_t conversions;
    uint32_t lost; /* replaced before they were read */
    bool edge;
    uint32_t edge_tick;
};

#define PULSE_TICKS 5     /* 2.5 us */
#define SEND_TICKS 400    /* 200 us for a frame */
#define STEP_TICKS 20
#define CALL_TICKS 2        /* 1 us: an edge may come between two looks */
#define WAKE_TICKS 8000   /* 4 ms */
#define RING 255

static struct chip chips[CHANNELS];
static int reading = -1;
static uint64_t now;
static uint64_t boot_ticks; /* `now` when the counter was zero */
static uint8_t sent[1 << 20];
static uint32_t sent_count;
static uint64_t line_free; /* when the transmitter has sent all */
static double octet_ticks = 173.6;
static uint8_t received[FRAME_RECEIVED_MAX + 1];
static uint8_t received_length;
static bool received_whole;
static uint32_t received_tick;

uint32_t host_saves;
struct settings host_saved;
bool host_rate_pin;
bool host_led;
uint32_t host_led_changes;
bool host_has_bootloader = true;
bool host_in_bootloader;
uint16_t host_supply_mv = 5000;
uint8_t host_inputs;
int16_t host_temperature_cdeg = 2150;
uint16_t host_overruns;

static bool line_is_low(const struct chip *chip)
{
    return chip->fault == STUCK_LOW || (chip->fault != STUCK_HIGH && !chip->high);
}

static void drive(struct chip *chip, bool high, uint64_t at)
{
    bool was_low = line_is_low(chip);

    chip->high = high;
    if (!was_low && line_is_low(chip) && reading != chip - chips) {
        chip->edge = true;
        chip->edge_tick = (uint32_t)(at - boot_ticks);
    }
}

static void pass(uint64_t ticks)
{
    uint64_t until = now + ticks;

    for (int n = 0; n < CHANNELS; n++) {
        struct chip *chip = &chips[n];

        while (chip->period_ticks && chip->next_ticks <= until) {
            if (reading != n) { /* a reading under way keeps its bits */
                if (chip->conversions && chip->pulses == 0)
                    chip->lost++;
                chip->conversions++;
                chip->counts += chip->step;
                if (chip->counts > 0x7FFFFF)
                    chip->counts -= 0x1000000;
                chip->output = (uint32_t)chip->counts & 0xFFFFFF;
                chip->pulses = 0;
                drive(chip, false, chip->next_ticks);
            }
            chip->next_ticks += chip->period_ticks;
        }
    }
    now = until;
}

uint32_t hardware_ticks(void)
{
    return (uint32_t)(now - boot_ticks);
}

void hardware_listen(uint8_t channels)
{
    for (int n = channels; n < CHANNELS; n++)
        chips[n].edge = false;
}

bool hardware_take_edge(uint8_t channel, uint32_t *tick)
{
    bool edge = chips[channel].edge;

    *tick = chips[channel].edge_tick;
    chips[channel].edge = false;
    pass(CALL_TICKS);
    return edge;
}

bool hardware_dout_is_low(uint8_t channel)
{
    bool low = line_is_low(&chips[channel]);

    pass(CALL_TICKS);
    return low;
}

void hardware_read_begin(uint8_t channel)
{
    reading = channel;
    chips[channel].edge = false;
}

bool hardware_sck_pulse(void)
{
    struct chip *chip = &chips[reading];

    pass(PULSE_TICKS);
    if (chip->fault == SWALLOWS_PULSES && chip->swallow > 0) {
        chip->swallow--;
    } else {
        chip->pulses++;
        if (chip->pulses <= 24)
            chip->high = chip->output >> (24 - chip->pulses) & 1;
        else
            chip->high = true;
        if (chip->pulses >= 25)
            chip->gain_pulses = chip->pulses;
    }
    return !line_is_low(chip);
}

void hardware_read_end(void)
{
    reading = -1;
}

void hardware_set_rate_pin(bool high)
{
    host_rate_pin = high;
}

uint8_t hardware_transmit_room(void)
{
    double waiting = line_free > now ? (double)(line_free - now) / octet_ticks : 0;

    return waiting >= RING ? 0 : (uint8_t)(RING - waiting);
}

void hardware_transmit(const uint8_t *octets, uint8_t count)
{
    memcpy(sent + sent_count, octets, count);
    sent_count += count;
    if (line_free < now)
        line_free = now;
    line_free += (uint64_t)(count * octet_ticks);
    pass(SEND_TICKS);
}

bool hardware_transmit_idle(void)
{
    return line_free <= now;
}

uint8_t *hardware_received(uint8_t *length, uint32_t *delimiter_tick)
{
    *length = received_length;
    *delimiter_tick = received_tick;
    return received_whole ? received : NULL;
}

void hardware_drop_received(void)
{
    received_whole = false;
    received_length = 0;
}

uint16_t hardware_receive_overruns(void)
{
    return host_overruns;
}

uint16_t hardware_supply_mv(void)
{
    return host_supply_mv;
}

uint8_t hardware_digital_inputs(void)
{
    return host_inputs;
}

int16_t hardware_temperature_cdeg(void)
{
    return host_temperature_cdeg;
}

void hardware_set_led(bool on)
{
    host_led_changes += on != host_led;
    host_led = on;
}

bool hardware_is_saved(void)
{
    return true;
}

void hardware_save(const struct settings *settings)
{
    host_saved = *settings;
    host_saves++;
}

uint32_t hardware_firmware_hash(void)
{
    return 0x12345678;
}

bool hardware_has_bootloader(void)
{
    return host_has_bootloader;
}

void hardware_enter_bootloader(void)
{
    host_in_bootloader = true;
}

/* -- what the tests do ------------------------------------------------------------------------------ */

void host_power_up(uint64_t first_tick, const uint8_t *image)
{
    struct settings settings;

    now = 1000000;
    boot_ticks = now - first_tick;
    settings_unpack(&settings, image); /* blank: the defaults */
    board_start(&settings, RESET_POWER_ON, 7);
}

void host_add_chip(uint8_t channel, uint64_t period_ticks, uint64_t first_ticks, int32_t counts, int32_t step)
{
    struct chip *chip = &chips[channel];

    memset(chip, 0, sizeof *chip);
    chip->period_ticks = period_ticks;
    chip->next_ticks = now + first_ticks;
    chip->counts = counts;
    chip->step = step;
    chip->high = true;
}

void host_fault(uint8_t channel, int fault, int swallow)
{
    struct chip *chip = &chips[channel];
    bool was_low = line_is_low(chip);

    chip->fault = (enum fault)fault;
    chip->swallow = swallow;
    if (!was_low && line_is_low(chip)) {
        chip->edge = true;
        chip->edge_tick = (uint32_t)(now - boot_ticks);
    }
}

void host_set_counts(uint8_t channel, int32_t counts, int32_t step)
{
    chips[channel].counts = counts;
    chips[channel].step = step;
}

void host_set_period(uint8_t channel, uint64_t period_ticks)
{
    chips[channel].period_ticks = period_ticks;
}

uint32_t host_conversions(uint8_t channel)
{
    return chips[channel].conversions;
}

uint32_t host_lost(uint8_t channel)
{
    return chips[channel].lost;
}

int host_gain_pulses(uint8_t channel)
{
    return chips[channel].gain_pulses;
}

void host_set_line(double ticks_an_octet)
{
    octet_ticks = ticks_an_octet;
}

/* Octets up to and including a delimiter, arriving now. */
void host_receive(const uint8_t *octets, uint32_t count)
{
    for (uint32_t n = 0; n + 1 < count; n++) {
        if (received_length < FRAME_RECEIVED_MAX)
            received[received_length++] = octets[n];
        else
            received_length = FRAME_RECEIVED_MAX + 1;
    }
    received_tick = (uint32_t)(now - boot_ticks);
    received_whole = received_length > 0;
}

/* The main loop, sleeping between edges as the real one does. `busy_ticks` stalls it before each step. */
void host_run(uint64_t ticks, uint64_t busy_ticks)
{
    uint64_t until = now + ticks;

    while (now < until && !host_in_bootloader) {
        uint64_t next = now + WAKE_TICKS;

        pass(busy_ticks);
        board_step();
        pass(STEP_TICKS);
        for (int n = 0; n < CHANNELS; n++) {
            if (chips[n].edge || received_whole)
                next = now;
            if (chips[n].period_ticks && chips[n].next_ticks < next)
                next = chips[n].next_ticks;
        }
        if (next > until)
            next = until;
        if (next > now)
            pass(next - now);
    }
}

uint32_t host_sent(uint8_t *to)
{
    uint32_t count = sent_count;

    memcpy(to, sent, count);
    sent_count = 0;
    return count;
}

uint32_t host_ticks_extend(uint16_t overflows, uint16_t timer, bool overflow_pending)
{
    return ticks_extend(overflows, timer, overflow_pending);
}

bool host_tick_reached(uint32_t tick_now, uint32_t tick)
{
    return tick_reached(tick_now, tick);
}
