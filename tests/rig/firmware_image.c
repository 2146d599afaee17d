/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
#include "firmware_image.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avr_eeprom.h>

#define EEPROM_OFFSET 0x810000u /* where avr-gcc puts EEPROM in its one address space */
#define IMAGE_MAX (4u << 20)

static void refuse(const char *path, const char *why)
{
    fprintf(stderr, "rig: firmware %s: %s\n", path, why);
    exit(2);
}

static void put(avr_t *avr, const char *path, uint32_t address, const uint8_t *octets, uint32_t n)
{
    avr_eeprom_desc_t eeprom = {.ee = (uint8_t *)octets, .offset = (uint16_t)(address - EEPROM_OFFSET), .size = n};

    if (address >= EEPROM_OFFSET && address + n <= EEPROM_OFFSET + avr->e2end + 1)
        avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &eeprom);
    else if (address + n <= avr->flashend + 1)
        memcpy(avr->flash + address, octets, n);
    else if (address < 0x800000u)
        refuse(path, "does not fit into 32 kB of flash");
}

/* By the loadable segments, for libsimavr's own reader knows .text and .data and no other section. */
static uint32_t load_elf(avr_t *avr, const char *path, const uint8_t *image, size_t size)
{
    const Elf32_Ehdr *head = (const Elf32_Ehdr *)image;
    uint32_t lowest = UINT32_MAX;

    if (size < sizeof *head || head->e_ident[EI_CLASS] != ELFCLASS32 || head->e_machine != EM_AVR)
        refuse(path, "not an AVR program");
    for (int i = 0; i < head->e_phnum; i++) {
        const Elf32_Phdr *part = (const Elf32_Phdr *)(image + head->e_phoff + (size_t)i * head->e_phentsize);
        if ((size_t)((const uint8_t *)(part + 1) - image) > size || part->p_offset + part->p_filesz > size)
            refuse(path, "cut short");
        if (part->p_type != PT_LOAD || !part->p_filesz)
            continue;
        put(avr, path, part->p_paddr, image + part->p_offset, part->p_filesz);
        if (part->p_paddr < lowest)
            lowest = part->p_paddr;
    }
    return lowest;
}

static uint32_t load_hex(avr_t *avr, const char *path, char *text)
{
    uint32_t base = 0, lowest = UINT32_MAX;

    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        uint8_t record[5 + 255], sum = 0;
        unsigned octet, n = 0;
        if (line[0] != ':')
            refuse(path, "neither an .elf nor an Intel .hex file");
        for (const char *at = line + 1; n < sizeof record && at[0] && at[1] && sscanf(at, "%2x", &octet) == 1; at += 2)
            sum = (uint8_t)(sum + (record[n++] = (uint8_t)octet));
        if (n < 5 || n != 5u + record[0] || sum)
            refuse(path, "a line with a wrong length or sum");
        uint32_t address = base + (uint32_t)(record[1] << 8 | record[2]);
        if (record[3] == 0) {
            put(avr, path, address, record + 4, record[0]);
            lowest = address < lowest ? address : lowest;
        } else if (record[3] == 2 || record[3] == 4) {
            base = (uint32_t)(record[4] << 8 | record[5]) << (record[3] == 2 ? 4 : 16);
        }
    }
    return lowest;
}

uint32_t firmware_load(avr_t *avr, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *image = malloc(IMAGE_MAX + 1);
    size_t size;
    uint32_t lowest;

    if (!file)
        refuse(path, "cannot be read: build it first (make -C firmware_bridge/firmware)");
    size = fread(image, 1, IMAGE_MAX, file);
    fclose(file);
    image[size] = 0;
    if (size > SELFMAG && !memcmp(image, ELFMAG, SELFMAG))
        lowest = load_elf(avr, path, image, size);
    else
        lowest = load_hex(avr, path, (char *)image);
    free(image);
    if (lowest == UINT32_MAX)
        refuse(path, "holds no code");
    return lowest;
}
