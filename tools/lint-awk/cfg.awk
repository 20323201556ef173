# cfg.awk: reads the control-flow graphs of coroutines, and what they do to their locals; a part of tools/lint.
#
#     clang --analyze … | awk -v source=FILE -f cfg.awk -f flow.awk
#
# The input is what the checkers debug.DumpCFG and debug.DumpLiveVars print of a file compiled with -DAWL_LINT, where every await
# is `state = N; return; case N:`. For each coroutine and generator this file notes what each element of the graph does to which
# place: a local `x`, or a member `x.m` of one that is a struct.
#
#   R  it is read             W  it is written, or its address goes where it may be written through
#   U  both, in this order    D  its declaration is passed
#
# What follows from that is in flow.awk. Only POSIX awk.

BEGIN {
    while ((getline text < source) > 0)
        lines[++line_count] = text
}

# ---- Reading

# The head of a function: `static inline co_step NAME_body_(struct NAME *self, co_stack *co_)`.
/^[A-Za-z_]/ {
    finish()
    if (match($0, /[A-Za-z_][A-Za-z_0-9]*_(body|step)_\(struct [A-Za-z_0-9]+ *\*self, /)) {
        name = substr($0, RSTART, RLENGTH)
        sub(/_(body|step)_\(.*/, "", name)
        active = 1
    }
    next
}

!active { next }

# `[ B3 (live variables at block exit) ]`, then ` x <file:9:10>` for each.
/^\[ B[0-9]+ \(live/ {
    live_block = $2
    next
}
live_block != "" && /^ [A-Za-z_][A-Za-z_0-9]* </ {
    at = $2
    gsub(/[<>]/, "", at)
    file = at
    sub(/:[0-9]+:[0-9]+$/, "", file)
    if (file == source) {
        sub(/:[0-9]+$/, "", at)
        sub(/^.*:/, "", at)
        if (!(($1, at) in seen_live)) {
            seen_live[$1, at] = 1
            declared[$1] = declared[$1] " " at
        }
    }
    next
}

/^ \[B[0-9]+/ {
    block = $1
    gsub(/[][]/, "", block)
    if (/\(ENTRY\)/)
        entry = block
    blocks[++block_count] = block
    next
}
/^ +[0-9]+: / {
    text = $0
    sub(/^ +[0-9]+: /, "", text)
    n = ++element_count[block]
    element[block, n] = text
    next
}
/^   T: / {
    terminator[block] = substr($0, 7)
    next
}
/^   Succs/ {
    text = $0
    sub(/^ *Succs \([0-9]+\): /, "", text)
    count = split(text, words, " ")
    for (i = 1; i <= count; i++)
        if (words[i] ~ /^B[0-9]+$/)
            successors[block] = successors[block] " " words[i]
    next
}
/^   Preds/ { next }
/^  [a-z_].*:$/ { label[block] = label[block] " " $0 }

END { finish() }

function finish()
{
    if (active)
        analyse()
    active = 0
    name = live_block = block = entry = dispatch = first_case = ""
    block_count = 0
    split("", blocks)
    split("", element_count)
    split("", element)
    split("", terminator)
    split("", successors)
    split("", label)
    split("", declared)
    split("", seen_live)
    split("", users)
    split("", locals)
    split("", members)
    split("", early)
    split("", event)
    split("", event_place)
    split("", suspends)
    split("", line_of)
    split("", escapes)
    split("", kept_in)
    split("", told)
}

# ---- The graph

function analyse(  i, b, n)
{
    for (i = 1; i <= block_count; i++) {
        b = blocks[i]
        if (label[b] ~ /case \(*CO_FIRST_/ || label[b] ~ /\(CO_FIRST_\)/)
            first_case = b
        for (n = 1; n <= element_count[b]; n++) {
            note_users(b, n)
            note_local(b, n)
        }
        note_suspension(b)
    }
    for (i = 1; i <= block_count; i++)
        if (terminator[blocks[i]] ~ /^switch/ && index(successors[blocks[i]] " ", " " first_case " "))
            dispatch = blocks[i]
    if (dispatch == "" || first_case == "")
        return
    note_early(entry)
    for (i = 1; i <= block_count; i++)
        for (n = 1; n <= element_count[blocks[i]]; n++)
            note_event(blocks[i], n)

    tell_switches()
    tell_lost()
    tell_escapes()
}

# users["[B3.4]"]: which elements take the value of this one, as " B3.5 B3.9".
function note_users(b, n,  text, reference)
{
    text = element[b, n]
    while (match(text, /\[B[0-9]+\.[0-9]+\]/)) {
        reference = substr(text, RSTART, RLENGTH)
        users[reference] = users[reference] " " b "." n
        text = substr(text, RSTART + RLENGTH)
    }
}

# `int x = f();`, `char buf[32];`, `const char *at;`: declares a local, unless it is static or of the macros.
function note_local(b, n,  text, variable)
{
    text = element[b, n]
    if (text !~ /;$/ || text ~ /^(return|static|extern|typedef|enum) / || text !~ /^[A-Za-z_]/)
        return
    sub(/;$/, "", text)
    initialised[b, n] = text ~ / = /
    sub(/ = .*$/, "", text)
    sub(/ __attribute__.*$/, "", text)
    if (match(text, /\(\*[A-Za-z_0-9]+\)/)) {
        variable = substr(text, RSTART + 2, RLENGTH - 3)
    } else {
        sub(/\[.*$/, "", text)
        variable = text
        sub(/^.*[ *]/, "", variable)
    }
    if (variable !~ /^[A-Za-z_][A-Za-z_0-9]*$/ || variable ~ /^co_.*_[0-9]*$/)
        return
    locals[variable] = 1
    event[b, n] = "D"
    event_place[b, n] = variable
}

# `… state = number | line << 8; return …;` ends a block; the block before it in number is where it goes on.
function note_suspension(b,  n, numbered, line)
{
    for (n = 1; n <= element_count[b]; n++) {
        if (element[b, n] == "co_number_")
            numbered = 1
        if (numbered && line == "" && element[b, n] ~ /^[0-9]+U?$/)
            line = element[b, n] + 0
        if (numbered && element[b, n] ~ /^return /) {
            suspends[b] = "B" (substr(b, 2) - 1)
            line_of[b] = line
        }
    }
}

# What is declared before co_begin with a value has that value again at each resume.
function note_early(b,  n, list, count, i)
{
    if (b == dispatch || b in early)
        return
    early[b] = 1
    for (n = 1; n <= element_count[b]; n++)
        if (event[b, n] == "D" && initialised[b, n])
            first_value[name, event_place[b, n]] = 1
    count = split(successors[b], list, " ")
    for (i = 1; i <= count; i++)
        note_early(list[i])
}

# ---- What happens to a place

# An element that is the name of a local: finds what is done with it, and notes that at the element that does it.
function note_event(b, n,  variable, what)
{
    variable = element[b, n]
    if (!(variable in locals))
        return
    at_block = b
    at_number = n
    at_member = ""
    what = lvalue("[" b "." n "]")
    if (what == "")
        return
    if (at_member != "")
        members[variable "." at_member] = variable
    # Two things may be noted at one element: a copy of one struct to another, for instance.
    event[at_block, at_number] = event[at_block, at_number] " " what
    event_place[at_block, at_number] = event_place[at_block, at_number] " " variable (at_member == "" ? "" : "." at_member)
}

# The first element that takes the value of `reference`; the text of it, with that value written @, is put into `taken`.
function user_of(reference,  list, parts, at)
{
    taken = ""
    if (split(users[reference], list, " ") == 0)
        return ""
    split(list[1], parts, ".")
    at_block = parts[1]
    at_number = parts[2]
    taken = element[at_block, at_number]
    at = index(taken, reference)
    taken = substr(taken, 1, at - 1) "@" substr(taken, at + length(reference))
    return "[" list[1] "]"
}

# What is done with an lvalue: R, W, U or nothing.
function lvalue(reference,  next_one, field)
{
    next_one = user_of(reference)
    if (next_one == "")
        return ""
    if (taken == "(@)")
        return lvalue(next_one)
    if (taken ~ /^\(?@\)? \(ImplicitCastExpr, LValueToRValue/)
        return "R"
    if (taken ~ /^\(?@\)? \(ImplicitCastExpr, ArrayToPointerDecay/)
        return pointer(next_one, 0)
    if (taken ~ /^&@$/)
        return pointer(next_one, 0)
    if (taken ~ /^\(*@\)* = /)
        return "W"
    if (taken ~ /^\(*@\)* ([-+*\/%&|^]|<<|>>)= / || taken ~ /^(\+\+|--)\(*@\)*$/ || taken ~ /^\(*@\)*(\+\+|--)$/)
        return "U"
    # Members; those of a struct without a name are printed as `@.`, then `@name`.
    if (taken ~ /^@\.?[A-Za-z_0-9]*$/) {
        field = taken
        gsub(/[@.]/, "", field)
        if (at_member == "")
            at_member = field
        return lvalue(next_one)
    }
    return ""
}

# What is done with a pointer to a place; `constant` if it cannot be written through.
function pointer(reference, constant,  next_one, cast)
{
    next_one = user_of(reference)
    if (next_one == "")
        return ""
    if (taken ~ /^\(@\)$/ || taken ~ /^@ [-+] / || taken ~ / \+ @$/)
        return pointer(next_one, constant)
    if (taken ~ /Cast|NoOp/ && taken ~ /@\)? \((ImplicitCastExpr|CStyleCastExpr)/) {
        cast = taken
        sub(/^.*(ImplicitCastExpr|CStyleCastExpr), [A-Za-z]+, /, "", cast)
        return pointer(next_one, constant || cast ~ /^const /)
    }
    if (taken ~ /^@\[/ || taken ~ /^\*@$/ || taken ~ /^@->/) {
        return lvalue(next_one)
    }
    if (taken ~ /^[{]/)
        return in_frame(at_block, at_number, reference) ? "" : "W"
    if (taken ~ / = @$/)
        return keeps(taken) ? "" : "W"
    if (taken ~ /^\[B[0-9]+\.[0-9]+\]\(/ && operation_keeps(taken)) {
        escapes[local_of(reference)] = 1
        return ""
    }
    if (taken ~ /^\[B[0-9]+\.[0-9]+\]\(/)
        return constant || variadic_read(taken) ? "R" : "W"
    return constant ? "" : "W"
}

# `f(a, @)`: whether @ is behind the parameters that have names, of a function that does not read into it.
function variadic_read(call,  callee, parts, type, before, b, n, fixed, place)
{
    callee = call
    sub(/\(.*/, "", callee)
    gsub(/[][B]/, "", callee)
    split(callee, parts, ".")
    b = "B" parts[1]
    n = parts[2]
    type = element[b, n]
    if (type !~ /\.\.\.\)/)
        return 0
    fixed = type
    sub(/^.*\(\*\)\(/, "", fixed)
    sub(/, \.\.\..*$/, "", fixed)
    fixed = gsub(/,/, ",", fixed) + 1
    before = call
    sub(/@.*$/, "", before)
    sub(/^[^(]*\(/, "", before)
    place = gsub(/,/, ",", before) + 1
    if (place <= fixed)
        return 0
    for (; n > 0 && element[b, n] ~ /ImplicitCast/; n--)
        ;
    return element[b, n] !~ /scanf/
}

# `operation(a, @)`: whether a function that makes a coroutine object keeps @ in it. Structs that it cannot write to are options,
# which are copied; functions whose names end in `_` are those of macros, and copy what they are given.
function operation_keeps(call,  callee, parts, type, before, place)
{
    callee = call
    sub(/\(.*/, "", callee)
    gsub(/[][B]/, "", callee)
    split(callee, parts, ".")
    type = element["B" parts[1], parts[2]]
    if (type !~ /FunctionToPointerDecay, (awl_coro|co_object) \(\*\)\(/ || element["B" parts[1], parts[2] - 1] ~ /_$/)
        return 0
    sub(/^.*\(\*\)\(/, "", type)
    sub(/\)\)$/, "", type)
    before = call
    sub(/@.*$/, "", before)
    sub(/^[^(]*\(/, "", before)
    place = gsub(/,/, ",", before) + 1
    split(type, parts, /, */)
    return parts[place] !~ /^const / || parts[place] ~ /^const (char|void) \*$/
}

# Whether an address ends up in the frame of a coroutine: as an argument of co_call, whose literal begins with the head `.co_`.
function in_frame(b, n, reference,  list, count, i, parts, text)
{
    count = split(users[reference], list, " ")
    for (i = 1; i <= count; i++) {
        split(list[i], parts, ".")
        text = element[parts[1], parts[2]]
        if (text ~ /^[{]\.co_ = / && text !~ /\.co_step_ = /) {
            escapes[local_of(reference)] = 1
            return 1
        }
    }
    return 0
}

# `self->field = @`: keeps an address in the frame.
function keeps(assignment,  left, field, parts, i)
{
    left = assignment
    sub(/ = @$/, "", left)
    for (i = 0; i < 9; i++) {
        gsub(/[][()]/, "", left)
        split(left, parts, ".")
        left = element[parts[1], parts[2]]
        if (i == 0) {
            field = left
            sub(/^.*\]/, "", field)
            gsub(/[-.>]/, "", field)
        }
        if (left == "self") {
            kept_in[local_of("[" at_block "." at_number "]")] = field
            return 1
        }
        if (!match(left, /^\(*\[B[0-9]+\.[0-9]+\]/))
            return 0
        left = substr(left, RSTART, RLENGTH)
    }
    return 0
}

# The local that a value was made from: back along the casts.
function local_of(reference,  parts, text, i)
{
    for (i = 0; i < 20; i++) {
        gsub(/[][]/, "", reference)
        split(reference, parts, ".")
        text = element[parts[1], parts[2]]
        if (text in locals)
            return text
        if (text ~ / = \[B[0-9]+\.[0-9]+\]$/)
            sub(/^.* = /, "", text)
        if (!match(text, /\[B[0-9]+\.[0-9]+\]/))
            return ""
        reference = substr(text, RSTART, RLENGTH)
    }
    return ""
}
