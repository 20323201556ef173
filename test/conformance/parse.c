/* From the text of a scenario to flat arrays of instructions, in which blocks are indexes. */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENS = 128 };

typedef struct reader {
    program *program;
    code *code;       /* that is being read */
    size_t n_fns;
    char *next;       /* the text that follows */
    int line;
    char *tokens[MAX_TOKENS]; /* of the line that was read last; none: the end of the file */
    size_t n;
} reader;

static const operation jump = { .name = "jump", .control = CONTROL_JUMP };
static const operation end_block = { .name = "end", .control = CONTROL_END_BLOCK };
static const operation end_try = { .name = "end", .control = CONTROL_END_TRY };
static const operation end_finally = { .name = "end", .control = CONTROL_END_FINALLY };

/* ---- Lines and tokens -------------------------------------------------------------------------------------------- */

/* Reads the next line that says something. */
static void next_line(reader *r)
{
    r->n = 0;
    while (r->next && r->n == 0) {
        char *line = r->next, *end = strchr(line, '\n');

        r->next = end ? end + 1 : NULL;
        if (end)
            *end = '\0';
        r->line++;
        for (char *token = strtok(line, " \t\r"); token; token = strtok(NULL, " \t\r")) {
            if (r->n == 0 && token[0] == '#')
                break;
            if (r->n == MAX_TOKENS)
                scn_fail(r->line, "too many tokens");
            r->tokens[r->n++] = token;
        }
    }
}

static bool is(const reader *r, const char *word) { return r->n && strcmp(r->tokens[0], word) == 0; }

static bool is_number(const char *token)
{
    token += strspn(token, "-");
    return *token && token[strspn(token, "0123456789")] == '\0';
}

static operand read_operand(const char *token)
{
    operand o = { .kind = OPERAND_LITERAL, .token = token };

    if (token[0] == '$') {
        o.token++;
        o.kind = OPERAND_VARIABLE;
        if (strcmp(o.token, "me") == 0)
            o.kind = OPERAND_ME;
        if (*o.token > '0' && is_number(o.token)) {
            o.kind = OPERAND_ARGUMENT;
            o.index = strtoul(o.token, NULL, 10) - 1;
        }
    } else if (is_number(token)) {
        o.literal = value_int(strtoll(token, NULL, 10));
    } else if (strcmp(token, "none") != 0) {
        o.literal = value_word(token);
    }
    return o;
}

/* ---- Instructions ------------------------------------------------------------------------------------------------ */

/* Room for one more; pointers to the others are void after this. Result: its index. */
static size_t add(reader *r, const operation *op)
{
    code *c = r->code;

    if (c->n == c->cap) {
        instruction *more = scn_alloc((2 * c->cap + 8) * sizeof *more);

        if (c->n)
            memcpy(more, c->ins, c->n * sizeof *more);
        c->ins = more;
        c->cap = 2 * c->cap + 8;
    }
    c->ins[c->n].op = op;
    c->ins[c->n].line = r->line;
    return c->n++;
}

/* The operands of the line, from token `from`, and what stands behind `->`. */
static void read_operands(const reader *r, instruction *ins, size_t from)
{
    size_t n = from;

    while (n < r->n && strcmp(r->tokens[n], "->") != 0)
        n++;
    ins->n_args = n - from;
    ins->args = scn_alloc((ins->n_args + 1) * sizeof *ins->args);
    for (size_t i = 0; i < ins->n_args; i++)
        ins->args[i] = read_operand(r->tokens[from + i]);
    if (n == r->n)
        return;
    if (n + 1 == r->n || r->n - n - 1 > 2)
        scn_fail(r->line, "one or two names after ->");
    while (++n < r->n)
        ins->outs[ins->n_outs++] = r->tokens[n];
}

static bool is_among(const char *token, const char *a, const char *b, const char *c)
{
    return strcmp(token, a) == 0 || strcmp(token, b) == 0 || strcmp(token, c) == 0;
}

static bool is_comparison(const char *token)
{
    return is_among(token, "==", "!=", "<") || is_among(token, ">", "<=", ">=");
}

