# diag.awk: what the compilers' warnings of a file compiled with -DAWL_LINT mean for coroutines; a part of tools/lint.
#
# Reads what gcc (with -ftrack-macro-expansion=0) and clang say, prints `LINE <tab> what to do`, as flow.awk does.
#
#   -v source=FILE     only what is said of this file counts
#
# Only POSIX awk.

BEGIN {
    while ((getline text < source) > 0) {
        lines[++line_count] = text
        if (text ~ /^[ \t]*co_(def|define|gen|gen_define)[ \t]*\(/)
            inside = 1
        in_coroutine[line_count] = inside
        if (text ~ /^[}]/)
            inside = 0
    }
    awaits = "co_(await|let|try|try_cancel|suspend|switch|yield|yield_from|send_from)([^a-z_]|$)"
}

# gcc: `FILE: In function 'NAME_body_':`, which may stand between a warning and its note, too.
/(^|: )In function '/ {
    function_name = $0
    sub(/^.*In function '/, "", function_name)
    sub(/'.*$/, "", function_name)
    next
}

/:[0-9]+:[0-9]+: (warning|error|fatal error|note): / {
    split_line()
    if (kind != "note") {
        settle()
        note_problem()
    } else if (wanted != "") {
        note_note()
    }
}

END { settle() }

# FILE:LINE:COLUMN: KIND: TEXT
function split_line(  place)
{
    match($0, /:[0-9]+:[0-9]+: (warning|error|fatal error|note): /)
    file = substr($0, 1, RSTART - 1)
    place = substr($0, RSTART, RLENGTH)
    said = substr($0, RSTART + RLENGTH)
    sub(/^:/, "", place)
    line = place + 0
    kind = place
    sub(/^[0-9]+:[0-9]+: /, "", kind)
    sub(/: $/, "", kind)
}

# 'NAME' as the diagnostic quotes it first, without members.
function quoted(  name)
{
    if (!match(said, /'[^']+'/))
        return ""
    name = substr(said, RSTART + 1, RLENGTH - 2)
    sub(/^\*+/, "", name)
    if (match(name, /^[A-Za-z_][A-Za-z_0-9]*/))
        return substr(name, RSTART, RLENGTH)
    return ""
}

function in_body() { return in_coroutine[line] || function_name ~ /_(body|step)_$/ }

function note_problem()
{
    # The generator of a co_for is used in functions of coro.h.
    if (said ~ /'co_it_.* used uninitialized/)
        wait_for("lost", "co_it_")
    if (file != source)
        return
    if (said ~ /used uninitialized|uninitialized when used here/) {
        if (in_body())
            wait_for("lost", quoted())
    } else if (said ~ /-Wdangling-pointer/) {
        if (in_body())
            wait_for("dangling", quoted())
    } else if (said ~ /switch jumps into scope of identifier with variably modified type/) {
        wait_for("vla", "")
    } else if (said ~ /cannot jump from switch statement to this case label/) {
        wait_for("jump", "")
    } else if (said ~ /duplicate case value|overflow converting case value|-Woverflow|-Wswitch-outside-range/) {
        if (lines[line] ~ awaits)
            tell(line, "an await does not work inside a switch of your own: use if, or move it to a coroutine that you await")
    } else if (said ~ /-Wunused-result/) {
        if (said ~ /'(co_made_|awl_)/ || (said !~ /return value of '/ && lines[line] ~ /co_call|awl_/))
            tell(line, "nobody awaits this object: co_await it, or make it a task")
    } else if (said ~ /a break outside of any loop/) {
        tell(line, "a break in this body stands in no loop, and leaves the coroutine without co_finally: use co_return")
    } else if (said ~ /-Wunused-value/ && lines[line] ~ /co_iter/) {
        tell(line, "nobody iterates over this generator")
    }
}

# The declaration comes in a note, mostly.
function wait_for(what, name)
{
    wanted = what
    wanted_name = name
    wanted_line = line
}

function note_note()
{
    if (file != source)
        return
    if (wanted == "jump" && said ~ /jump bypasses initialization/) {
        wanted = said ~ /cleanup/ ? "cleanup" : said ~ /variable length/ ? "vla" : "other"
        declared(line)
    } else if (said ~ /declared here|initialize the variable/) {
        declared(line)
    }
}

function settle()
{
    if (wanted_name !~ /^co_it_/ && (wanted == "lost" || wanted == "dangling"))
        declared(wanted_line)
    wanted = ""
}

function declared(at,  name)
{
    name = wanted_name
    if (name == "" && match(said, /'[A-Za-z_][A-Za-z_0-9]*'/))
        name = substr(said, RSTART + 1, RLENGTH - 2)
    if (name ~ /^co_it_/ || (wanted == "cleanup" && lines[at] ~ /co_for/))
        tell(at, "co_for must not suspend, its generator is a local: keep the generator in the frame, and use co_next")
    else if (name ~ /^co_.*_[0-9]*$/)
        ;
    else if (wanted == "vla")
        tell(at, "an array of variable length must not be alive when line " wanted_line " suspends: make it a field of a fixed size")
    else if (wanted == "cleanup")
        tell(at, "what is cleaned up when its scope ends must not be alive when line " wanted_line " suspends: use a field and co_finally")
    else if (wanted == "dangling")
        tell(at, "the address of `" name "` outlives it: make it a field (self->" name ")")
    else if (wanted == "lost")
        tell(at, "`" name "` may have no value when line " wanted_line " reads it: what outlives an await is a field (self->" name ")")
    wanted = ""
}

function tell(at, what)
{
    if (!((at, what) in told)) {
        told[at, what] = 1
        print at "\t" what
    }
}
