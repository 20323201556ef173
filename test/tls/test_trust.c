/* test_trust.c: sets of trust anchors from everywhere, and pins. */
#define _GNU_SOURCE /* mkdtemp */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/trust/pem_priv.h"
#include "../../lib/trust/trust_priv.h"
#include "../task/rig.h"
#include "awl/trust.h"
#include "pems.h"

/* ---- A folder of a test's own ------------------------------------------------------------------------------------ */

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void open_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/awl-trust-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
}

static void close_folder(const char *const *names)
{
    for (; *names; names++)
        unlink(in_folder(*names));
    CHECK_INT(rmdir(folder), 0);
}

static const char *put_file(const char *name, const char *text)
{
    const char *path = in_folder(name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

/* Makes an environment of these two alone: setenv would leave blocks behind. NULL: it is not set. */
static void set_environment(const char *file, const char *folders)
{
    static char variables[2][4096], *all[3];
    int n = 0;

    snprintf(variables[0], sizeof variables[0], "SSL_CERT_FILE=%s", file ? file : "");
    snprintf(variables[1], sizeof variables[1], "SSL_CERT_DIR=%s", folders ? folders : "");
    if (file)
        all[n++] = variables[0];
    if (folders)
        all[n++] = variables[1];
    all[n] = NULL;
    environ = all;
}

static awl_trust *from_text(const char *text) { return awl_trust_from_memory(text, strlen(text)); }

/* A set must not come about, for this reason. ENOMEM: a failing allocation. */
#define CHECK_REFUSED(trust, reason)                                \
    do {                                                            \
        const awl_trust *const refused_ = (trust);                  \
        const int error_ = errno;                                   \
        CHECK(!refused_ || awl_trust_error(refused_) == error_);    \
        CHECK_INT(error_, AWL_ETRUST);                              \
        CHECK(strstr(awl_error_message(error_), (reason)) != NULL); \
    } while (0)

/* ---- From memory ------------------------------------------------------------------------------------------------- */

TASK_TEST(a_ca_and_a_leaf_become_anchors_of_their_kinds, { awl_trust *trust; })
{
    char text[3000];
    awl__anchor anchor = { 0 };
    size_t at = 0;

    co_begin;
    snprintf(text, sizeof text, "%s%s", ca_pem, leaf_pem);
    self->trust = from_text(text);
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 2);
    CHECK_STR(awl_trust_source(self->trust), "memory");
    CHECK(awl__trust_next(self->trust, &at, &anchor));
    CHECK_STR(awl__name_text(anchor.subject, text, sizeof text), "CN=Test CA");
    CHECK(anchor.is_ca);
    CHECK_INT(anchor.not_before, 1735689600);
    CHECK_INT(anchor.not_after, 4102444800);
    CHECK_INT(anchor.key.key.ec.qlen, 65);
    CHECK(awl__trust_next(self->trust, &at, &anchor));
    CHECK_STR(awl__name_text(anchor.subject, text, sizeof text), "CN=Test leaf");
    CHECK(!anchor.is_ca);
    CHECK(!awl__trust_next(self->trust, &at, &anchor));
    awl_trust_release(self->trust);
    co_end;
}

static int keep_der(void *arg, const awl__pem_object *object)
{
    awl__span *der = arg;

    memcpy(awl__writable(der->at), object->der, object->len);
    der->len = object->len;
    return 0;
}

TASK_TEST(der_is_taken_as_pem_is, { awl_trust *trust; unsigned char der[1000]; awl__span span; })
{
    co_begin;
    self->span.at = self->der;
    CHECK_INT(awl__pem_read(awl_running_, ca_pem, strlen(ca_pem), keep_der, &self->span), 0);
    self->trust = awl_trust_from_memory(self->der, self->span.len);
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 1);
    awl_trust_release(self->trust);
    CHECK_REFUSED(awl_trust_from_memory(self->der, self->span.len - 1),
                  "memory: is no good certificate: it is no certificate, or is cut off");
    co_end;
}

