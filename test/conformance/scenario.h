/*
 * The scenario language of asyncio's conformance set, run with awl: what the files of this folder share.
 *
 *   parse.c   a file to flat arrays of instructions
 *   value.c   values, errors and their names
 *   name.c    what operands stand for: variables and futures
 *   run.c     the interpreter: one frame that steps through an array
 *   op*.c     the operations, each a few calls of awl's public API
 *   main.c    one run: the main task, its end, the clean-up, the report
 *
 * Nothing is freed before the end of the program: a scenario is short, and all it makes comes from scn_alloc.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "awl.h"

enum { EXIT_WRONG = 2, EXIT_UNSUPPORTED = 3 };
enum { MAX_DEPTH = 12, MAX_STEPS = 20000 };

/* Zeroed memory that lasts as long as the program; scn_free_all is its end. */
void *scn_alloc(size_t size);
void scn_free_all(void);

/* Says what is wrong with a line of the scenario (0: with the run), and exits: it is wrong; the language has no such thing. */
void scn_exit(int status, int line, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));
#define scn_fail(...) scn_exit(EXIT_WRONG, __VA_ARGS__)
#define scn_unsupported(...) scn_exit(EXIT_UNSUPPORTED, __VA_ARGS__)

/* ---- Values ------------------------------------------------------------------------------------------------------ */

enum value_kind { VALUE_INT, VALUE_WORD, VALUE_LIST, VALUE_ERROR, VALUE_BYTES };

/* A value is never changed. NULL is none. */
typedef struct value {
    enum value_kind kind;
    int64_t number; /* of an error: its number */
    const char *word; /* or bytes */
    const struct value **items;
    size_t n; /* items, bytes */
} value;

const value *value_int(int64_t number);
const value *value_word(const char *word);
const value *value_error(int error);
const value *value_list(const value **items, size_t n);
const value *value_bytes(const char *bytes, size_t n); /* kept, not copied */
bool value_equal(const value *a, const value *b);

/* The text of a value: `buffer` is a growing one, of scn_alloc. */
typedef struct text {
    char *at;
    size_t len, cap;
} text;
void text_add(text *t, const char *word);
void text_add_value(text *t, const value *v);

/* Errors: numbers of errno and awl for the kinds that the library raises, from 2000 up for the words of a scenario. */
int error_number(const char *kind); /* 0: there is no such kind */
const char *error_kind(int error);
int error_new(const char *kind); /* a number for a kind that has details */

/* ---- Programs ---------------------------------------------------------------------------------------------------- */

typedef struct instruction instruction;
typedef struct interpret interpret;
typedef struct object object;

/* What the interpreter itself carries out; all else is PLAIN. Those up to WITH open a block. */
enum control {
    CONTROL_IF, CONTROL_LOOP, CONTROL_TRY, CONTROL_TIMEOUT, CONTROL_TASKGROUP, CONTROL_WITH,
    CONTROL_RETURN, CONTROL_BREAK, CONTROL_RERAISE, CONTROL_JUMP, CONTROL_END_BLOCK, CONTROL_END_TRY,
    CONTROL_END_FINALLY, CONTROL_PLAIN,
};

/* An operation of the language. */
typedef struct operation {
    const char *name;
    int least, most, outs; /* operands (most -1: any number), and names behind `->` */
    bool sync;             /* never suspends: allowed in a fn */
    enum control control;
    int coro, fn; /* which operand names a coroutine, a fn; -1: none */

    /* Carries it out at once: 0, or the error that it raises. */
    int (*run)(interpret *self, const instruction *ins);
    /* Or makes what is to be awaited; `finish` takes what came of it. */
    awl_coro (*start)(interpret *self, const instruction *ins);
    void (*finish)(interpret *self, const instruction *ins);
} operation;

const operation *operation_find(const char *name); /* NULL: there is none */

enum operand_kind { OPERAND_LITERAL, OPERAND_ARGUMENT, OPERAND_ME, OPERAND_VARIABLE };

typedef struct operand {
    enum operand_kind kind;
    const value *literal; /* NULL: none */
    size_t index;         /* of an argument, from 0 */
    const char *token;    /* as it is written; of a variable: its name */
} operand;

/* An except clause. */
typedef struct clause {
    const char *kinds; /* KIND,KIND,… */
    const char *name;  /* takes the kind; NULL: nobody */
    size_t at;
} clause;

struct instruction {
    const operation *op;
    int line;
    operand *args;
    size_t n_args;
    const char *outs[2];
    size_t n_outs;
    const struct code *code; /* the coroutine or fn that an operand names */
    clause *clauses;
    size_t n_clauses;
    size_t alt, fin, end; /* indexes: of the else (or behind the if), the finally (0: none), behind the block */
};

typedef struct code {
    const char *name;
    bool is_fn;
    size_t index; /* among the fns */
    instruction *ins;
    size_t n, cap;
    struct code *next;
} code;

