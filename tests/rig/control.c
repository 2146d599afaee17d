/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Part of the simulated load-cell board, a separate program for tests only. It links libsimavr, which is GPL-3, and
 * is free software under the same licence, version 3 or later; without any warranty. See COPYING.
 */
/* The control protocol: one line in, one line out, or a count and so many lines. README.md lists the commands. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "control_channels.h"

#define MOST_WORDS 16

double number(const char *word, double low, double high, bool *failed)
{
    char *end = NULL;
    double value = word ? strtod(word, &end) : 0.0;

    if (!word || end == word || *end || !(value >= low && value <= high))
        *failed = true;
    return value;
}

static const command_t *find(const command_t *table, const char *verb)
{
    for (; table->verb; table++)
        if (!strcmp(table->verb, verb))
            return table;
    return NULL;
}

void control_line(rig_t *rig, char *line, FILE *answer)
{
    char *word[MOST_WORDS + 1] = {NULL};
    char *said = NULL;
    size_t said_size = 0;
    const command_t *command;
    const char *wrong;
    FILE *out;
    int n = 0;

    for (char *w = strtok(line, " \t\r\n"); w && n < MOST_WORDS; w = strtok(NULL, " \t\r\n"))
        word[n++] = w;
    if (!n)
        return;
    command = find(channel_commands, word[0]);
    if (!command)
        command = find(board_commands, word[0]);
    if (!command)
        command = find(line_commands, word[0]);
    if (!command) {
        fprintf(answer, "err no such command: %s\n", word[0]);
        return;
    }
    out = open_memstream(&said, &said_size);
    wrong = command->carry_out(rig, word + 1, out);
    fclose(out);
    if (wrong)
        fprintf(answer, "err %s: %s; usage: %s %s\n", command->verb, wrong, command->verb, command->usage);
    else if (said_size && memchr(said, '\n', said_size)) {
        unsigned lines = 0;
        for (size_t i = 0; i < said_size; i++)
            lines += said[i] == '\n';
        fprintf(answer, "ok lines=%u\n%s", lines, said);
    } else {
        fprintf(answer, "ok%s%s\n", said_size ? " " : "", said);
    }
    free(said);
}