TASK_TEST(equal_certificates_are_kept_once, { awl_trust *trust; char text[3000]; })
{
    co_begin;
    snprintf(self->text, sizeof self->text, "%s%s%s", ca_pem, ca_pem, ca_pem);
    self->trust = from_text(self->text);
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 1);
    CHECK_INT(awl_trust_skipped(self->trust), 0);
    awl_trust_release(self->trust);
    co_end;
}

TASK_TEST(keys_that_cannot_be_used_are_skipped_and_counted, { awl_trust *trust; char text[3000]; })
{
    co_begin;
    snprintf(self->text, sizeof self->text, "%s%s", weak_pem, ca_pem);
    self->trust = from_text(self->text);
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 1);
    CHECK_INT(awl_trust_skipped(self->trust), 1);
    awl_trust_release(self->trust);
    CHECK_REFUSED(from_text(weak_pem), "memory: none of its 1 certificates can be used");
    co_end;
}

TASK_TEST(damaged_memory_is_refused_as_a_whole, { char text[3000]; })
{
    co_begin;
    snprintf(self->text, sizeof self->text, "%s-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", ca_pem);
    CHECK_REFUSED(from_text(self->text),
                  "memory:10: object 2 (CERTIFICATE) is no good certificate: it is no certificate");
    snprintf(self->text, sizeof self->text, "%.200s", ca_pem);
    CHECK_REFUSED(from_text(self->text), "memory:1: object 1 (CERTIFICATE) has no END line");
    CHECK_REFUSED(from_text("just text"), "memory: there is no certificate in PEM in it");
    CHECK_REFUSED(from_text(""), "memory: there is no certificate in PEM in it");
    co_end;
}

TASK_TEST(other_objects_are_passed_over, { awl_trust *trust; char text[3000]; })
{
    co_begin;
    snprintf(self->text, sizeof self->text, "# mine\n-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n%s",
             ca_pem);
    self->trust = from_text(self->text);
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 1);
    awl_trust_release(self->trust);
    co_end;
}

/* ---- From files and folders -------------------------------------------------------------------------------------- */

TASK_TEST(a_file_without_a_last_newline_is_whole, { awl_trust *trust; char text[3000]; })
{
    co_begin;
    open_folder();
    snprintf(self->text, sizeof self->text, "%s%.*s", leaf_pem, (int)strlen(ca_pem) - 1, ca_pem);
    self->trust = awl_trust_from_file(put_file("ca.pem", self->text));
    if (self->trust)
        CHECK_STR(awl_trust_source(self->trust), in_folder("ca.pem"));
    close_folder((const char *const[]){ "ca.pem", NULL });
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 2);
    awl_trust_release(self->trust);
    co_end;
}

TASK_TEST(a_file_that_is_damaged_or_missing_says_so, { awl_trust *trust; int error; char reason[200]; })
{
    co_begin;
    CHECK_REFUSED(awl_trust_from_file("/nonexistent/ca.pem"), "/nonexistent/ca.pem: No such file or directory");
    open_folder();
    snprintf(self->reason, sizeof self->reason, "%s:2: object 1 (CERTIFICATE) is not base64", in_folder("bad.pem"));
    self->trust =
        awl_trust_from_file(put_file("bad.pem", "\n-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"));
    self->error = errno;
    close_folder((const char *const[]){ "bad.pem", NULL });
    CHECK_INT(awl_trust_error(self->trust), AWL_ETRUST);
    CHECK_INT(self->error, AWL_ETRUST);
    CHECK_STR(awl_error_message(AWL_ETRUST), self->reason);
    co_end;
}

TASK_TEST(a_folder_is_all_its_files_but_hidden_and_damaged_ones, { awl_trust *trust; })
{
    co_begin;
    open_folder();
    put_file("a.pem", ca_pem);
    put_file("b.pem", leaf_pem);
    put_file("again", leaf_pem);
    put_file("bad", "-----BEGIN CERTIFICATE-----\n");
    put_file(".hidden", weak_pem);
    put_file("README", "text");
    CHECK_INT(symlink("/nonexistent", in_folder("dangling")), 0);
    CHECK_INT(mkdir(in_folder("sub"), 0700), 0);
    self->trust = awl_trust_from_folder(folder);
    rmdir(in_folder("sub"));
    close_folder((const char *const[]){ "a.pem", "b.pem", "again", "bad", ".hidden", "README", "dangling", NULL });
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 2);
    CHECK_INT(awl_trust_skipped(self->trust), 2); /* bad, dangling */
    awl_trust_release(self->trust);
    co_end;
}

