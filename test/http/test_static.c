/* test_static.c: folders that are served, and that nothing else is. */
#define _GNU_SOURCE
#include "../../lib/http_files/http_files_priv.h"
#include "files_rig.h"

/* An application that serves the folder. */
static awl_http_app *files_app(const char *prefix, const awl_http_static_options *options)
{
    awl_http_app *app = awl_http_app_new(NULL);

    CHECK(app != NULL);
    CHECK_INT(awl_http_static(app, prefix, root, options), 0);
    return app;
}

SERVER_TEST(files_are_served_below_a_prefix, {})
{
    co_begin;
    self->app = files_app("/files/", NULL);
    server_begins(self);
    get("/files/a.txt", "");
    settle();
    CHECK_FIELD("Content-Type: text/plain; charset=utf-8");
    CHECK_FIELD("Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT");
    CHECK_FIELD("Accept-Ranges: bytes");
    CHECK_NO_FIELD("Cache-Control");
    CHECK_NO_FIELD("Vary");
    CHECK_ANSWERS("200 hello");
    CHECK_GET("/files/empty", "", "200");
    CHECK_GET("/files/sub/b", "", "200 bb");
    CHECK_GET("/files/sub/c%20d", "", "200");
    CHECK_GET("/files/none", "", "404");
    CHECK_GET("/files/a.txt/", "", "404");
    CHECK_GET("/files/a.txt/b", "", "404");
    CHECK_GET("/a.txt", "", "404");
    CHECK_SAYS("405", "POST /files/a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    server_ends(self);
    co_end;
}

SERVER_TEST(nothing_outside_of_the_folder_is_served, {})
{
    co_begin;
    self->app = files_app("/", NULL);
    server_begins(self);
    CHECK_GET("/../secret", "", "400 .");
    server_ends(self);
    self->app = files_app("/x", NULL);
    server_begins(self);
    CHECK_GET("/x/../secret", "", "404");
    CHECK_GET("/x/%2e%2e/secret", "", "404");
    CHECK_GET("/x/..%2fsecret", "", "404");
    CHECK_GET("/x//etc/passwd", "", "404");
    CHECK_GET("/x/out", "", "404");
    CHECK_GET("/x/abs", "", "404");
    CHECK_GET("/x/up/secret", "", "404");
    CHECK_GET("/x/pipe", "", "404");
    server_ends(self);
    co_end;
}

SERVER_TEST(what_begins_with_a_dot_is_not_there, {})
{
    co_begin;
    self->app = files_app("/", NULL);
    server_begins(self);
    CHECK_GET("/.hidden", "", "404");
    CHECK_GET("/%2ehidden", "", "404");
    CHECK_GET("/.git/config", "", "404");
    CHECK_GET("/sub/./b", "", "200 bb"); /* that is no name */
    server_ends(self);
    co_end;
}

SERVER_TEST(a_folder_is_its_index_or_refused, {})
{
    co_begin;
    self->app = files_app("/f", NULL);
    server_begins(self);
    get("/f/indexed/", "");
    settle();
    CHECK_FIELD("Content-Type: text/html; charset=utf-8");
    CHECK_ANSWERS("200 <p>index");
    get("/f/indexed?a=%20b", "");
    settle();
    CHECK_FIELD("Location: /f/indexed/?a=%20b");
    CHECK_ANSWERS("301");
    get("/f", "");
    settle();
    CHECK_FIELD("Location: /f/");
    CHECK_ANSWERS("301");
    CHECK_GET("/f/sub/", "", "403");
    server_ends(self);
    self->app = files_app("/", &(awl_http_static_options){ .index = "b" });
    server_begins(self);
    CHECK_GET("/sub/", "", "200 bb");
    server_ends(self);
    self->app = files_app("/", &(awl_http_static_options){ .index = "" });
    server_begins(self);
    CHECK_GET("/indexed/", "", "403");
    server_ends(self);
    co_end;
}

/* A redirect to "//host/" would lead to another site. */
SERVER_TEST(a_redirect_stays_on_this_site, {})
{
    co_begin;
    self->app = files_app("/f", NULL);
    server_begins(self);
    get("/f/up", ""); /* a link to a folder outside */
    settle();
    CHECK_ANSWERS("404");
    get("//f//sub", "");
    settle();
    CHECK(!strstr(fresh(), "Location: //"));
    CHECK_ANSWERS("404");
    server_ends(self);
    co_end;
}

SERVER_TEST(a_folder_is_listed_sorted_and_escaped, { const char *at, *next; })
{
    co_begin;
    self->app = files_app("/", &(awl_http_static_options){ .listing = true });
    server_begins(self);
    get("/sub/", "");
    settle();
    CHECK_FIELD("Content-Type: text/html; charset=utf-8");
    CHECK(strstr(fresh(), "<h1>Index of /sub/</h1>"));
    CHECK(strstr(fresh(), "<a href=\"../\">"));
    self->at = strstr(fresh(), "<a href=\"./%3C%26%22%27%3E.html\">&lt;&amp;&quot;&#39;&gt;.html</a>");
    CHECK(self->at != NULL);
    self->next = strstr(self->at, "<a href=\"./b\">b</a></td><td>");
    CHECK(self->next != NULL);
    CHECK(strstr(self->next, "</td><td>2</td></tr>"));
    CHECK(strstr(self->next, "<a href=\"./c%20d\">c d</a>"));
    CHECK(strncmp(answers_to(&the_wire, false), "200 ", 4) == 0);
    get("/", "");
    settle();
    CHECK(!strstr(fresh(), "hidden") && !strstr(fresh(), ".git") && !strstr(fresh(), "../"));
    self->at = strstr(fresh(), ">sub/</a>");
    CHECK(self->at && strstr(self->at, ">a.txt</a>")); /* folders come first */
    CHECK(strncmp(answers_to(&the_wire, false), "200 ", 4) == 0);
    CHECK_GET("/indexed/", "", "200 <p>index");
    server_ends(self);
    co_end;
}

SERVER_TEST(what_is_compressed_already_goes_to_who_takes_it, {})
{
    co_begin;
    self->app = files_app("/", &(awl_http_static_options){ .max_age = AWL_MINUTE });
    server_begins(self);
    get("/style.css", "Accept-Encoding: br, gzip;q=0.5\r\n");
    settle();
    CHECK_FIELD("Content-Encoding: gzip");
    CHECK_FIELD("Content-Type: text/css; charset=utf-8");
    CHECK_FIELD("Vary: Accept-Encoding");
    CHECK_FIELD("Cache-Control: max-age=60");
    CHECK_ANSWERS("200 GZIPPED");
    get("/style.css", "Accept-Encoding: gzip;q=0\r\n");
    settle();
    CHECK_FIELD("Vary: Accept-Encoding");
    CHECK_NO_FIELD("Content-Encoding");
    CHECK_ANSWERS("200 body{}");
    CHECK_GET("/style.css", "", "200 body{}");
    CHECK_GET("/old.css", "Accept-Encoding: gzip\r\n", "200 new");
    CHECK_GET("/style.css.gz", "", "200 GZIPPED");
    server_ends(self);
    self->app = files_app("/", &(awl_http_static_options){ .no_gzip = true });
    server_begins(self);
    CHECK_GET("/style.css", "Accept-Encoding: gzip\r\n", "200 body{}");
    server_ends(self);
    co_end;
}

SERVER_TEST(types_of_the_callers_come_first, {})
{
    static const awl_http_type types[] = { { "TXT", "text/x-own" }, { NULL, NULL } };

    co_begin;
    self->app = files_app("/", &(awl_http_static_options){ .types = types });
    server_begins(self);
    get("/a.txt", "");
    settle();
    CHECK_FIELD("Content-Type: text/x-own");
    CHECK_ANSWERS("200 hello");
    server_ends(self);
    co_end;
}

SERVER_TEST(a_folder_that_cannot_be_served_is_refused, {})
{
    char file[128];

    co_begin;
    snprintf(file, sizeof file, "%s/a.txt", root);
    self->app = awl_http_app_new(NULL);
    CHECK(self->app != NULL);
    CHECK_INT(awl_http_static(self->app, "/", "/nowhere/at/all", NULL), ENOENT);
    CHECK_INT(awl_http_static(self->app, "/", file, NULL), ENOTDIR);
    CHECK_INT(awl_http_static(self->app, "files", root, NULL), EINVAL);
    CHECK_INT(awl_http_static(self->app, "/{x}", root, NULL), EINVAL);
    CHECK_INT(awl_http_static(self->app, NULL, root, NULL), EINVAL);
    CHECK_INT(awl_http_static(self->app, "/", root, &(awl_http_static_options){ .index = "../secret" }), EINVAL);
    CHECK_INT(awl_http_static(NULL, "/", root, NULL), EINVAL);
    CHECK_INT(awl_http_static(self->app, "/", root, NULL), 0);
    CHECK_INT(awl_http_static(self->app, "/", root, NULL), EEXIST);
    awl_http_app_release(self->app);
    co_end;
}

/* Both ways to open what is in a folder; 0: it is opened. */
static int opens(int (*open_in)(int, const char *), int fd, const char *path)
{
    const int got = open_in(fd, path);

    if (got >= 0)
        close(got);
    return got >= 0 ? 0 : -got;
}

TEST(what_is_opened_lies_within_the_folder)
{
    const int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    CHECK(fd >= 0);
    for (int i = 0; i < 2; i++) {
        int (*const by)(int, const char *) = i ? awl__open_step_by_step : awl__open_beneath;

        CHECK_INT(opens(by, fd, "a.txt"), 0);
        CHECK_INT(opens(by, fd, "sub/b"), 0);
        CHECK_INT(opens(by, fd, "sub/"), 0);
        CHECK_INT(opens(by, fd, "."), 0);
        CHECK_INT(opens(by, fd, "none"), ENOENT);
        CHECK_INT(opens(by, fd, "a.txt/b"), ENOTDIR);
        CHECK_INT(opens(by, fd, "../secret"), EXDEV);
        CHECK_INT(opens(by, fd, "sub/../../secret"), EXDEV);
        CHECK_INT(opens(by, fd, "/etc/passwd"), EXDEV);
        CHECK(opens(by, fd, "out"));
        CHECK(opens(by, fd, "abs"));
        CHECK(opens(by, fd, "up/secret"));
    }
    CHECK_INT(opens(awl__open_step_by_step, fd, "in"), ELOOP);
    close(fd);
}
