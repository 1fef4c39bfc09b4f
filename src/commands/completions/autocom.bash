# Completions of autocom for bash: source this, or see `autocom completions --help`.
_autocom() {
    # Readline parts words at = and : too, so a word is put together again from the pieces that no blank parts.
    local rest=${COMP_LINE:0:COMP_POINT} words=() piece blank
    for piece in "${COMP_WORDS[@]:0:COMP_CWORD}" ""; do
        blank=${rest%%[![:space:]]*}
        rest=${rest:${#blank}}
        # What is left after the last whole piece is the one that the cursor is in.
        if [[ -z $piece ]]; then piece=$rest; fi
        if [[ -z $blank && ${#words[@]} -gt 0 ]]; then
            words[${#words[@]}-1]+=$piece
        else
            words+=("$piece")
        fi
        rest=${rest:${#piece}}
    done
    # Of the last word, readline replaces only what is behind the last = or :.
    local current=${words[${#words[@]}-1]} fixed= sign candidate
    for sign in = :; do
        if [[ $COMP_WORDBREAKS == *$sign* && $current == *$sign* ]]; then
            piece=${current%"$sign"*}$sign
            if [[ ${#piece} -gt ${#fixed} ]]; then fixed=$piece; fi
        fi
    done
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("${candidate#"$fixed"}")
    done < <(autocom __complete bash "${words[@]}" 2> /dev/null)
    # The word goes on behind these.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2> /dev/null
    fi
}
# Before 4.4 bash can't keep an order, and sorts.
complete -o nosort -F _autocom autocom 2> /dev/null || complete -F _autocom autocom
