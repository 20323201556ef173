/*
 * coro.h: stackless coroutines and generators for C, in one header.
 *
 * This file stands alone: copy it. It needs no library, no libc and no allocator, and it compiles as C99 and C11
 * with gcc and clang (GNU extensions are marked, so -Wpedantic stays silent). SPDX-License-Identifier: MIT
 *
 *     #include "coro.h"
 *     #include <stdio.h>
 *
 *     co_gen(int, squares, { int n, i; })              // a generator of int: arguments and all that outlives a yield
 *     {
 *         co_begin;
 *         for (self->i = 0; self->i < self->n; self->i++)
 *             co_yield(self->i * self->i);
 *         co_end;
 *     }
 *
 *     int main(void)
 *     {
 *         co_for (int, x, squares, .n = 10)
 *             printf("%d\n", x);
 *     }
 *
 * HOW IT WORKS. A coroutine is a C function whose body is one `switch`: co_begin opens it, each await or yield is a
 * `case` in it, co_end closes it. To suspend, the function stores the number of the case in its frame and returns; to
 * resume, it is called again and the switch jumps there. So nothing on the C stack survives a suspension:
 *
 *   THE LAW: what must outlive a co_await or co_yield is a field of the frame, written self->name. A local variable
 *   may be used between two suspensions, never across one. gcc (-O2 -Wall) and clang (-Wconditional-uninitialized)
 *   warn of many slips, tools/lint of nearly all that are locals of plain types, and -DAWL_DEBUG scribbles over the stack
 *   before each resume, so that most of what they miss fails at the first run. An object that tasks wait for, or that
 *   remembers its place (a lock, a group, a timeout, a future), is a field too: nothing tells of it on the C stack.
 *
 * Also forbidden between co_begin and co_end: an await inside a `switch` of your own (does not compile on 64-bit; over a
 * `long`, tools/lint finds it), `return` (does not compile: use co_return), a `break` outside of any loop (a warning, and a
 * trap where it runs), and variable-length arrays that are alive at an await.
 *
 * THE VOCABULARY. co_def co_declare co_define: a coroutine. co_gen co_gen_declare co_gen_define: a generator.
 * co_call co_iter: make one. co_begin co_end co_finally: its body. co_await co_let co_try co_try_cancel co_suspend:
 * wait. co_return co_raise: leave. co_yield co_yield_from co_send_from: give. co_for co_next co_send co_close co_error:
 * take. co_switch: hand over to another stack. Every macro evaluates each argument once, unless it says otherwise.
 * Names that end in `_` belong to this header; do not touch them.
 */
#ifndef AWL_CORO_H
#define AWL_CORO_H

#ifdef __cplusplus
#error "coro.h is for C: compile the coroutines as C, and call them from C++ through functions of your own"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- 1. Results ---------------------------------------------------------------------------------------------- */

/* What a coroutine returns: one integer, double or pointer, in 8 bytes. */
typedef union co_value {
    int64_t i;
    double d;
    void *p;
} co_value;

/* Which member of a co_value is in use; CO_NONE (and any zero) may be stored to every type of place. */
enum co_kind { CO_NONE, CO_INT, CO_DOUBLE, CO_POINTER };

/* Errors are positive errno numbers up to 32767. These two are raised or known by the language itself; the task
 * layer asserts that they are the system's ENOMEM and ECANCELED. */
#if defined(__mips__)
enum { CO_ENOMEM = 12, CO_ECANCELED = 158 };
#elif defined(__hppa__)
enum { CO_ENOMEM = 12, CO_ECANCELED = 253 };
#elif defined(__linux__) || !defined(__STDC_HOSTED__) || !__STDC_HOSTED__
enum { CO_ENOMEM = 12, CO_ECANCELED = 125 };
#else
#include <errno.h>
enum { CO_ENOMEM = ENOMEM, CO_ECANCELED = ECANCELED };
#endif

/* ---- 2. Frames, stacks, and who hosts them -------------------------------------------------------------------- */

typedef struct co_frame co_frame;
typedef struct co_stack co_stack;
typedef struct co_host co_host;

/* What one step of a coroutine reports. A struct, so that a stray `return 0;` in a body does not compile. */
typedef struct co_step {
    int code_;
} co_step;

enum { CO_DONE_, CO_AGAIN_, CO_YIELDED_, CO_PENDING_, CO_PAUSED_, CO_SWITCH_ }; /* the first two: the engine goes on */

/* What is known of a coroutine at compile time. */
typedef struct co_type {
    co_step (*step)(co_frame *self, co_stack *stack);
    bool (*cancel)(co_frame *self, co_stack *stack); /* stops a suspended operation: true if it took the cancellation */
    const char *name, *file;
    uint32_t size; /* of a frame, bytes */
    uint32_t line; /* of its definition */
} co_type;

/* The head of every frame. */
struct co_frame {
    const co_type *type_;
    co_frame *caller_; /* the frame that awaits this one; until it starts, the token of its object */
    uint32_t state_;
    uint16_t link_;  /* CO_…_ flags, the kind of a saved result, and the bytes / 8 to free below the frame */
    int16_t error_;  /* the saved error while co_finally runs */
};

/* The token of objects on a stack, which are used at once; those on the heap have odd numbers of their own. Behind the
 * end of a stack there is always room for one saved result: see co_finally. */
enum { CO_RESERVE_ = sizeof(co_value) };
enum { CO_TOKEN_ = 0x0c0a11ed, CO_PAUSE_TOKEN_ = 2 }; /* the first: odd, and what other data hardly ever are. The second: no
                                                frame, but a pause of the one that awaits. Other even ones mean something to
                                                the host; 0: no memory */
enum { CO_DETACHED_ = 1, CO_SEGMENT_ = 2, CO_KEEP_ = 4, CO_FINALLY_ = 8, CO_KIND_SHIFT_ = 4, CO_BACK_SHIFT_ = 6,
       CO_BACK_MAX_ = 1 << 10 };

/* A coroutine object: a frame that has not started. Inert until it is awaited or made a task, and used up by that. */
typedef struct co_object {
    co_frame *frame_;
    uintptr_t token_;
} co_object;

