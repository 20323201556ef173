/* test_server_cookies.c: cookies and passwords, of requests and responses. */
#include "awl/http_forms.h"
#include "site_rig.h"

/* ---- Cookies that come ------------------------------------------------------------------------------------------- */

/* Says what the cookies "a" and "bc" are. */
HANDLER(says_cookies, {})
{
    co_begin;
    awl_respond_print(self->request, 200, NULL, "[%s][%s]",
                      awl_request_cookie(self->request, "a") ? awl_request_cookie(self->request, "a") : "none",
                      awl_request_cookie(self->request, "bc") ? awl_request_cookie(self->request, "bc") : "none");
    CHECK(!awl_request_cookie(self->request, ""));
    CHECK(!awl_request_cookie(self->request, NULL));
    CHECK(!awl_request_cookie(NULL, "a"));
    co_end;
}

SERVER_TEST(cookies_are_found_by_their_names, {})
{
    co_begin;
    self->app = app_of(on_says_cookies, NULL);
    server_begins(self);
    CHECK_GET("/", "", "200 [none][none]");
    CHECK_GET("/", "Cookie: a=1; bc=2\r\n", "200 [1][2]");
    CHECK_GET("/", "Cookie: bc=x y=z ;a=\r\n", "200 [][x y=z]");
    CHECK_GET("/", "Cookie: a=1\r\ncookie: bc=2\r\n", "200 [1][2]");
    CHECK_GET("/", "Cookie: a=1; a=2\r\n", "200 [1][none]");
    CHECK_GET("/", "Cookie: a=\"q\"; bc=\"\r\n", "200 [q][\"]");
    CHECK_GET("/", "Cookie: A=1; abc=2; b=3; bcd=4; a; bc\r\n", "200 [none][none]");
    CHECK_GET("/", "Cookie: ;;; a=%20;\r\n", "200 [%20][none]");
    server_ends(self);
    co_end;
}

/* ---- Cookies that are set ---------------------------------------------------------------------------------------- */

HANDLER(sets_cookies, {})
{
    static const awl_http_cookie_options all = {
        .path = "/x",
        .domain = "example.org",
        .max_age = 90 * AWL_SECOND,
        .same_site = AWL_SAME_SITE_NONE,
        .secure = true,
        .for_scripts = true,
    };
    awl_request *r = self->request;

    co_begin;
    CHECK_INT(awl_respond_cookie(r, "a", "1", NULL), 0);
    CHECK_INT(awl_respond_cookie(r, "b", "", &all), 0);
    CHECK_INT(
        awl_respond_cookie(r, "c", "x", &(awl_http_cookie_options){ .max_age = -1, .same_site = AWL_SAME_SITE_STRICT }),
        0);
    CHECK_INT(awl_respond_cookie(r, "__Host-d", "x", &(awl_http_cookie_options){ .secure = true }), 0);
    CHECK_INT(awl_respond_cookie(r, "__Host-d", "x", &all), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "__Host-d", "x", &(awl_http_cookie_options){ .secure = true, .path = "/a" }),
              EINVAL);
    CHECK_INT(awl_respond_cookie(r, "__Secure-d", "x", NULL), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", "x", &(awl_http_cookie_options){ .same_site = AWL_SAME_SITE_NONE }), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", "x", &(awl_http_cookie_options){ .path = "a" }), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", "x", &(awl_http_cookie_options){ .path = "/;a" }), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", "x", &(awl_http_cookie_options){ .domain = "a\n" }), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", "x;y", NULL), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", "x\r\ny", NULL), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", "\xc3\xa4", NULL), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d=", "x", NULL), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "", "x", NULL), EINVAL);
    CHECK_INT(awl_respond_cookie(r, "d", NULL, NULL), EINVAL);
    CHECK_INT(awl_respond_cookie(NULL, "d", "x", NULL), EINVAL);
    CHECK_INT(awl_respond_text(r, 200, NULL, "set"), 0);
    CHECK_INT(awl_respond_cookie(r, "d", "x", NULL), EALREADY);
    co_end;
}

SERVER_TEST(cookies_are_set_with_care, {})
{
    co_begin;
    self->app = app_of(on_sets_cookies, NULL);
    server_begins(self);
    get("/", "");
    settle();
    CHECK_FIELD("Set-Cookie: a=1; Path=/; HttpOnly; SameSite=Lax");
    CHECK_FIELD("Set-Cookie: b=; Path=/x; Domain=example.org; Max-Age=90; Secure; SameSite=None");
    CHECK_FIELD("Set-Cookie: c=x; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    CHECK_FIELD("Set-Cookie: __Host-d=x; Path=/; Secure; HttpOnly; SameSite=Lax");
    CHECK(!strstr(fresh(), "Set-Cookie: d="));
    CHECK_ANSWERS("200 set");
    server_ends(self);
    co_end;
}

/* ---- Passwords --------------------------------------------------------------------------------------------------- */

/* Lets in who knows the password of Aladdin, as in RFC 7617, 2. */
HANDLER(secret, { const char *user, *password; })
{
    co_begin;
    CHECK(!awl_request_is_user(self->request, NULL, ""));
    CHECK_INT(awl_respond_unauthorized(self->request, "a\"b"), EINVAL);
    CHECK_INT(awl_respond_unauthorized(NULL, "a"), EINVAL);
    if (awl_request_is_user(self->request, "Aladdin", "open sesame"))
        awl_respond_text(self->request, 200, NULL, "in");
    else if (awl_request_basic_auth(self->request, &self->user, &self->password))
        awl_respond_print(self->request, 403, NULL, "%s/%s", self->user, self->password);
    else
        CHECK_INT(awl_respond_unauthorized(self->request, "Cave"), 0);
    co_end;
}

SERVER_TEST(who_knows_the_password_is_let_in, {})
{
    co_begin;
    self->app = app_of(on_secret, NULL);
    server_begins(self);
    get("/", "");
    settle();
    CHECK_FIELD("WWW-Authenticate: Basic realm=\"Cave\", charset=\"UTF-8\"");
    CHECK_ANSWERS("401");
    CHECK_GET("/", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", "200 in");
    CHECK_GET("/", "Authorization: bASIC  QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", "200 in");
    CHECK_GET("/", "Authorization: Basic QWxhZGRpbjpvcGVu\r\n", "403 Aladdin/open");
    CHECK_GET("/", "Authorization: Basic YTpiOmM=\r\n", "403 a/b:c");
    CHECK_GET("/", "Authorization: Basic Og==\r\n", "403 /");
    CHECK_GET("/", "Authorization: Basic YQ==\r\n", "401"); /* no colon */
    CHECK_GET("/", "Authorization: Basic YTpiAGM=\r\n", "401"); /* a zero byte */
    CHECK_GET("/", "Authorization: Basic !!!!\r\n", "401");
    CHECK_GET("/", "Authorization: Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", "401");
    server_ends(self);
    co_end;
}

TEST(secrets_are_compared_whole)
{
    CHECK(awl_same_secret("", ""));
    CHECK(awl_same_secret("abc", "abc"));
    CHECK(!awl_same_secret("abc", "abd"));
    CHECK(!awl_same_secret("abc", "ab"));
    CHECK(!awl_same_secret("ab", "abc"));
    CHECK(!awl_same_secret("abab", "ab"));
    CHECK(!awl_same_secret("", "a"));
    CHECK(!awl_same_secret("a", ""));
}
