#include "board.h"

#include <string.h>

#include "commands.h"
#include "converters.h"
#include "hardware.h"
#include "outbox.h"
#include "rows.h"
#include "ticks.h"

/* Half a period of the LED: 4 Hz is seen across a shop and never taken for the bootloader's flicker (2026-11). */
#define BLINK_TICKS (125 * TICKS_PER_MS)
/* A receiver that loses bytes is told at once, but four times a second at most (2026-11). */
#define EARLY_AUX_TICKS (750 * TICKS_PER_MS)

struct settings board_settings;

static uint8_t reset_cause;
static uint16_t boot_counter;
static uint32_t aux_tick;
static uint16_t told_overruns;
static uint32_t blink_tick;
static uint16_t blinks; /* half periods left */
static bool leaving;

void board_hello(void)
{
    struct hello hello = {
        .firmware_hash = hardware_firmware_hash(),
        .boot_counter = boot_counter,
        .reset_cause = reset_cause,
        .tick_rate_hz = TICK_RATE_HZ,
        .channels = board_settings.channels,
        .gain = board_settings.gain,
        .rate_mhz = board_settings.rate_mhz,
        .firmware_major = FIRMWARE_MAJOR,
        .firmware_minor = FIRMWARE_MINOR,
        .inputs = CHANNELS,
        .signature = {0x1E, 0x95, 0x0F},
    };

    memcpy(hello.uid, board_settings.uid, UID_OCTETS);
    frame_hello(&hello);
    outbox_send();
}

void board_listen(uint32_t now)
{
    rows_set_channels(board_settings.channels);
    converters_listen(&board_settings, now);
}

void board_blink(uint8_t seconds, uint32_t now)
{
    blinks = (uint16_t)(seconds * 8u);
    blink_tick = now;
    hardware_set_led(false);
}

void board_leave(void)
{
    leaving = true;
}

void board_start(const struct settings *settings, uint8_t cause, uint16_t counter)
{
    const uint8_t delimiter = 0;
    uint32_t now = hardware_ticks();

    board_settings = *settings;
    reset_cause = cause;
    boot_counter = counter;
    leaving = false;
    aux_tick = now + TICK_RATE_HZ;
    told_overruns = hardware_receive_overruns();
    outbox_frames_sent = 0;
    commands_bad_frames = 0;
    rows_start();
    converters_start();
    board_listen(now);
    board_blink(0, now);
    hardware_transmit(&delimiter, 1); /* ends whatever was being sent when the reset came */
    board_hello();
}

static void send_aux(void)
{
#if TEMPERATURES
    int16_t temperature_cdeg = hardware_temperature_cdeg();
#endif
    struct aux aux = {
        .tick = aux_tick,
        .supply_mv = hardware_supply_mv(),
        .digital_inputs = hardware_digital_inputs(),
        .temperatures = TEMPERATURES,
        .channels = board_settings.channels,
#if TEMPERATURES
        .temperature_cdeg = &temperature_cdeg,
#endif
        .skipped = converter_skipped,
        .bad_frames = commands_bad_frames,
        .receive_overruns = hardware_receive_overruns(),
        .desyncs = converters_desyncs,
    };

    told_overruns = aux.receive_overruns;
    frame_aux(&aux);
    outbox_send();
}

static void answer_command(void)
{
    uint32_t delimiter_tick;
    uint8_t length;
    uint8_t *encoded = hardware_received(&length, &delimiter_tick);

    if (encoded && hardware_transmit_room() >= ANSWER_ROOM) {
        commands_receive(encoded, length, delimiter_tick);
        hardware_drop_received();
    }
}

static void blink(uint32_t now)
{
    if (blinks && tick_reached(now, blink_tick)) {
        blinks--;
        hardware_set_led(blinks & 1);
        blink_tick += BLINK_TICKS;
    }
}

void board_step(void)
{
    uint32_t now;

    if (leaving) { /* no more rows; the ACK must be out, and the settings kept */
        if (hardware_transmit_idle() && hardware_is_saved())
            hardware_enter_bootloader();
        return;
    }
    for (uint8_t channel = 0; channel < board_settings.channels; channel++) {
        uint32_t edge_tick;

        if (converter_step(channel, &edge_tick))
            rows_converted(edge_tick);
    }
    now = hardware_ticks();
    rows_pace(now);
    answer_command();
    if (hardware_receive_overruns() != told_overruns && aux_tick - now < EARLY_AUX_TICKS)
        aux_tick = now;
    if (tick_reached(now, aux_tick)) {
        send_aux();
        aux_tick += TICK_RATE_HZ;
    }
    blink(now);
}