/* Where a result ends up, and who waits for it. awl's futures are promises; the language uses value and error. */
typedef struct co_promise {
    co_host *host_;
    void *waiters_; /* the host's */
    co_value value_;
    int16_t error_;
    uint8_t kind_;   /* of value_: enum co_kind */
    uint8_t spare_;
    uint32_t state_; /* the host's */
} co_promise;

/* A stack of coroutine frames in memory that somebody lends: what a task is made of. */
struct co_stack {
    co_promise promise_;
    co_frame *leaf_;    /* the innermost suspended frame; NULL when all have ended */
    char *top_, *end_;  /* the free memory; CO_RESERVE_ more bytes lie behind end_ */
    uint32_t c_limit_;  /* the address, modulo 2^32, that the C stack must not go below in a descent */
    uint32_t user_;     /* the host's */
};

/* Memory for a frame, as a stack hands it out. */
typedef struct co_slot_ {
    void *frame; /* NULL: there is no memory */
    uintptr_t token;
    uint16_t link;
} co_slot_;

/* What a stack asks of its surroundings; a stack without a host has its first memory and no more. */
struct co_host {
    co_stack *into_; /* where co_call puts a frame now; NULL: heap_ */
    co_stack *heap_; /* a stack without room, whose frames are on the heap */
    co_step (*await_)(co_stack *stack, co_frame *self, uintptr_t token, char *mark); /* awaits what has no frame */
    void *(*extend_)(co_stack *stack, size_t size);                       /* a frame for a stack that is full */
    co_slot_ (*grow_)(co_stack *stack, const co_type *type, size_t size); /* the same for any of the host's stacks */
    bool (*place_)(co_stack *stack, co_frame *self, co_frame *frame, char *mark); /* false: no memory */
    void (*trim_)(co_stack *stack, co_frame *self); /* frees the segments that `self` owns */
    void (*drop_)(co_stack *stack, co_frame *self); /* ends a frame that is detached, or owns segments */
    void (*trap_)(const char *what, const char *file, int line);
    const co_type *raiser_; /* where an error was raised last, for reports; NULL: nowhere */
    int raised_line_, raised_;
};

/* On bare metal there may be nobody to zero a frame: a weak function, which gives way to the real one. */
#if defined(__STDC_HOSTED__) && !__STDC_HOSTED__
__attribute__((weak)) void *memset(void *memory, int byte, size_t size);
__attribute__((weak)) void *memset(void *memory, int byte, size_t size)
{
    for (volatile unsigned char *at = (unsigned char *)memory; size; size--)
        *at++ = (unsigned char)byte;
    return memory;
}
#endif

#define CO_LIKELY_(x) __builtin_expect(!!(x), 1)
#define CO_UNLIKELY_(x) __builtin_expect(!!(x), 0)
#ifdef __OPTIMIZE_SIZE__
#define CO_INLINE_ static inline __attribute__((unused))
#else
#define CO_INLINE_ static inline __attribute__((always_inline, unused))
#endif

/* C-stack bytes that a first descent through awaits may use before the engine starts afresh from its own loop. */
#ifndef CO_DESCENT
#define CO_DESCENT 16384
#endif

/* Stops the program where going on would be undefined. A host says what and where before it does. */
static inline __attribute__((noreturn, cold, unused)) void co_trap_(co_stack *stack, const char *what, const char *file,
                                                                    int line)
{
    if (stack && stack->promise_.host_)
        stack->promise_.host_->trap_(what, file, line);
    __builtin_trap();
}

/* Takes a frame from the top of the running stack, or wherever `stack` takes them. */
CO_INLINE_ void *co_push_here_(co_stack *stack, size_t size)
{
    char *frame = stack->top_;

    size = (size + 7) & ~(size_t)7;
    if (CO_UNLIKELY_(stack->end_ - frame < (ptrdiff_t)size))
        return stack->promise_.host_ ? stack->promise_.host_->extend_(stack, size) : NULL;
    if (!frame)
        __builtin_unreachable(); /* so that who asks whether there was memory asks on the other way only */
    stack->top_ = frame + size;
    return frame;
}
CO_INLINE_ co_slot_ co_push_(co_stack *stack, const co_type *type, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (!stack->promise_.host_ || stack->end_ - stack->top_ >= (ptrdiff_t)size)
        return (co_slot_){ co_push_here_(stack, size), CO_TOKEN_, 0 };
    return stack->promise_.host_->grow_(stack, type, size);
}

/* Ends a frame: its memory, and that of unstarted objects made with it, returns to the stack. */
static __attribute__((cold, unused, noinline)) void co_drop_(co_frame *self, co_stack *stack)
{
    const unsigned link = self->link_;

    if (link & CO_FINALLY_) {
        if (link & CO_SEGMENT_)
            stack->promise_.host_->trim_(stack, self);
        stack->top_ -= sizeof(co_value);
    }
    if (self->link_ & (CO_SEGMENT_ | CO_DETACHED_))
        stack->promise_.host_->drop_(stack, self);
    else if (!(link & CO_KEEP_))
        stack->top_ = (char *)self - ((link >> CO_BACK_SHIFT_) << 3);
}
CO_INLINE_ co_step co_leave_(co_frame *self, co_stack *stack)
{
    if (CO_LIKELY_(self->link_ == 0))
        stack->top_ = (char *)self;
    else
        co_drop_(self, stack);
    return (co_step){ CO_DONE_ };
}

/* How far this function's C stack is above the limit of the descent: negative when it is too deep. The address of a
 * variable costs less than that of the frame; but AddressSanitizer may keep variables elsewhere. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CO_ADDRESS_SANITIZED_
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(CO_ADDRESS_SANITIZED_)
#define CO_DEPTH_(local) ((void)(local), (uint32_t)(uintptr_t)__builtin_frame_address(0))
#else
#define CO_DEPTH_(local) ((uint32_t)(uintptr_t)(local))
#endif
#define CO_DEPTH_LEFT_(stack, local) ((int32_t)(CO_DEPTH_(local) - (stack)->c_limit_))

/* Objects that were made in the argument of an await which is of something else in the end: they go. */
static __attribute__((cold, unused, noinline)) void co_forget_(co_stack *stack, co_frame *self, char *mark)
{
    if (stack->promise_.host_)
        stack->promise_.host_->place_(stack, self, NULL, mark);
    else
        stack->top_ = mark;
}

