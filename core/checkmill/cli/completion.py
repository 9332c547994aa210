"""`checkmill completion SHELL`: the script that has a shell ask Checkmill itself what may be written next.

The scripts hold no words of their own. They pass on what stands before the cursor, and take from the first line of the
answer whether words follow or the shell is to complete paths, or the command line of a job. See
`checkmill.cli.completing`.
"""

from __future__ import annotations

from checkmill.cli.session import Session

BASH = r"""# bash completion of checkmill, written by: checkmill completion bash
_checkmill() {
    local program=${1:-checkmill} rest= index gap word fragment line head='' kind=''
    local words=() begins=()
    [[ -n ${COMP_LINE-} ]] && rest=${COMP_LINE:0:${COMP_POINT:-${#COMP_LINE}}}
    # Words are split at '=' and ':' too; whether two of them touch only the line knows.
    for ((index = 0; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]-} gap=' '
        if [[ -n ${COMP_LINE-} ]]; then
            gap=${rest%%[![:space:]]*}
            rest=${rest#"$gap"}
            ((index < COMP_CWORD)) || word=$rest
            rest=${rest#"$word"}
        elif [[ $word == [=:]* || ${COMP_WORDS[index > 0 ? index - 1 : 0]} == [=:] ]]; then
            gap=''
        fi
        if [[ -z $gap ]] && ((index > 0)); then
            head=${words[${#words[@]} - 1]}
            words[${#words[@]} - 1]+=$word
        else
            head=''
            words+=("$word") begins+=("$index")
        fi
        # What is replaced begins after these.
        [[ -n $word && -z ${word//[=:]/} ]] && head=${words[${#words[@]} - 1]}
    done
    program=${program/#\~\//$HOME/}
    type -P -- "$program" >/dev/null || program=checkmill
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -n $kind ]]; then COMPREPLY+=("$line"); else kind=$line; fi
    done < <("$program" __complete bash "$head" "${words[@]:1}" 2>/dev/null </dev/null)
    case $kind in
        directory | file)
            compopt -o filenames 2>/dev/null
            fragment=${words[${#words[@]} - 1]:${#head}}
            while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -A "$kind" -- "${fragment#[\"\']}")
            ;;
        command\ *)
            index=${begins[${kind#command }]}
            for line in _comp_command_offset _command_offset; do
                if declare -F "$line" >/dev/null; then
                    "$line" "$index"
                    return
                fi
            done
            fragment=${words[${#words[@]} - 1]:${#head}} kind=file
            [[ $index == "$COMP_CWORD" && $fragment != */* ]] && kind=command
            compopt -o filenames 2>/dev/null
            while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -A "$kind" -- "${fragment#[\"\']}" | sort -u)
            ;;
    esac
}
complete -F _checkmill checkmill
"""

ZSH = r"""#compdef checkmill
# zsh completion of checkmill, written by: checkmill completion zsh
_checkmill() {
    local program=${(Q)words[1]} kind line
    local -a answer candidates shown
    program=${program/#\~\//$HOME/}
    (( $+commands[$program] )) || [[ -x $program ]] || program=checkmill
    answer=("${(@f)$("$program" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
    kind=$answer[1]
    case $kind in
        directory | file)
            compset -P 1 '--*='
            if [[ $kind == directory ]]; then _files -/; else _files; fi
            ;;
        command\ *)
            shift ${kind#command } words
            (( CURRENT -= ${kind#command } ))
            _normal
            ;;
        words)
            for line in "${(@)answer[2,-1]}"; do
                candidates+=("${line%%$'\t'*}")
                shown+=("${line/$'\t'/  -- }")
            done
            (( $#candidates )) && compadd -l -d shown -- "${candidates[@]}"
            ;;
    esac
}
if [[ $funcstack[1] == _checkmill ]]; then
    _checkmill "$@"
else
    compdef _checkmill checkmill
fi
"""

FISH = r"""# fish completion of checkmill, written by: checkmill completion fish
function __checkmill_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    command -q -- $program; or set program checkmill
    set -l answer ($program __complete fish $words[2..-1] "$current" 2>/dev/null </dev/null)
    switch "$answer[1]"
        case directory
            __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$current")
        case file
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
        case 'command *'
            set -l skipped (string split ' ' -- $answer[1])[2]
            set -l job $words[(math $skipped + 1)..-1] "$current"
            complete -C "$job"
        case words
            printf '%s\n' $answer[2..-1]
    end
end
complete -c checkmill -f -a '(__checkmill_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(session: Session) -> int:
    """Print the script of a shell."""
    session.streams.results(SCRIPTS[session.arguments.shell])
    return 0
