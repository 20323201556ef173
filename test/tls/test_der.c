/* test_der.c: elements of DER, and what is none. */
#include "../../lib/trust/der_priv.h"

#include <string.h>

#include "harness.h"

#define SPAN(text) ((awl__span){ (const unsigned char *)(text), sizeof(text) - 1 })

TEST(an_element_is_taken_with_and_without_its_head)
{
    awl__span in = SPAN("\x04\x02xy\x05\x00"), whole, content;

    CHECK_INT(awl__der_peek(&in), AWL__OCTETS);
    CHECK_INT(awl__der_next(&in, &whole, &content), AWL__OCTETS);
    CHECK_INT(whole.len, 4);
    CHECK(awl__span_is(content, "xy", 2));
    CHECK_INT(in.len, 2);
    CHECK_INT(awl__der_next(&in, NULL, NULL), 5);
    CHECK_INT(in.len, 0);
    CHECK_INT(awl__der_peek(&in), -1);
    CHECK_INT(awl__der_next(&in, NULL, NULL), -1);
}

/* An element with this head and as much content as `size` says, in memory of exactly its size. */
static int tag_of(const char *head, size_t head_len, size_t size)
{
    static unsigned char data[70000];
    awl__span in = { data, head_len + size };

    memcpy(data, head, head_len);
    return awl__der_next(&in, NULL, NULL);
}

TEST(lengths_are_as_short_as_they_can_be)
{
    CHECK_INT(tag_of("\x04\x7f", 2, 127), 4);
    CHECK_INT(tag_of("\x04\x81\x7f", 3, 127), -1);
    CHECK_INT(tag_of("\x04\x81\x80", 3, 128), 4);
    CHECK_INT(tag_of("\x04\x82\x00\x80", 4, 128), -1);
    CHECK_INT(tag_of("\x04\x82\x01\x00", 4, 256), 4);
    CHECK_INT(tag_of("\x04\x83\x01\x00\x00", 5, 65536), 4);
    CHECK_INT(tag_of("\x04\x84\x00\x01\x00\x00", 6, 65536), -1);
    CHECK_INT(tag_of("\x04\x80", 2, 0), -1);
    CHECK_INT(tag_of("\x1f\x01", 2, 1), -1);
}

TEST(what_is_cut_off_is_not_taken)
{
    awl__span in = SPAN("\x04\x02x"), content = SPAN("same");

    CHECK_INT(awl__der_next(&in, NULL, &content), -1);
    CHECK_INT(in.len, 3);
    CHECK(awl__span_is(content, "same", 4));
    CHECK_INT(tag_of("\x04", 1, 0), -1);
    CHECK_INT(tag_of("\x04\x81", 2, 0), -1);
    CHECK_INT(tag_of("\x04\x82\x01", 3, 0), -1);
    CHECK_INT(tag_of("\x04\x81\x80", 3, 127), -1);
    CHECK_INT(tag_of("\x04\x7f", 2, 126), -1);
}

TEST(only_the_wanted_tag_is_taken)
{
    awl__span in = SPAN("\x04\x01x"), content;

    CHECK(!awl__der_take(&in, AWL__SEQUENCE, &content));
    CHECK_INT(in.len, 3);
    CHECK(awl__der_take(&in, AWL__OCTETS, &content));
}

/* The length of the number; -1: it is none. */
static int number_of(awl__span in)
{
    awl__span number;

    return awl__der_unsigned(&in, &number) ? (int)number.len : -1;
}

TEST(numbers_are_positive_and_short)
{
    CHECK_INT(number_of(SPAN("\x02\x01\x00")), 0);
    CHECK_INT(number_of(SPAN("\x02\x01\x7f")), 1);
    CHECK_INT(number_of(SPAN("\x02\x02\x00\x80")), 1);
    CHECK_INT(number_of(SPAN("\x02\x02\x00\x7f")), -1);
    CHECK_INT(number_of(SPAN("\x02\x01\x80")), -1);
    CHECK_INT(number_of(SPAN("\x02\x00")), -1);
    CHECK_INT(number_of(SPAN("\x04\x01\x00")), -1);
}

TEST(bits_are_whole_bytes)
{
    awl__span in = SPAN("\x03\x03\x00xy"), bits;

    CHECK(awl__der_bits(&in, &bits));
    CHECK(awl__span_is(bits, "xy", 2));
    CHECK(awl__der_bits(&SPAN("\x03\x01\x00"), &bits));
    CHECK_INT(bits.len, 0);
    CHECK(!awl__der_bits(&SPAN("\x03\x02\x01x"), &bits));
    CHECK(!awl__der_bits(&SPAN("\x03\x00"), &bits));
    CHECK(!awl__der_bits(&SPAN("\x04\x02\x00x"), &bits));
}
