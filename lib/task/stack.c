/* Where frames live: on a task's stack, in further segments of it, or by themselves on the heap. */
#include <stdlib.h>

#include "task_priv.h"

/* The end of a segment: what to go back to. It lies behind the room of the segment, so that a stack finds it by itself. */
typedef struct segment {
    _Alignas(8) char *top, *end; /* of the stack before it */
    char *memory;
    co_frame *owner;    /* the frame whose await outgrew what was before; NULL: that await has not begun */
    size_t room, total; /* bytes of this one; of all of them */
    bool covers;        /* the owner lies under it, or what its owner holds does: it goes with the owner only */
} segment;

/* An object on the heap. */
typedef struct detached {
    awl__block all; /* in loop->detached */
    awl_loop *loop; /* NULL: malloc's */
    size_t size;
} detached;

enum { SEGMENT = 256 - sizeof(segment) };

/* The segment that a stack's memory up to `end` is the room of; NULL: the task's own block. */
static segment *segment_at(const co_stack *stack, char *end)
{
    const char *own_end = (const char *)stack + awl__task_size((const awl_task *)(const void *)stack);

    end += CO_RESERVE_;
    return end == own_end ? NULL : (segment *)(void *)end;
}

/* ---- Objects on the heap ---------------------------------------------------------------------------------------- */

co_slot_ awl__detach(awl_loop *loop, size_t size)
{
    const size_t whole = sizeof(detached) + size;
    detached *object = loop ? awl__alloc(loop, whole) : malloc(whole);

    if (!object)
        return (co_slot_){ NULL, 0, 0 };
    object->loop = loop;
    object->size = whole;
    if (!loop)
        return (co_slot_){ object + 1, (uintptr_t)object | 1, CO_DETACHED_ };
    object->all.next = &loop->detached;
    object->all.prev = loop->detached.prev;
    object->all.prev->next = object->all.next->prev = &object->all;
    loop->token += 2;
    return (co_slot_){ object + 1, loop->token | 1, CO_DETACHED_ };
}

void awl__free_detached(co_frame *frame)
{
    detached *object = (detached *)(void *)frame - 1;

    frame->caller_ = NULL; /* no token: who awaits it again is told so */
    if (!object->loop) {
        free(object);
        return;
    }
    object->all.prev->next = object->all.next;
    object->all.next->prev = object->all.prev;
    awl__free(object->loop, object, object->size);
}

/* ---- Segments ------------------------------------------------------------------------------------------------------- */

/* Opens a segment for a frame of `size`. The await that is being prepared must see it: see place. */
static __attribute__((noinline)) void *add_segment(co_stack *stack, size_t size)
{
    awl_loop *loop = awl__loop_of(stack);
    segment *s = segment_at(stack, stack->end_);
    const size_t before = s ? s->total : 0;
    size_t room = before < SEGMENT ? SEGMENT : before; /* each as large as all before it: few segments, little waste */
    char *memory;

    if (room > 65536)
        room = 65536;
    if (room < size + CO_RESERVE_)
        room = size + CO_RESERVE_;
    memory = awl__alloc(loop, room + sizeof *s);
    if (!memory)
        return NULL;
    s = (segment *)(void *)(memory + room);
    *s = (segment){ .top = stack->top_, .end = stack->end_, .memory = memory, .room = room, .total = before + room };
    if (s->total > loop->stack_high)
        loop->stack_high = s->total;
    stack->top_ = memory + size;
    stack->end_ = memory + room - CO_RESERVE_;
    stack->c_limit_ = CO_DEPTH_(&room) + 0x40000000;
    return memory;
}

static void pop_segment(co_stack *stack, segment *s)
{
    stack->top_ = s->top;
    stack->end_ = s->end;
    awl__free(awl__loop_of(stack), s->memory, s->room + sizeof *s);
}

void awl__stack_release(awl_task *task)
{
    for (segment *s; (s = segment_at(&task->stack, task->stack.end_)) != NULL;)
        pop_segment(&task->stack, s);
}

bool awl__stack_holds(const co_stack *stack, const char *at, size_t size)
{
    const char *low = (const char *)(awl__task_of((co_stack *)(uintptr_t)stack) + 1), *end = stack->end_;

    for (const segment *s = segment_at(stack, stack->end_); s; s = segment_at(stack, s->end)) {
        if (at >= s->memory && at + size <= (const char *)s)
            return true;
        end = s->end;
    }
    return at >= low && at + size <= end + CO_RESERVE_;
}

/* Their owner is no frame, since the root itself may lie in one of them. */
void awl__stack_adopt(awl_task *task)
{
    for (segment *s = segment_at(&task->stack, task->stack.end_); s; s = segment_at(&task->stack, s->end))
        s->owner = (co_frame *)(void *)task;
}

/* ---- What a stack asks of its host -------------------------------------------------------------------------------------- */