static void check(const reader *r, const instruction *ins, bool in_finally)
{
    const operation *op = ins->op;
    const int n = (int)ins->n_args;

    if (n < op->least || (op->most >= 0 && n > op->most) || (int)ins->n_outs > op->outs)
        scn_fail(r->line, "wrong operands for %s", op->name);
    if (r->code->is_fn && !op->sync)
        scn_fail(r->line, "%s is not allowed in a fn", op->name);
    if (in_finally && (op->control == CONTROL_RETURN || op->control == CONTROL_BREAK))
        scn_fail(r->line, "%s inside finally", op->name);
    if (op->control == CONTROL_IF && !is_comparison(ins->args[1].token))
        scn_fail(r->line, "bad comparison");
    if (strcmp(op->name, "cwaitfor") == 0 && !is_comparison(ins->args[2].token))
        scn_fail(r->line, "bad comparison");
    if (strcmp(op->name, "wait") == 0 && !is_among(ins->args[0].token, "all", "first", "exc"))
        scn_fail(r->line, "bad wait mode");
    if (strcmp(op->name, "gather") == 0 && !is_among(ins->args[1].token, "plain", "re", "re"))
        scn_fail(r->line, "bad gather mode");
}

static void read_block(reader *r, int depth, bool in_finally);

static void expect_end(const reader *r)
{
    if (!is(r, "end") || r->n != 1)
        scn_fail(r->line, "end expected");
}

/* `except KINDS [-> X]` and its body. */
static void read_clause(reader *r, size_t at, int depth, bool in_finally)
{
    instruction head = { .op = NULL };
    instruction *ins;
    clause *more;

    read_operands(r, &head, 1);
    if (head.n_args != 1 || head.n_outs > 1)
        scn_fail(r->line, "except KIND[,KIND] [-> X]");
    ins = &r->code->ins[at];
    more = scn_alloc((ins->n_clauses + 1) * sizeof *more);
    if (ins->n_clauses)
        memcpy(more, ins->clauses, ins->n_clauses * sizeof *more);
    more[ins->n_clauses++] = (clause){ head.args[0].token, head.outs[0], r->code->n };
    ins->clauses = more;
    read_block(r, depth, in_finally);
    add(r, &end_try);
}

/* The rest of a try, whose instruction is at `at`. */
static void read_try(reader *r, size_t at, int depth, bool in_finally)
{
    read_block(r, depth, in_finally);
    add(r, &end_try);
    while (is(r, "except"))
        read_clause(r, at, depth, in_finally);
    if (is(r, "finally")) {
        r->code->ins[at].fin = r->code->n;
        read_block(r, depth, true);
        add(r, &end_finally);
    }
    if (!r->code->ins[at].n_clauses && !r->code->ins[at].fin)
        scn_fail(r->line, "try without except or finally");
}

static void read_if(reader *r, size_t at, int depth, bool in_finally)
{
    read_block(r, depth, in_finally);
    if (is(r, "else")) {
        const size_t skip = add(r, &jump);

        r->code->ins[at].alt = r->code->n;
        read_block(r, depth, in_finally);
        r->code->ins[skip].alt = r->code->n;
    } else {
        r->code->ins[at].alt = r->code->n;
    }
}

static void read_statement(reader *r, int depth, bool in_finally)
{
    const operation *op = operation_find(r->tokens[0]);
    size_t at;

    if (!op)
        scn_unsupported(r->line, "unknown operation %s", r->tokens[0]);
    at = add(r, op);
    read_operands(r, &r->code->ins[at], 1);
    check(r, &r->code->ins[at], in_finally);
    if (op->control > CONTROL_WITH)
        return;
    if (op->control == CONTROL_IF) {
        read_if(r, at, depth + 1, in_finally);
    } else if (op->control == CONTROL_TRY) {
        read_try(r, at, depth + 1, in_finally);
    } else {
        read_block(r, depth + 1, in_finally);
        add(r, &end_block);
    }
    expect_end(r);
    r->code->ins[at].end = r->code->n;
}

