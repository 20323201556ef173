/* What files are, by their extensions; see awl/http_files.h. The types are those of IANA's register. */
#include <string.h>

#include "awl/http_files.h"
#include "../http/parser.h"

static const awl_http_type known[] = {
    { "html", "text/html; charset=utf-8" },
    { "css", "text/css; charset=utf-8" },
    { "js", "text/javascript; charset=utf-8" },
    { "png", "image/png" },
    { "jpg", "image/jpeg" },
    { "svg", "image/svg+xml" },
    { "json", "application/json" },
    { "txt", "text/plain; charset=utf-8" },
    { "woff2", "font/woff2" },
    { "webp", "image/webp" },
    { "ico", "image/x-icon" },
    { "7z", "application/x-7z-compressed" },
    { "aac", "audio/aac" },
    { "apng", "image/apng" },
    { "avif", "image/avif" },
    { "bmp", "image/bmp" },
    { "bz2", "application/x-bzip2" },
    { "c", "text/plain; charset=utf-8" },
    { "csv", "text/csv; charset=utf-8" },
    { "deb", "application/vnd.debian.binary-package" },
    { "epub", "application/epub+zip" },
    { "flac", "audio/flac" },
    { "gif", "image/gif" },
    { "gz", "application/gzip" },
    { "h", "text/plain; charset=utf-8" },
    { "htm", "text/html; charset=utf-8" },
    { "jpeg", "image/jpeg" },
    { "jsonld", "application/ld+json" },
    { "log", "text/plain; charset=utf-8" },
    { "m4a", "audio/mp4" },
    { "map", "application/json" },
    { "md", "text/markdown; charset=utf-8" },
    { "mjs", "text/javascript; charset=utf-8" },
    { "mp3", "audio/mpeg" },
    { "mp4", "video/mp4" },
    { "mpeg", "video/mpeg" },
    { "oga", "audio/ogg" },
    { "ogg", "audio/ogg" },
    { "ogv", "video/ogg" },
    { "opus", "audio/ogg" },
    { "otf", "font/otf" },
    { "pdf", "application/pdf" },
    { "rtf", "application/rtf" },
    { "sh", "application/x-sh" },
    { "tar", "application/x-tar" },
    { "tif", "image/tiff" },
    { "tiff", "image/tiff" },
    { "ttf", "font/ttf" },
    { "wasm", "application/wasm" },
    { "wav", "audio/wav" },
    { "weba", "audio/webm" },
    { "webm", "video/webm" },
    { "webmanifest", "application/manifest+json" },
    { "woff", "font/woff" },
    { "xhtml", "application/xhtml+xml" },
    { "xml", "text/xml; charset=utf-8" },
    { "xz", "application/x-xz" },
    { "zip", "application/zip" },
    { "zst", "application/zstd" },
    { NULL, NULL },
};

static const char *look(const awl_http_type *types, const char *extension)
{
    for (; types && types->extension; types++) {
        if (awl__http_same(types->extension, extension))
            return types->type;
    }
    return NULL;
}

const char *awl_http_type_of(const char *name, const awl_http_type *types)
{
    const char *slash = name ? strrchr(name, '/') : NULL, *base = slash ? slash + 1 : name;
    const char *dot = base ? strrchr(base, '.') : NULL, *type = NULL;

    if (dot && dot > base) {
        type = look(types, dot + 1);
        type = type ? type : look(known, dot + 1);
    }
    return type ? type : "application/octet-stream";
}
