/* test_message.c: what is known of an error beyond its number. */
#include "../../lib/task/task_priv.h"
#include "rig.h"

static void note(int error, const char *text) { awl__error_detail(awl_running_, error, "%s", text); }

TEST(without_a_loop_there_is_the_name_of_the_error)
{
    CHECK_STR(awl_error_message(AWL_ETLS), awl_strerror(AWL_ETLS));
    CHECK_STR(awl_error_message(0), awl_strerror(0));
}

TASK_TEST(the_youngest_text_of_a_number_counts, {})
{
    co_begin;
    CHECK_STR(awl_error_message(EPROTO), awl_strerror(EPROTO));
    note(EPROTO, "first");
    note(EINVAL, "other");
    CHECK_STR(awl_error_message(EPROTO), "first");
    note(EPROTO, "second");
    CHECK_STR(awl_error_message(EPROTO), "second");
    CHECK_STR(awl_error_message(EINVAL), "other");
    co_end;
}

co_def(fails, { const char *text; })
{
    co_begin;
    note(EPROTO, self->text);
    co_await(awl_sleep(AWL_SECOND));
    CHECK_STR(awl_error_message(EPROTO), self->text);
    co_raise(EPROTO);
    co_end;
}

TASK_TEST(a_task_gets_its_own_text, { awl_outcome outcomes[2]; })
{
    co_begin;
    co_await(awl_gather_return_exceptions(self->outcomes, co_call(fails, .text = "a"), co_call(fails, .text = "b")));
    CHECK_INT(self->outcomes[0].error, EPROTO);
    CHECK_STR(awl_error_message(EPROTO), "b"); /* of the children, as there is none of this task */
    co_end;
}

TASK_TEST(eight_texts_are_kept, { int i; })
{
    co_begin;
    note(EPROTO, "old");
    for (self->i = 0; self->i < 7; self->i++)
        note(EINVAL, "new");
    CHECK_STR(awl_error_message(EPROTO), "old");
    note(EINVAL, "new");
    CHECK_STR(awl_error_message(EPROTO), awl_strerror(EPROTO));
    co_end;
}

TASK_TEST(an_error_of_which_nothing_is_known_hides_older_texts, {})
{
    co_begin;
    awl__error_plain(awl_running_, EPROTO);
    note(EPROTO, "old");
    note(EINVAL, "other");
    awl__error_plain(awl_running_, EPROTO);
    CHECK_STR(awl_error_message(EPROTO), awl_strerror(EPROTO));
    CHECK_STR(awl_error_message(EINVAL), "other");
    note(EPROTO, "new");
    CHECK_STR(awl_error_message(EPROTO), "new");
    co_end;
}

TASK_TEST(a_long_text_is_cut, { char text[3000]; })
{
    co_begin;
    memset(self->text, 'x', sizeof self->text - 1);
    self->text[sizeof self->text - 1] = '\0';
    note(EPROTO, self->text);
    CHECK_INT(strlen(awl_error_message(EPROTO)), 1023);
    co_end;
}

static char told[64];

static void keep_message(void *arg, const awl_report *report)
{
    (void)arg;
    snprintf(told, sizeof told, "%s", report->message ? report->message : "");
}

co_def(raises, {})
{
    co_begin;
    note(EPROTO, "the dog ate it");
    co_raise(EPROTO);
    co_end;
}

TEST(reports_have_the_text)
{
    const awl_loop_options options = { .virtual_time = true, .report = keep_message };

    CHECK_INT(awl_run_with(co_call(raises), &options, NULL), EPROTO);
    CHECK_STR(told, "the dog ate it");
}

/* What others send cannot forge a line of a log, nor drive a terminal. */
TASK_TEST(control_characters_and_broken_utf_8_are_escaped, { char text[1025]; })
{
    static const struct {
        const char *said, *shown;
    } cases[] = {
        { "a\nb\x1b[2Jc\x7f\t", "a\\x0ab\\x1b[2Jc\\x7f\\x09" },
        { "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "\xc2\x9b" "31m", "\\xc2\\x9b31m" },
        { "\xff \xc3 \xe2\x82", "\\xff \\xc3 \\xe2\\x82" },
        { "\xc0\xaf \xe0\x80\xaf \xed\xa0\x80 \xf4\x90\x80\x80",
          "\\xc0\\xaf \\xe0\\x80\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80" },
    };

    co_begin;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        note(EPROTO, cases[i].said);
        CHECK_STR(awl_error_message(EPROTO), cases[i].shown);
    }
    memset(self->text, '\n', sizeof self->text - 1);
    note(EPROTO, self->text);
    CHECK_INT(strlen(awl_error_message(EPROTO)), 1020); /* as many as fit, whole */
    co_end;
}
