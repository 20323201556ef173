/* Inputs that are texts of a language: bytes below 128 are characters, the others words of a list, so that inputs drawn at
 * random are nearly right, and a fuzzer gets far with each byte that it changes. */
#ifndef FUZZ_WORDS_H
#define FUZZ_WORDS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXT = 40000 };

static inline void must(int so)
{
    if (!so)
        abort();
}

/* Writes the text of an input into `text`. Result: its length. */
static inline size_t text_of(const uint8_t *data, size_t len, const char *const *words, size_t n, char text[MOST_TEXT + 1])
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        const char letter = (char)data[i], *word = data[i] < 128 ? &letter : words[(data[i] - 128u) % n];
        const size_t size = data[i] < 128 ? 1 : strlen(word);

        if (used + size > MOST_TEXT)
            break;
        memcpy(text + used, word, size);
        used += size;
    }
    text[used] = '\0';
    return used;
}

#endif
