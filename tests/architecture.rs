//! The layers of `.github/CONTRIBUTING.md`: reads `src/` and fails with the line that breaks a rule.
//!
//! An edge goes from a file to the file that defines what a path names, with re-exports resolved; `mod` lines and
//! `pub use` are none. A method call shows no path, so the inherent methods of a type stand in the file that defines
//! it: then whoever calls one has named the type, or been handed it by somebody who has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may name of the others. Of `session`, the rooms inside count, each with those below it.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("system", &["domain"]),
    ("config", &["domain", "system"]),
    ("credentials", &["domain", "system"]),
    ("oauth", &["domain", "system"]),
    ("platform", &["domain", "system"]),
    ("ui", &["domain"]),
    ("error", &["domain", "system", "config", "credentials", "oauth", "platform", "ui"]),
    ("session", &["domain", "system", "config", "credentials", "oauth", "platform", "error"]),
    ("commands", &["domain", "system", "config", "platform", "ui", "error", "session"]),
    ("cli", &["domain", "config", "commands", "ui", "error"]),
    ("logging", &["domain", "system"]),
    ("app", &["domain", "system", "ui", "error", "session", "commands", "cli", "logging"]),
];

/// The rooms of `session`, from the lowest; two on a line are siblings.
const SESSION: &[&[&str]] = &[
    &["context"],
    &["protection"],
    &["profile"],
    &["credential"],
    &["call"],
    &["login", "answers"],
    &["doctor"],
];

/// Where a crate may appear.
const FENCES: &[(&str, &[&str])] = &[
    ("keyring_core", &["credentials/keychain"]),
    ("apple_native_keyring_store", &["credentials/keychain"]),
    ("windows_native_keyring_store", &["credentials/keychain"]),
    ("security_framework", &["credentials/keychain"]),
    ("secret_service", &["credentials/keychain"]),
    ("zbus", &["credentials/keychain"]),
    ("figment", &["config/"]),
    ("toml_edit", &["config/"]),
    ("toml", &["config/"]),
    ("similar", &["config/edit.rs"]),
    ("oauth2", &["oauth/"]),
    ("reqwest", &["system/http/"]),
    ("rustls", &["system/http/"]),
    ("webpki", &["system/http/"]),
    ("h2", &["system/http/"]),
    ("comfy_table", &["ui/table.rs"]),
    ("inquire", &["ui/prompt.rs"]),
    ("crossterm", &["ui/spinner.rs"]),
    ("clap_complete", &["commands/completions/"]),
    ("clap_mangen", &["commands/man.rs"]),
    ("clap", &["cli.rs", "app.rs", "app/", "commands/"]),
    ("open", &["system/browser.rs"]),
    ("jaq_core", &["ui/jq.rs"]),
    ("jaq_json", &["ui/jq.rs"]),
    ("jaq_std", &["ui/jq.rs"]),
    ("hyper", &["oauth/callback.rs", "system/http/"]),
];

/// What panics where the system has no descriptor or thread left, and where it may be called.
const CALLS: &[(&str, &str)] = &[
    ("thread::spawn(", "system/runtime.rs"),
    ("spawn_blocking(", "system/runtime.rs"),
    ("Builder::new_current_thread(", "system/runtime.rs"),
    ("Builder::new_multi_thread(", "system/runtime.rs"),
    ("Timestamp::now(", "system/clock.rs"),
];

/// Decisions on text that the program itself wrote: a type must tell instead.
const PROSE: &[&str] = &[
    "Origin::Flag(\"the ",
    "starts_with(\"the proxy ",
    "split(\"autocom",
    "(\"autocom auth",
    "hint.contains(",
    "hint.starts_with(",
    "hint.split",
    "fix.contains(",
    "fix.starts_with(",
    "why.contains(",
    "why.starts_with(",
    "words.contains(\"",
    "message.contains(",
    "message.starts_with(",
    "message.split(",
];

/// One word or sign of a source file, and its line.
#[derive(Clone, Debug)]
struct Token {
    text: String,
    line: usize,
}

