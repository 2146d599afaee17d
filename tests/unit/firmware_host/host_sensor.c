/* A DS18B20 as its datasheet draws it: it answers a reset, takes skip ROM and two functions, gives nine octets. */
#include <string.h>

#include "ds18b20.h"

bool sensor_present = true;
bool sensor_flips_a_bit;
bool sensor_line_low;
int16_t sensor_sixteenths = 0x0550;  /* what the next fetch gives: 85 degC until it converted */
int16_t sensor_truth_sixteenths;
uint32_t sensor_slots;
uint32_t sensor_most_slots_a_step;

static uint32_t word;
static int bits;
static int read_at = -1;
static uint8_t scratchpad[9];

static uint8_t crc8(const uint8_t *octets, int count)
{
    uint8_t crc = 0;

    for (int n = 0; n < 8 * count; n++) {
        bool mix = ((crc >> 0) ^ (octets[n / 8] >> n % 8)) & 1;

        crc >>= 1;
        if (mix)
            crc ^= 0x8C;
    }
    return crc;
}

void onewire_pull_low(void)
{
}

bool onewire_release_and_look(void)
{
    word = 0;
    bits = 0;
    read_at = -1;
    return sensor_present;
}

void onewire_write(bool bit)
{
    sensor_slots++;
    word |= (uint32_t)bit << bits++;
    if (bits < 16)
        return;
    if (word == 0x44CC)
        sensor_sixteenths = sensor_truth_sixteenths;
    if (word == 0xBECC) {
        const uint8_t rest[] = {0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10};

        scratchpad[0] = (uint8_t)sensor_sixteenths;
        scratchpad[1] = (uint8_t)(sensor_sixteenths >> 8);
        memcpy(scratchpad + 2, rest, sizeof rest);
        scratchpad[8] = crc8(scratchpad, 8);
        if (sensor_flips_a_bit)
            scratchpad[1] ^= 1;
        read_at = 0;
    }
}

bool onewire_read(void)
{
    bool bit = read_at < 0 || (scratchpad[read_at / 8] >> read_at % 8 & 1);

    sensor_slots++;
    read_at++;
    return bit && !sensor_line_low;
}

/* Step for some ticks, every 50 us as the main loop does while it is busy. */
void sensor_run(uint32_t from, uint32_t ticks)
{
    for (uint32_t passed = 0; passed < ticks; passed += 100) {
        uint32_t before = sensor_slots;

        ds18b20_step(from + passed);
        if (sensor_slots - before > sensor_most_slots_a_step)
            sensor_most_slots_a_step = sensor_slots - before;
    }
}