/* Statements up to a line that ends the block, which is then the one that was read last. */
static void read_block(reader *r, int depth, bool in_finally)
{
    if (depth > MAX_DEPTH)
        scn_fail(r->line, "blocks too deep");
    for (next_line(r); !is(r, "end") && !is(r, "else") && !is(r, "except") && !is(r, "finally"); next_line(r)) {
        if (!r->n)
            scn_fail(r->line, "end of file inside a block");
        read_statement(r, depth, in_finally);
    }
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static code *find_code(const program *p, const char *name, bool is_fn)
{
    code *c = p->codes;

    while (c && (c->is_fn != is_fn || strcmp(c->name, name) != 0))
        c = c->next;
    return c;
}

static void read_code(reader *r)
{
    const bool is_fn = is(r, "fn");
    code *c;

    if (r->n != 2)
        scn_fail(r->line, "%s NAME", r->tokens[0]);
    if (find_code(r->program, r->tokens[1], is_fn))
        scn_fail(r->line, "%s is defined twice", r->tokens[1]);
    c = scn_alloc(sizeof *c);
    *c = (code){ .name = r->tokens[1], .is_fn = is_fn, .index = is_fn ? r->n_fns++ : 0, .next = r->program->codes };
    r->program->codes = r->code = c;
    read_block(r, 0, false);
    expect_end(r);
}

static void read_declaration(reader *r, declaration ***last)
{
    static const struct {
        const char *kind;
        size_t least, most;
    } kinds[] = {
        { "var", 2, 2 },   { "future", 1, 1 }, { "lock", 1, 1 }, { "sem", 2, 2 },     { "bsem", 2, 2 },
        { "event", 1, 1 }, { "cond", 1, 2 },   { "queue", 1, 2 }, { "lifo", 1, 2 },   { "prio", 1, 2 },
        { "barrier", 2, 2 }, { "reader", 1, 2 }, { "writer", 3, 3 }, { "ctxvar", 2, 2 },
    };
    declaration *d;
    size_t k = 0;

    while (k < sizeof kinds / sizeof *kinds && !is(r, kinds[k].kind))
        k++;
    if (k == sizeof kinds / sizeof *kinds)
        scn_unsupported(r->line, "unknown declaration %s", r->tokens[0]);
    if (r->n - 1 < kinds[k].least || r->n - 1 > kinds[k].most)
        scn_fail(r->line, "wrong operands for %s", r->tokens[0]);
    d = scn_alloc(sizeof *d);
    *d = (declaration){ .kind = r->tokens[0], .name = r->tokens[1] };
    if (r->n > 2)
        d->first = read_operand(r->tokens[2]);
    if (r->n > 3)
        d->second = read_operand(r->tokens[3]);
    **last = d;
    *last = &d->next;
}

/* The coroutine or fn that operand i of an instruction names. */
static const code *find_named_code(const program *p, const instruction *ins, int i, bool is_fn)
{
    const code *c = find_code(p, ins->args[i].token, is_fn);

    if (!c)
        scn_fail(ins->line, "there is no %s %s", is_fn ? "fn" : "coro", ins->args[i].token);
    return c;
}

void program_parse(program *p, char *source)
{
    reader r = { .program = p, .next = source };
    declaration **last = &p->declarations;

    for (next_line(&r); r.n; next_line(&r)) {
        if (is(&r, "coro") || is(&r, "fn"))
            read_code(&r);
        else if (!is(&r, "doc"))
            read_declaration(&r, &last);
    }
    p->main = find_code(p, "main", false);
    if (!p->main)
        scn_fail(0, "there is no coro main");
    for (code *c = p->codes; c; c = c->next) {
        for (size_t i = 0; i < c->n; i++) {
            instruction *ins = &c->ins[i];

            if (ins->op->control == CONTROL_PLAIN && ins->op->coro >= 0)
                ins->code = find_named_code(p, ins, ins->op->coro, false);
            if (ins->op->control == CONTROL_PLAIN && ins->op->fn >= 0)
                ins->code = find_named_code(p, ins, ins->op->fn, true);
        }
    }
}