/// The tokens of a source, without comments, texts and test modules.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < chars.len() {
        let c = chars[at];
        let starts = |text: &str| text.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
        let end = if starts("//") {
            (at..chars.len()).find(|n| chars[*n] == '\n').unwrap_or(chars.len())
        } else if c == 'r' && matches!(chars.get(at + 1), Some('"' | '#')) && raw_text(&chars, at).is_some() {
            raw_text(&chars, at).unwrap()
        } else if c == '"' {
            let mut end = at + 1;
            while chars[end] != '"' {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            end + 1
        } else if c == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
            let closing = (at + 3..chars.len()).find(|n| chars[*n] == '\'').unwrap_or(at + 2);
            if chars[at + 1] == '\\' { closing + 1 } else { at + 3 }
        } else if is_word(c) {
            let end = (at..chars.len()).find(|n| !is_word(chars[*n])).unwrap_or(chars.len());
            found.push(Token { text: chars[at..end].iter().collect(), line });
            end
        } else if starts("::") {
            found.push(Token { text: "::".to_owned(), line });
            at + 2
        } else {
            if !c.is_whitespace() {
                found.push(Token { text: c.to_string(), line });
            }
            at + 1
        };
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    without_tests(found)
}

/// Where the raw text ends that begins at `at`, if one does.
fn raw_text(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(at + 1 + hashes) == Some(&'"')).then_some(())?;
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let start = at + 2 + hashes;
    (start..chars.len()).find(|n| chars[*n..].starts_with(&closing)).map(|end| end + closing.len())
}

fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let is_marker = tokens[at..].iter().zip(marker).filter(|(token, text)| token.text == *text).count()
            == marker.len();
        if is_marker {
            at = end_of_item(&tokens, at + marker.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Behind the item that begins at `at`: its `;`, or the brace that closes it.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" if depth == 0 => return at + 1,
            "{" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The paths of the tree of a `use`, each with the name that it has here.
fn use_tree(tokens: &[Token], prefix: &[String]) -> Vec<(Vec<String>, String)> {
    let (mut path, mut at) = (prefix.to_vec(), 0);
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "{" => {
                let (mut depth, mut start, mut found) = (0, at + 1, Vec::new());
                for (n, token) in tokens.iter().enumerate().skip(at) {
                    depth += match token.text.as_str() {
                        "{" => 1,
                        "}" => -1,
                        _ => 0,
                    };
                    if depth == 0 || (depth == 1 && token.text == ",") {
                        if n > start {
                            found.extend(use_tree(&tokens[start..n], &path));
                        }
                        start = n + 1;
                    }
                    if depth == 0 {
                        break;
                    }
                }
                return found;
            }
            "as" => return vec![(path, tokens[at + 1].text.clone())],
            "::" => {}
            "self" if !path.is_empty() => {}
            word => path.push(word.to_owned()),
        }
        at += 1;
    }
    let name = path.last().cloned().unwrap_or_default();
    vec![(path, name)]
}

struct Source {
    /// Such as `session/call/guard.rs`.
    file: String,
    module: Vec<String>,
    tokens: Vec<Token>,
    /// What each name stands for here, and whether it is passed on.
    uses: Vec<(Vec<String>, String, bool, usize)>,
}

impl Source {
    fn new(file: &str, text: &str) -> Source {
        let stem = file.trim_end_matches(".rs");
        let module = match stem.strip_suffix("/mod").unwrap_or(stem) {
            "lib" | "main" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        };
        let (mut rest, mut uses) = (Vec::new(), Vec::new());
        let tokens = tokens(text);
        let mut at = 0;
        while at < tokens.len() {
            let begins =
                at == 0 || matches!(tokens[at - 1].text.as_str(), ";" | "}" | "{" | "]" | ")" | "pub");
            if tokens[at].text == "use" && begins {
                let end = (at..tokens.len()).find(|n| tokens[*n].text == ";").unwrap_or(tokens.len());
                let is_passed_on = at > 0 && matches!(tokens[at - 1].text.as_str(), "pub" | ")");
                for (path, name) in use_tree(&tokens[at + 1..end], &[]) {
                    uses.push((path, name, is_passed_on, tokens[at].line));
                }
                at = end + 1;
            } else {
                rest.push(tokens[at].clone());
                at += 1;
            }
        }
        Source { file: file.to_owned(), module, tokens: rest, uses }
    }

