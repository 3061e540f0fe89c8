//! For zsh.

use std::fmt::Write as _;

use super::{quoted, takes_names, words};
use crate::arguments::{Opt, VERBS};

pub fn text() -> String {
    let mut text = "#compdef bakery\n\
        # zsh completion for bakery: source <(bakery completions zsh), or as _bakery in $fpath\n\
        _bakery_names() {\n\
        \x20 local -a names\n\
        \x20 names=(${(f)\"$(bakery completions names 2>/dev/null)\"})\n\
        \x20 compadd -a names\n\
        \x20 _files\n\
        }\n\
        _bakery() {\n\
        \x20 local -a verbs\n\
        \x20 verbs=(\n"
        .to_owned();
    for verb in VERBS {
        let _ = writeln!(text, "    {}", quoted(&format!("{}:{}", verb.name, verb.about)));
    }
    text.push_str(
        "  )\n\
        \x20 if ((CURRENT == 2)); then\n\
        \x20   _describe verb verbs\n\
        \x20   return\n\
        \x20 fi\n\
        \x20 local verb=$words[2]\n\
        \x20 shift words\n\
        \x20 ((CURRENT--))\n\
        \x20 case $verb in\n",
    );
    for verb in VERBS {
        let options: Vec<String> = verb.options.iter().flat_map(|option| specs(option)).collect();
        let operands = match verb.name {
            "completions" => "'1:shell:(bash zsh fish)'",
            "run" => "'1:lock:_bakery_names' '*::command:_normal'",
            _ if takes_names(verb) => "'*:lock:_bakery_names'",
            _ => "'*:file:_files'",
        };
        let _ =
            writeln!(text, "    {}) _arguments -s {} {operands} ;;", verb.name, options.join(" "));
    }
    text + "  esac\n}\n[[ $funcstack[1] == _bakery ]] && _bakery \"$@\" || compdef _bakery bakery\n"
}

/// A spec for each of an option's words.
fn specs(option: &Opt) -> Vec<String> {
    let help = option.help.replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    words(option)
        .iter()
        .map(|word| {
            let spec = match option.value {
                None => format!("{word}[{help}]"),
                Some(_) if option.may_lack_value() => format!("{word}=-[{help}]::key:"),
                Some(value) => {
                    let joined = if word.starts_with("--") { "=" } else { "+" };
                    let value = value.replace(':', "\\:");
                    format!("{word}{joined}[{help}]:{value}:_files")
                }
            };
            quoted(&spec)
        })
        .collect()
}