/* An object for which there was no memory. */
static __attribute__((cold, unused, noinline)) co_step co_start_none_(co_stack *stack, co_frame *self, char *mark)
{
    co_forget_(stack, self, mark);
    stack->promise_.error_ = CO_ENOMEM;
    return (co_step){ CO_DONE_ };
}

/*
 * The rare ways of an await: an object that was made earlier, or with others as its arguments; a stack that had to grow;
 * a descent that is too deep in C, where everybody returns and the engine's loop goes on.
 * When the frame ends, objects that were made as its arguments go with it (they lie below it); a frame that was made
 * before stays until the one that it was made for ends. Without a host such arguments may take 8 kB in all.
 */
static __attribute__((cold, unused, noinline)) co_step co_start_slowly_(co_stack *stack, co_frame *self, co_frame *frame,
                                                                       char *mark)
{
    const uintptr_t at = (uintptr_t)frame, low = (uintptr_t)mark, top = (uintptr_t)stack->top_;
    bool placed = true;
    char here;

    if (stack->promise_.host_)
        placed = stack->promise_.host_->place_(stack, self, frame, mark);
    else if (at < low || at >= top)
        frame->link_ |= CO_KEEP_, stack->top_ = mark;
    else if ((at - low) / 8 < CO_BACK_MAX_)
        frame->link_ |= (uint16_t)((at - low) / 8 << CO_BACK_SHIFT_);
    else
        placed = false;
    if (!placed)
        return co_start_none_(stack, self, mark);
    frame->caller_ = self;
    if (CO_DEPTH_LEFT_(stack, &here) >= 0)
        return frame->type_->step(frame, stack);
    stack->leaf_ = frame;
    return (co_step){ CO_AGAIN_ };
}

/* Starts the object that a coroutine awaits, on top of that coroutine. `line`: of the await, for a trap. */
CO_INLINE_ co_step co_start_(co_stack *stack, co_frame *self, co_object object, char *mark, int line)
{
    co_frame *frame = object.frame_;
    char here;

    if (CO_UNLIKELY_(!frame)) {
        if (object.token_ == CO_PAUSE_TOKEN_) {
            if (CO_UNLIKELY_(stack->top_ != mark))
                co_forget_(stack, self, mark);
            stack->leaf_ = self; /* a pause of the coroutine itself */
            return (co_step){ CO_PAUSED_ };
        }
        return object.token_ % 2 || !object.token_ ? co_start_none_(stack, self, mark)
                                                   : stack->promise_.host_->await_(stack, self, object.token_, mark);
    }
    if (CO_UNLIKELY_((uintptr_t)frame->caller_ != object.token_))
        co_trap_(stack, "this coroutine object has been awaited already", self->type_->file, line);
    if (CO_UNLIKELY_((char *)frame != mark || CO_DEPTH_LEFT_(stack, &here) < 0))
        return co_start_slowly_(stack, self, frame, mark);
    frame->caller_ = self;
    return frame->type_->step(frame, stack);
}

/* ---- 3. Driving a stack by hand (the task layer does this for you) --------------------------------------------- */

/*
 *     static uint64_t memory[64];                  // frames of 24 bytes and their fields, one for each level of awaiting
 *     co_stack stack;
 *
 *     co_stack_init(&stack, memory, sizeof memory);
 *     if (!co_start(&stack, blink, .pin = 13))     // co_def(blink, { int pin; }) { … co_suspend; … }
 *         return -1;                               // its frame does not fit
 *     while (co_run(&stack), !co_ended(&stack))
 *         wait_for_interrupt();
 */

/*
 * Lends `size` bytes at `memory` (aligned to 8) to `stack`, for the frames of the coroutine that co_start puts there.
 *
 *   size   bytes; 8 of them are kept for co_finally
 * Owns     the memory stays the caller's and must outlive the stack; there is nothing to undo.
 */
static inline __attribute__((unused)) void co_stack_init(co_stack *stack, void *memory, size_t size)
{
    stack->promise_.host_ = NULL;
    stack->promise_.waiters_ = NULL;
    stack->promise_.value_.i = 0;
    stack->promise_.error_ = 0;
    stack->promise_.kind_ = CO_NONE;
    stack->promise_.state_ = 0;
    stack->leaf_ = NULL;
    stack->top_ = (char *)memory;
    stack->end_ = (char *)memory + (size < CO_RESERVE_ ? 0 : (size - CO_RESERVE_) & ~(size_t)7);
    stack->c_limit_ = 0;
    stack->user_ = 0;
}

/* Puts an unstarted object at the bottom of a stack; false when it has no frame (no memory). */
static inline __attribute__((unused)) bool co_stack_start_(co_stack *stack, co_object object)
{
    if (CO_UNLIKELY_(!object.frame_))
        return false;
    object.frame_->caller_ = NULL;
    stack->promise_.error_ = 0;
    stack->leaf_ = object.frame_;
    return true;
}

/* Runs the leaf, and its callers as frames end, until something suspends (the code says how) or all have ended. */
CO_INLINE_ co_step co_resume_(co_stack *stack)
{
    for (;;) {
        co_frame *frame = stack->leaf_, *caller = frame->caller_;
        const co_step step = frame->type_->step(frame, stack);

        if (CO_LIKELY_(step.code_ > CO_AGAIN_))
            return step;
        if (step.code_ == CO_AGAIN_)
            continue;
        stack->leaf_ = caller;
        if (!caller)
            return step;
    }
}

/* co_start(stack, f, .arg = v …): makes coroutine f the one that `stack` runs. bool: false when it does not fit. */
#define co_start(...) CO_START_(__VA_ARGS__, )
#define CO_START_(stack, f, ...) co_stack_start_((stack), CO_MAKE_((stack), f, __VA_ARGS__))