    /// A path as it is written here, from the crate's root; `None`: of another crate, or a local name.
    fn absolute(&self, path: &[String], is_module: impl Fn(&[String]) -> bool) -> Option<Vec<String>> {
        let rest = |base: &[String], skip| base.iter().chain(&path[skip..]).cloned().collect::<Vec<_>>();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some(rest(&self.module, 1)),
            "super" => {
                let ups = path.iter().take_while(|word| *word == "super").count();
                let left = self.module.len().checked_sub(ups)?;
                Some(rest(&self.module[..left], ups))
            }
            first => {
                let child = rest(&self.module, 0)[..=self.module.len()].to_vec();
                if is_module(&child) && !child.is_empty() {
                    return Some(rest(&self.module, 0));
                }
                let (target, ..) =
                    self.uses.iter().find(|(target, name, ..)| name == first && target != path)?;
                let target = self.absolute(target, is_module)?;
                Some(target.iter().chain(&path[1..]).cloned().collect())
            }
        }
    }

    /// Every path of at least two words, with its line.
    fn paths(&self) -> Vec<(Vec<String>, usize)> {
        let (mut found, mut at) = (Vec::new(), 0);
        let is_word = |n: usize| {
            self.tokens
                .get(n)
                .is_some_and(|token| token.text.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        };
        let is_joint = |n: usize| self.tokens.get(n).is_some_and(|token| token.text == "::");
        while at < self.tokens.len() {
            if !is_word(at)
                || !is_joint(at + 1)
                || (at > 0 && matches!(self.tokens[at - 1].text.as_str(), "::" | "."))
            {
                at += 1;
                continue;
            }
            let (line, mut path) = (self.tokens[at].line, vec![self.tokens[at].text.clone()]);
            while is_joint(at + 1) && is_word(at + 2) {
                path.push(self.tokens[at + 2].text.clone());
                at += 2;
            }
            found.push((path, line));
            at += 1;
        }
        found
    }

    /// The types that are defined here, and those that have inherent methods here.
    fn types(&self) -> (BTreeSet<String>, Vec<(String, usize)>) {
        let (mut defined, mut implemented) = (BTreeSet::new(), Vec::new());
        for (at, token) in self.tokens.iter().enumerate() {
            match token.text.as_str() {
                "struct" | "enum" | "trait" | "type" => {
                    defined.extend(self.tokens.get(at + 1).map(|name| name.text.clone()));
                }
                "impl" if at == 0 || matches!(self.tokens[at - 1].text.as_str(), "}" | ";" | "]") => {
                    let head: Vec<_> =
                        self.tokens[at + 1..].iter().take_while(|token| token.text != "{").collect();
                    if head.iter().any(|token| token.text == "for") {
                        continue;
                    }
                    let mut depth = 0;
                    let name = head.iter().find(|token| {
                        depth += match token.text.as_str() {
                            "<" => 1,
                            ">" => -1,
                            _ => 0,
                        };
                        depth == 0 && token.text.starts_with(char::is_alphabetic)
                    });
                    implemented.extend(name.map(|name| (name.text.clone(), name.line)));
                }
                _ => {}
            }
        }
        (defined, implemented)
    }
}

/// The room that a file is in: inside `session`, the room there.
fn room(file: &str) -> String {
    let mut words = file.trim_end_matches(".rs").split('/');
    let first = words.next().unwrap_or_default();
    match words.next() {
        Some(inner) if first == "session" => format!("session/{inner}"),
        _ => first.to_owned(),
    }
}

/// Why a file of the room `from` must not name one of the room `to`, if so.
fn forbids(from: &str, to: &str) -> Option<String> {
    let rank = |room: &str| {
        let inner = room.strip_prefix("session/")?;
        SESSION.iter().position(|rooms| rooms.contains(&inner))
    };
    let outer = |room: &str| room.split('/').next().unwrap_or_default().to_owned();
    let may = match (from.contains('/') && from != to, outer(from) == outer(to)) {
        _ if from == to || ["lib", "main", "build"].contains(&from) => true,
        (true, true) => match (rank(from), rank(to)) {
            (Some(from), Some(to)) => to < from,
            _ => false,
        },
        (false, true) => true,
        _ => {
            ROOMS.iter().any(|(name, allowed)| *name == outer(from) && allowed.contains(&outer(to).as_str()))
        }
    };
    (!may).then(|| format!("`{from}` must not name `{to}`"))
}

struct Tree {
    sources: Vec<Source>,
    modules: HashMap<Vec<String>, usize>,
}

impl Tree {
    fn new(files: &[(String, String)]) -> Tree {
        let sources: Vec<_> = files.iter().map(|(file, text)| Source::new(file, text)).collect();
        let modules = sources.iter().enumerate().map(|(n, source)| (source.module.clone(), n)).collect();
        Tree { sources, modules }
    }

