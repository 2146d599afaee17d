#include "ds18b20.h"

#include "build.h"
#include "hardware.h"
#include "ticks.h"

/* DS18B20 datasheet: reset low >= 480 us, presence within 480 us, 12-bit conversion <= 750 ms. */
#define RESET_TICKS (500 * TICKS_PER_MS / 1000)
#define CONVERSION_TICKS (800 * TICKS_PER_MS)
/* The rest of a second, so that every AUX has a new reading. */
#define REST_TICKS (150 * TICKS_PER_MS)
#define SKIP_ROM 0xCC
#define CONVERT_T 0x44
#define READ_SCRATCHPAD 0xBE
#define SCRATCHPAD_OCTETS 9
/* Reads so until the first conversion after power-up, in sixteenths of a degree: 85 degC. */
#define POWER_ON_READING 0x0550

enum step { RESTING, RESETTING, ANSWERING, WRITING, READING };

static enum step step;
static bool fetching; /* the command to come: read the scratchpad, else convert */
static uint8_t bits_done;
static uint8_t scratchpad[SCRATCHPAD_OCTETS];
static uint32_t step_tick; /* when the step under way is over */
static int16_t cdeg;

static void rest(uint32_t now, uint32_t ticks)
{
    step = RESTING;
    step_tick = now + ticks;
}

void ds18b20_start(uint32_t now)
{
    fetching = false;
    cdeg = TEMPERATURE_NONE;
    rest(now, 0);
}

bool ds18b20_busy(void)
{
    return step != RESTING;
}

int16_t ds18b20_cdeg(void)
{
    return cdeg;
}

/* Maxim's CRC-8, x^8 + x^5 + x^4 + 1, reflected: zero over the scratchpad and its own CRC. */
static bool scratchpad_is_whole(void)
{
    uint8_t crc = 0;

    for (uint8_t n = 0; n < SCRATCHPAD_OCTETS; n++) {
        crc ^= scratchpad[n];
        for (uint8_t bit = 0; bit < 8; bit++)
            crc = crc & 1 ? (uint8_t)(crc >> 1) ^ 0x8C : crc >> 1;
    }
    /* a line held low reads zeros, whose CRC is zero too; the configuration register never is */
    return crc == 0 && scratchpad[4] != 0;
}

static void evaluate(void)
{
    int16_t sixteenths = (int16_t)((uint16_t)scratchpad[1] << 8 | scratchpad[0]);

    if (scratchpad_is_whole() && sixteenths != POWER_ON_READING)
        cdeg = (int16_t)((int32_t)sixteenths * 100 / 16);
    else
        cdeg = TEMPERATURE_NONE;
}

static void write_bit(uint32_t now)
{
    uint16_t word = (uint16_t)((fetching ? READ_SCRATCHPAD : CONVERT_T) << 8 | SKIP_ROM);

    onewire_write(word >> bits_done & 1);
    if (++bits_done < 16)
        return;
    bits_done = 0;
    if (fetching) {
        step = READING;
    } else {
        fetching = true;
        rest(now, CONVERSION_TICKS);
    }
}

static void read_bit(uint32_t now)
{
    uint8_t *octet = &scratchpad[bits_done / 8];

    *octet = (uint8_t)(*octet >> 1 | (onewire_read() ? 0x80 : 0));
    if (++bits_done < 8 * SCRATCHPAD_OCTETS)
        return;
    evaluate();
    fetching = false;
    rest(now, REST_TICKS);
}

void ds18b20_step(uint32_t now)
{
    switch (step) {
    case RESTING:
        if (tick_reached(now, step_tick)) {
            onewire_pull_low();
            step = RESETTING;
            step_tick = now + RESET_TICKS;
        }
        break;
    case RESETTING:
        if (!tick_reached(now, step_tick))
            break;
        step_tick = now + RESET_TICKS;
        if (onewire_release_and_look()) {
            step = ANSWERING;
        } else {
            cdeg = TEMPERATURE_NONE;
            fetching = false;
            rest(now, TICK_RATE_HZ);
        }
        break;
    case ANSWERING:
        if (tick_reached(now, step_tick)) {
            bits_done = 0;
            step = WRITING;
        }
        break;
    case WRITING:
        write_bit(now);
        break;
    case READING:
        read_bit(now);
        break;
    }
}