/*
 * Resumes what is suspended on `stack`, from wherever it waits, until it suspends again or ends. co_switch in it
 * moves on to the other stack, and so on; this returns when the stack that runs then suspends or ends.
 *
 * Result   the stack that ran last. co_ended tells whether its coroutine is over.
 */
static inline __attribute__((unused)) co_stack *co_run(co_stack *stack)
{
    char here;

    while (stack->leaf_) {
        stack->c_limit_ = CO_DEPTH_(&here) - CO_DESCENT;
        if (co_resume_(stack).code_ != CO_SWITCH_)
            break;
        stack = (co_stack *)stack->promise_.value_.p;
    }
    return stack;
}

/* Whether the coroutine of `stack` has ended (or was never started), the error it ended with, and its result. */
#define co_ended(stack) ((stack)->leaf_ == NULL)
#define co_ended_error(stack) ((stack)->promise_.error_)
#define co_ended_value(stack) ((stack)->promise_.value_)

/* ---- 4. Values in and out --------------------------------------------------------------------------------------- */

typedef struct co_typed_ {
    co_value value;
    uint8_t kind;
} co_typed_;

CO_INLINE_ co_typed_ co_from_int_(int64_t i) { return (co_typed_){ { .i = i }, CO_INT }; }
CO_INLINE_ co_typed_ co_from_double_(double d) { return (co_typed_){ { .d = d }, CO_DOUBLE }; }
CO_INLINE_ co_typed_ co_from_pointer_(const void *p)
{
    co_typed_ typed = { { .i = 0 }, CO_POINTER };
    typed.value.p = (void *)(uintptr_t)p;
    return typed;
}

#define CO_BY_TYPE_(x, integer, real, pointer)                                                                         \
    __extension__ _Generic((x), _Bool: integer, char: integer, signed char: integer, unsigned char: integer,           \
        short: integer, unsigned short: integer, int: integer, unsigned: integer, long: integer,                       \
        unsigned long: integer, long long: integer, unsigned long long: integer, float: real, double: real,            \
        default: pointer)

/* A co_value with its kind, from an integer, floating or pointer expression; a place's value, from a promise. */
#define CO_TYPED_(x) CO_BY_TYPE_(x, co_from_int_, co_from_double_, co_from_pointer_)(x)
#define CO_KIND_OF_(place) CO_BY_TYPE_(place, CO_INT, CO_DOUBLE, CO_POINTER)
#define CO_STORE_(place, promise)                                                                                      \
    ((place) = (__typeof__(place))CO_BY_TYPE_(place, (promise)->value_.i, (promise)->value_.d, (promise)->value_.p))

/* Debug: the result must be of the kind of the place; a plain zero fits everywhere. */
static inline __attribute__((unused)) void co_check_kind_(co_stack *stack, int kind, const char *file, int line)
{
    const co_promise *promise = &stack->promise_;

    if (promise->kind_ != CO_NONE && promise->kind_ != kind && promise->value_.i != 0)
        co_trap_(stack, "the result is of another type (integer, double, pointer) than the place it is stored to", file,
                 line);
}

#ifdef AWL_DEBUG
#define CO_CHECK_KIND_(stack, place) co_check_kind_(stack, CO_KIND_OF_(place), __FILE__, __LINE__)
#else
#define CO_CHECK_KIND_(stack, place) ((void)0)
#endif

/* ---- 5. What the bodies below are made of ------------------------------------------------------------------------ */

typedef struct co_generator {
#ifdef __COUNTER__
    uint8_t state_;
#else
    uint32_t state_;
#endif
    uint8_t finally_;
    int16_t error_;
} co_generator;

/* A suspension is numbered from the function's own base, so that the switch is dense; its line rides in the upper bits
 * of the state, so that a backtrace costs neither RAM nor a table. Without __COUNTER__ the line is the number (then two
 * awaits cannot share a line). Each has a second label that is out of the range of int, where int is not the widest type:
 * it is never reached and costs nothing, but a compiler warns of it when the await stands in a switch of the user's. */
#ifdef __COUNTER__
#define CO_BASE_ __COUNTER__ - 2
#define CO_NUMBER_ __COUNTER__ - co_begin_is_missing_or_no_coroutine_
#define CO_STATE_(n) ((uint32_t)(n) | (uint32_t)__LINE__ << 8)
#define CO_INDEX_(state) ((uint8_t)(state))
#define CO_LINE_(state) ((state) >> 8)
#define CO_NUMBER_MAX_ 255
#else
#define CO_BASE_ 0
#define CO_NUMBER_ __LINE__ - co_begin_is_missing_or_no_coroutine_
#define CO_STATE_(n) ((uint32_t)(n))
#define CO_INDEX_(state) (state)
#define CO_LINE_(state) (state)
#define CO_NUMBER_MAX_ 0x7fffffff
#endif
enum { CO_FIRST_, CO_UNWIND_, CO_LAST_ };
#if UINTPTR_MAX > 0xffffffff
#define CO_CASE_(n) \
    case (n):       \
    case 0x100000000LL + (n)
#else
#define CO_CASE_(n) case (n)
#endif

#define CO_FALLTHROUGH_ __attribute__((fallthrough))

/* Leaving by the last line: no result, no error. */
CO_INLINE_ void co_plain_frame_(co_frame *co, void *stack)
{
    co_promise *promise = &((co_stack *)stack)->promise_;

    (void)co;
    promise->value_.i = 0;
    promise->kind_ = CO_NONE;
}
CO_INLINE_ void co_plain_generator_(co_generator *co, void *out) { (void)co, (void)out; }

/* Entering co_finally: the result or error that was on its way is kept on top of the stack. Entered already: true. */
CO_INLINE_ bool co_save_frame_(co_frame *co, void *opaque)
{
    co_stack *stack = (co_stack *)opaque;

    if (co->link_ & CO_FINALLY_)
        return true;
    if (CO_UNLIKELY_(co->link_ & CO_SEGMENT_))
        stack->promise_.host_->trim_(stack, co);
    *(co_value *)(void *)stack->top_ = stack->promise_.value_;
    stack->top_ += sizeof(co_value);
    co->error_ = stack->promise_.error_;
    co->link_ |= (uint16_t)(CO_FINALLY_ | stack->promise_.kind_ << CO_KIND_SHIFT_);
    stack->promise_.error_ = 0;
    return false;
}
CO_INLINE_ bool co_save_generator_(co_generator *co, void *out)
{
    (void)out;
    if (co->finally_)
        return true;
    co->finally_ = 1;
    return false;
}