    /// The file that defines what an absolute path names.
    fn definition(&self, path: &[String], depth: usize) -> Option<usize> {
        let length = (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length]))?;
        let source = self.modules[&path[..length]];
        let Some(name) = path.get(length).filter(|_| depth < 8) else { return Some(source) };
        let passed_on = self.sources[source]
            .uses
            .iter()
            .find(|(_, known, is_passed_on, _)| *is_passed_on && known == name);
        let Some((target, ..)) = passed_on else { return Some(source) };
        let mut target = self.sources[source].absolute(target, |module| self.modules.contains_key(module))?;
        target.extend_from_slice(&path[length + 1..]);
        self.definition(&target, depth + 1)
    }

    /// For each file, those that it names, each with a line that does.
    fn edges(&self) -> Vec<BTreeMap<usize, usize>> {
        let is_module = |module: &[String]| self.modules.contains_key(module);
        let of = |from: usize| {
            let source = &self.sources[from];
            let imports = source.uses.iter().filter(|(.., is_passed_on, _)| !is_passed_on);
            let imports = imports.map(|(path, .., line)| (path.clone(), *line));
            let mut edges = BTreeMap::new();
            for (path, line) in imports.chain(source.paths()) {
                let target = source.absolute(&path, is_module).and_then(|path| self.definition(&path, 0));
                if let Some(target) = target.filter(|target| *target != from) {
                    edges.entry(target).or_insert(line);
                }
            }
            edges
        };
        (0..self.sources.len()).map(of).collect()
    }

    fn place(&self, source: usize, line: usize) -> String {
        format!("src/{}:{line}", self.sources[source].file)
    }

    fn broken_layers(&self) -> Vec<String> {
        let edges = self.edges();
        let broken = edges.iter().enumerate().flat_map(|(from, edges)| {
            edges.iter().filter_map(move |(to, line)| {
                let rooms = [from, *to].map(|source| room(&self.sources[source].file));
                forbids(&rooms[0], &rooms[1]).map(|why| format!("{}: {why}", self.place(from, *line)))
            })
        });
        broken.collect()
    }

    /// Every pair of files that can reach each other, by the edge that leads back.
    fn cycles(&self) -> Vec<String> {
        let edges = self.edges();
        let reaches = |from: usize| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
            while let Some(source) = next.pop() {
                next.extend(edges[source].keys().filter(|to| seen.insert(**to)));
            }
            seen
        };
        let reached: Vec<_> = (0..edges.len()).map(reaches).collect();
        let broken = edges.iter().enumerate().flat_map(|(from, edges)| {
            let back = edges.iter().filter(|(to, _)| reached[**to].contains(&from)).collect::<Vec<_>>();
            back.into_iter().map(move |(to, line)| {
                let (place, to) = (self.place(from, *line), &self.sources[*to].file);
                format!("{place}: src/{to} leads back here: no cycle between files")
            })
        });
        broken.collect()
    }

    fn scattered_methods(&self) -> Vec<String> {
        let broken = self.sources.iter().enumerate().flat_map(|(n, source)| {
            let (defined, implemented) = source.types();
            let elsewhere = implemented.into_iter().filter(move |(name, _)| !defined.contains(name));
            elsewhere.map(move |(name, line)| {
                format!("{}: the methods of `{name}` belong in the file that defines it", self.place(n, line))
            })
        });
        broken.collect()
    }
}

fn misplaced(source: &Source, text: &str) -> Vec<String> {
    let (file, mut broken) = (source.file.as_str(), Vec::new());
    let imports = source.uses.iter().map(|(path, .., line)| (path.clone(), *line));
    for (path, line) in imports.chain(source.paths()) {
        let fence = FENCES.iter().find(|(krate, _)| path[0] == *krate);
        if let Some((krate, rooms)) =
            fence.filter(|(_, rooms)| !rooms.iter().any(|room| file.starts_with(room)))
        {
            broken.push(format!("src/{file}:{line}: the crate `{krate}` belongs in {}", rooms.join(", ")));
        }
    }
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (call, home) in CALLS.iter().filter(|(call, home)| code.contains(call) && file != *home) {
            broken.push(format!("src/{file}:{}: `{call}` belongs in {home}", number + 1));
        }
    }
    let own = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    for (number, line) in own.lines().enumerate() {
        for call in PROSE.iter().filter(|call| line.contains(**call)) {
            broken.push(format!("src/{file}:{}: `{call}`: no decision on our own text", number + 1));
        }
    }
    if !file.contains('/')
        && !["lib.rs", "main.rs", "build.rs"].contains(&file)
        && !ROOMS.iter().any(|(room, _)| file == format!("{room}.rs"))
    {
        broken.push(format!("src/{file}: the room is not in the table"));
    }
    broken
}

