# begin.awk: moves the first values of locals that stand before co_begin behind it; a part of tools/lint.
#
#     int x = 0;                int x;
#     co_begin;           =>    co_begin; x = 0;
#
# so that a compiler sees that what the body does to x is lost at an await. Only where the body changes x, and only scalars: what is
# set once before co_begin and never changed is right at each resume. Lines keep their numbers. Only POSIX awk.

{ lines[NR] = $0 }

END {
    for (i = 1; i <= NR; i++)
        if (lines[i] ~ /^[ \t]*co_(def|define|gen|gen_define)[ \t]*\(/)
            move(i)
    for (i = 1; i <= NR; i++)
        print lines[i]
}

# The function whose head is in line `head`: its declarations, its co_begin and its body.
function move(head,  open, begin, end, i)
{
    for (open = head; open <= NR && lines[open] !~ /^[{]/; open++)
        ;
    for (begin = open; begin <= NR && lines[begin] !~ /(^|[^a-z_])co_begin([^a-z_]|$)/; begin++)
        if (lines[begin] ~ /^[}]/)
            return
    for (end = begin; end <= NR && lines[end] !~ /^[}]/; end++)
        ;
    if (end > NR)
        return
    body = ""
    for (i = begin + 1; i < end; i++)
        body = body " " lines[i] "\n"
    moved = ""
    for (i = open + 1; i < begin; i++)
        lines[i] = without_values(lines[i])
    if (moved != "")
        sub(/co_begin[ \t]*;/, "co_begin;" moved, lines[begin])
}

# `int a = 0, *b = p;` without the values of those that the body changes. What is not understood stays as it is.
function without_values(text,  code, type, count, parts, i, name, value, kept)
{
    code = text
    sub(/\/\*.*\*\/[ \t]*$/, "", code)
    sub(/\/\/.*$/, "", code)
    sub(/[ \t]+$/, "", code)
    if (code !~ /^[ \t]+[A-Za-z_].*=.*;$/ || code ~ /[][{}]/ || code ~ /["'][^"']*,/ || code ~ /\([^)]*,/ || code ~ /(^|[ \t])(static|return)[ \t]/)
        return text
    sub(/;$/, "", code)
    count = split(code, parts, ",")

    # The type is what stands before the first name.
    if (!match(parts[1], /[A-Za-z_][A-Za-z_0-9]*[ \t]*(=|$)/))
        return text
    type = substr(parts[1], 1, RSTART - 1)
    if (type ~ /const[ \t]*$/ || (type ~ /const/ && type !~ /\*/))
        return text
    kept = ""
    for (i = 1; i <= count; i++) {
        name = parts[i]
        value = ""
        if (match(name, /=/)) {
            value = substr(name, RSTART + 1)
            name = substr(name, 1, RSTART - 1)
        }
        if (i == 1)
            name = substr(name, length(type) + 1)
        gsub(/[ \t]/, "", name)
        bare = name
        gsub(/\*/, "", bare)
        if (value != "" && is_changed(bare)) {
            moved = moved " " bare " =" value ";"
            value = ""
        }
        kept = kept (i > 1 ? ", " : "") name (value != "" ? " =" value : "")
    }
    return type kept ";"
}

function is_changed(name,  before, after, space)
{
    before = "(^|[^A-Za-z_0-9.>])"
    after = "([^A-Za-z_0-9]|$)"
    space = "[ \t]*"
    return body ~ (before name space "(=[^=]|[-+*/%&|^]=|<<=|>>=|\\+\\+|--)") || body ~ ("(\\+\\+|--)" space name after) ||
        body ~ ("[^&]&" space name after) || body ~ ("co_(let|try|try_cancel|result)" space "\\(" space name after)
}
