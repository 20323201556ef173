/* The buffer that streams and readers are read from; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

enum { FIRST_BUFFER = 4096 };

static awl_loop *loop_of(awl_input_ *in)
{
    return in->fed_ ? awl__reader_of(in)->loop_
                    : ((awl_stream *)(void *)((char *)in - offsetof(awl_stream, in)))->io.loop;
}

/* ---- What only readers do ---------------------------------------------------------------------------------------- */

void awl__reader_settle(awl_reader *r)
{
    r->detail_ = 0;
    if (r->lent_)
        awl__free(r->loop_, r->lent_, r->lent_cap_);
    r->lent_ = NULL;
}

void awl__reader_tell(awl_reader *r, bool pause)
{
    r->paused_ = pause;
    r->pause_(r->pause_arg_, pause);
}

void awl__reader_taken(awl_reader *r)
{
    if (r->paused_ && awl__input_len(&r->in_) <= r->in_.limit_)
        awl__reader_tell(r, false);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

void awl__input_free(awl_input_ *in)
{
    awl__free(loop_of(in), in->at_, in->cap_);
    in->at_ = NULL;
    in->start_ = in->end_ = in->cap_ = 0;
    in->hides_ = in->lends_ = false;
}

/* Moves what is buffered to a larger block. A line that was given stays where it is. */
static bool grow(awl_input_ *in, size_t need)
{
    const size_t len = awl__input_len(in);
    size_t cap = in->cap_ < FIRST_BUFFER ? FIRST_BUFFER : in->cap_;
    char *at;

    while (cap < need)
        cap *= 2;
    at = awl__alloc(loop_of(in), cap);
    if (!at)
        return false;
    if (len)
        memcpy(at, in->at_ + in->start_, len);
    if (in->hides_)
        at[0] = in->hidden_; /* overwritten at once, where nothing is buffered */
    if (in->lends_) {        /* a reader: streams settle before */
        in->hides_ = in->lends_ = false;
        awl__reader_of(in)->lent_ = in->at_;
        awl__reader_of(in)->lent_cap_ = in->cap_;
    } else {
        awl__free(loop_of(in), in->at_, in->cap_);
    }
    in->at_ = at;
    in->cap_ = cap;
    in->start_ = 0;
    in->end_ = len;
    return true;
}

bool awl__input_room(awl_input_ *in, size_t n)
{
    const size_t len = awl__input_len(in), need = len + n + 1;
    const bool behind_line = in->hides_ && len == 0; /* the zero byte of the line is in the way, and has to stay */

    if (n > SIZE_MAX / 8 || len > SIZE_MAX / 8)
        return false;
    if (behind_line && in->cap_ - in->end_ > n + 1) {
        in->start_ = ++in->end_;
        in->hides_ = false;
        return true;
    }
    if (in->cap_ - in->end_ > n && !behind_line)
        return true;
    if (in->lends_ || need > in->cap_ || in->start_ < len) /* to move few bytes for much room is cheap in the end */
        return grow(in, need > in->cap_ ? need : in->lends_ ? in->cap_ : in->cap_ * 2);
    memmove(in->at_, in->at_ + in->start_, len);
    in->start_ = 0;
    in->end_ = len;
    return true;
}

bool awl__input_push_back(awl_input_ *in, const void *data, size_t len)
{
    const size_t behind = awl__input_len(in), cap = len + behind + 1;
    char *at;

    if (!len)
        return true;
    awl__input_settle(in);
    at = awl__alloc(loop_of(in), cap);
    if (!at)
        return false;
    memcpy(at, data, len);
    if (behind)
        memcpy(at + len, in->at_ + in->start_, behind);
    awl__input_free(in);
    in->at_ = at;
    in->end_ = len + behind;
    in->cap_ = cap;
    return true;
}