fn broken_rules(files: &[(String, String)]) -> Vec<String> {
    let tree = Tree::new(files);
    let placed = tree.sources.iter().zip(files).flat_map(|(source, (_, text))| misplaced(source, text));
    placed.chain(tree.broken_layers()).chain(tree.cycles()).chain(tree.scattered_methods()).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            found.push(path);
        }
    }
}

#[test]
fn layers_fences_and_files_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    let mut files: Vec<_> =
        paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect();
    files.retain(|(file, _)| !matches!(file.as_str(), "main.rs" | "build.rs"));
    assert!(files.len() > 100, "src/ was not found as a whole");
    let broken = broken_rules(&files);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Where a test uses another test's code, and not that of `tests/support`.
fn borrowed(file: &str, text: &str) -> Vec<String> {
    let source = Source::new(file, text);
    let imports = source.uses.iter().map(|(path, .., line)| (path.clone(), *line));
    let shared = ["support", "platform"];
    let from_others = imports
        .chain(source.paths())
        .filter(|(path, _)| path[0] == "crate" && path.get(1).is_none_or(|room| !shared.contains(&&**room)));
    from_others
        .map(|(path, line)| {
            format!("tests/{file}:{line}: `{}`: what tests share is in tests/support", path.join("::"))
        })
        .collect()
}

#[test]
fn tests_share_code_in_support_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
    assert!(files.len() > 50, "tests/ was not found as a whole");
    let broken: Vec<_> = files
        .iter()
        .flat_map(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            borrowed(&name, &fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert_eq!(borrowed("a.rs", "use crate::b::helper;\nfn f() { crate::c::g() }").len(), 2);
}

#[test]
fn each_kind_of_breach_is_seen() {
    let broken = |files: &[(&str, &str)]| {
        let files: Vec<_> =
            files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        broken_rules(&files)
    };
    let config = ("config/mod.rs", "mod edit;\npub use edit::Edit;\npub struct Config;");
    let edit = ("config/edit.rs", "pub struct Edit; // use crate::oauth::X");
    let upward = broken(&[config, edit, ("oauth/flow.rs", "\nuse crate::config::Edit;")]);
    assert_eq!(upward, ["src/oauth/flow.rs:2: `oauth` must not name `config`"]);
    let spelled_out = broken(&[config, edit, ("oauth/flow.rs", "fn f() { crate::config::Edit::new() }")]);
    assert_eq!(spelled_out.len(), 1, "{spelled_out:?}");
    let (call, login) = ("session/call/guard.rs", "session/login/target.rs");
    let room = broken(&[
        (call, "use crate::session::login::target;\nfn f() { target::g() }"),
        (login, "pub fn g() {}"),
    ]);
    assert_eq!(room, ["src/session/call/guard.rs:1: `session/call` must not name `session/login`"]);
    assert!(
        broken(&[(login, "use crate::session::call::guard::Guard;"), (call, "pub struct Guard;")]).is_empty()
    );
    let cycle = broken(&[
        ("config/mod.rs", "mod edit;\nmod facts;"),
        ("config/edit.rs", "use super::facts::Facts;\npub struct Edit;"),
        ("config/facts.rs", "pub struct Facts;\nfn f() { super::edit::g() }"),
    ]);
    assert_eq!(cycle.len(), 2, "{cycle:?}");
    assert!(cycle[1].starts_with("src/config/facts.rs:2: src/config/edit.rs leads back here"), "{cycle:?}");
    let methods =
        broken(&[config, ("config/edit.rs", "use super::Config;\n\nimpl<'a> Config {\n fn f(&self) {}\n}")]);
    assert_eq!(methods, ["src/config/edit.rs:3: the methods of `Config` belong in the file that defines it"]);
    assert!(
        broken(&[
            config,
            ("config/edit.rs", "use super::Config;\nimpl Drop for Config { fn drop(&mut self) {} }")
        ])
        .is_empty()
    );
    assert_eq!(broken(&[("oauth/flow.rs", "use reqwest::Client;")]).len(), 1);
    assert_eq!(broken(&[("oauth/flow.rs", "fn f() { std::thread::spawn(work); }")]).len(), 1);
    assert_eq!(broken(&[("oauth/flow.rs", "fn f() { error.hint.contains(\"x\") }")]).len(), 1);
    assert_eq!(broken(&[("nowhere.rs", "")]).len(), 1);
    let in_a_test = "#[cfg(test)]\nmod tests { use crate::config::Edit; }";
    assert!(
        broken(&[
            config,
            edit,
            ("oauth/flow.rs", in_a_test),
            ("oauth/text.rs", "const X: &str = r#\"crate::config::Edit\"#;")
        ])
        .is_empty()
    );
}