TASK_TEST(an_empty_folder_is_refused, { awl_trust *trust; int error; })
{
    co_begin;
    open_folder();
    self->trust = awl_trust_from_folder(folder);
    self->error = errno;
    close_folder((const char *const[]){ NULL });
    CHECK_INT(awl_trust_error(self->trust), AWL_ETRUST);
    CHECK_INT(self->error, AWL_ETRUST);
    CHECK_REFUSED(awl_trust_from_folder("/nonexistent"), "/nonexistent: No such file or directory");
    co_end;
}

/* ---- The system's ------------------------------------------------------------------------------------------------ */

TASK_TEST(the_first_path_with_anchors_is_the_systems, { awl_trust *trust; char path[128]; })
{
    co_begin;
    open_folder();
    snprintf(self->path, sizeof self->path, "%s", put_file("ca.pem", ca_pem));
    self->trust = awl__trust_first_of(awl_running_, (const char *const[]){ "/nonexistent", self->path, "/" }, 3);
    close_folder((const char *const[]){ "ca.pem", NULL });
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_STR(awl_trust_source(self->trust), self->path);
    awl_trust_release(self->trust);
    co_end;
}

TASK_TEST(without_any_the_message_names_every_path, {})
{
    co_begin;
    CHECK_REFUSED(awl__trust_first_of(awl_running_, (const char *const[]){ "/nonexistent/a", "/dev/null" }, 2),
                  "no trusted certificates were found: /nonexistent/a: No such file or directory; "
                  "/dev/null: is no plain file");
    co_end;
}

TASK_TEST(the_environment_names_a_file_and_folders, { awl_trust *trust; char folders[200], all[400]; })
{
    co_begin;
    open_folder();
    put_file("leaf.pem", leaf_pem);
    snprintf(self->folders, sizeof self->folders, "/nonexistent:%s", folder);
    set_environment(put_file("ca.pem", ca_pem), self->folders);
    self->trust = awl_trust_system();
    close_folder((const char *const[]){ "ca.pem", "leaf.pem", NULL });
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 2);
    snprintf(self->all, sizeof self->all, "%s/ca.pem, /nonexistent, %s", folder, folder);
    CHECK_STR(awl_trust_source(self->trust), self->all);

    /* It stays loaded, though the files are gone. */
    CHECK_PTR(awl_trust_system(), self->trust);
    awl_trust_release(self->trust);
    awl_trust_release(self->trust);
    CHECK_PTR(awl_trust_system(), self->trust);
    CHECK_INT(awl_trust_count(self->trust), 2);
    awl_trust_release(self->trust);
    co_end;
}

/* However long it is, and however many folders it names. */
TASK_TEST(a_long_environment_is_not_cut, { awl_trust *trust; char folders[3000]; })
{
    co_begin;
    open_folder();
    put_file("ca.pem", ca_pem);
    for (int i = 0; i < 100; i++)
        strcat(self->folders, "/nonexistent/folder:");
    strcat(self->folders, folder);
    set_environment(NULL, self->folders);
    self->trust = awl_trust_system();
    close_folder((const char *const[]){ "ca.pem", NULL });
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 1);
    awl_trust_release(self->trust);
    co_end;
}

/* Nobody writes to it, and nothing waits for that. */
TASK_TEST(a_pipe_is_no_file, { awl_trust *trust; })
{
    co_begin;
    open_folder();
    put_file("ca.pem", ca_pem);
    CHECK_INT(mkfifo(in_folder("pipe"), 0600), 0);
    CHECK_REFUSED(awl_trust_from_file(in_folder("pipe")), "/pipe: is no plain file");
    self->trust = awl_trust_from_folder(folder);
    close_folder((const char *const[]){ "ca.pem", "pipe", NULL });
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_INT(awl_trust_count(self->trust), 1);
    CHECK_INT(awl_trust_skipped(self->trust), 1);
    awl_trust_release(self->trust);
    co_end;
}