/* Reaching co_end on foot: after co_finally, what was kept goes on its way again. */
CO_INLINE_ void co_restore_frame_(co_frame *co, void *opaque)
{
    co_stack *stack = (co_stack *)opaque;

    if (co->link_ & CO_FINALLY_) {
        if (CO_UNLIKELY_(co->link_ & CO_SEGMENT_))
            stack->promise_.host_->trim_(stack, co);
        stack->promise_.value_ = ((co_value *)(void *)stack->top_)[-1];
        stack->promise_.kind_ = (uint8_t)(co->link_ >> CO_KIND_SHIFT_ & 3);
        stack->promise_.error_ = co->error_;
    } else {
        co_plain_frame_(co, opaque);
    }
}
CO_INLINE_ void co_restore_generator_(co_generator *co, void *out) { (void)co, (void)out; }

CO_INLINE_ co_step co_end_frame_(co_frame *co, void *stack) { return co_leave_(co, (co_stack *)stack); }
CO_INLINE_ co_step co_end_generator_(co_generator *co, void *out)
{
    (void)out;
    co->state_ = CO_LAST_;
    return (co_step){ CO_DONE_ };
}

CO_INLINE_ void co_result_frame_(co_frame *co, void *stack, co_typed_ typed)
{
    co_promise *promise = &((co_stack *)stack)->promise_;

    (void)co;
    promise->value_ = typed.value;
    promise->kind_ = typed.kind;
}
CO_INLINE_ void co_result_generator_(co_generator *co, void *out, co_typed_ typed)
{
    (void)out, (void)typed;
    co->error_ = 0;
}

static __attribute__((unused, noinline)) void co_raise_frame_(co_frame *co, void *opaque, int error, int line)
{
    co_stack *stack = (co_stack *)opaque;
    co_host *host = stack->promise_.host_;

    if (CO_UNLIKELY_(error <= 0 || error > 32767))
        co_trap_(stack, "co_raise takes an error number from 1 to 32767", co->type_->file, line);
    stack->promise_.error_ = (int16_t)error;
    stack->promise_.value_.i = 0;
    stack->promise_.kind_ = CO_NONE;
    if (host) {
        host->raiser_ = co->type_;
        host->raised_line_ = line;
        host->raised_ = error;
    }
}
CO_INLINE_ void co_raise_generator_(co_generator *co, void *out, int error, int line)
{
    (void)out, (void)line;
    if (CO_UNLIKELY_(error <= 0 || error > 32767))
        __builtin_trap();
    co->error_ = (int16_t)error;
}

CO_INLINE_ void co_lost_frame_(co_frame *co, void *stack)
{
    co_trap_((co_stack *)stack, "this coroutine was resumed in a state that it does not have", co->type_->file,
             (int)co->type_->line);
}
CO_INLINE_ void co_lost_generator_(co_generator *co, void *out)
{
    (void)co, (void)out;
    __builtin_trap();
}

/* Nothing but a `break` that stands in no loop leads behind the switch of a body: a warning, and a trap where it runs. */
#define CO_STRAY_BREAK_                                                                                                \
    __attribute__((noinline, cold, unused, warning("a break outside of any loop leaves the coroutine: use co_return")))
static CO_STRAY_BREAK_ void co_broken_frame_(co_frame *co, void *stack)
{
    co_trap_((co_stack *)stack, "a break outside of any loop left this coroutine: use co_return", co->type_->file,
             (int)co->type_->line);
}
static CO_STRAY_BREAK_ void co_broken_generator_(co_generator *co, void *out)
{
    (void)co, (void)out;
    __builtin_trap();
}

/* The coroutine's or the generator's version of a helper, by the type of the head of the frame. */
#define CO_PICK_(helper) __extension__ _Generic(&self->co_, co_frame *: helper##frame_, co_generator *: helper##generator_)

/* Scribbles over the C stack that a lost local would still be found on. */
#ifdef AWL_DEBUG
static __attribute__((noinline, unused, no_sanitize_address)) void co_scribble_(void)
{
    unsigned char below[2048]; /* and nothing else: no counter that would cover what is looked for */

    __builtin_memset(below, 0xA5, sizeof below);
    __asm__ volatile("" : : "r"(below) : "memory");
}
#define CO_INLINE_BODY_ __attribute__((noinline)) /* a body inlined into its caller would keep its locals */
#define CO_OUTLINE_ __attribute__((noinline))
#else
#define co_scribble_() ((void)0)
#define CO_INLINE_BODY_ inline
#define CO_OUTLINE_
#endif

/* The number of one suspension; a negative array size says that a coroutine has more than 253 of them: split it; or that
 * it stands in the argument of a macro that has co_begin in it, and was numbered before that: it would be taken for
 * another label. */
#define CO_POINT_                                                                                                      \
    enum {                                                                                                             \
        co_number_ = CO_NUMBER_,                                                                                       \
        co_too_many_awaits_ = sizeof(char[co_number_ <= CO_NUMBER_MAX_ ? 1 : -1]),                                     \
        co_await_before_co_begin_ = sizeof(char[co_number_ > CO_LAST_ ? 1 : -1])                                       \
    }

/* state = N; return; case N: - the label can be reached by a resume only, which lets the compilers see lost locals. */
#define CO_SUSPEND_(step)                                                                                              \
    self->co_.state_ = (__typeof__(self->co_.state_))CO_STATE_(co_number_);                                                                          \
    return step;                                                                                                       \
    CO_CASE_(co_number_):

/* Starts `awaitable`; its result or error is in the promise afterwards. Under the lint every await suspends. */
#ifdef AWL_LINT
#define CO_WAIT_(awaitable)                                                                                            \
    CO_POINT_;                                                                                                         \
    co_lint_(CO_AWAITABLE_(awaitable));                                                                                \
    CO_SUSPEND_((co_step){ CO_PENDING_ });
