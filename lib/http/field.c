/* Fields of users in heads that go out, refused in words; see writer.h. */
#include <errno.h>
#include <string.h>

#include "../loop/loop_priv.h"
#include "writer.h"

int awl__http_out_users_field(awl__http_out *out, const char *name, const char *value)
{
    const int error = awl__http_out_field(out, name, value);
    const size_t len = name ? strlen(name) : 0;

    if (error != EINVAL)
        return error;
    if (!awl__http_is_token(name, len))
        return awl__http_invalid("a header cannot be called \"%s\"", name ? name : "");
    if (awl__http_is_framing(name, len))
        return awl__http_invalid("%s is not the caller's to say: it follows from the body", name);
    return awl__http_invalid("%s: the value is NULL, or has a control character, or a space at an end", name);
}
