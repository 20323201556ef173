/* awl/http.h: HTTP/1.1: URLs, a client and a server. SPDX-License-Identifier: MIT */
#ifndef AWL_HTTP_H
#define AWL_HTTP_H

#include "awl/url.h"
#include "awl/http_client.h"
#include "awl/http_server.h"
#include "awl/http_files.h"
#include "awl/http_forms.h"
#include "awl/http_run.h"
#include "awl/websocket.h"

#endif
