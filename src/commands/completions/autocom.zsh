#compdef autocom
# Completions of autocom for zsh: source this, or see `autocom completions --help`.
_autocom() {
    local line value
    local -a lines whole open
    # (Q): without the quotes that were typed.
    lines=("${(@f)$(autocom __complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)IPREFIX}${(Q)PREFIX}" 2> /dev/null)}")
    for line in $lines; do
        if [[ -z $line ]]; then continue; fi
        # Quoted here: a home folder that is quoted is none.
        value=${line%%$'\t'*}
        if [[ $value == '~/'* ]]; then value="~/${(q)value#\~/}"; else value=${(q)value}; fi
        value=${${value//\\/\\\\}//:/\\:}
        if [[ $line == *$'\t'* ]]; then value+=":${line#*$'\t'}"; fi
        # The word goes on behind these.
        if [[ ${line%%$'\t'*} == *[=/] ]]; then open+=("$value"); else whole+=("$value"); fi
    done
    _describe -V autocom whole -Q -- open -Q -S ''
}
# As a file in $fpath this is the function's body; sourced, it has to be registered.
if [[ ${funcstack[1]-} == _autocom ]]; then _autocom "$@"; else compdef _autocom autocom; fi
