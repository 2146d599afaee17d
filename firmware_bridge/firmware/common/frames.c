#include "frames.h"

#include "cobs.h"
#include "crc16.h"

struct frame frame;

void frame_open(uint8_t type)
{
    frame.length = 1;
    frame_u8(type);
}

void frame_u8(uint8_t value)
{
    frame.octets[frame.length++] = value;
}

void frame_u16(uint16_t value)
{
    frame_u8((uint8_t)value);
    frame_u8((uint8_t)(value >> 8));
}

void frame_u32(uint32_t value)
{
    frame_u16((uint16_t)value);
    frame_u16((uint16_t)(value >> 16));
}

void frame_octets(const uint8_t *octets, uint8_t count)
{
    while (count--)
        frame_u8(*octets++);
}

void frame_close(void)
{
    frame_u16(crc16_of(frame.octets + 1, (uint8_t)(frame.length - 1)));
    cobs_encode(frame.octets, (uint8_t)(frame.length - 1));
    frame_u8(0);
}

void frame_hello(const struct hello *hello)
{
    frame_open(FRAME_HELLO);
    frame_u8(PROTOCOL_MAJOR);
    frame_u8(PROTOCOL_MINOR);
    frame_octets(hello->uid, UID_OCTETS);
    frame_u32(hello->firmware_hash);
    frame_u16(hello->boot_counter);
    frame_u8(hello->reset_cause);
    frame_u32(hello->tick_rate_hz);
    frame_u8(hello->channels);
    frame_u8(hello->gain);
    frame_u32(hello->rate_mhz);
    frame_u8(hello->firmware_major);
    frame_u8(hello->firmware_minor);
    frame_u8(hello->inputs);
    frame_octets(hello->signature, SIGNATURE_OCTETS);
    frame_close();
}

void frame_samples(const struct samples *samples)
{
    uint8_t conversions = (uint8_t)(samples->rows * samples->channels);

    frame_open(FRAME_SAMPLES);
    frame_u16(samples->sequence);
    frame_u32(samples->first_index);
    frame_u32(samples->last_tick);
    frame_u16(samples->overflow);
    frame_u8(samples->rows);
    frame_u8(samples->channels);
    for (uint8_t n = 0; n < conversions; n++) {
        uint32_t bits = (uint32_t)samples->counts[n];

        frame_u16((uint16_t)bits);
        frame_u8((uint8_t)(bits >> 16));
    }
    for (uint8_t n = 0; n < conversions; n = (uint8_t)(n + 2)) {
        uint8_t later = n + 1 < conversions ? samples->flags[n + 1] : 0;

        frame_u8((uint8_t)(samples->flags[n] | later << 4));
    }
    frame_close();
}

void frame_aux(const struct aux *aux)
{
    frame_open(FRAME_AUX);
    frame_u32(aux->tick);
    frame_u16(aux->supply_mv);
    frame_u8(aux->digital_inputs);
    frame_u8(aux->temperatures);
    frame_u8(aux->channels);
    for (uint8_t n = 0; n < aux->temperatures; n++)
        frame_u16((uint16_t)aux->temperature_cdeg[n]);
    for (uint8_t n = 0; n < aux->channels; n++)
        frame_u16(aux->skipped[n]);
    frame_u16(aux->bad_frames);
    frame_u16(aux->receive_overruns);
    frame_u16(aux->desyncs);
    frame_close();
}

void frame_ack(uint8_t request_id, uint8_t code)
{
    frame_open(FRAME_ACK);
    frame_u8(request_id);
    frame_u8(code);
}
