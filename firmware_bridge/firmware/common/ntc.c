#include "ntc.h"

#include "hardware.h"

/* A segment of the curve is 512 of the 16368 that sixteen full readings sum to. */
#define SEGMENT 512
#define SEGMENTS 32
/* The outermost segments are steeper than any cold store or any sunlit shelf: -35 degC and 130 degC lie within. */
#define OPEN_FROM (31 * SEGMENT)
#define SHORT_BELOW (1 * SEGMENT)

/* 0.01 degC at the ends of the segments 1 .. 31, from R / 10k = x / (1 - x) at x = n / 32 and the B equation
   1 / T = 1 / 298.15 K + ln(R / 10k) / 3950 K. Interpolated, it is 0.1 degC off at most between -10 and 60 degC. */
static const int16_t curve_cdeg[SEGMENTS - 1] = {
    12932, 10160, 8661, 7633, 6849, 6211, 5669, 5196, 4772, 4387,
    4030, 3696, 3379, 3077, 2784, 2500, 2221, 1945, 1670, 1393,
    1113, 825, 528, 217, -114, -471, -867, -1318, -1859, -2560,
    -3637,
};

int16_t ntc_cdeg(uint16_t sum_of_readings)
{
    const int16_t *left;
    int16_t fall;

    if (sum_of_readings < SHORT_BELOW || sum_of_readings >= OPEN_FROM)
        return TEMPERATURE_NONE;
    left = &curve_cdeg[sum_of_readings / SEGMENT - 1];
    fall = (int16_t)(left[0] - left[1]);
    return (int16_t)(left[0] - (int32_t)fall * (sum_of_readings % SEGMENT) / SEGMENT);
}