CO_INLINE_ void co_lint_(co_object object) { (void)object; }
#else
#define CO_WAIT_(awaitable)                                                                                            \
    CO_POINT_;                                                                                                         \
    co_step co_step_;                                                                                                  \
    char *co_mark_ = co_->top_;                                                                                        \
    co_stack *const co_here_ = co_; /* where co_call in the argument puts its frame */                                 \
    (void)co_here_;                                                                                                    \
    CO_ENTER_(co_);                                                                                                    \
    co_object co_object_ = CO_AWAITABLE_(awaitable);                                                                   \
    CO_EXIT_(co_);                                                                                                     \
    co_step_ = co_start_(co_, &self->co_, co_object_, co_mark_, __LINE__);                                                 \
    if (co_step_.code_ != CO_DONE_) {                                                                                  \
        CO_SUSPEND_(co_step_);                                                                                         \
    }
#endif

/* What may be awaited, and where objects made in an await's argument go. The task layer widens all four: tasks and
 * futures can be awaited, and co_call finds the right stack from plain functions too. */
#ifndef CO_AWAITABLE_
#define CO_AWAITABLE_(x) (x)
#define CO_ENTER_(stack) ((void)0)
#define CO_EXIT_(stack) ((void)0)
#define CO_INTO_ co_
#endif

/* Stands for co_here_ outside of an await's argument. A function, since a variable that shadows one draws no warning. */
static inline __attribute__((unused)) void co_here_(void) {}

static inline __attribute__((warn_unused_result, unused, always_inline)) co_object co_made_(co_object object)
{
    return object;
}

/* Declares a variable of a macro that may stand within itself: -Wshadow is not to speak of that. */
#define CO_HIDDEN_(...)                                                                                                \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"") __VA_ARGS__;                         \
    _Pragma("GCC diagnostic pop")

