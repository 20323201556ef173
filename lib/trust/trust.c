/*
 * Sets of trust anchors, and where they come from; see awl/trust.h.
 *
 * What is read is read twice: the first time to learn how large the set is, the second time to fill the one block that
 * it then takes. So nothing grows, and a device needs no more memory than the set has in the end.
 */
#define _GNU_SOURCE /* secure_getenv */
#include "awl/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pem_priv.h"
#include "trust_priv.h"

enum { LONGEST_PATH = 512, LONGEST_REASON = 256, FIRST_SEEN = 64 };

struct awl_trust {
    awl_loop *loop;
    size_t refs, count, skipped;
    const unsigned char *data; /* as packed */
    size_t size, own;          /* bytes of it; those that belong to this block: none if they were compiled in */
    size_t source_size;
    int error;     /* why it is none: it holds nothing, and is nobody's; 0: it is one */
    char source[]; /* a string; the own data lie behind it */
};

/* ---- Sets -------------------------------------------------------------------------------------------------------- */

static awl_trust *new_trust(awl_loop *loop, const char *source, size_t own)
{
    const size_t source_size = strlen(source) + 1;
    awl_trust *trust = awl__alloc(loop, sizeof *trust + source_size + own);

    if (!trust)
        return NULL;
    *trust = (awl_trust){ .loop = loop, .refs = 1, .size = own, .own = own, .source_size = source_size };
    memcpy(trust->source, source, source_size);
    trust->data = (unsigned char *)trust->source + source_size;
    return trust;
}

/* A set that could not be made is one that holds nothing and that TLS refuses: NULL would mean the system's. These are
 * never written to. */
static awl_trust *checked(awl_trust *trust)
{
    static awl_trust untrusted = { .error = AWL_ETRUST }, no_memory = { .error = ENOMEM },
                     invalid = { .error = EINVAL };

    if (trust)
        return trust;
    return errno == ENOMEM ? &no_memory : errno == EINVAL ? &invalid : &untrusted;
}

int awl_trust_error(const awl_trust *trust) { return trust ? trust->error : EINVAL; }

static size_t bytes_of(const awl_trust *trust) { return sizeof *trust + trust->source_size + trust->own; }

awl_trust *awl_trust_retain(awl_trust *trust)
{
    if (trust && !trust->error)
        trust->refs++;
    return trust;
}

void awl_trust_release(awl_trust *trust)
{
    if (trust && !trust->error && --trust->refs == 0)
        awl__free(trust->loop, trust, bytes_of(trust));
}

size_t awl_trust_count(const awl_trust *trust) { return trust ? trust->count : 0; }
size_t awl_trust_skipped(const awl_trust *trust) { return trust ? trust->skipped : 0; }
size_t awl_trust_bytes(const awl_trust *trust) { return trust && !trust->error ? bytes_of(trust) : 0; }
const char *awl_trust_source(const awl_trust *trust) { return trust && !trust->error ? trust->source : ""; }
awl__span awl__trust_data(const awl_trust *trust) { return (awl__span){ trust->data, trust->size }; }

/* ---- Loading: objects, files, folders ---------------------------------------------------------------------------- */

/* Where anchors come from: memory, or paths. */
typedef struct sources {
    const char *name; /* of them all, as the set's source */
    const void *memory;
    size_t len;
    const char *const *paths;
    size_t n_paths;
    bool lenient; /* damaged objects and files are skipped */
} sources;

typedef struct loader {
    awl_loop *loop;
    const sources *from;
    const char *path;   /* that is being read */
    unsigned char *out; /* NULL: the first pass */
    size_t at, size;    /* bytes of the set so far; of `out` */
    size_t count, skipped;
    size_t certificates; /* that were there, of use or not */
    uint64_t *seen;      /* the beginnings of the hashes of all records, to see which are there twice */
    size_t seen_cap;
    char reason[LONGEST_REASON]; /* of the first thing that was wrong */
} loader;

__attribute__((format(printf, 2, 3))) static int refuse(loader *l, const char *format, ...)
{
    va_list args;

    if (l->reason[0])
        return AWL_ETRUST;
    va_start(args, format);
    vsnprintf(l->reason, sizeof l->reason, format, args);
    va_end(args);
    return AWL_ETRUST;
}

/* What is damaged ends the loading of a file; in a folder it is skipped. */
static int damaged(loader *l, const awl__pem_object *object, const char *fault)
{
    l->skipped++;
    if (object->number)
        refuse(l, "%s:%d: object %d (%s) %s", l->path, object->line, object->number, object->label, fault);
    else
        refuse(l, "%s: %s", l->path, fault);
    return l->from->lenient ? 0 : AWL_ETRUST;
}