static co_slot_ grow(co_stack *stack, const co_type *type, size_t size)
{
    awl_loop *loop = awl__loop_of(stack);

    (void)type;
    if (CO_LIKELY_(stack == &loop->nursery))
        return awl__nursery_frame(loop, size);
    if (stack == &loop->heap)
        return awl__detach(loop, size);
    return (co_slot_){ add_segment(stack, size), CO_TOKEN_, 0 };
}

/*
 * A frame that outgrows its segments in await after await would keep all of them. What earlier awaits opened holds nothing
 * any more, but for the newest of it, on which those of this await (`newest` to `oldest`) were put: the rest is freed.
 */
static void free_spent(co_stack *stack, const co_frame *self, segment *newest, const segment *oldest)
{
    segment *under = segment_at(stack, oldest->end), *spent;

    if (!under || under->owner != self || under->covers)
        return;
    while ((spent = segment_at(stack, under->end)) != NULL && spent->owner == self && !spent->covers) {
        for (segment *s = newest; s != spent; s = segment_at(stack, s->end))
            s->total -= spent->room;
        under->top = spent->top;
        under->end = spent->end;
        awl__free(awl__loop_of(stack), spent->memory, spent->room + sizeof *spent);
    }
}

/*
 * See co_start_slowly_. Segments that were opened while the argument of the await was made belong to the frame that awaits:
 * it goes on in them, and frees them when it ends. A frame whose arguments take more than its link can say gets a segment
 * of its own, which remembers what to go back to.
 */
static bool place(co_stack *stack, co_frame *self, co_frame *frame, char *mark)
{
    segment *newest = segment_at(stack, stack->end_), *oldest = NULL;
    const char *at = (const char *)frame, *low = mark;

    stack->c_limit_ = awl__loop_of(stack)->c_limit;
    for (segment *s = newest; s && !s->owner; s = segment_at(stack, s->end)) {
        s->owner = self;
        oldest = s;
    }
    if (oldest) {
        self->link_ |= CO_SEGMENT_;
        oldest->top = mark;
        low = newest->memory;
        free_spent(stack, self, newest, oldest);
    }
    if (!frame || frame->link_ & CO_DETACHED_) {
        stack->top_ = (char *)(uintptr_t)low;
        return true;
    }
    if (at < low || at >= stack->top_) {
        frame->link_ |= CO_KEEP_;
        if (!oldest)
            stack->top_ = mark; /* else what lies there may be its arguments */
    } else if ((at - low) / 8 < CO_BACK_MAX_) {
        frame->link_ |= (uint16_t)((at - low) / 8 << CO_BACK_SHIFT_);
    } else {
        if (!add_segment(stack, 0))
            return false;
        stack->c_limit_ = awl__loop_of(stack)->c_limit;
        newest = segment_at(stack, stack->end_);
        newest->owner = frame;
        newest->top = (char *)(uintptr_t)low;
        newest->covers = true;
        frame->link_ |= CO_KEEP_ | CO_SEGMENT_;
    }
    return true;
}

static void trim(co_stack *stack, co_frame *self)
{
    segment *s;

    while ((s = segment_at(stack, stack->end_)) != NULL && s->owner == self && !s->covers)
        pop_segment(stack, s);
    if (!s || s->owner != self)
        self->link_ &= (uint16_t)~CO_SEGMENT_;
}

/*
 * The end of a frame that is detached or owns segments. The first segment of a task is not freed but handed to the caller,
 * which goes on in it: else a loop that awaits what does not fit would open and free one in every turn.
 */
static void drop(co_stack *stack, co_frame *self)
{
    char *start = (char *)self - ((self->link_ >> CO_BACK_SHIFT_) << 3);
    const bool leaves = !(self->link_ & (CO_KEEP_ | CO_DETACHED_));
    bool handed = false;
    segment *s;

    while ((s = segment_at(stack, stack->end_)) != NULL && s->owner == self) {
        if (self->caller_ && !segment_at(stack, s->end)) {
            s->owner = self->caller_;
            s->covers = false;
            s->owner->link_ |= CO_SEGMENT_;
            if (leaves)
                s->top = start;
            stack->top_ = s->memory;
            handed = true;
            break;
        }
        pop_segment(stack, s);
    }
    if (leaves && !handed)
        stack->top_ = start;
    if (self->link_ & CO_DETACHED_ && (self->caller_ || !awl__task_of(stack)->entry.extra_))
        awl__free_detached(self); /* a root waits for its task to ask its name */
}

static co_slot_ grow_unhosted(co_stack *stack, const co_type *type, size_t size)
{
    (void)stack, (void)type;
    return awl__detach(NULL, size);
}

static co_host unhosted = { .grow_ = grow_unhosted, .trap_ = awl__trap };
co_stack awl_unhosted_ = { .promise_ = { .host_ = &unhosted } };

/* A weak reference in the loop layer, which must not know of this one: every program that makes coroutine objects has it. */
void awl__loop_extend(awl_loop *loop) { awl__tasks_open(loop); }

