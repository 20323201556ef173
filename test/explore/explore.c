/*
 * Tries all sequences of actions on each world, and judges each.
 *
 *   explore [--depth D] [--more N] [--list] [WORLD…]
 *
 *   --depth D   sequences of at most D actions, from 1 to 24; unless given, as many as worlds.c has for each world
 *   --more N    and N actions more
 *   --list      print the worlds
 *   WORLD       those with this in their names; all unless given
 *
 * Prints a line for each world: how many sequences there are, or the first one that goes wrong. The last line is
 * `N passed, N failed`: worlds. Exit status 1 if one failed, 2 for a wrong command line.
 *
 * A sequence ends with three things, after each of which all runs that can: nothing; whatever is kept is released; all
 * that still wait are cancelled. Then no task, waiter or byte is left.
 */
#include "explore.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- A sequence, and the next one -------------------------------------------------------------------------------- */

static struct {
    action actions[MAX_DEPTH];
    model before[MAX_DEPTH + 1]; /* each of them, and at last the end */
    unsigned n, depth;
} sequence;

/* All that an action can be, one after the other; false at the end. */
static bool next_action(const world *w, action *a)
{
    const unsigned limit = a->what == '+'   ? (unsigned)(a->arg + 1 < SCRIPTS && w->scripts[a->arg + 1])
                           : a->what == '-' ? (unsigned)(a->arg + 1 < TASKS)
                                            : 0;
    const char *at = strchr(w->outside, a->what);

    if (limit)
        a->arg++;
    else if (a->what == '+')
        *a = (action){ '-', 0 };
    else if (a->what == '-')
        *a = (action){ '.', 0 };
    else if (a->what == '.' && *w->outside)
        *a = (action){ w->outside[0], 0 };
    else if (a->what != '.' && at[1])
        a->what = at[1];
    else
        return false;
    return true;
}

/* Makes the last action `a`, or the next one that makes sense; false if there is none. */
static bool set_last(action a)
{
    const unsigned at = sequence.n - 1;
    const model *m = &sequence.before[at];

    while (!model_may(m, a)) {
        if (!next_action(m->world, &a))
            return false;
    }
    sequence.actions[at] = a;
    sequence.before[at + 1] = *m;
    model_do(&sequence.before[at + 1], a);
    return true;
}

/* The next sequence, longer ones before those that differ earlier; false after the last one. */
static bool next_sequence(void)
{
    if (sequence.n < sequence.depth) {
        sequence.n++;
        if (set_last((action){ '+', 0 }))
            return true;
        sequence.n--;
    }
    for (; sequence.n > 0; sequence.n--) {
        action a = sequence.actions[sequence.n - 1];

        if (next_action(sequence.before[0].world, &a) && set_last(a))
            return true;
    }
    return false;
}

/* ---- Telling of one that goes wrong ------------------------------------------------------------------------------ */

static void tell_log(const char *of, const log_of *log)
{
    printf("  %s:", of);
    for (unsigned i = 0; i < log->n; i++)
        printf(" %u%c:%d/%d@%u", log->entries[i].task, log->entries[i].operation, log->entries[i].error,
               log->entries[i].value, log->entries[i].iteration);
    printf("\n");
}

/* The actions, in the notation of explore.h. */
static void tell(const char *what)
{
    printf("%s: %s, after:", sequence.before[0].world->name, what);
    for (unsigned i = 0; i < sequence.n; i++) {
        const action a = sequence.actions[i];

        if (a.what == '+')
            printf(" +%s", sequence.before[0].world->scripts[a.arg]);
        else if (a.what == '-')
            printf(" -%u", a.arg);
        else
            printf(" %c", a.what);
    }
    printf("\n");
}

static void on_signal(int signal_number)
{
    tell(signal_number == SIGALRM ? "it does not end" : "it crashes");
    fflush(stdout);
    _exit(1);
}

/* ---- One sequence after the other -------------------------------------------------------------------------------- */

/* What is done next at the end: the event is set, what is kept is released; then all that wait are cancelled. */
static action ending(const model *m)
{
    if (m->world->kind == EVENT && !m->set)
        return (action){ 's', 0 };
    if (m->kept_units)
        return (action){ 'r', 0 };
    for (uint8_t i = 0; i < m->n_tasks; i++) {
        if (m->tasks[i].state == ALIVE && m->tasks[i].future == PENDING)
            return (action){ '-', i };
    }
    return (action){ '\0', 0 };
}

