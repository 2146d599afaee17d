#include "commands.h"

#include <stdbool.h>
#include <string.h>

#include "board.h"
#include "cobs.h"
#include "converters.h"
#include "crc16.h"
#include "hardware.h"
#include "outbox.h"
#include "rows.h"

/* type, request id, kind, CRC */
#define COMMAND_BODY_MIN 5
#define UNKNOWN 0xFF

uint16_t commands_bad_frames;

static uint8_t payload_length(uint8_t kind)
{
    switch (kind) {
    case CMD_HELLO:
    case CMD_CLOCK:
    case CMD_SELF_TEST:
    case CMD_STATS:
    case CMD_READ_UID:
    case CMD_BOOTLOADER:
        return 0;
    case CMD_IDENTIFY:
    case CMD_SET_GAIN:
    case CMD_SET_CHANNELS:
        return 1;
    case CMD_SET_RATE:
        return 4;
    case CMD_WRITE_UID:
        return 2 * UID_OCTETS;
    default:
        return UNKNOWN;
    }
}

static bool all_octets_are(const uint8_t *octets, uint8_t value)
{
    for (uint8_t n = 0; n < UID_OCTETS; n++)
        if (octets[n] != value)
            return false;
    return true;
}

static uint8_t write_uid(const uint8_t *present, const uint8_t *wanted)
{
    if (all_octets_are(wanted, 0x00) || all_octets_are(wanted, 0xFF))
        return ACK_BAD_VALUE;
    if (memcmp(board_settings.uid, wanted, UID_OCTETS) == 0)
        return ACK_OK; /* the command came before, its ACK was lost */
    if (memcmp(board_settings.uid, present, UID_OCTETS) != 0)
        return ACK_NOT_ALLOWED;
    memcpy(board_settings.uid, wanted, UID_OCTETS);
    hardware_save(&board_settings);
    return ACK_OK;
}

static uint8_t set_rate(uint32_t rate_mhz)
{
    if (!rate_is_known(rate_mhz))
        return ACK_BAD_VALUE;
    if (rate_mhz != board_settings.rate_mhz) {
        board_settings.rate_mhz = rate_mhz;
        converters_settle(&board_settings, hardware_ticks());
        hardware_save(&board_settings);
    }
    return ACK_OK;
}

static uint8_t set_gain(uint8_t gain)
{
    if (!gain_is_known(gain))
        return ACK_BAD_VALUE;
    if (gain != board_settings.gain) {
        board_settings.gain = gain;
        converters_settle(&board_settings, hardware_ticks());
        hardware_save(&board_settings);
    }
    return ACK_OK;
}

static uint8_t set_channels(uint8_t channels)
{
    if (channels < 1 || channels > CHANNELS)
        return ACK_BAD_VALUE;
    if (channels != board_settings.channels) {
        board_settings.channels = channels;
        board_listen(hardware_ticks());
        hardware_save(&board_settings);
    }
    return ACK_OK;
}

static uint8_t carry_out(uint8_t kind, const uint8_t *payload)
{
    switch (kind) {
    case CMD_IDENTIFY:
        board_blink(payload[0], hardware_ticks());
        return ACK_OK;
    case CMD_SET_RATE:
        return set_rate((uint32_t)payload[3] << 24 | (uint32_t)payload[2] << 16 | (uint32_t)payload[1] << 8 | payload[0]);
    case CMD_SET_GAIN:
        return set_gain(payload[0]);
    case CMD_SET_CHANNELS:
        return set_channels(payload[0]);
    case CMD_WRITE_UID:
        return write_uid(payload, payload + UID_OCTETS);
    case CMD_BOOTLOADER:
        if (!hardware_has_bootloader())
            return ACK_NOT_ALLOWED;
        board_leave();
        return ACK_OK;
    default:
        return ACK_OK;
    }
}

static void append_answer(uint8_t kind, uint32_t delimiter_tick)
{
    switch (kind) {
    case CMD_CLOCK:
        frame_u32(delimiter_tick);
        break;
    case CMD_SELF_TEST:
        frame_u8(board_settings.channels);
        for (uint8_t channel = 0; channel < board_settings.channels; channel++)
            frame_u8(converter_self_test(channel));
        break;
    case CMD_STATS:
        frame_u32(outbox_frames_sent);
        frame_u16(rows_overflow());
        frame_u16(commands_bad_frames);
        frame_u16(hardware_receive_overruns());
        frame_u16(converters_desyncs);
        break;
    case CMD_READ_UID:
        frame_octets(board_settings.uid, UID_OCTETS);
        break;
    default:
        break;
    }
}

static bool is_told_by_hello(uint8_t kind)
{
    return kind == CMD_HELLO || kind == CMD_SET_RATE || kind == CMD_SET_GAIN || kind == CMD_SET_CHANNELS ||
           kind == CMD_WRITE_UID;
}

void commands_receive(uint8_t *encoded, uint8_t length, uint32_t delimiter_tick)
{
    const uint8_t *body = encoded + 1;
    uint8_t wanted;
    uint8_t kind;
    uint8_t code;

    length = length > FRAME_RECEIVED_MAX ? 0 : cobs_decode(encoded, length);
    if (length < COMMAND_BODY_MIN || body[0] != FRAME_CMD ||
        crc16_of(body, (uint8_t)(length - CRC_OCTETS)) != (uint16_t)((uint16_t)body[length - 1] << 8 | body[length - 2])) {
        commands_bad_frames++;
        return;
    }
    kind = body[2];
    wanted = payload_length(kind);
    if (wanted == UNKNOWN)
        code = ACK_UNKNOWN_KIND;
    else if (length - COMMAND_BODY_MIN != wanted)
        code = ACK_BAD_LENGTH;
    else
        code = carry_out(kind, body + 3);
    if (code == ACK_OK && is_told_by_hello(kind))
        board_hello();
    frame_ack(body[1], code);
    if (code == ACK_OK)
        append_answer(kind, delimiter_tick);
    frame_close();
    outbox_send();
}
