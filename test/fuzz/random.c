/*
 * random N: a fuzz target without a fuzzer: N inputs drawn at random, always the same, so that every build runs it a little.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int main(int argc, char **argv)
{
    const unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
    uint64_t state = 1;

    for (unsigned i = 0; i < n; i++) {
        static uint8_t data[600];
        const size_t len = 2 + i % (sizeof data - 1);

        for (size_t j = 0; j < len; j++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            data[j] = (uint8_t)(state >> 56);
        }
        LLVMFuzzerTestOneInput(data, len);
    }
    printf("1 passed, 0 failed\n");
    return 0;
}
