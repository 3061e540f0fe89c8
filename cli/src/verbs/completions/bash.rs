//! For bash.

use std::fmt::Write as _;

use super::{takes_names, words};
use crate::arguments::VERBS;

pub fn text() -> String {
    let verbs = VERBS.iter().map(|verb| verb.name).collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "# bash completion for bakery: source <(bakery completions bash)\n\
         _bakery() {{\n\
         \x20 local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n\
         \x20 local options valued names=\n\
         \x20 COMPREPLY=()\n\
         \x20 if ((COMP_CWORD == 1)); then\n\
         \x20   COMPREPLY=($(compgen -W '{verbs} help' -- \"$word\"))\n\
         \x20   return\n\
         \x20 fi\n\
         \x20 case ${{COMP_WORDS[1]}} in\n"
    );
    for verb in VERBS {
        let all: Vec<String> = verb.options.iter().flat_map(|option| words(option)).collect();
        let valued = verb.options.iter().filter(|option| option.takes_next());
        let valued: Vec<String> = valued.flat_map(|option| words(option)).collect();
        let names = if takes_names(verb) { "names=yes " } else { "" };
        let _ = writeln!(
            text,
            "    {}) options=' {} ' valued=' {} ' {names};;",
            verb.name,
            all.join(" "),
            valued.join(" ")
        );
    }
    let verbs_after_help = format!(
        "    help) ((COMP_CWORD == 2)) && COMPREPLY=($(compgen -W '{verbs}' -- \"$word\")); return ;;\n"
    );
    let shells = "    completions) [[ $word != -* ]] && COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\")) ;;\n";
    text + &verbs_after_help
        + "    *) return ;;\n\
         \x20 esac\n\
         \x20 # A value, or what follows a command: files, by default.\n\
         \x20 [[ $valued == *\" $before \"* || \" ${COMP_WORDS[*]:2:COMP_CWORD-2} \" == *' -- '* ]] && return\n\
         \x20 case ${COMP_WORDS[1]} in\n"
        + shells
        + "  esac\n\
         \x20 if [[ $word == -* ]]; then\n\
         \x20   COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n\
         \x20 elif [[ $names && $word != */* ]]; then\n\
         \x20   COMPREPLY=($(compgen -W \"$(bakery completions names 2>/dev/null)\" -- \"$word\"))\n\
         \x20 fi\n\
         }\n\
         complete -o default -F _bakery bakery\n"
}
