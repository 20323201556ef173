# flow.awk: what the control-flow graphs say of lost locals; a part of tools/lint, for use behind cfg.awk.
#
# Follows every path from every resume, and looks at what happens first to each place: if it is read before it is written, it was
# lost. Prints, as input for tools/lint,
#
#     LINE <tab> what to do                                   (LINE: of the declaration, or of the await)
#
# Only POSIX awk.

# ---- What comes first after a resume

# What happens first to `place` from element `from` of block b on: " R" if on some path it is read, before it is written.
function read_first(b, from, place,  n, what, list, count, i)
{
    if (from == 1) {
        if (visited[b] == round)
            return 0
        visited[b] = round
    }
    for (n = from; n <= element_count[b]; n++) {
        what = happens(b, n, place)
        if (what ~ /^[RU]/)
            return 1
        if (what != "")
            return 0
    }
    count = split(successors[b], list, " ")
    for (i = 1; i <= count; i++) {
        # From co_unwind_ the dispatch leads on to co_finally, or out.
        if (b == dispatch && label[list[i]] !~ /CO_UNWIND_|default/)
            continue
        if (read_first(list[i], 1, place))
            return 1
    }
    return 0
}

# What element n of block b does to `place`: the first letter of R, W, U, D, or nothing.
function happens(b, n, place,  what, places, count, i, base, kind, text)
{
    if (!((b, n) in event))
        return ""
    count = split(event[b, n], what, " ")
    split(event_place[b, n], places, " ")
    base = place
    sub(/\..*$/, "", base)
    text = ""
    for (i = 1; i <= count; i++) {
        kind = what[i]
        if (places[i] == place)
            text = text kind
        else if (places[i] == base)
            text = text (kind == "R" ? "" : "W") # all of the struct: reads of all are told of the struct itself
        else if (place == base && index(places[i], base ".") == 1 && kind != "R")
            text = text "W" # a member of it
    }
    # Both sides of one assignment: the read comes first.
    if (text ~ /[RU]/)
        return "R"
    return substr(text, 1, 1)
}

# Whether a value that the body gave to `place` can be there when it suspends at the end of block `until`.
function written_before(until, place,  i, b, n)
{
    for (i = 1; i <= block_count; i++) {
        b = blocks[i]
        if (b in early)
            continue
        for (n = 1; n <= element_count[b]; n++) {
            if (writes(b, n, place) && (b == until || reaches(b, until)))
                return 1
        }
    }
    return 0
}

function writes(b, n, place,  what, places, count, i)
{
    if (!((b, n) in event))
        return 0
    count = split(event[b, n], what, " ")
    split(event_place[b, n], places, " ")
    for (i = 1; i <= count; i++)
        if (what[i] ~ /[WU]/ && (places[i] == place || index(places[i], place ".") == 1))
            return 1
    return 0
}

# Whether block `until` can be reached from the end of b without a suspension in between.
function reaches(b, until)
{
    round++
    return reaches_on(b, until)
}
function reaches_on(b, until,  list, count, i)
{
    count = split(successors[b], list, " ")
    for (i = 1; i <= count; i++) {
        if (list[i] == until)
            return 1
        if (visited[list[i]] == round || list[i] == dispatch)
            continue
        visited[list[i]] = round
        if (reaches_on(list[i], until))
            return 1
    }
    return 0
}

# ---- Telling

function tell(line, what)
{
    if (line == "" || (line, what) in told)
        return
    told[line, what] = 1
    print line "\t" what
}

# The lines where a local is declared, or may be: as clang says, else where the body first mentions it.
function tell_local(variable, what,  list, count, i)
{
    count = split(declared[variable], list, " ")
    if (count == 1) {
        tell(list[1], what)
        return
    }
    tell(first_mention(variable), what)
}

function first_mention(variable,  i, text, inside)
{
    for (i = 1; i <= line_count; i++) {
        text = lines[i]
        if (text ~ "^[ \t]*co_(def|define|gen|gen_define)[ \t]*\\(" && text ~ "[( ,]" name "[ ,)]")
            inside = 1
        else if (inside && text ~ /^[}]/)
            inside = 0
        else if (inside) {
            sub(/\/\*.*/, "", text)
            sub(/\/\/.*/, "", text)
            text = " " text " "
            while (match(text, "[^A-Za-z_0-9]" variable "[^A-Za-z_0-9]")) {
                if (substr(text, 1, RSTART) !~ /(->|\.)$/)
                    return i
                text = substr(text, RSTART + 1)
            }
        }
    }
    return ""
}

function tell_switches(  i, j, b, list, count, at)
{
    for (i = 1; i <= block_count; i++) {
        b = blocks[i]
        if (b == dispatch || terminator[b] !~ /^switch/)
            continue
        count = split(successors[b], list, " ")
        for (j = 1; j <= count; j++)
            if (label[list[j]] ~ /co_number_/)
                for (at in suspends)
                    if (suspends[at] == list[j] || next_case(suspends[at]) == list[j])
                        tell(line_of[at], "an await does not work inside a switch of your own: use if, or move it to a coroutine that you await")
    }
}

# An await may have several labels, one block each.
function next_case(b,  other)
{
    other = "B" (substr(b, 2) + 1)
    return label[b] ~ /co_number_/ ? other : ""
}

function tell_lost(  place)
{
    for (place in locals)
        lost_after(place, place)
    for (place in members)
        lost_after(place, members[place])
}

# The first await that the place does not survive.
function lost_after(place, base,  at, worst)
{
    worst = ""
    for (at in suspends) {
        round++
        if (!read_first(suspends[at], 1, place))
            continue
        if ((name, base) in first_value && !written_before(at, place))
            continue
        if (worst == "" || line_of[at] < worst)
            worst = line_of[at]
    }
    if (worst != "")
        tell_local(base, "`" base "` is lost when line " worst " suspends, and used after it: make it a field (self->" base ")")
}

function tell_escapes(  variable, field)
{
    for (variable in escapes)
        if (variable != "")
            tell_local(variable, "what is awaited may keep the address of `" variable "`, which is gone when it suspends: make it a field (self->" variable ")")
    for (variable in kept_in) {
        field = kept_in[variable]
        if (variable != "" && is_read_after_resume(field))
            tell_local(variable, "self->" field " keeps the address of `" variable "`, which is gone after an await: make it a field (self->" variable ")")
    }
}

# Whether self->field is read somewhere after a resume.
function is_read_after_resume(field,  at, i, b, n)
{
    round++
    for (at in suspends)
        mark_from(suspends[at])
    for (i = 1; i <= block_count; i++) {
        b = blocks[i]
        if (visited[b] != round)
            continue
        for (n = 1; n <= element_count[b]; n++)
            if (element[b, n] ~ ("\\](->|\\.)?" field "$") && users["[" b "." n "]"] != "") {
                user_of("[" b "." n "]")
                if (taken !~ /^\(*@\)* = /)
                    return 1
            }
    }
    return 0
}
function mark_from(b,  list, count, i)
{
    if (visited[b] == round)
        return
    visited[b] = round
    count = split(successors[b], list, " ")
    for (i = 1; i <= count; i++)
        if (b != dispatch || label[list[i]] ~ /CO_UNWIND_|default/)
            mark_from(list[i])
}
