/*
 * A small REST API: notes, as JSON, by cJSON.
 *
 * Shows    routes by method, awl_request_read_all, awl_respond_error, awl_http_run.
 * Build    cc 29_rest_api.c $(pkg-config --cflags --libs awl libcjson), or: ninja examples/29_rest_api
 * Prints   listening on http://127.0.0.1:PORT       and serves:
 *          curl -d '{"text": "milk"}' http://127.0.0.1:PORT/notes     {"id":1,"text":"milk"}
 *          curl http://127.0.0.1:PORT/notes                           [{"id":1,"text":"milk"}]
 *          curl -X DELETE http://127.0.0.1:PORT/notes/1
 *
 *     @routes.post("/notes")
 *     async def add(request):
 *         note = await request.json()
 *         notes.append({"id": len(notes) + 1, "text": note["text"]})
 *         return web.json_response(notes[-1], status=201)
 */
#include <awl.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cJSON *notes; /* an array of {"id": 1, "text": "…"} */
static int last_id;

/* Responds with a value, and with what is wrong if that cannot be written. */
static void respond_json(awl_request *request, int status, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);

    if (!text || awl_respond_text(request, status, "application/json", text))
        awl_respond_error(request, 503);
    cJSON_free(text);
}

co_def(list, { awl_request *request; })
{
    co_begin;
    respond_json(self->request, 200, notes);
    co_end;
}

co_def(add, { awl_request *request; char *body; size_t len; })
{
    cJSON *sent, *note;

    co_begin;
    co_let(self->body, awl_request_read_all(self->request, &self->len));
    sent = cJSON_ParseWithLength(self->body, self->len);
    note = cJSON_IsString(cJSON_GetObjectItem(sent, "text")) ? cJSON_CreateObject() : NULL;
    if (note) {
        cJSON_AddNumberToObject(note, "id", ++last_id);
        cJSON_AddStringToObject(note, "text", cJSON_GetObjectItem(sent, "text")->valuestring);
        cJSON_AddItemToArray(notes, note);
        respond_json(self->request, 201, note);
    } else {
        awl_respond_error(self->request, 422);
    }
    cJSON_Delete(sent);
    co_end;
}

co_def(discard, { awl_request *request; })
{
    const int id = atoi(awl_request_param(self->request, "id"));
    cJSON *note = notes->child;

    co_begin;
    while (note && cJSON_GetObjectItem(note, "id")->valueint != id)
        note = note->next;
    if (!note)
        awl_respond_error(self->request, 404);
    else
        awl_respond(self->request, 204, NULL, NULL, 0);
    if (note)
        cJSON_Delete(cJSON_DetachItemViaPointer(notes, note));
    co_end;
}

static awl_coro on_list(awl_request *request, void *arg) { return (void)arg, co_call(list, .request = request); }
static awl_coro on_add(awl_request *request, void *arg) { return (void)arg, co_call(add, .request = request); }
static awl_coro on_discard(awl_request *request, void *arg) { return (void)arg, co_call(discard, .request = request); }

static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    int error = awl_http_route(app, "GET", "/notes", on_list, NULL);

    (void)options, (void)arg;
    error = error ? error : awl_http_route(app, "POST", "/notes", on_add, NULL);
    return error ? error : awl_http_route(app, "DELETE", "/notes/{id}", on_discard, NULL);
}

static void listening(int port, void *arg)
{
    (void)arg;
    printf("listening on http://127.0.0.1:%d\n", port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const int port = argc == 3 && !strcmp(argv[1], "--port") ? atoi(argv[2]) : 0;
    int error;

    notes = cJSON_CreateArray();
    error = notes ? awl_http_run("127.0.0.1", port, setup, NULL, &(awl_http_run_options){ .listening = listening })
                  : ENOMEM;
    cJSON_Delete(notes);
    return error != 0;
}