/* Whether this record is in the set already; if not, it is noted. Result: 1, 0; -1: no memory. */
static int was_seen(loader *l, const unsigned char *record, size_t size)
{
    unsigned char hash[br_sha256_SIZE];
    br_sha256_context sha256;
    uint64_t mark;

    br_sha256_init(&sha256);
    br_sha256_update(&sha256, record, size);
    br_sha256_out(&sha256, hash);
    memcpy(&mark, hash, sizeof mark);
    for (size_t i = 0; i < l->count; i++)
        if (l->seen[i] == mark)
            return 1;
    if (l->count == l->seen_cap) {
        const size_t cap = l->seen_cap ? 2 * l->seen_cap : FIRST_SEEN;
        uint64_t *seen = awl__alloc(l->loop, cap * sizeof *seen);

        if (!seen)
            return -1;
        if (l->count)
            memcpy(seen, l->seen, l->count * sizeof *seen);
        awl__free(l->loop, l->seen, l->seen_cap * sizeof *seen);
        l->seen = seen;
        l->seen_cap = cap;
    }
    l->seen[l->count] = mark;
    return 0;
}

/* Adds an anchor, unless it is there already. */
static int add(loader *l, const awl__anchor *anchor)
{
    const size_t size = awl__anchor_pack(anchor, NULL);
    unsigned char *record;
    int seen;

    if (!size) {
        l->skipped++;
        return 0;
    }
    record = awl__alloc(l->loop, size);
    if (!record)
        return ENOMEM;
    awl__anchor_pack(anchor, record);
    seen = was_seen(l, record, size);
    if (seen == 0) {
        if (l->out && size <= l->size - l->at)
            memcpy(l->out + l->at, record, size);
        l->at += size;
        l->count++;
    }
    awl__free(l->loop, record, size);
    if (seen == 0 && l->out && l->at > l->size)
        return refuse(l, "%s changed while it was read", l->path);
    return seen < 0 ? ENOMEM : 0;
}

/* Whether awl can check signatures of this key, and obey all that the certificate asks. */
static bool is_usable(const awl__cert *cert)
{
    return cert->key.key_type && !cert->unknown.at && cert->purposes &&
           (cert->key.key_type == BR_KEYTYPE_EC || (cert->key_bits >= AWL__RSA_MIN && cert->key_bits <= AWL__RSA_MAX));
}

static int on_certificate(loader *l, const awl__pem_object *object)
{
    const char *why;
    awl__cert cert;
    awl__anchor anchor;
    bool is_ca;

    l->certificates++;
    if (awl__cert_parse(&cert, object->der, object->len, &why) != 0) {
        char fault[120];

        snprintf(fault, sizeof fault, "is no good certificate: %s", why);
        return damaged(l, object, fault);
    }
    if (!is_usable(&cert)) {
        l->skipped++;
        return 0;
    }
    is_ca = cert.version < 3 ? cert.self_issued : cert.is_ca && cert.key_usage & AWL__CERT_SIGN;
    anchor = (awl__anchor){
        .subject = cert.subject,
        .scope = is_ca ? cert.constraints : cert.names,
        .key = cert.key,
        .not_before = cert.not_before,
        .not_after = cert.not_after,
        .path_len = cert.path_len,
        .purposes = cert.purposes,
        .is_ca = is_ca,
    };
    return add(l, &anchor);
}

static int on_object(void *arg, const awl__pem_object *object)
{
    loader *l = arg;

    if (object->fault)
        return damaged(l, object, object->fault);
    if (strcmp(object->label, "CERTIFICATE") != 0 && strcmp(object->label, "X509 CERTIFICATE") != 0)
        return 0;
    return on_certificate(l, object);
}

static int load_file(loader *l, const char *path)
{
    int error;

    l->path = path;
    error = awl__pem_read_file(l->loop, path, true, on_object, l);
    if (!error || error == ENOMEM || error == AWL_ETRUST)
        return error;
    return damaged(l, &(awl__pem_object){ 0 }, error == ESPIPE ? "is no plain file" : awl_strerror(error));
}

static int load_folder(loader *l, const char *path, DIR *folder)
{
    char file[LONGEST_PATH];
    const struct dirent *entry;
    struct stat status;
    int error = 0, len;

    while (!error && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        l->path = path;
        if (len < 0 || (size_t)len >= sizeof file)
            error = damaged(l, &(awl__pem_object){ 0 }, "a name in it is too long");
        else if (stat(file, &status) == 0 && S_ISDIR(status.st_mode))
            continue;
        else
            error = load_file(l, file);
    }
    l->path = path;
    return error;
}

