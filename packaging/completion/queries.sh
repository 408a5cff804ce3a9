# What the programs say of themselves, for the completion of bash and of zsh. Nothing is listed here
# that they know: options come from --help, the words that an option takes from what a program says
# of a wrong one, models from --list-models.

_schnell_options() { # program
    "$1" --help 2>/dev/null | grep -oE -e '--[a-z][a-z-]+' | sort -u
}

# What an option wants, such as FILE; nothing for a switch, and for one that --help names without it.
_schnell_wants() { # program, option
    "$1" --help 2>/dev/null | sed -nE "s/^ *($2|$2, --[a-z-]+|-., $2)=([^ ]+).*/\2/p"
}

# The words that an option takes, if it takes words.
_schnell_words() { # program, option
    local words
    words=$("$1" "$2=?" 2>&1 </dev/null | sed -nE 's/.*: expected ([a-z0-9:, -]+), found "=?\?"$/\1/p' |
        sed -E 's/, | or /\n/g')
    [[ $words == *" "* ]] || echo "$words"
}

_schnell_models() { # program
    "$1" --list-models 2>/dev/null | sed '1d;s/ .*//'
}

# The first words after the options, where --help has them: "m6|sizes|...", "compare A.json".
_schnell_first_words() { # program
    "$1" --help 2>/dev/null | sed -E '2,$ { /^ /!q }; s/.*\[OPTION[^]]*\]//' |
        grep -oE '^ +[a-z][a-z0-9|]+( |$)' | tr -d ' ' | tr '|' '\n'
}