void awl__stacks_open(awl_loop *loop)
{
    loop->host.grow_ = grow;
    loop->host.await_ = awl__await_token;
    loop->host.extend_ = add_segment;
    loop->host.place_ = place;
    loop->host.trim_ = trim;
    loop->host.drop_ = drop;
    loop->host.trap_ = awl__trap;
}

/* The loop is closed before `task` is done: its frames that are malloc's, made when no loop ran, belong to nobody. */
void awl__stack_abandon(awl_task *task)
{
    co_frame *frame = task->stack.leaf_, *caller;

    if (frame && awl__abandon)
        awl__abandon(frame);
    for (; frame; frame = caller) {
        caller = frame->caller_;
        if (frame->link_ & CO_DETACHED_ && !((detached *)(void *)frame - 1)->loop)
            awl__free_detached(frame);
    }
    task->stack.leaf_ = NULL;
}

/* Objects that were never awaited: said so, by name. */
void awl__stacks_close(awl_loop *loop)
{
    while (loop->detached.next != &loop->detached) {
        detached *object = (detached *)(void *)loop->detached.next;
        co_frame *frame = (co_frame *)(void *)(object + 1);

        if ((uintptr_t)frame->caller_ & 1 && !awl__loop_forked(loop))
            awl__report(loop, &(awl_report){ .what = "this coroutine object was made, but never awaited",
                                             .name = frame->type_->name,
                                             .file = frame->type_->file,
                                             .line = (int)frame->type_->line });
        awl__free_detached(frame);
    }
}

/* ---- Objects --------------------------------------------------------------------------------------------------------------- */

/*
 * Whether what a root awaits first may use the reserve: only there is it sure that no coroutine with a co_finally runs on
 * top of it, or with it lying above. Operations themselves have none.
 */
static bool is_first_await(const co_stack *stack)
{
    return stack->end_ + CO_RESERVE_ - stack->top_ == AWL__SLACK && !awl_running_->nursery_task &&
           !segment_at(stack, stack->end_);
}

void *awl__op_new(const co_type *type, size_t size)
{
    co_stack *stack = awl_into_(NULL);
    co_slot_ slot = { NULL, CO_TOKEN_, 0 };
    co_frame *frame;

    size = (size + 7) & ~(size_t)7;
    if (stack->end_ - stack->top_ >= (ptrdiff_t)size || (stack->top_ && size <= AWL__SLACK && is_first_await(stack))) {
        slot.frame = stack->top_;
        stack->top_ += size;
    } else {
        slot = stack->promise_.host_->grow_(stack, type, size);
    }
    frame = slot.frame;
    if (!frame)
        return NULL;
    *frame = (co_frame){ type, (co_frame *)slot.token, 0, slot.link, awl__op_note_size(type, size) };
    /* What lay there before might pass for an object that it holds. What is beyond the type's size its maker writes. */
    memset(frame + 1, 0, (type->size < size ? type->size : size) - sizeof *frame);
    return frame;
}

void *awl__op_here_slowly(co_stack *stack, co_frame *caller, const co_type *type, size_t size)
{
    char *mark = stack->top_;
    co_frame *frame = add_segment(stack, size);

    if (frame) {
        *frame = (co_frame){ type, caller, 0, 0, 0 };
        place(stack, caller, frame, mark);
    }
    return frame;
}

co_step awl__op_end(co_frame *frame, co_stack *stack, int error)
{
    stack->promise_.error_ = (int16_t)error;
    if (error) {
        stack->promise_.value_.i = 0;
        stack->promise_.kind_ = CO_NONE;
    }
    return co_leave_(frame, stack);
}

co_step awl__op_end_int(co_frame *frame, co_stack *stack, int64_t value)
{
    stack->promise_.value_.i = value;
    stack->promise_.kind_ = CO_INT;
    return awl__op_end(frame, stack, 0);
}

void awl__op_close(co_frame *frame)
{
    static const struct {
        const co_type *type;
        void (*close)(co_frame *frame);
    } holders[] = {
        { &awl__gather_type, awl__gather_close },
        { &awl__shield_type, awl__shield_close },
        { &awl__wait_for_type, awl__wait_for_close },
    };

    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) {
        if (frame->type_ == holders[i].type)
            holders[i].close(frame);
    }
    if (awl__job_close)
        awl__job_close(frame);
    if (awl__process_op_close)
        awl__process_op_close(frame);
    if (awl__signals_op_close)
        awl__signals_op_close(frame);
}

void awl_coro_close(awl_coro coroutine)
{
    co_frame *frame = coroutine.frame_;

    if (!frame)
        return;
    if ((uintptr_t)frame->caller_ != coroutine.token_)
        awl__trap("awl_coro_close: this coroutine object has been used already", frame->type_->file,
                  (int)frame->type_->line);
    awl__op_close(frame);
    if (frame->link_ & CO_DETACHED_)
        awl__free_detached(frame);
}