#ifndef CO_IS_HERE_
#define CO_IS_HERE_ 1
#endif
/* Makes a frame of coroutine f on a stack, its fields zero but for those that are named. */
#define CO_MAKE_(stack, f, ...)                                                                                        \
    co_made_(__extension__({                                                                                           \
        CO_HIDDEN_(co_slot_ co_slot_new_)                                                                              \
        co_slot_new_ = CO_IS_HERE_ ? (co_slot_){ co_push_here_((stack), sizeof(struct f)), CO_TOKEN_, 0 }              \
                                   : co_push_((stack), &f##_type_, sizeof(struct f));                                  \
        if (CO_LIKELY_(co_slot_new_.frame != NULL))                                                                    \
            *(struct f *)co_slot_new_.frame = (struct f){                                                              \
                .co_ = { &f##_type_, (co_frame *)co_slot_new_.token, 0, co_slot_new_.link, 0 }, __VA_ARGS__            \
            };                                                                                                         \
        (co_object){ (co_frame *)co_slot_new_.frame, co_slot_new_.token };                                             \
    }))

/* The head and the two functions of coroutine f; `linkage` is static, or empty for one that a header declares. */
#define CO_FRAME_(f, ...)                                                                                              \
    struct f {                                                                                                         \
        co_frame co_;                                                                                                  \
        __extension__ struct __VA_ARGS__;                                                                              \
    }
#define CO_BODY_(linkage, f)                                                                                           \
    static CO_INLINE_BODY_ co_step f##_body_(struct f *self, co_stack *co_);                                                    \
    static co_step f##_step_(co_frame *frame, co_stack *stack)                                                         \
    {                                                                                                                  \
        enum { co_aligned_ = sizeof(char[__alignof__(struct f) <= 8 ? 1 : -1]) };                                      \
        enum { co_small_enough_ = sizeof(char[sizeof(struct f) <= 500000 ? 1 : -1]) };                                 \
        co_scribble_();                                                                                                \
        return f##_body_((struct f *)(void *)frame, stack);                                                            \
    }                                                                                                                  \
    linkage const co_type f##_type_ = { f##_step_, NULL, #f, __FILE__, sizeof(struct f), __LINE__ };                   \
    static CO_INLINE_BODY_ co_step f##_body_(struct f *self, co_stack *co_)

#define CO_GENERATOR_(type, g, ...)                                                                                    \
    struct g {                                                                                                         \
        co_generator co_;                                                                                              \
        co_step (*co_step_)(struct g * self, type * co_);                                                              \
        __extension__ struct __VA_ARGS__;                                                                              \
    };                                                                                                                 \
    static inline __attribute__((unused)) void g##_close_(struct g *self)                                              \
    {                                                                                                                  \
        if (self->co_.state_ && CO_INDEX_(self->co_.state_) != CO_LAST_ && !self->co_.finally_) {                      \
            self->co_.state_ = CO_UNWIND_;                                                                             \
            (void)self->co_step_(self, NULL);                                                                          \
        }                                                                                                              \
        self->co_.state_ = CO_LAST_;                                                                                   \
    }                                                                                                                  \
    typedef type g##_value_

/* ---- 6. Defining --------------------------------------------------------------------------------------------------- */

/*
 * co_def(f, { fields }) { body }: defines coroutine f of this file, and `struct f`, whose fields are its arguments and
 * everything of it that outlives an await. In the body `self` is the frame. Fields are aligned to 8 at most; a frame
 * is at most 500,000 bytes. `{}` for none.
 *
 * co_declare(f, { fields }); in a header, then co_define(f) { body } in one .c file: the same for a coroutine that
 * others call, or that calls itself through another.
 */
#define co_def(f, ...)                                                                                                 \
    CO_FRAME_(f, __VA_ARGS__);                                                                                         \
    static const co_type f##_type_;                                                                                    \
    CO_BODY_(static, f)
#define co_declare(f, ...)                                                                                             \
    CO_FRAME_(f, __VA_ARGS__);                                                                                         \
    extern const co_type f##_type_
#define co_define(f) CO_BODY_(, f)

/*
 * co_gen(type, g, { fields }) { body }: defines generator g of `type` values and `struct g`. A generator object is a
 * plain variable of that type, made by co_iter; zeroed, it may only be closed. A generator that receives values has a
 * field named `sent`, of any type, in which co_send leaves them.
 *
 * co_gen_declare(type, g, { fields }); and co_gen_define(g) { body }: the pair for headers.
 */
#define co_gen(type, g, ...)                                                                                           \
    CO_GENERATOR_(type, g, __VA_ARGS__);                                                                               \
    static CO_OUTLINE_ co_step g##_step_(struct g *self, g##_value_ *co_)
#define co_gen_declare(type, g, ...)                                                                                   \
    CO_GENERATOR_(type, g, __VA_ARGS__);                                                                               \
    co_step g##_step_(struct g *self, g##_value_ *co_)
#define co_gen_define(g) co_step g##_step_(struct g *self, g##_value_ *co_)

/* ---- 7. Making ----------------------------------------------------------------------------------------------------- */

/*
 * co_call(f, .arg = value …): an object of coroutine f; fields not named are zero. co_iter(g, .arg = value …): a
 * generator object, by value. Ignoring either is a compiler warning.
 *
 * Owns     a coroutine object is used up by co_await, or by the library call that takes it.
 * Errors   no memory: the object says so (ENOMEM) when it is awaited.
 * Context  with this header alone, co_call is for the argument of an await, inside a coroutine: see co_start.
 */
#define co_call(...) CO_CALL_(__VA_ARGS__, )
#define CO_CALL_(f, ...) CO_MAKE_(CO_INTO_, f, __VA_ARGS__)
#define co_iter(...) CO_ITER_(__VA_ARGS__, )
#define CO_ITER_(g, ...) ((struct g){ .co_ = { 0, 0, 0 }, .co_step_ = g##_step_, __VA_ARGS__ })

/* ---- 8. The body --------------------------------------------------------------------------------------------------- */

/* The first line of every body: goes to where it left off. Nothing before it runs but declarations; their initialisers run
 * again at every resume. Up to co_end a `return;`, of which gcc only warns, is an error. */
#ifdef __clang__
#define CO_NO_RETURN_
#define CO_RETURNS_
#else
#define CO_NO_RETURN_ _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic error \"-Wreturn-type\"")
#define CO_RETURNS_ _Pragma("GCC diagnostic pop")
#endif
#define co_begin                                                                                                       \
    CO_NO_RETURN_                                                                                                      \
    enum { co_begin_is_missing_or_no_coroutine_ = CO_BASE_ };                                                                                      \
    int64_t co_index_ = CO_INDEX_(self->co_.state_);                                                                   \
    if (0) {                                                                                                           \
    co_unwind_:                                                                                                        \
        __attribute__((unused));                                                                                       \
        co_index_ = CO_UNWIND_;                                                                                        \
    }                                                                                                                  \
    switch (co_index_) {                                                                                               \
    case CO_FIRST_:

/*
 * co_finally: what follows, up to co_end, runs however the coroutine is left: by reaching it, by co_return, co_raise,
 * an error or a cancellation that an await brought, or co_close. It may await. Then the result or error goes on its
 * way, unless co_return or co_raise here, or the error of an await here, replaces it. At most once in a body.
 * It must be right from every await: free what is set, and clear the field. It does not run if the body never began.
 */
#define co_finally                                                                                                     \
    CO_PICK_(co_plain_)(&self->co_, co_);                                                                              \
    CO_FALLTHROUGH_;                                                                                                   \
    case CO_UNWIND_:                                                                                                   \
    if (CO_PICK_(co_save_)(&self->co_, co_))                                                                           \
        goto co_leave_

/* co_failing: in co_finally of a coroutine, the error that is on its way, ECANCELED included, or 0. */
#define co_failing ((int)self->co_.error_)

/* The last line of every body. Reaching it returns no value (zero, NULL). */
#define co_end                                                                                                         \
    CO_PICK_(co_restore_)(&self->co_, co_);                                                                            \
    goto co_leave_;                                                                                                    \
    default:                                                                                                           \
        if (co_index_ > CO_LAST_)                                                                                      \
            CO_PICK_(co_lost_)(&self->co_, co_);                                                                       \
        goto co_leave_;                                                                                                \
    }                                                                                                                  \
    CO_PICK_(co_broken_)(&self->co_, co_);                                                                             \
co_leave_:                                                                                                             \
    __attribute__((unused));                                                                                           \
    CO_RETURNS_                                                                                                        \
    return CO_PICK_(co_end_)(&self->co_, co_)

/* co_return(value): ends this coroutine with an integer, floating or pointer value, by way of co_finally. In a
 * generator the value is dropped. Without anything to return: co_return(0). */
#define co_return(value)                                                                                               \
    do {                                                                                                               \
        CO_PICK_(co_result_)(&self->co_, co_, CO_TYPED_(value));                                                       \
        goto co_unwind_;                                                                                               \
    } while (0)

/* co_raise(error): ends this coroutine with an error, an errno number from 1 to 32767, by way of co_finally. */
#define co_raise(error)                                                                                                \
    do {                                                                                                               \
        CO_PICK_(co_raise_)(&self->co_, co_, (error), __LINE__);                                                       \
        goto co_unwind_;                                                                                               \
    } while (0)

/* ---- 9. Waiting (in coroutines) --------------------------------------------------------------------------------------- */

/* co_await(x): runs x to its end, suspending this coroutine as often as x suspends. An error of x ends this coroutine
 * with the same error, by way of co_finally. The result of x is dropped. */
#define co_await(...)                                                                                                  \
    do {                                                                                                               \
        CO_WAIT_(__VA_ARGS__)                                                                                          \
        if (CO_UNLIKELY_(co_->promise_.error_))                                                                        \
            goto co_unwind_;                                                                                           \
    } while (0)

/* co_let(place, x): place = await x. `place` is an integer, floating or pointer lvalue; it is written on success only.
 * A debug build traps a result of another kind. */
#define co_let(place, ...)                                                                                             \
    do {                                                                                                               \
        CO_WAIT_(__VA_ARGS__)                                                                                          \
        if (CO_UNLIKELY_(co_->promise_.error_))                                                                        \
            goto co_unwind_;                                                                                           \
        CO_CHECK_KIND_(co_, place);                                                                                    \
        CO_STORE_(place, &co_->promise_);                                                                              \
    } while (0)

/* co_try(rc, x): awaits x and sets rc, an integer lvalue, to its error, or to 0. A cancellation is not caught: it ends
 * this coroutine as with co_await. */
#define co_try(rc, ...)                                                                                                \
    do {                                                                                                               \
        CO_WAIT_(__VA_ARGS__)                                                                                          \
        if (CO_UNLIKELY_(co_->promise_.error_ == CO_ECANCELED))                                                        \
            goto co_unwind_;                                                                                           \
        (rc) = co_->promise_.error_;                                                                                   \
        co_->promise_.error_ = 0;                                                                                      \
    } while (0)

/* co_try_cancel(rc, x): the same, but rc takes ECANCELED too. Who swallows a cancellation must have a reason. */
#define co_try_cancel(rc, ...)                                                                                         \
    do {                                                                                                               \
        CO_WAIT_(__VA_ARGS__)                                                                                          \
        (rc) = co_->promise_.error_;                                                                                   \
        co_->promise_.error_ = 0;                                                                                      \
    } while (0)

/* co_result(place): after co_try set rc to 0, stores the result of what was awaited; once, before anything else. */
#define co_result(place)                                                                                               \
    do {                                                                                                               \
        CO_CHECK_KIND_(co_, place);                                                                                    \
        CO_STORE_(place, &co_->promise_);                                                                              \
    } while (0)

/* co_suspend: gives control back to whoever called co_run, and goes on here when it is called again. For stacks that
 * you drive yourself; nothing would wake a task. */
#define co_suspend                                                                                                     \
    do {                                                                                                               \
        CO_POINT_;                                                                                                     \
        co_->leaf_ = &self->co_;                                                                                       \
        CO_SUSPEND_((co_step){ CO_PENDING_ });                                                                         \
    } while (0)

/* co_switch(stack): symmetric transfer. co_run goes on with the other stack at once, wherever that one is suspended;
 * this one goes on here when somebody switches back to it. Switching to a stack that has ended returns from co_run. */
#define co_switch(stack)                                                                                               \
    do {                                                                                                               \
        CO_POINT_;                                                                                                     \
        co_->promise_.value_.p = (stack);                                                                              \
        co_->leaf_ = &self->co_;                                                                                       \
        CO_SUSPEND_((co_step){ CO_SWITCH_ });                                                                          \
    } while (0)

/* ---- 10. Generators ----------------------------------------------------------------------------------------------------- */

/* co_yield(value): hands a value to whoever iterates, and goes on from here when the next one is asked for. */
#define co_yield(value)                                                                                                \
    do {                                                                                                               \
        CO_POINT_;                                                                                                     \
        *co_ = (value);                                                                                                \
        CO_SUSPEND_((co_step){ CO_YIELDED_ });                                                                         \
    } while (0)

/* co_yield_from(g): yields what g, a generator lvalue in the frame that has the same type of values, yields; an error of
 * g ends this one. co_send_from(g): the same, and what is sent to this one reaches g (both have a field `sent`).
 * Close g in co_finally if it holds something: closing this generator does not close those in its fields. */
#define co_yield_from(g)                                                                                               \
    do {                                                                                                               \
        CO_POINT_;                                                                                                     \
        while (co_next(&(g), co_)) {                                                                                   \
            CO_SUSPEND_((co_step){ CO_YIELDED_ });                                                                     \
        }                                                                                                              \
        if (co_error(&(g)))                                                                                            \
            co_raise(co_error(&(g)));                                                                                  \
    } while (0)
#define co_send_from(g)                                                                                                \
    do {                                                                                                               \
        CO_POINT_;                                                                                                     \
        while (co_next(&(g), co_)) {                                                                                   \
            CO_SUSPEND_((co_step){ CO_YIELDED_ });                                                                     \
            (g).sent = self->sent;                                                                                     \
        }                                                                                                              \
        if (co_error(&(g)))                                                                                            \
            co_raise(co_error(&(g)));                                                                                  \
    } while (0)

/* bool co_next(struct g *it, T *out): runs to the next co_yield; false, and *out unchanged, when the generator has
 * ended. bool co_send(struct g *it, value, T *out): the same, after storing the value in the field `sent`; start with
 * co_next, as there is no co_yield yet that would receive: a value sent before is lost. `it` is evaluated more than once. */
#define co_next(it, out) (co_scribble_(), co_yielded_((it)->co_step_((it), (out))))
CO_INLINE_ bool co_yielded_(co_step step) { return step.code_ == CO_YIELDED_; }
#define co_send(it, value, out) ((it)->sent = (value), co_next((it), (out)))

/* void co_close(g, struct g *it): ends generator `it` of co_gen g, running its co_finally if it stands at a co_yield.
 * Zeroed and ended ones are let be. Yielding in co_finally while it closes is a null write. */
#define co_close(g, it) g##_close_(it)

/* int co_error(const struct g *it): the error that ended the generator, or 0. */
#define co_error(it) ((int)(it)->co_.error_)

/* co_for (type, x, g, .arg = value …) statement: for x in g(…). The generator is closed however the loop is left: at
 * its end, by break, return or goto. For loops that do not await; across awaits keep the generator in the frame and use
 * co_next (clang refuses the other, gcc's -Wall warns). An error of the generator ends the loop and is lost: where one can
 * come, use co_iter, co_next and co_error. */
#define co_for(...) CO_FOR_(__VA_ARGS__, )
#define CO_FOR_(type, x, g, ...)                                                                                       \
    CO_FOR_AT_(type, x, g, CO_PASTE_(co_it_, __LINE__), CO_PASTE_(co_once_, __LINE__), CO_ITER_(g, __VA_ARGS__))
#define CO_FOR_AT_(type, x, g, it, once, made)                                                                         \
    for (struct g it __attribute__((cleanup(g##_close_))) = made, *once = &it; once; once = NULL)                      \
        for (type x; co_scribble_(), g##_step_(&it, &x).code_ == CO_YIELDED_;)
#define CO_PASTE_(a, b) CO_PASTE_2_(a, b)
#define CO_PASTE_2_(a, b) a##b

#endif
