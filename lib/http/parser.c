/* The parser of heads; see parser.h. */
#include "parser.h"

#include <string.h>

_Static_assert(AWL__HEAD_LIMIT <= UINT16_MAX, "offsets into a head take 16 bits");

/* ---- Characters -------------------------------------------------------------------------------------------------- */

enum { TOKEN = 1, VALUE = 2, TARGET = 4, HOST = 8 };

/* RFC 9110, 5.6.2 (tokens) and 5.5 (values); RFC 3986 (targets, and what browsers do not encode; but no fragment; names
 * of hosts, without their escapes). */
#define C_(c)                                                                                                    \
    ((((c) >= '0' && (c) <= '9') || ((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z') || (c) == '!' ||    \
              (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' || \
              (c) == '_' || (c) == '~'                                                                           \
          ? TOKEN | VALUE | TARGET | HOST                                                                        \
      : (c) == '%' || (c) == '^' || (c) == '`' || (c) == '|'               ? TOKEN | VALUE | TARGET              \
      : (c) == '#'                                                         ? TOKEN | VALUE                       \
      : (c) == '(' || (c) == ')' || (c) == ',' || (c) == ';' || (c) == '=' ? VALUE | TARGET | HOST               \
      : (c) == '\t' || (c) == ' ' || (c) >= 0x80                           ? VALUE                               \
      : (c) > ' ' && (c) < 0x7f                                            ? VALUE | TARGET                      \
                                                                           : 0))
#define C8_(c) C_(c), C_((c) + 1), C_((c) + 2), C_((c) + 3), C_((c) + 4), C_((c) + 5), C_((c) + 6), C_((c) + 7)
#define C32_(c) C8_(c), C8_((c) + 8), C8_((c) + 16), C8_((c) + 24)
#define C64_(c) C32_(c), C32_((c) + 32)

static const uint8_t kinds[256] = { C64_(0), C64_(64), C64_(128), C64_(192) };

static size_t span(const char *text, size_t len, uint8_t kind)
{
    const char *at = text, *end = text + len;

    while (at < end && kinds[(unsigned char)*at] & kind)
        at++;
    return (size_t)(at - text);
}

bool awl__http_is_token(const char *text, size_t len) { return len && span(text, len, TOKEN) == len; }

/* Eight bytes at once, as long as there is no control character among them: a byte below 0x20 has, less 0x20, a borrow
 * into its highest bit, which it did not have before; and DEL, with its bits turned over, is a zero byte. */
bool awl__http_is_value(const char *text, size_t len)
{
    const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
    uint64_t eight;

    for (; len >= sizeof eight; text += sizeof eight, len -= sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        if ((((eight - ones * 0x20) & ~eight) | (((eight ^ ones * 0x7f) - ones))) & tops)
            break; /* it may be a tab, too, or beyond ASCII */
    }
    return span(text, len, VALUE) == len;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

bool awl__http_same(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

bool awl__http_same_n(const char *a, size_t len, const char *text)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != text[i]) /* a zero byte is in no token */
            return false;
    }
    return !text[len];
}

/* ---- Verdicts ---------------------------------------------------------------------------------------------------- */

static int refuse(awl__http_head *head, uint16_t status, const char *what)
{
    head->status = status;
    head->what = what;
    return -1;
}

/* ---- Hosts ------------------------------------------------------------------------------------------------------- */

/* RFC 3986, 3.2.2: a name, of which it need not be one that DNS can have. Without `colons`, it ends at one. */
static size_t host_name(const char *value, size_t len, bool colons)
{
    size_t i = span(value, len, HOST);

    while (i < len) {
        const bool escape = value[i] == '%' && len - i > 2 && awl__http_hex(value[i + 1]) >= 0 &&
                            awl__http_hex(value[i + 2]) >= 0;

        if (!escape && (value[i] != ':' || !colons))
            break;
        i++;
        i += span(value + i, len - i, HOST);
    }
    return i;
}

/* An IPv6 address, in brackets; what else has colons in it has no name. 0: it is no such thing. */
static size_t bracketed(const char *value, size_t len)
{
    const size_t n = 1 + host_name(value + 1, len - 1, true);

    return n < len && value[n] == ']' && memchr(value, ':', n) ? n + 1 : 0;
}

/* RFC 9110, 7.2: uri-host [ ":" port ]; no user, path or space. The host, or also the port, has to be there. */
static bool is_host(const char *value, size_t len, bool with_host, bool with_port)
{
    size_t i = len && value[0] == '[' ? bracketed(value, len) : host_name(value, len, false);

    if (!i && with_host)
        return false;
    if (i < len && value[i] != ':')
        return false;
    if (len - i < 2 && with_port)
        return false;
    i += i < len;
    while (i < len && awl__http_is_digit(value[i]))
        i++;
    return i == len;
}

/* ---- The first line ---------------------------------------------------------------------------------------------- */

/* "HTTP/1.x". 0, or the status that a request gets. */
static uint16_t parse_version(awl__http_head *head, const char *text)
{
    if (memcmp(text, "HTTP/", 5) != 0 || !awl__http_is_digit(text[5]) || text[6] != '.' || !awl__http_is_digit(text[7]))
        return 400;
    head->minor = text[7] != '0'; /* what is later than 1.1 is spoken to as 1.1: RFC 9110, 2.5 */
    return text[5] == '1' ? 0 : 505;
}

/* The length of "http://" or "https://" at the start; 0: there is neither. */
static size_t scheme(const char *target, size_t len)
{
    return len > 7 && awl__http_same_n(target, 7, "http://")    ? 7
           : len > 8 && awl__http_same_n(target, 8, "https://") ? 8
                                                                : 0;
}

/* The forms of RFC 9112, 3.2. A user in one is refused, as RFC 9110, 4.2.4 would have it. */
static bool is_target_for(const char *target, size_t len, const char *method, size_t method_len)
{
    size_t from, to;

    if (method_len == 7 && memcmp(method, "CONNECT", 7) == 0)
        return is_host(target, len, true, true);
    if (target[0] == '/')
        return true;
    if (len == 1 && target[0] == '*')
        return method_len == 7 && memcmp(method, "OPTIONS", 7) == 0;
    from = to = scheme(target, len);
    while (to < len && target[to] != '/' && target[to] != '?')
        to++;
    return from && is_host(target + from, to - from, true, false);
}

static int request_line(awl__http_head *head, char *at, size_t start, size_t len)
{
    char *line = at + start, *target;
    const size_t method = span(line, len, TOKEN);
    size_t target_len;
    uint16_t status;

    if (!method || method == len || line[method] != ' ')
        return refuse(head, 400, "the request does not begin with a method and one space");
    target = line + method + 1;
    target_len = span(target, len - method - 1, TARGET);
    if (!target_len || len - method - 1 - target_len < 9 || target[target_len] != ' ')
        return refuse(head, 400, "no target between single spaces");
    if (len - method - 1 - target_len != 9)
        return refuse(head, 400, "the first line does not end with a version of HTTP");
    status = parse_version(head, target + target_len + 1);
    if (status)
        return refuse(head, status, "the version of HTTP is not 1.0 or 1.1");
    if (!is_target_for(target, target_len, line, method))
        return refuse(head, 400, "the target is of no form that this method has");
    line[method] = target[target_len] = '\0';
    head->method = (uint16_t)start;
    head->target = (uint16_t)(target - at);
    return 0;
}

/* "HTTP/1.1 200 OK"; servers leave out the reason, some with the space before it. */
static int status_line(awl__http_head *head, char *at, size_t start, size_t len)
{
    char *line = at + start;

    if (len < 12 || parse_version(head, line) || line[8] != ' ' || (len > 12 && line[12] != ' '))
        return refuse(head, 502, "the response does not begin with HTTP/1.x and a status");
    for (int i = 9; i < 12; i++) {
        if (!awl__http_is_digit(line[i]))
            return refuse(head, 502, "the status is not a number of three digits");
    }
    if (line[9] == '0' || !awl__http_is_value(line, len))
        return refuse(head, 502, "the status line has what no status line has");
    head->status = (uint16_t)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
    line[len] = '\0';
    head->reason = (uint16_t)(start + (len > 13 ? 13 : len));
    return 0;
}

/* ---- Fields that the protocol itself goes by --------------------------------------------------------------------- */

static int content_length(awl__http_head *head, const char *value, size_t len)
{
    uint64_t length = 0;

    for (size_t i = 0; i < len; i++) {
        if (!awl__http_is_digit(value[i]) || length > (UINT64_MAX - 9) / 10)
            return refuse(head, 400, "Content-Length is not one number");
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    if (!len || length > INT64_MAX)
        return refuse(head, 400, "Content-Length is not one number");
    if (head->has_length && (!head->of_response || head->length != length))
        return refuse(head, 400, "there is more than one Content-Length");
    head->has_length = true;
    head->length = length;
    return 0;
}

/* The next element of a list, RFC 9110, 5.6.1; empty ones are skipped. false: there is none. */
static bool next_element(const char **at, const char *end, const char **element, size_t *len)
{
    const char *from = *at, *to;

    while (from < end && (*from == ' ' || *from == '\t' || *from == ','))
        from++;
    for (to = from; to < end && *to != ','; to++)
        ;
    *at = to;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    *element = from;
    *len = (size_t)(to - from);
    return to > from;
}

/* Only "chunked", and only as the last, can be known to end. */
static int transfer_encoding(awl__http_head *head, const char *value, size_t len)
{
    const char *at = value, *coding;
    size_t size;
    bool any = false;

    while (next_element(&at, value + len, &coding, &size)) {
        if (head->chunked)
            return refuse(head, 400, "Transfer-Encoding goes on after chunked");
        any = true;
        if (awl__http_same_n(coding, size, "chunked"))
            head->chunked = true;
        else
            head->other_coding = true;
    }
    return any ? 0 : refuse(head, 400, "Transfer-Encoding is empty");
}

static int connection(awl__http_head *head, const char *value, size_t len)
{
    const char *at = value, *option;
    size_t size;

    while (next_element(&at, value + len, &option, &size)) {
        if (awl__http_same_n(option, size, "close"))
            head->close = true;
        else if (awl__http_same_n(option, size, "keep-alive"))
            head->keep_alive = true;
        else if (awl__http_same_n(option, size, "upgrade"))
            head->upgrade = true;
    }
    return 0;
}

static int host(awl__http_head *head, const char *value, size_t len)
{
    if (head->of_response)
        return 0;
    if (head->has_host || !is_host(value, len, false, false))
        return refuse(head, 400, head->has_host ? "there is more than one Host" : "Host is not a host");
    head->has_host = true;
    return 0;
}

/* RFC 9110, 10.1.1: there is one expectation, and HTTP/1.0 has none. */
static int expect(awl__http_head *head, const char *value, size_t len)
{
    if (head->of_response || !head->minor)
        return 0;
    if (!awl__http_same_n(value, len, "100-continue"))
        return refuse(head, 417, "Expect is not 100-continue");
    head->expects_continue = true;
    return 0;
}

/* What the protocol makes of a field. 0; 1: it has a meaning; negative: it is refused. */
static int meaning(awl__http_head *head, const char *name, size_t name_len, const char *value, size_t len)
{
    /* By the lengths of their names, which all differ. Most fields have other ones, and need no further look. */
    static const struct {
        const char *name;
        int (*take)(awl__http_head *head, const char *value, size_t len);
    } known[] = { [4] = { "host", host },
                  [6] = { "expect", expect },
                  [10] = { "connection", connection },
                  [14] = { "content-length", content_length },
                  [17] = { "transfer-encoding", transfer_encoding } };

    if (name_len >= sizeof known / sizeof *known || !known[name_len].name ||
        !awl__http_same_n(name, name_len, known[name_len].name))
        return 0;
    return known[name_len].take(head, value, len) < 0 ? -1 : 1;
}

/* ---- Field lines ------------------------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Takes the blanks off both ends of line[*from, *to). Result: whether the rest is a value. */
static bool trim_value(const char *line, size_t *from, size_t *to)
{
    while (*from < *to && is_blank(line[*from]))
        ++*from;
    while (*to > *from && is_blank(line[*to - 1]))
        --*to;
    return awl__http_is_value(line + *from, *to - *from);
}

/*
 * A line that goes on from the one before, RFC 9112, 5.2: refused in a request, joined by spaces in a response. The
 * fields by which the protocol goes have been understood by then, and may not go on.
 */
static int folded_line(awl__http_head *head, char *at, size_t start, size_t len)
{
    awl__field *field = head->n ? &head->fields[head->n - 1] : NULL;
    size_t from = start, to = start + len, end;

    if (!head->of_response || !field || head->last_has_meaning)
        return refuse(head, 400, "a field goes on over two lines");
    if (!trim_value(at, &from, &to))
        return refuse(head, 400, "a field has a control character");
    if (from == to)
        return 0;
    end = field->value + strlen(at + field->value);
    if (at[field->value])
        memset(at + end, ' ', from - end);
    else
        field->value = (uint16_t)from;
    at[to] = '\0';
    return 0;
}

/* "Name: value", RFC 9112, 5; no space before the colon. */
static int field_line(awl__http_head *head, char *at, size_t start, size_t len)
{
    char *line = at + start;
    const size_t name = span(line, len, TOKEN);
    size_t from = name + 1, to = len;
    int rc;

    if (is_blank(line[0]))
        return folded_line(head, at, start, len);
    if (!name || name == len || line[name] != ':')
        return refuse(head, 400, "a field has no name, or no colon right behind it");
    if (!trim_value(line, &from, &to))
        return refuse(head, 400, "a field has a control character");
    if (head->n == AWL__FIELDS_LIMIT)
        return refuse(head, 431, "there are more than 128 fields");
    head->fields[head->n++] = (awl__field){ (uint16_t)start, (uint16_t)(start + from) };
    rc = meaning(head, line, name, line + from, to - from);
    if (rc < 0)
        return -1;
    head->last_has_meaning = rc > 0;
    line[name] = line[to] = '\0';
    return 0;
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

/* RFC 9112, 6: what could be understood in two ways is refused. */
static int finish(awl__http_head *head)
{
    const bool early = head->of_response && (head->status < 200 || head->status == 204);

    if (!head->of_response && head->minor > 0 && !head->has_host)
        return refuse(head, 400, "there is no Host");
    if ((head->chunked || head->other_coding) && head->minor == 0)
        return refuse(head, 400, "HTTP/1.0 has no Transfer-Encoding");
    if ((head->chunked || head->other_coding) && head->has_length)
        return refuse(head, 400, "there are both Content-Length and Transfer-Encoding");
    if (head->other_coding)
        return refuse(head, head->chunked ? 501 : 400, "Transfer-Encoding is not chunked alone");
    if (early && head->chunked)
        return refuse(head, 502, "a response without a body has Transfer-Encoding");
    head->done = true;
    return 0;
}

static int too_long(awl__http_head *head)
{
    return refuse(head, head->first_done || head->of_response ? 431 : 414, "a line has more than 8190 bytes");
}

/* A line, without its CR LF. 0: go on; 1: that was the last; negative: refused. */
static int take_line(awl__http_head *head, char *at, size_t start, size_t len)
{
    if (!len && !head->first_done) {
        if (head->of_response || ++head->blank > AWL__BLANK_LIMIT)
            return refuse(head, 400, "there are empty lines before the message");
        return 0;
    }
    if (!len)
        return finish(head) < 0 ? -1 : 1;
    if (head->first_done)
        return field_line(head, at, start, len);
    head->first_done = true;
    return head->of_response ? status_line(head, at, start, len) : request_line(head, at, start, len);
}

void awl__http_head_begin(awl__http_head *head, bool of_response)
{
    memset(head, 0, offsetof(awl__http_head, fields));
    head->of_response = of_response;
}

/* Refuses as early as the bytes allow, and for the same reason however they come. */
static int unfinished(awl__http_head *head, size_t len)
{
    const size_t seen = len < AWL__HEAD_LIMIT ? len : AWL__HEAD_LIMIT;

    if (seen - head->line > AWL__LINE_LIMIT + 1) /* one of them may be a CR */
        return too_long(head);
    return len < AWL__HEAD_LIMIT ? 0 : refuse(head, 431, "the head has more than 32768 bytes");
}

int awl__http_head_parse(awl__http_head *head, char *at, size_t len)
{
    const size_t end = len < AWL__HEAD_LIMIT ? len : AWL__HEAD_LIMIT;

    while (head->scanned < end) {
        const char *lf = memchr(at + head->scanned, '\n', end - head->scanned);
        const size_t start = head->line;
        size_t stop;
        int rc;

        if (!lf) {
            head->scanned = (uint16_t)end;
            break;
        }
        stop = (size_t)(lf - at);
        head->line = head->scanned = (uint16_t)(stop + 1);
        if (stop - start > AWL__LINE_LIMIT + 1)
            return too_long(head);
        if (stop == start || lf[-1] != '\r')
            return refuse(head, 400, "a line does not end with CR LF");
        rc = take_line(head, at, start, stop - 1 - start);
        if (rc)
            return rc < 0 ? rc : (int)head->line;
    }
    return unfinished(head, len);
}

enum awl__framing awl__http_framing(const awl__http_head *head, bool no_body)
{
    if (head->of_response && (no_body || head->status < 200 || head->status == 204 || head->status == 304))
        return AWL__NO_BODY;
    if (head->chunked)
        return AWL__BODY_CHUNKED;
    if (head->has_length)
        return head->length ? AWL__BODY_LENGTH : AWL__NO_BODY;
    return head->of_response ? AWL__BODY_TO_END : AWL__NO_BODY;
}

bool awl__http_persists(const awl__http_head *head)
{
    return !head->close && (head->minor > 0 || head->keep_alive);
}

const char *awl__http_field(const awl__http_head *head, const char *at, const char *name)
{
    for (unsigned i = 0; i < head->n; i++) {
        if (awl__http_same(at + head->fields[i].name, name))
            return at + head->fields[i].value;
    }
    return NULL;
}

/* ---- Chunks: RFC 9112, 7.1 --------------------------------------------------------------------------------------- */

static size_t skip_blanks(const char *line, size_t i, size_t len)
{
    while (i < len && is_blank(line[i]))
        i++;
    return i;
}

/* A token or a quoted string at i. Result: behind it; 0: neither. */
static size_t skip_word(const char *line, size_t i, size_t len, bool quoted_too)
{
    if (!quoted_too || i == len || line[i] != '"') {
        const size_t n = span(line + i, len - i, TOKEN);

        return n ? i + n : 0;
    }
    for (i++; i < len && line[i] != '"'; i++) {
        if (line[i] == '\\')
            i++;
        if (i == len || !(kinds[(unsigned char)line[i]] & VALUE))
            return 0;
    }
    return i < len ? i + 1 : 0;
}

/* ";name=value" any number of times, from i to the end. */
static bool are_extensions(const char *line, size_t i, size_t len)
{
    while (i < len) {
        i = skip_blanks(line, i, len);
        if (i == len || line[i] != ';')
            return false;
        i = skip_word(line, skip_blanks(line, i + 1, len), len, false);
        if (!i)
            return false;
        if (skip_blanks(line, i, len) < len && line[skip_blanks(line, i, len)] == '=') {
            i = skip_word(line, skip_blanks(line, skip_blanks(line, i, len) + 1, len), len, true);
            if (!i)
                return false;
        }
    }
    return true;
}

bool awl__http_chunk_line(const char *line, size_t len, uint64_t *size)
{
    uint64_t n = 0;
    size_t i = 0;

    for (; i < len; i++) {
        const int digit = awl__http_hex(line[i]);

        if (digit < 0)
            break;
        if (n > INT64_MAX >> 4)
            return false;
        n = n << 4 | (uint64_t)digit;
    }
    if (!i || !are_extensions(line, i, len))
        return false;
    *size = n;
    return true;
}

bool awl__http_trailer_line(const char *line, size_t len)
{
    const size_t name = span(line, len, TOKEN);

    return name && name < len && line[name] == ':' && awl__http_is_value(line + name + 1, len - name - 1);
}