static int load_path(loader *l, const char *path)
{
    DIR *folder = opendir(path);
    int error;

    if (!folder)
        return load_file(l, path);
    error = load_folder(l, path, folder);
    closedir(folder);
    return error;
}

static int load_all(loader *l)
{
    const sources *from = l->from;
    int error = 0;

    l->at = awl__anchors_begin(l->out);
    l->count = l->skipped = l->certificates = 0;
    l->path = from->name;
    if (from->memory && from->len && *(const char *)from->memory == 0x30)
        error = on_certificate(l, &(awl__pem_object){ .der = awl__writable(from->memory), .len = from->len });
    else if (from->memory)
        error = awl__pem_read(l->loop, from->memory, from->len, on_object, l);
    for (size_t i = 0; i < from->n_paths && !error; i++)
        error = load_path(l, from->paths[i]);
    if (error || l->count)
        return error;
    if (l->certificates)
        return refuse(l, "%s: none of its %zu certificates can be used", from->name, l->certificates);
    return refuse(l, "%s: there is no certificate in PEM in it", from->name);
}

/* Makes a set. NULL: *error says why, and `reason` takes a text if it is AWL_ETRUST. */
static awl_trust *load(awl_loop *loop, const sources *from, int *error, char *reason)
{
    loader l = { .loop = loop, .from = from };
    awl_trust *trust = NULL;

    *error = load_all(&l);
    if (*error)
        goto done;
    trust = new_trust(loop, from->name, l.at);
    if (!trust) {
        *error = ENOMEM;
        goto done;
    }
    l.out = (unsigned char *)trust->source + trust->source_size;
    l.size = l.at;
    *error = load_all(&l);
    trust->size = l.at; /* a file that has become shorter leaves the end of the block unused */
    trust->count = l.count;
    trust->skipped = l.skipped;
    if (*error) {
        awl_trust_release(trust);
        trust = NULL;
    }
done:
    if (*error)
        memcpy(reason, l.reason, sizeof l.reason);
    awl__free(loop, l.seen, l.seen_cap * sizeof *l.seen);
    return trust;
}

/* The same as a public call returns it. */
static awl_trust *load_or_say(const sources *from)
{
    awl_loop *loop = awl__loop_check(NULL);
    char reason[LONGEST_REASON] = "";
    awl_trust *trust;
    int error;

    if (!loop) {
        errno = EINVAL;
        return NULL;
    }
    trust = load(loop, from, &error, reason);
    if (error) {
        if (error == AWL_ETRUST)
            awl__error_detail(loop, error, "%s", reason);
        errno = error;
    }
    return trust;
}

/* ---- Where they come from ---------------------------------------------------------------------------------------- */

static awl_trust *from_paths(const char *const *paths, size_t n, bool lenient)
{
    if (!n || !*paths) {
        errno = EINVAL;
        return NULL;
    }
    return load_or_say(&(sources){ .name = *paths, .paths = paths, .n_paths = n, .lenient = lenient });
}

awl_trust *awl_trust_from_file(const char *path) { return checked(from_paths(&path, 1, false)); }
awl_trust *awl_trust_from_folder(const char *path) { return checked(from_paths(&path, 1, true)); }
awl_trust *awl__trust_from_paths(const char *const *paths, size_t n) { return from_paths(paths, n, false); }

awl_trust *awl_trust_from_memory(const void *data, size_t len)
{
    if (!data) {
        errno = EINVAL;
        return checked(NULL);
    }
    return checked(load_or_say(&(sources){ .name = "memory", .memory = data, .len = len }));
}

awl_trust *awl_trust_from_anchors(const awl_anchors *anchors)
{
    awl_loop *loop = awl__loop_check(NULL);
    awl_trust *trust;
    size_t count;

    if (!loop || !anchors) {
        errno = EINVAL;
        return checked(NULL);
    }
    if (!anchors->data_ || !awl__anchors_check(anchors->data_, anchors->size_, &count) || !count) {
        awl__error_detail(loop, AWL_ETRUST, "the anchors that were compiled in are damaged, or of another version");
        errno = AWL_ETRUST;
        return checked(NULL);
    }
    trust = new_trust(loop, "the anchors that were compiled in", 0);
    if (!trust) {
        errno = ENOMEM;
        return checked(NULL);
    }
    trust->data = anchors->data_;
    trust->size = anchors->size_;
    trust->count = count;
    return trust;
}

/* ---- The system's ------------------------------------------------------------------------------------------------ */