TASK_TEST(a_wrong_environment_is_not_made_good_by_the_system, {})
{
    co_begin;
    set_environment("/nonexistent/ca.pem", NULL);
    CHECK_REFUSED(awl_trust_system(),
                  "no trusted certificates were found: /nonexistent/ca.pem: No such file or directory "
                  "(SSL_CERT_FILE is /nonexistent/ca.pem, SSL_CERT_DIR is not set)");
    co_end;
}

TASK_TEST(this_machines_own_set_is_small, { awl_trust *trust, *twice; })
{
    static const char bundle[] = "/etc/ssl/certs/ca-certificates.crt";

    co_begin;
    set_environment(NULL, NULL);
    if (access(bundle, R_OK) != 0)
        SKIP("this machine has no bundle");
    self->trust = awl_trust_system();
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK(awl_trust_count(self->trust) > 0);
    CHECK(awl_trust_bytes(self->trust) / awl_trust_count(self->trust) < 600);
    printf("%zu anchors, %zu bytes\n", awl_trust_count(self->trust), awl_trust_bytes(self->trust));

    /* The same file again adds nothing. */
    self->twice = awl__trust_from_paths((const char *const[]){ bundle, bundle }, 2);
    CHECK_INT(awl_trust_error(self->twice), 0);
    CHECK_INT(awl_trust_count(self->twice), awl_trust_count(self->trust));
    awl_trust_release(self->twice);
    awl_trust_release(self->trust);
    co_end;
}

/* ---- Compiled in, counted, and not there ------------------------------------------------------------------------- */

TASK_TEST(anchors_that_are_compiled_in_are_used_where_they_lie, { awl_trust *trust, *again; awl_anchors anchors; })
{
    unsigned char bad[600];

    co_begin;
    self->trust = from_text(ca_pem);
    CHECK_INT(awl_trust_error(self->trust), 0);
    self->anchors = (awl_anchors){ awl__trust_data(self->trust).at, awl__trust_data(self->trust).len };
    self->again = awl_trust_from_anchors(&self->anchors);
    CHECK_INT(awl_trust_error(self->again), 0);
    CHECK_INT(awl_trust_count(self->again), 1);
    CHECK_PTR(awl__trust_data(self->again).at, self->anchors.data_);
    CHECK(awl_trust_bytes(self->again) < 200);
    awl_trust_release(self->again);

    /* Cut off anywhere they are damaged. */
    for (size_t len = 0; len < self->anchors.size_; len++)
        CHECK_REFUSED(awl_trust_from_anchors(&(awl_anchors){ self->anchors.data_, len }),
                      "are damaged, or of another version");
    memcpy(bad, self->anchors.data_, self->anchors.size_);
    bad[7]++;
    CHECK_REFUSED(awl_trust_from_anchors(&(awl_anchors){ bad, self->anchors.size_ }), "of another version");
    CHECK_REFUSED(awl_trust_from_anchors(&(awl_anchors){ NULL, 0 }), "damaged");
    awl_trust_release(self->trust);
    co_end;
}

TASK_TEST(the_last_release_frees, { awl_trust *trust; awl_loop_stats before; })
{
    co_begin;
    self->before = stats_of(NULL);
    self->trust = from_text(ca_pem);
    CHECK_INT(awl_trust_error(self->trust), 0);
    CHECK_PTR(awl_trust_retain(self->trust), self->trust);
    awl_trust_release(self->trust);
    CHECK_INT(awl_trust_count(self->trust), 1);
    awl_trust_release(self->trust);
    CHECK_INT(stats_of(NULL).memory_used, self->before.memory_used);
    co_end;
}