typedef struct declaration {
    const char *kind, *name;
    operand first, second;
    struct declaration *next;
} declaration;

typedef struct program {
    declaration *declarations;
    code *codes;
    const code *main;
} program;

/* Reads a scenario; exits where it is wrong. `source` is changed, and must last. */
void program_parse(program *program, char *source);

/* ---- Names: futures and variables -------------------------------------------------------------------------------- */

/* Something that can be awaited, by its name. */
typedef struct named {
    const char *name;
    awl_future *future;
    awl_task *task;          /* NULL: no task */
    struct named **children; /* of a gather: what its outcomes are of */
    size_t n_children;
    bool unretrieved; /* at the end of the run */
    struct named *next;      /* in the order of binding */
} named;

named *name_future(const char *name, awl_future *future, awl_task *task, int line);
named *named_first(void);
const char *name_of_task(const awl_task *task); /* NULL: none */
named *named_of(const awl_future *future);      /* the first name of a future */

/* The named future of an operand; and its task. */
named *operand_future(const interpret *self, const instruction *ins, size_t i);
awl_task *operand_task(const interpret *self, const instruction *ins, size_t i);

/* What a done future has as its result, from the pointer that awl hands out. */
const value *result_value(const named *of, const void *result);

typedef struct variable {
    const char *name;
    const value *value;
    struct variable *next;
} variable;

void variable_declare(const char *name, const value *value);
void context_declare(const char *name, const value *value);
void assign(interpret *self, const char *name, const value *v);
void assign_out(interpret *self, const instruction *ins, size_t i, const value *v); /* if there is such an out */
const value *variable_value(const interpret *self, const char *name, int line);
const value *operand_value(const interpret *self, const instruction *ins, size_t i);
int64_t operand_int(const interpret *self, const instruction *ins, size_t i);

int operand_error(const interpret *self, const instruction *ins, size_t i);

/* The operands from `from` on: their values, or the futures that they name. */
const value **values_from(const interpret *self, const instruction *ins, size_t from, size_t *n);
named **futures_from(const interpret *self, const instruction *ins, size_t from, size_t *n);

/* A timeout: none is AWL_FOREVER. */
awl_time operand_time(const interpret *self, const instruction *ins, size_t i);

/* A comparison of the language. */
bool compare(const value *a, const char *how, const value *b, int line);

/* ---- Objects that tasks wait for: locks, queues and their like ---------------------------------------------------- */

bool object_declare(const declaration *d); /* false: it is none of these */
int object_release(object *o);             /* 0 or the error */
/* ---- Readers and writers ----------------------------------------------------------------------------------------- */

bool declare_stream(const declaration *d); /* false: it declares something else */

/* ---- The interpreter --------------------------------------------------------------------------------------------- */

enum completion_kind { NORMAL, RETURN, BREAK, RAISE };
typedef struct completion {
    enum completion_kind kind;
    int error;
    const value *value;
} completion;

enum phase { BODY, HANDLER, FINALLY };
typedef struct block {
    const instruction *ins;
    size_t pc; /* of the body */
    enum phase phase;
    int64_t left;     /* rounds of a loop */
    completion saved; /* what goes on after the finally */
    int handled;      /* the error that was being handled around this block */
    void *object;     /* what it holds: a timeout, a group, or what a `with` acquired */
} block;

/* One activation of a coroutine or fn. */
co_declare(interpret, {
    const code *code;
    const char *label;
    const value **args;
    size_t n_args;

    size_t pc, n_blocks;
    variable *locals;
    completion completion;
    int handled; /* the error being handled; 0: none */
    block blocks[MAX_DEPTH];

    const instruction *waiting; /* for the operation of this one */
    int error;                  /* what came of it, and its result */
    void *result;
    object *entering;           /* what was acquired last */
    block *leaving;             /* a block that is left by the await; NULL: it is an operation's */
    named *awaited;             /* whose result that is; NULL: a coroutine's */
    named **several;            /* of `wait` */
    size_t n_several;
});

/* Blocks with an object of awl's (op_scope.c): entering one, 0 or the error; leaving a timeout, which gives the error to go on
 * with; what is awaited to leave a group, and the error that becomes of its own. */
int enter_timeout(interpret *self, const instruction *ins);
int leave_timeout(block *b, int error);
int enter_group(interpret *self, const instruction *ins);
void scopes_close(void);
awl_coro leave_group(block *b, int error);
int group_left(block *b, int error);

/* Runs a fn as a callback does. */
void run_fn(const code *fn, const value **args, size_t n_args);

/* ---- The trace --------------------------------------------------------------------------------------------------- */

/* One unit of a scenario's time. */
#define UNIT AWL_SECOND

/* A line: TIME LABEL TEXT. */
void emit(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));
void emit_text(const char *label, const char *line);

#endif