static const char *const system_paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
};

awl_trust *awl__trust_first_of(awl_loop *loop, const char *const *paths, size_t n)
{
    char reasons[900] = "", reason[LONGEST_REASON];
    size_t used = 0;
    int error;

    for (size_t i = 0; i < n; i++) {
        const sources from = { .name = paths[i], .paths = &paths[i], .n_paths = 1, .lenient = true };
        awl_trust *trust = load(loop, &from, &error, reason);

        if (trust)
            return trust;
        if (error != AWL_ETRUST) {
            errno = error;
            return NULL;
        }
        snprintf(reasons + used, sizeof reasons - used, "%s%s", used ? "; " : "", reason);
        used = strlen(reasons);
    }
    awl__error_detail(loop, AWL_ETRUST, "no trusted certificates were found: %s", reasons);
    errno = AWL_ETRUST;
    return NULL;
}

/* What of the environment is set, together, in a block of its own: the paths, then their text, and their names. */
typedef struct environment {
    size_t size, n;
    const char **paths;
    char *names; /* "a, b" */
} environment;

/* SSL_CERT_FILE, and SSL_CERT_DIR with folders separated by colons. NULL: no memory. */
static environment *take_environment(awl_loop *loop, const char *file, const char *folders)
{
    const size_t a = file ? strlen(file) + 1 : 0, b = folders ? strlen(folders) + 1 : 0;
    size_t most = 2, size;
    environment *e;
    char *at, *name;

    for (const char *c = folders; c && *c; c++)
        most += *c == ':';
    size = sizeof *e + most * sizeof *e->paths + a + b + a + b + 2 * most;
    e = awl__alloc(loop, size);
    if (!e)
        return NULL;
    *e = (environment){ .size = size, .paths = (const char **)(void *)(e + 1) };
    at = (char *)(e->paths + most);
    name = e->names = at + a + b;
    *name = '\0';
    if (file)
        e->paths[e->n++] = memcpy(at, file, a);
    at = folders ? memcpy(at + a, folders, b) : NULL;
    while (at) {
        char *colon = strchr(at, ':');

        if (colon)
            *colon++ = '\0';
        if (*at)
            e->paths[e->n++] = at;
        at = colon;
    }
    for (size_t i = 0; i < e->n; i++)
        name += sprintf(name, "%s%s", i ? ", " : "", e->paths[i]);
    return e;
}

static awl_trust *from_environment(awl_loop *loop, const char *file, const char *folders)
{
    environment *e = take_environment(loop, file, folders);
    char reason[LONGEST_REASON];
    awl_trust *trust;
    int error;

    if (!e) {
        errno = ENOMEM;
        return NULL;
    }
    trust = load(loop, &(sources){ .name = e->names, .paths = e->paths, .n_paths = e->n, .lenient = true }, &error,
                 reason);
    awl__free(loop, e, e->size);
    if (error == AWL_ETRUST)
        awl__error_detail(loop, error,
                          "no trusted certificates were found: %s (SSL_CERT_FILE is %s, SSL_CERT_DIR is %s)", reason,
                          file ? file : "not set", folders ? folders : "not set");
    if (error)
        errno = error;
    return trust;
}

static const char *variable(const char *name)
{
    const char *value = secure_getenv(name);

    return value && *value ? value : NULL;
}

awl_trust *awl_trust_system(void)
{
    awl_loop *loop = awl__loop_check(NULL);
    const char *file = variable("SSL_CERT_FILE"), *folders = variable("SSL_CERT_DIR");

    if (!loop) {
        errno = EINVAL;
        return checked(NULL);
    }
    /* The loop's reference is never given back: the set goes with the loop's memory. */
    if (!loop->trust)
        loop->trust = file || folders
                          ? from_environment(loop, file, folders)
                          : awl__trust_first_of(loop, system_paths, sizeof system_paths / sizeof system_paths[0]);
    return checked(awl_trust_retain(loop->trust));
}

/* ---- Pins -------------------------------------------------------------------------------------------------------- */

int awl_pin_parse(awl_pin *pin, const char *text)
{
    static const char prefix[] = "sha256/";
    awl_pin parsed;

    if (!pin || !text || strncmp(text, prefix, sizeof prefix - 1) != 0)
        return EINVAL;
    text += sizeof prefix - 1;
    text += *text == '/' && strlen(text) == 45; /* curl writes two */
    if (awl__base64(text, strlen(text), parsed.sha256, sizeof parsed.sha256) != sizeof parsed.sha256)
        return EINVAL;
    *pin = parsed;
    return 0;
}