TEST(null_and_no_loop_are_refused_or_let_be)
{
    awl_trust_release(NULL);
    CHECK(awl_trust_retain(NULL) == NULL);
    CHECK_INT(awl_trust_count(NULL) + awl_trust_skipped(NULL) + awl_trust_bytes(NULL), 0);
    CHECK_STR(awl_trust_source(NULL), "");
    CHECK(awl_trust_error(awl_trust_from_file(NULL)) == EINVAL && errno == EINVAL);
    CHECK(awl_trust_error(awl_trust_from_folder(NULL)) == EINVAL && errno == EINVAL);
    CHECK(awl_trust_error(awl_trust_from_memory(NULL, 1)) == EINVAL && errno == EINVAL);
    CHECK(awl_trust_error(awl_trust_from_anchors(NULL)) == EINVAL && errno == EINVAL);
    errno = 0;
    CHECK(awl_trust_error(awl_trust_from_memory(ca_pem, sizeof ca_pem - 1)) == EINVAL && errno == EINVAL);
    errno = 0;
    CHECK(awl_trust_error(awl_trust_system()) == EINVAL && errno == EINVAL);
}

/* Passed on unseen, it must not come to mean the system's. */
TASK_TEST(a_set_that_was_not_made_holds_nothing, { awl_trust *trust; })
{
    co_begin;
    self->trust = awl_trust_from_file("/nonexistent/ca.pem");
    CHECK(self->trust != NULL);
    CHECK_INT(awl_trust_error(self->trust), errno);
    CHECK_INT(awl_trust_error(self->trust), AWL_ETRUST);
    CHECK_PTR(awl_trust_retain(self->trust), self->trust);
    awl_trust_release(self->trust);
    awl_trust_release(self->trust);
    awl_trust_release(self->trust);
    CHECK_INT(awl_trust_count(self->trust) + awl_trust_bytes(self->trust) + awl_trust_skipped(self->trust), 0);
    CHECK_STR(awl_trust_source(self->trust), "");
    CHECK_INT(awl_trust_error(NULL), EINVAL);
    co_end;
}

/* In memory of the caller's sets are made until there is no room for one more. */
co_def(fill, { awl_trust *trusts[128]; int n; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    while (self->n < 128 && !awl_trust_error(self->trusts[self->n] = from_text(ca_pem)))
        self->n++;
    CHECK(self->n > 0 && self->n < 128);
    CHECK_INT(errno, ENOMEM);
    while (self->n)
        awl_trust_release(self->trusts[--self->n]);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

TEST(without_memory_there_is_enomem)
{
    static uint64_t memory[2048];
    const awl_loop_options options = { .memory = memory, .memory_size = sizeof memory };

    CHECK_INT(awl_run_with(co_call(fill), &options, NULL), 0);
}

/* ---- Pins -------------------------------------------------------------------------------------------------------- */

TEST(pins_are_read_as_curl_and_browsers_write_them)
{
    awl_pin pin, twice;
    char text[80];

    CHECK_INT(awl_pin_parse(&pin, leaf_pin), 0);
    snprintf(text, sizeof text, "sha256//%s", leaf_pin + 7);
    CHECK_INT(awl_pin_parse(&twice, text), 0);
    CHECK_MEM(&pin, &twice, sizeof pin);
}

TEST(what_is_no_pin_is_refused)
{
    awl_pin pin = { { 1 } }, same = pin;

    CHECK_INT(awl_pin_parse(&pin, NULL), EINVAL);
    CHECK_INT(awl_pin_parse(NULL, leaf_pin), EINVAL);
    CHECK_INT(awl_pin_parse(&pin, ""), EINVAL);
    CHECK_INT(awl_pin_parse(&pin, leaf_pin + 7), EINVAL);
    CHECK_INT(awl_pin_parse(&pin, "sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA="), EINVAL);
    CHECK_INT(awl_pin_parse(&pin, "sha256/AAAA"), EINVAL);
    CHECK_INT(awl_pin_parse(&pin, "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), EINVAL);
    CHECK_INT(awl_pin_parse(&pin, "sha256/!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), EINVAL);
    CHECK_MEM(&pin, &same, sizeof pin);
}