/* How much memory the loop has handed out, and whether there are other tasks than this one. */
static size_t used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(NULL, &stats);
    if (stats.tasks != 1 || stats.tasks_held != 0)
        awl_now.wrong = "a task is left";
    return stats.memory_used;
}

co_def(explorer, { const world *world; uint64_t *n; model *last; size_t memory; unsigned i; action a; })
{
    co_begin;
    do {
        if (*self->n % 1024 == 0)
            alarm(60);
        real_open(self->world);
        for (self->i = 0; self->i < sequence.n; self->i++) {
            if (sequence.actions[self->i].what == '.') {
                awl_now.iteration++;
                co_await(awl_sleep(0));
            } else {
                real_do(sequence.actions[self->i]);
            }
        }
        *self->last = sequence.before[sequence.n];
        real_judge(self->last);
        while (!awl_now.wrong) {
            while (self->last->ready.n && !awl_now.wrong) {
                model_do(self->last, (action){ '.', 0 });
                awl_now.iteration++;
                co_await(awl_sleep(0));
                real_judge(self->last);
            }
            real_judge_quiet();
            if (!ending(self->last).what)
                break;
            do {
                self->a = ending(self->last);
                model_do(self->last, self->a);
                real_do(self->a);
            } while (self->a.what == '-' && ending(self->last).what);
        }
        if (awl_now.wrong)
            co_raise(EINVAL);
        real_close();
        if (*self->n == 0)
            self->memory = used();
        else if (used() != self->memory)
            awl_now.wrong = "memory is left";
        if (awl_now.wrong)
            co_raise(EINVAL);
        ++*self->n;
    } while (next_sequence());
    co_end;
}

static void no_report(void *arg, const awl_report *report) { (void)arg, (void)report; }

/* Explores a world, in a process of its own; its exit status. */
static int explore(const world *w, unsigned depth)
{
    static model last;
    const awl_loop_options options = { .virtual_time = true, .report = no_report };
    uint64_t n = 0;

    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    signal(SIGSEGV, on_signal);
    sequence.depth = depth;
    model_open(&sequence.before[0], w);
    if (awl_run_with(co_call(explorer, .world = w, .n = &n, .last = &last), &options, NULL)) {
        tell(awl_now.wrong ? awl_now.wrong : "the run fails");
        tell_log("model", &last.log);
        tell_log("awl", &awl_now.log);
        fflush(stdout);
        _exit(1); /* what is left of it may be in any state */
    }
    printf("%s: %llu sequences of up to %u actions\n", w->name, (unsigned long long)n, depth);
    fflush(stdout);
    return 0;
}

/* ---- The command line -------------------------------------------------------------------------------------------- */

static bool is_wanted(const world *w, char **names, int n)
{
    bool wanted = n == 0;

    for (int i = 0; i < n; i++)
        wanted = wanted || strstr(w->name, names[i]);
    return wanted;
}

static int usage(void)
{
    fprintf(stderr, "usage: explore [--depth 1…%d] [--more N] [--list] [WORLD…]\n", MAX_DEPTH);
    return 2;
}

int main(int argc, char **argv)
{
    unsigned depth = 0, more = 0, passed = 0, failed = 0;
    bool lists = false;
    int at = 1;

    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--list") == 0) {
            lists = true;
        } else if (strcmp(argv[at], "--depth") == 0 && at + 1 < argc) {
            depth = (unsigned)strtoul(argv[++at], NULL, 10);
            if (depth < 1 || depth > MAX_DEPTH)
                return usage();
        } else if (strcmp(argv[at], "--more") == 0 && at + 1 < argc) {
            more = (unsigned)strtoul(argv[++at], NULL, 10);
        } else {
            return usage();
        }
    }
    for (unsigned i = 0; i < n_worlds; i++) {
        const unsigned bound = (depth ? depth : worlds[i].depth) + (more < MAX_DEPTH ? more : MAX_DEPTH);
        int status;
        pid_t child;

        if (!is_wanted(&worlds[i], argv + at, argc - at))
            continue;
        if (lists) {
            printf("%s\n", worlds[i].name);
            continue;
        }
        fflush(stdout);
        child = fork();
        if (child == 0)
            _exit(explore(&worlds[i], bound < MAX_DEPTH ? bound : MAX_DEPTH));
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
            failed++;
        else
            passed++;
    }
    if (!lists)
        printf("%u passed, %u failed\n", passed, failed);
    return !lists && (failed || !passed);
}
