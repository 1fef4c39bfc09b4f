//! Every command that there is, and what to give it.

use std::collections::BTreeMap;

use autocom::cli::Cli;
use clap::CommandFactory;

/// Every command as it is typed, from clap: a new one can't be forgotten.
pub fn commands() -> Vec<String> {
    tree().into_iter().filter(|(_, leaf)| *leaf).map(|(path, _)| path).collect()
}

/// The same with what groups them, the root's empty name included.
pub fn commands_and_groups() -> Vec<String> {
    tree().into_iter().map(|(path, _)| path).collect()
}

fn tree() -> Vec<(String, bool)> {
    fn below(command: &clap::Command, path: &str, found: &mut Vec<(String, bool)>) {
        let subs: Vec<_> = command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
        found.push((path.to_owned(), subs.is_empty()));
        for sub in subs {
            below(sub, format!("{path} {}", sub.get_name()).trim_start(), found);
        }
    }
    let mut found = Vec::new();
    let mut root = Cli::command();
    root.build();
    below(&root, "", &mut found);
    found
}

/// What each command needs to do something. Those that end a login come last.
pub fn arguments() -> BTreeMap<&'static str, Vec<&'static str>> {
    BTreeMap::from([
        ("auth login", vec!["--token-stdin --api-url https://a.test", "--no-browser", "--timeout 0.1"]),
        ("login", vec!["--token-stdin", "--with-token x --token-stdin"]),
        ("config edit", vec![""]),
        ("config get", vec!["tenant", "profiles.one.api_url", "token", "client_id"]),
        ("config set", vec!["ring edge", "token x", "profiles.one.tenant acme"]),
        ("config unset", vec!["ring", "token"]),
        ("profiles show", vec!["", "one", "one --explain", "--explain token"]),
        ("profiles diff", vec!["one default --all", "one one --exit-code"]),
        ("profiles set", vec!["new api_url=https://new.test"]),
        ("profiles use", vec!["", "one", "-", "one --shell fish", "- --shell"]),
        ("profiles pin", vec!["", "one", "--accept"]),
        ("profiles unpin", vec!["", "--file"]),
        ("profiles export", vec!["", "one"]),
        ("profiles import", vec!["-", "nowhere.toml"]),
        ("profiles rename", vec!["new newer"]),
        ("profiles remove", vec!["newer", "one"]),
        ("profiles unlock", vec!["one --reason why"]),
        ("profiles lock", vec!["one"]),
        ("auth status", vec!["", "--check"]),
        ("prompt", vec!["", "--color always --shell bash"]),
        ("doctor", vec!["", "--offline", "--fix"]),
        ("auth token", vec!["", "--min-ttl 999999999"]),
        ("tenants use", vec!["globex", "acme --no-check"]),
        ("orders list", vec!["--limit 2", "--status hunter"]),
        ("api", vec!["profile -i", "graphql -f query={a}", "PATCH orders/1 --input -", "https://x.test/"]),
        ("completions", vec!["bash", "hunter3"]),
        ("man", vec!["", "--dir pages"]),
        ("exec", vec!["-- true", "-- nowhere-to-be-found"]),
        ("auth logout", vec!["--local-only --profile two", ""]),
        ("logout", vec!["--all"]),
    ])
}
